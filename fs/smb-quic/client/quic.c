// SPDX-License-Identifier: GPL-2.0-only
/*
 * SMB over QUIC: make the connection of a server.
 *
 * Everything QUIC-specific is said to the socket through its options, so that
 * this module does not need the protocol's to be loaded: making a socket does
 * that.
 *
 * Context: the mounting task, before anybody else knows of the server, or cifsd
 * with srv_mutex held. Both may sleep, and both can be killed while they wait
 * for the user agent.
 */
#include <linux/completion.h>
#include <linux/file.h>
#include <linux/in.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/quic.h>
#include <linux/socket.h>
#include <linux/sockptr.h>
#include <net/handshake.h>
#include <net/sock.h>
#include "cifsglob.h"
#include "cifsproto.h"
#include "cifs_debug.h"
#include "quic.h"

/*
 * What the server may send before we have read it: several reads of the
 * largest size, and enough to fill a long path. The send buffer takes one
 * write of the largest size.
 */
#define CIFS_QUIC_WINDOW	(16 * 1024 * 1024)
#define CIFS_QUIC_SNDBUF	(4 * 1024 * 1024)

/* The server has no business opening streams. The socket knows no zero. */
#define CIFS_QUIC_PEER_STREAMS	1
#define CIFS_QUIC_PEER_WINDOW	1200

/*
 * Servers and middleboxes forget a silent connection after 30 seconds and
 * SMB's own echo comes once a minute, so QUIC has to keep it alive (RFC 9000,
 * 10.1.2).
 */
#define CIFS_QUIC_KEEPALIVE_US	(10 * USEC_PER_SEC)
#define CIFS_QUIC_IDLE_MIN	(60 * HZ)

/* How long the agent may be late in telling that its time is up. */
#define CIFS_QUIC_AGENT_GRACE	(2 * HZ)

/* The same as for TCP: cifsd looks around when nothing came for that long. */
#define CIFS_QUIC_RCVTIMEO	(7 * HZ)
#define CIFS_QUIC_SNDTIMEO	(5 * HZ)

struct cifs_quic_handshake {
	struct completion	done;
	int			status;
	key_serial_t		peer_key;
};

static int cifs_quic_setsockopt(struct socket *sock, int optname,
				const void *val, unsigned int len)
{
	return do_sock_setsockopt(sock, false, SOL_QUIC, optname,
				  KERNEL_SOCKPTR((void *)val), len);
}

/**
 * cifs_quic_getsockopt - get an option of level SOL_QUIC
 * @sock:	QUIC socket
 * @optname:	option
 * @val:	where to put its value, which some options also read
 * @len:	size of @val
 *
 * Return: 0 or negative errno.
 */
int cifs_quic_getsockopt(struct socket *sock, int optname, void *val, int len)
{
	int (*get)(struct sock *sk, int optname, sockptr_t optval,
		   sockptr_t optlen);
	int rc;

	/* getsockopt() itself knows buffers of user space only. */
	get = symbol_get(quic_do_getsockopt);
	if (!get)
		return -EPROTONOSUPPORT;

	rc = get(sock->sk, optname, KERNEL_SOCKPTR(val), KERNEL_SOCKPTR(&len));
	symbol_put(quic_do_getsockopt);
	return rc;
}

#ifdef CONFIG_DEBUG_LOCK_ALLOC
static struct lock_class_key cifs_quic_key[2];
static struct lock_class_key cifs_quic_slock_key[2];

/* Unlike a program's socket, this one is used in memory reclaim. */
static void cifs_quic_reclassify_socket(struct sock *sk)
{
	if (WARN_ON_ONCE(!sock_allow_reclassification(sk)))
		return;

	/* The class from which the socket comes has taken one already. */
	sk_owner_put(sk);
	if (sk->sk_family == AF_INET6)
		sock_lock_init_class_and_name(sk, "slock-AF_INET6-CIFS-QUIC",
					      &cifs_quic_slock_key[1],
					      "sk_lock-AF_INET6-CIFS-QUIC",
					      &cifs_quic_key[1]);
	else
		sock_lock_init_class_and_name(sk, "slock-AF_INET-CIFS-QUIC",
					      &cifs_quic_slock_key[0],
					      "sk_lock-AF_INET-CIFS-QUIC",
					      &cifs_quic_key[0]);
}
#else
static void cifs_quic_reclassify_socket(struct sock *sk)
{
}
#endif

