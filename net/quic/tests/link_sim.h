/* SPDX-License-Identifier: GPL-2.0-only */
/* Flows that share a bottleneck, on a clock that jumps from event to event: a
 * link with a rate, a delay and a queue of bytes, losses by a generator with a
 * fixed seed. Ledgers, loss detection, pacing and controllers are the real ones,
 * and so are the peers' ACK policy and the ACK frames, which find their way back
 * without a queue.
 */
#ifndef _NET_QUIC_TESTS_LINK_SIM_H
#define _NET_QUIC_TESTS_LINK_SIM_H

#include <kunit/test.h>
#include <linux/prandom.h>

#include "../loss.h"

#define SIM_FLOWS	4
#define SIM_PKT		1200
#define SIM_RING	4096	/* packets, and ACK frames, on their way */
#define SIM_ACK_SIZE	104
#define SIM_MAX_ACK_DELAY_US	25000

#define MBIT		125000ULL	/* bytes per second */
#define MS		USEC_PER_MSEC

/**
 * struct sim_link - the bottleneck
 * @rate:       bytes per second
 * @delay_us:   one way
 * @queue:      bytes that may wait
 * @loss_ppm:   packets of a million that are lost whatever the queue is like
 * @mark:       bytes in the queue above which packets are marked CE, 0 for never
 * @marks_all:  every packet is marked CE
 * @swap_us:    how much later each hundredth packet arrives
 * @free:       when it will have sent what waits
 * @rnd:        for losses
 */
struct sim_link {
	u64 rate;
	u32 delay_us;
	u64 queue;
	u32 loss_ppm;
	u64 mark;
	bool marks_all;
	u32 swap_us;
	ktime_t free;
	struct rnd_state rnd;
};

struct sim_pkt {
	ktime_t at;
	u64 pn;
	u8 ecn;
};

struct sim_ack {
	ktime_t at;
	u8 len;
	u8 frame[SIM_ACK_SIZE];
};

/**
 * struct sim_flow - one connection, data in one direction
 * @rec, @spaces: the sender
 * @peer:       the receiver
 * @pkts, @first_pkt, @nr_pkts: data on its way, by arrival
 * @acks, @first_ack, @nr_acks: ACK frames on their way
 * @start:      begins then, KTIME_MAX when it has been closed
 * @app_rate:   what the program writes, bytes per second, 0 for all it can
 * @written:    bytes it has written, and not yet seen sent
 * @write_time: up to when
 * @silent:     it writes nothing
 * @probes:     packets to send whatever the window says
 * @sent, @dropped, @arrived: packets
 * @delivered:  bytes that have arrived
 * @queue_us:   sum of the times in the queue, of packets that arrived
 * @max_burst:  most packets that left at one instant
 * @blackout:   until then everything is lost
 * @claims_us:  ACK Delay that the peer claims, 0 for the true one
 * @hides_ce:   the peer reports marked packets as unmarked
 * @acks_early: the peer acknowledges what it has not received yet
 * @error:      what the connection was closed with
 */
struct sim_flow {
	struct quic_recovery rec;
	struct quic_pnspace spaces[QUIC_SPACE_MAX];
	struct quic_pnspace peer;
	struct sim_pkt *pkts;
	u32 first_pkt, nr_pkts;
	struct sim_ack *acks;
	u32 first_ack, nr_acks;
	ktime_t start;
	u64 app_rate;
	s64 written;
	ktime_t write_time;
	bool silent;
	u32 probes;
	u32 sent, dropped, arrived;
	u64 delivered;
	u64 queue_us;
	u32 max_burst;
	ktime_t blackout;
	u64 claims_us;
	bool hides_ce;
	bool acks_early;
	int error;
};

struct sim {
	struct kunit *test;
	ktime_t now;
	struct sim_link link;
	u32 nr_flows;
	struct sim_flow flows[SIM_FLOWS];
};

struct sim *sim_begin(struct kunit *test, u64 rate, u32 rtt_us, u32 bdp_percent);
struct sim_flow *sim_add(struct sim *s, const struct quic_cc_ops *cc);
void sim_run(struct sim *s, u32 ms);
void sim_count_anew(struct sim *s);
void sim_end(struct sim *s);

static inline u64 sim_bdp(const struct sim *s)
{
	return div_u64(s->link.rate * 2 * s->link.delay_us, USEC_PER_SEC);
}

/* Percent of the link that a flow has had in @ms since sim_count_anew(). */
static inline u32 sim_share(const struct sim *s, const struct sim_flow *f,
			    u32 ms)
{
	return div64_u64(f->delivered * 100 * MSEC_PER_SEC, s->link.rate * ms);
}

/* How long packets have waited in the queue on average, in percent of the RTT. */
static inline u32 sim_wait(const struct sim *s, const struct sim_flow *f)
{
	return div64_u64(100 * f->queue_us,
			 max(f->arrived, 1U) * 2ULL * s->link.delay_us);
}

#endif /* _NET_QUIC_TESTS_LINK_SIM_H */
