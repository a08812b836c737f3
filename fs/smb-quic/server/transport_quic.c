// SPDX-License-Identifier: GPL-2.0-only
/*
 * SMB over QUIC: listeners, the server's handshake, and a connection's bytes.
 *
 * Owns struct ksmbd_quic_listener, which belongs to an interface of
 * transport_tcp.c and is used by its thread only, and struct quic_transport,
 * which lives as long as its connection. The thread of the connection alone
 * reads; who writes holds conn->srv_mutex; shutdown may come from anywhere.
 */

#define SUBMOD_NAME	"quic"

#include <linux/completion.h>
#include <linux/file.h>
#include <linux/freezer.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/quic.h>
#include <linux/semaphore.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <net/handshake.h>
#include <net/sock.h>

#include "glob.h"
#include "connection.h"
#include "server.h"
#include "transport_quic.h"

#define KSMBD_QUIC_ALPN			"smb"

/*
 * What a client may send before the server has read it, and what the server
 * may have written before the client has: a large write and a large read.
 */
#define KSMBD_QUIC_WINDOW		(4 * 1024 * 1024)
#define KSMBD_QUIC_SNDBUF		(4 * 1024 * 1024)

/* One stream carries all of SMB. The socket knows no zero. */
#define KSMBD_QUIC_STREAMS		1
#define KSMBD_QUIC_OTHER_WINDOW		1200

/*
 * A client without open work is silent for minutes, and is to be told from one
 * that is gone (RFC 9000, 10.1.2).
 */
#define KSMBD_QUIC_KEEPALIVE_US		(20 * USEC_PER_SEC)
#define KSMBD_QUIC_IDLE_US		(60 * USEC_PER_SEC)

/*
 * Handshakes at a time, and seconds for one. Further clients wait in the
 * backlog of the listener, and when that is long QUIC has them prove their
 * addresses (RFC 9000, 8.1.2) before they cost more.
 */
#define KSMBD_QUIC_HANDSHAKES		32
#define KSMBD_QUIC_HANDSHAKE_TIMEOUT	10
/* How long the agent may be late in telling that its time is up. */
#define KSMBD_QUIC_AGENT_GRACE		(2 * HZ)

/* What struct quic_config tells the agent. */
#define KSMBD_QUIC_CERT_REQUIRED	2

static ushort quic_port;
module_param(quic_port, ushort, 0644);
MODULE_PARM_DESC(quic_port, "UDP port for SMB over QUIC, usually 443; 0 for none (default). Read when the server starts");

static bool quic_client_cert;
module_param(quic_client_cert, bool, 0644);
MODULE_PARM_DESC(quic_client_cert, "Have clients over QUIC prove who they are with a certificate. Read when the server starts");

static char *quic_only_shares;
module_param(quic_only_shares, charp, 0644);
MODULE_PARM_DESC(quic_only_shares, "Names of shares that are served over QUIC only, separated by commas; * for all. Read when the server starts");

struct ksmbd_quic_listener {
	struct socket		*sock;
	struct task_struct	*thread;
};

struct quic_transport {
	struct ksmbd_transport	transport;
	struct socket		*sock;
	struct completion	handshake_done;
	int			handshake_status;
};

#define QUIC_TRANS(t)	container_of(t, struct quic_transport, transport)

/* Set while the server runs with QUIC: keeps the protocol's module in. */
static int (*ksmbd_quic_setsockopt)(struct sock *sk, int optname,
				    sockptr_t optval, unsigned int optlen);
static u16 listen_port;
static bool want_client_cert;
static char *only_shares;

static DEFINE_SEMAPHORE(handshake_slots, KSMBD_QUIC_HANDSHAKES);

static const struct ksmbd_transport_ops ksmbd_quic_transport_ops;

/* A connection's socket has a file, which net/handshake lends to the agent. */
static void ksmbd_quic_release_sock(struct socket *sock)
{
	if (sock->file)
		__fput_sync(sock->file);
	else
		sock_release(sock);
}

