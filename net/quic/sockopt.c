// SPDX-License-Identifier: GPL-2.0-only

#include <linux/quic.h>
#include <linux/slab.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "conn.h"
#include "output.h"
#include "rcvq.h"
#include "sendmsg.h"
#include "sockopt.h"
#include "tcp_info.h"

#define QUIC_SOCKOPT_LEN_MAX	4096	/* of what a program may set */

/* Two for each level that takes any. */
#define QUIC_SECRETS_MAX	6

/* Sends what the option has made due. */
#define QUIC_SOCKOPT_OUTPUT	0x01
/* get reads the caller's buffer, too. */
#define QUIC_SOCKOPT_INOUT	0x02

/**
 * struct quic_sockopt - one option
 * @size:  bytes of its structure; a shorter one of the caller is padded with
 *	   zeros, a longer one cut. 0 for a byte string
 * @many:  how many structures set takes at a time, or 0 for one
 * @room:  longest byte string that get returns
 * @flags: QUIC_SOCKOPT_OUTPUT, QUIC_SOCKOPT_INOUT
 * @set:   stores or acts; @len is what the caller gave
 * @get:   fills @val, of at most @size bytes; returns the length of a byte
 *	   string, 0 for a structure, or an errno
 */
struct quic_sockopt {
	u16 size;
	u16 room;
	u8 many;
	u8 flags;
	int (*set)(struct quic_conn *conn, void *val, u32 len);
	int (*get)(struct quic_conn *conn, void *val, u32 size);
};

static bool quic_is_server_side(const struct quic_conn *conn)
{
	return conn->is_server || quic_conn_is(conn, QUIC_STATE_LISTENING);
}

static int quic_set_event(struct quic_conn *conn, void *val, u32 len)
{
	return quic_settings_set_event(&conn->settings, val);
}

static int quic_get_event(struct quic_conn *conn, void *val, u32 size)
{
	struct quic_event_option *opt = val;

	if (opt->type == QUIC_EVENT_NONE || opt->type >= QUIC_EVENT_MAX)
		return -EINVAL;
	opt->on = quic_settings_event_on(&conn->settings, opt->type);
	return 0;
}

static int quic_get_stream_open(struct quic_conn *conn, void *val, u32 size)
{
	return quic_stream_open(conn, val);
}

static int quic_set_stream_reset(struct quic_conn *conn, void *val, u32 len)
{
	const struct quic_errinfo *info = val;

	if (!quic_conn_is(conn, QUIC_STATE_ESTABLISHED))
		return -EINVAL;
	return quic_stream_reset(conn, info->stream_id, info->errcode);
}

static int quic_set_stream_stop_sending(struct quic_conn *conn, void *val,
					u32 len)
{
	const struct quic_errinfo *info = val;

	if (!quic_conn_is(conn, QUIC_STATE_ESTABLISHED))
		return -EINVAL;
	return quic_stream_stop_sending(conn, info->stream_id, info->errcode);
}

static int quic_set_connection_id(struct quic_conn *conn, void *val, u32 len)
{
	if (!quic_conn_is(conn, QUIC_STATE_ESTABLISHED))
		return -EINVAL;
	return quic_cid_set_info(conn, val);
}

static int quic_get_connection_id(struct quic_conn *conn, void *val, u32 size)
{
	if (!quic_conn_is(conn, QUIC_STATE_ESTABLISHED))
		return -EINVAL;
	return quic_cid_get_info(conn, val);
}

static int quic_set_connection_close(struct quic_conn *conn, void *val,
				     u32 len)
{
	const struct quic_connection_close *close = val;

	if (close->phrase[QUIC_CLOSE_PHRASE_BUFFER_SIZE - 1])
		return -EINVAL;
	conn->settings.close = *close;
	conn->settings.close.frame = 0;
	memset(conn->settings.close.reserved, 0, sizeof(close->reserved));
	return 0;
}

static int quic_get_connection_close(struct quic_conn *conn, void *val,
				     u32 size)
{
	memcpy(val, &conn->settings.close, sizeof(conn->settings.close));
	return 0;
}

static int quic_set_connection_migration(struct quic_conn *conn, void *val,
					 u32 len)
{
	return quic_migrate_set(conn, val, len);
}

