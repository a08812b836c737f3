/* SPDX-License-Identifier: GPL-2.0-only */
/* Congestion control of one path: the state that every controller has, the few
 * events that a controller sees, and the table of controllers. A controller
 * decides about cwnd and ssthresh, nothing else; windows are in bytes
 * (RFC 9002, 7).
 *
 * Owns:    struct quic_cc.
 * Guard:   the connection lock; the table of controllers is constant.
 * Callers: loss.c reports events; output.c asks quic_recovery_can_send().
 */
#ifndef _NET_QUIC_CC_H
#define _NET_QUIC_CC_H

#include <linux/ktime.h>
#include <linux/types.h>

#include "rate.h"
#include "rtt.h"

#define QUIC_CC_MIN_PACKETS	2	/* kMinimumWindow, RFC 9002, 7.2 */
#define QUIC_CC_INITIAL_PACKETS	10	/* kInitialWindow, RFC 9002, 7.2 */
#define QUIC_CC_INITIAL_BYTES	14720
#define QUIC_CC_PRIV_SIZE	400
#define QUIC_CC_UNDO_SIZE	128	/* of it, what can be taken up again */
#define QUIC_CC_NAME_MAX	16

struct quic_cc;

/**
 * struct quic_cc_ack - what one ACK frame newly acknowledged on this path
 * @bytes:          bytes that left the network
 * @growth_bytes:   those of them sent after the recovery period began
 * @prior_in_flight: bytes in flight before
 * @time_sent:      when the newest of the packets was sent
 * @rtt:            the path's estimate, updated already
 * @rtt_sampled:    this ACK frame gave a sample: rtt->latest_us is fresh
 * @cwnd_limited:   the window, not the program, bounds what is in flight
 * @sample:         delivery rate, from the newest of the packets
 */
struct quic_cc_ack {
	u64 bytes;
	u64 growth_bytes;
	u64 prior_in_flight;
	ktime_t time_sent;
	const struct quic_rtt *rtt;
	bool rtt_sampled;
	bool cwnd_limited;
	struct quic_rate_sample sample;
};

/**
 * struct quic_cc_lost - a packet that tells of congestion on this path
 * @pn:     its number; those of a burst are declared lost in ascending order
 * @bytes:  its size
 * @sample: what has happened since it left; the rate is 0
 */
struct quic_cc_lost {
	u64 pn;
	u32 bytes;
	struct quic_rate_sample sample;
};

/**
 * struct quic_cc_ops - a congestion controller
 * @name:         as in statistics
 * @init:         path begins: set up the private part
 * @on_ack:       packets were acknowledged
 * @on_event:     a recovery period begins, by loss or ECN-CE (RFC 9002, B.6)
 * @on_persistent: persistent congestion was established; cwnd is the minimum
 * @on_lost:      (optional) one packet was lost; @on_event follows, if at all
 * @on_ce:        (optional) it was ECN-CE that @on_event was called for
 * @on_idle:      (optional) the window was reduced after an idle period
 * @on_restart:   (optional) a packet leaves and nothing is in flight; with it,
 *                the window is not reduced after idle periods
 * @on_undo:      (optional) nothing was lost after all; without it, window and
 *                private part are restored
 * @pacing_rate:  (optional) bytes per second; without it, the window over the
 *                round-trip time tells
 */
struct quic_cc_ops {
	const char *name;
	void (*init)(struct quic_cc *cc);
	void (*on_ack)(struct quic_cc *cc, const struct quic_cc_ack *ack,
		       ktime_t now);
	void (*on_event)(struct quic_cc *cc, ktime_t now);
	void (*on_persistent)(struct quic_cc *cc, ktime_t now);
	void (*on_lost)(struct quic_cc *cc, const struct quic_cc_lost *lost,
			ktime_t now);
	void (*on_ce)(struct quic_cc *cc, ktime_t now);
	void (*on_idle)(struct quic_cc *cc);
	void (*on_restart)(struct quic_cc *cc, ktime_t now);
	void (*on_undo)(struct quic_cc *cc, ktime_t now);
	u64 (*pacing_rate)(const struct quic_cc *cc, const struct quic_rtt *rtt);
};

