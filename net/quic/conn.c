// SPDX-License-Identifier: GPL-2.0-only
#include <linux/random.h>
#include <trace/events/quic.h>

#include "conn.h"
#include "endpoint.h"
#include "header.h"
#include "input.h"
#include "listen.h"
#include "net_ns.h"
#include "output.h"
#include "recvmsg.h"
#include "sock_addr.h"

/**
 * quic_conn_init - set up a new socket
 * @sk: the socket, zeroed but for what sk_alloc() and inet code have set
 *
 * Return: 0.
 */
int quic_conn_init(struct sock *sk)
{
	struct quic_conn *conn = quic_conn(sk);
	int i;

	quic_settings_init(&conn->settings);
	conn->settings.kernel = sk->sk_kern_sock;
	quic_tparams_default(&conn->local);
	quic_tparams_absent(&conn->remote);
	quic_keys_init(&conn->keys);
	quic_cids_init(&conn->cids);
	for (i = 0; i < QUIC_SPACE_MAX; i++)
		quic_pnspace_init(&conn->spaces[i], i);
	__skb_queue_head_init(&conn->hs.parked);
	quic_crypto_init(conn);
	quic_streams_init(conn);
	quic_dgrams_init(conn);
	quic_events_init(conn);
	quic_timers_init(conn);
	quic_steer_init(&conn->steer);
	return 0;
}

/**
 * quic_conn_destroy - free everything that hangs off a socket
 * @sk: the socket, which nobody can find any more
 *
 * Context: any; the last reference is gone.
 */
void quic_conn_destroy(struct sock *sk)
{
	struct quic_conn *conn = quic_conn(sk);
	int i;

	quic_timers_destroy(conn);
	__skb_queue_purge(&conn->hs.parked);
	quic_batch_free(&conn->batch);
	quic_events_destroy(conn);
	quic_dgrams_destroy(conn);
	quic_streams_destroy(conn);
	quic_crypto_destroy(conn);
	for (i = 0; i < QUIC_SPACE_MAX; i++)
		quic_pnspace_destroy(&conn->spaces[i]);
	sk_mem_uncharge(sk, conn->ledger_mem);
	quic_cids_free(conn);
	quic_migrate_release(conn);
	quic_keys_destroy(&conn->keys);
	quic_session_release(conn);
	quic_settings_destroy(&conn->settings);
	quic_endpoint_put(conn->bound);
}

static void quic_conn_count(struct quic_conn *conn, enum quic_state from,
			    enum quic_state to)
{
	struct net *net = quic_conn_net(conn);

	if (from == QUIC_STATE_ESTABLISHED)
		QUIC_DEC_STATS(net, CONN_CURRENT_ESTABS);
	if (to != QUIC_STATE_ESTABLISHED)
		return;
	QUIC_INC_STATS(net, CONN_CURRENT_ESTABS);
	if (conn->is_server)
		QUIC_INC_STATS(net, CONN_PASSIVE_ESTABS);
	else
		QUIC_INC_STATS(net, CONN_ACTIVE_ESTABS);
}

/* Servers' handshakes that run: with too many of them, clients have to prove
 * their addresses (RFC 9000, 8.1.2).
 */
static void quic_conn_count_half_open(struct quic_conn *conn,
				      enum quic_state to)
{
	struct quic_net *qn = quic_net(quic_conn_net(conn));
	bool half_open = conn->is_server && to == QUIC_STATE_ESTABLISHING;

	if (half_open == conn->hs.half_open)
		return;
	conn->hs.half_open = half_open;
	atomic_add(half_open ? 1 : -1, &qn->nr_half_open);
}

/**
 * quic_conn_set_state - change the state that programs see
 * @conn:  the connection
 * @state: the new one
 *
 * Context: connection lock held.
 */
void quic_conn_set_state(struct quic_conn *conn, enum quic_state state)
{
	struct sock *sk = quic_conn_sk(conn);

	quic_conn_assert_held(conn);
	if (sk->sk_state == state)
		return;
	quic_conn_count(conn, sk->sk_state, state);
	quic_conn_count_half_open(conn, state);
	inet_sk_state_store(sk, state);
	if (state == QUIC_STATE_CLOSED)
		quic_session_release(conn);
	sk->sk_state_change(sk);
}