static int cifs_quic_create(struct TCP_Server_Info *server)
{
	static struct lock_class_key inode_key;
	struct socket *sock;
	struct file *file;
	struct sock *sk;
	int rc;

	rc = sock_create_kern(cifs_net_ns(server), server->dstaddr.ss_family,
			      SOCK_STREAM, IPPROTO_QUIC, &sock);
	if (rc)
		return rc;

	sk = sock->sk;
	sk_net_refcnt_upgrade(sk);
	cifs_quic_reclassify_socket(sk);
	sk->sk_allocation = GFP_NOFS;
	sk->sk_use_task_frag = false;

	/* A reconnect closes it with the server's mutex held. */
	lockdep_set_class(&SOCK_INODE(sock)->i_rwsem, &inode_key);
	/* net/handshake lends the socket to the agent as a file. */
	file = sock_alloc_file(sock, 0, NULL);
	if (IS_ERR(file))
		return PTR_ERR(file);

	server->ssocket = sock;
	return 0;
}

static int cifs_quic_configure(struct TCP_Server_Info *server)
{
	struct quic_transport_param param = {
		.max_idle_timeout = jiffies_to_usecs(umax(3 * server->echo_interval,
							  CIFS_QUIC_IDLE_MIN)),
		.max_streams_bidi = CIFS_QUIC_PEER_STREAMS,
		.max_streams_uni = CIFS_QUIC_PEER_STREAMS,
		.max_data = CIFS_QUIC_WINDOW,
		.max_stream_data_bidi_local = CIFS_QUIC_WINDOW,
		.max_stream_data_bidi_remote = CIFS_QUIC_PEER_WINDOW,
		.max_stream_data_uni = CIFS_QUIC_PEER_WINDOW,
	};
	struct quic_config config = {
		.stream_data_nodelay = 1,	/* MSG_MORE says what to hold back */
		.keepalive_probe_interval = CIFS_QUIC_KEEPALIVE_US,
	};
	struct socket *sock = server->ssocket;
	struct sock *sk = sock->sk;
	int rc;

	rc = cifs_quic_setsockopt(sock, QUIC_SOCKOPT_ALPN, CIFS_QUIC_ALPN,
				  strlen(CIFS_QUIC_ALPN));
	if (rc)
		return rc;

	rc = cifs_quic_setsockopt(sock, QUIC_SOCKOPT_TRANSPORT_PARAM, &param,
				  sizeof(param));
	if (rc)
		return rc;

	if (sk->sk_sndbuf < CIFS_QUIC_SNDBUF)
		WRITE_ONCE(sk->sk_sndbuf, CIFS_QUIC_SNDBUF);

	return cifs_quic_setsockopt(sock, QUIC_SOCKOPT_CONFIG, &config,
				    sizeof(config));
}

/* Choose addresses. No packet is sent before the agent's ClientHello. */
static int cifs_quic_set_path(struct TCP_Server_Info *server)
{
	int rc;

	if (server->srcaddr.ss_family != AF_UNSPEC) {
		rc = kernel_bind(server->ssocket,
				 (struct sockaddr_unsized *)&server->srcaddr,
				 sizeof(server->srcaddr));
		if (rc)
			return rc;
	}

	return kernel_connect(server->ssocket,
			      (struct sockaddr_unsized *)&server->dstaddr,
			      sizeof(server->dstaddr), 0);
}

static void cifs_quic_handshake_done(void *data, int status,
				     key_serial_t peer_key)
{
	struct cifs_quic_handshake *handshake = data;

	handshake->status = status;
	handshake->peer_key = peer_key;
	complete(&handshake->done);
}

/*
 * @handshake may live on the caller's stack: either the request was cancelled
 * and cifs_quic_handshake_done() is never called, or it has been called when
 * this returns.
 */
static int cifs_quic_wait(struct sock *sk, unsigned long timeout,
			  struct cifs_quic_handshake *handshake)
{
	long left;

	left = wait_for_completion_killable_timeout(&handshake->done, timeout);
	if (left > 0)
		return handshake->status;

	if (tls_handshake_cancel(sk))
		return left ? -EINTR : -ETIMEDOUT;

	/* Too late to cancel: the agent is just reporting the result. */
	wait_for_completion(&handshake->done);
	return handshake->status;
}

