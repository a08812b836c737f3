// SPDX-License-Identifier: GPL-2.0-only
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/file.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/sunrpc/addr.h>
#include <linux/sunrpc/sched.h>
#include <linux/sunrpc/xprt.h>
#include <linux/sunrpc/xprtsock.h>
#include <net/handshake.h>
#include <net/ipv6.h>

#include "trace.h"
#include "xprt_quic.h"

/* Several replies of the largest size ahead of the reader; callbacks are
 * small.
 */
static const struct rpcquic_limits xprt_quic_limits = {
	.streams	= XPRT_QUIC_CB_STREAMS,
	.data		= 16 * 1024 * 1024,
	.local_stream	= 8 * 1024 * 1024,
	.peer_stream	= 64 * 1024,
	.sndbuf		= 4 * 1024 * 1024,
	.keepalive_us	= 15 * USEC_PER_SEC,
};

/**
 * struct xprt_quic_handshake - waits for the agent
 * @done:   it has reported
 * @status: what
 */
struct xprt_quic_handshake {
	struct completion	done;
	int			status;
};

/**
 * xprt_quic_event - have something done that must not be done here
 * @q:    transport
 * @flag: XPRT_QUIC_*
 */
void xprt_quic_event(struct xprt_quic *q, int flag)
{
	set_bit(flag, &q->flags);
	queue_work(xprtiod_workqueue, &q->event_work);
}

/* Callbacks of the socket: socket lock held, maybe in softirq. */

static void xprt_quic_data_ready(struct sock *sk)
{
	struct xprt_quic *q = sk->sk_user_data;

	if (!q)
		return;
	q->old_data_ready(sk);
	/* A server that has answered once need not be spared any more. */
	q->xprt.reestablish_timeout = 0;
	if (!test_and_set_bit(XPRT_QUIC_DATA_READY, &q->flags))
		queue_work(xprtiod_workqueue, &q->recv_work);
}

static void xprt_quic_state_change(struct sock *sk)
{
	struct xprt_quic *q = sk->sk_user_data;

	if (!q)
		return;
	q->old_state_change(sk);
	if (sk->sk_state == TCP_CLOSE)
		xprt_quic_event(q, XPRT_QUIC_CLOSED);
}

static void xprt_quic_write_space(struct sock *sk)
{
	struct xprt_quic *q = sk->sk_user_data;

	if (!q)
		return;
	q->old_write_space(sk);
	if (test_bit(XPRT_WRITE_SPACE, &q->xprt.state) &&
	    sk_stream_wspace(sk) >= sk_stream_min_wspace(sk))
		xprt_quic_event(q, XPRT_QUIC_WAKE_WRITE);
}

/**
 * xprt_quic_event_worker - do what was put off
 * @work: event_work
 */
void xprt_quic_event_worker(struct work_struct *work)
{
	struct xprt_quic *q = container_of(work, struct xprt_quic, event_work);

	if (test_and_clear_bit(XPRT_QUIC_WAKE_WRITE, &q->flags))
		xprt_write_space(&q->xprt);
	if (test_and_clear_bit(XPRT_QUIC_MEND, &q->flags)) {
		mutex_lock(&q->recv_mutex);
		if (q->sock)
			xprt_quic_mend(q);
		mutex_unlock(&q->recv_mutex);
	}
	/* There may be room on the other streams. */
	if (test_and_clear_bit(XPRT_QUIC_HALTED, &q->flags))
		xprt_write_space(&q->xprt);
	if (test_and_clear_bit(XPRT_QUIC_CLOSED, &q->flags)) {
		xprt_clear_connected(&q->xprt);
		xprt_force_disconnect(&q->xprt);
	}
}

/* Making a connection */

static unsigned short xprt_quic_first_port(const struct xprt_quic *q)
{
	if (q->srcport)
		return q->srcport;
	if (!q->xprt.resvport)
		return 0;
	return get_random_u32_inclusive(RPC_DEF_MIN_RESVPORT,
					RPC_DEF_MAX_RESVPORT);
}

static unsigned short xprt_quic_next_port(unsigned short port)
{
	if (port <= RPC_DEF_MIN_RESVPORT || port > RPC_DEF_MAX_RESVPORT)
		return RPC_DEF_MAX_RESVPORT;
	return port - 1;
}

