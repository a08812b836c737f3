// SPDX-License-Identifier: GPL-2.0-only
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include "rate.h"

static u32 quic_rate_us(ktime_t since, ktime_t now)
{
	return clamp_t(s64, ktime_us_delta(now, since), 0, U32_MAX);
}

/**
 * quic_rate_on_sent - a packet has left that counts in flight
 * @rate:            state of the path
 * @pkt:             filled in
 * @bytes_in_flight: before it
 * @bytes:           its size
 * @now:             current time
 *
 * Context: connection lock held.
 */
void quic_rate_on_sent(struct quic_rate *rate, struct quic_rate_pkt *pkt,
		       u64 bytes_in_flight, u32 bytes, ktime_t now)
{
	if (!bytes_in_flight) {
		rate->first_sent = now;
		rate->delivered_time = now;
	}
	*pkt = (struct quic_rate_pkt) {
		.delivered = rate->delivered,
		.lost = rate->lost,
		.in_flight = min_t(u64, bytes_in_flight + bytes, U32_MAX),
		.since_delivered_us = quic_rate_us(rate->delivered_time, now),
		.since_first_us = quic_rate_us(rate->first_sent, now),
	};
}

/**
 * quic_rate_on_acked - a packet was acknowledged
 * @rate:  state of the path
 * @bytes: its size
 *
 * Context: connection lock held; quic_rate_take() follows once for the frame.
 */
void quic_rate_on_acked(struct quic_rate *rate, u32 bytes)
{
	rate->delivered += bytes;
}

/**
 * quic_rate_on_lost - a packet was declared lost
 * @rate:  state of the path
 * @bytes: its size
 *
 * Context: connection lock held.
 */
void quic_rate_on_lost(struct quic_rate *rate, u32 bytes)
{
	rate->lost += bytes;
}

/**
 * quic_rate_at - what has happened since a packet left
 * @rate:   state of the path
 * @pkt:    how it stood then
 * @sample: filled in but for the rate and for whose limit it was
 *
 * Context: connection lock held.
 */
void quic_rate_at(const struct quic_rate *rate, const struct quic_rate_pkt *pkt,
		  struct quic_rate_sample *sample)
{
	u32 delivered = (u32)rate->delivered - pkt->delivered;

	*sample = (struct quic_rate_sample) {
		.delivered = delivered,
		.prior_delivered = rate->delivered - delivered,
		.lost = (u32)rate->lost - pkt->lost,
		.in_flight = pkt->in_flight,
	};
}

/**
 * quic_rate_take - take the sample of an ACK frame
 * @rate:       state of the path, all packets of the frame counted
 * @pkt:        the newest of these
 * @time_sent:  when it left
 * @min_rtt_us: no delivery is quicker
 * @now:        current time
 * @sample:     filled in but for whose limit it was
 *
 * The rate is that of sending or of acknowledging, whichever was slower: ACK
 * frames may come in bursts, and so may packets.
 *
 * Context: connection lock held.
 */
void quic_rate_take(struct quic_rate *rate, const struct quic_rate_pkt *pkt,
		    ktime_t time_sent, u32 min_rtt_us, ktime_t now,
		    struct quic_rate_sample *sample)
{
	u64 acks_us = (u64)quic_rate_us(time_sent, now) + pkt->since_delivered_us;

	rate->delivered_time = now;
	rate->first_sent = time_sent;
	if (rate->delivered > rate->app_limited)
		rate->app_limited = 0;

	quic_rate_at(rate, pkt, sample);
	sample->interval_us = max_t(u64, acks_us, pkt->since_first_us);
	if (!sample->interval_us || sample->interval_us < min_rtt_us)
		return;
	sample->rate = mul_u64_u64_div_u64(sample->delivered, USEC_PER_SEC,
					   sample->interval_us);
}

/**
 * quic_rate_app_limited - there is room in the window, and nothing to send
 * @rate:            state of the path
 * @bytes_in_flight: what will tell nothing of the network's limits
 *
 * Context: connection lock held.
 */
void quic_rate_app_limited(struct quic_rate *rate, u64 bytes_in_flight)
{
	rate->app_limited = max_t(u64, rate->delivered + bytes_in_flight, 1);
}
