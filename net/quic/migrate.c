// SPDX-License-Identifier: GPL-2.0-only
#include <net/inet_sock.h>
#include <trace/events/quic.h>

#include "addr.h"
#include "conn.h"
#include "endpoint.h"
#include "event.h"
#include "input.h"
#include "migrate.h"
#include "net_ns.h"
#include "sock_addr.h"
#include "udp_rx.h"
#include "udp_tx.h"

/* RFC 9000, 8.2.4: the path may be slower than the one in use. */
static u64 quic_migrate_patience_us(const struct quic_conn *conn)
{
	struct quic_rtt fresh;

	quic_rtt_init(&fresh, conn->settings.config.initial_smoothed_rtt);
	return QUIC_PATH_PTOS * max_t(u64, quic_rtt_pto_us(&fresh),
				      quic_recovery_pto_us(&conn->rec));
}

static void quic_migrate_check(struct quic_conn *conn, struct quic_path *path)
{
	quic_path_check_start(path, quic_recovery_pto_us(&conn->rec),
			      quic_migrate_patience_us(conn), ktime_get());
	conn->challenged = true;
}

static void quic_migrate_keep_alt(struct quic_conn *conn, u8 role)
{
	conn->alt.role = role;
	conn->alt.expiry = ktime_add_us(ktime_get(),
					quic_migrate_patience_us(conn));
}

static void quic_migrate_drop_alt(struct quic_conn *conn)
{
	if (!conn->alt.endpoint)
		return;
	quic_path_release(&conn->alt);
	quic_path_check_stop(&conn->alt);
	quic_cid_drop_other(conn);
}

/**
 * quic_migrate_release - give up every path
 * @conn: the connection
 *
 * Context: connection lock held, or the socket is being destroyed.
 */
void quic_migrate_release(struct quic_conn *conn)
{
	int i;

	quic_path_release(&conn->path);
	quic_path_release(&conn->alt);
	for (i = 0; i < ARRAY_SIZE(conn->preferred); i++) {
		quic_endpoint_put(conn->preferred[i]);
		conn->preferred[i] = NULL;
	}
	kfree(conn->left_rec);
	conn->left_rec = NULL;
}

/**
 * quic_migrate_find - the path that a datagram has travelled
 * @conn:  the connection
 * @local: address of ours that it came to
 * @peer:  address that it came from
 *
 * Context: connection lock held.
 * Return: one of the two paths, or NULL.
 */
struct quic_path *quic_migrate_find(struct quic_conn *conn,
				    const union quic_addr *local,
				    const union quic_addr *peer)
{
	if (quic_path_is(&conn->path, local, peer))
		return &conn->path;
	if (quic_path_is(&conn->alt, local, peer))
		return &conn->alt;
	return NULL;
}

/* Moving */

/* The addresses of the path in use become those that programs see. */
static void quic_migrate_done(struct quic_conn *conn)
{
	struct sock *sk = quic_conn_sk(conn);
	union quic_addr local, peer;
	bool own;

	quic_sock_local(sk, &local);
	quic_sock_peer(sk, &peer);
	if (quic_path_is(&conn->path, &local, &peer))
		return;
	/* Whoever has moved: the other end is where it was. A client that goes
	 * to the preferred address may have to change its own for that.
	 */
	own = conn->is_server ? !quic_addr_equal(&local, &conn->path.local) :
				quic_addr_equal(&peer, &conn->path.peer);
	quic_sock_set_addrs(sk, &conn->path.local, &conn->path.peer);
	quic_path_update_mtu(conn, &conn->path);
	quic_event_connection_migration(conn, own);
}

/* RFC 9000, 9.4: what is known of one path does not hold on another, unless
 * nothing but ports has changed.
 */
static void quic_migrate_recovery(struct quic_conn *conn, bool back)
{
	struct quic_recovery_params params;

	if (quic_path_same_hosts(&conn->path, &conn->alt))
		return;
	if (back && conn->left_rec) {
		quic_recovery_restore(&conn->rec, &conn->left_rec, ktime_get());
		return;
	}
	quic_recovery_save(&conn->rec, &conn->left_rec);
	quic_conn_recovery_params(conn, &params);
	quic_recovery_new_path(&conn->rec, &params, ktime_get());
}

/* Both have an ID of their own, or share one. */
static void quic_migrate_swap(struct quic_conn *conn, bool back)
{
	swap(conn->path, conn->alt);
	quic_cid_swap(conn);
	conn->path.role = QUIC_PATH_ACTIVE;
	conn->stats.migrations++;
	trace_quic_conn_moved(quic_conn_sk(conn), &conn->path.local,
			      &conn->path.peer);
	quic_migrate_recovery(conn, back);
}

