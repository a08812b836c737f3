// SPDX-License-Identifier: GPL-2.0-only
#include <linux/build_bug.h>
#include <linux/hash.h>
#include <linux/jhash.h>
#include <linux/time64.h>

#include "bbr.h"

/* "Summary of Control Behavior in the State Machine", in percent */
static const struct quic_bbr_gains {
	u16 pacing;
	u16 cwnd;
} quic_bbr_gains[] = {
	[QUIC_BBR_STARTUP]	= { 277, 200 },
	[QUIC_BBR_DRAIN]	= {  50, 200 },
	[QUIC_BBR_DOWN]		= {  90, 200 },
	[QUIC_BBR_CRUISE]	= { 100, 200 },
	[QUIC_BBR_REFILL]	= { 100, 200 },
	[QUIC_BBR_UP]		= { 125, 225 },
	[QUIC_BBR_PROBE_RTT]	= { 100,  50 },
};

static void quic_bbr_reset_full_bw(struct quic_bbr *bbr, u64 full_bw)
{
	bbr->full_bw = full_bw;
	bbr->full_bw_count = 0;
	bbr->full_bw_now = false;
}

static void quic_bbr_save_cwnd(const struct quic_cc *cc, struct quic_bbr *bbr)
{
	if (!bbr->in_recovery && bbr->state != QUIC_BBR_PROBE_RTT)
		bbr->prior_cwnd = cc->cwnd;
	else
		bbr->prior_cwnd = max(bbr->prior_cwnd, cc->cwnd);
}

static void quic_bbr_restore_cwnd(struct quic_cc *cc,
				  const struct quic_bbr *bbr)
{
	cc->cwnd = max(cc->cwnd, bbr->prior_cwnd);
}

/* States */

/* Everybody else tells the search for the window's size by ssthresh. */
static void quic_bbr_set_full(struct quic_cc *cc, struct quic_bbr *bbr,
			      bool reached)
{
	bbr->full_bw_reached = reached;
	cc->ssthresh = reached ? 0 : U64_MAX;
}

static void quic_bbr_enter_startup(struct quic_bbr *bbr)
{
	bbr->state = QUIC_BBR_STARTUP;
}

static void quic_bbr_enter_drain(struct quic_bbr *bbr)
{
	bbr->state = QUIC_BBR_DRAIN;
	bbr->drain_round = bbr->round_count;
}

/* Flows that share a path need to be unlike, not unpredictable. */
static u32 quic_bbr_random(const struct quic_cc *cc, ktime_t now, u32 salt,
			   u32 below)
{
	u64 seed = (u64)now ^ hash_64(cc->rate.delivered, 64);

	return reciprocal_scale(jhash_3words(seed, seed >> 32, salt, 0), below);
}

/* PickProbeWait */
static void quic_bbr_pick_wait(const struct quic_cc *cc, struct quic_bbr *bbr,
			       ktime_t now)
{
	bbr->rounds_since_up = quic_bbr_random(cc, now, 0, 2);
	bbr->probe_wait_us = QUIC_BBR_PROBE_WAIT_US +
			     quic_bbr_random(cc, now, 1, USEC_PER_SEC);
}

static void quic_bbr_start_down(struct quic_cc *cc, struct quic_bbr *bbr,
				ktime_t now)
{
	quic_bbr_reset_signals(bbr);
	bbr->probe_up_per_inc = QUIC_BBR_INF;
	quic_bbr_pick_wait(cc, bbr, now);
	bbr->cycle_start = now;
	bbr->ack_phase = QUIC_BBR_ACKS_STOPPING;
	quic_bbr_start_round(cc, bbr);
	bbr->state = QUIC_BBR_DOWN;
}

