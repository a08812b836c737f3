// SPDX-License-Identifier: GPL-2.0-only
#include <linux/array_size.h>
#include <linux/bits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <uapi/linux/quic.h>

#include "cc.h"

/* Far above what any path needs; keeps products of windows in 64 bits. */
#define QUIC_CC_MAX_CWND	BIT_ULL(32)

static const struct quic_cc_ops * const quic_cc_table[QUIC_CONG_ALG_MAX] = {
	[QUIC_CONG_ALG_RENO]	= &quic_cc_newreno,
	[QUIC_CONG_ALG_CUBIC]	= &quic_cc_cubic,
};

/* Those that an administrator can choose from. BBR has no number: the published
 * interface knows two.
 */
static const struct quic_cc_ops * const quic_cc_all[] = {
	&quic_cc_newreno, &quic_cc_cubic, &quic_cc_bbr,
};

/**
 * quic_cc_find - controller of a number
 * @alg: QUIC_CONG_ALG_*
 *
 * Context: any.
 * Return: the controller or NULL.
 */
const struct quic_cc_ops *quic_cc_find(u8 alg)
{
	return alg < ARRAY_SIZE(quic_cc_table) ? quic_cc_table[alg] : NULL;
}

/**
 * quic_cc_find_name - controller of a name
 * @name: as in statistics
 *
 * Context: any.
 * Return: the controller or NULL.
 */
const struct quic_cc_ops *quic_cc_find_name(const char *name)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(quic_cc_all); i++)
		if (!strcmp(quic_cc_all[i]->name, name))
			return quic_cc_all[i];
	return NULL;
}

/* kInitialWindow (RFC 9002, 7.2) */
static u64 quic_cc_initial_cwnd(u32 max_datagram_size)
{
	u64 floor = (u64)QUIC_CC_MIN_PACKETS * max_datagram_size;

	return min((u64)QUIC_CC_INITIAL_PACKETS * max_datagram_size,
		   max_t(u64, QUIC_CC_INITIAL_BYTES, floor));
}

/**
 * quic_cc_init - begin a path
 * @cc:                congestion state
 * @ops:               controller
 * @max_datagram_size: UDP payload size
 *
 * RFC 9002, B.3. Context: connection lock held.
 */
void quic_cc_init(struct quic_cc *cc, const struct quic_cc_ops *ops,
		  u32 max_datagram_size)
{
	*cc = (struct quic_cc) {
		.ops = ops,
		.cwnd = quic_cc_initial_cwnd(max_datagram_size),
		.ssthresh = U64_MAX,
		.max_datagram_size = max_datagram_size,
		.initial_cwnd = quic_cc_initial_cwnd(max_datagram_size),
		.recovery_start = KTIME_MIN,
		.last_sent = KTIME_MIN,
		.round_start = KTIME_MIN,
	};
	ops->init(cc);
}

/**
 * quic_cc_set_mtu - the size of full packets has changed
 * @cc:                congestion state
 * @max_datagram_size: new UDP payload size
 *
 * RFC 9002, 7.2: the initial window follows while it is still in force; later
 * only the minimum does.
 *
 * Context: connection lock held.
 */
void quic_cc_set_mtu(struct quic_cc *cc, u32 max_datagram_size)
{
	bool initial = cc->cwnd == cc->initial_cwnd && cc->ssthresh == U64_MAX;

	cc->max_datagram_size = max_datagram_size;
	cc->initial_cwnd = quic_cc_initial_cwnd(max_datagram_size);
	if (initial)
		cc->cwnd = cc->initial_cwnd;
	cc->cwnd = max(cc->cwnd, quic_cc_min_cwnd(cc));
}

/* RFC 9002, 7.8: a window that was not in use for some time says little about
 * the path. It halves with every PTO of silence until it is the initial one;
 * ssthresh remembers most of it (as RFC 7661 and TCP do).
 */
