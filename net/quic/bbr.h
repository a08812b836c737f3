/* SPDX-License-Identifier: GPL-2.0-only */
/* BBR, version 3 (draft-ietf-ccwg-bbr of August 2026): a model of the path, made
 * of its bandwidth, its round-trip time and what may safely be in flight, decides
 * about pace and window. The draft's names are kept where the style of the
 * kernel lets them; comments name its functions.
 *
 * Owns:    struct quic_bbr, the private part of the controller.
 * Guard:   the connection lock.
 * Callers: cc.c, by way of quic_cc_bbr; cc_bbr.c has the state machine and what
 *          follows from it, bbr_model.c the model.
 */
#ifndef _NET_QUIC_BBR_H
#define _NET_QUIC_BBR_H

#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/win_minmax.h>

#include "cc.h"

#define QUIC_BBR_INF			U64_MAX
#define QUIC_BBR_NO_RTT			U32_MAX

#define QUIC_BBR_PACING_MARGIN		1	/* percent */
#define QUIC_BBR_LOSS_DIVISOR		50	/* LossThresh: 2 % */
#define QUIC_BBR_BETA			70	/* percent */
#define QUIC_BBR_HEADROOM		15	/* percent */
#define QUIC_BBR_MIN_PIPE_PACKETS	4
#define QUIC_BBR_STARTUP_LOSSES		6	/* StartupFullLossCnt */
#define QUIC_BBR_FULL_BW_ROUNDS		3
#define QUIC_BBR_FULL_BW_GROWTH		125	/* percent */
#define QUIC_BBR_DRAIN_ROUNDS		3
#define QUIC_BBR_EXTRA_ACKED_ROUNDS	10
#define QUIC_BBR_RENO_ROUNDS		63
#define QUIC_BBR_PROBE_UP_ROUNDS_MAX	30
#define QUIC_BBR_PROBE_WAIT_US		(2 * USEC_PER_SEC)
#define QUIC_BBR_MIN_RTT_US		(10 * USEC_PER_SEC)
#define QUIC_BBR_PROBE_RTT_INTERVAL_US	(5 * USEC_PER_SEC)
#define QUIC_BBR_PROBE_RTT_US		(200 * USEC_PER_MSEC)
#define QUIC_BBR_QUANTUM_MAX		65536U

enum quic_bbr_state {
	QUIC_BBR_STARTUP,
	QUIC_BBR_DRAIN,
	QUIC_BBR_DOWN,		/* ProbeBW_DOWN, and so on */
	QUIC_BBR_CRUISE,
	QUIC_BBR_REFILL,
	QUIC_BBR_UP,
	QUIC_BBR_PROBE_RTT,
	QUIC_BBR_NONE,
};

enum quic_bbr_ack_phase {
	QUIC_BBR_ACKS_INIT,
	QUIC_BBR_ACKS_REFILLING,
	QUIC_BBR_ACKS_STARTING,
	QUIC_BBR_ACKS_FEEDBACK,
	QUIC_BBR_ACKS_STOPPING,
};

/**
 * struct quic_bbr - private part of BBR
 * @bw:                 min(max_bw, bw_shortterm), bytes per second, as all rates
 * @max_bw:             highest rate of this probing cycle, of the one before
 * @bw_shortterm:       bound by recent losses, or QUIC_BBR_INF
 * @bw_latest:          highest rate of this round trip
 * @full_bw:            rate above which the path must not be full yet
 * @pacing_rate:        0 until there is a sample
 * @inflight_longterm:  what was too much for the path, or QUIC_BBR_INF
 * @inflight_shortterm: bound by recent losses, or QUIC_BBR_INF
 * @inflight_latest:    most that was delivered in a round trip
 * @undo_bw_shortterm:  as it was before the losses, as the following
 * @undo_inflight_shortterm: the same
 * @undo_inflight_longterm: the same
 * @prior_cwnd:         the window, but for recovery and ProbeRTT
 * @next_round:         the round ends with a packet sent when so much was
 *                      delivered
 * @loss_round:         the same, for the round in which losses are counted
 * @last_lost_pn:       newest packet lost in it
 * @probe_up_acked:     acknowledged since inflight_longterm was raised
 * @probe_up_per_inc:   what it takes to raise it by a packet
 * @extra_delivered:    acknowledged since @extra_start
 * @extra_acked:        bytes that came in at once, beyond what bw explains
 * @extra_start:        when the present burst of acknowledgments began
 * @cycle_start:        when the probing cycle began
 * @min_rtt_stamp:      when @min_rtt_us was measured
 * @probe_rtt_stamp:    when @probe_rtt_min_us was measured
 * @probe_rtt_done:     when ProbeRTT may end, 0 for not known yet
 * @recovery_start:     recovery ends with a packet sent since
 * @min_rtt_us:         lowest of 10 seconds, or QUIC_BBR_NO_RTT
 * @probe_rtt_min_us:   lowest of 5 seconds, the same
 * @probe_wait_us:      longest time between two probes
 * @round_count:        round trips
 * @drain_round:        in which Drain began
 * @rounds_since_up:    round trips since bandwidth was probed
 * @lost_ranges:        runs of packet numbers lost in this round
 * @state:              enum quic_bbr_state
 * @undo_state:         left for losses, or QUIC_BBR_NONE
 * @ack_phase:          enum quic_bbr_ack_phase
 * @full_bw_count:      rounds without growth
 * @probe_up_rounds:    rounds in which inflight_longterm has grown
 * @full_bw_now:        the path is full
 * @full_bw_reached:    it has been full since the beginning
 * @round_start:        this ACK frame begins a round trip
 * @loss_round_start:   this ACK frame begins one for losses
 * @loss_in_round:      something was lost in it
 * @startup_lossy:      it lost too much for Startup to go on
 * @in_recovery:        losses are not yet older than a round trip
 * @probe_sample:       what is acknowledged was sent to probe for bandwidth
 * @probe_too_high:     the last probe lost too much
 * @probe_cautious:     the last probe stopped where that could have begun
 * @idle_restart:       sending began again after a pause
 * @probe_rtt_expired:  it is time for ProbeRTT
 * @probe_rtt_round:    ProbeRTT has lasted for a round trip
 */