static void quic_bbr_start_refill(struct quic_cc *cc, struct quic_bbr *bbr)
{
	quic_bbr_reset_shortterm(bbr);
	bbr->probe_up_rounds = 0;
	bbr->probe_up_acked = 0;
	bbr->probe_cautious = false;
	bbr->ack_phase = QUIC_BBR_ACKS_REFILLING;
	quic_bbr_start_round(cc, bbr);
	bbr->state = QUIC_BBR_REFILL;
}

/* RaiseInflightLongtermSlope */
static void quic_bbr_raise_slope(const struct quic_cc *cc, struct quic_bbr *bbr)
{
	bbr->probe_up_per_inc = max_t(u64, cc->cwnd >> bbr->probe_up_rounds,
				      cc->max_datagram_size);
	bbr->probe_up_rounds = min(bbr->probe_up_rounds + 1,
				   QUIC_BBR_PROBE_UP_ROUNDS_MAX);
}

static void quic_bbr_start_up(struct quic_cc *cc, struct quic_bbr *bbr,
			      const struct quic_rate_sample *rs)
{
	bbr->ack_phase = QUIC_BBR_ACKS_STARTING;
	quic_bbr_start_round(cc, bbr);
	quic_bbr_reset_full_bw(bbr, rs->rate);
	bbr->state = QUIC_BBR_UP;
	quic_bbr_raise_slope(cc, bbr);
}

/* CheckFullBWReached */
static void quic_bbr_check_full_bw(struct quic_cc *cc, struct quic_bbr *bbr,
				   const struct quic_rate_sample *rs)
{
	if (bbr->full_bw_now || !bbr->round_start || rs->app_limited)
		return;
	if (rs->rate >= quic_bbr_percent(bbr->full_bw,
					 QUIC_BBR_FULL_BW_GROWTH)) {
		quic_bbr_reset_full_bw(bbr, rs->rate);
		return;
	}
	if (++bbr->full_bw_count < QUIC_BBR_FULL_BW_ROUNDS)
		return;
	bbr->full_bw_now = true;
	quic_bbr_set_full(cc, bbr, true);
}

/* CheckStartupDone, CheckStartupHighLoss */
static void quic_bbr_check_startup(struct quic_cc *cc, struct quic_bbr *bbr)
{
	if (bbr->state != QUIC_BBR_STARTUP)
		return;
	if (bbr->startup_lossy && !bbr->full_bw_reached) {
		bbr->undo_state = QUIC_BBR_STARTUP;
		quic_bbr_set_full(cc, bbr, true);
		bbr->inflight_longterm =
			max(quic_bbr_bdp(cc, bbr, quic_bbr_max_bw(bbr), 100),
			    bbr->inflight_latest);
	}
	if (bbr->full_bw_reached)
		quic_bbr_enter_drain(bbr);
}

/* CheckDrainDone */
static void quic_bbr_check_drain(struct quic_cc *cc, struct quic_bbr *bbr,
				 ktime_t now)
{
	if (bbr->state != QUIC_BBR_DRAIN)
		return;
	if (cc->bytes_in_flight <= quic_bbr_inflight(cc, bbr, bbr->bw) ||
	    bbr->round_count > bbr->drain_round + QUIC_BBR_DRAIN_ROUNDS)
		quic_bbr_start_down(cc, bbr, now);
}

/* The cycle of ProbeBW */

/* ProbeInflightLongtermUpward */
static void quic_bbr_probe_upward(struct quic_cc *cc, struct quic_bbr *bbr,
				  const struct quic_cc_ack *ack)
{
	u64 pkts;

	if (!ack->cwnd_limited || cc->cwnd < bbr->inflight_longterm)
		return;
	bbr->probe_up_acked += ack->bytes;
	if (bbr->probe_up_acked >= bbr->probe_up_per_inc) {
		pkts = div64_u64_rem(bbr->probe_up_acked, bbr->probe_up_per_inc,
				     &bbr->probe_up_acked);
		bbr->inflight_longterm += pkts * cc->max_datagram_size;
	}
	if (bbr->round_start)
		quic_bbr_raise_slope(cc, bbr);
}

