// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/random.h>
#include <trace/events/quic.h>

#include "conn.h"
#include "frame.h"
#include "header.h"
#include "packet_build.h"

/* Frames that a packet may carry when more than stream data is waiting. */
#define QUIC_PKT_FRAMES_MANY	16

/* Header protection needs its sample within the packet (RFC 9001, 5.4.2). */
#define QUIC_PKT_MIN_PROTECTED	4

/* Bytes of a packet number behind the handshake, at least. */
#define QUIC_PKT_PN_APP		2

static u8 quic_pkt_max_frames(const struct quic_conn *conn,
			      enum quic_pkt_type type)
{
	const struct quic_streams *streams = &conn->streams;

	if (type != QUIC_PKT_1RTT || quic_cids_pending(conn) ||
	    !list_empty(&streams->control) || quic_streams_several(streams))
		return QUIC_PKT_FRAMES_MANY;
	return QUIC_SENT_FRAMES_SMALL;
}

/* RFC 9287, 3: a peer that has said that it does not look at the Fixed Bit gets
 * one that means nothing. It counts only once said in this handshake (3.1).
 */
static bool quic_pkt_greased(const struct quic_conn *conn)
{
	return conn->hs.tparams_rcvd && conn->remote.grease_quic_bit &&
	       get_random_u8() & 1;
}

static void quic_pkt_put_header(struct quic_pkt_builder *b)
{
	struct quic_conn *conn = b->conn;
	const struct quic_cid *dcid = &b->to->cid;
	const struct quic_blob *token = &conn->settings.token;
	u32 version = conn->version;
	u32 token_len = 0;
	u8 *end;

	/* RFC 9369, 4.1 */
	if (b->type == QUIC_PKT_0RTT)
		version = conn->versions.original;
	if (b->type == QUIC_PKT_1RTT) {
		end = quic_header_put_short(b->buf, dcid, b->pn, b->pn_len,
					    quic_keys_phase(&conn->keys),
					    b->to->spin.value);
	} else {
		if (b->type == QUIC_PKT_INITIAL && !conn->is_server)
			token_len = token->len;
		end = quic_header_put_long(b->buf, b->type, version, dcid,
					   quic_cid_first_local(conn),
					   token->data, token_len,
					   b->pn, b->pn_len);
	}
	if (quic_pkt_greased(conn))
		b->buf[0] &= ~QUIC_HDR_FIXED;
	b->hdr_len = end - b->buf;
	b->pn_off = b->hdr_len - b->pn_len;
}

static u32 quic_pkt_header_len(struct quic_conn *conn,
			       const struct quic_cid *dcid,
			       enum quic_pkt_type type, u8 pn_len)
{
	u32 token_len = 0;

	if (type == QUIC_PKT_1RTT)
		return quic_header_len_short(dcid, pn_len);
	if (type == QUIC_PKT_INITIAL && !conn->is_server)
		token_len = conn->settings.token.len;
	return quic_header_len_long(type, dcid, quic_cid_first_local(conn),
				    token_len, pn_len);
}

/**
 * quic_pkt_overhead - bytes of a packet that are not frames, at the most
 * @conn: the connection
 * @type: packet type
 *
 * Context: connection lock held.
 * Return: longest header and tag.
 */
u32 quic_pkt_overhead(struct quic_conn *conn, enum quic_pkt_type type)
{
	return quic_pkt_header_len(conn, &conn->cids.active->cid, type,
				   QUIC_PN_MAX_LEN) + QUIC_TAG_LEN;
}

/* A window of full packets may overtake it, and many more that are small, so
 * that one byte will only do for handshakes.
 */
static u8 quic_pkt_pn_len(const struct quic_pkt_builder *b)
{
	const struct quic_pnspace *space = &b->conn->spaces[b->space];
	u64 behind = b->conn->rec.cc.cwnd / QUIC_MIN_UDP_PAYLOAD;
	u8 len = quic_pn_len(b->pn, space->largest_acked, behind);

	return b->space == QUIC_SPACE_APP ? max_t(u8, len, QUIC_PKT_PN_APP) :
					    len;
}