static bool xprt_quic_srcaddr_any(struct xprt_quic *q)
{
	struct sockaddr *sap = (struct sockaddr *)&q->srcaddr;

	if (sap->sa_family == AF_INET6)
		return ipv6_addr_any(&((struct sockaddr_in6 *)sap)->sin6_addr);
	return ((struct sockaddr_in *)sap)->sin_addr.s_addr ==
	       htonl(INADDR_ANY);
}

static int xprt_quic_bind(struct xprt_quic *q, struct socket *sock)
{
	unsigned short port = xprt_quic_first_port(q);
	struct sockaddr_storage addr = q->srcaddr;
	int err, tries;

	if (!port && xprt_quic_srcaddr_any(q))
		return 0;
	tries = port ? RPC_DEF_MAX_RESVPORT - RPC_DEF_MIN_RESVPORT + 2 : 1;
	do {
		rpc_set_port((struct sockaddr *)&addr, port);
		err = kernel_bind(sock, (struct sockaddr_unsized *)&addr,
				  q->xprt.addrlen);
		port = q->xprt.resvport ? xprt_quic_next_port(port) : 0;
	} while (err == -EADDRINUSE && --tries);
	return err;
}

static void xprt_quic_handshake_done(void *data, int status,
				     key_serial_t peerid)
{
	struct xprt_quic_handshake *handshake = data;

	handshake->status = status;
	/* An agent that has looked at the server's certificate says whose it is.
	 * There is one that believes whoever answers an anonymous client.
	 */
	if (!status && peerid == TLS_NO_PEERID)
		handshake->status = -EKEYREJECTED;
	complete(&handshake->done);
}

static int xprt_quic_handshake_submit(struct xprt_quic *q, struct socket *sock,
				      struct xprt_quic_handshake *handshake)
{
	struct tls_handshake_args args = {
		.ta_sock	= sock,
		.ta_done	= xprt_quic_handshake_done,
		.ta_data	= handshake,
		.ta_peername	= q->xprt.servername,
		.ta_timeout_ms	= jiffies_to_msecs(RPCQUIC_HANDSHAKE_TO),
	};

	bool prove = q->xprt.xprtsec.policy == RPC_XPRTSEC_TLS_X509;
	int err;

	if (prove) {
		args.ta_my_cert = q->xprt.xprtsec.cert_serial;
		args.ta_my_privkey = q->xprt.xprtsec.privkey_serial;
	}
	/* A reconnect, as any further connection, need not begin anew. */
	err = quic_session_resume(sock->sk, &args, prove);
	if (err)
		return err;
	/* Both verify the server; "anonymous" is only the client. */
	return quic_handshake_request(prove ? tls_client_hello_x509 :
					      tls_client_hello_anon, &args);
}

/* The result may be on the stack: when this returns, the agent has reported, or
 * never will.
 */
static int xprt_quic_handshake(struct xprt_quic *q, struct socket *sock)
{
	struct xprt_quic_handshake handshake = {};
	int err;

	init_completion(&handshake.done);
	err = xprt_quic_handshake_submit(q, sock, &handshake);
	if (err)
		return err;
	if (!wait_for_completion_timeout(&handshake.done,
					 RPCQUIC_HANDSHAKE_TO +
					 RPCQUIC_AGENT_GRACE)) {
		if (tls_handshake_cancel(sock->sk))
			return -ETIMEDOUT;
		/* Too late to cancel: the agent is just reporting. */
		wait_for_completion(&handshake.done);
	}
	return handshake.status;
}

static unsigned int xprt_quic_wanted_streams(const struct xprt_quic *q)
{
	if (q->want_streams)
		return q->want_streams;
	return READ_ONCE(xprt_quic_nr_streams) ?:
	       min(num_online_cpus(), XPRT_QUIC_STREAMS_MAX);
}

/* As many as we want, or as the server allows: one has to be enough. */
static int xprt_quic_open_streams(struct xprt_quic *q, struct socket *sock)
{
	unsigned int want = xprt_quic_wanted_streams(q);
	unsigned int nr;
	s64 id = 0;

	for (nr = 0; nr < want; nr++) {
		id = rpcquic_stream_open(sock);
		if (id < 0)
			break;
		xprt_quic_stream_reset(&q->streams[nr], id);
	}
	WRITE_ONCE(q->nr_streams, nr);
	if (nr)
		return 0;
	return id == -EAGAIN ? -EUSERS : id;
}