static void ksmbd_quic_free_transport(struct ksmbd_transport *kt)
{
	struct quic_transport *t = QUIC_TRANS(kt);

	ksmbd_quic_release_sock(t->sock);
	kfree(t);
}

static void ksmbd_quic_handshake_done(void *data, int status,
				      key_serial_t peer_key)
{
	struct quic_transport *t = data;

	t->handshake_status = status;
	complete(&t->handshake_done);
}

/* Either the request is cancelled, or its end is reported. */
static void ksmbd_quic_cancel_handshake(struct quic_transport *t, int status)
{
	if (tls_handshake_cancel(t->sock->sk))
		ksmbd_quic_handshake_done(t, status, 0);
}

static int ksmbd_quic_handshake(struct quic_transport *t)
{
	struct tls_handshake_args args = {
		.ta_sock	= t->sock,
		.ta_done	= ksmbd_quic_handshake_done,
		.ta_data	= t,
		.ta_timeout_ms	= KSMBD_QUIC_HANDSHAKE_TIMEOUT * MSEC_PER_SEC,
	};
	int ret;

	ret = quic_handshake_request(tls_server_hello_x509, &args);
	if (ret == -ESRCH)
		pr_err_ratelimited("no TLS handshake agent: start kquic-handshaked or tlshd\n");
	if (ret)
		return ret;

	if (!wait_for_completion_timeout(&t->handshake_done,
					 KSMBD_QUIC_HANDSHAKE_TIMEOUT * HZ +
					 KSMBD_QUIC_AGENT_GRACE)) {
		ksmbd_quic_cancel_handshake(t, -ETIMEDOUT);
		wait_for_completion(&t->handshake_done);
	}
	return t->handshake_status;
}

/* After the handshake the loop is that of every transport. */
static int ksmbd_quic_conn_thread(void *data)
{
	struct ksmbd_conn *conn = data;
	struct quic_transport *t = QUIC_TRANS(conn->transport);
	int ret;

	ret = ksmbd_quic_handshake(t);
	up(&handshake_slots);
	if (ret) {
		ksmbd_debug(CONN, "TLS handshake failed: %d\n", ret);
		/* The loop ends before it begins, and cleans up. */
		ksmbd_conn_abort(conn);
	}

	/* After the agent, who works on the same socket. */
	WRITE_ONCE(t->sock->sk->sk_rcvtimeo, KSMBD_TCP_RECV_TIMEOUT);
	WRITE_ONCE(t->sock->sk->sk_sndtimeo, KSMBD_TCP_SEND_TIMEOUT);
	return ksmbd_conn_handler_loop(conn);
}

/* Takes over the socket, also if it fails. */
static struct quic_transport *ksmbd_quic_alloc_transport(struct socket *sock)
{
	struct quic_transport *t;
	struct ksmbd_conn *conn;

	/* If there is no file, there is no socket any more. */
	if (IS_ERR(sock_alloc_file(sock, 0, NULL)))
		return NULL;
	t = kzalloc_obj(*t, KSMBD_DEFAULT_GFP);
	if (!t)
		goto err_sock;
	conn = ksmbd_conn_alloc();
	if (!conn)
		goto err_free;

	t->sock = sock;
	init_completion(&t->handshake_done);
	conn->transport = &t->transport;
	t->transport.conn = conn;
	t->transport.ops = &ksmbd_quic_transport_ops;
	ksmbd_conn_add(conn, sock->sk);
	return t;

err_free:
	kfree(t);
err_sock:
	ksmbd_quic_release_sock(sock);
	return NULL;
}

static void ksmbd_quic_disconnect(struct ksmbd_transport *kt)
{
	kernel_sock_shutdown(QUIC_TRANS(kt)->sock, SHUT_RDWR);
	ksmbd_conn_free(kt->conn);
	ksmbd_conn_unreserve();
}