/**
 * quic_pkt_begin_to - start a packet that carries a given destination ID
 * @b:	  builder to set up
 * @conn: the connection
 * @to:	  the ID; stays while the packet is built
 * @type: packet type; its level must have a sending key
 * @buf:  where the packet is to stand; directly mapped memory
 * @size: bytes that may be used there
 *
 * Context: connection lock held.
 * Return: 0; -ENOKEY without a key, -ENOSPC when not even one byte of frames
 * fits, -ENOMEM.
 */
int quic_pkt_begin_to(struct quic_pkt_builder *b, struct quic_conn *conn,
		      const struct quic_peer_cid *to, enum quic_pkt_type type,
		      u8 *buf, u32 size)
{
	struct quic_pnspace *space;

	quic_conn_assert_held(conn);
	b->conn = conn;
	b->to = to;
	b->type = type;
	b->level = quic_pkt_level(type);
	b->space = quic_level_space(b->level);
	b->buf = buf;
	b->size = size;
	b->len = 0;
	b->run = 0;
	b->nr_sg = 0;
	b->probe = false;
	if (!quic_keys_tx(&conn->keys, b->level))
		return -ENOKEY;

	space = &conn->spaces[b->space];
	b->pn = space->next_pn;
	b->pn_len = quic_pkt_pn_len(b);
	if (size < quic_pkt_header_len(conn, &to->cid, type, b->pn_len) +
		   QUIC_PKT_MIN_PROTECTED + QUIC_TAG_LEN)
		return -ENOSPC;

	b->max_frames = quic_pkt_max_frames(conn, type);
	b->sent = quic_sent_pkt_alloc(b->max_frames, GFP_ATOMIC);
	if (!b->sent)
		return -ENOMEM;
	sg_init_table(b->sg, QUIC_PKT_MAX_SG);
	quic_pkt_put_header(b);
	return 0;
}

/**
 * quic_pkt_begin - start a packet on the path in use
 * @b:	  builder to set up
 * @conn: the connection
 * @type: packet type; its level must have a sending key
 * @buf:  where the packet is to stand; directly mapped memory
 * @size: bytes that may be used there
 *
 * Context: connection lock held.
 * Return: as quic_pkt_begin_to().
 */
int quic_pkt_begin(struct quic_pkt_builder *b, struct quic_conn *conn,
		   enum quic_pkt_type type, u8 *buf, u32 size)
{
	return quic_pkt_begin_to(b, conn, conn->cids.active, type, buf, size);
}

/**
 * quic_pkt_abort - give up a packet into which nothing was put
 * @b: the packet
 */
void quic_pkt_abort(struct quic_pkt_builder *b)
{
	quic_sent_pkt_free(b->sent);
	b->sent = NULL;
}

/**
 * quic_pkt_room - bytes of frames that still fit
 * @b: the packet
 *
 * Return: the number of bytes.
 */
u32 quic_pkt_room(const struct quic_pkt_builder *b)
{
	return b->size - b->hdr_len - QUIC_TAG_LEN - b->len;
}

/**
 * quic_pkt_put - reserve bytes to write into
 * @b:	 the packet
 * @len: at most quic_pkt_room()
 *
 * Return: where to write @len bytes.
 */
u8 *quic_pkt_put(struct quic_pkt_builder *b, u32 len)
{
	u8 *p = b->buf + b->hdr_len + b->len;

	b->len += len;
	return p;
}

/* What was written directly becomes one entry that is encrypted in place. */
static void quic_pkt_close_run(struct quic_pkt_builder *b)
{
	if (b->run == b->len)
		return;
	sg_set_buf(&b->sg[b->nr_sg++], b->buf + b->hdr_len + b->run,
		   b->len - b->run);
	b->run = b->len;
}

/* The last entry is for what is written directly behind all pages. */
#define QUIC_PKT_LAST_SG	(QUIC_PKT_MAX_SG - 1)

/**
 * quic_pkt_pages_left - how many pages may follow a frame's header
 * @b: the packet, the header not yet put
 *
 * Return: how often quic_pkt_put_page() will succeed.
 */
u32 quic_pkt_pages_left(const struct quic_pkt_builder *b)
{
	u32 used = b->nr_sg + 1;	/* with the header */

	return used < QUIC_PKT_LAST_SG ? QUIC_PKT_LAST_SG - used : 0;
}

/**
 * quic_pkt_put_page - let the next bytes come from a page
 * @b:	    the packet
 * @page:   holds the bytes until the packet is finished
 * @offset: of the first byte
 * @len:    at most quic_pkt_room()
 *
 * Return: 0, or -ENOSPC when the packet consists of too many pieces.
 */
