// SPDX-License-Identifier: GPL-2.0-only
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/sched/mm.h>
#include <linux/skbuff.h>
#include <linux/sunrpc/bc_xprt.h>
#include <linux/sunrpc/msg_prot.h>

#include "trace.h"
#include "xprt_quic.h"

/**
 * struct xprt_quic_read - one round of reading
 * @read:  what the socket knows of it; first
 * @q:	   transport
 * @error: a stream was broken: the connection must go
 * @ended: streams that the server has ended
 * @nr_ended: how many of them there are
 */
struct xprt_quic_read {
	struct quic_read	read;
	struct xprt_quic	*q;
	bool			error;
	s64			ended[XPRT_QUIC_CB_STREAMS];
	int			nr_ended;
};

/**
 * xprt_quic_stream_reset - begin anew, with another stream or with none
 * @st: stream state
 * @id: stream ID or -1
 */
void xprt_quic_stream_reset(struct xprt_quic_stream *st, s64 id)
{
	void *page = st->page;

	memset(st, 0, sizeof(*st));
	st->id = id;
	st->page = page;
}

/* Into a reply buffer: bytes of a message from @pos on. What does not fit is
 * not taken.
 */

static u32 xprt_quic_to_kvec(const struct kvec *kvec, u32 pos,
			     struct rpcquic_piece *piece, u32 len)
{
	if (pos >= kvec->iov_len)
		return 0;
	len = min_t(u32, len, kvec->iov_len - pos);
	rpcquic_piece_copy(piece, kvec->iov_base + pos, len);
	return len;
}

static struct page *xprt_quic_xdr_page(struct xdr_buf *buf, u32 nr)
{
	if (!buf->pages[nr] && buf->flags & XDRBUF_SPARSE_PAGES)
		buf->pages[nr] = alloc_page(GFP_KERNEL | __GFP_NORETRY |
					    __GFP_NOWARN);
	return buf->pages[nr];
}

static u32 xprt_quic_to_pages(struct xdr_buf *buf, u32 pos,
			      struct rpcquic_piece *piece, u32 len)
{
	struct rpcquic_piece at = *piece;
	u32 n, offset, done = 0;
	struct page *page;
	void *to;

	if (pos >= buf->page_len)
		return 0;
	len = min(len, buf->page_len - pos);
	while (done < len) {
		offset = buf->page_base + pos + done;
		page = xprt_quic_xdr_page(buf, offset >> PAGE_SHIFT);
		if (!page)
			break;
		offset = offset_in_page(offset);
		n = min_t(u32, len - done, PAGE_SIZE - offset);
		to = kmap_local_page(page);
		rpcquic_piece_copy(&at, to + offset, n);
		kunmap_local(to);
		flush_dcache_page(page);
		at.offset += n;
		done += n;
	}
	return done;
}

static u32 xprt_quic_to_xdr(struct xdr_buf *buf, u32 pos,
			    const struct rpcquic_piece *piece, u32 len)
{
	struct rpcquic_piece at = *piece;
	u32 before, n, done;

	done = xprt_quic_to_kvec(&buf->head[0], pos, &at, len);
	before = buf->head[0].iov_len;
	if (done < len && pos + done >= before) {
		at.offset = piece->offset + done;
		n = xprt_quic_to_pages(buf, pos + done - before, &at,
				       len - done);
		done += n;
	}
	before += buf->page_len;
	if (done < len && pos + done >= before) {
		at.offset = piece->offset + done;
		n = xprt_quic_to_kvec(&buf->tail[0], pos + done - before, &at,
				      len - done);
		done += n;
	}
	return done;
}

/* Replies */

static struct rpc_rqst *xprt_quic_find_request(struct rpc_xprt *xprt,
					       struct xprt_quic_stream *st)
{
	struct rpc_rqst *req;

	lockdep_assert_held(&xprt->queue_lock);

	req = xprt_lookup_rqst(xprt, st->header[0]);
	if (!req)
		return NULL;
	/* The buffer was given to another transmission of the request. */
	if (st->have > sizeof(st->header) && !req->rq_private_buf.len)
		return NULL;
	return req;
}

/* @len bytes of the body, which are the last ones of the message if @end. */
static void xprt_quic_recv_reply(struct xprt_quic *q,
				 struct xprt_quic_stream *st,
				 struct rpcquic_piece *piece, u32 len, bool end)
{
	struct rpc_xprt *xprt = &q->xprt;
	struct rpc_rqst *req;
	struct xdr_buf *buf;
	u32 n;