/**
 * struct quic_cc_undo - the state before the last reduction
 * @valid:    it may be taken up again
 * @cwnd:     congestion_window
 * @ssthresh: slow start threshold
 * @priv:     the controller's own
 */
struct quic_cc_undo {
	bool valid;
	u64 cwnd;
	u64 ssthresh;
	u64 priv[QUIC_CC_UNDO_SIZE / sizeof(u64)];
};

/**
 * struct quic_cc - congestion state of one path
 * @ops:             the controller
 * @cwnd:            congestion_window
 * @ssthresh:        slow start threshold, U64_MAX at first
 * @bytes_in_flight: of this path, all packet number spaces together
 * @max_datagram_size: current UDP payload size, without IP and UDP headers
 * @initial_cwnd:    cwnd at the beginning, and after a long idle time
 * @recovery_start:  congestion_recovery_start_time, KTIME_MIN for never
 * @last_sent:       when the last packet left that counts in flight
 * @round_start:     a round ends when a packet sent since is acknowledged
 * @round_max:       most bytes in flight in this round, in the one before
 * @round_full:      a packet filled the window in this round, in the one before
 * @rate:            delivery rate of the path
 * @undo:            for when the loss turns out to be none
 * @priv:            the controller's own
 */
struct quic_cc {
	const struct quic_cc_ops *ops;
	u64 cwnd;
	u64 ssthresh;
	u64 bytes_in_flight;
	u32 max_datagram_size;
	u64 initial_cwnd;
	ktime_t recovery_start;
	ktime_t last_sent;
	ktime_t round_start;
	u64 round_max[2];
	bool round_full[2];
	struct quic_rate rate;
	struct quic_cc_undo undo;
	u64 priv[QUIC_CC_PRIV_SIZE / sizeof(u64)];
};

extern const struct quic_cc_ops quic_cc_newreno;
extern const struct quic_cc_ops quic_cc_cubic;
extern const struct quic_cc_ops quic_cc_bbr;

const struct quic_cc_ops *quic_cc_find(u8 alg);	/* QUIC_CONG_ALG_*, or NULL */
const struct quic_cc_ops *quic_cc_find_name(const char *name);
void quic_cc_init(struct quic_cc *cc, const struct quic_cc_ops *ops,
		  u32 max_datagram_size);
void quic_cc_set_mtu(struct quic_cc *cc, u32 max_datagram_size);
void quic_cc_on_sent(struct quic_cc *cc, u32 bytes, u32 pto_us, ktime_t now);
void quic_cc_on_ack(struct quic_cc *cc, struct quic_cc_ack *ack, ktime_t now);
void quic_cc_on_lost(struct quic_cc *cc, const struct quic_cc_lost *lost,
		     ktime_t now);
bool quic_cc_on_event(struct quic_cc *cc, ktime_t time_sent, ktime_t now);
void quic_cc_on_ce(struct quic_cc *cc, ktime_t time_sent, ktime_t now);
void quic_cc_undo(struct quic_cc *cc, ktime_t now);
void quic_cc_on_persistent(struct quic_cc *cc, ktime_t now);
void quic_cc_remove(struct quic_cc *cc, u32 bytes);
u64 quic_cc_pacing_rate(const struct quic_cc *cc, const struct quic_rtt *rtt);
bool quic_cc_in_slow_start(const struct quic_cc *cc);

static inline void *quic_cc_priv(struct quic_cc *cc)
{
	return cc->priv;
}

/* kMinimumWindow */
static inline u64 quic_cc_min_cwnd(const struct quic_cc *cc)
{
	return (u64)QUIC_CC_MIN_PACKETS * cc->max_datagram_size;
}

/* InCongestionRecovery (RFC 9002, B.5) */
static inline bool quic_cc_in_recovery(const struct quic_cc *cc,
				       ktime_t time_sent)
{
	return time_sent <= cc->recovery_start;
}

#endif /* _NET_QUIC_CC_H */