/* An update that has to wait for an acknowledgment asks for one. */
static int quic_set_key_update(struct quic_conn *conn, void *val, u32 len)
{
	int err;

	if (!quic_conn_is(conn, QUIC_STATE_ESTABLISHED))
		return -EPIPE;
	err = quic_keys_update(&conn->keys, ktime_get());
	if (err)
		return err;
	conn->ping_pending = true;
	quic_timer_set(conn, QUIC_TIMER_KEYS, quic_keys_expiry(&conn->keys));
	return 0;
}

static bool quic_same_windows(const struct quic_tparams *a,
			      const struct quic_tparams *b)
{
	return a->initial_max_data == b->initial_max_data &&
	       a->initial_max_stream_data_bidi_local ==
		       b->initial_max_stream_data_bidi_local &&
	       a->initial_max_stream_data_bidi_remote ==
		       b->initial_max_stream_data_bidi_remote &&
	       a->initial_max_stream_data_uni ==
		       b->initial_max_stream_data_uni;
}

static int quic_set_local_param(struct quic_conn *conn,
				const struct quic_transport_param *param)
{
	struct quic_tparams tp = conn->local;
	int err;

	/* File systems must not end up in the clear by anybody's mistake. */
	if (param->disable_1rtt_encryption && conn->settings.kernel)
		return -EINVAL;
	err = quic_tparams_from_uapi(&tp, param);
	/* TLS has them already: what the peer was told has to hold. */
	if (err || conn->hs.tparams_sent)
		return err;
	conn->settings.windows_named |= !quic_same_windows(&conn->local, &tp);
	conn->local = tp;
	if (param->max_data)
		quic_rcvq_make_room(conn, tp.initial_max_data);
	return 0;
}

static int quic_set_transport_param(struct quic_conn *conn, void *val, u32 len)
{
	const struct quic_transport_param *param = val;

	if (quic_conn_is(conn, QUIC_STATE_ESTABLISHED))
		return -EINVAL;
	if (param->remote)
		return quic_early_remember(conn, param);
	return quic_set_local_param(conn, param);
}

static int quic_get_transport_param(struct quic_conn *conn, void *val,
				    u32 size)
{
	struct quic_transport_param *param = val;

	if (param->remote)
		quic_tparams_to_uapi(&conn->remote, true, param);
	else
		quic_tparams_to_uapi(&conn->local, false, param);
	return 0;
}

/* Whether a configuration is the one in force, but for congestion control. */
static bool quic_config_is_kept(const struct quic_conn *conn,
				const struct quic_config *config)
{
	struct quic_config kept = conn->settings.config;

	kept.congestion_control_algo = config->congestion_control_algo;
	return !memcmp(&kept, config, sizeof(kept));
}

/* Once established, only congestion control may change. Programs that configure
 * accepted connections after the handshake write back what they have read.
 */
static int quic_set_config(struct quic_conn *conn, void *val, u32 len)
{
	int err;

	if (quic_conn_is(conn, QUIC_STATE_ESTABLISHED) &&
	    !quic_config_is_kept(conn, val))
		return -EINVAL;
	err = quic_settings_set_config(&conn->settings, val);
	if (!err && (quic_conn_is(conn, QUIC_STATE_ESTABLISHING) ||
		     quic_conn_is(conn, QUIC_STATE_ESTABLISHED)))
		quic_conn_apply_config(conn);
	return err;
}

static int quic_get_config(struct quic_conn *conn, void *val, u32 size)
{
	memcpy(val, &conn->settings.config, sizeof(conn->settings.config));
	return 0;
}

/* Hands a stored byte string out. */
static int quic_get_bytes(void *val, u32 size, const void *data, u32 len)
{
	if (len > size)
		return -EINVAL;
	if (len)
		memcpy(val, data, len);
	return len;
}

/* A client stores a token to present, a server sends one. */
static int quic_set_token(struct quic_conn *conn, void *val, u32 len)
{
	if (quic_is_server_side(conn)) {
		if (!quic_conn_is(conn, QUIC_STATE_ESTABLISHED))
			return -EINVAL;
		return quic_new_token_request(conn);
	}
	if (!len || len > QUIC_TOKEN_MAX)
		return -EINVAL;
	return quic_blob_set(&conn->settings.token, val, len, GFP_KERNEL);
}

