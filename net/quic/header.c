// SPDX-License-Identifier: GPL-2.0-only

#include <linux/errno.h>
#include <linux/unaligned.h>
#include "header.h"

#define QUIC_HDR_VERSION_OFF	1
#define QUIC_HDR_CIDS_OFF	5

/* RFC 9000, Table 5, and RFC 9369, 3.2: the Type field, bits 0x30. */
static const enum quic_pkt_type quic_types_v1[] = {
	QUIC_PKT_INITIAL, QUIC_PKT_0RTT, QUIC_PKT_HANDSHAKE, QUIC_PKT_RETRY,
};

static const enum quic_pkt_type quic_types_v2[] = {
	QUIC_PKT_RETRY, QUIC_PKT_INITIAL, QUIC_PKT_0RTT, QUIC_PKT_HANDSHAKE,
};

static enum quic_pkt_type quic_long_type(u32 version, u8 first)
{
	u8 bits = (first & QUIC_HDR_LONG_TYPE) >> 4;

	return version == QUIC_VERSION_V2 ? quic_types_v2[bits] :
					    quic_types_v1[bits];
}

static u8 quic_long_first(u32 version, enum quic_pkt_type type)
{
	u8 bits = 0;

	while (bits < ARRAY_SIZE(quic_types_v1) - 1 &&
	       quic_long_type(version, bits << 4) != type)
		bits++;
	return QUIC_HDR_LONG | QUIC_HDR_FIXED | bits << 4;
}

static void quic_cid_copy(struct quic_cid *cid, const u8 *data, u8 len)
{
	cid->len = min(len, QUIC_CID_MAX_LEN);
	memcpy(cid->data, data, cid->len);
}

/* One connection ID with its length byte, as in every version (RFC 8999, 5.1) */
static const u8 *quic_parse_cid(const u8 *pos, const u8 *end,
				const u8 **data, u8 *len)
{
	if (pos >= end || end - pos - 1 < *pos)
		return NULL;
	*len = *pos++;
	*data = pos;
	return pos + *len;
}

static const u8 *quic_parse_cids(const u8 *pos, const u8 *end,
				 struct quic_header *hdr)
{
	pos = quic_parse_cid(pos, end, &hdr->dcid_ptr, &hdr->dcid_len);
	if (!pos)
		return NULL;
	pos = quic_parse_cid(pos, end, &hdr->scid_ptr, &hdr->scid_len);
	if (!pos)
		return NULL;
	quic_cid_copy(&hdr->dcid, hdr->dcid_ptr, hdr->dcid_len);
	quic_cid_copy(&hdr->scid, hdr->scid_ptr, hdr->scid_len);
	return pos;
}

/* RFC 9000, 17.2.1: at least one version, and whole ones. */
static int quic_parse_version_neg(const u8 *pos, const u8 *end,
				  struct quic_header *hdr)
{
	if (pos == end || (end - pos) % sizeof(__be32))
		return -EINVAL;
	hdr->type = QUIC_PKT_VERSION_NEG;
	hdr->versions = pos;
	hdr->nr_versions = (end - pos) / sizeof(__be32);
	return 0;
}

/* RFC 9000, 17.2.5: all that is not the tag is the token, which must be there
 * (17.2.5.2).
 */
static int quic_parse_retry(const u8 *pos, const u8 *end,
			    struct quic_header *hdr)
{
	if (end - pos <= QUIC_TAG_LEN)
		return -EINVAL;
	hdr->token = pos;
	hdr->token_len = end - pos - QUIC_TAG_LEN;
	hdr->retry_tag = end - QUIC_TAG_LEN;
	return 0;
}

static int quic_parse_token(const u8 **pos, const u8 *end,
			    struct quic_header *hdr)
{
	u64 len;

	if (quic_varint_get(pos, end, &len) || len > end - *pos)
		return -EINVAL;
	hdr->token_len = len;
	hdr->token = len ? *pos : NULL;
	*pos += len;
	return 0;
}

/* Sets where the packet number is and where the packet ends, and checks that
 * there is enough to sample: what is shorter cannot be a packet, and must not
 * be touched (RFC 9001, 5.4.2).
 */
static int quic_parse_protected(u32 pn_off, u32 length, struct quic_header *hdr)
{
	hdr->length = length;
	hdr->pn_off = pn_off;
	hdr->pkt_len = pn_off + length;
	if (length < QUIC_HP_SAMPLE_OFF + QUIC_HP_SAMPLE_LEN)
		return -EMSGSIZE;
	return 0;
}