/* AdaptLongTermModel, the part about ACK phases. Returns whether that has
 * decided about the state.
 */
static bool quic_bbr_advance_acks(struct quic_cc *cc, struct quic_bbr *bbr,
				  const struct quic_rate_sample *rs)
{
	if (!bbr->round_start)
		return false;
	if (bbr->ack_phase == QUIC_BBR_ACKS_STARTING) {
		bbr->ack_phase = QUIC_BBR_ACKS_FEEDBACK;
		return false;
	}
	if (bbr->ack_phase != QUIC_BBR_ACKS_STOPPING)
		return false;

	bbr->probe_sample = false;
	bbr->ack_phase = QUIC_BBR_ACKS_INIT;
	if (!quic_bbr_in_probe_bw(bbr))
		return false;
	if (!rs->app_limited)
		quic_bbr_advance_max_bw(bbr);
	if (!bbr->probe_cautious || bbr->probe_too_high)
		return false;
	quic_bbr_start_refill(cc, bbr);
	return true;
}

/* AdaptLongTermModel */
static bool quic_bbr_adapt_longterm(struct quic_cc *cc, struct quic_bbr *bbr,
				    const struct quic_cc_ack *ack)
{
	const struct quic_rate_sample *rs = &ack->sample;

	if (quic_bbr_advance_acks(cc, bbr, rs))
		return true;
	if (quic_bbr_too_high(rs) || bbr->inflight_longterm == QUIC_BBR_INF)
		return false;
	bbr->inflight_longterm = max(bbr->inflight_longterm, rs->in_flight);
	if (bbr->state == QUIC_BBR_UP)
		quic_bbr_probe_upward(cc, bbr, ack);
	return false;
}

/* IsTimeToProbeBW, IsRenoCoexistenceProbeTime */
static bool quic_bbr_time_to_probe(const struct quic_cc *cc,
				   const struct quic_bbr *bbr, ktime_t now)
{
	u64 rounds = div_u64(quic_bbr_target(cc, bbr), cc->max_datagram_size);

	return ktime_us_delta(now, bbr->cycle_start) > bbr->probe_wait_us ||
	       bbr->rounds_since_up >= min(rounds, QUIC_BBR_RENO_ROUNDS);
}

/* IsTimeToCruise */
static bool quic_bbr_time_to_cruise(const struct quic_cc *cc,
				    const struct quic_bbr *bbr)
{
	return cc->bytes_in_flight <= quic_bbr_with_headroom(cc, bbr) &&
	       cc->bytes_in_flight <=
	       quic_bbr_inflight(cc, bbr, quic_bbr_max_bw(bbr));
}

/* IsTimeToGoDown */
static bool quic_bbr_time_to_go_down(const struct quic_cc *cc,
				     struct quic_bbr *bbr,
				     const struct quic_cc_ack *ack)
{
	if (bbr->probe_too_high &&
	    cc->bytes_in_flight >= bbr->inflight_longterm) {
		bbr->probe_cautious = true;
		return true;
	}
	if (ack->cwnd_limited && cc->cwnd >= bbr->inflight_longterm) {
		quic_bbr_reset_full_bw(bbr, ack->sample.rate);
		return false;
	}
	return bbr->full_bw_now;
}

/* UpdateProbeBWCyclePhase */
static void quic_bbr_update_cycle(struct quic_cc *cc, struct quic_bbr *bbr,
				  const struct quic_cc_ack *ack, ktime_t now)
{
	if (!bbr->full_bw_reached || quic_bbr_adapt_longterm(cc, bbr, ack))
		return;

	switch (bbr->state) {
	case QUIC_BBR_DOWN:
	case QUIC_BBR_CRUISE:
		if (quic_bbr_time_to_probe(cc, bbr, now))
			quic_bbr_start_refill(cc, bbr);
		else if (quic_bbr_time_to_cruise(cc, bbr))
			bbr->state = QUIC_BBR_CRUISE;
		break;
	case QUIC_BBR_REFILL:
		if (!bbr->round_start)
			break;
		bbr->probe_sample = true;
		quic_bbr_start_up(cc, bbr, &ack->sample);
		break;
	case QUIC_BBR_UP:
		if (!quic_bbr_time_to_go_down(cc, bbr, ack))
			break;
		bbr->probe_too_high = false;
		quic_bbr_start_down(cc, bbr, now);
		break;
	}
}