struct quic_bbr {
	u64 bw;
	u64 max_bw[2];
	u64 bw_shortterm;
	u64 bw_latest;
	u64 full_bw;
	u64 pacing_rate;
	u64 inflight_longterm;
	u64 inflight_shortterm;
	u64 inflight_latest;
	u64 undo_bw_shortterm;
	u64 undo_inflight_shortterm;
	u64 undo_inflight_longterm;
	u64 prior_cwnd;
	u64 next_round;
	u64 loss_round;
	u64 last_lost_pn;
	u64 probe_up_acked;
	u64 probe_up_per_inc;
	u64 extra_delivered;
	struct minmax extra_acked;
	ktime_t extra_start;
	ktime_t cycle_start;
	ktime_t min_rtt_stamp;
	ktime_t probe_rtt_stamp;
	ktime_t probe_rtt_done;
	ktime_t recovery_start;
	u32 min_rtt_us;
	u32 probe_rtt_min_us;
	u32 probe_wait_us;
	u32 round_count;
	u32 drain_round;
	u32 rounds_since_up;
	u32 lost_ranges;
	u8 state;
	u8 undo_state;
	u8 ack_phase;
	u8 full_bw_count;
	u8 probe_up_rounds;
	u16 full_bw_now:1;
	u16 full_bw_reached:1;
	u16 round_start:1;
	u16 loss_round_start:1;
	u16 loss_in_round:1;
	u16 startup_lossy:1;
	u16 in_recovery:1;
	u16 probe_sample:1;
	u16 probe_too_high:1;
	u16 probe_cautious:1;
	u16 idle_restart:1;
	u16 probe_rtt_expired:1;
	u16 probe_rtt_round:1;
};

static inline u64 quic_bbr_percent(u64 value, u32 percent)
{
	return mul_u64_u32_div(value, percent, 100);
}

static inline bool quic_bbr_in_probe_bw(const struct quic_bbr *bbr)
{
	return bbr->state >= QUIC_BBR_DOWN && bbr->state <= QUIC_BBR_UP;
}

static inline u64 quic_bbr_max_bw(const struct quic_bbr *bbr)
{
	return max(bbr->max_bw[0], bbr->max_bw[1]);
}

static inline u64 quic_bbr_min_pipe(const struct quic_cc *cc)
{
	return (u64)QUIC_BBR_MIN_PIPE_PACKETS * cc->max_datagram_size;
}

/* IsInflightTooHigh */
static inline bool quic_bbr_too_high(const struct quic_rate_sample *rs)
{
	return rs->lost * QUIC_BBR_LOSS_DIVISOR > rs->in_flight;
}

static inline void quic_bbr_start_round(const struct quic_cc *cc,
					struct quic_bbr *bbr)
{
	bbr->next_round = cc->rate.delivered;
}

u64 quic_bbr_bdp(const struct quic_cc *cc, const struct quic_bbr *bbr, u64 bw,
		 u32 percent);
u64 quic_bbr_budget(const struct quic_cc *cc, const struct quic_bbr *bbr,
		    u64 inflight);
u64 quic_bbr_inflight(const struct quic_cc *cc, const struct quic_bbr *bbr,
		      u64 bw);
u64 quic_bbr_target(const struct quic_cc *cc, const struct quic_bbr *bbr);
u64 quic_bbr_with_headroom(const struct quic_cc *cc,
			   const struct quic_bbr *bbr);
void quic_bbr_reset_shortterm(struct quic_bbr *bbr);
void quic_bbr_reset_signals(struct quic_bbr *bbr);
void quic_bbr_update_latest(const struct quic_cc *cc, struct quic_bbr *bbr,
			    const struct quic_rate_sample *rs);
void quic_bbr_update_signals(const struct quic_cc *cc, struct quic_bbr *bbr,
			     const struct quic_rate_sample *rs);
void quic_bbr_advance_max_bw(struct quic_bbr *bbr);
void quic_bbr_update_extra(const struct quic_cc *cc, struct quic_bbr *bbr,
			   u64 acked, ktime_t now);
void quic_bbr_update_min_rtt(struct quic_bbr *bbr,
			     const struct quic_cc_ack *ack, ktime_t now);

#endif /* _NET_QUIC_BBR_H */
