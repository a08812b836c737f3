// SPDX-License-Identifier: GPL-2.0-only
#include <linux/export.h>
#include <linux/key.h>
#include <linux/quic.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <net/handshake.h>

#include "conn.h"
#include "net_ns.h"
#include "session.h"

/**
 * quic_sessions_init - nothing is kept yet
 * @sessions: of a network namespace
 */
void quic_sessions_init(struct quic_sessions *sessions)
{
	spin_lock_init(&sessions->lock);
	INIT_LIST_HEAD(&sessions->list);
	sessions->nr = 0;
}

/**
 * quic_sessions_purge - forget everything
 * @sessions: of a network namespace
 */
void quic_sessions_purge(struct quic_sessions *sessions)
{
	struct quic_session *session, *next;

	spin_lock_bh(&sessions->lock);
	list_for_each_entry_safe(session, next, &sessions->list, list)
		quic_session_free(session);
	INIT_LIST_HEAD(&sessions->list);
	sessions->nr = 0;
	spin_unlock_bh(&sessions->lock);
}

/**
 * quic_session_new - make a session
 * @key:     who may use it
 * @version: QUIC version
 * @data:    the agent's session data
 * @len:     bytes of @data
 *
 * Return: the session, without a token and in no list; NULL without memory.
 */
struct quic_session *quic_session_new(const struct quic_session_key *key,
				      u32 version, const u8 *data, u32 len)
{
	struct quic_session *session;

	session = kzalloc(struct_size(session, data, len), GFP_KERNEL_ACCOUNT);
	if (!session)
		return NULL;
	session->len = len;
	session->key = *key;
	session->version = version;
	session->expires = ktime_get_boottime_seconds() + QUIC_SESSION_LIFETIME;
	memcpy(session->data, data, len);
	return session;
}

/**
 * quic_session_free - wipe and free
 * @session: in no list, or NULL
 */
void quic_session_free(struct quic_session *session)
{
	kfree_sensitive(session);
}

static void quic_sessions_drop(struct quic_sessions *sessions,
			       struct quic_session *session)
{
	list_del(&session->list);
	sessions->nr--;
	quic_session_free(session);
}

/* Whose number is limited: those of one server, and all. The oldest go. */
static void quic_sessions_trim(struct quic_sessions *sessions,
			       const struct quic_session_key *key)
{
	struct quic_session *session, *next;
	u32 same = 0;

	list_for_each_entry_safe(session, next, &sessions->list, list)
		if (!memcmp(&session->key, key, sizeof(*key)) &&
		    ++same > QUIC_SESSIONS_PER_KEY)
			quic_sessions_drop(sessions, session);
	if (sessions->nr > QUIC_SESSIONS_MAX)
		quic_sessions_drop(sessions,
				   list_last_entry(&sessions->list,
						   struct quic_session, list));
}

/**
 * quic_sessions_add - keep a session
 * @sessions: of a network namespace
 * @session:  taken over
 */
void quic_sessions_add(struct quic_sessions *sessions,
		       struct quic_session *session)
{
	struct quic_session_key key = session->key;

	spin_lock_bh(&sessions->lock);
	list_add(&session->list, &sessions->list);
	sessions->nr++;
	quic_sessions_trim(sessions, &key);
	spin_unlock_bh(&sessions->lock);
}

/**
 * quic_sessions_take - take the newest session out
 * @sessions: of a network namespace
 * @key:      whose
 *
 * Return: a session that is the caller's, or NULL.
 */
struct quic_session *quic_sessions_take(struct quic_sessions *sessions,
					const struct quic_session_key *key)
{
	time64_t now = ktime_get_boottime_seconds();
	struct quic_session *session, *next, *found = NULL;

	spin_lock_bh(&sessions->lock);
	list_for_each_entry_safe(session, next, &sessions->list, list) {
		if (session->expires <= now) {
			quic_sessions_drop(sessions, session);
		} else if (!found &&
			   !memcmp(&session->key, key, sizeof(*key))) {
			list_del(&session->list);
			sessions->nr--;
			found = session;
		}
	}
	spin_unlock_bh(&sessions->lock);
	return found;
}

static void quic_session_hash_u32(struct sha256_ctx *ctx, u32 value)
{
	sha256_update(ctx, (const u8 *)&value, sizeof(value));
}

static void quic_session_hash_peer(struct sha256_ctx *ctx,
				   const union quic_addr *peer)
{
	quic_session_hash_u32(ctx, peer->sa.sa_family);
	if (peer->sa.sa_family == AF_INET6) {
		quic_session_hash_u32(ctx, be16_to_cpu(peer->v6.sin6_port));
		quic_session_hash_u32(ctx, peer->v6.sin6_scope_id);
		sha256_update(ctx, (const u8 *)&peer->v6.sin6_addr,
			      sizeof(peer->v6.sin6_addr));
	} else {
		quic_session_hash_u32(ctx, be16_to_cpu(peer->v4.sin_port));
		sha256_update(ctx, (const u8 *)&peer->v4.sin_addr,
			      sizeof(peer->v4.sin_addr));
	}
}

/* A resumed session is not verified again, so that everything on which the
 * verdict depended has to be the same. What the agent is configured with is for
 * the agent to compare.
 */
