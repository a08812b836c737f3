/* SPDX-License-Identifier: GPL-2.0-only */
/* Delivery rate of one path: how much the network has delivered in the time
 * between the sending of a packet and its acknowledgment, and whether it was the
 * program that kept that low (draft-ietf-ccwg-bbr, 4.1).
 *
 * Owns:    struct quic_rate, and struct quic_rate_pkt in the ledger's entries.
 * Guard:   the connection lock.
 * Callers: loss.c reports packets; output.c says when there is no more to send;
 *          cc_bbr.c reads the samples.
 */
#ifndef _NET_QUIC_RATE_H
#define _NET_QUIC_RATE_H

#include <linux/ktime.h>
#include <linux/types.h>

/**
 * struct quic_rate - what was delivered and lost on a path
 * @delivered:      C.delivered: bytes acknowledged since the path began
 * @lost:           C.lost: bytes declared lost since then
 * @delivered_time: C.delivered_time: when @delivered was last raised
 * @first_sent:     C.first_send_time: when the packet left that was last
 *                  delivered, or the first one after silence
 * @app_limited:    C.app_limited: up to this value of @delivered samples tell of
 *                  the program, 0 if they tell of the network
 */
struct quic_rate {
	u64 delivered;
	u64 lost;
	ktime_t delivered_time;
	ktime_t first_sent;
	u64 app_limited;
};

/**
 * struct quic_rate_pkt - how it stood when a packet left
 * @delivered:          lower half of C.delivered
 * @lost:               lower half of C.lost
 * @in_flight:          P.tx_in_flight: bytes in flight, with this packet
 * @since_delivered_us: time since C.delivered_time
 * @since_first_us:     time since C.first_send_time
 */
struct quic_rate_pkt {
	u32 delivered;
	u32 lost;
	u32 in_flight;
	u32 since_delivered_us;
	u32 since_first_us;
};

/**
 * struct quic_rate_sample - what the acknowledgment or loss of a packet tells
 * @rate:            bytes per second; 0 if the sample is none
 * @delivered:       bytes delivered since the packet left
 * @prior_delivered: C.delivered when it left
 * @lost:            bytes declared lost since then
 * @in_flight:       bytes in flight then
 * @interval_us:     time that the delivery took
 * @app_limited:     the program had nothing to send then
 */
struct quic_rate_sample {
	u64 rate;
	u64 delivered;
	u64 prior_delivered;
	u64 lost;
	u64 in_flight;
	u64 interval_us;
	bool app_limited;
};

void quic_rate_on_sent(struct quic_rate *rate, struct quic_rate_pkt *pkt,
		       u64 bytes_in_flight, u32 bytes, ktime_t now);
void quic_rate_on_acked(struct quic_rate *rate, u32 bytes);
void quic_rate_on_lost(struct quic_rate *rate, u32 bytes);
void quic_rate_at(const struct quic_rate *rate, const struct quic_rate_pkt *pkt,
		  struct quic_rate_sample *sample);
void quic_rate_take(struct quic_rate *rate, const struct quic_rate_pkt *pkt,
		    ktime_t time_sent, u32 min_rtt_us, ktime_t now,
		    struct quic_rate_sample *sample);
void quic_rate_app_limited(struct quic_rate *rate, u64 bytes_in_flight);

#endif /* _NET_QUIC_RATE_H */