/* Handshake libraries learn from the errno which side they are on. */
static int quic_get_token(struct quic_conn *conn, void *val, u32 size)
{
	const struct quic_blob *token = &conn->settings.token;

	if (quic_is_server_side(conn))
		return -EINVAL;
	return quic_get_bytes(val, size, token->data, token->len);
}

static int quic_set_alpn(struct quic_conn *conn, void *val, u32 len)
{
	if (quic_conn_is(conn, QUIC_STATE_LISTENING))
		return -EINVAL;
	return quic_alpn_parse(&conn->settings.alpn, val, len);
}

static int quic_get_alpn(struct quic_conn *conn, void *val, u32 size)
{
	u8 str[QUIC_ALPN_MAX];
	u32 len;

	len = quic_alpn_format(&conn->settings.alpn, str);
	/* Programs treat it as a C string in a zeroed buffer. */
	if (len && len >= size)
		return -EINVAL;
	return quic_get_bytes(val, size, str, len);
}

static int quic_set_session_ticket(struct quic_conn *conn, void *val, u32 len)
{
	int err;

	if (len < QUIC_TICKET_MIN || len > QUIC_TICKET_MAX)
		return -EINVAL;
	err = quic_blob_set(&conn->settings.ticket, val, len, GFP_KERNEL);
	return err ?: quic_session_keep(conn, val, len);
}

/* A client reads session data; a server the key that makes tickets, the same
 * for all connections of a client, so that a session can be resumed.
 */
static int quic_get_session_ticket(struct quic_conn *conn, void *val, u32 size)
{
	const struct quic_blob *ticket = &conn->settings.ticket;
	u8 key[QUIC_TICKET_KEY_LEN];
	int ret;

	if (quic_conn_is(conn, QUIC_STATE_LISTENING))
		return -EPIPE;
	if (quic_conn_is(conn, QUIC_STATE_CLOSED))
		return conn->is_server ? -EPIPE : 0;
	if (ticket->len || !conn->is_server)
		return quic_get_bytes(val, size, ticket->data, ticket->len);

	quic_token_ticket_key(&conn->settings.secret, conn->version,
			      &conn->path.peer, key);
	ret = quic_get_bytes(val, size, key, sizeof(key));
	memzero_explicit(key, sizeof(key));
	return ret;
}

/* A single one may be of any length, as all structures. */
static int quic_set_crypto_secret(struct quic_conn *conn, void *val, u32 len)
{
	u32 nr = len / sizeof(struct quic_crypto_secret);

	if (nr > 1 && len % sizeof(struct quic_crypto_secret))
		return -EINVAL;
	if (nr > QUIC_SECRETS_MAX)
		return -EINVAL;
	return quic_handshake_set_secrets(conn, val, nr ?: 1);
}

static int quic_set_transport_param_ext(struct quic_conn *conn, void *val,
					u32 len)
{
	if (len > QUIC_TPARAMS_MAX_LEN)
		return -EINVAL;
	return quic_handshake_set_tparams(conn, val, len);
}

static int quic_get_transport_param_ext(struct quic_conn *conn, void *val,
					u32 size)
{
	return quic_handshake_get_tparams(conn, val, size);
}