/* What option CONFIG says; without it, what the administrator has chosen when
 * the connection began.
 */
static const struct quic_cc_ops *quic_conn_cc(const struct quic_conn *conn)
{
	u8 alg = conn->settings.config.congestion_control_algo;

	if (alg)
		return quic_cc_find(alg);
	if (conn->rec.cc.ops)
		return conn->rec.cc.ops;
	return READ_ONCE(quic_net(quic_conn_net(conn))->cc);
}

/**
 * quic_conn_recovery_params - what recovery starts with on the path in use
 * @conn:   the connection
 * @params: filled in
 */
void quic_conn_recovery_params(const struct quic_conn *conn,
			       struct quic_recovery_params *params)
{
	const struct quic_config *config = &conn->settings.config;

	*params = (struct quic_recovery_params) {
		.cc			= quic_conn_cc(conn),
		.initial_rtt_us		= config->initial_smoothed_rtt,
		.max_datagram_size	= conn->path.max_payload,
		.timer_granularity_ns	= hrtimer_resolution,
		.is_server		= conn->is_server,
	};
}

static void quic_conn_start_recovery(struct quic_conn *conn)
{
	struct quic_recovery_params params;

	quic_conn_recovery_params(conn, &params);
	quic_recovery_init(&conn->rec, &params, ktime_get());
}

/**
 * quic_conn_apply_config - option CONFIG was set on a connection
 * @conn: the connection
 *
 * All else of the option is looked up when it is needed.
 *
 * Context: connection lock held.
 */
void quic_conn_apply_config(struct quic_conn *conn)
{
	const struct quic_config *config = &conn->settings.config;
	const struct quic_cc_ops *cc = quic_conn_cc(conn);

	quic_conn_assert_held(conn);
	if (cc != conn->rec.cc.ops)
		quic_recovery_set_cc(&conn->rec, cc);
	quic_recovery_set_initial_rtt(&conn->rec, config->initial_smoothed_rtt);
}

/* What both sides do once addresses and first connection IDs are known. */
static int quic_conn_start(struct quic_conn *conn, const struct quic_cid *dcid)
{
	int err;

	err = quic_keys_initial(&conn->keys, conn->version, dcid,
				conn->is_server, GFP_KERNEL);
	if (err)
		return err;
	quic_conn_start_recovery(conn);
	conn->was_connected = true;
	conn->idle_timeout_us = conn->local.max_idle_timeout_us;
	trace_quic_conn_new(quic_conn_sk(conn), conn->is_server, conn->version,
			    &conn->hs.odcid, &conn->path.local,
			    &conn->path.peer);
	quic_conn_set_state(conn, QUIC_STATE_ESTABLISHING);
	quic_conn_idle_restart(conn, ktime_get());
	return 0;
}

/* The idle timeout is no bound: every packet moves it, and whoever can send an
 * Initial packet can send many.
 */
static void quic_conn_limit_handshake(struct quic_conn *conn)
{
	int s = READ_ONCE(quic_net(quic_conn_net(conn))->handshake_timeout);

	if (s)
		quic_timer_set(conn, QUIC_TIMER_HANDSHAKE,
			       ktime_add_ms(ktime_get(), s * MSEC_PER_SEC));
}

static void quic_conn_unstart(struct quic_conn *conn)
{
	quic_cids_free(conn);
	quic_migrate_release(conn);
	quic_keys_destroy(&conn->keys);
}

/**
 * quic_conn_connect - become a client
 * @sk:	   socket that has an endpoint but no connection
 * @local: our address, as routing has chosen it
 * @peer:  the server's
 *
 * No packet leaves before TLS has a ClientHello to send.
 *
 * Context: socket lock held, process.
 * Return: 0 or a negative errno, with nothing changed.
 */
