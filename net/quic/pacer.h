/* SPDX-License-Identifier: GPL-2.0-only */
/* Pacer: a token bucket that spreads packets over the round trip (RFC 9002,
 * 7.7). It never owns a timer: it says when and how much, output.c obeys.
 *
 * Owns:    struct quic_pacer.
 * Guard:   the connection lock.
 * Callers: loss.c sets the rate and reports packets; output.c asks.
 */
#ifndef _NET_QUIC_PACER_H
#define _NET_QUIC_PACER_H

#include <linux/ktime.h>
#include <linux/types.h>

#define QUIC_PACER_BURST_PACKETS	10	/* RFC 9002, 7.7 */
#define QUIC_PACER_BATCH_PACKETS	64	/* no wait is for more than these */
#define QUIC_PACER_BATCH_NS		NSEC_PER_MSEC

/**
 * struct quic_pacer - token bucket of one path
 * @rate:        bytes per second
 * @tokens:      bytes that may leave; below 0 after a probe that did not ask
 * @capacity:    bytes the bucket holds
 * @rest:        fraction of a byte on top of @tokens, in units of 1 / 10^9
 * @updated:     time up to which tokens were added
 * @granularity: how late the wake-up may come, ns; the bucket holds what flows
 *               in meanwhile, so that a coarse timer costs no throughput
 * @max_datagram_size: bytes of a full packet
 */
struct quic_pacer {
	u64 rate;
	s64 tokens;
	s64 capacity;
	u32 rest;
	ktime_t updated;
	u32 granularity;
	u32 max_datagram_size;
};

void quic_pacer_init(struct quic_pacer *pacer, u64 rate, u32 granularity_ns,
		     u32 max_datagram_size);
void quic_pacer_set_rate(struct quic_pacer *pacer, u64 rate,
			 u32 max_datagram_size);
u64 quic_pacer_budget(struct quic_pacer *pacer, ktime_t now);
ktime_t quic_pacer_next_send(struct quic_pacer *pacer, u64 bytes, ktime_t now);
void quic_pacer_on_sent(struct quic_pacer *pacer, u32 bytes, ktime_t now);

#endif /* _NET_QUIC_PACER_H */