static int ksmbd_quic_start_conn(struct socket *sock)
{
	struct quic_transport *t;
	struct task_struct *thread;

	if (!ksmbd_conn_reserve(sock->sk)) {
		sock_release(sock);
		return -EUSERS;
	}
	t = ksmbd_quic_alloc_transport(sock);
	if (!t) {
		ksmbd_conn_unreserve();
		return -ENOMEM;
	}

	thread = kthread_run(ksmbd_quic_conn_thread, t->transport.conn,
			     "ksmbd-quic:%u",
			     ntohs(inet_sk(sock->sk)->inet_dport));
	if (IS_ERR(thread)) {
		ksmbd_quic_disconnect(&t->transport);
		return PTR_ERR(thread);
	}
	return 0;
}

static bool ksmbd_quic_client_waits(struct socket *sock)
{
	return sock->ops->poll(NULL, sock, NULL) & EPOLLIN;
}

static int ksmbd_quic_listener_thread(void *data)
{
	struct ksmbd_quic_listener *l = data;
	struct socket *sock;

	while (!kthread_should_stop()) {
		wait_event_interruptible(*sk_sleep(l->sock->sk),
					 kthread_should_stop() ||
					 ksmbd_quic_client_waits(l->sock));
		if (kthread_should_stop() || down_timeout(&handshake_slots, HZ))
			continue;

		/* The thread of the connection gives the slot back. */
		if (kernel_accept(l->sock, &sock, O_NONBLOCK) ||
		    ksmbd_quic_start_conn(sock))
			up(&handshake_slots);
	}
	return 0;
}

static int ksmbd_quic_set_option(struct socket *sock, int optname,
				 const void *val, unsigned int len)
{
	return ksmbd_quic_setsockopt(sock->sk, optname,
				     KERNEL_SOCKPTR((void *)val), len);
}

/* Connections inherit all of this from their listener. */
static int ksmbd_quic_configure(struct socket *sock)
{
	struct quic_transport_param param = {
		.max_idle_timeout = KSMBD_QUIC_IDLE_US,
		.max_streams_bidi = KSMBD_QUIC_STREAMS,
		.max_streams_uni = KSMBD_QUIC_STREAMS,
		.max_data = KSMBD_QUIC_WINDOW,
		.max_stream_data_bidi_local = KSMBD_QUIC_OTHER_WINDOW,
		.max_stream_data_bidi_remote = KSMBD_QUIC_WINDOW,
		.max_stream_data_uni = KSMBD_QUIC_OTHER_WINDOW,
	};
	struct quic_config config = {
		.stream_data_nodelay = 1,	/* a message is written whole */
		.keepalive_probe_interval = KSMBD_QUIC_KEEPALIVE_US,
		.certificate_request = want_client_cert ?
				       KSMBD_QUIC_CERT_REQUIRED : 0,
	};
	int ret;

	ret = ksmbd_quic_set_option(sock, QUIC_SOCKOPT_ALPN, KSMBD_QUIC_ALPN,
				    strlen(KSMBD_QUIC_ALPN));
	if (ret)
		return ret;
	ret = ksmbd_quic_set_option(sock, QUIC_SOCKOPT_TRANSPORT_PARAM, &param,
				    sizeof(param));
	if (ret)
		return ret;
	WRITE_ONCE(sock->sk->sk_sndbuf, KSMBD_QUIC_SNDBUF);
	return ksmbd_quic_set_option(sock, QUIC_SOCKOPT_CONFIG, &config,
				     sizeof(config));
}

static int ksmbd_quic_bind(struct socket *sock, const char *ifname)
{
	struct sockaddr_in6 sin6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(listen_port),
	};
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(listen_port),
	};
	int ret;

	ret = sock_setsockopt(sock, SOL_SOCKET, SO_BINDTODEVICE,
			      KERNEL_SOCKPTR((void *)ifname), strlen(ifname));
	if (ret)
		return ret;
	if (sock->sk->sk_family == AF_INET)
		return kernel_bind(sock, (struct sockaddr_unsized *)&sin,
				   sizeof(sin));
	return kernel_bind(sock, (struct sockaddr_unsized *)&sin6,
			   sizeof(sin6));
}