static const struct quic_sockopt quic_sockopts[] = {
	[QUIC_SOCKOPT_EVENT] = {
		.size	= sizeof(struct quic_event_option),
		.flags	= QUIC_SOCKOPT_INOUT,
		.set	= quic_set_event,
		.get	= quic_get_event,
	},
	[QUIC_SOCKOPT_STREAM_OPEN] = {
		.size	= sizeof(struct quic_stream_info),
		.flags	= QUIC_SOCKOPT_INOUT,
		.get	= quic_get_stream_open,
	},
	[QUIC_SOCKOPT_STREAM_RESET] = {
		.size	= sizeof(struct quic_errinfo),
		.flags	= QUIC_SOCKOPT_OUTPUT,
		.set	= quic_set_stream_reset,
	},
	[QUIC_SOCKOPT_STREAM_STOP_SENDING] = {
		.size	= sizeof(struct quic_errinfo),
		.flags	= QUIC_SOCKOPT_OUTPUT,
		.set	= quic_set_stream_stop_sending,
	},
	[QUIC_SOCKOPT_CONNECTION_ID] = {
		.size	= sizeof(struct quic_connection_id_info),
		.flags	= QUIC_SOCKOPT_INOUT | QUIC_SOCKOPT_OUTPUT,
		.set	= quic_set_connection_id,
		.get	= quic_get_connection_id,
	},
	[QUIC_SOCKOPT_CONNECTION_CLOSE] = {
		.size	= sizeof(struct quic_connection_close),
		.set	= quic_set_connection_close,
		.get	= quic_get_connection_close,
	},
	[QUIC_SOCKOPT_CONNECTION_MIGRATION] = {
		.flags	= QUIC_SOCKOPT_OUTPUT,
		.set	= quic_set_connection_migration,
	},
	[QUIC_SOCKOPT_KEY_UPDATE] = {
		.flags	= QUIC_SOCKOPT_OUTPUT,
		.set	= quic_set_key_update,
	},
	[QUIC_SOCKOPT_TRANSPORT_PARAM] = {
		.size	= sizeof(struct quic_transport_param),
		.flags	= QUIC_SOCKOPT_INOUT,
		.set	= quic_set_transport_param,
		.get	= quic_get_transport_param,
	},
	[QUIC_SOCKOPT_CONFIG] = {
		.size	= sizeof(struct quic_config),
		.set	= quic_set_config,
		.get	= quic_get_config,
	},
	[QUIC_SOCKOPT_TOKEN] = {
		.room	= QUIC_TOKEN_MAX,
		.flags	= QUIC_SOCKOPT_OUTPUT,
		.set	= quic_set_token,
		.get	= quic_get_token,
	},
	[QUIC_SOCKOPT_ALPN] = {
		.room	= QUIC_ALPN_MAX + 1,
		.set	= quic_set_alpn,
		.get	= quic_get_alpn,
	},
	[QUIC_SOCKOPT_SESSION_TICKET] = {
		.room	= QUIC_TICKET_MAX,
		.set	= quic_set_session_ticket,
		.get	= quic_get_session_ticket,
	},
	[QUIC_SOCKOPT_CRYPTO_SECRET] = {
		.size	= sizeof(struct quic_crypto_secret),
		.many	= QUIC_SECRETS_MAX,
		.set	= quic_set_crypto_secret,
	},
	[QUIC_SOCKOPT_TRANSPORT_PARAM_EXT] = {
		.room	= QUIC_TPARAMS_MAX_LEN,
		.set	= quic_set_transport_param_ext,
		.get	= quic_get_transport_param_ext,
	},
};

static const struct quic_sockopt *quic_sockopt_find(int optname)
{
	if (optname < 0 || optname >= ARRAY_SIZE(quic_sockopts))
		return NULL;
	return &quic_sockopts[optname];
}

static int quic_sockopt_set_locked(struct sock *sk,
				   const struct quic_sockopt *opt, void *val,
				   u32 len)
{
	struct quic_conn *conn = quic_conn(sk);
	int err;

	lock_sock(sk);
	err = opt->set(conn, val, len);
	if (!err && opt->flags & QUIC_SOCKOPT_OUTPUT &&
	    quic_conn_is(conn, QUIC_STATE_ESTABLISHED)) {
		quic_output(conn);
		quic_events_wake(conn);
	}
	release_sock(sk);
	return err;
}

/**
 * quic_do_setsockopt - set a socket option of level SOL_QUIC
 * @sk: the socket
 * @optname: QUIC_SOCKOPT_*
 * @optval: the value, of kernel or user space
 * @optlen: its length in bytes
 *
 * Values are those of <uapi/linux/quic.h>. Secrets among them are wiped from
 * the copies made here.
 *
 * Context: process; takes the socket lock.
 * Return: 0 or an errno.
 */
int quic_do_setsockopt(struct sock *sk, int optname, sockptr_t optval,
		       unsigned int optlen)
{
	const struct quic_sockopt *opt = quic_sockopt_find(optname);
	u32 copy, most;
	void *val;
	int err;

	if (!opt || !opt->set)
		return -ENOPROTOOPT;
	if (optlen > QUIC_SOCKOPT_LEN_MAX)
		return -EINVAL;

	most = opt->size ? opt->size * (opt->many ?: 1) : QUIC_SOCKOPT_LEN_MAX;
	copy = min(optlen, most);
	val = kzalloc(max3(copy, (u32)opt->size, 1U), GFP_KERNEL);
	if (!val)
		return -ENOMEM;
	err = -EFAULT;
	if (!copy_from_sockptr(val, optval, copy))
		err = quic_sockopt_set_locked(sk, opt, val, optlen);
	kfree_sensitive(val);
	return err;
}
EXPORT_SYMBOL_GPL(quic_do_setsockopt);

