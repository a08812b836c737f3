// SPDX-License-Identifier: GPL-2.0-only
#include <linux/file.h>
#include <linux/net.h>
#include <linux/sockptr.h>
#include <net/ipv6.h>

#include "sock.h"

static int rpcquic_setsockopt(struct socket *sock, int optname,
			      const void *val, unsigned int len)
{
	return quic_do_setsockopt(sock->sk, optname,
				  KERNEL_SOCKPTR((void *)val), len);
}

static int rpcquic_getsockopt(struct socket *sock, int optname, void *val,
			      u32 len)
{
	return quic_do_getsockopt(sock->sk, optname, KERNEL_SOCKPTR(val),
				  KERNEL_SOCKPTR(&len));
}

#ifdef CONFIG_DEBUG_LOCK_ALLOC
static struct lock_class_key rpcquic_key[2];
static struct lock_class_key rpcquic_slock_key[2];

/* Unlike a program's socket, this one is used in memory reclaim. */
static void rpcquic_reclassify(struct sock *sk)
{
	if (WARN_ON_ONCE(!sock_allow_reclassification(sk)))
		return;

	/* The class from which the socket comes has taken one already. */
	sk_owner_put(sk);
	if (sk->sk_family == AF_INET6)
		sock_lock_init_class_and_name(sk, "slock-AF_INET6-RPC-QUIC",
					      &rpcquic_slock_key[1],
					      "sk_lock-AF_INET6-RPC-QUIC",
					      &rpcquic_key[1]);
	else
		sock_lock_init_class_and_name(sk, "slock-AF_INET-RPC-QUIC",
					      &rpcquic_slock_key[0],
					      "sk_lock-AF_INET-RPC-QUIC",
					      &rpcquic_key[0]);
}
#else
static void rpcquic_reclassify(struct sock *sk)
{
}
#endif

/**
 * rpcquic_sock_create - make a QUIC socket that holds its network namespace
 * @net:    network namespace
 * @family: AF_INET or AF_INET6
 *
 * Return: a socket or an ERR_PTR.
 */
struct socket *rpcquic_sock_create(struct net *net, int family)
{
	struct socket *sock;
	int err;

	err = __sock_create(net, family, SOCK_STREAM, IPPROTO_QUIC, &sock, 1);
	if (err)
		return ERR_PTR(err);

	sk_net_refcnt_upgrade(sock->sk);
	rpcquic_reclassify(sock->sk);
	/* IPv4 clients come by a listener of their own. */
	if (family == AF_INET6)
		ip6_sock_set_v6only(sock->sk);
	return sock;
}

/**
 * rpcquic_sock_file - give a socket a file
 * @sock: socket; released on failure
 *
 * net/handshake lends the socket to the agent as a file.
 *
 * Return: 0 or a negative errno.
 */
int rpcquic_sock_file(struct socket *sock)
{
	return PTR_ERR_OR_ZERO(sock_alloc_file(sock, O_NONBLOCK, NULL));
}

/**
 * rpcquic_sock_configure - set what the handshake will tell the peer
 * @sock:   socket before connect() or listen()
 * @limits: what the peer may do
 *
 * Return: 0 or a negative errno.
 */
int rpcquic_sock_configure(struct socket *sock,
			   const struct rpcquic_limits *limits)
{
	struct quic_transport_param param = {
		.max_idle_timeout = RPCQUIC_IDLE_US,
		.max_streams_bidi = limits->streams,
		.max_streams_uni = 1,	/* none, but the socket knows no 0 */
		.max_data = limits->data,
		.max_stream_data_bidi_local = limits->local_stream,
		.max_stream_data_bidi_remote = limits->peer_stream,
	};
	struct quic_config config = {
		.stream_data_nodelay = 1,	/* MSG_MORE says what to hold back */
		.keepalive_probe_interval = limits->keepalive_us,
		.certificate_request = limits->ask_cert,
	};
	struct sock *sk = sock->sk;
	int err;

	err = rpcquic_setsockopt(sock, QUIC_SOCKOPT_ALPN, RPCQUIC_ALPN,
				 strlen(RPCQUIC_ALPN));
	if (err)
		return err;
	err = rpcquic_setsockopt(sock, QUIC_SOCKOPT_TRANSPORT_PARAM, &param,
				 sizeof(param));
	if (err)
		return err;

	lock_sock(sk);
	if (sk->sk_sndbuf < limits->sndbuf)
		WRITE_ONCE(sk->sk_sndbuf, limits->sndbuf);
	sk->sk_use_task_frag = false;
	release_sock(sk);

	return rpcquic_setsockopt(sock, QUIC_SOCKOPT_CONFIG, &config,
				  sizeof(config));
}