static int xprt_quic_establish(struct xprt_quic *q, struct socket *sock)
{
	struct rpc_xprt *xprt = &q->xprt;
	int err;

	err = rpcquic_sock_configure(sock, &xprt_quic_limits);
	if (!err)
		err = rpcquic_sock_watch(sock);
	if (!err)
		err = xprt_quic_bind(q, sock);
	if (err)
		return err;
	/* For a mount's lifetime (RFC 4941, 3.6). */
	if (xprt->addr.ss_family == AF_INET6)
		ip6_sock_set_addr_preferences(sock->sk, IPV6_PREFER_SRC_PUBLIC);
	err = kernel_connect(sock, (struct sockaddr_unsized *)&xprt->addr,
			     xprt->addrlen, 0);
	if (err)
		return err;
	err = xprt_quic_handshake(q, sock);
	trace_xprt_quic_handshake(xprt->address_strings[RPC_DISPLAY_ADDR], err);
	if (!err)
		err = xprt_quic_open_streams(q, sock);
	return err ? xprt_quic_connect_error(sock, err) : 0;
}

static struct socket *xprt_quic_open(struct xprt_quic *q)
{
	struct socket *sock;
	int err;

	sock = rpcquic_sock_create(q->xprt.xprt_net, q->xprt.addr.ss_family);
	if (IS_ERR(sock))
		return sock;
	sock->sk->sk_allocation = GFP_NOFS;
	err = rpcquic_sock_file(sock);
	if (err)
		return ERR_PTR(err);
	err = xprt_quic_establish(q, sock);
	if (!err)
		return sock;
	kernel_sock_shutdown(sock, SHUT_RDWR);
	__fput_sync(sock->file);
	return ERR_PTR(err);
}

/* The socket becomes the transport's. Whatever has happened until now did so
 * without our callbacks.
 */
static void xprt_quic_adopt(struct xprt_quic *q, struct socket *sock)
{
	struct sockaddr_storage addr;
	struct sock *sk = sock->sk;
	bool closed;

	if (kernel_getsockname(sock, (struct sockaddr *)&addr) >= 0)
		q->srcport = rpc_get_port((struct sockaddr *)&addr);

	mutex_lock(&q->recv_mutex);
	lock_sock(sk);
	q->old_data_ready = sk->sk_data_ready;
	q->old_state_change = sk->sk_state_change;
	q->old_write_space = sk->sk_write_space;
	sk->sk_user_data = q;
	WRITE_ONCE(sk->sk_data_ready, xprt_quic_data_ready);
	sk->sk_state_change = xprt_quic_state_change;
	WRITE_ONCE(sk->sk_write_space, xprt_quic_write_space);
	q->sock = sock;
	q->sk = sk;
	closed = sk->sk_state == TCP_CLOSE;
	release_sock(sk);
	mutex_unlock(&q->recv_mutex);

	if (closed)
		xprt_quic_event(q, XPRT_QUIC_CLOSED);
}

static void xprt_quic_connected(struct xprt_quic *q)
{
	struct rpc_xprt *xprt = &q->xprt;

	set_bit(XPRT_QUIC_USED, &q->flags);
	if (xprt->reestablish_timeout < XPRT_QUIC_REEST_TO)
		xprt->reestablish_timeout = XPRT_QUIC_REEST_TO;
	xprt->connect_cookie++;
	xprt->stat.connect_count++;
	xprt->stat.connect_time += (long)jiffies - xprt->stat.connect_start;
	xprt_set_connected(xprt);
	queue_work(xprtiod_workqueue, &q->recv_work);
}

/* The first attempt tells the user what is wrong. Later ones are those of a
 * mount in use, which has to survive whatever its server and its agent do.
 */
static int xprt_quic_status(struct xprt_quic *q, int err)
{
	switch (err) {
	case 0:
	case -ENETDOWN:		/* see the mount option fatal_neterrors= */
	case -ENETUNREACH:
		return err;
	default:
		return test_bit(XPRT_QUIC_USED, &q->flags) ? -ECONNREFUSED :
							     err;
	}
}

/**
 * xprt_quic_connect_worker - make a connection
 * @work: connect_work
 */