/* We are on another path: let the peer and the program notice. */
static void quic_migrate_moved(struct quic_conn *conn)
{
	quic_migrate_keep_alt(conn, QUIC_PATH_LEFT);
	if (conn->bound) {
		quic_endpoint_put(conn->bound);
		conn->bound = quic_endpoint_hold(conn->path.endpoint);
	}
	conn->ping_pending = true;
	quic_migrate_done(conn);
}

/* The path that we have probed works. */
static void quic_migrate_go(struct quic_conn *conn)
{
	quic_migrate_swap(conn, false);
	quic_cid_drop_other(conn);
	quic_migrate_moved(conn);
}

/* The new address of the peer has not answered: what came from there was a
 * forgery, or the peer is somewhere else by now (RFC 9000, 9.3.2).
 */
static void quic_migrate_fall_back(struct quic_conn *conn)
{
	quic_path_check_stop(&conn->path);
	if (conn->path.validated) {
		quic_migrate_done(conn);
		return;
	}
	if (conn->alt.role != QUIC_PATH_OLD || !conn->alt.endpoint) {
		quic_close_on_idle(conn);
		return;
	}
	if (!quic_cid_take_other(conn))
		quic_cid_share_other(conn);
	quic_migrate_swap(conn, true);
	quic_migrate_drop_alt(conn);
	quic_migrate_done(conn);
}

/* Following the peer */

static struct quic_endpoint *quic_migrate_endpoint(struct quic_conn *conn,
						   const union quic_addr *local)
{
	struct quic_endpoint *ep[] = {
		conn->path.endpoint, conn->alt.endpoint,
		conn->preferred[0], conn->preferred[1],
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(ep); i++)
		if (ep[i] && quic_endpoint_serves(ep[i], local))
			return ep[i];
	return NULL;
}

/* May the path beside the one in use give way to another one of the peer's? */
static bool quic_migrate_alt_free(const struct quic_conn *conn)
{
	if (!conn->alt.endpoint)
		return true;
	switch (conn->alt.role) {
	case QUIC_PATH_OLD:
		return conn->path.validated;
	case QUIC_PATH_OWN:
		return false;
	default:
		return true;
	}
}

static bool quic_migrate_same_cid(const struct quic_path *path,
				  const struct quic_rx_pkt *rx)
{
	return !memcmp(path->rx_cid, rx->dcid.data, QUIC_CID_LEN);
}

static void quic_migrate_init_path(struct quic_path *path,
				   struct quic_endpoint *ep,
				   const struct quic_rx_pkt *rx)
{
	quic_path_init(path, quic_endpoint_hold(ep), &rx->local, &rx->peer);
	path->rx_bytes = rx->skb->len;
	memcpy(path->rx_cid, rx->dcid.data, QUIC_CID_LEN);
}

/* The peer sends from a new address, or to one. RFC 9000, 9.5: it gets another
 * connection ID there if it uses another itself; without one to use there can
 * be no path.
 */
static struct quic_path *quic_migrate_open(struct quic_conn *conn,
					   const struct quic_rx_pkt *rx)
{
	struct quic_endpoint *ep = quic_migrate_endpoint(conn, &rx->local);

	if (!conn->hs.confirmed || !ep || !quic_migrate_alt_free(conn))
		return NULL;
	quic_migrate_drop_alt(conn);
	if (quic_migrate_same_cid(&conn->path, rx))
		quic_cid_share_other(conn);
	else if (!quic_cid_take_other(conn))
		return NULL;
	quic_migrate_init_path(&conn->alt, ep, rx);
	quic_migrate_keep_alt(conn, QUIC_PATH_PEER);
	quic_migrate_check(conn, &conn->alt);
	return &conn->alt;
}

/* The peer moves on from a path that was never validated. The one to fall back
 * to stays.
 */
static void quic_migrate_replace(struct quic_conn *conn,
				 const struct quic_rx_pkt *rx)
{
	struct quic_endpoint *ep = quic_migrate_endpoint(conn, &rx->local);
	struct quic_path old = conn->path;

	if (!ep ||
	    (!quic_migrate_same_cid(&old, rx) && !quic_cid_renew(conn)))
		return;
	quic_migrate_init_path(&conn->path, ep, rx);
	quic_path_release(&old);
	quic_migrate_check(conn, &conn->path);
}

