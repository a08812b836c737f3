/* SPDX-License-Identifier: GPL-2.0-only */
/* Packet headers: long, short, Retry and Version Negotiation (RFC 8999;
 * RFC 9000, 17; RFC 9369, 3.2), parsed as far as header protection lets them
 * be read, and built.
 *
 * Owns:    no state.
 * Guard:   none needed, pure functions on bytes.
 * Callers: udp_rx.c and input.c parse; packet_build.c, close.c and listen.c
 *          build. Removing header protection is crypto.c's work.
 */
#ifndef _NET_QUIC_HEADER_H
#define _NET_QUIC_HEADER_H

#include "types.h"
#include "varint.h"

/* First byte. What is not in the four upper bits of a long header, or the
 * three upper bits of a short one, is readable only without protection.
 */
#define QUIC_HDR_LONG		0x80	/* Header Form */
#define QUIC_HDR_FIXED		0x40	/* RFC 9000, 17.2; greased by RFC 9287 */
#define QUIC_HDR_LONG_TYPE	0x30
#define QUIC_HDR_LONG_RSVD	0x0c	/* must be 0, seen after decryption */
#define QUIC_HDR_SPIN		0x20
#define QUIC_HDR_SHORT_RSVD	0x18	/* must be 0, seen after decryption */
#define QUIC_HDR_KEY_PHASE	0x04
#define QUIC_HDR_PN_LEN		0x03	/* one less than the length */

/* Header protection samples 16 bytes, 4 bytes after the start of the packet
 * number, whatever its length (RFC 9001, 5.4.2).
 */
#define QUIC_HP_SAMPLE_OFF	4
#define QUIC_HP_SAMPLE_LEN	16

#define QUIC_HDR_LENGTH_LEN	2	/* of our Length field, always */
#define QUIC_HDR_LENGTH_MAX	((1U << 14) - 1)
#define QUIC_CID_MAX_INVARIANT	255	/* RFC 8999, 5.1: other versions */

/**
 * struct quic_header - a packet header before header protection is removed
 * @type:	  kind of packet, 0 for a long header of a version we do not know
 * @long_form:	  Header Form bit
 * @fixed_bit:	  Fixed Bit; a packet without it is to be dropped, unless it is
 *		  Version Negotiation or we sent grease_quic_bit
 * @spin:	  latency spin bit of a short header
 * @version:	  0 for Version Negotiation and for short headers
 * @dcid:	  Destination Connection ID; of a packet in an unknown version
 *		  only valid if not longer than 20 bytes, see @dcid_ptr
 * @scid:	  Source Connection ID, likewise; empty in short headers
 * @dcid_ptr:	  the same IDs inside the packet, up to 255 bytes long, to be
 * @scid_ptr:	  echoed in Version Negotiation
 * @dcid_len:	  length at @dcid_ptr
 * @scid_len:	  length at @scid_ptr
 * @token:	  Initial: token, NULL without; Retry: Retry Token
 * @token_len:	  bytes at @token
 * @retry_tag:	  Retry: the 16 bytes of Retry Integrity Tag
 * @versions:	  Version Negotiation: Supported Version fields, big endian
 * @nr_versions:  how many
 * @length:	  Length field: bytes of packet number and protected payload;
 *		  short header: the same, as counted
 * @pn_off:	  offset of the protected packet number
 * @pkt_len:	  bytes of this packet; a coalesced one starts there
 *		  (RFC 9000, 12.2)
 *
 * Pointers point into the packet.
 */
struct quic_header {
	enum quic_pkt_type type;
	bool long_form;
	bool fixed_bit;
	bool spin;
	u32 version;
	struct quic_cid dcid;
	struct quic_cid scid;
	const u8 *dcid_ptr;
	const u8 *scid_ptr;
	u8 dcid_len;
	u8 scid_len;
	const u8 *token;
	u32 token_len;
	const u8 *retry_tag;
	const u8 *versions;
	u32 nr_versions;
	u32 length;
	u32 pn_off;
	u32 pkt_len;
};

/* Versions that this implementation speaks. */
static inline bool quic_version_known(u32 version)
{
	return version == QUIC_VERSION_V1 || version == QUIC_VERSION_V2;
}

/* RFC 9000, 15: a version that nobody will ever speak, made of random bits; one
 * that is offered keeps peers used to what they do not know (6.3).
 */
static inline u32 quic_version_reserved(u32 random)
{
	return (random & 0xf0f0f0f0) | 0x0a0a0a0a;
}

/* Length of the packet number, from a first byte without protection. */
static inline u8 quic_header_pn_len(u8 first)
{
	return (first & QUIC_HDR_PN_LEN) + 1;
}

int quic_header_parse(const u8 *data, u32 len, u8 short_cid_len,
		      struct quic_header *hdr);
u32 quic_header_version(const struct quic_header *hdr, u32 i);

/* Building. Note the order "pn, pn_len" in both forms. */
u32 quic_header_len_long(enum quic_pkt_type type, const struct quic_cid *dcid,
			 const struct quic_cid *scid, u32 token_len, u8 pn_len);
u8 *quic_header_put_long(u8 *p, enum quic_pkt_type type, u32 version,
			 const struct quic_cid *dcid,
			 const struct quic_cid *scid,
			 const u8 *token, u32 token_len, u64 pn, u8 pn_len);
void quic_header_set_length(u8 *pn, u32 length);

static inline u32 quic_header_len_short(const struct quic_cid *dcid, u8 pn_len)
{
	return 1 + dcid->len + pn_len;
}

u8 *quic_header_put_short(u8 *p, const struct quic_cid *dcid, u64 pn, u8 pn_len,
			  bool key_phase, bool spin);

u32 quic_header_len_retry(const struct quic_cid *dcid,
			  const struct quic_cid *scid, u32 token_len);
u8 *quic_header_put_retry(u8 *p, u32 version, const struct quic_cid *dcid,
			  const struct quic_cid *scid,
			  const u8 *token, u32 token_len, u8 random);

u32 quic_header_len_version_neg(u8 dcid_len, u8 scid_len, u32 nr_versions);
u8 *quic_header_put_version_neg(u8 *p, const u8 *dcid, u8 dcid_len,
				const u8 *scid, u8 scid_len,
				const u32 *versions, u32 nr_versions,
				u8 random);

#endif /* _NET_QUIC_HEADER_H */
