// SPDX-License-Identifier: GPL-2.0-only
#include <linux/in.h>
#include <linux/mm.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/sunrpc/msg_prot.h>
#include <linux/sunrpc/xprt.h>

#include "svc_quic.h"
#include "trace.h"

/**
 * struct svc_quic_read - one round of reading
 * @read:  what the socket knows of it; first
 * @svc:   connection
 * @rqstp: where a Call goes
 * @call:  the stream from which one came
 * @ended: streams that the client has ended
 * @error: the connection is of no use any more
 */
struct svc_quic_read {
	struct quic_read	read;
	struct svc_quic		*svc;
	struct svc_rqst		*rqstp;
	struct svc_quic_stream	*call;
	struct list_head	ended;
	int			error;
};

/* Streams */

static void svc_quic_stream_free(struct svc_quic_stream *st)
{
	unsigned long i;

	for (i = 0; i < st->maxpages && st->pages[i]; i++)
		put_page(st->pages[i]);
	kfree(st);
}

static void svc_quic_stream_release(struct kref *ref)
{
	struct svc_quic_stream *st = container_of(ref, struct svc_quic_stream,
						  ref);

	/* All replies are out. When both directions have ended, the client may
	 * open another stream.
	 */
	rpcquic_stream_fin(st->svc->sock, st->id);
	svc_quic_stream_free(st);
}

static void svc_quic_stream_put(struct svc_quic_stream *st)
{
	kref_put(&st->ref, svc_quic_stream_release);
}

/**
 * svc_quic_free_streams - a connection goes away
 * @svc: connection without users
 */
void svc_quic_free_streams(struct svc_quic *svc)
{
	struct svc_quic_stream *st, *tmp;

	list_for_each_entry_safe(st, tmp, &svc->streams, list)
		svc_quic_stream_free(st);
}

/**
 * svc_quic_release_ctxt - a Call was answered, or will not be
 * @xprt: connection
 * @ctxt: stream from which it came, or NULL
 */
void svc_quic_release_ctxt(struct svc_xprt *xprt, void *ctxt)
{
	if (ctxt)
		svc_quic_stream_put(ctxt);
}

static struct svc_quic_stream *svc_quic_stream_lookup(struct svc_quic *svc,
						      s64 id)
{
	struct svc_quic_stream *st;

	list_for_each_entry(st, &svc->streams, list)
		if (st->id == id)
			return st;
	return NULL;
}

/* The socket lets the client have SVC_QUIC_STREAMS_MAX streams at most. */
static struct svc_quic_stream *svc_quic_stream_get(struct svc_quic *svc, s64 id)
{
	unsigned long pages = svc_serv_maxpages(svc->xprt.xpt_server);
	struct svc_quic_stream *st;

	st = svc_quic_stream_lookup(svc, id);
	if (st)
		return st;
	if (rpcquic_stream_of_server(id))
		pages = 1;
	st = kzalloc_flex(*st, pages, pages);
	if (!st)
		return NULL;
	st->maxpages = pages;
	kref_init(&st->ref);
	st->svc = svc;
	st->id = id;
	list_add(&st->list, &svc->streams);
	return st;
}

/* Messages */

static u32 svc_quic_max_message(const struct svc_quic_stream *st)
{
	if (rpcquic_stream_of_server(st->id))
		return SVC_QUIC_CB_MAX;
	return st->svc->xprt.xpt_server->sv_max_mesg;
}

static bool svc_quic_store(struct svc_quic_stream *st,
			   struct rpcquic_piece piece, u32 len)
{
	struct page **page;
	u32 n, offset;

	while (len) {
		page = &st->pages[st->len >> PAGE_SHIFT];
		if (!*page)
			*page = alloc_page(GFP_KERNEL);
		if (!*page)
			return false;
		offset = offset_in_page(st->len);
		n = min_t(u32, len, PAGE_SIZE - offset);
		rpcquic_piece_copy(&piece, page_address(*page) + offset, n);
		piece.offset += n;
		st->len += n;
		len -= n;
	}
	return true;
}