/* ProbeRTT */

static u64 quic_bbr_probe_rtt_cwnd(const struct quic_cc *cc,
				   const struct quic_bbr *bbr)
{
	u32 gain = quic_bbr_gains[QUIC_BBR_PROBE_RTT].cwnd;

	return max(quic_bbr_bdp(cc, bbr, bbr->bw, gain), quic_bbr_min_pipe(cc));
}

/* CheckProbeRTTDone, ExitProbeRTT */
static void quic_bbr_check_probe_rtt_done(struct quic_cc *cc,
					  struct quic_bbr *bbr, ktime_t now)
{
	if (!bbr->probe_rtt_done || now <= bbr->probe_rtt_done)
		return;
	bbr->probe_rtt_stamp = now;
	quic_bbr_restore_cwnd(cc, bbr);
	quic_bbr_reset_shortterm(bbr);
	if (!bbr->full_bw_reached) {
		quic_bbr_enter_startup(bbr);
		return;
	}
	quic_bbr_start_down(cc, bbr, now);
	bbr->state = QUIC_BBR_CRUISE;
}

/* HandleProbeRTT */
static void quic_bbr_handle_probe_rtt(struct quic_cc *cc, struct quic_bbr *bbr,
				      ktime_t now)
{
	/* Low rates are our own doing. */
	quic_rate_app_limited(&cc->rate, cc->bytes_in_flight);
	if (bbr->probe_rtt_done) {
		bbr->probe_rtt_round |= bbr->round_start;
		if (bbr->probe_rtt_round)
			quic_bbr_check_probe_rtt_done(cc, bbr, now);
	} else if (cc->bytes_in_flight <= quic_bbr_probe_rtt_cwnd(cc, bbr)) {
		bbr->probe_rtt_done = ktime_add_us(now, QUIC_BBR_PROBE_RTT_US);
		bbr->probe_rtt_round = false;
		quic_bbr_start_round(cc, bbr);
	}
}

/* CheckProbeRTT */
static void quic_bbr_check_probe_rtt(struct quic_cc *cc, struct quic_bbr *bbr,
				     ktime_t now)
{
	if (bbr->state != QUIC_BBR_PROBE_RTT && bbr->probe_rtt_expired &&
	    !bbr->idle_restart) {
		quic_bbr_save_cwnd(cc, bbr);
		bbr->state = QUIC_BBR_PROBE_RTT;
		bbr->probe_rtt_done = 0;
		bbr->ack_phase = QUIC_BBR_ACKS_STOPPING;
		quic_bbr_start_round(cc, bbr);
	}
	if (bbr->state == QUIC_BBR_PROBE_RTT)
		quic_bbr_handle_probe_rtt(cc, bbr, now);
	bbr->idle_restart = false;
}

/* What follows for pace and window */

/* SetPacingRateWithGain */
static void quic_bbr_set_pace(struct quic_bbr *bbr, u32 gain)
{
	u64 rate = quic_bbr_percent(quic_bbr_percent(bbr->bw, gain),
				    100 - QUIC_BBR_PACING_MARGIN);

	if (bbr->full_bw_reached || rate > bbr->pacing_rate)
		bbr->pacing_rate = rate;
}

