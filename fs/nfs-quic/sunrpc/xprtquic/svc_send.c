// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bvec.h>
#include <linux/sunrpc/msg_prot.h>
#include <linux/sunrpc/xdr.h>

#include "svc_quic.h"
#include "trace.h"

/* The pages of the reply go into packets without a copy, so nobody may change
 * them any more. Nor does the socket copy a record marker.
 */
static int svc_quic_sendmsg(struct svc_quic *svc, struct svc_rqst *rqstp,
			    const struct svc_quic_stream *st)
{
	u32 len = rqstp->rq_res.len;
	union rpcquic_cmsg cmsg;
	struct msghdr msg;
	rpc_fraghdr *marker;
	int count, ret;

	marker = page_frag_alloc(&svc->frag, sizeof(*marker), GFP_KERNEL);
	if (!marker)
		return -ENOMEM;
	*marker = cpu_to_be32(RPC_LAST_STREAM_FRAGMENT | len);
	bvec_set_virt(svc->bvec, marker, sizeof(*marker));

	count = xdr_buf_to_bvec(svc->bvec + 1, rqstp->rq_maxpages,
				&rqstp->rq_res);
	if (count < 0) {
		ret = count;
		goto out;
	}
	rpcquic_msg_init(&msg, &cmsg, st->id, MSG_SPLICE_PAGES | MSG_NOSIGNAL);
	iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, svc->bvec, 1 + count,
		      sizeof(*marker) + len);
	ret = sock_sendmsg(svc->sock, &msg);
	if (ret >= 0 && ret != sizeof(*marker) + len)
		ret = -EPIPE;
	if (ret >= 0)
		trace_svc_quic_send(svc->xprt.xpt_remotebuf, st->id,
				    rqstp->rq_xid, len);
out:
	page_frag_free(marker);
	return ret;
}

/**
 * svc_quic_sendto - send a Reply on the stream of its Call
 * @rqstp: answered request
 *
 * Return: bytes sent, or a negative errno.
 */
int svc_quic_sendto(struct svc_rqst *rqstp)
{
	struct svc_quic_stream *st = rqstp->rq_xprt_ctxt;
	struct svc_xprt *xprt = rqstp->rq_xprt;
	int ret = -ENOTCONN;

	mutex_lock(&xprt->xpt_mutex);
	if (!svc_xprt_is_dead(xprt))
		ret = svc_quic_sendmsg(svc_quic(xprt), rqstp, st);
	/* The client has given up this stream; the others are as good as ever.
	 */
	if (ret < 0 && ret != -ENOTCONN && ret != -EINVAL)
		svc_xprt_deferred_close(xprt);
	mutex_unlock(&xprt->xpt_mutex);
	return ret;
}

/**
 * svc_quic_result_payload - which part of a reply may be placed directly
 * @rqstp:  request
 * @offset: where the part begins
 * @length: how long it is
 *
 * Return: 0, for this transport does not place.
 */
int svc_quic_result_payload(struct svc_rqst *rqstp, unsigned int offset,
			    unsigned int length)
{
	return 0;
}
