// SPDX-License-Identifier: GPL-2.0-only

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/unaligned.h>
#include "varint.h"

/**
 * quic_varint_get - read a variable-length integer
 * @pos: where to read, moved behind the integer on success
 * @end: end of what may be read
 * @val: receives the value
 *
 * Any of the four lengths is accepted for any value (RFC 9000, 16).
 *
 * Return: 0, or -EINVAL if the integer does not end before @end.
 */
int quic_varint_get(const u8 **pos, const u8 *end, u64 *val)
{
	const u8 *p = *pos;
	u32 len;

	if (p >= end)
		return -EINVAL;
	len = 1U << (*p >> 6);
	if (end - p < len)
		return -EINVAL;

	switch (len) {
	case 1:
		*val = *p;
		break;
	case 2:
		*val = get_unaligned_be16(p) & 0x3fff;
		break;
	case 4:
		*val = get_unaligned_be32(p) & 0x3fffffff;
		break;
	default:
		*val = get_unaligned_be64(p) & QUIC_VARINT_MAX;
	}
	*pos = p + len;
	return 0;
}

/**
 * quic_varint_put_fixed - write a variable-length integer of a given length
 * @p:	 where to write
 * @val: value that fits into @len bytes
 * @len: 1, 2, 4 or 8
 *
 * For fields whose length must not depend on a value that comes later.
 *
 * Return: the end of what was written.
 */
u8 *quic_varint_put_fixed(u8 *p, u64 val, u8 len)
{
	switch (len) {
	case 1:
		*p = val;
		break;
	case 2:
		put_unaligned_be16(val | 0x4000, p);
		break;
	case 4:
		put_unaligned_be32(val | 0x80000000, p);
		break;
	default:
		put_unaligned_be64(val | 0xc000000000000000ULL, p);
	}
	return p + len;
}

/**
 * quic_varint_put - write the shortest encoding of a variable-length integer
 * @p:	 where to write, with room for quic_varint_len(@val) bytes
 * @val: at most QUIC_VARINT_MAX
 *
 * Return: the end of what was written.
 */
u8 *quic_varint_put(u8 *p, u64 val)
{
	return quic_varint_put_fixed(p, val, quic_varint_len(val));
}

/**
 * quic_pn_len - bytes that a packet number needs on the wire
 * @pn:		   the number to send
 * @largest_acked: largest number acknowledged in its space, or -1
 * @behind:	   how many that are sent later may arrive before it
 *
 * The receiver must be able to tell twice as many numbers apart as are
 * outstanding, and should know the number still where those behind it have
 * overtaken it (RFC 9000, 17.1 and A.2).
 *
 * Return: 1 to 4.
 */
u8 quic_pn_len(u64 pn, s64 largest_acked, u64 behind)
{
	u64 num_unacked = pn - largest_acked + behind;
	/* One more than the binary logarithm, rounded up. */
	u32 min_bits = fls64(num_unacked - 1) + 1;

	return min(DIV_ROUND_UP(min_bits, 8), QUIC_PN_MAX_LEN);
}

/**
 * quic_pn_put - write a truncated packet number
 * @p:	    where to write
 * @pn:	    the full number
 * @pn_len: 1 to 4
 *
 * Return: the end of what was written.
 */
u8 *quic_pn_put(u8 *p, u64 pn, u8 pn_len)
{
	switch (pn_len) {
	case 1:
		*p = pn;
		break;
	case 2:
		put_unaligned_be16(pn, p);
		break;
	case 3:
		put_unaligned_be24(pn, p);
		break;
	default:
		put_unaligned_be32(pn, p);
	}
	return p + pn_len;
}

/**
 * quic_pn_get - read a truncated packet number
 * @p:	    where it starts, header protection removed
 * @pn_len: 1 to 4
 *
 * Return: the number as it stands, to be expanded with quic_pn_expand().
 */
u32 quic_pn_get(const u8 *p, u8 pn_len)
{
	switch (pn_len) {
	case 1:
		return *p;
	case 2:
		return get_unaligned_be16(p);
	case 3:
		return get_unaligned_be24(p);
	default:
		return get_unaligned_be32(p);
	}
}

/**
 * quic_pn_expand - recover a full packet number (RFC 9000, A.3)
 * @largest_pn:	  largest number successfully processed in the space, or -1
 * @truncated_pn: what quic_pn_get() returned
 * @pn_len:	  length it was read with
 *
 * Return: the candidate closest to one more than @largest_pn.
 */
u64 quic_pn_expand(s64 largest_pn, u32 truncated_pn, u8 pn_len)
{
	u64 expected_pn = largest_pn + 1;
	u64 pn_win = 1ULL << (8 * pn_len);
	u64 candidate_pn = (expected_pn & ~(pn_win - 1)) | truncated_pn;
	u64 pn_hwin = pn_win / 2;

	if (candidate_pn + pn_hwin <= expected_pn &&
	    candidate_pn < (1ULL << 62) - pn_win)
		return candidate_pn + pn_win;
	if (candidate_pn > expected_pn + pn_hwin && candidate_pn >= pn_win)
		return candidate_pn - pn_win;
	return candidate_pn;
}