/* BoundCwndForProbeRTT, BoundCwndForModel */
static u64 quic_bbr_cwnd_cap(const struct quic_cc *cc,
			     const struct quic_bbr *bbr)
{
	u64 cap = QUIC_BBR_INF;

	if (bbr->state == QUIC_BBR_PROBE_RTT)
		cap = min(quic_bbr_with_headroom(cc, bbr),
			  quic_bbr_probe_rtt_cwnd(cc, bbr));
	else if (bbr->state == QUIC_BBR_CRUISE)
		cap = quic_bbr_with_headroom(cc, bbr);
	else if (quic_bbr_in_probe_bw(bbr))
		cap = bbr->inflight_longterm;
	cap = min(cap, bbr->inflight_shortterm);
	return max(cap, quic_bbr_min_pipe(cc));
}

/* SetCwnd, UpdateMaxInflight */
static void quic_bbr_set_cwnd(struct quic_cc *cc, const struct quic_bbr *bbr,
			      u64 acked)
{
	u64 inflight = quic_bbr_bdp(cc, bbr, bbr->bw,
				    quic_bbr_gains[bbr->state].cwnd);

	inflight = quic_bbr_budget(cc, bbr,
				   inflight + minmax_get(&bbr->extra_acked));
	if (bbr->full_bw_reached)
		cc->cwnd = min(cc->cwnd + acked, inflight);
	else if (cc->cwnd < inflight || cc->rate.delivered < cc->initial_cwnd)
		cc->cwnd += acked;
	cc->cwnd = max(cc->cwnd, quic_bbr_min_pipe(cc));
	cc->cwnd = min(cc->cwnd, quic_bbr_cwnd_cap(cc, bbr));
}

/* Events */

static void quic_bbr_init(struct quic_cc *cc)
{
	struct quic_bbr *bbr = quic_cc_priv(cc);

	static_assert(sizeof(*bbr) <= QUIC_CC_PRIV_SIZE);
	*bbr = (struct quic_bbr) {
		.min_rtt_us = QUIC_BBR_NO_RTT,
		.probe_rtt_min_us = QUIC_BBR_NO_RTT,
		.min_rtt_stamp = KTIME_MIN,
		.inflight_longterm = QUIC_BBR_INF,
		.probe_up_per_inc = QUIC_BBR_INF,
		.undo_state = QUIC_BBR_NONE,
		.state = QUIC_BBR_STARTUP,
	};
	quic_bbr_reset_shortterm(bbr);
	quic_bbr_set_full(cc, bbr, false);
}

/* There is no time before the first acknowledgment. InitPacingRate. */
static void quic_bbr_begin(struct quic_cc *cc, struct quic_bbr *bbr,
			   const struct quic_rtt *rtt, ktime_t now)
{
	bbr->min_rtt_stamp = now;
	bbr->probe_rtt_stamp = now;
	bbr->extra_start = now;
	bbr->pacing_rate = quic_cc_pacing_rate(cc, rtt);
}

static void quic_bbr_on_ack(struct quic_cc *cc, const struct quic_cc_ack *ack,
			    ktime_t now)
{
	const struct quic_rate_sample *rs = &ack->sample;
	struct quic_bbr *bbr = quic_cc_priv(cc);

	if (bbr->min_rtt_stamp == KTIME_MIN)
		quic_bbr_begin(cc, bbr, ack->rtt, now);
	if (bbr->in_recovery && ack->time_sent > bbr->recovery_start) {
		bbr->in_recovery = false;
		quic_bbr_restore_cwnd(cc, bbr);
	}

	/* UpdateModelAndState */
	quic_bbr_update_latest(cc, bbr, rs);
	quic_bbr_update_signals(cc, bbr, rs);
	quic_bbr_update_extra(cc, bbr, ack->bytes, now);
	quic_bbr_check_full_bw(cc, bbr, rs);
	quic_bbr_check_startup(cc, bbr);
	quic_bbr_check_drain(cc, bbr, now);
	quic_bbr_update_cycle(cc, bbr, ack, now);
	quic_bbr_update_min_rtt(bbr, ack, now);
	quic_bbr_check_probe_rtt(cc, bbr, now);
	if (bbr->loss_round_start) {	/* AdvanceLatestDeliverySignals */
		bbr->bw_latest = rs->rate;
		bbr->inflight_latest = rs->delivered;
	}
	bbr->bw = min(quic_bbr_max_bw(bbr), bbr->bw_shortterm);

	/* UpdateControlParameters */
	quic_bbr_set_pace(bbr, quic_bbr_gains[bbr->state].pacing);
	quic_bbr_set_cwnd(cc, bbr, ack->bytes);
}