/* The peer uses the path beside the one in use: RFC 9000, 9.3. */
static void quic_migrate_follow(struct quic_conn *conn)
{
	bool back = conn->alt.role == QUIC_PATH_OLD;

	if (!quic_cid_take_other(conn))
		return;
	quic_migrate_swap(conn, back);
	if (conn->alt.validated) {
		/* RFC 9000, 9.3.3: the move may be the work of somebody who
		 * forwards packets faster than the path does.
		 */
		quic_migrate_keep_alt(conn, QUIC_PATH_OLD);
		quic_migrate_check(conn, &conn->alt);
	} else {
		quic_migrate_drop_alt(conn);
	}
	if (conn->path.validated)
		quic_migrate_done(conn);
	else if (!conn->path.check.running)
		quic_migrate_check(conn, &conn->path);
}

/* Whether a packet that is not there to probe moves the connection. Clients
 * decide where a connection goes; servers only where their clients have answered
 * their challenge.
 */
static bool quic_migrate_moves(const struct quic_conn *conn,
			       const struct quic_path *path)
{
	if (path && path->role != QUIC_PATH_PEER && path->role != QUIC_PATH_OLD)
		return false;
	return conn->is_server || (path && path->role == QUIC_PATH_PEER);
}

/**
 * quic_migrate_on_packet - notice where a 1-RTT packet has come from
 * @conn:   the connection
 * @rx:	    the packet, its frames handled
 * @newest: it has the largest number so far
 *
 * Context: connection lock held.
 */
void quic_migrate_on_packet(struct quic_conn *conn, struct quic_rx_pkt *rx,
			    bool newest)
{
	struct quic_path *path;

	path = quic_migrate_find(conn, &rx->local, &rx->peer);
	if (path && newest)
		memcpy(path->rx_cid, rx->dcid.data, QUIC_CID_LEN);
	if (path == &conn->path || !newest || !rx->non_probing ||
	    !conn->hs.confirmed || !quic_migrate_moves(conn, path))
		return;
	if (path || quic_migrate_open(conn, rx))
		quic_migrate_follow(conn);
	else if (!conn->path.validated && conn->alt.endpoint &&
		 conn->alt.role == QUIC_PATH_OLD)
		quic_migrate_replace(conn, rx);
}

/* PATH frames */

/**
 * quic_migrate_on_challenge - a PATH_CHALLENGE has come
 * @conn: the connection
 * @rx:	  the packet that carried it
 * @data: its QUIC_PATH_DATA_LEN bytes
 *
 * Context: connection lock held.
 */
void quic_migrate_on_challenge(struct quic_conn *conn, struct quic_rx_pkt *rx,
			       const u8 *data)
{
	struct quic_path *path;

	path = quic_migrate_find(conn, &rx->local, &rx->peer);
	if (!path)
		path = quic_migrate_open(conn, rx);
	/* What we have left is lost to the peer as well. */
	if (!path || path->role == QUIC_PATH_LEFT)
		return;
	quic_path_on_challenge(path, data);
	/* RFC 9000, 9.3.3: if it is the path that the peer thinks was left, it
	 * needs a packet that takes it back.
	 */
	if (path == &conn->path)
		conn->ping_pending = true;
	else if (path->role == QUIC_PATH_PEER)
		quic_migrate_keep_alt(conn, QUIC_PATH_PEER);
}

static void quic_migrate_alt_valid(struct quic_conn *conn)
{
	conn->alt.validated = true;
	quic_path_check_stop(&conn->alt);
	if (conn->alt.role != QUIC_PATH_OWN)
		return;
	/* The peer may have retired the ID that the path was probed with. */
	if (quic_cid_take_other(conn))
		quic_migrate_go(conn);
	else
		quic_migrate_drop_alt(conn);
}

/* RFC 9000, 8.2.1: a small datagram has shown that the address is right; that
 * full-sized ones get there has to be shown, too.
 */
static void quic_migrate_answered(struct quic_conn *conn,
				  struct quic_path *path,
				  enum quic_path_answer answer)
{
	path->validated = true;
	if (answer == QUIC_PATH_REACHED) {
		quic_migrate_check(conn, path);
		return;
	}
	if (path == &conn->alt) {
		quic_migrate_alt_valid(conn);
		return;
	}
	quic_path_check_stop(path);
	quic_migrate_done(conn);
}

/**
 * quic_migrate_on_response - a PATH_RESPONSE has come
 * @conn: the connection
 * @data: its QUIC_PATH_DATA_LEN bytes
 *
 * Context: connection lock held.
 * Return: 0, or a transport error if there never was a challenge (RFC 9000,
 * 19.18).
 */
