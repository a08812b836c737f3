/* SPDX-License-Identifier: GPL-2.0-only */
/* One packet under construction. Whoever owns state writes its frames through
 * this, without knowing headers, numbers or keys. Bytes that live in pages are
 * attached, not copied: encryption is what copies them into the packet.
 *
 * Owns:    struct quic_pkt_builder, which lives on the stack of output.c.
 * Guard:   the connection lock.
 * Callers: output.c begins and finishes; the owners of state put frames.
 */
#ifndef _NET_QUIC_PACKET_BUILD_H
#define _NET_QUIC_PACKET_BUILD_H

#include <linux/ktime.h>
#include <linux/scatterlist.h>
#include "types.h"
#include "sent.h"

#define QUIC_PKT_MAX_SG		16

struct quic_conn;
struct quic_peer_cid;

/**
 * struct quic_pkt_builder - a packet that is being filled
 * @conn:	the connection
 * @to:	the connection ID that it carries
 * @type:	packet type
 * @level:	encryption level
 * @space:	packet number space
 * @pn:		its number
 * @pn_len:	bytes of the number on the wire
 * @pn_off:	where the number starts
 * @hdr_len:	bytes of the header with the number
 * @buf:	start of the packet; @size bytes may be written, tag included
 * @size:	upper limit of the packet
 * @len:	bytes of plaintext behind the header so far
 * @run:	start within the plaintext of bytes written but not yet in @sg
 * @nr_sg:	entries of @sg
 * @sg:		plaintext in order, parts of @buf and of pages
 * @sent:	ledger entry; its frames are filled by quic_pkt_record()
 * @max_frames:	frames that @sent has room for
 * @probe:	is sent whether or not the congestion window allows it
 */
struct quic_pkt_builder {
	struct quic_conn *conn;
	const struct quic_peer_cid *to;
	enum quic_pkt_type type;
	u8 level;
	enum quic_space_id space;
	u64 pn;
	u8 pn_len;
	u16 pn_off;
	u16 hdr_len;
	u8 *buf;
	u32 size;
	u32 len;
	u32 run;
	u32 nr_sg;
	struct scatterlist sg[QUIC_PKT_MAX_SG];
	struct quic_sent_pkt *sent;
	u8 max_frames;
	bool probe;
};

int quic_pkt_begin(struct quic_pkt_builder *b, struct quic_conn *conn,
		   enum quic_pkt_type type, u8 *buf, u32 size);
int quic_pkt_begin_to(struct quic_pkt_builder *b, struct quic_conn *conn,
		      const struct quic_peer_cid *to, enum quic_pkt_type type,
		      u8 *buf, u32 size);
void quic_pkt_abort(struct quic_pkt_builder *b);
int quic_pkt_finish(struct quic_pkt_builder *b, ktime_t now);
u32 quic_pkt_overhead(struct quic_conn *conn, enum quic_pkt_type type);

u32 quic_pkt_room(const struct quic_pkt_builder *b);
u8 *quic_pkt_put(struct quic_pkt_builder *b, u32 len);
u32 quic_pkt_pages_left(const struct quic_pkt_builder *b);
int quic_pkt_put_page(struct quic_pkt_builder *b, struct page *page, u32 offset,
		      u32 len);
void quic_pkt_pad(struct quic_pkt_builder *b, u32 total);

/* Frames that the ledger entry still has room for. */
static inline u32 quic_pkt_records_left(const struct quic_pkt_builder *b)
{
	return b->max_frames - b->sent->nr_frames;
}

int quic_pkt_record(struct quic_pkt_builder *b, enum quic_sent_kind kind,
		    u64 id, u64 offset, u32 len, bool fin);

#endif /* _NET_QUIC_PACKET_BUILD_H */
