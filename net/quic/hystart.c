// SPDX-License-Identifier: GPL-2.0-only
#include <linux/minmax.h>
#include <linux/time64.h>

#include "hystart.h"

/* RFC 9406, 4.3. L, the limit of growth per ACK, is infinite because the
 * transport always paces.
 */
#define QUIC_HYSTART_MIN_RTT_THRESH_US	(4 * USEC_PER_MSEC)
#define QUIC_HYSTART_MAX_RTT_THRESH_US	(16 * USEC_PER_MSEC)
#define QUIC_HYSTART_MIN_RTT_DIVISOR	8
#define QUIC_HYSTART_N_RTT_SAMPLE	8
#define QUIC_HYSTART_CSS_GROWTH_DIVISOR	4
#define QUIC_HYSTART_CSS_ROUNDS		5

/**
 * quic_hystart_init - begin slow start
 * @hs: state
 *
 * Context: connection lock held.
 */
void quic_hystart_init(struct quic_hystart *hs)
{
	*hs = (struct quic_hystart) {
		.round_start = KTIME_MIN,
		.last_min_us = QUIC_HYSTART_NO_RTT,
		.current_min_us = QUIC_HYSTART_NO_RTT,
		.baseline_min_us = QUIC_HYSTART_NO_RTT,
	};
}

static void quic_hystart_new_round(struct quic_hystart *hs, ktime_t now)
{
	hs->round_start = now;
	hs->last_min_us = hs->current_min_us;
	hs->current_min_us = QUIC_HYSTART_NO_RTT;
	hs->samples = 0;
	if (quic_hystart_in_css(hs))
		hs->css_rounds++;
}

/* Has the delay grown over that of the round before? */
static bool quic_hystart_delayed(const struct quic_hystart *hs)
{
	u32 thresh;

	if (hs->last_min_us == QUIC_HYSTART_NO_RTT)
		return false;
	thresh = clamp_t(u32, hs->last_min_us / QUIC_HYSTART_MIN_RTT_DIVISOR,
			 QUIC_HYSTART_MIN_RTT_THRESH_US,
			 QUIC_HYSTART_MAX_RTT_THRESH_US);
	return hs->current_min_us >= hs->last_min_us + thresh;
}

/**
 * quic_hystart_on_ack - a round-trip sample was taken in slow start
 * @hs:        state
 * @rtt_us:    the sample
 * @time_sent: when the packet it comes from was sent
 * @now:       current time
 *
 * RFC 9406, 4.2. Context: connection lock held.
 * Return: true if slow start is over.
 */
bool quic_hystart_on_ack(struct quic_hystart *hs, u32 rtt_us,
			 ktime_t time_sent, ktime_t now)
{
	if (time_sent >= hs->round_start)
		quic_hystart_new_round(hs, now);
	hs->current_min_us = min(hs->current_min_us, rtt_us);
	hs->samples = min(hs->samples + 1, QUIC_HYSTART_N_RTT_SAMPLE);

	if (hs->samples == QUIC_HYSTART_N_RTT_SAMPLE) {
		if (!quic_hystart_in_css(hs)) {
			if (quic_hystart_delayed(hs)) {
				hs->baseline_min_us = hs->current_min_us;
				hs->css_rounds = 0;
			}
		} else if (hs->current_min_us < hs->baseline_min_us) {
			hs->baseline_min_us = QUIC_HYSTART_NO_RTT;
		}
	}
	return quic_hystart_in_css(hs) &&
	       hs->css_rounds >= QUIC_HYSTART_CSS_ROUNDS;
}

/**
 * quic_hystart_growth - how much acknowledged bytes let the window grow
 * @hs:    state
 * @bytes: acknowledged bytes
 *
 * Context: connection lock held.
 * Return: bytes.
 */
u64 quic_hystart_growth(const struct quic_hystart *hs, u64 bytes)
{
	return quic_hystart_in_css(hs) ?
	       bytes / QUIC_HYSTART_CSS_GROWTH_DIVISOR : bytes;
}
