// SPDX-License-Identifier: GPL-2.0-only
#include <linux/build_bug.h>
#include <linux/minmax.h>

#include "cc.h"

/**
 * struct quic_newreno - private part of NewReno
 * @acked: bytes acknowledged in congestion avoidance since the last increase
 */
struct quic_newreno {
	u64 acked;
};

static void quic_newreno_init(struct quic_cc *cc)
{
	struct quic_newreno *reno = quic_cc_priv(cc);

	static_assert(sizeof(*reno) <= QUIC_CC_UNDO_SIZE);
	reno->acked = 0;
}

/* RFC 9002, B.5: OnPacketAcked. What slow start leaves over of one large ACK
 * counts towards congestion avoidance; there a window's worth of
 * acknowledgments is counted up, so that no fraction of a byte is lost.
 */
static void quic_newreno_on_ack(struct quic_cc *cc,
				const struct quic_cc_ack *ack, ktime_t now)
{
	struct quic_newreno *reno = quic_cc_priv(cc);
	u64 bytes = ack->growth_bytes;

	if (!ack->cwnd_limited)
		return;
	if (cc->cwnd < cc->ssthresh) {
		u64 slow_start = min(bytes, cc->ssthresh - cc->cwnd);

		cc->cwnd += slow_start;
		bytes -= slow_start;
	}

	reno->acked += bytes;
	while (reno->acked >= cc->cwnd) {
		reno->acked -= cc->cwnd;
		cc->cwnd += cc->max_datagram_size;
	}
}

/* RFC 9002, B.6: kLossReductionFactor is a half. */
static void quic_newreno_on_event(struct quic_cc *cc, ktime_t now)
{
	struct quic_newreno *reno = quic_cc_priv(cc);

	cc->ssthresh = max(cc->cwnd / 2, quic_cc_min_cwnd(cc));
	cc->cwnd = cc->ssthresh;
	reno->acked = 0;
}

static void quic_newreno_on_persistent(struct quic_cc *cc, ktime_t now)
{
	quic_newreno_init(cc);
}

const struct quic_cc_ops quic_cc_newreno = {
	.name		= "newreno",
	.init		= quic_newreno_init,
	.on_ack		= quic_newreno_on_ack,
	.on_event	= quic_newreno_on_event,
	.on_persistent	= quic_newreno_on_persistent,
};
