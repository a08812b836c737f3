// SPDX-License-Identifier: GPL-2.0-only
#include <linux/build_bug.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "cc.h"
#include "hystart.h"

/* CUBIC (RFC 9438), times in milliseconds, windows in bytes. */
#define QUIC_CUBIC_NEVER	KTIME_MIN

/* beta = 0.7, C = 0.4, alpha = 3 * (1 - beta) / (1 + beta) = 9 / 17 */
#define QUIC_CUBIC_BETA_NUM	7
#define QUIC_CUBIC_BETA_DEN	10
#define QUIC_CUBIC_ALPHA_NUM	9
#define QUIC_CUBIC_ALPHA_DEN	17

/* Longest distance from K that is calculated with; its cube fits into 64 bits
 * and means a window far beyond any clamp.
 */
#define QUIC_CUBIC_MAX_MS	2000000ULL

/**
 * struct quic_cubic - private part of CUBIC
 * @w_max:       W_max: window before the last reduction
 * @cwnd_prior:  cwnd at the last reduction
 * @w_est:       W_est: what Reno would have by now
 * @w_est_rest:  fraction of a byte that @w_est is behind
 * @cwnd_rest:   fraction of a byte that cwnd is behind
 * @k_ms:        K: time from @epoch_start until @w_max is reached again
 * @epoch_start: when this congestion avoidance began, or QUIC_CUBIC_NEVER
 * @paused:      since when the window has not been the limit, the same
 * @hystart:     initial slow start
 */
struct quic_cubic {
	u64 w_max;
	u64 cwnd_prior;
	u64 w_est;
	u64 w_est_rest;
	u64 cwnd_rest;
	u32 k_ms;
	ktime_t epoch_start;
	ktime_t paused;
	struct quic_hystart hystart;
};

static void quic_cubic_end_epoch(struct quic_cubic *cubic)
{
	cubic->epoch_start = QUIC_CUBIC_NEVER;
	cubic->paused = QUIC_CUBIC_NEVER;
}

static void quic_cubic_init(struct quic_cc *cc)
{
	struct quic_cubic *cubic = quic_cc_priv(cc);

	static_assert(sizeof(*cubic) <= QUIC_CC_UNDO_SIZE);
	memset(cubic, 0, sizeof(*cubic));
	quic_cubic_end_epoch(cubic);
	quic_hystart_init(&cubic->hystart);
}

/* Integer cube root, three bits of the argument for one of the result. */
static u32 quic_cubic_root(u64 x)
{
	u64 root = 0, bit;
	int shift;

	for (shift = 63; shift >= 0; shift -= 3) {
		root <<= 1;
		bit = 3 * root * (root + 1) + 1;
		if (x >> shift >= bit) {
			x -= bit << shift;
			root++;
		}
	}
	return root;
}

/* RFC 9438, 4.2: K = cbrt((W_max - cwnd_epoch) / C), windows in packets. */
static void quic_cubic_begin_epoch(const struct quic_cc *cc,
				   struct quic_cubic *cubic, ktime_t now)
{
	const u64 ms_cubed_per_c = 10ULL * NSEC_PER_SEC / 4;

	cubic->epoch_start = now;
	cubic->w_est = cc->cwnd;
	cubic->w_est_rest = 0;
	cubic->cwnd_rest = 0;
	cubic->k_ms = 0;
	if (cc->cwnd >= cubic->w_max)
		cubic->w_max = cc->cwnd;
	else
		cubic->k_ms = quic_cubic_root(mul_u64_u64_div_u64(cubic->w_max - cc->cwnd,
								  ms_cubed_per_c,
								  cc->max_datagram_size));
}

/* RFC 9438, 4.2: W_cubic(t) = C * (t - K)^3 + W_max */
static u64 quic_cubic_window(const struct quic_cc *cc,
			     const struct quic_cubic *cubic, u64 t_ms)
{
	u64 d = min(abs_diff(t_ms, (u64)cubic->k_ms), QUIC_CUBIC_MAX_MS);
	u64 delta = mul_u64_u64_div_u64(d * d * d, 4 * cc->max_datagram_size,
					10ULL * NSEC_PER_SEC);

	if (t_ms >= cubic->k_ms)
		return cubic->w_max + delta;
	return cubic->w_max - min(cubic->w_max, delta);
}

/* RFC 9438, 4.3: W_est grows like Reno with the same average; once it is where
 * the last reduction was, exactly like Reno.
 */
static void quic_cubic_update_w_est(const struct quic_cc *cc,
				    struct quic_cubic *cubic, u64 bytes)
{
	u64 alpha = cubic->w_est < cubic->cwnd_prior ? QUIC_CUBIC_ALPHA_NUM :
						       QUIC_CUBIC_ALPHA_DEN;