static int quic_parse_long(const u8 *data, u32 len, struct quic_header *hdr)
{
	const u8 *end = data + len;
	const u8 *pos;
	u64 length;

	if (len < QUIC_HDR_CIDS_OFF)
		return -EINVAL;
	hdr->version = get_unaligned_be32(data + QUIC_HDR_VERSION_OFF);
	pos = quic_parse_cids(data + QUIC_HDR_CIDS_OFF, end, hdr);
	if (!pos)
		return -EINVAL;

	if (!hdr->version)
		return quic_parse_version_neg(pos, end, hdr);
	if (!quic_version_known(hdr->version))
		return 0;
	if (hdr->dcid_len > QUIC_CID_MAX_LEN ||
	    hdr->scid_len > QUIC_CID_MAX_LEN)
		return -EINVAL;

	hdr->type = quic_long_type(hdr->version, *data);
	if (hdr->type == QUIC_PKT_RETRY)
		return quic_parse_retry(pos, end, hdr);
	if (hdr->type == QUIC_PKT_INITIAL && quic_parse_token(&pos, end, hdr))
		return -EINVAL;
	if (quic_varint_get(&pos, end, &length) || length > end - pos)
		return -EINVAL;
	return quic_parse_protected(pos - data, length, hdr);
}

static int quic_parse_short(const u8 *data, u32 len, u8 cid_len,
			    struct quic_header *hdr)
{
	u32 pn_off = 1 + cid_len;

	if (len < pn_off)
		return -EINVAL;
	hdr->type = QUIC_PKT_1RTT;
	hdr->spin = *data & QUIC_HDR_SPIN;
	hdr->dcid_ptr = data + 1;
	hdr->dcid_len = cid_len;
	quic_cid_copy(&hdr->dcid, hdr->dcid_ptr, cid_len);
	return quic_parse_protected(pn_off, len - pn_off, hdr);
}

/**
 * quic_header_parse - parse the header of the packet at the start of some bytes
 * @data:	   rest of a datagram
 * @len:	   bytes at @data
 * @short_cid_len: length of the connection IDs that we issue, at most 20; a
 *		   short header does not say it
 * @hdr:	   receives the result
 *
 * Nothing of it is authenticated yet. The packet number and the bits of the
 * first byte that header protection covers are left alone.
 *
 * Return: 0; -EINVAL if this is no QUIC packet, and no more can follow in the
 * datagram; -EMSGSIZE if the packet is too short to be protected, in which case
 * only @hdr->pkt_len may be used, to go on with the next coalesced packet.
 */
int quic_header_parse(const u8 *data, u32 len, u8 short_cid_len,
		      struct quic_header *hdr)
{
	memset(hdr, 0, sizeof(*hdr));
	if (!len)
		return -EINVAL;
	hdr->pkt_len = len;
	hdr->long_form = *data & QUIC_HDR_LONG;
	hdr->fixed_bit = *data & QUIC_HDR_FIXED;
	if (hdr->long_form)
		return quic_parse_long(data, len, hdr);
	return quic_parse_short(data, len, short_cid_len, hdr);
}

/**
 * quic_header_version - one Supported Version of a Version Negotiation packet
 * @hdr: the parsed packet
 * @i:	 less than @hdr->nr_versions
 *
 * Return: the version.
 */
u32 quic_header_version(const struct quic_header *hdr, u32 i)
{
	return get_unaligned_be32(hdr->versions + i * sizeof(__be32));
}

static u8 *quic_put_cid(u8 *p, const u8 *data, u8 len)
{
	*p++ = len;
	return quic_put_bytes(p, data, len);
}

/* What all versions' long headers begin with (RFC 8999, 5.1) */
static u8 *quic_put_invariant(u8 *p, u8 first, u32 version,
			      const struct quic_cid *dcid,
			      const struct quic_cid *scid)
{
	*p++ = first;
	put_unaligned_be32(version, p);
	p = quic_put_cid(p + sizeof(version), dcid->data, dcid->len);
	return quic_put_cid(p, scid->data, scid->len);
}

static u32 quic_len_invariant(u8 dcid_len, u8 scid_len)
{
	return QUIC_HDR_CIDS_OFF + 1 + dcid_len + 1 + scid_len;
}

/**
 * quic_header_len_long - length of an Initial, 0-RTT or Handshake header
 * @type:      packet type
 * @dcid:      Destination Connection ID
 * @scid:      Source Connection ID
 * @token_len: of an Initial, else ignored
 * @pn_len:    1 to 4
 *
 * Return: bytes that quic_header_put_long() writes, packet number included.
 */
u32 quic_header_len_long(enum quic_pkt_type type, const struct quic_cid *dcid,
			 const struct quic_cid *scid, u32 token_len, u8 pn_len)
{
	u32 len = quic_len_invariant(dcid->len, scid->len);

	if (type == QUIC_PKT_INITIAL)
		len += quic_varint_len(token_len) + token_len;
	return len + QUIC_HDR_LENGTH_LEN + pn_len;
}

/**
 * quic_header_put_long - write an Initial, 0-RTT or Handshake header
 * @p:	       where to write
 * @type:      packet type
 * @version:   a version that we know
 * @dcid:      Destination Connection ID
 * @scid:      Source Connection ID
 * @token:     Initial: token, else ignored
 * @token_len: its length, 0 for none
 * @pn:	       packet number
 * @pn_len:    1 to 4
 *
 * The Length field is left for quic_header_set_length().
 *
 * Return: the end of the packet number, where the payload starts.
 */
