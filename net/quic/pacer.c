// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bits.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include "pacer.h"

/* Limits of what is calculated with, so that no quotient exceeds 64 bits: a
 * terabyte a second, and a fortnight of silence.
 */
#define QUIC_PACER_MAX_RATE	BIT_ULL(40)
#define QUIC_PACER_MAX_NS	BIT_ULL(50)

static u64 quic_pacer_bytes(const struct quic_pacer *pacer, u64 ns)
{
	return mul_u64_u64_div_u64(pacer->rate, ns, NSEC_PER_SEC);
}

/**
 * quic_pacer_init - begin with a full bucket
 * @pacer:             the pacer
 * @rate:              bytes per second
 * @granularity_ns:    how late the caller's timer may fire
 * @max_datagram_size: bytes of a full packet
 *
 * Context: connection lock held.
 */
void quic_pacer_init(struct quic_pacer *pacer, u64 rate, u32 granularity_ns,
		     u32 max_datagram_size)
{
	*pacer = (struct quic_pacer) { .granularity = granularity_ns };
	quic_pacer_set_rate(pacer, rate, max_datagram_size);
}

/**
 * quic_pacer_set_rate - the window, the RTT or the packet size has changed
 * @pacer:             the pacer
 * @rate:              bytes per second, 0 is taken for 1
 * @max_datagram_size: bytes of a full packet
 *
 * The bucket holds an initial window's burst (RFC 9002, 7.7), and no less than
 * what flows in while the timer is late. Time since the last packet counts at
 * the new rate. A full one stays full: a handshake must not wait because larger
 * packets turn out to be possible.
 *
 * Context: connection lock held.
 */
void quic_pacer_set_rate(struct quic_pacer *pacer, u64 rate,
			 u32 max_datagram_size)
{
	u64 burst = (u64)QUIC_PACER_BURST_PACKETS * max_datagram_size;
	bool full = pacer->tokens == pacer->capacity;
	u64 late;

	pacer->rate = clamp_t(u64, rate, 1, QUIC_PACER_MAX_RATE);
	pacer->max_datagram_size = max_datagram_size;
	late = quic_pacer_bytes(pacer,
				(u64)pacer->granularity + QUIC_PACER_BATCH_NS);
	pacer->capacity = max(late, burst);
	if (full)
		pacer->tokens = pacer->capacity;
	pacer->tokens = clamp(pacer->tokens, -pacer->capacity, pacer->capacity);
}

static void quic_pacer_refill(struct quic_pacer *pacer, ktime_t now)
{
	u64 missing = pacer->capacity - pacer->tokens;
	s64 elapsed = ktime_sub(now, pacer->updated);
	u64 bytes;

	if (elapsed <= 0)
		return;
	pacer->updated = now;
	elapsed = min_t(u64, elapsed, QUIC_PACER_MAX_NS);
	bytes = mul_u64_add_u64_div_u64(pacer->rate, elapsed, pacer->rest,
					NSEC_PER_SEC);
	if (bytes >= missing) {
		pacer->tokens = pacer->capacity;
		pacer->rest = 0;
		return;
	}
	pacer->tokens += bytes;
	/* the difference is below 10^9 although its terms may have wrapped */
	pacer->rest += pacer->rate * elapsed - bytes * NSEC_PER_SEC;
}

/* Nanoseconds until @bytes more have flowed in, at least 1, rounded up. */
static u64 quic_pacer_ns(const struct quic_pacer *pacer, u64 bytes)
{
	return mul_u64_add_u64_div_u64(bytes - 1, NSEC_PER_SEC,
				       NSEC_PER_SEC - pacer->rest +
				       pacer->rate - 1, pacer->rate);
}

/**
 * quic_pacer_budget - how much may leave now
 * @pacer: the pacer
 * @now:   current time
 *
 * Context: connection lock held.
 * Return: bytes, 0 if none.
 */
u64 quic_pacer_budget(struct quic_pacer *pacer, ktime_t now)
{
	quic_pacer_refill(pacer, now);
	return max_t(s64, pacer->tokens, 0);
}

/**
 * quic_pacer_next_send - when to wake up for the next batch
 * @pacer: the pacer
 * @bytes: what waits to be sent
 * @now:   current time
 *
 * At low rates a batch is one packet; at high rates it is a millisecond's
 * worth, so that wake-ups and segmentation stay cheap.
 *
 * Context: connection lock held.
 * Return: @now if it may leave at once, else a later time.
 */
ktime_t quic_pacer_next_send(struct quic_pacer *pacer, u64 bytes, ktime_t now)
{
	u64 mds = pacer->max_datagram_size;
	u64 batch = clamp(quic_pacer_bytes(pacer, QUIC_PACER_BATCH_NS), mds,
			  QUIC_PACER_BATCH_PACKETS * mds);
	s64 need = min3(bytes, batch, (u64)pacer->capacity);

	quic_pacer_refill(pacer, now);
	if (pacer->tokens >= need)
		return now;
	return ktime_add_ns(pacer->updated,
			    quic_pacer_ns(pacer, need - pacer->tokens));
}

/**
 * quic_pacer_on_sent - a packet has left that counts in flight
 * @pacer: the pacer
 * @bytes: its size
 * @now:   current time
 *
 * Probes do not ask; what they took is missing afterwards, one bucket at most.
 *
 * Context: connection lock held.
 */
void quic_pacer_on_sent(struct quic_pacer *pacer, u32 bytes, ktime_t now)
{
	quic_pacer_refill(pacer, now);
	pacer->tokens = max(pacer->tokens - bytes, -pacer->capacity);
}
