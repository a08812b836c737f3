// SPDX-License-Identifier: GPL-2.0-only
#include <linux/file.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sunrpc/svc.h>
#include <linux/sunrpc/svcsock.h>
#include <linux/sunrpc/xprt.h>
#include <net/handshake.h>

#include "svc_quic.h"
#include "trace.h"

/* A client may send ahead what a few large writes take. A connection that has
 * proved nothing may hold this much of the server's memory.
 */
static const struct rpcquic_limits svc_quic_limits = {
	.streams	= SVC_QUIC_STREAMS_MAX,
	.data		= 4 * 1024 * 1024,
	.local_stream	= 64 * 1024,
	.peer_stream	= 4 * 1024 * 1024,
	.sndbuf		= 4 * 1024 * 1024,
	.ask_cert	= true,
};

/* How long a reply may wait for a client that does not read. */
#define SVC_QUIC_SNDTIMEO	(30 * HZ)

/* Until net/handshake is asked again, if too many clients wait for an agent. */
#define SVC_QUIC_AGENT_BUSY	(HZ / 20)

static const struct svc_xprt_ops svc_quic_ops;

static struct svc_xprt_class svc_quic_class = {
	.xcl_name	 = "quic",
	.xcl_owner	 = THIS_MODULE,
	.xcl_ops	 = &svc_quic_ops,
	.xcl_max_payload = RPCSVC_MAXPAYLOAD_TCP,
	.xcl_ident	 = XPRT_TRANSPORT_QUIC,
};

/* Callbacks of the sockets: may be in softirq. Those of a connection run with
 * the socket lock held.
 */

static void svc_quic_listen_data_ready(struct sock *sk)
{
	struct svc_quic *svc = READ_ONCE(sk->sk_user_data);

	if (!svc)
		return;
	svc->old_data_ready(sk);
	set_bit(XPT_CONN, &svc->xprt.xpt_flags);
	svc_xprt_enqueue(&svc->xprt);
}

static void svc_quic_data_ready(struct sock *sk)
{
	struct svc_quic *svc = sk->sk_user_data;

	if (!svc)
		return;
	svc->old_data_ready(sk);
	/* Until then it is the agent who reads. */
	if (READ_ONCE(svc->established) &&
	    !test_and_set_bit(XPT_DATA, &svc->xprt.xpt_flags))
		svc_xprt_enqueue(&svc->xprt);
}

static void svc_quic_state_change(struct sock *sk)
{
	struct svc_quic *svc = sk->sk_user_data;

	if (!svc)
		return;
	svc->old_state_change(sk);
	if (sk->sk_state == TCP_CLOSE)
		svc_xprt_deferred_close(&svc->xprt);
}

static void svc_quic_write_space(struct sock *sk)
{
	struct svc_quic *svc = sk->sk_user_data;

	if (!svc)
		return;
	svc->old_write_space(sk);
	svc_xprt_enqueue(&svc->xprt);
}

static void svc_quic_set_callbacks(struct svc_quic *svc)
{
	struct sock *sk = svc->sock->sk;

	lock_sock(sk);
	svc->old_data_ready = sk->sk_data_ready;
	svc->old_state_change = sk->sk_state_change;
	svc->old_write_space = sk->sk_write_space;
	sk->sk_user_data = svc;
	if (test_bit(XPT_LISTENER, &svc->xprt.xpt_flags)) {
		WRITE_ONCE(sk->sk_data_ready, svc_quic_listen_data_ready);
	} else {
		WRITE_ONCE(sk->sk_data_ready, svc_quic_data_ready);
		sk->sk_state_change = svc_quic_state_change;
		WRITE_ONCE(sk->sk_write_space, svc_quic_write_space);
		if (sk->sk_state == TCP_CLOSE)
			set_bit(XPT_CLOSE, &svc->xprt.xpt_flags);
	}
	release_sock(sk);
}

static void svc_quic_restore_callbacks(struct svc_quic *svc)
{
	struct sock *sk = svc->sock->sk;

	lock_sock(sk);
	WRITE_ONCE(sk->sk_user_data, NULL);
	WRITE_ONCE(sk->sk_data_ready, svc->old_data_ready);
	sk->sk_state_change = svc->old_state_change;
	WRITE_ONCE(sk->sk_write_space, svc->old_write_space);
	release_sock(sk);
}

/* The handshake. It must not take an nfsd thread, or a few clients that do not
 * go on with theirs could take them all. The request has a reference to the
 * transport, and so has the timer; whoever prevents one of them from running
 * drops its reference. net/handshake takes only a few requests at a time; more
 * clients than that wait for their turn.
 */

static void svc_quic_stop_timer(struct svc_quic *svc)
{
	if (cancel_delayed_work(&svc->handshake))
		svc_xprt_put(&svc->xprt);
}

static void svc_quic_cancel_handshake(struct svc_quic *svc)
{
	if (tls_handshake_cancel(svc->sock->sk))
		svc_xprt_put(&svc->xprt);
}