u8 *quic_header_put_long(u8 *p, enum quic_pkt_type type, u32 version,
			 const struct quic_cid *dcid,
			 const struct quic_cid *scid,
			 const u8 *token, u32 token_len, u64 pn, u8 pn_len)
{
	u8 first = quic_long_first(version, type) | (pn_len - 1);

	p = quic_put_invariant(p, first, version, dcid, scid);
	if (type == QUIC_PKT_INITIAL) {
		p = quic_varint_put(p, token_len);
		p = quic_put_bytes(p, token, token_len);
	}
	p = quic_varint_put_fixed(p, 0, QUIC_HDR_LENGTH_LEN);
	return quic_pn_put(p, pn, pn_len);
}

/**
 * quic_header_set_length - fill in the Length field of a long header
 * @pn:	    where the packet number starts
 * @length: bytes of packet number, payload and tag, at most QUIC_HDR_LENGTH_MAX
 */
void quic_header_set_length(u8 *pn, u32 length)
{
	quic_varint_put_fixed(pn - QUIC_HDR_LENGTH_LEN, length,
			      QUIC_HDR_LENGTH_LEN);
}

/**
 * quic_header_put_short - write a 1-RTT header (RFC 9000, 17.3.1)
 * @p:	       where to write quic_header_len_short() bytes
 * @dcid:      Destination Connection ID
 * @pn:	       packet number
 * @pn_len:    1 to 4
 * @key_phase: Key Phase bit
 * @spin:      Spin bit
 *
 * Return: the end of the packet number, where the payload starts.
 */
u8 *quic_header_put_short(u8 *p, const struct quic_cid *dcid, u64 pn, u8 pn_len,
			  bool key_phase, bool spin)
{
	*p = QUIC_HDR_FIXED | (pn_len - 1);
	if (key_phase)
		*p |= QUIC_HDR_KEY_PHASE;
	if (spin)
		*p |= QUIC_HDR_SPIN;
	p = quic_put_bytes(p + 1, dcid->data, dcid->len);
	return quic_pn_put(p, pn, pn_len);
}

/**
 * quic_header_len_retry - length of a Retry packet without its tag
 * @dcid:      Destination Connection ID
 * @scid:      Source Connection ID
 * @token_len: bytes of Retry Token
 *
 * Return: bytes that quic_header_put_retry() writes.
 */
u32 quic_header_len_retry(const struct quic_cid *dcid,
			  const struct quic_cid *scid, u32 token_len)
{
	return quic_len_invariant(dcid->len, scid->len) + token_len;
}

/**
 * quic_header_put_retry - write a Retry packet without its tag
 * @p:	       where to write
 * @version:   a version that we know
 * @dcid:      Destination Connection ID: the client's source
 * @scid:      Source Connection ID: the new one
 * @token:     Retry Token
 * @token_len: its length, above 0
 * @random:    for the bits that are to be arbitrary (RFC 9000, 17.2.5)
 *
 * Return: where the Retry Integrity Tag goes.
 */
u8 *quic_header_put_retry(u8 *p, u32 version, const struct quic_cid *dcid,
			  const struct quic_cid *scid,
			  const u8 *token, u32 token_len, u8 random)
{
	u8 first = quic_long_first(version, QUIC_PKT_RETRY) | (random & 0x0f);

	p = quic_put_invariant(p, first, version, dcid, scid);
	return quic_put_bytes(p, token, token_len);
}

/**
 * quic_header_len_version_neg - length of a Version Negotiation packet
 * @dcid_len:	 length of the Destination Connection ID
 * @scid_len:	 length of the Source Connection ID
 * @nr_versions: versions that are offered
 *
 * Return: bytes that quic_header_put_version_neg() writes.
 */
u32 quic_header_len_version_neg(u8 dcid_len, u8 scid_len, u32 nr_versions)
{
	return quic_len_invariant(dcid_len, scid_len) +
	       nr_versions * sizeof(__be32);
}

/**
 * quic_header_put_version_neg - write a Version Negotiation packet
 * @p:		 where to write
 * @dcid:	 Destination Connection ID: the client's source
 * @dcid_len:	 up to 255, as all versions allow
 * @scid:	 Source Connection ID: the client's destination
 * @scid_len:	 up to 255
 * @versions:	 versions to offer
 * @nr_versions: how many
 * @random:	 for the bits that are to be arbitrary (RFC 9000, 17.2.1)
 *
 * The Fixed Bit is set all the same, so that what shares the port with QUIC can
 * tell it (RFC 9000, 17.2.1).
 *
 * Return: the end of the packet.
 */
u8 *quic_header_put_version_neg(u8 *p, const u8 *dcid, u8 dcid_len,
				const u8 *scid, u8 scid_len,
				const u32 *versions, u32 nr_versions,
				u8 random)
{
	u32 i;

	*p++ = QUIC_HDR_LONG | QUIC_HDR_FIXED | random;
	put_unaligned_be32(0, p);
	p = quic_put_cid(p + sizeof(u32), dcid, dcid_len);
	p = quic_put_cid(p, scid, scid_len);
	for (i = 0; i < nr_versions; i++) {
		put_unaligned_be32(versions[i], p);
		p += sizeof(u32);
	}
	return p;
}