/* NoteLoss, SaveStateUponLoss */
static void quic_bbr_note_loss(const struct quic_cc *cc, struct quic_bbr *bbr)
{
	if (bbr->loss_in_round)
		return;
	bbr->loss_in_round = true;
	bbr->loss_round = cc->rate.delivered;
	quic_bbr_save_cwnd(cc, bbr);
	bbr->undo_state = QUIC_BBR_NONE;
	bbr->undo_bw_shortterm = bbr->bw_shortterm;
	bbr->undo_inflight_shortterm = bbr->inflight_shortterm;
	bbr->undo_inflight_longterm = bbr->inflight_longterm;
}

/* HandleInflightTooHigh */
static void quic_bbr_handle_too_high(struct quic_cc *cc, struct quic_bbr *bbr,
				     u64 inflight, bool app_limited,
				     ktime_t now)
{
	bbr->probe_too_high = true;
	bbr->probe_sample = false;
	if (!app_limited)
		bbr->inflight_longterm =
			max(inflight, quic_bbr_percent(quic_bbr_target(cc, bbr),
						       QUIC_BBR_BETA));
	if (bbr->state == QUIC_BBR_UP) {
		bbr->undo_state = QUIC_BBR_UP;
		quic_bbr_start_down(cc, bbr, now);
	}
}

/* InflightAtLoss: where did losses exceed their share? (LossThresh * prev - lost
 * before) / (1 - LossThresh), with LossThresh = 1 / QUIC_BBR_LOSS_DIVISOR.
 */
static u64 quic_bbr_inflight_at_loss(const struct quic_cc_lost *lost)
{
	u64 prev = lost->sample.in_flight - min_t(u64, lost->bytes,
						  lost->sample.in_flight);
	u64 lost_prev = QUIC_BBR_LOSS_DIVISOR *
			(lost->sample.lost - min_t(u64, lost->bytes,
						   lost->sample.lost));

	if (lost_prev >= prev)
		return prev;
	return prev + div_u64(prev - lost_prev, QUIC_BBR_LOSS_DIVISOR - 1);
}

/* HandleLostPacket */
static void quic_bbr_on_lost(struct quic_cc *cc,
			     const struct quic_cc_lost *lost, ktime_t now)
{
	struct quic_bbr *bbr = quic_cc_priv(cc);

	quic_bbr_note_loss(cc, bbr);
	if (!bbr->lost_ranges || lost->pn != bbr->last_lost_pn + 1)
		bbr->lost_ranges++;
	bbr->last_lost_pn = lost->pn;
	if (bbr->probe_sample && quic_bbr_too_high(&lost->sample))
		quic_bbr_handle_too_high(cc, bbr,
					 quic_bbr_inflight_at_loss(lost),
					 lost->sample.app_limited, now);
}

static void quic_bbr_on_event(struct quic_cc *cc, ktime_t now)
{
	struct quic_bbr *bbr = quic_cc_priv(cc);

	quic_bbr_save_cwnd(cc, bbr);
	bbr->in_recovery = true;
	bbr->recovery_start = now;
}

/* The draft leaves the answer open, but there must be one. A mark says that a
 * queue stands: Startup and probing have found what they looked for, and the
 * short-term model follows what was delivered.
 */
