// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sunrpc/bc_xprt.h>
#include <linux/sunrpc/msg_prot.h>
#include <linux/sunrpc/sched.h>

#include "../socklib.h"
#include "trace.h"
#include "xprt_quic.h"

/**
 * xprt_quic_prepare_request - make a message's pages known as an array
 * @req: request
 * @buf: message
 *
 * Return: 0 or -ENOMEM.
 */
int xprt_quic_prepare_request(struct rpc_rqst *req, struct xdr_buf *buf)
{
	return xdr_alloc_bvec(buf, rpc_task_gfp_mask());
}

/* A reply goes where its call came from. Calls take turns, so that what is lost
 * of one delays few others.
 */
static int xprt_quic_choose_stream(struct xprt_quic *q, struct rpc_rqst *req)
{
	unsigned int tries = q->nr_streams;

	if (bc_prealloc(req)) {
		q->xmit.stream = req->rq_stream;
		return 0;
	}
	while (tries--) {
		q->xmit.next = (q->xmit.next + 1) % q->nr_streams;
		if (test_bit_acquire(q->xmit.next, &q->halted))
			continue;
		req->rq_stream = q->streams[q->xmit.next].id;
		q->xmit.stream = req->rq_stream;
		return 0;
	}
	/* The last Call on one of them may have been given up since. */
	xprt_quic_event(q, XPRT_QUIC_MEND);
	return -EAGAIN;
}

static int xprt_quic_sendmsg(struct xprt_quic *q, struct rpc_rqst *req)
{
	struct xdr_buf *xdr = &req->rq_snd_buf;
	rpc_fraghdr marker = cpu_to_be32(RPC_LAST_STREAM_FRAGMENT | xdr->len);
	union rpcquic_cmsg cmsg;
	struct msghdr msg;
	unsigned int sent;
	int err = 0;

	if (!q->xmit.offset)
		err = xprt_quic_choose_stream(q, req);
	if (err)
		return err;
	do {
		rpcquic_msg_init(&msg, &cmsg, q->xmit.stream,
				 MSG_DONTWAIT | MSG_NOSIGNAL);
		err = xprt_sock_sendmsg(q->sock, &msg, xdr, q->xmit.offset,
					marker, &sent);
		q->xmit.offset += sent;
		req->rq_bytes_sent = q->xmit.offset;
		if (q->xmit.offset == xdr->len + sizeof(marker))
			return 0;
	} while (!err);
	return err;
}

/* Announce that we wait, and only then look for the last time, so that the
 * wake-up cannot come in between.
 */
static int xprt_quic_send_wait(struct xprt_quic *q, struct rpc_rqst *req)
{
	struct rpc_xprt *xprt = &q->xprt;
	int err;

	spin_lock(&xprt->transport_lock);
	xprt_wait_for_buffer_space(xprt);
	spin_unlock(&xprt->transport_lock);
	/* Pairs with the test of XPRT_WRITE_SPACE when there is room. */
	smp_mb__after_atomic();

	err = xprt_quic_sendmsg(q, req);
	/* The server gives credit as it reads, and that is a wake-up, whether
	 * anything is in flight or not.
	 */
	if (err == -ENOSPC)
		return -EAGAIN;
	if (err != -EAGAIN) {
		clear_bit(XPRT_WRITE_SPACE, &xprt->state);
		return err;
	}
	/* Nothing is in flight, so it is memory that we lack. Nobody tells when
	 * there is some.
	 */
	if (!READ_ONCE(q->sk->sk_wmem_queued)) {
		clear_bit(XPRT_WRITE_SPACE, &xprt->state);
		return -ENOBUFS;
	}
	return -EAGAIN;
}

/**
 * xprt_quic_send_request - send a Call, or the Reply to a callback
 * @req: request
 *
 * Context: XPRT_LOCKED held.
 * Return: 0 when all was sent; -EAGAIN if the transport waits for room; -ENOBUFS
 * to try again a little later; -ENOTCONN if there is no connection.
 */
int xprt_quic_send_request(struct rpc_rqst *req)
{
	struct rpc_xprt *xprt = req->rq_xprt;
	struct xprt_quic *q = xprt_quic(xprt);
	int err;

	/* Half of another message is on its stream. */
	if (q->xmit.offset && !req->rq_bytes_sent) {
		xprt_force_disconnect(xprt);
		return -ENOTCONN;
	}
	if (!q->sock)
		return -ENOTCONN;

	req->rq_xtime = ktime_get();
	err = xprt_quic_sendmsg(q, req);
	if (err == -EAGAIN || err == -ENOSPC)
		err = xprt_quic_send_wait(q, req);
	switch (err) {
	case 0:
		trace_xprt_quic_send(xprt->address_strings[RPC_DISPLAY_ADDR],
				     q->xmit.stream, req->rq_xid,
				     req->rq_snd_buf.len);
		req->rq_xmit_bytes_sent += q->xmit.offset;
		q->xmit.offset = 0;
		return 0;
	case -EAGAIN:
	case -ENOBUFS:
		return err;
	case -EINVAL:
		/* The server has ended the stream of its call, so it does not
		 * want the reply.
		 */
		if (bc_prealloc(req)) {
			q->xmit.offset = 0;
			return 0;
		}
		fallthrough;
	default:
		xprt_force_disconnect(xprt);
		return -ENOTCONN;
	}
}
