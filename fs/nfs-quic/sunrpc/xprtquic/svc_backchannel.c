// SPDX-License-Identifier: GPL-2.0-only
/* Callbacks of a server: an RPC client transport on a connection that a client
 * of the server has made.
 */
#include <linux/module.h>
#include <linux/sunrpc/addr.h>
#include <linux/sunrpc/clnt.h>
#include <linux/sunrpc/sched.h>

#include "../socklib.h"
#include "svc_quic.h"
#include "trace.h"
#include "xprt_quic.h"

static const struct rpc_timeout svc_quic_bc_timeout = {
	.to_initval	= 60 * HZ,
	.to_maxval	= 60 * HZ,
	.to_retries	= 2,
};

/* Calls of the server need a stream of the server (draft, 3.1). */
static s64 svc_quic_bc_stream(struct svc_quic *svc)
{
	s64 id = READ_ONCE(svc->cb_stream);

	if (id >= 0)
		return id;
	id = rpcquic_stream_open(svc->sock);
	if (id >= 0)
		WRITE_ONCE(svc->cb_stream, id);
	return id;
}

static int svc_quic_bc_send(struct svc_quic *svc, struct rpc_rqst *req)
{
	struct xdr_buf *xdr = &req->rq_snd_buf;
	rpc_fraghdr marker = cpu_to_be32(RPC_LAST_STREAM_FRAGMENT | xdr->len);
	s64 id = svc_quic_bc_stream(svc);
	union rpcquic_cmsg cmsg;
	struct msghdr msg;
	unsigned int sent;
	int err;

	if (id < 0)
		return id;
	req->rq_xtime = ktime_get();
	rpcquic_msg_init(&msg, &cmsg, id, MSG_NOSIGNAL);
	err = xprt_sock_sendmsg(svc->sock, &msg, xdr, 0, marker, &sent);
	if (!err && sent == xdr->len + sizeof(marker)) {
		trace_svc_quic_send(svc->xprt.xpt_remotebuf, id, req->rq_xid,
				    xdr->len);
		return 0;
	}
	/* A half message is the end of its stream. */
	if (sent)
		svc_xprt_deferred_close(&svc->xprt);
	return -ENOTCONN;
}

static int svc_quic_bc_send_request(struct rpc_rqst *req)
{
	struct svc_xprt *xprt = req->rq_xprt->bc_xprt;
	int err = -ENOTCONN;

	mutex_lock(&xprt->xpt_mutex);
	if (!svc_xprt_is_dead(xprt))
		err = svc_quic_bc_send(svc_quic(xprt), req);
	mutex_unlock(&xprt->xpt_mutex);
	return err;
}

static void svc_quic_bc_close(struct rpc_xprt *xprt)
{
	xprt_disconnect_done(xprt);
}

static void svc_quic_bc_free(struct rpc_xprt *xprt)
{
	xprt_quic_free_addresses(xprt);
	xprt_free(xprt);
}

static void svc_quic_bc_destroy(struct rpc_xprt *xprt)
{
	svc_quic_bc_free(xprt);
	module_put(THIS_MODULE);
}

static const struct rpc_xprt_ops svc_quic_bc_ops = {
	.reserve_xprt		= xprt_reserve_xprt,
	.release_xprt		= xprt_release_xprt,
	.alloc_slot		= xprt_alloc_slot,
	.free_slot		= xprt_free_slot,
	.buf_alloc		= rpc_malloc,
	.buf_free		= rpc_free,
	.prepare_request	= xprt_quic_prepare_request,
	.send_request		= svc_quic_bc_send_request,
	.wait_for_reply_request	= xprt_wait_for_reply_request_def,
	.close			= svc_quic_bc_close,
	.destroy		= svc_quic_bc_destroy,
	.print_stats		= xprt_quic_print_stats,
	.enable_swap		= xprt_quic_enable_swap,
	.disable_swap		= xprt_quic_disable_swap,
	.inject_disconnect	= svc_quic_bc_close,
};

static struct xprt_class svc_quic_bc_class;

static struct rpc_xprt *svc_quic_bc_setup(struct xprt_create *args)
{
	struct rpc_xprt *xprt;

	if (args->addrlen > sizeof(xprt->addr))
		return ERR_PTR(-EBADF);
	xprt = xprt_alloc(args->net, sizeof(struct xprt_quic),
			  RPC_MIN_SLOT_TABLE, RPC_MIN_SLOT_TABLE);
	if (!xprt)
		return ERR_PTR(-ENOMEM);

	memcpy(&xprt->addr, args->dstaddr, args->addrlen);
	xprt->addrlen = args->addrlen;
	xprt->prot = IPPROTO_TCP;
	xprt->xprt_class = &svc_quic_bc_class;
	xprt->max_payload = RPC_MAX_FRAGMENT_SIZE;
	xprt->timeout = &svc_quic_bc_timeout;
	xprt->ops = &svc_quic_bc_ops;
	xprt_quic_format_addresses(xprt);
	xprt_set_bound(xprt);

	if (!try_module_get(THIS_MODULE)) {
		svc_quic_bc_free(xprt);
		return ERR_PTR(-EINVAL);
	}

	/* It lives as long as the connection, of which it is a part. */
	xprt_get(xprt);
	args->bc_xprt->xpt_bc_xprt = xprt;
	xprt->bc_xprt = args->bc_xprt;
	xprt_set_connected(xprt);
	return xprt;
}

static struct xprt_class svc_quic_bc_class = {
	.list	= LIST_HEAD_INIT(svc_quic_bc_class.list),
	.name	= "quic NFSv4.1 backchannel",
	.owner	= THIS_MODULE,
	.ident	= XPRT_TRANSPORT_BC_QUIC,
	.setup	= svc_quic_bc_setup,
	.netid	= { "" },
};

/**
 * svc_quic_bc_init - register the class
 *
 * Return: 0 or a negative errno.
 */
int svc_quic_bc_init(void)
{
	return xprt_register_transport(&svc_quic_bc_class);
}

/**
 * svc_quic_bc_exit - undo svc_quic_bc_init()
 */
void svc_quic_bc_exit(void)
{
	xprt_unregister_transport(&svc_quic_bc_class);
}
