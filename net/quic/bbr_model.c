// SPDX-License-Identifier: GPL-2.0-only
#include <linux/time64.h>

#include "bbr.h"

/**
 * quic_bbr_bdp - what the path itself holds
 * @cc:      congestion state
 * @bbr:     its private part
 * @bw:      bytes per second
 * @percent: of the bandwidth-delay product
 *
 * BDPMultiple. Context: connection lock held.
 * Return: bytes.
 */
u64 quic_bbr_bdp(const struct quic_cc *cc, const struct quic_bbr *bbr, u64 bw,
		 u32 percent)
{
	if (bbr->min_rtt_us == QUIC_BBR_NO_RTT)
		return cc->initial_cwnd;
	return quic_bbr_percent(mul_u64_u64_div_u64(bw, bbr->min_rtt_us,
						    USEC_PER_SEC), percent);
}

/* SetSendQuantum: the pacer lets about so much go at once. */
static u64 quic_bbr_quantum(const struct quic_cc *cc,
			    const struct quic_bbr *bbr)
{
	return max_t(u64, min_t(u64, div_u64(bbr->pacing_rate, MSEC_PER_SEC),
				QUIC_BBR_QUANTUM_MAX),
		     2 * cc->max_datagram_size);
}

/**
 * quic_bbr_budget - what has to be in flight, so that batches do no harm
 * @cc:       congestion state
 * @bbr:      its private part
 * @inflight: bytes that would do without batches
 *
 * QuantizationBudget. Context: connection lock held.
 * Return: bytes.
 */
u64 quic_bbr_budget(const struct quic_cc *cc, const struct quic_bbr *bbr,
		    u64 inflight)
{
	inflight = max3(inflight, quic_bbr_quantum(cc, bbr),
			quic_bbr_min_pipe(cc));
	if (bbr->state == QUIC_BBR_UP)
		inflight += 2 * cc->max_datagram_size;
	return inflight;
}

/**
 * quic_bbr_inflight - what fills the path and makes no queue
 * @cc:  congestion state
 * @bbr: its private part
 * @bw:  bytes per second
 *
 * Inflight(1.0). Context: connection lock held.
 * Return: bytes.
 */
u64 quic_bbr_inflight(const struct quic_cc *cc, const struct quic_bbr *bbr,
		      u64 bw)
{
	return quic_bbr_budget(cc, bbr, quic_bbr_bdp(cc, bbr, bw, 100));
}

/**
 * quic_bbr_target - what is wanted in flight
 * @cc:  congestion state
 * @bbr: its private part
 *
 * TargetInflight. Context: connection lock held.
 * Return: bytes.
 */
u64 quic_bbr_target(const struct quic_cc *cc, const struct quic_bbr *bbr)
{
	return min(quic_bbr_bdp(cc, bbr, bbr->bw, 100), cc->cwnd);
}

/**
 * quic_bbr_with_headroom - leave room in the path for others
 * @cc:  congestion state
 * @bbr: its private part
 *
 * InflightWithHeadroom. Context: connection lock held.
 * Return: bytes, QUIC_BBR_INF if no limit is known.
 */
u64 quic_bbr_with_headroom(const struct quic_cc *cc,
			   const struct quic_bbr *bbr)
{
	u64 inflight = bbr->inflight_longterm, headroom;

	if (inflight == QUIC_BBR_INF)
		return QUIC_BBR_INF;
	headroom = max_t(u64, cc->max_datagram_size,
			 quic_bbr_percent(inflight, QUIC_BBR_HEADROOM));
	return max(inflight - min(headroom, inflight), quic_bbr_min_pipe(cc));
}

/**
 * quic_bbr_reset_shortterm - forget recent losses
 * @bbr: private part
 *
 * ResetShortTermModel. Context: connection lock held.
 */
void quic_bbr_reset_shortterm(struct quic_bbr *bbr)
{
	bbr->bw_shortterm = QUIC_BBR_INF;
	bbr->inflight_shortterm = QUIC_BBR_INF;
}

/**
 * quic_bbr_reset_signals - begin to look at another phase
 * @bbr: private part
 *
 * ResetCongestionSignals. Context: connection lock held.
 */
void quic_bbr_reset_signals(struct quic_bbr *bbr)
{
	bbr->loss_in_round = false;
	bbr->lost_ranges = 0;
	bbr->bw_latest = 0;
	bbr->inflight_latest = 0;
}

/**
 * quic_bbr_update_latest - what this round trip has delivered at most
 * @cc:  congestion state
 * @bbr: its private part
 * @rs:  the sample of this ACK frame
 *
 * UpdateLatestDeliverySignals. Context: connection lock held.
 */
void quic_bbr_update_latest(const struct quic_cc *cc, struct quic_bbr *bbr,
			    const struct quic_rate_sample *rs)
{
	bbr->loss_round_start = false;
	bbr->bw_latest = max(bbr->bw_latest, rs->rate);
	bbr->inflight_latest = max(bbr->inflight_latest, rs->delivered);
	if (rs->prior_delivered < bbr->loss_round)
		return;
	bbr->loss_round = cc->rate.delivered;
	bbr->loss_round_start = true;
}

/* UpdateRound */
static void quic_bbr_update_round(const struct quic_cc *cc,
				  struct quic_bbr *bbr,
				  const struct quic_rate_sample *rs)
{
	bbr->round_start = rs->prior_delivered >= bbr->next_round;
	if (!bbr->round_start)
		return;
	quic_bbr_start_round(cc, bbr);
	bbr->round_count++;
	bbr->rounds_since_up++;
}