int quic_conn_connect(struct sock *sk, const union quic_addr *local,
		      const union quic_addr *peer)
{
	struct quic_conn *conn = quic_conn(sk);
	u32 version = conn->settings.config.version;
	int err;

	quic_conn_assert_held(conn);
	quic_version_begin(conn, quic_version_known(version) ? version :
							       QUIC_VERSION_V1);
	quic_path_init(&conn->path, quic_endpoint_hold(conn->bound), local,
		       peer);
	/* RFC 9000, 8.1 limits servers only. */
	conn->path.validated = true;
	conn->hs.odcid.len = QUIC_CID_MIN_INITIAL;
	get_random_bytes(conn->hs.odcid.data, QUIC_CID_MIN_INITIAL);
	err = quic_cid_set_first_peer(conn, &conn->hs.odcid);
	if (!err && !quic_cid_add_local(conn))
		err = -ENOMEM;
	if (!err)
		err = quic_conn_start(conn, &conn->hs.odcid);
	if (err)
		quic_conn_unstart(conn);
	return err;
}

/**
 * quic_conn_accept - become the server's side of a client's request
 * @sk:	 new socket, settings inherited from the listener
 * @req: the request; the caller frees it afterwards
 *
 * Context: socket lock held, process.
 * Return: 0 or a negative errno; then the socket is to be released.
 */
int quic_conn_accept(struct sock *sk, struct quic_request *req)
{
	struct quic_conn *conn = quic_conn(sk);
	struct sk_buff *skb;
	int err;

	quic_conn_assert_held(conn);
	conn->is_server = true;
	quic_version_begin(conn, req->version);
	quic_path_init(&conn->path, quic_endpoint_hold(req->endpoint),
		       &req->local, &req->peer);
	conn->path.validated = req->validated;
	conn->hs.odcid = req->odcid;
	conn->hs.retry_used = req->retried;
	conn->hs.retry_scid = req->retry_scid;
	/* Who listens in all VRFs answers in the one that a client is in. */
	if (!sk->sk_bound_dev_if)
		sk->sk_bound_dev_if = req->l3_if;
	err = quic_cid_set_first_peer(conn, &req->scid);
	if (!err)
		err = quic_cid_set_first_local(conn, &req->said.scid);
	if (!err)
		err = quic_conn_start(conn, &req->dcid);
	if (err)
		return err;
	quic_conn_limit_handshake(conn);
	conn->path.tx_bytes = req->said.bytes;
	conn->spaces[QUIC_SPACE_INITIAL].next_pn = req->said.next_pn;
	quic_sock_set_addrs(sk, &req->local, &req->peer);
	conn->cids.original = quic_request_take_original(req, sk);
	while ((skb = __skb_dequeue(&req->datagrams))) {
		conn->path.rx_bytes += skb->len;
		quic_input_datagram(conn, skb);
	}
	quic_output(conn);
	quic_events_wake(conn);
	return 0;
}

/**
 * quic_conn_established - both 1-RTT keys are installed
 * @conn: the connection
 *
 * RFC 9001, 4.1.1: the handshake is complete; to a server it is confirmed, too.
 *
 * Context: connection lock held; quic_output() follows.
 */
void quic_conn_established(struct quic_conn *conn)
{
	u64 keepalive = conn->settings.config.keepalive_probe_interval;

	conn->hs.complete = true;
	quic_timer_clear(conn, QUIC_TIMER_HANDSHAKE);
	trace_quic_conn_state(quic_conn_sk(conn), "complete");
	if (conn->is_server) {
		conn->hs.done_pending = true;
		quic_new_token_request(conn);
		quic_handshake_confirm(conn);
	} else if (conn->hs.done_rcvd) {
		quic_handshake_confirm(conn);
	}
	quic_cids_issue(conn);
	quic_migrate_bind_preferred(conn);
	if (keepalive)
		quic_timer_set(conn, QUIC_TIMER_KEEPALIVE,
			       ktime_add_us(ktime_get(), keepalive));
	conn->events.wake_writer = true;
	quic_conn_set_state(conn, QUIC_STATE_ESTABLISHED);
}

/**
 * quic_conn_idle_restart - the idle period begins anew
 * @conn: the connection
 * @now:  current time
 *
 * RFC 9000, 10.1: a timeout below three PTOs would end connections that only
 * lost a packet.
 *
 * Context: connection lock held.
 */
void quic_conn_idle_restart(struct quic_conn *conn, ktime_t now)
{
	u64 us = conn->idle_timeout_us;

	if (!us)
		return;
	us = max(us, 3 * quic_recovery_pto_us(&conn->rec));
	quic_timer_set(conn, QUIC_TIMER_IDLE, ktime_add_us(now, us));
}