int quic_migrate_on_response(struct quic_conn *conn, const u8 *data)
{
	struct quic_path *paths[] = { &conn->path, &conn->alt };
	enum quic_path_answer answer;
	int i;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		answer = quic_path_check_answer(paths[i], data);
		if (answer == QUIC_PATH_UNKNOWN)
			continue;
		quic_migrate_answered(conn, paths[i], answer);
		return 0;
	}
	/* It may be late. */
	return conn->challenged ? 0 : QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
}

/* Moves of our own */

/**
 * quic_migrate_busy - is a migration at work
 * @conn: the connection
 *
 * Context: connection lock held.
 * Return: true until it is known which path is used.
 */
bool quic_migrate_busy(const struct quic_conn *conn)
{
	if (!conn->path.validated)
		return true;
	return conn->alt.endpoint && (conn->alt.role == QUIC_PATH_OWN ||
				      conn->alt.role == QUIC_PATH_PEER);
}

/**
 * quic_migrate_probe - try a path, and move there if it works
 * @conn:  an established connection that is not busy migrating
 * @ep:	   UDP socket for it; the caller's reference is taken over
 * @local: our address
 * @peer:  the peer's
 *
 * Context: connection lock held; quic_output() follows.
 */
void quic_migrate_probe(struct quic_conn *conn, struct quic_endpoint *ep,
			const union quic_addr *local,
			const union quic_addr *peer)
{
	quic_conn_assert_held(conn);
	quic_migrate_drop_alt(conn);
	quic_path_init(&conn->alt, ep, local, peer);
	/* The limit of RFC 9000, 8.1 is for addresses that a peer has claimed;
	 * nothing but challenges is sent to this one.
	 */
	conn->alt.validated = true;
	quic_migrate_keep_alt(conn, QUIC_PATH_OWN);
	if (conn->hs.confirmed)
		quic_migrate_check(conn, &conn->alt);
}

/**
 * quic_migrate_jump - move without asking: the path in use is gone
 * @conn:  an established connection of a client
 * @ep:	   UDP socket for the new path; the caller's reference is taken over
 * @local: our address there
 *
 * RFC 9000, 9.2 wants a path to be validated before it is used if there is a
 * choice.
 *
 * Context: connection lock held; quic_output() follows.
 * Return: false if no connection ID is left to do it with.
 */
bool quic_migrate_jump(struct quic_conn *conn, struct quic_endpoint *ep,
		       const union quic_addr *local)
{
	union quic_addr peer = conn->path.peer;

	quic_conn_assert_held(conn);
	quic_migrate_drop_alt(conn);
	if (!quic_cid_renew(conn))
		return false;
	quic_path_check_stop(&conn->path);
	conn->alt = conn->path;
	quic_path_init(&conn->path, ep, local, &peer);
	conn->path.validated = true;
	quic_migrate_recovery(conn, false);
	quic_migrate_check(conn, &conn->path);
	quic_migrate_moved(conn);
	return true;
}

/**
 * quic_migrate_on_confirmed - the handshake is confirmed
 * @conn: the connection
 *
 * RFC 9000, 9: there is no migration before.
 *
 * Context: connection lock held.
 */
void quic_migrate_on_confirmed(struct quic_conn *conn)
{
	conn->path.validated = true;
	if (conn->alt.endpoint) {
		quic_migrate_keep_alt(conn, QUIC_PATH_OWN);
		quic_migrate_check(conn, &conn->alt);
	} else if (!conn->is_server && conn->remote.has_preferred_addr &&
		   READ_ONCE(quic_net(quic_conn_net(conn))->preferred_address)) {
		conn->roam.preferred = true;
		quic_roam_kick(conn);
	}
}

/* A server's preferred address, which its transport parameters announce. */
static int quic_migrate_set_preferred(struct quic_conn *conn,
				      const union quic_addr *addr)
{
	struct quic_tparams *tp = &conn->local;

	if (conn->hs.tparams_sent)
		return -EINVAL;
	if (!quic_endpoint_port_allowed(quic_conn_net(conn),
					quic_addr_port(addr)))
		return -EACCES;
	if (addr->sa.sa_family == AF_INET)
		tp->preferred_addr.v4 = addr->v4;
	else
		tp->preferred_addr.v6 = addr->v6;
	tp->has_preferred_addr = true;
	return 0;
}

/**
 * quic_migrate_bind_preferred - be there for a client that moves to us
 * @conn: an established connection
 *
 * The client stays where it is if that fails: it tries the address first.
 *
 * Context: connection lock held, process.
 */