static void quic_cc_idle_restart(struct quic_cc *cc, u32 pto_us, ktime_t now)
{
	s64 idle_us = ktime_us_delta(now, cc->last_sent);
	u64 floor = min(cc->cwnd, cc->initial_cwnd);

	if (idle_us <= pto_us)
		return;
	cc->undo.valid = false;
	if (cc->ssthresh != U64_MAX)
		cc->ssthresh = max(cc->ssthresh, cc->cwnd / 4 * 3);
	for (; idle_us > pto_us && cc->cwnd > floor; idle_us -= pto_us)
		cc->cwnd /= 2;
	cc->cwnd = max(cc->cwnd, floor);
	if (cc->ops->on_idle)
		cc->ops->on_idle(cc);
}

/**
 * quic_cc_on_sent - a packet has left that counts in flight
 * @cc:     congestion state
 * @bytes:  its size
 * @pto_us: present PTO without backoff
 * @now:    current time
 *
 * RFC 9002, B.4 (OnPacketSentCC). Context: connection lock held.
 */
void quic_cc_on_sent(struct quic_cc *cc, u32 bytes, u32 pto_us, ktime_t now)
{
	if (!cc->bytes_in_flight && cc->last_sent != KTIME_MIN) {
		if (cc->ops->on_restart)
			cc->ops->on_restart(cc, now);
		else
			quic_cc_idle_restart(cc, pto_us, now);
	}

	cc->last_sent = now;
	cc->bytes_in_flight += bytes;
	cc->round_max[0] = max(cc->round_max[0], cc->bytes_in_flight);
	if (cc->bytes_in_flight + cc->max_datagram_size > cc->cwnd)
		cc->round_full[0] = true;
}

/* RFC 9002, 7.8: a window that is not used must not grow. In slow start half of
 * it is enough use, because the pacer need not have let more go yet.
 */
static bool quic_cc_limited(const struct quic_cc *cc)
{
	if (quic_cc_in_slow_start(cc) &&
	    cc->cwnd < 2 * max(cc->round_max[0], cc->round_max[1]))
		return true;
	return cc->round_full[0] || cc->round_full[1];
}

/**
 * quic_cc_on_ack - an ACK frame has newly acknowledged packets of this path
 * @cc:  congestion state; the packets are taken out of bytes_in_flight already
 * @ack: what it acknowledged; cwnd_limited is filled in here
 * @now: current time
 *
 * RFC 9002, B.5 (OnPacketsAcked). Context: connection lock held.
 */
void quic_cc_on_ack(struct quic_cc *cc, struct quic_cc_ack *ack, ktime_t now)
{
	ack->cwnd_limited = quic_cc_limited(cc);
	if (ack->time_sent >= cc->round_start) {
		cc->round_start = now;
		cc->round_max[1] = cc->round_max[0];
		cc->round_max[0] = cc->bytes_in_flight;
		cc->round_full[1] = cc->round_full[0];
		cc->round_full[0] = false;
	}

	cc->ops->on_ack(cc, ack, now);
	cc->cwnd = min(cc->cwnd, QUIC_CC_MAX_CWND);
}

/**
 * quic_cc_on_lost - a packet was lost that tells of congestion
 * @cc:   congestion state; the packet is taken out of bytes_in_flight already
 * @lost: the packet
 * @now:  current time
 *
 * Context: connection lock held; quic_cc_on_event() follows once for all that
 * were lost at once.
 */
void quic_cc_on_lost(struct quic_cc *cc, const struct quic_cc_lost *lost,
		     ktime_t now)
{
	if (cc->ops->on_lost)
		cc->ops->on_lost(cc, lost, now);
}

/**
 * quic_cc_on_event - a packet was lost, or marked CE on its way
 * @cc:        congestion state
 * @time_sent: when that packet was sent
 * @now:       current time
 *
 * RFC 9002, B.6 (OnCongestionEvent): one reduction a round trip.
 *
 * Context: connection lock held.
 * Return: true if a recovery period begins.
 */
