// SPDX-License-Identifier: GPL-2.0-only
#include <linux/skbuff.h>
#include <linux/sunrpc/msg_prot.h>

#include "record.h"

/**
 * rpcquic_piece_copy - copy bytes without taking them
 * @piece: where from
 * @to:    where to
 * @len:   how many, of those that are there
 */
void rpcquic_piece_copy(struct rpcquic_piece *piece, void *to, u32 len)
{
	/* Cannot fail: the bytes are there. */
	skb_copy_bits(piece->skb, piece->offset, to, len);
}

static void rpcquic_piece_pull(struct rpcquic_piece *piece, u32 len)
{
	piece->offset += len;
	piece->len -= len;
}

/**
 * rpcquic_record_next - get to the next bytes of a message
 * @rec:   position
 * @piece: received bytes; a marker is taken from them
 *
 * Return: whether there are any. An empty fragment counts: its zero bytes are
 * to be taken, too.
 */
bool rpcquic_record_next(struct rpcquic_record *rec,
			 struct rpcquic_piece *piece)
{
	u32 n;

	if (rec->marker_len < sizeof(rec->marker)) {
		n = min_t(u32, sizeof(rec->marker) - rec->marker_len,
			  piece->len);
		rpcquic_piece_copy(piece, (u8 *)&rec->marker + rec->marker_len,
				   n);
		rpcquic_piece_pull(piece, n);
		rec->marker_len += n;
		if (rec->marker_len < sizeof(rec->marker))
			return false;
		rec->left = be32_to_cpu(rec->marker) & RPC_FRAGMENT_SIZE_MASK;
	}
	return piece->len || !rec->left;
}

/**
 * rpcquic_record_payload - how many bytes of the current fragment are there
 * @rec:   position, from rpcquic_record_next()
 * @piece: received bytes
 *
 * Return: their number.
 */
u32 rpcquic_record_payload(const struct rpcquic_record *rec,
			   const struct rpcquic_piece *piece)
{
	return min(rec->left, piece->len);
}

/**
 * rpcquic_record_take - be done with bytes of the current fragment
 * @rec:   position
 * @piece: received bytes
 * @len:   how many; at most rpcquic_record_payload()
 *
 * Return: whether they were the last of a message.
 */
bool rpcquic_record_take(struct rpcquic_record *rec,
			 struct rpcquic_piece *piece, u32 len)
{
	rpcquic_piece_pull(piece, len);
	rec->left -= len;
	if (rec->left)
		return false;
	rec->marker_len = 0;
	return rec->marker & cpu_to_be32(RPC_LAST_STREAM_FRAGMENT);
}

/**
 * rpcquic_record_idle - is the stream between two fragments?
 * @rec: position
 *
 * Return: whether it is.
 */
bool rpcquic_record_idle(const struct rpcquic_record *rec)
{
	return !rec->marker_len;
}
