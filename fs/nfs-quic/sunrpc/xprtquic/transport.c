// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sunrpc/addr.h>
#include <linux/sunrpc/bc_xprt.h>
#include <linux/sunrpc/clnt.h>
#include <linux/sunrpc/sched.h>

#include "xprt_quic.h"

#define XPRT_QUIC_BIND_TO	(60 * HZ)
#define XPRT_QUIC_IDLE_MAX	(24 * 60 * 60)

static int xprt_quic_set_streams(const char *val,
				 const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, XPRT_QUIC_STREAMS_MAX);
}

static const struct kernel_param_ops xprt_quic_streams_ops = {
	.set = xprt_quic_set_streams,
	.get = param_get_uint,
};

unsigned int xprt_quic_nr_streams;
module_param_cb(streams, &xprt_quic_streams_ops, &xprt_quic_nr_streams, 0644);
MODULE_PARM_DESC(streams,
		 "Streams per connection of a client (0: one for each CPU)");

static int xprt_quic_set_idle(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, XPRT_QUIC_IDLE_MAX);
}

static const struct kernel_param_ops xprt_quic_idle_ops = {
	.set = xprt_quic_set_idle,
	.get = param_get_uint,
};

static unsigned int xprt_quic_idle = 5 * 60;
module_param_cb(idle_timeout, &xprt_quic_idle_ops, &xprt_quic_idle, 0644);
MODULE_PARM_DESC(idle_timeout,
		 "Seconds without calls after which a client closes its connection (300; 0: never)");

static const struct rpc_timeout xprt_quic_default_timeout = {
	.to_initval	= 60 * HZ,
	.to_maxval	= 60 * HZ,
	.to_retries	= 2,
};

static void xprt_quic_format_port(struct rpc_xprt *xprt)
{
	unsigned short port = rpc_get_port((struct sockaddr *)&xprt->addr);

	xprt->address_strings[RPC_DISPLAY_PORT] =
		kasprintf(GFP_KERNEL, "%u", port);
	xprt->address_strings[RPC_DISPLAY_HEX_PORT] =
		kasprintf(GFP_KERNEL, "%4hx", port);
}

/**
 * xprt_quic_format_addresses - make the strings that show a transport's peer
 * @xprt: transport with its address set
 */
void xprt_quic_format_addresses(struct rpc_xprt *xprt)
{
	struct sockaddr *sap = (struct sockaddr *)&xprt->addr;
	char buf[RPCBIND_MAXUADDRLEN];
	bool v6 = sap->sa_family == AF_INET6;

	rpc_ntop(sap, buf, sizeof(buf));
	xprt->address_strings[RPC_DISPLAY_ADDR] = kstrdup(buf, GFP_KERNEL);
	if (v6)
		xprt->address_strings[RPC_DISPLAY_HEX_ADDR] =
			kasprintf(GFP_KERNEL, "%pi6",
				  &((struct sockaddr_in6 *)sap)->sin6_addr);
	else
		xprt->address_strings[RPC_DISPLAY_HEX_ADDR] =
			kasprintf(GFP_KERNEL, "%08x",
				  ntohl(((struct sockaddr_in *)sap)->sin_addr.s_addr));
	xprt->address_strings[RPC_DISPLAY_PROTO] = "quic";
	xprt->address_strings[RPC_DISPLAY_NETID] =
		v6 ? RPCBIND_NETID_QUIC6 : RPCBIND_NETID_QUIC;
	xprt_quic_format_port(xprt);
}

/**
 * xprt_quic_free_addresses - release what the above has made
 * @xprt: transport
 */
void xprt_quic_free_addresses(struct rpc_xprt *xprt)
{
	kfree(xprt->address_strings[RPC_DISPLAY_ADDR]);
	kfree(xprt->address_strings[RPC_DISPLAY_HEX_ADDR]);
	kfree(xprt->address_strings[RPC_DISPLAY_PORT]);
	kfree(xprt->address_strings[RPC_DISPLAY_HEX_PORT]);
}

static void xprt_quic_set_port(struct rpc_xprt *xprt, unsigned short port)
{
	rpc_set_port((struct sockaddr *)&xprt->addr, port);
	kfree(xprt->address_strings[RPC_DISPLAY_PORT]);
	kfree(xprt->address_strings[RPC_DISPLAY_HEX_PORT]);
	xprt_quic_format_port(xprt);
}

static int xprt_quic_getname(struct xprt_quic *q, struct sockaddr_storage *addr)
{
	int ret = -ENOTCONN;

	mutex_lock(&q->recv_mutex);
	if (q->sock)
		ret = kernel_getsockname(q->sock, (struct sockaddr *)addr);
	mutex_unlock(&q->recv_mutex);
	return ret;
}

static int xprt_quic_get_srcaddr(struct rpc_xprt *xprt, char *buf,
				 size_t buflen)
{
	struct sockaddr_storage addr;
	int ret;

	ret = xprt_quic_getname(xprt_quic(xprt), &addr);
	if (ret < 0)
		return ret;
	return snprintf(buf, buflen, "%pISc", &addr);
}