/* An IPv6 socket serves IPv4 as well. */
static int ksmbd_quic_create(struct socket **sockp)
{
	struct net *net = current->nsproxy->net_ns;
	int ret;

	ret = sock_create_kern(net, AF_INET6, SOCK_STREAM, IPPROTO_QUIC, sockp);
	if (!ret) {
		lock_sock((*sockp)->sk);
		(*sockp)->sk->sk_ipv6only = false;
		release_sock((*sockp)->sk);
	} else if (ret == -EAFNOSUPPORT) {
		ret = sock_create_kern(net, AF_INET, SOCK_STREAM, IPPROTO_QUIC,
				       sockp);
	}
	/* A connection's timers go on after its socket is released. */
	if (!ret)
		sk_net_refcnt_upgrade((*sockp)->sk);
	return ret;
}

static int ksmbd_quic_open(struct socket **sockp, const char *ifname)
{
	int ret;

	ret = ksmbd_quic_create(sockp);
	if (ret)
		return ret;
	ret = ksmbd_quic_configure(*sockp);
	if (!ret)
		ret = ksmbd_quic_bind(*sockp, ifname);
	if (!ret)
		ret = kernel_listen(*sockp, KSMBD_SOCKET_BACKLOG);
	if (ret)
		sock_release(*sockp);
	return ret;
}

/**
 * ksmbd_quic_listen() - listen for SMB over QUIC on an interface
 * @ifname:	name of the interface
 *
 * A server that cannot listen for QUIC serves TCP nevertheless.
 *
 * Return:	the listener, or NULL if there is none
 */
struct ksmbd_quic_listener *ksmbd_quic_listen(const char *ifname)
{
	struct ksmbd_quic_listener *l;
	int ret;

	if (!ksmbd_quic_setsockopt)
		return NULL;

	l = kzalloc_obj(*l, KSMBD_DEFAULT_GFP);
	if (!l)
		return NULL;
	ret = ksmbd_quic_open(&l->sock, ifname);
	if (ret)
		goto err_free;
	l->thread = kthread_run(ksmbd_quic_listener_thread, l, "ksmbdq-%s",
				ifname);
	if (IS_ERR(l->thread)) {
		ret = PTR_ERR(l->thread);
		goto err_sock;
	}
	return l;

err_sock:
	sock_release(l->sock);
err_free:
	pr_err("cannot listen on UDP port %u of %s: %d\n", listen_port, ifname,
	       ret);
	kfree(l);
	return NULL;
}

/**
 * ksmbd_quic_stop_listening() - take no more connections
 * @l:		listener, or NULL
 */
void ksmbd_quic_stop_listening(struct ksmbd_quic_listener *l)
{
	if (!l)
		return;
	kthread_stop(l->thread);
	sock_release(l->sock);
	kfree(l);
}

/* As with TCP, a negative @max_retries stands for any number. */
static int ksmbd_quic_read(struct ksmbd_transport *kt, char *buf,
			   unsigned int size, int max_retries)
{
	struct quic_transport *t = QUIC_TRANS(kt);
	unsigned int done = 0;

	while (done < size) {
		struct kvec iov = { .iov_base = buf + done,
				    .iov_len = size - done };
		struct msghdr msg = {};
		int ret;

		try_to_freeze();
		if (!ksmbd_conn_alive(kt->conn))
			return -ESHUTDOWN;

		ret = kernel_recvmsg(t->sock, &msg, &iov, 1, iov.iov_len, 0);
		if (ksmbd_conn_need_reconnect(kt->conn))
			return -EAGAIN;
		if (ret == -EAGAIN && max_retries) {
			if (max_retries > 0)
				max_retries--;
			continue;
		}
		if (ret <= 0)
			return ret;
		done += ret;
	}
	return done;
}

/*
 * Waits for as long as the client goes on reading. Without is_acked the
 * senders of lease and oplock breaks expect this.
 */
