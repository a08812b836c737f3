// SPDX-License-Identifier: GPL-2.0-only
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "recovery.h"

static u64 quic_recovery_pace(const struct quic_recovery *rec)
{
	return min(quic_cc_pacing_rate(&rec->cc, &rec->rtt), rec->max_rate);
}

/**
 * quic_recovery_update_pace - the window or the round-trip time has changed
 * @rec: recovery
 *
 * Context: connection lock held.
 */
void quic_recovery_update_pace(struct quic_recovery *rec)
{
	quic_pacer_set_rate(&rec->pacer, quic_recovery_pace(rec),
			    rec->cc.max_datagram_size);
}

static void quic_recovery_init_path(struct quic_recovery *rec,
				    const struct quic_recovery_params *params)
{
	quic_rtt_init(&rec->rtt, params->initial_rtt_us);
	quic_cc_init(&rec->cc, params->cc, params->max_datagram_size);
	quic_ecn_init(&rec->ecn);
	quic_reorder_init(&rec->reorder);
	quic_pacer_init(&rec->pacer, quic_recovery_pace(rec),
			params->timer_granularity_ns,
			params->max_datagram_size);
}

/**
 * quic_recovery_init - begin a connection
 * @rec:    recovery
 * @params: what it starts with
 * @now:    current time
 *
 * RFC 9002, A.4. Context: connection lock held, or nobody else knows the
 * connection yet.
 */
void quic_recovery_init(struct quic_recovery *rec,
			const struct quic_recovery_params *params, ktime_t now)
{
	memset(rec, 0, sizeof(*rec));
	rec->is_server = params->is_server;
	rec->peer_validated = params->is_server;
	rec->last_event = now;
	rec->max_rate = QUIC_PACE_UNLIMITED;
	quic_recovery_init_path(rec, params);
}

/**
 * quic_recovery_new_path - the connection has moved to another path
 * @rec:    recovery
 * @params: what to start with there
 * @now:    current time
 *
 * RTT, congestion state, ECN and pacing begin anew (RFC 9000, 9.4). Packets of
 * the old path stay in the ledger: they are acknowledged or lost as ever, but
 * do not count here.
 *
 * Context: connection lock held.
 */
void quic_recovery_new_path(struct quic_recovery *rec,
			    const struct quic_recovery_params *params,
			    ktime_t now)
{
	rec->path_gen++;
	rec->pto_count = 0;
	rec->last_event = now;
	quic_recovery_init_path(rec, params);
}

/**
 * quic_recovery_save - keep what is known of the path in use
 * @rec:   recovery
 * @saved: where; in place of what is there. Stays NULL without memory
 *
 * Few connections ever leave a path, so it is no part of all of them.
 *
 * Context: connection lock held.
 */
void quic_recovery_save(const struct quic_recovery *rec,
			struct quic_recovery_saved **saved)
{
	if (!*saved)
		*saved = kmalloc_obj(**saved, GFP_ATOMIC);
	if (!*saved)
		return;
	**saved = (struct quic_recovery_saved) {
		.rtt	 = rec->rtt,
		.cc	 = rec->cc,
		.reorder = rec->reorder,
	};
}

/**
 * quic_recovery_restore - the connection is back on a path
 * @rec:   recovery
 * @saved: what was known of the path; freed, and NULL afterwards
 * @now:   current time
 *
 * What was sent on it before counts as that of any other path: nobody has kept
 * account of it meanwhile.
 *
 * Context: connection lock held.
 */
void quic_recovery_restore(struct quic_recovery *rec,
			   struct quic_recovery_saved **saved, ktime_t now)
{
	rec->path_gen++;
	rec->pto_count = 0;
	rec->last_event = now;
	rec->rtt = (*saved)->rtt;
	rec->cc = (*saved)->cc;
	rec->cc.bytes_in_flight = 0;
	rec->cc.undo.valid = false;
	rec->reorder = (*saved)->reorder;
	quic_ecn_init(&rec->ecn);
	quic_recovery_update_pace(rec);
	kfree(*saved);
	*saved = NULL;
}