int quic_pkt_put_page(struct quic_pkt_builder *b, struct page *page, u32 offset,
		      u32 len)
{
	bool run = b->run != b->len;

	if (b->nr_sg + run + 1 > QUIC_PKT_LAST_SG)
		return -ENOSPC;
	quic_pkt_close_run(b);
	sg_set_page(&b->sg[b->nr_sg++], page, len, offset);
	b->len += len;
	b->run = b->len;
	return 0;
}

/**
 * quic_pkt_pad - append PADDING until the packet has a size
 * @b:	   the packet
 * @total: size to reach, header and tag included
 */
void quic_pkt_pad(struct quic_pkt_builder *b, u32 total)
{
	u32 now = b->hdr_len + b->len + QUIC_TAG_LEN;

	if (now >= total)
		return;
	quic_frame_put_padding(quic_pkt_put(b, total - now), total - now);
	b->sent->in_flight = true;
}

/**
 * quic_pkt_record - remember what was put, for when it is acknowledged or lost
 * @b:	    the packet
 * @kind:   kind of frame
 * @id:	    see enum quic_sent_kind
 * @offset: see enum quic_sent_kind
 * @len:    see enum quic_sent_kind
 * @fin:    see enum quic_sent_kind
 *
 * Return: 0, or -ENOSPC: the caller has not asked quic_pkt_records_left().
 */
int quic_pkt_record(struct quic_pkt_builder *b, enum quic_sent_kind kind,
		    u64 id, u64 offset, u32 len, bool fin)
{
	/* RFC 9002, 2: what has to be acknowledged also counts in flight. */
	if (kind != QUIC_SENT_ACK && kind != QUIC_SENT_CLOSE) {
		b->sent->ack_eliciting = true;
		b->sent->in_flight = true;
	}
	trace_quic_frame_sent(quic_conn_sk(b->conn), b->type, b->pn,
			      quic_sent_kind_name(kind), id, offset, len, fin);
	return quic_sent_pkt_record(b->sent, kind, id, offset, len, fin);
}

/**
 * quic_pkt_finish - number, encrypt and account a packet
 * @b:	 the packet, with at least one frame
 * @now: when it leaves
 *
 * Context: connection lock held.
 * Return: bytes of the packet at quic_pkt_builder.buf, or a negative errno when
 * the key must not be used any more (RFC 9001, 6.6); the caller then closes.
 */
int quic_pkt_finish(struct quic_pkt_builder *b, ktime_t now)
{
	struct quic_conn *conn = b->conn;
	struct quic_pnspace *space = &conn->spaces[b->space];
	u32 size;
	int err;

	if (b->pn_len + b->len < QUIC_PKT_MIN_PROTECTED)
		quic_frame_put_padding(quic_pkt_put(b, QUIC_PKT_MIN_PROTECTED),
				       QUIC_PKT_MIN_PROTECTED);
	quic_pkt_close_run(b);
	sg_mark_end(&b->sg[b->nr_sg - 1]);
	size = b->hdr_len + b->len + QUIC_TAG_LEN;
	if (b->type != QUIC_PKT_1RTT)
		quic_header_set_length(b->buf + b->pn_off,
				       b->pn_len + b->len + QUIC_TAG_LEN);
	if (b->type == QUIC_PKT_1RTT && quic_keys_update_begins(&conn->keys))
		trace_quic_key_update(quic_conn_sk(conn), "local",
				      quic_keys_phase(&conn->keys));
	err = quic_keys_seal(&conn->keys, b->level, b->pn, b->sg, b->buf,
			     b->hdr_len, b->len);
	if (err) {
		quic_pkt_abort(b);
		return err;
	}
	quic_crypto_protect(quic_keys_tx(&conn->keys, b->level), b->buf,
			    b->pn_off, b->pn_len);

	b->sent->pn = b->pn;
	b->sent->type = b->type;
	b->sent->size = size;
	b->sent->time_sent = now;
	quic_pnspace_pn_used(space);
	quic_loss_on_sent(&conn->rec, space, b->sent, now);
	b->sent = NULL;
	conn->stats.tx_pkts++;
	conn->stats.tx_bytes += size;
	trace_quic_pkt_sent(quic_conn_sk(conn), b->type, b->pn, size);
	return size;
}