static int ksmbd_quic_writev(struct ksmbd_transport *kt,
			     const struct ksmbd_transport_write *tx)
{
	struct msghdr msg = { .msg_flags = MSG_NOSIGNAL };
	struct quic_transport *t = QUIC_TRANS(kt);
	int ret;

	iov_iter_kvec(&msg.msg_iter, ITER_SOURCE, tx->iov, tx->iov_cnt,
		      tx->size);
	while (msg_data_left(&msg)) {
		if (ksmbd_conn_exiting(kt->conn))
			return -EPIPE;
		ret = sock_sendmsg(t->sock, &msg);
		if (ret <= 0) {
			/* The client may have seen a part of the message. */
			ksmbd_conn_abort(kt->conn);
			return ret ?: -EPIPE;
		}
	}
	return tx->size;
}

static void ksmbd_quic_shutdown(struct ksmbd_transport *kt)
{
	struct quic_transport *t = QUIC_TRANS(kt);

	kernel_sock_shutdown(t->sock, SHUT_RDWR);
	ksmbd_quic_cancel_handshake(t, -ESHUTDOWN);
}

static const struct ksmbd_transport_ops ksmbd_quic_transport_ops = {
	.read		= ksmbd_quic_read,
	.writev		= ksmbd_quic_writev,
	.disconnect	= ksmbd_quic_disconnect,
	.shutdown	= ksmbd_quic_shutdown,
	.free_transport = ksmbd_quic_free_transport,
};

/**
 * ksmbd_quic_transport() - tell QUIC from other transports
 * @kt:		transport of a connection
 *
 * Return:	whether it is QUIC
 */
bool ksmbd_quic_transport(const struct ksmbd_transport *kt)
{
	return kt->ops == &ksmbd_quic_transport_ops;
}

/**
 * ksmbd_quic_refuses_share() - may a share be used on a connection
 * @kt:		transport of the connection
 * @share:	name of the share
 *
 * Return:	whether the share is for QUIC only, and the transport is another
 */
bool ksmbd_quic_refuses_share(const struct ksmbd_transport *kt,
			      const char *share)
{
	static const char between[] = ",\n";
	const char *name = only_shares;
	size_t len;

	if (!name || ksmbd_quic_transport(kt))
		return false;

	for (name += strspn(name, between); *name;
	     name += strspn(name, between)) {
		len = strcspn(name, between);
		if (len == 1 && *name == '*')
			return true;
		if (len == strlen(share) && !strncasecmp(name, share, len))
			return true;
		name += len;
	}
	return false;
}

static int ksmbd_quic_copy_only_shares(void)
{
	int ret = 0;

	kernel_param_lock(THIS_MODULE);
	if (quic_only_shares) {
		only_shares = kstrdup(quic_only_shares, KSMBD_DEFAULT_GFP);
		ret = only_shares ? 0 : -ENOMEM;
	}
	kernel_param_unlock(THIS_MODULE);
	return ret;
}

/**
 * ksmbd_quic_init() - the server starts: see whether it is to serve QUIC
 *
 * Loads the protocol, which cannot be done when an interface goes up: network
 * namespaces and interfaces are locked then, and the module needs both. A
 * server without the protocol serves TCP nevertheless.
 *
 * Return:	0 or -ENOMEM
 */
int ksmbd_quic_init(void)
{
	listen_port = READ_ONCE(quic_port);
	want_client_cert = READ_ONCE(quic_client_cert);
	if (listen_port) {
		ksmbd_quic_setsockopt = symbol_request(quic_do_setsockopt);
		if (!ksmbd_quic_setsockopt)
			pr_err("this kernel has no QUIC sockets (CONFIG_IP_QUIC)\n");
	}
	return ksmbd_quic_copy_only_shares();
}

/**
 * ksmbd_quic_destroy() - the server has stopped
 *
 * Context: no listener and no connection is left.
 */
void ksmbd_quic_destroy(void)
{
	kfree(only_shares);
	only_shares = NULL;
	if (!ksmbd_quic_setsockopt)
		return;
	symbol_put(quic_do_setsockopt);
	ksmbd_quic_setsockopt = NULL;
}