bool quic_cc_on_event(struct quic_cc *cc, ktime_t time_sent, ktime_t now)
{
	struct quic_cc_undo *undo = &cc->undo;

	if (quic_cc_in_recovery(cc, time_sent))
		return false;
	undo->valid = true;
	undo->cwnd = cc->cwnd;
	undo->ssthresh = cc->ssthresh;
	memcpy(undo->priv, cc->priv, sizeof(undo->priv));

	cc->recovery_start = now;
	cc->ops->on_event(cc, now);
	return true;
}

/**
 * quic_cc_on_ce - a packet was marked CE on its way
 * @cc:        congestion state
 * @time_sent: when it was sent
 * @now:       current time
 *
 * RFC 9002, 7.1: as a loss, once a round trip, but there is nothing that could
 * turn out to be wrong.
 *
 * Context: connection lock held.
 */
void quic_cc_on_ce(struct quic_cc *cc, ktime_t time_sent, ktime_t now)
{
	bool begins = quic_cc_on_event(cc, time_sent, now);

	cc->undo.valid = false;
	if (begins && cc->ops->on_ce)
		cc->ops->on_ce(cc, now);
}

/**
 * quic_cc_undo - there was no reason for the last reduction
 * @cc:  congestion state
 * @now: current time
 *
 * All packets that were taken for lost have turned up (RFC 9438, 4.9.2; RFC
 * 4015 for TCP). What has grown meanwhile stays.
 *
 * Context: connection lock held.
 */
void quic_cc_undo(struct quic_cc *cc, ktime_t now)
{
	struct quic_cc_undo *undo = &cc->undo;

	if (!undo->valid)
		return;
	undo->valid = false;
	cc->recovery_start = KTIME_MIN;
	if (cc->ops->on_undo) {
		cc->ops->on_undo(cc, now);
		return;
	}
	cc->cwnd = max(cc->cwnd, undo->cwnd);
	cc->ssthresh = undo->ssthresh;
	memcpy(cc->priv, undo->priv, sizeof(undo->priv));
}

/**
 * quic_cc_on_persistent - persistent congestion was established
 * @cc:  congestion state
 * @now: current time
 *
 * RFC 9002, 7.6.2 and B.8. Context: connection lock held.
 */
void quic_cc_on_persistent(struct quic_cc *cc, ktime_t now)
{
	cc->undo.valid = false;
	cc->cwnd = quic_cc_min_cwnd(cc);
	cc->recovery_start = KTIME_MIN;
	cc->ops->on_persistent(cc, now);
}

/**
 * quic_cc_remove - a packet is no longer in flight
 * @cc:    congestion state
 * @bytes: its size
 *
 * Context: connection lock held.
 */
void quic_cc_remove(struct quic_cc *cc, u32 bytes)
{
	if (WARN_ON_ONCE(bytes > cc->bytes_in_flight))
		bytes = cc->bytes_in_flight;
	cc->bytes_in_flight -= bytes;
}

/**
 * quic_cc_in_slow_start - tell whether the window is still looking for its size
 * @cc: congestion state
 *
 * Context: connection lock held.
 * Return: true if so.
 */
bool quic_cc_in_slow_start(const struct quic_cc *cc)
{
	return cc->cwnd < cc->ssthresh;
}

/**
 * quic_cc_pacing_rate - how fast the window may be spent
 * @cc:  congestion state
 * @rtt: estimate of the path
 *
 * RFC 9002, 7.7: N * congestion_window / smoothed_rtt. N is 5/4, so that pacing
 * alone never keeps the window unused, and 2 while the window doubles.
 *
 * Context: connection lock held.
 * Return: bytes per second.
 */
u64 quic_cc_pacing_rate(const struct quic_cc *cc, const struct quic_rtt *rtt)
{
	u64 gain = quic_cc_in_slow_start(cc) ? 8 : 5;

	if (cc->ops->pacing_rate)
		return cc->ops->pacing_rate(cc, rtt);
	return mul_u64_u64_div_u64(gain * cc->cwnd, USEC_PER_SEC,
				   4ULL * max_t(u32, rtt->smoothed_us, 1));
}