static void svc_quic_handshake_done(void *data, int status, key_serial_t peerid)
{
	struct svc_quic *svc = data;
	struct svc_xprt *xprt = &svc->xprt;

	trace_svc_quic_handshake(xprt->xpt_remotebuf, status);
	if (status) {
		svc_xprt_deferred_close(xprt);
	} else {
		/* What an export demands with xprtsec= is looked up here. */
		if (peerid != TLS_NO_PEERID)
			set_bit(XPT_PEER_AUTH, &xprt->xpt_flags);
		set_bit(XPT_TLS_SESSION, &xprt->xpt_flags);
		WRITE_ONCE(svc->established, true);
		/* Something may have come before that was seen. */
		set_bit(XPT_DATA, &xprt->xpt_flags);
		svc_xprt_enqueue(xprt);
	}
	svc_quic_stop_timer(svc);
	svc_xprt_put(xprt);
}

static const char *svc_quic_advice(int error)
{
	switch (error) {
	case -ESRCH:
		return "no TLS handshake agent in this network namespace";
	case -EAGAIN:
		return "too many handshakes wait for the TLS handshake agent";
	default:
		return "no handshake";
	}
}

static int svc_quic_handshake(struct svc_quic *svc)
{
	struct tls_handshake_args args = {
		.ta_sock	= svc->sock,
		.ta_done	= svc_quic_handshake_done,
		.ta_data	= svc,
		.ta_timeout_ms	= jiffies_to_msecs(RPCQUIC_HANDSHAKE_TO),
	};
	unsigned long delay = RPCQUIC_HANDSHAKE_TO + RPCQUIC_AGENT_GRACE;
	int err;

	svc_xprt_get(&svc->xprt);
	err = tls_server_hello_x509(&args, GFP_KERNEL);
	if (!err) {
		svc->requested = true;
	} else {
		svc_xprt_put(&svc->xprt);
		if (err != -EAGAIN || time_after(jiffies, svc->give_up)) {
			pr_notice_ratelimited("rpcquic: client %s refused: error %d: %s\n",
					      svc->xprt.xpt_remotebuf, err,
					      svc_quic_advice(err));
			return err;
		}
		/* Many come at once, after a restart for example. */
		delay = SVC_QUIC_AGENT_BUSY;
	}
	svc_xprt_get(&svc->xprt);
	queue_delayed_work(system_unbound_wq, &svc->handshake, delay);
	return 0;
}

static void svc_quic_handshake_worker(struct work_struct *work)
{
	struct svc_quic *svc = container_of(work, struct svc_quic,
					    handshake.work);

	if (!svc->requested) {
		if (svc_quic_handshake(svc))
			svc_xprt_deferred_close(&svc->xprt);
	} else if (!READ_ONCE(svc->established)) {
		svc_xprt_deferred_close(&svc->xprt);
		svc_quic_cancel_handshake(svc);
	}
	svc_xprt_put(&svc->xprt);
}

/* Making and ending transports */

static void svc_quic_close_socket(struct socket *sock)
{
	if (sock->file)
		sockfd_put(sock);
	else
		sock_release(sock);
}

static struct svc_quic *svc_quic_alloc(struct svc_serv *serv,
				       struct socket *sock, bool listener)
{
	struct svc_quic *svc;

	svc = kzalloc_obj(*svc);
	if (!svc)
		return NULL;
	if (!listener) {
		/* One more for the record marker. */
		svc->bvec = kvcalloc(svc_serv_maxpages(serv) + 1,
				     sizeof(*svc->bvec), GFP_KERNEL);
		if (!svc->bvec) {
			kfree(svc);
			return NULL;
		}
	}

	svc_xprt_init(sock_net(sock->sk), &svc_quic_class, &svc->xprt, serv);
	set_bit(XPT_CACHE_AUTH, &svc->xprt.xpt_flags);
	set_bit(XPT_CONG_CTRL, &svc->xprt.xpt_flags);
	if (listener) {
		strscpy(svc->xprt.xpt_remotebuf, "listener");
		set_bit(XPT_LISTENER, &svc->xprt.xpt_flags);
		set_bit(XPT_CONN, &svc->xprt.xpt_flags);
	}
	svc->sock = sock;
	svc->cb_stream = -1;
	INIT_LIST_HEAD(&svc->streams);
	INIT_DELAYED_WORK(&svc->handshake, svc_quic_handshake_worker);
	svc->give_up = jiffies + RPCQUIC_HANDSHAKE_TO;
	return svc;
}

static int svc_quic_listen(struct socket *sock, struct sockaddr *sa, int salen)
{
	int err;

	err = rpcquic_sock_configure(sock, &svc_quic_limits);
	if (!err)
		err = rpcquic_sock_watch(sock);
	if (!err)
		err = kernel_bind(sock, (struct sockaddr_unsized *)sa, salen);
	return err ?: kernel_listen(sock, SOMAXCONN);
}