void xprt_quic_connect_worker(struct work_struct *work)
{
	struct xprt_quic *q = container_of(work, struct xprt_quic,
					   connect_work.work);
	unsigned int pflags = memalloc_nofs_save();
	struct rpc_xprt *xprt = &q->xprt;
	struct socket *sock;
	int err = 0;

	if (!xprt_connected(xprt)) {
		xprt_quic_close(xprt);
		xprt->stat.connect_start = jiffies;
		sock = xprt_quic_open(q);
		err = PTR_ERR_OR_ZERO(sock);
		trace_xprt_quic_connect(xprt->address_strings[RPC_DISPLAY_ADDR],
					err);
		xprt_quic_log_error(q, err);
		if (!err) {
			xprt_quic_adopt(q, sock);
			xprt_quic_connected(q);
		}
	}
	xprt_clear_connecting(xprt);
	xprt_unlock_connect(xprt, q);
	xprt_wake_pending_tasks(xprt, xprt_quic_status(q, err) ?: -EAGAIN);
	memalloc_nofs_restore(pflags);
}

/**
 * xprt_quic_connect - have a connection made
 * @xprt: transport
 * @task: who wants it
 */
void xprt_quic_connect(struct rpc_xprt *xprt, struct rpc_task *task)
{
	struct xprt_quic *q = xprt_quic(xprt);
	unsigned long delay = 0;

	WARN_ON_ONCE(!xprt_lock_connect(xprt, task, q));

	/* The last connection has ended before the server said anything. */
	if (xprt->reestablish_timeout) {
		delay = xprt_reconnect_delay(xprt);
		xprt_reconnect_backoff(xprt, XPRT_QUIC_REEST_TO);
	}
	queue_delayed_work(xprtiod_workqueue, &q->connect_work, delay);
}

/* Ending one */

static void xprt_quic_abandon(struct xprt_quic *q, struct sock *sk)
{
	int i;

	lock_sock(sk);
	sk->sk_user_data = NULL;
	WRITE_ONCE(sk->sk_data_ready, q->old_data_ready);
	sk->sk_state_change = q->old_state_change;
	WRITE_ONCE(sk->sk_write_space, q->old_write_space);
	q->sock = NULL;
	q->sk = NULL;
	release_sock(sk);

	WRITE_ONCE(q->nr_streams, 0);
	q->halted = 0;
	for (i = 0; i < XPRT_QUIC_CB_STREAMS; i++)
		xprt_quic_stream_reset(&q->cb_streams[i], -1);
	q->xmit.offset = 0;
}

static void xprt_quic_clear_state(struct xprt_quic *q)
{
	struct rpc_xprt *xprt = &q->xprt;

	xprt_clear_connected(xprt);
	xprt->connect_cookie++;
	/* Who finds a bit cleared sees the new cookie. */
	smp_mb__before_atomic();
	clear_bit(XPRT_CLOSE_WAIT, &xprt->state);
	clear_bit(XPRT_CLOSING, &xprt->state);
	clear_bit(XPRT_QUIC_DATA_READY, &q->flags);
	clear_bit(XPRT_QUIC_WAKE_WRITE, &q->flags);
	clear_bit(XPRT_QUIC_HALTED, &q->flags);
	clear_bit(XPRT_QUIC_MEND, &q->flags);
	clear_bit(XPRT_QUIC_CLOSED, &q->flags);
}

/**
 * xprt_quic_close - end the connection, if there is one
 * @xprt: transport
 *
 * Context: XPRT_LOCKED held; a worker.
 */
void xprt_quic_close(struct rpc_xprt *xprt)
{
	struct xprt_quic *q = xprt_quic(xprt);
	struct socket *sock = q->sock;

	if (!sock)
		return;

	mutex_lock(&q->recv_mutex);
	trace_xprt_quic_close(xprt->address_strings[RPC_DISPLAY_ADDR],
			      rpcquic_close_code(sock));
	xprt_quic_log_close(q);
	xprt_quic_abandon(q, sock->sk);
	xprt_quic_clear_state(q);
	mutex_unlock(&q->recv_mutex);

	kernel_sock_shutdown(sock, SHUT_RDWR);
	__fput_sync(sock->file);
	xprt_disconnect_done(xprt);
}