/* A reconnect need not verify the server anew, nor prove its address. */
static int cifs_quic_resume(const struct tls_handshake_args *args, bool mtls)
{
	int (*resume)(struct sock *sk, const struct tls_handshake_args *args,
		      bool prove);
	int rc;

	resume = symbol_get(quic_session_resume);
	if (!resume)
		return -EPROTONOSUPPORT;

	rc = resume(args->ta_sock->sk, args, mtls);
	symbol_put(quic_session_resume);
	return rc;
}

static int cifs_quic_handshake(struct TCP_Server_Info *server)
{
	const struct cifs_quic_opts *opts = &server->quic->opts;
	unsigned int timeout = opts->timeout ?: CIFS_QUIC_HANDSHAKE_TIMEOUT;
	struct cifs_quic_handshake handshake = {};
	struct socket *sock = server->ssocket;
	struct tls_handshake_args args = {
		.ta_sock	= sock,
		.ta_done	= cifs_quic_handshake_done,
		.ta_data	= &handshake,
		.ta_peername	= opts->peername ?: server->hostname,
		.ta_timeout_ms	= timeout * MSEC_PER_SEC,
		.ta_keyring	= opts->keyring,
		.ta_my_cert	= opts->cert,
		.ta_my_privkey	= opts->privkey,
	};
	int rc;

	rc = cifs_quic_resume(&args, opts->mtls);
	if (rc)
		return rc;

	init_completion(&handshake.done);
	/* Both verify the server; "anonymous" is only the client. */
	rc = quic_handshake_request(opts->mtls ? tls_client_hello_x509 :
						 tls_client_hello_anon, &args);
	if (rc)
		return rc;

	rc = cifs_quic_wait(sock->sk, timeout * HZ + CIFS_QUIC_AGENT_GRACE,
			    &handshake);
	if (rc)
		return cifs_quic_connect_error(sock, rc);
	/*
	 * An agent that has looked at the server's certificate says whose it is.
	 * There is one that believes whoever answers an anonymous client.
	 */
	if (handshake.peer_key == TLS_NO_PEERID)
		return -EKEYREJECTED;

	WRITE_ONCE(server->quic->peer_key, handshake.peer_key);
	return 0;
}

/* From here on the socket's default stream is a byte stream, as with TCP. */
static int cifs_quic_open_stream(struct TCP_Server_Info *server)
{
	struct quic_stream_info stream = { .stream_id = -1 };
	struct socket *sock = server->ssocket;
	int rc;

	/* After the agent, who works on the same socket. */
	WRITE_ONCE(sock->sk->sk_rcvtimeo, CIFS_QUIC_RCVTIMEO);
	WRITE_ONCE(sock->sk->sk_sndtimeo, CIFS_QUIC_SNDTIMEO);

	rc = cifs_quic_getsockopt(sock, QUIC_SOCKOPT_STREAM_OPEN, &stream,
				  sizeof(stream));
	return rc ? cifs_quic_connect_error(sock, rc) : 0;
}

static int cifs_quic_establish(struct TCP_Server_Info *server)
{
	int rc;

	rc = cifs_quic_configure(server);
	if (rc)
		return rc;
	rc = cifs_quic_set_path(server);
	if (rc)
		return rc;
	rc = cifs_quic_handshake(server);
	if (rc)
		return rc;
	return cifs_quic_open_stream(server);
}

/**
 * cifs_quic_connect - connect a server over QUIC
 * @server: server with QUIC options and without a socket
 *
 * Each attempt needs a fresh socket, because net/handshake serves a socket
 * only once.
 *
 * Return: 0 with server->ssocket ready for SMB, or a negative errno without a
 * socket. The errors a user can do something about are in cifs_quic_errors.
 */
int cifs_quic_connect(struct TCP_Server_Info *server)
{
	int rc;

	WRITE_ONCE(server->quic->verified, false);
	WRITE_ONCE(server->quic->peer_key, 0);
	WRITE_ONCE(server->quic->waived, false);
	server->quic->close_told = false;

	rc = cifs_quic_create(server);
	if (!rc) {
		rc = cifs_quic_establish(server);
		if (rc)
			cifs_release_socket(server);
	}
	cifs_quic_log_error(server, rc);
	WRITE_ONCE(server->quic->verified, !rc);

	if (rc)
		trace_smb3_connect_err(server->hostname, server->conn_id,
				       &server->dstaddr, rc);
	else
		trace_smb3_connect_done(server->hostname, server->conn_id,
					&server->dstaddr);
	return rc;
}