static bool svc_quic_recv_body(struct svc_quic_read *r,
			       struct svc_quic_stream *st,
			       struct rpcquic_piece piece, u32 len)
{
	if (len > svc_quic_max_message(st) - st->len) {
		net_notice_ratelimited("rpcquic: %s: RPC message of more than %u bytes from %s\n",
				       st->svc->xprt.xpt_server->sv_name,
				       svc_quic_max_message(st),
				       st->svc->xprt.xpt_remotebuf);
		return false;
	}
	return svc_quic_store(st, piece, len);
}

/* A Reply to a callback. It fits in the head of its buffer. */
static void svc_quic_recv_reply(struct svc_quic_stream *st)
{
	struct rpc_xprt *bc_xprt = st->svc->xprt.xpt_bc_xprt;
	const __be32 *p = page_address(st->pages[0]);
	struct rpc_rqst *req;
	struct kvec *dst;

	if (!bc_xprt || p[1] != cpu_to_be32(RPC_REPLY))
		return;
	spin_lock(&bc_xprt->queue_lock);
	req = xprt_lookup_rqst(bc_xprt, p[0]);
	if (req) {
		memcpy(&req->rq_private_buf, &req->rq_rcv_buf,
		       sizeof(req->rq_private_buf));
		dst = &req->rq_private_buf.head[0];
		if (dst->iov_len >= st->len) {
			memcpy(dst->iov_base, p, st->len);
			xprt_complete_rqst(req->rq_task, st->len);
		}
	}
	spin_unlock(&bc_xprt->queue_lock);
}

/* The pages with the message become those of the request. */
static void svc_quic_recv_call(struct svc_quic_read *r,
			       struct svc_quic_stream *st)
{
	struct svc_rqst *rqstp = r->rqstp;
	struct xdr_buf *arg = &rqstp->rq_arg;
	const __be32 *p = page_address(st->pages[0]);
	unsigned long i;

	/* A Reply on a stream of the client is dropped (draft, 3.1). */
	if (p[1] != cpu_to_be32(RPC_CALL))
		return;
	for (i = 0; i < DIV_ROUND_UP(st->len, PAGE_SIZE); i++) {
		svc_rqst_page_release(rqstp, rqstp->rq_pages[i]);
		rqstp->rq_pages[i] = st->pages[i];
		st->pages[i] = NULL;
	}
	arg->head[0].iov_base = page_address(rqstp->rq_pages[0]);
	arg->len = st->len;
	arg->page_base = 0;
	arg->page_len = 0;
	if (arg->len <= arg->head[0].iov_len)
		arg->head[0].iov_len = arg->len;
	else
		arg->page_len = arg->len - arg->head[0].iov_len;

	kref_get(&st->ref);
	r->call = st;
	r->read.stop = true;
}

static bool svc_quic_recv_end(struct svc_quic_read *r,
			      struct svc_quic_stream *st)
{
	if (st->len < 2 * sizeof(__be32))
		return false;
	trace_svc_quic_recv(st->svc->xprt.xpt_remotebuf, st->id,
			    *(__be32 *)page_address(st->pages[0]), st->len);
	if (rpcquic_stream_of_server(st->id))
		svc_quic_recv_reply(st);
	else
		svc_quic_recv_call(r, st);
	st->len = 0;
	return true;
}

/* Return: how many bytes were taken. */
static u32 svc_quic_recv_piece(struct svc_quic_read *r,
			       struct svc_quic_stream *st,
			       struct rpcquic_piece *piece)
{
	struct rpcquic_piece at;
	bool end;
	u32 len;

	while (!r->read.stop && rpcquic_record_next(&st->rec, piece)) {
		at = *piece;
		len = rpcquic_record_payload(&st->rec, piece);
		end = rpcquic_record_take(&st->rec, piece, len);
		if (!svc_quic_recv_body(r, st, at, len) ||
		    (end && !svc_quic_recv_end(r, st))) {
			r->error = -EPROTO;
			r->read.stop = true;
		}
	}
	return piece->offset;
}