	spin_lock(&xprt->queue_lock);
	req = xprt_quic_find_request(xprt, st);
	if (!req)
		goto discard;
	buf = &req->rq_private_buf;
	if (buf->head[0].iov_len < sizeof(st->header))
		goto discard;
	xprt_pin_rqst(req);
	spin_unlock(&xprt->queue_lock);

	if (st->have == sizeof(st->header))
		memcpy(buf->head[0].iov_base, st->header, sizeof(st->header));
	n = xprt_quic_to_xdr(buf, st->have, piece, len);
	st->have += n;

	spin_lock(&xprt->queue_lock);
	if (end || n < len)
		xprt_complete_rqst(req->rq_task, st->have);
	else
		buf->len = st->have;
	xprt_unpin_rqst(req);
	if (n == len) {
		spin_unlock(&xprt->queue_lock);
		return;
	}
discard:
	spin_unlock(&xprt->queue_lock);
	st->discard = true;
}

/* Callbacks: a message is collected in a page, because the request for it must
 * not be taken before it is complete.
 */

#ifdef CONFIG_SUNRPC_BACKCHANNEL
static void xprt_quic_recv_call_end(struct xprt_quic *q,
				    struct xprt_quic_stream *st)
{
	struct rpc_xprt *xprt = &q->xprt;
	struct rpc_rqst *req;

	if (!READ_ONCE(xprt->bc_serv))
		return;
	req = xprt_lookup_bc_request(xprt, st->header[0]);
	if (!req) {
		net_warn_ratelimited("rpcquic: no memory for a callback\n");
		return;
	}
	memcpy(req->rq_private_buf.head[0].iov_base, st->page, st->have);
	req->rq_stream = st->id;
	xprt_complete_bc_request(req, st->have);
}
#else
static void xprt_quic_recv_call_end(struct xprt_quic *q,
				    struct xprt_quic_stream *st)
{
}
#endif

static void xprt_quic_recv_call(struct xprt_quic *q,
				struct xprt_quic_stream *st,
				struct rpcquic_piece *piece, u32 len, bool end)
{
	if (!st->page)
		st->page = (void *)__get_free_page(GFP_KERNEL);
	if (!st->page || len > XPRT_QUIC_CB_MAX - st->have) {
		st->discard = true;
		return;
	}
	memcpy(st->page, st->header, sizeof(st->header));
	rpcquic_piece_copy(piece, st->page + st->have, len);
	st->have += len;
	if (end)
		xprt_quic_recv_call_end(q, st);
}

/* Messages */

/* Return: whether the header is complete. */
static bool xprt_quic_recv_header(struct xprt_quic_stream *st,
				  struct rpcquic_piece *piece, u32 *len)
{
	u32 n;

	if (st->have >= sizeof(st->header))
		return true;
	n = min_t(u32, *len, sizeof(st->header) - st->have);
	rpcquic_piece_copy(piece, (u8 *)st->header + st->have, n);
	st->have += n;
	piece->offset += n;
	piece->len -= n;
	*len -= n;
	if (st->have < sizeof(st->header))
		return false;
	/* Only Replies come on streams of ours, and only Calls on others. The
	 * receiver drops the rest without a word (draft, 3.1).
	 */
	st->discard = st->header[1] != (rpcquic_stream_of_server(st->id) ?
					cpu_to_be32(RPC_CALL) :
					cpu_to_be32(RPC_REPLY));
	return true;
}

static void xprt_quic_recv_body(struct xprt_quic *q,
				struct xprt_quic_stream *st,
				struct rpcquic_piece piece, u32 len, bool end)
{
	if (!xprt_quic_recv_header(st, &piece, &len) || st->discard)
		return;
	if (!len && !end)
		return;
	if (rpcquic_stream_of_server(st->id))
		xprt_quic_recv_call(q, st, &piece, len, end);
	else
		xprt_quic_recv_reply(q, st, &piece, len, end);
}

static void xprt_quic_recv_piece(struct xprt_quic *q,
				 struct xprt_quic_stream *st,
				 struct rpcquic_piece *piece)
{
	struct rpcquic_piece at;
	bool end;
	u32 len;

	while (rpcquic_record_next(&st->rec, piece)) {
		at = *piece;
		len = rpcquic_record_payload(&st->rec, piece);
		end = rpcquic_record_take(&st->rec, piece, len);
		xprt_quic_recv_body(q, st, at, len, end);
		if (!end)
			continue;
		if (st->have >= sizeof(st->header))
			trace_xprt_quic_recv(q->xprt.address_strings[RPC_DISPLAY_ADDR],
					     st->id, st->header[0], st->have);
		st->have = 0;
		st->discard = false;
	}
}

