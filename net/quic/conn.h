/* SPDX-License-Identifier: GPL-2.0-only */
/* The connection. A QUIC socket is one connection, or one listener; this is
 * the socket, and everything that the connection owns hangs off it.
 *
 * Owns:    struct quic_conn: its creation, its state and its release.
 * Guard:   the socket lock ("the connection lock"). Softirq takes it with
 *          bh_lock_sock() and leaves packets in the socket's backlog while a
 *          process owns it, as TCP does.
 * Callers: everybody.
 */
#ifndef _NET_QUIC_CONN_H
#define _NET_QUIC_CONN_H

#include <linux/ipv6.h>
#include <net/inet_sock.h>
#include <net/sock.h>
#include "cid.h"
#include "close.h"
#include "crypto_stream.h"
#include "dgram.h"
#include "early.h"
#include "event.h"
#include "flow.h"
#include "handshake.h"
#include "keys.h"
#include "loss.h"
#include "migrate.h"
#include "new_token.h"
#include "path.h"
#include "pnspace.h"
#include "roam.h"
#include "session.h"
#include "settings.h"
#include "stats.h"
#include "steer.h"
#include "stream.h"
#include "timer.h"
#include "tparams.h"
#include "types.h"
#include "udp_tx.h"
#include "version.h"

struct quic_listener;
struct quic_request;

/* sk_state as generic inet code and /proc/net/quic know it. */
enum quic_state {
	QUIC_STATE_CLOSED	= TCP_CLOSE,
	QUIC_STATE_LISTENING	= TCP_LISTEN,
	QUIC_STATE_ESTABLISHING	= TCP_SYN_RECV,
	QUIC_STATE_ESTABLISHED	= TCP_ESTABLISHED,
};

/**
 * struct quic_conn - a QUIC socket
 * @inet:	generic socket; must be first
 * @is_server:	the socket came from accept()
 * @was_connected: a connection was made once; the socket cannot have another
 * @version:	QUIC version in use
 * @versions:	how it was found
 * @bound:	endpoint of bind() while there is no path yet; reference held
 * @lock_depth:	how lockdep is to see the owner of the lock, see wait.h
 * @listener:	listening: what listen.c keeps; else NULL
 * @settings:	what socket options have stored
 * @local:	transport parameters that we announce
 * @remote:	the peer's, defaults until they are known
 * @hs:		progress of the handshake
 * @early:	0-RTT
 * @keys:	packet protection
 * @path:	the path in use
 * @alt:	the path beside it, if it has an endpoint
 * @roam:	client: its local address and where it may go
 * @preferred:	server: endpoints of the preferred address, IPv4 and IPv6
 * @challenged:	a path was challenged some time
 * @left_rec:	what @rec knew of the path that the peer has left; else NULL
 * @cids:	connection IDs of both sides
 * @spaces:	packet number spaces
 * @rec:	loss recovery, RTT, congestion control and pacing
 * @crypto:	CRYPTO data by encryption level, see QUIC_CRYPTO_STREAMS
 * @streams:	streams and their limits
 * @flow:	flow control of the connection
 * @dgrams:	DATAGRAM frames
 * @events:	notifications that wait for the reader
 * @new_token:	a server's NEW_TOKEN frame
 * @session:	client in the kernel that resumes sessions: which; else NULL
 * @timers:	deadlines
 * @steer:	datagrams on their way to another processor
 * @close:	how the connection ends
 * @batch:	packets that wait to leave together
 * @unanswered:	bytes of the backlog that were received but not reacted to
 * @flushing:	the reaction to the backlog is not for release_sock()
 * @ledger_mem:	bytes that the socket is charged with for the ledger
 * @pto_probes:	probes that the next output owes, by space
 * @ping_pending: a PING is owed (keep-alive)
 * @idle_timeout_us: effective max_idle_timeout (RFC 9000, 10.1); 0 is none
 * @idle_sent:	an ack-eliciting packet was sent since the last one came
 * @in_output:	output is at work; guards against recursion
 * @stats:	what has been done so far
 */
struct quic_conn {
	struct inet_sock inet;

	bool is_server;
	bool was_connected;
	u32 version;
	struct quic_versions versions;
	struct quic_endpoint *bound;
	u8 lock_depth;
	struct quic_listener *listener;

	struct quic_settings settings;
	struct quic_tparams local;
	struct quic_tparams remote;

	struct quic_handshake hs;
	struct quic_early early;
	struct quic_keys keys;
	struct quic_path path;
	struct quic_path alt;
	struct quic_roam roam;
	struct quic_endpoint *preferred[2];
	bool challenged;
	struct quic_recovery_saved *left_rec;
	struct quic_cids cids;
	struct quic_pnspace spaces[QUIC_SPACE_MAX];
	struct quic_recovery rec;

	struct quic_crypto_stream crypto[QUIC_CRYPTO_STREAMS];
	struct quic_streams streams;
	struct quic_flow flow;
	struct quic_dgrams dgrams;
	struct quic_events events;

	struct quic_new_token new_token;
	struct quic_session_use *session;
	struct quic_timers timers;
	struct quic_steer steer;
	struct quic_close close;
	struct quic_batch batch;
	u32 unanswered;
	bool flushing;
	u32 ledger_mem;
	u8 pto_probes[QUIC_SPACE_MAX];
	bool ping_pending;
	u64 idle_timeout_us;
	bool idle_sent;
	bool in_output;

	struct quic_stats stats;
};

#if IS_ENABLED(CONFIG_IPV6)
struct quic6_conn {
	struct quic_conn conn;
	struct ipv6_pinfo inet6;
};
#endif

static inline struct quic_conn *quic_conn(const struct sock *sk)
{
	return (struct quic_conn *)sk;
}

static inline struct sock *quic_conn_sk(const struct quic_conn *conn)
{
	return (struct sock *)&conn->inet.sk;
}

static inline struct net *quic_conn_net(const struct quic_conn *conn)
{
	return sock_net(quic_conn_sk(conn));
}

/* Every function that touches a connection states the rule it relies on. */
static inline void quic_conn_assert_held(const struct quic_conn *conn)
{
	sock_owned_by_me(quic_conn_sk(conn));
}

static inline bool quic_conn_is(const struct quic_conn *conn,
				enum quic_state state)
{
	return inet_sk_state_load(quic_conn_sk(conn)) == state;
}

int quic_conn_init(struct sock *sk);
void quic_conn_destroy(struct sock *sk);
void quic_conn_set_state(struct quic_conn *conn, enum quic_state state);
int quic_conn_connect(struct sock *sk, const union quic_addr *local,
		      const union quic_addr *peer);
int quic_conn_accept(struct sock *sk, struct quic_request *req);
void quic_conn_apply_config(struct quic_conn *conn);
void quic_conn_established(struct quic_conn *conn);
void quic_conn_recovery_params(const struct quic_conn *conn,
			       struct quic_recovery_params *params);
void quic_conn_idle_restart(struct quic_conn *conn, ktime_t now);

#endif /* _NET_QUIC_CONN_H */