void quic_migrate_bind_preferred(struct quic_conn *conn)
{
	const struct quic_preferred_addr *pref = &conn->local.preferred_addr;
	union quic_addr addr[2] = { { .v4 = pref->v4 }, { .v6 = pref->v6 } };
	struct sock *sk = quic_conn_sk(conn);
	struct quic_endpoint *ep;
	int i;

	if (!conn->is_server || !conn->local.has_preferred_addr)
		return;
	for (i = 0; i < ARRAY_SIZE(addr); i++) {
		if (!quic_addr_port(&addr[i]) || conn->preferred[i])
			continue;
		ep = quic_endpoint_bind(sock_net(sk), &addr[i],
					sk->sk_bound_dev_if, true);
		if (!IS_ERR(ep))
			conn->preferred[i] = ep;
	}
}

static int quic_migrate_to(struct quic_conn *conn, union quic_addr *local)
{
	struct sock *sk = quic_conn_sk(conn);
	struct quic_path *path = &conn->path;
	union quic_addr source = *local;
	struct quic_endpoint *ep;

	/* RFC 9000, 9.5: without connection IDs the peer could not tell whose
	 * packets come from the new address.
	 */
	if (local->sa.sa_family != path->local.sa.sa_family ||
	    quic_addr_equal(local, &path->local) ||
	    !conn->cids.active->cid.len)
		return -EINVAL;
	if (quic_migrate_busy(conn))
		return -EAGAIN;
	if (quic_udp_local_addr(sk, &path->peer, &source))
		return -EINVAL;
	if (!quic_endpoint_port_allowed(sock_net(sk), quic_addr_port(local)))
		return -EACCES;
	ep = quic_endpoint_bind(sock_net(sk), local, sk->sk_bound_dev_if, true);
	if (IS_ERR(ep))
		return PTR_ERR(ep);
	quic_migrate_probe(conn, ep, local, &path->peer);
	return 0;
}

/**
 * quic_migrate_set - what option CONNECTION_MIGRATION does
 * @conn:  the connection
 * @uaddr: socket address as the program has it
 * @len:   its length
 *
 * Context: connection lock held, process.
 * Return: 0 when the new path is being probed; what follows is told by an event.
 * -EPIPE without a connection; -EINVAL for an address that will not do, before
 * a client is connected, and if the peer has forbidden it (RFC 9000, 18.2);
 * -EAGAIN while a migration is at work; or what binding to the address says.
 */
int quic_migrate_set(struct quic_conn *conn, const void *uaddr, u32 len)
{
	bool established = quic_conn_is(conn, QUIC_STATE_ESTABLISHED);
	union quic_addr addr;

	quic_conn_assert_held(conn);
	if (!established && !quic_conn_is(conn, QUIC_STATE_ESTABLISHING))
		return -EPIPE;
	if ((!established && !conn->is_server) ||
	    conn->remote.disable_active_migration ||
	    quic_addr_from_user(quic_conn_sk(conn), uaddr, len, true, &addr) ||
	    !quic_addr_port(&addr))
		return -EINVAL;
	return established ? quic_migrate_to(conn, &addr) :
			     quic_migrate_set_preferred(conn, &addr);
}

/* Time */

/**
 * quic_migrate_deadline - when quic_migrate_timeout() has something to do
 * @conn: the connection
 *
 * Context: connection lock held.
 * Return: monotonic time, or KTIME_MAX.
 */
ktime_t quic_migrate_deadline(const struct quic_conn *conn)
{
	ktime_t first = quic_path_check_deadline(&conn->path);

	if (!conn->hs.confirmed || !conn->alt.endpoint)
		return first;
	return min3(first, conn->alt.expiry,
		    quic_path_check_deadline(&conn->alt));
}

/**
 * quic_migrate_timeout - the time for a validation or for a path is over
 * @conn: the connection
 * @now:  current time
 *
 * Challenges that are due are sent by quic_output(), which follows.
 *
 * Context: connection lock held.
 */
void quic_migrate_timeout(struct quic_conn *conn, ktime_t now)
{
	if (quic_path_check_failed(&conn->path, now))
		quic_migrate_fall_back(conn);
	if (quic_path_check_failed(&conn->alt, now))
		quic_path_check_stop(&conn->alt);
	if (!conn->alt.endpoint || conn->alt.expiry > now)
		return;
	if (conn->path.validated)
		quic_migrate_drop_alt(conn);
	else
		quic_migrate_keep_alt(conn, conn->alt.role);
}