static struct xprt_quic_stream *xprt_quic_find_cb_stream(struct xprt_quic *q,
							 s64 id)
{
	struct xprt_quic_stream *unused = NULL;
	int i;

	for (i = 0; i < XPRT_QUIC_CB_STREAMS; i++) {
		if (q->cb_streams[i].id == id)
			return &q->cb_streams[i];
		if (q->cb_streams[i].id < 0)
			unused = &q->cb_streams[i];
	}
	if (unused)
		xprt_quic_stream_reset(unused, id);
	return unused;
}

static struct xprt_quic_stream *xprt_quic_find_stream(struct xprt_quic *q,
						      s64 id)
{
	unsigned int i;

	if (rpcquic_stream_is_uni(id))
		return NULL;
	if (rpcquic_stream_of_server(id))
		return xprt_quic_find_cb_stream(q, id);
	for (i = 0; i < q->nr_streams; i++)
		if (q->streams[i].id == id)
			return &q->streams[i];
	return NULL;
}

/* A stream of ours that the server ends takes the Replies with it that have not
 * come. The RPC layer sends a Call again only on a new connection, so there has
 * to be one.
 */
static void xprt_quic_stream_end(struct xprt_quic_read *r, s64 id)
{
	struct xprt_quic_stream *st;

	if (rpcquic_stream_is_uni(id))
		return;
	if (!rpcquic_stream_of_server(id)) {
		/* It is one of those that we use, not one that we gave up. */
		r->error |= !!xprt_quic_find_stream(r->q, id);
		return;
	}
	st = xprt_quic_find_cb_stream(r->q, id);
	if (st)
		xprt_quic_stream_reset(st, -1);
	if (r->nr_ended < XPRT_QUIC_CB_STREAMS)
		r->ended[r->nr_ended++] = id;
}

static unsigned int xprt_quic_recv_data(struct quic_read *read, s64 id,
					struct sk_buff *skb, bool fin)
{
	struct xprt_quic_read *r = container_of(read, struct xprt_quic_read,
						read);
	struct xprt_quic_stream *st = xprt_quic_find_stream(r->q, id);
	struct rpcquic_piece piece = { .skb = skb, .len = skb->len };

	if (st)
		xprt_quic_recv_piece(r->q, st, &piece);
	if (fin)
		xprt_quic_stream_end(r, id);
	return skb->len;
}

static void xprt_quic_recv_event(struct quic_read *read, u8 type,
				 const void *info, unsigned int len)
{
	struct xprt_quic_read *r = container_of(read, struct xprt_quic_read,
						read);
	struct quic_stream_update update;

	if (type != QUIC_EVENT_STREAM_UPDATE || len < sizeof(update))
		return;
	memcpy(&update, info, sizeof(update));
	if (update.state == QUIC_STREAM_RECV_STATE_RESET_RECVD ||
	    update.state == QUIC_STREAM_SEND_STATE_RESET_SENT)
		xprt_quic_stream_end(r, update.id);
}

static void xprt_quic_recv(struct xprt_quic *q)
{
	struct xprt_quic_read r = {
		.read	= {
			.data	= xprt_quic_recv_data,
			.event	= xprt_quic_recv_event,
		},
		.q	= q,
	};

	do {
		clear_bit(XPRT_QUIC_DATA_READY, &q->flags);
		/* Before reading: what comes from here on has us come again. */
		smp_mb__after_atomic();
		cond_resched();
	} while (quic_read_streams(q->sk, &r.read));

	/* Both directions have to end before the server may open another. */
	while (r.nr_ended)
		rpcquic_stream_fin(q->sock, r.ended[--r.nr_ended]);
	if (READ_ONCE(q->halted))
		xprt_quic_mend(q);
	if (r.error)
		xprt_force_disconnect(&q->xprt);
}

/**
 * xprt_quic_recv_worker - take what the server has sent
 * @work: recv_work
 */
void xprt_quic_recv_worker(struct work_struct *work)
{
	struct xprt_quic *q = container_of(work, struct xprt_quic, recv_work);
	unsigned int pflags = memalloc_nofs_save();

	mutex_lock(&q->recv_mutex);
	if (q->sock)
		xprt_quic_recv(q);
	mutex_unlock(&q->recv_mutex);
	memalloc_nofs_restore(pflags);
}