static unsigned short xprt_quic_get_srcport(struct rpc_xprt *xprt)
{
	struct sockaddr_storage addr;

	if (xprt_quic_getname(xprt_quic(xprt), &addr) < 0)
		return 0;
	return rpc_get_port((struct sockaddr *)&addr);
}

static void xprt_quic_use_timeout(struct xprt_quic *q, unsigned long timeout)
{
	timeout = max(timeout, XPRT_QUIC_REEST_TO);
	q->timeout = *q->xprt.timeout;
	q->timeout.to_initval = timeout;
	q->timeout.to_maxval = timeout;
	q->timeout.to_retries = 0;
	q->xprt.timeout = &q->timeout;
	q->xprt.connect_timeout = timeout;
}

static void xprt_quic_set_connect_timeout(struct rpc_xprt *xprt,
					  unsigned long connect_timeout,
					  unsigned long reconnect_timeout)
{
	spin_lock(&xprt->transport_lock);
	if (reconnect_timeout < xprt->max_reconnect_timeout)
		xprt->max_reconnect_timeout = reconnect_timeout;
	if (connect_timeout < xprt->connect_timeout)
		xprt_quic_use_timeout(xprt_quic(xprt), connect_timeout);
	spin_unlock(&xprt->transport_lock);
}

/**
 * xprt_quic_print_stats - the line "xprt:" of /proc/self/mountstats
 * @xprt: transport
 * @seq:  where to
 *
 * The columns are those of TCP, with the number of streams behind them.
 */
void xprt_quic_print_stats(struct rpc_xprt *xprt, struct seq_file *seq)
{
	long idle_time = 0;

	if (xprt_connected(xprt))
		idle_time = (long)(jiffies - xprt->last_used) / HZ;

	seq_printf(seq,
		   "\txprt:\tquic %u %lu %lu %lu %ld %lu %lu %lu %llu %llu %lu %llu %llu %u\n",
		   xprt_quic(xprt)->srcport,
		   xprt->stat.bind_count,
		   xprt->stat.connect_count,
		   xprt->stat.connect_time / HZ,
		   idle_time,
		   xprt->stat.sends,
		   xprt->stat.recvs,
		   xprt->stat.bad_xids,
		   xprt->stat.req_u,
		   xprt->stat.bklog_u,
		   xprt->stat.max_slots,
		   xprt->stat.sending_u,
		   xprt->stat.pending_u,
		   READ_ONCE(xprt_quic(xprt)->nr_streams));
}

/**
 * xprt_quic_enable_swap - refuse to be a way to swap space
 * @xprt: transport
 *
 * A new connection needs the agent, which may have been swapped out.
 *
 * Return: -EINVAL.
 */
int xprt_quic_enable_swap(struct rpc_xprt *xprt)
{
	return -EINVAL;
}

/**
 * xprt_quic_disable_swap - nothing to undo
 * @xprt: transport
 */
void xprt_quic_disable_swap(struct rpc_xprt *xprt)
{
}

static void xprt_quic_inject_disconnect(struct rpc_xprt *xprt)
{
	xprt_disconnect_done(xprt);
}

#ifdef CONFIG_SUNRPC_BACKCHANNEL
static size_t xprt_quic_bc_maxpayload(struct rpc_xprt *xprt)
{
	return XPRT_QUIC_CB_MAX;
}
#endif

static void xprt_quic_free(struct xprt_quic *q)
{
	int i;

	for (i = 0; i < XPRT_QUIC_CB_STREAMS; i++)
		free_page((unsigned long)q->cb_streams[i].page);
	xprt_quic_free_addresses(&q->xprt);
	xprt_free(&q->xprt);
}

static void xprt_quic_destroy(struct rpc_xprt *xprt)
{
	struct xprt_quic *q = xprt_quic(xprt);

	cancel_delayed_work_sync(&q->connect_work);
	xprt_quic_close(xprt);
	cancel_work_sync(&q->recv_work);
	cancel_work_sync(&q->event_work);
	xprt_quic_free(q);
	module_put(THIS_MODULE);
}

static const struct rpc_xprt_ops xprt_quic_ops = {
	.reserve_xprt		= xprt_reserve_xprt,
	.release_xprt		= xprt_release_xprt,
	.alloc_slot		= xprt_alloc_slot,
	.free_slot		= xprt_free_slot,
	.rpcbind		= rpcb_getport_async,
	.set_port		= xprt_quic_set_port,
	.connect		= xprt_quic_connect,
	.get_srcaddr		= xprt_quic_get_srcaddr,
	.get_srcport		= xprt_quic_get_srcport,
	.buf_alloc		= rpc_malloc,
	.buf_free		= rpc_free,
	.prepare_request	= xprt_quic_prepare_request,
	.send_request		= xprt_quic_send_request,
	.abort_send_request	= xprt_quic_abort_send,
	.wait_for_reply_request	= xprt_wait_for_reply_request_def,
	.close			= xprt_quic_close,
	.destroy		= xprt_quic_destroy,
	.set_connect_timeout	= xprt_quic_set_connect_timeout,
	.print_stats		= xprt_quic_print_stats,
	.enable_swap		= xprt_quic_enable_swap,
	.disable_swap		= xprt_quic_disable_swap,
	.inject_disconnect	= xprt_quic_inject_disconnect,
#ifdef CONFIG_SUNRPC_BACKCHANNEL
	.bc_setup		= xprt_setup_bc,
	.bc_maxpayload		= xprt_quic_bc_maxpayload,
	.bc_num_slots		= xprt_bc_max_slots,
	.bc_free_rqst		= xprt_free_bc_rqst,
	.bc_destroy		= xprt_destroy_bc,
#endif
};