static struct svc_xprt *svc_quic_create(struct svc_serv *serv, struct net *net,
					struct sockaddr *sa, int salen,
					int flags)
{
	struct sockaddr_storage addr;
	struct svc_quic *svc;
	struct socket *sock;
	int err;

	if (sa->sa_family != AF_INET && sa->sa_family != AF_INET6)
		return ERR_PTR(-EAFNOSUPPORT);
	sock = rpcquic_sock_create(net, sa->sa_family);
	if (IS_ERR(sock))
		return ERR_CAST(sock);
	err = svc_quic_listen(sock, sa, salen);
	if (err)
		goto out_release;
	err = kernel_getsockname(sock, (struct sockaddr *)&addr);
	if (err < 0)
		goto out_release;
	salen = err;
	err = -ENOMEM;
	svc = svc_quic_alloc(serv, sock, true);
	if (!svc)
		goto out_release;
	svc_xprt_set_local(&svc->xprt, (struct sockaddr *)&addr, salen);
	svc_quic_set_callbacks(svc);
	return &svc->xprt;

out_release:
	sock_release(sock);
	return ERR_PTR(err);
}

static int svc_quic_set_addresses(struct svc_quic *svc)
{
	struct sockaddr_storage addr;
	int len;

	len = kernel_getpeername(svc->sock, (struct sockaddr *)&addr);
	if (len < 0)
		return len;
	svc_xprt_set_remote(&svc->xprt, (struct sockaddr *)&addr, len);
	len = kernel_getsockname(svc->sock, (struct sockaddr *)&addr);
	if (len < 0)
		return len;
	svc_xprt_set_local(&svc->xprt, (struct sockaddr *)&addr, len);
	return 0;
}

static struct svc_xprt *svc_quic_accept(struct svc_xprt *xprt)
{
	struct svc_quic *new, *svc = svc_quic(xprt);
	struct socket *sock;

	clear_bit(XPT_CONN, &xprt->xpt_flags);
	if (kernel_accept(svc->sock, &sock, O_NONBLOCK))
		return NULL;
	set_bit(XPT_CONN, &xprt->xpt_flags);
	/* net/handshake lends the socket to the agent as a file. */
	if (rpcquic_sock_file(sock))
		return NULL;

	sock->sk->sk_sndtimeo = SVC_QUIC_SNDTIMEO;
	new = svc_quic_alloc(xprt->xpt_server, sock, false);
	if (!new)
		goto out_close;
	if (svc_quic_set_addresses(new))
		goto out_free;
	svc_quic_set_callbacks(new);
	if (!svc_quic_handshake(new))
		return &new->xprt;
	svc_quic_restore_callbacks(new);

out_free:
	put_net_track(new->xprt.xpt_net, &new->xprt.ns_tracker);
	kvfree(new->bvec);
	kfree(new);
out_close:
	svc_quic_close_socket(sock);
	return NULL;
}

/* Nobody is told of anything any more. */
static void svc_quic_detach(struct svc_xprt *xprt)
{
	struct svc_quic *svc = svc_quic(xprt);

	svc_quic_restore_callbacks(svc);
	if (test_bit(XPT_LISTENER, &xprt->xpt_flags))
		return;
	if (cancel_delayed_work_sync(&svc->handshake))
		svc_xprt_put(xprt);
	svc_quic_cancel_handshake(svc);
	kernel_sock_shutdown(svc->sock, SHUT_RDWR);
}

static void svc_quic_free(struct svc_xprt *xprt)
{
	struct svc_quic *svc = svc_quic(xprt);

	/* After this a listener's callback does not run any more either, which
	 * may just have looked at sk_user_data.
	 */
	svc_quic_close_socket(svc->sock);
	svc_quic_free_streams(svc);
	page_frag_cache_drain(&svc->frag);
	kvfree(svc->bvec);
	kfree(svc);
}

static int svc_quic_has_wspace(struct svc_xprt *xprt)
{
	if (test_bit(XPT_LISTENER, &xprt->xpt_flags))
		return 1;
	return !test_bit(SOCK_NOSPACE, &svc_quic(xprt)->sock->flags);
}

static void svc_quic_kill_temp_xprt(struct svc_xprt *xprt)
{
}

/* Without xpo_handshake, which would offer STARTTLS (draft, 3.3). */
static const struct svc_xprt_ops svc_quic_ops = {
	.xpo_create		= svc_quic_create,
	.xpo_accept		= svc_quic_accept,
	.xpo_has_wspace		= svc_quic_has_wspace,
	.xpo_recvfrom		= svc_quic_recvfrom,
	.xpo_sendto		= svc_quic_sendto,
	.xpo_result_payload	= svc_quic_result_payload,
	.xpo_release_ctxt	= svc_quic_release_ctxt,
	.xpo_detach		= svc_quic_detach,
	.xpo_free		= svc_quic_free,
	.xpo_kill_temp_xprt	= svc_quic_kill_temp_xprt,
};

/**
 * svc_quic_init - register the server's transport class
 *
 * Return: 0 or a negative errno.
 */
int svc_quic_init(void)
{
	return svc_reg_xprt_class(&svc_quic_class);
}

/**
 * svc_quic_exit - undo svc_quic_init()
 */
void svc_quic_exit(void)
{
	svc_unreg_xprt_class(&svc_quic_class);
}