	cubic->w_est_rest += alpha * cc->max_datagram_size * bytes;
	cubic->w_est += div64_u64_rem(cubic->w_est_rest,
				      QUIC_CUBIC_ALPHA_DEN * cc->cwnd,
				      &cubic->w_est_rest);
}

/* RFC 9438, 4.3 to 4.5 */
static void quic_cubic_avoidance(struct quic_cc *cc, struct quic_cubic *cubic,
				 const struct quic_cc_ack *ack, u64 bytes,
				 ktime_t now)
{
	u64 t_ms, rtt_ms, target;

	if (cubic->epoch_start == QUIC_CUBIC_NEVER)
		quic_cubic_begin_epoch(cc, cubic, now);
	t_ms = ktime_ms_delta(now, cubic->epoch_start);
	rtt_ms = ack->rtt->smoothed_us / USEC_PER_MSEC;

	quic_cubic_update_w_est(cc, cubic, bytes);
	if (quic_cubic_window(cc, cubic, t_ms) < cubic->w_est) {
		cc->cwnd = max(cc->cwnd, cubic->w_est);
		return;
	}

	target = clamp(quic_cubic_window(cc, cubic, t_ms + rtt_ms), cc->cwnd,
		       cc->cwnd / 2 * 3);
	cubic->cwnd_rest += (target - cc->cwnd) * bytes;
	cc->cwnd += div64_u64_rem(cubic->cwnd_rest, cc->cwnd,
				  &cubic->cwnd_rest);
}

/* Slow start up to ssthresh; HyStart++ may end the initial one before loss
 * does. Returns what is left of @bytes for congestion avoidance.
 */
static u64 quic_cubic_slow_start(struct quic_cc *cc, struct quic_cubic *cubic,
				 const struct quic_cc_ack *ack, u64 bytes,
				 ktime_t now)
{
	u64 grow;

	if (cc->ssthresh != U64_MAX) {
		grow = min(bytes, cc->ssthresh - cc->cwnd);
		cc->cwnd += grow;
		return bytes - grow;
	}

	if (ack->rtt_sampled &&
	    quic_hystart_on_ack(&cubic->hystart, ack->rtt->latest_us,
				ack->time_sent, now)) {
		cc->ssthresh = cc->cwnd;
		return bytes;
	}
	cc->cwnd += quic_hystart_growth(&cubic->hystart, bytes);
	return 0;
}

static void quic_cubic_on_ack(struct quic_cc *cc,
			      const struct quic_cc_ack *ack, ktime_t now)
{
	struct quic_cubic *cubic = quic_cc_priv(cc);
	u64 bytes = ack->growth_bytes;

	/* RFC 9438, 5.8: time in which the window does not matter is no time. */
	if (!ack->cwnd_limited) {
		if (cubic->paused == QUIC_CUBIC_NEVER)
			cubic->paused = now;
		return;
	}
	if (cubic->paused != QUIC_CUBIC_NEVER) {
		if (cubic->epoch_start != QUIC_CUBIC_NEVER)
			cubic->epoch_start += now - cubic->paused;
		cubic->paused = QUIC_CUBIC_NEVER;
	}

	if (bytes && cc->cwnd < cc->ssthresh)
		bytes = quic_cubic_slow_start(cc, cubic, ack, bytes, now);
	if (bytes)
		quic_cubic_avoidance(cc, cubic, ack, bytes, now);
}

/* RFC 9438, 4.6 and 4.7 (fast convergence) */
static void quic_cubic_on_event(struct quic_cc *cc, ktime_t now)
{
	struct quic_cubic *cubic = quic_cc_priv(cc);
	u64 reduced = mul_u64_u32_div(cc->cwnd, QUIC_CUBIC_BETA_NUM,
				      QUIC_CUBIC_BETA_DEN);

	if (cc->cwnd < cubic->w_max)
		cubic->w_max = (cc->cwnd + reduced) / 2;
	else
		cubic->w_max = cc->cwnd;
	cubic->cwnd_prior = cc->cwnd;
	cc->ssthresh = max(reduced, quic_cc_min_cwnd(cc));
	cc->cwnd = cc->ssthresh;
	quic_cubic_end_epoch(cubic);
}

/* RFC 9438, 4.8: what follows the slow start begins without a past. */
static void quic_cubic_on_persistent(struct quic_cc *cc, ktime_t now)
{
	quic_cubic_init(cc);
}

static void quic_cubic_on_idle(struct quic_cc *cc)
{
	quic_cubic_end_epoch(quic_cc_priv(cc));
}

const struct quic_cc_ops quic_cc_cubic = {
	.name		= "cubic",
	.init		= quic_cubic_init,
	.on_ack		= quic_cubic_on_ack,
	.on_event	= quic_cubic_on_event,
	.on_persistent	= quic_cubic_on_persistent,
	.on_idle	= quic_cubic_on_idle,
};