/* UpdateMaxBw */
static void quic_bbr_update_max_bw(struct quic_bbr *bbr,
				   const struct quic_rate_sample *rs)
{
	if (rs->rate >= quic_bbr_max_bw(bbr) || !rs->app_limited)
		bbr->max_bw[0] = max(bbr->max_bw[0], rs->rate);
}

/**
 * quic_bbr_advance_max_bw - another probing cycle begins
 * @bbr: private part
 *
 * AdvanceMaxBwFilter, but a cycle without any sample is none. Context:
 * connection lock held.
 */
void quic_bbr_advance_max_bw(struct quic_bbr *bbr)
{
	if (!bbr->max_bw[0])
		return;
	bbr->max_bw[1] = bbr->max_bw[0];
	bbr->max_bw[0] = 0;
}

/* InitLowerBounds, LossLowerBounds */
static void quic_bbr_lower_bounds(const struct quic_cc *cc,
				  struct quic_bbr *bbr)
{
	if (bbr->bw_shortterm == QUIC_BBR_INF)
		bbr->bw_shortterm = quic_bbr_max_bw(bbr);
	if (bbr->inflight_shortterm == QUIC_BBR_INF)
		bbr->inflight_shortterm = cc->cwnd;
	bbr->bw_shortterm = max(bbr->bw_latest,
				quic_bbr_percent(bbr->bw_shortterm,
						 QUIC_BBR_BETA));
	bbr->inflight_shortterm = max(bbr->inflight_latest,
				      quic_bbr_percent(bbr->inflight_shortterm,
						       QUIC_BBR_BETA));
}

/* IsProbingBW */
static bool quic_bbr_probes_bw(const struct quic_bbr *bbr)
{
	return bbr->state == QUIC_BBR_STARTUP ||
	       bbr->state == QUIC_BBR_REFILL || bbr->state == QUIC_BBR_UP;
}

/**
 * quic_bbr_update_signals - bandwidth, and at the end of a round trip its losses
 * @cc:  congestion state
 * @bbr: its private part
 * @rs:  the sample of this ACK frame
 *
 * UpdateCongestionSignals. Context: connection lock held.
 */
void quic_bbr_update_signals(const struct quic_cc *cc, struct quic_bbr *bbr,
			     const struct quic_rate_sample *rs)
{
	quic_bbr_update_round(cc, bbr, rs);
	quic_bbr_update_max_bw(bbr, rs);
	if (!bbr->loss_round_start)
		return;
	if (bbr->loss_in_round && !quic_bbr_probes_bw(bbr))
		quic_bbr_lower_bounds(cc, bbr);
	/* CheckStartupHighLoss; that recovery has lasted for a round trip is
	 * what the end of this round means.
	 */
	bbr->startup_lossy = bbr->loss_in_round &&
			     bbr->lost_ranges >= QUIC_BBR_STARTUP_LOSSES &&
			     quic_bbr_too_high(rs);
	bbr->loss_in_round = false;
	bbr->lost_ranges = 0;
}

/**
 * quic_bbr_update_extra - how much is acknowledged at once
 * @cc:    congestion state
 * @bbr:   its private part
 * @acked: bytes that this ACK frame acknowledges
 * @now:   current time
 *
 * UpdateACKAggregation. Context: connection lock held.
 */
void quic_bbr_update_extra(const struct quic_cc *cc, struct quic_bbr *bbr,
			   u64 acked, ktime_t now)
{
	u32 rounds = bbr->full_bw_reached ? QUIC_BBR_EXTRA_ACKED_ROUNDS : 1;
	u64 us = max_t(s64, ktime_us_delta(now, bbr->extra_start), 0);
	u64 expected = mul_u64_u64_div_u64(bbr->bw, us, USEC_PER_SEC);

	if (bbr->extra_delivered <= expected) {
		bbr->extra_delivered = 0;
		bbr->extra_start = now;
		expected = 0;
	}
	bbr->extra_delivered += acked;
	minmax_running_max(&bbr->extra_acked, rounds, bbr->round_count,
			   min3(bbr->extra_delivered - expected, cc->cwnd,
				(u64)U32_MAX));
}

/**
 * quic_bbr_update_min_rtt - shortest round trip of late
 * @bbr: private part
 * @ack: the ACK frame
 * @now: current time
 *
 * UpdateMinRTT. Context: connection lock held.
 */
void quic_bbr_update_min_rtt(struct quic_bbr *bbr,
			     const struct quic_cc_ack *ack, ktime_t now)
{
	bbr->probe_rtt_expired = ktime_us_delta(now, bbr->probe_rtt_stamp) >
				 QUIC_BBR_PROBE_RTT_INTERVAL_US;
	if (ack->rtt_sampled &&
	    (ack->rtt->latest_us < bbr->probe_rtt_min_us ||
	     bbr->probe_rtt_expired)) {
		bbr->probe_rtt_min_us = max_t(u32, ack->rtt->latest_us, 1);
		bbr->probe_rtt_stamp = now;
	}
	if (bbr->probe_rtt_min_us < bbr->min_rtt_us ||
	    ktime_us_delta(now, bbr->min_rtt_stamp) > QUIC_BBR_MIN_RTT_US) {
		bbr->min_rtt_us = bbr->probe_rtt_min_us;
		bbr->min_rtt_stamp = bbr->probe_rtt_stamp;
	}
}