static void quic_session_derive_key(const struct quic_conn *conn,
				    const struct tls_handshake_args *args,
				    bool prove, struct quic_session_key *key)
{
	const char *name = args->ta_peername ?: "";
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	quic_session_hash_u32(&ctx, conn->settings.alpn.len);
	sha256_update(&ctx, conn->settings.alpn.data, conn->settings.alpn.len);
	quic_session_hash_peer(&ctx, &conn->path.peer);
	quic_session_hash_u32(&ctx, conn->settings.config.certificate_request);
	quic_session_hash_u32(&ctx, prove);
	quic_session_hash_u32(&ctx, args->ta_keyring);
	quic_session_hash_u32(&ctx, args->ta_my_cert);
	quic_session_hash_u32(&ctx, args->ta_my_privkey);
	sha256_update(&ctx, (const u8 *)name, strlen(name));
	sha256_final(&ctx, key->digest);
}

/* No packet has been built yet, so that the connection can begin in the version
 * that the server led the last one to.
 */
static int quic_session_apply_version(struct quic_conn *conn, u32 version)
{
	int err;

	if (version == conn->version)
		return 0;
	err = quic_keys_initial(&conn->keys, version, &conn->hs.odcid, false,
				GFP_KERNEL);
	if (!err)
		quic_version_begin(conn, version);
	return err;
}

static int quic_session_apply(struct quic_conn *conn,
			      const struct quic_session *session)
{
	int err;

	err = quic_session_apply_version(conn, session->version);
	if (!err)
		err = quic_blob_set(&conn->settings.ticket, session->data,
				    session->len, GFP_KERNEL);
	if (!err)
		err = quic_blob_set(&conn->settings.token, session->token,
				    session->token_len, GFP_KERNEL);
	return err;
}

static int quic_session_begin(struct quic_conn *conn,
			      const struct tls_handshake_args *args, bool prove)
{
	struct net *net = quic_conn_net(conn);
	struct quic_session_use *use;

	if (!quic_conn_is(conn, QUIC_STATE_ESTABLISHING) || conn->is_server ||
	    conn->session)
		return -EINVAL;
	use = kzalloc_obj(*use, GFP_KERNEL);
	if (!use)
		return -ENOMEM;
	quic_session_derive_key(conn, args, prove, &use->key);
	conn->session = use;
	if (!conn->settings.config.receive_session_ticket)
		conn->settings.config.receive_session_ticket =
			QUIC_SESSION_WAIT;
	use->offered = quic_sessions_take(&quic_net(net)->sessions, &use->key);
	if (!use->offered)
		return 0;
	QUIC_INC_STATS(net, SESSIONS_OFFERED);
	return quic_session_apply(conn, use->offered);
}

/**
 * quic_session_resume - let a connection begin where the last one ended
 * @sk:    client socket of a kernel user, connected, before its handshake; it
 *	   holds its network namespace
 * @args:  what the handshake is going to be asked for with
 * @prove: whether the client is going to present a certificate, which is
 *	   whether tls_client_hello_x509() is going to be called
 *
 * If a connection to the same server, for which the same was asked, has left a
 * session, the agent is offered it. And if the server gives a ticket, this
 * connection leaves one: the agent waits for it a little, which a keen agent
 * does after it has reported.
 *
 * Context: process; takes the socket lock.
 * Return: 0, also if there is nothing to resume; -EINVAL in a wrong state;
 *	   -ENOMEM.
 */
int quic_session_resume(struct sock *sk, const struct tls_handshake_args *args,
			bool prove)
{
	int err;

	lock_sock(sk);
	err = quic_session_begin(quic_conn(sk), args, prove);
	release_sock(sk);
	return err;
}
EXPORT_SYMBOL_GPL(quic_session_resume);

/**
 * quic_session_keep - the agent has made session data out of a ticket
 * @conn: established connection of a client
 * @data: session data
 * @len:  its length
 *
 * Connections for which nobody has called quic_session_resume() leave nothing.
 *
 * Context: connection lock held, process.
 * Return: 0 or -ENOMEM.
 */
int quic_session_keep(struct quic_conn *conn, const u8 *data, u32 len)
{
	const struct quic_blob *token = &conn->settings.token;
	struct net *net = quic_conn_net(conn);
	struct quic_session *session;

	quic_conn_assert_held(conn);
	if (!conn->session || !quic_conn_is(conn, QUIC_STATE_ESTABLISHED))
		return 0;
	session = quic_session_new(&conn->session->key, conn->version, data,
				   len);
	if (!session)
		return -ENOMEM;
	/* What is longer is not kept on arrival either. */
	if (token->len <= QUIC_TOKEN_MAX) {
		session->token_len = token->len;
		memcpy(session->token, token->data, token->len);
	}
	quic_sessions_add(&quic_net(net)->sessions, session);
	QUIC_INC_STATS(net, SESSIONS_KEPT);
	return 0;
}

/**
 * quic_session_used - the server has answered
 * @conn: connection
 *
 * Context: connection lock held.
 */
void quic_session_used(struct quic_conn *conn)
{
	if (!conn->session)
		return;
	quic_session_free(conn->session->offered);
	conn->session->offered = NULL;
}

/**
 * quic_session_release - the connection has ended
 * @conn: connection
 *
 * A session with which a server was asked that never answered is as good as
 * before. One with which the agent did not even ask may be what it fails at.
 *
 * Context: any; connection lock held, or the last reference is gone.
 */
void quic_session_release(struct quic_conn *conn)
{
	struct quic_session_use *use = conn->session;

	if (!use)
		return;
	if (use->offered && !conn->hs.any_rcvd &&
	    conn->spaces[QUIC_SPACE_INITIAL].next_pn)
		quic_sessions_add(&quic_net(quic_conn_net(conn))->sessions,
				  use->offered);
	else
		quic_session_free(use->offered);
	kfree_sensitive(use);
	conn->session = NULL;
}
