/* SPDX-License-Identifier: GPL-2.0-only */
/* HyStart++ (RFC 9406): leaves slow start when the delay grows, before packets
 * are lost.
 *
 * Owns:    struct quic_hystart.
 * Guard:   the connection lock.
 * Callers: cc_cubic.c.
 */
#ifndef _NET_QUIC_HYSTART_H
#define _NET_QUIC_HYSTART_H

#include <linux/ktime.h>
#include <linux/types.h>

#define QUIC_HYSTART_NO_RTT	U32_MAX

/**
 * struct quic_hystart - state of the initial slow start
 * @round_start:     the round ends when a packet sent since is acknowledged
 * @last_min_us:     lastRoundMinRTT
 * @current_min_us:  currentRoundMinRTT
 * @baseline_min_us: cssBaselineMinRtt; QUIC_HYSTART_NO_RTT outside CSS
 * @samples:         rttSampleCount
 * @css_rounds:      rounds spent in conservative slow start (CSS)
 */
struct quic_hystart {
	ktime_t round_start;
	u32 last_min_us;
	u32 current_min_us;
	u32 baseline_min_us;
	u8 samples;
	u8 css_rounds;
};

void quic_hystart_init(struct quic_hystart *hs);
bool quic_hystart_on_ack(struct quic_hystart *hs, u32 rtt_us,
			 ktime_t time_sent, ktime_t now);
u64 quic_hystart_growth(const struct quic_hystart *hs, u64 bytes);

static inline bool quic_hystart_in_css(const struct quic_hystart *hs)
{
	return hs->baseline_min_us != QUIC_HYSTART_NO_RTT;
}

#endif /* _NET_QUIC_HYSTART_H */