/**
 * quic_recovery_set_cc - change the congestion controller
 * @rec: recovery
 * @ops: controller
 *
 * Windows stay; what the old controller knew privately is lost.
 *
 * Context: connection lock held.
 */
void quic_recovery_set_cc(struct quic_recovery *rec,
			  const struct quic_cc_ops *ops)
{
	rec->cc.ops = ops;
	rec->cc.undo.valid = false;
	ops->init(&rec->cc);
	quic_recovery_update_pace(rec);
}

/**
 * quic_recovery_set_initial_rtt - change the guess of the round-trip time
 * @rec:        recovery
 * @initial_us: the guess
 *
 * Without effect once there is a sample.
 *
 * Context: connection lock held.
 */
void quic_recovery_set_initial_rtt(struct quic_recovery *rec, u32 initial_us)
{
	if (rec->rtt.has_sample)
		return;
	quic_rtt_init(&rec->rtt, initial_us);
	quic_recovery_update_pace(rec);
}

/**
 * quic_recovery_set_max_rate - bound the pace
 * @rec:  recovery
 * @rate: bytes per second, QUIC_PACE_UNLIMITED for none (SO_MAX_PACING_RATE)
 *
 * Context: connection lock held.
 */
void quic_recovery_set_max_rate(struct quic_recovery *rec, u64 rate)
{
	if (rec->max_rate == rate)
		return;
	rec->max_rate = rate;
	quic_recovery_update_pace(rec);
}

/**
 * quic_recovery_set_mtu - the size of full packets has changed
 * @rec:               recovery
 * @max_datagram_size: new UDP payload size
 *
 * A connection that has not begun is told by quic_recovery_init().
 *
 * Context: connection lock held.
 */
void quic_recovery_set_mtu(struct quic_recovery *rec, u32 max_datagram_size)
{
	if (!rec->cc.ops)
		return;
	quic_cc_set_mtu(&rec->cc, max_datagram_size);
	quic_recovery_update_pace(rec);
}

/**
 * quic_recovery_confirm - the handshake is confirmed
 * @rec: recovery
 *
 * From now on PTO covers the Application Data space, and the peer is held to
 * its max_ack_delay (RFC 9002, 5.3 and 6.2.1).
 *
 * Context: connection lock held.
 */
void quic_recovery_confirm(struct quic_recovery *rec)
{
	rec->handshake_confirmed = true;
	rec->peer_validated = true;
}

/**
 * quic_recovery_window - what the congestion window leaves room for
 * @rec: recovery
 *
 * Context: connection lock held.
 * Return: bytes; 0 too when the ledger is full.
 */
u64 quic_recovery_window(const struct quic_recovery *rec)
{
	const struct quic_cc *cc = &rec->cc;

	if (rec->nr_sent >= QUIC_LEDGER_MAX || cc->bytes_in_flight >= cc->cwnd)
		return 0;
	return cc->cwnd - cc->bytes_in_flight;
}

/**
 * quic_recovery_can_send - tell whether a packet may be added to the flight
 * @rec:   recovery
 * @bytes: its size
 *
 * RFC 9002, 7. Probes and packets that only acknowledge need not ask.
 *
 * Context: connection lock held.
 * Return: true if so.
 */
bool quic_recovery_can_send(const struct quic_recovery *rec, u32 bytes)
{
	return bytes <= quic_recovery_window(rec);
}

/**
 * quic_recovery_pto_us - the unit that other time limits are measured in
 * @rec: recovery
 *
 * RFC 9002, 6.2.1, for the Application Data space and without backoff.
 *
 * Context: connection lock held.
 * Return: microseconds.
 */
u64 quic_recovery_pto_us(const struct quic_recovery *rec)
{
	return (u64)quic_rtt_pto_us(&rec->rtt) + rec->max_ack_delay_us;
}