/**
 * rpcquic_sock_watch - be told when the peer resets a stream
 * @sock: socket
 *
 * Return: 0 or a negative errno.
 */
int rpcquic_sock_watch(struct socket *sock)
{
	struct quic_event_option option = {
		.type = QUIC_EVENT_STREAM_UPDATE,
		.on = 1,
	};

	return rpcquic_setsockopt(sock, QUIC_SOCKOPT_EVENT, &option,
				  sizeof(option));
}

/**
 * rpcquic_stream_open - open the next bidirectional stream
 * @sock: socket of an established connection
 *
 * Return: its ID, -EAGAIN if the peer wants no more of them now, or another
 * negative errno.
 */
s64 rpcquic_stream_open(struct socket *sock)
{
	struct quic_stream_info stream = {
		.stream_id = -1,
		.stream_flags = MSG_QUIC_STREAM_DONTWAIT,
	};
	int err;

	err = rpcquic_getsockopt(sock, QUIC_SOCKOPT_STREAM_OPEN, &stream,
				 sizeof(stream));
	return err ?: stream.stream_id;
}

/**
 * rpcquic_stream_fin - end our direction of a stream
 * @sock: socket
 * @id:   stream
 *
 * Return: 0 or a negative errno.
 */
int rpcquic_stream_fin(struct socket *sock, s64 id)
{
	union rpcquic_cmsg cmsg;
	struct msghdr msg;

	rpcquic_msg_init(&msg, &cmsg, id, MSG_DONTWAIT);
	((struct quic_stream_info *)CMSG_DATA(&cmsg.hdr))->stream_flags =
		MSG_QUIC_STREAM_FIN;
	return kernel_sendmsg(sock, &msg, NULL, 0, 0);
}

/**
 * rpcquic_stream_reset - give up sending on a stream
 * @sock: socket
 * @id:   stream
 *
 * The draft has no error codes.
 *
 * Return: 0 or a negative errno.
 */
int rpcquic_stream_reset(struct socket *sock, s64 id)
{
	struct quic_errinfo info = { .stream_id = id };

	return rpcquic_setsockopt(sock, QUIC_SOCKOPT_STREAM_RESET, &info,
				  sizeof(info));
}

/**
 * rpcquic_close_code - why a connection was closed
 * @sock: its socket
 *
 * Return: a code of RFC 9000, 20.1, or of RPC, of which there are none; 0 if
 * it was not closed.
 */
u32 rpcquic_close_code(struct socket *sock)
{
	struct quic_connection_close close = {};

	if (rpcquic_getsockopt(sock, QUIC_SOCKOPT_CONNECTION_CLOSE, &close,
			       sizeof(close)))
		return 0;
	return close.errcode;
}

/**
 * rpcquic_msg_init - prepare a message for a stream
 * @msg:   message, to which only the iterator must be added
 * @cmsg:  its ancillary data, which must live as long
 * @id:    stream
 * @flags: MSG_*
 */
void rpcquic_msg_init(struct msghdr *msg, union rpcquic_cmsg *cmsg, s64 id,
		      unsigned int flags)
{
	struct quic_stream_info info = { .stream_id = id };

	memset(cmsg, 0, sizeof(*cmsg));
	cmsg->hdr.cmsg_level = SOL_QUIC;
	cmsg->hdr.cmsg_type = QUIC_STREAM_INFO;
	cmsg->hdr.cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA((struct cmsghdr *)cmsg->buf), &info, sizeof(info));

	memset(msg, 0, sizeof(*msg));
	msg->msg_control = cmsg;
	msg->msg_controllen = sizeof(*cmsg);
	msg->msg_flags = flags;
}