static void svc_quic_stream_end(struct svc_quic_read *r, s64 id)
{
	struct svc_quic_stream *st = svc_quic_stream_get(r->svc, id);

	if (st)
		list_move(&st->list, &r->ended);
}

static unsigned int svc_quic_recv_data(struct quic_read *read, s64 id,
				       struct sk_buff *skb, bool fin)
{
	struct svc_quic_read *r = container_of(read, struct svc_quic_read,
					       read);
	struct rpcquic_piece piece = { .skb = skb, .len = skb->len };
	struct svc_quic_stream *st;
	u32 n;

	if (rpcquic_stream_is_uni(id))
		return skb->len;
	st = svc_quic_stream_get(r->svc, id);
	if (!st) {
		r->error = -ENOMEM;
		read->stop = true;
		return 0;
	}
	n = svc_quic_recv_piece(r, st, &piece);
	if (fin && n == skb->len)
		svc_quic_stream_end(r, id);
	return n;
}

static void svc_quic_recv_event(struct quic_read *read, u8 type,
				const void *info, unsigned int len)
{
	struct svc_quic_read *r = container_of(read, struct svc_quic_read,
					       read);
	struct quic_stream_update update;

	if (type != QUIC_EVENT_STREAM_UPDATE || len < sizeof(update))
		return;
	memcpy(&update, info, sizeof(update));
	if (update.state == QUIC_STREAM_RECV_STATE_RESET_RECVD &&
	    !rpcquic_stream_is_uni(update.id))
		svc_quic_stream_end(r, update.id);
}

static void svc_quic_drop_ended(struct svc_quic_read *r)
{
	struct svc_quic_stream *st, *tmp;

	list_for_each_entry_safe(st, tmp, &r->ended, list) {
		list_del_init(&st->list);
		/* Callbacks need another one. */
		if (st->id == r->svc->cb_stream)
			cmpxchg(&r->svc->cb_stream, st->id, -1);
		svc_quic_stream_put(st);
	}
}

static void svc_quic_recv_finish(struct svc_quic_read *r)
{
	struct svc_rqst *rqstp = r->rqstp;
	struct svc_xprt *xprt = &r->svc->xprt;

	rqstp->rq_xprt_ctxt = r->call;
	rqstp->rq_prot = IPPROTO_QUIC;
	svc_xprt_copy_addrs(rqstp, xprt);
	assign_bit(RQ_LOCAL, &rqstp->rq_flags,
		   test_bit(XPT_LOCAL, &xprt->xpt_flags));
	assign_bit(RQ_SECURE, &rqstp->rq_flags,
		   svc_port_is_privileged(svc_addr(rqstp)));
	if (xprt->xpt_server->sv_stats)
		xprt->xpt_server->sv_stats->nettcpcnt++;
}

/**
 * svc_quic_recvfrom - take the next Call from a connection
 * @rqstp: where to
 *
 * Context: XPT_BUSY is set, and cleared in here.
 * Return: bytes of the Call, or 0 if there is none.
 */
int svc_quic_recvfrom(struct svc_rqst *rqstp)
{
	struct svc_xprt *xprt = rqstp->rq_xprt;
	struct svc_quic_read r = {
		.read	= {
			.data	= svc_quic_recv_data,
			.event	= svc_quic_recv_event,
		},
		.svc	= svc_quic(xprt),
		.rqstp	= rqstp,
		.ended	= LIST_HEAD_INIT(r.ended),
	};
	int more;

	clear_bit(XPT_DATA, &xprt->xpt_flags);
	/* Before reading: what comes from here on has us come again. */
	smp_mb__after_atomic();
	more = quic_read_streams(r.svc->sock->sk, &r.read);
	svc_quic_drop_ended(&r);
	if (r.error)
		svc_xprt_deferred_close(xprt);
	else if (more)
		set_bit(XPT_DATA, &xprt->xpt_flags);

	if (!r.call || r.error) {
		if (r.call)
			svc_quic_stream_put(r.call);
		svc_xprt_received(xprt);
		return 0;
	}
	svc_quic_recv_finish(&r);
	svc_xprt_received(xprt);
	return rqstp->rq_arg.len;
}