static void xprt_quic_init_streams(struct xprt_quic *q)
{
	int i;

	for (i = 0; i < XPRT_QUIC_STREAMS_MAX; i++)
		xprt_quic_stream_reset(&q->streams[i], -1);
	for (i = 0; i < XPRT_QUIC_CB_STREAMS; i++)
		xprt_quic_stream_reset(&q->cb_streams[i], -1);
}

static void xprt_quic_init_timeouts(struct xprt_quic *q,
				    const struct xprt_create *args)
{
	struct rpc_xprt *xprt = &q->xprt;

	xprt->bind_timeout = XPRT_QUIC_BIND_TO;
	xprt->idle_timeout = READ_ONCE(xprt_quic_idle) * HZ;
	if (args->flags & XPRT_CREATE_NO_IDLE_TIMEOUT)
		xprt->idle_timeout = 0;
	xprt->timeout = &xprt_quic_default_timeout;
	xprt->max_reconnect_timeout = xprt->timeout->to_maxval;
	if (args->reconnect_timeout)
		xprt->max_reconnect_timeout = args->reconnect_timeout;
	xprt->connect_timeout = xprt->timeout->to_initval *
				(xprt->timeout->to_retries + 1);
	if (args->connect_timeout)
		xprt_quic_use_timeout(q, args->connect_timeout);
}

static struct xprt_class xprt_quic_class;

static struct rpc_xprt *xprt_quic_setup(struct xprt_create *args)
{
	int family = args->dstaddr->sa_family;
	struct rpc_xprt *xprt;
	struct xprt_quic *q;

	if (family != AF_INET && family != AF_INET6)
		return ERR_PTR(-EAFNOSUPPORT);
	if (args->addrlen > sizeof(xprt->addr))
		return ERR_PTR(-EBADF);
	xprt = xprt_alloc(args->net, sizeof(*q), RPC_MIN_SLOT_TABLE,
			  RPC_MAX_SLOT_TABLE);
	if (!xprt)
		return ERR_PTR(-ENOMEM);

	q = xprt_quic(xprt);
	mutex_init(&q->recv_mutex);
	INIT_DELAYED_WORK(&q->connect_work, xprt_quic_connect_worker);
	INIT_WORK(&q->recv_work, xprt_quic_recv_worker);
	INIT_WORK(&q->event_work, xprt_quic_event_worker);
	xprt_quic_init_streams(q);
	memcpy(&xprt->addr, args->dstaddr, args->addrlen);
	xprt->addrlen = args->addrlen;
	q->srcaddr.ss_family = family;
	if (args->srcaddr)
		memcpy(&q->srcaddr, args->srcaddr, args->addrlen);

	/* The protocol of side protocols, such as rpcbind's. */
	xprt->prot = IPPROTO_TCP;
	xprt->xprt_class = &xprt_quic_class;
	xprt->max_payload = RPC_MAX_FRAGMENT_SIZE;
	xprt->ops = &xprt_quic_ops;
	xprt->xprtsec = args->xprtsec;
	q->want_streams = min(args->streams, XPRT_QUIC_STREAMS_MAX);
	xprt_quic_init_timeouts(q, args);
	if (rpc_get_port((struct sockaddr *)&xprt->addr))
		xprt_set_bound(xprt);
	xprt_quic_format_addresses(xprt);

	if (try_module_get(THIS_MODULE))
		return xprt;
	xprt_quic_free(q);
	return ERR_PTR(-EINVAL);
}

static struct xprt_class xprt_quic_class = {
	.list	= LIST_HEAD_INIT(xprt_quic_class.list),
	.name	= "quic",
	.owner	= THIS_MODULE,
	.ident	= XPRT_TRANSPORT_QUIC,
	.setup	= xprt_quic_setup,
	.netid	= { RPCBIND_NETID_QUIC, RPCBIND_NETID_QUIC6, "" },
};

/**
 * xprt_quic_init - register the client's transport class
 *
 * Return: 0 or a negative errno.
 */
int xprt_quic_init(void)
{
	return xprt_register_transport(&xprt_quic_class);
}

/**
 * xprt_quic_exit - undo xprt_quic_init()
 */
void xprt_quic_exit(void)
{
	xprt_unregister_transport(&xprt_quic_class);
}