static void quic_bbr_on_ce(struct quic_cc *cc, ktime_t now)
{
	struct quic_bbr *bbr = quic_cc_priv(cc);

	quic_bbr_note_loss(cc, bbr);
	if (bbr->state == QUIC_BBR_STARTUP)
		quic_bbr_set_full(cc, bbr, true);
	else if (bbr->probe_sample)
		quic_bbr_handle_too_high(cc, bbr, cc->bytes_in_flight,
					 cc->rate.app_limited, now);
}

/* OnEnterRTO: the window is the minimum for a round trip; what it was is known
 * since the first loss.
 */
static void quic_bbr_on_persistent(struct quic_cc *cc, ktime_t now)
{
	struct quic_bbr *bbr = quic_cc_priv(cc);

	bbr->in_recovery = true;
	bbr->recovery_start = now;
}

/* HandleRestartFromIdle */
static void quic_bbr_on_restart(struct quic_cc *cc, ktime_t now)
{
	struct quic_bbr *bbr = quic_cc_priv(cc);

	if (!cc->rate.app_limited)
		return;
	bbr->idle_restart = true;
	bbr->extra_start = now;
	if (quic_bbr_in_probe_bw(bbr))
		quic_bbr_set_pace(bbr, 100);
	else if (bbr->state == QUIC_BBR_PROBE_RTT)
		quic_bbr_check_probe_rtt_done(cc, bbr, now);
}

/* HandleSpuriousLossDetection */
static void quic_bbr_on_undo(struct quic_cc *cc, ktime_t now)
{
	struct quic_bbr *bbr = quic_cc_priv(cc);

	quic_bbr_restore_cwnd(cc, bbr);
	bbr->in_recovery = false;
	bbr->loss_in_round = false;
	quic_bbr_reset_full_bw(bbr, 0);
	bbr->bw_shortterm = max(bbr->bw_shortterm, bbr->undo_bw_shortterm);
	bbr->inflight_shortterm = max(bbr->inflight_shortterm,
				      bbr->undo_inflight_shortterm);
	bbr->inflight_longterm = max(bbr->inflight_longterm,
				     bbr->undo_inflight_longterm);
	if (bbr->undo_state == QUIC_BBR_STARTUP &&
	    bbr->state != QUIC_BBR_STARTUP) {
		quic_bbr_set_full(cc, bbr, false);
		if (bbr->state != QUIC_BBR_PROBE_RTT)
			quic_bbr_enter_startup(bbr);
	} else if (bbr->undo_state == QUIC_BBR_UP &&
		   bbr->state != QUIC_BBR_UP &&
		   bbr->state != QUIC_BBR_PROBE_RTT) {
		quic_bbr_start_refill(cc, bbr);
	}
	bbr->undo_state = QUIC_BBR_NONE;
}

/* Until there is a sample: StartupPacingGain times the initial window in a
 * round trip.
 */
static u64 quic_bbr_pacing_rate(const struct quic_cc *cc,
				const struct quic_rtt *rtt)
{
	const struct quic_bbr *bbr = (const void *)cc->priv;
	u32 gain = quic_bbr_gains[QUIC_BBR_STARTUP].pacing;

	if (bbr->pacing_rate)
		return bbr->pacing_rate;
	return mul_u64_u64_div_u64(quic_bbr_percent(cc->initial_cwnd, gain),
				   USEC_PER_SEC, max_t(u32, rtt->smoothed_us, 1));
}

const struct quic_cc_ops quic_cc_bbr = {
	.name		= "bbr",
	.init		= quic_bbr_init,
	.on_ack		= quic_bbr_on_ack,
	.on_lost	= quic_bbr_on_lost,
	.on_event	= quic_bbr_on_event,
	.on_ce		= quic_bbr_on_ce,
	.on_persistent	= quic_bbr_on_persistent,
	.on_restart	= quic_bbr_on_restart,
	.on_undo	= quic_bbr_on_undo,
	.pacing_rate	= quic_bbr_pacing_rate,
};