static int quic_sockopt_get_locked(struct sock *sk,
				   const struct quic_sockopt *opt, void *val,
				   u32 size)
{
	int ret;

	lock_sock(sk);
	ret = opt->get(quic_conn(sk), val, size);
	release_sock(sk);
	return ret;
}

/**
 * quic_do_getsockopt - get a socket option of level SOL_QUIC
 * @sk: the socket
 * @optname: QUIC_SOCKOPT_*
 * @optval: where to put the value, in kernel or user space; some options read
 *	    it first
 * @optlen: room at @optval as u32; set to the length of the value
 *
 * Context: process; takes the socket lock. QUIC_SOCKOPT_STREAM_OPEN may wait.
 * Return: 0 or an errno.
 */
int quic_do_getsockopt(struct sock *sk, int optname, sockptr_t optval,
		       sockptr_t optlen)
{
	const struct quic_sockopt *opt = quic_sockopt_find(optname);
	u32 size, len;
	void *val;
	int ret;

	if (!opt || !opt->get)
		return -ENOPROTOOPT;
	if (copy_from_sockptr(&len, optlen, sizeof(len)))
		return -EFAULT;
	if (len > INT_MAX)
		return -EINVAL;

	size = min_t(u32, len, opt->size ?: opt->room);
	val = kzalloc(max3(size, (u32)opt->size, 1U), GFP_KERNEL);
	if (!val)
		return -ENOMEM;
	ret = -EFAULT;
	if (opt->flags & QUIC_SOCKOPT_INOUT &&
	    copy_from_sockptr(val, optval, size))
		goto out;
	ret = quic_sockopt_get_locked(sk, opt, val, size);
	if (ret < 0)
		goto out;

	len = opt->size ? size : ret;
	ret = 0;
	if (copy_to_sockptr(optlen, &len, sizeof(len)) ||
	    copy_to_sockptr(optval, val, len))
		ret = -EFAULT;
out:
	kfree_sensitive(val);
	return ret;
}
EXPORT_SYMBOL_GPL(quic_do_getsockopt);

static bool quic_sock_is_ipv6(const struct sock *sk)
{
	return IS_ENABLED(CONFIG_IPV6) && sk->sk_family == AF_INET6;
}

/**
 * quic_setsockopt - setsockopt() of a QUIC socket
 * @sk: the socket
 * @level: SOL_QUIC, or a level below
 * @optname: the option
 * @optval: the value
 * @optlen: its length
 *
 * Return: 0 or an errno.
 */
int quic_setsockopt(struct sock *sk, int level, int optname, sockptr_t optval,
		    unsigned int optlen)
{
	if (level == SOL_QUIC)
		return quic_do_setsockopt(sk, optname, optval, optlen);
	if (quic_sock_is_ipv6(sk))
		return ipv6_setsockopt(sk, level, optname, optval, optlen);
	return ip_setsockopt(sk, level, optname, optval, optlen);
}

/**
 * quic_getsockopt - getsockopt() of a QUIC socket
 * @sk: the socket
 * @level: SOL_QUIC, or a level below
 * @optname: the option
 * @optval: where to put the value
 * @optlen: room there; set to the length of the value
 *
 * Return: 0 or an errno.
 */
int quic_getsockopt(struct sock *sk, int level, int optname,
		    char __user *optval, int __user *optlen)
{
	if (level == SOL_QUIC)
		return quic_do_getsockopt(sk, optname, USER_SOCKPTR(optval),
					  USER_SOCKPTR(optlen));
	if (level == SOL_TCP)
		return quic_tcp_getsockopt(sk, optname, optval, optlen);
	if (quic_sock_is_ipv6(sk))
		return ipv6_getsockopt(sk, level, optname, optval, optlen);
	return ip_getsockopt(sk, level, optname, optval, optlen);
}
