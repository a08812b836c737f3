// SPDX-License-Identifier: GPL-2.0-only
/* Calls that are given up when a part of them was sent. Nobody will send the
 * rest, so their stream is of no use any more; the connection is.
 */
#include <linux/bitops.h>
#include <linux/rbtree.h>
#include <linux/sunrpc/bc_xprt.h>
#include <linux/sunrpc/sched.h>

#include "trace.h"
#include "xprt_quic.h"

/* No other Call goes on the stream on which half of one is. */
static bool xprt_quic_halt_stream(struct xprt_quic *q, struct rpc_rqst *req)
{
	unsigned int i;

	for (i = 0; i < q->nr_streams; i++) {
		if (q->streams[i].id != q->xmit.stream)
			continue;
		trace_xprt_quic_halt(q->xprt.address_strings[RPC_DISPLAY_ADDR],
				     q->xmit.stream, req->rq_xid,
				     q->xmit.offset);
		set_bit(i, &q->halted);
		q->xmit.offset = 0;
		set_bit(XPRT_QUIC_HALTED, &q->flags);
		xprt_quic_event(q, XPRT_QUIC_MEND);
		return true;
	}
	return false;
}

/**
 * xprt_quic_abort_send - a task does not go on with its request
 * @req: request
 *
 * Context: queue_lock held; nobody is sending @req.
 */
void xprt_quic_abort_send(struct rpc_rqst *req)
{
	struct rpc_xprt *xprt = req->rq_xprt;
	struct xprt_quic *q = xprt_quic(xprt);

	if (!q->xmit.offset || test_bit(XPRT_CLOSE_WAIT, &xprt->state))
		return;
	/* A stream for callbacks is the server's, who waits for the Reply. */
	if (bc_prealloc(req) || !xprt_quic_halt_stream(q, req))
		xprt_force_disconnect(xprt);
}

static bool xprt_quic_awaits_reply(struct rpc_xprt *xprt, s64 id)
{
	struct rpc_rqst *req;
	struct rb_node *node;
	bool found = false;

	spin_lock(&xprt->queue_lock);
	for (node = rb_first(&xprt->recv_queue); node && !found;
	     node = rb_next(node)) {
		req = rb_entry(node, struct rpc_rqst, rq_recv);
		found = req->rq_stream == id &&
			req->rq_connect_cookie == xprt->connect_cookie &&
			!test_bit(RPC_TASK_NEED_XMIT,
				  &req->rq_task->tk_runstate);
	}
	spin_unlock(&xprt->queue_lock);
	return found;
}

/* Return: 1 if there is another stream; 0 if the old one has to be waited for;
 * a negative errno if the server lets us have no other.
 */
static int xprt_quic_replace_stream(struct xprt_quic *q, unsigned int nr)
{
	struct xprt_quic_stream *st = &q->streams[nr];
	s64 id;

	if (st->id >= 0) {
		/* A reset may take Calls with it which the server has not seen
		 * (RFC 9000, 3.2), and which nobody would send again.
		 */
		if (xprt_quic_awaits_reply(&q->xprt, st->id))
			return 0;
		rpcquic_stream_reset(q->sock, st->id);
		xprt_quic_stream_reset(st, -1);
	}
	id = rpcquic_stream_open(q->sock);
	if (id < 0)
		return id;
	xprt_quic_stream_reset(st, id);
	/* Who sees the bit cleared sees the new ID. */
	clear_bit_unlock(nr, &q->halted);
	return 1;
}

/**
 * xprt_quic_mend - put other streams in the place of those with half a Call
 * @q: connected transport
 *
 * One whose other Calls wait for their Replies stays until it has brought them.
 *
 * Context: recv_mutex held.
 */
void xprt_quic_mend(struct xprt_quic *q)
{
	bool refused = false, mended = false;
	unsigned long nr;
	int ret;

	for_each_set_bit(nr, &q->halted, q->nr_streams) {
		ret = xprt_quic_replace_stream(q, nr);
		refused |= ret < 0;
		mended |= ret > 0;
	}
	if (refused && find_first_zero_bit(&q->halted, q->nr_streams) ==
		       q->nr_streams) {
		xprt_force_disconnect(&q->xprt);
		return;
	}
	if (!mended)
		return;
	/* Who waits for room may be waiting for a stream. */
	smp_mb__after_atomic();
	xprt_write_space(&q->xprt);
}
