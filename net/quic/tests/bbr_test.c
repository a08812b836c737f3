// SPDX-License-Identifier: GPL-2.0-only
/* BBR on a simulated link, the cases of draft-ietf-ccwg-bbr, appendix "BBR
 * Example Test Cases" and some more.
 */
#include <linux/math64.h>

#include "../bbr.h"
#include "link_sim.h"

#define RTT_US	(40 * MS)
#define RATE	(20 * MBIT)	/* a bandwidth-delay product of 83 packets */

static struct quic_bbr *model(struct sim_flow *f)
{
	return quic_cc_priv(&f->rec.cc);
}

static struct sim *begin(struct kunit *test, u32 bdp_percent)
{
	struct sim *s = sim_begin(test, RATE, RTT_US, bdp_percent);

	test->priv = s;
	sim_add(s, &quic_cc_bbr);
	return s;
}

static void expect_bw(struct sim *s, struct sim_flow *f, u32 low, u32 high)
{
	u64 percent = div64_u64(100 * quic_bbr_max_bw(model(f)), s->link.rate);

	KUNIT_EXPECT_GE(s->test, percent, low);
	KUNIT_EXPECT_LE(s->test, percent, high);
}

/* Wait until the flow is in @state, for some time at most. */
static void reach(struct sim *s, struct sim_flow *f, u8 state, u32 ms)
{
	while (model(f)->state != state && ms--)
		sim_run(s, 1);
	KUNIT_ASSERT_EQ(s->test, model(f)->state, state);
}

/* Startup doubles until the rate stays, Drain empties the queue. */
static void bbr_starts_up_and_drains(struct kunit *test)
{
	struct sim *s = begin(test, 300);
	struct sim_flow *f = &s->flows[0];
	u32 ms;

	KUNIT_EXPECT_TRUE(test, quic_cc_in_slow_start(&f->rec.cc));
	reach(s, f, QUIC_BBR_DRAIN, 1000);
	KUNIT_EXPECT_TRUE(test, model(f)->full_bw_now);
	KUNIT_EXPECT_FALSE(test, quic_cc_in_slow_start(&f->rec.cc));
	KUNIT_EXPECT_EQ(test, f->dropped, 0);
	expect_bw(s, f, 98, 102);
	KUNIT_EXPECT_LT(test, f->rec.pacer.rate, RATE * 51 / 100);

	for (ms = 0; model(f)->state == QUIC_BBR_DRAIN && ms < 4 * 40; ms++)
		sim_run(s, 1);
	KUNIT_EXPECT_TRUE(test, quic_bbr_in_probe_bw(model(f)));
	KUNIT_EXPECT_LE(test, f->rec.cc.bytes_in_flight,
			quic_bbr_inflight(&f->rec.cc, model(f), model(f)->bw));
}

/* The link is full and the queue is not. */
static void bbr_finds_the_bandwidth(struct kunit *test)
{
	struct sim *s = begin(test, 200);
	struct sim_flow *f = &s->flows[0];

	sim_run(s, 1000);
	sim_count_anew(s);
	sim_run(s, 20000);
	KUNIT_EXPECT_GE(test, sim_share(s, f, 20000), 93);
	KUNIT_EXPECT_LE(test, sim_wait(s, f), 25);
	KUNIT_EXPECT_EQ(test, f->dropped, 0);
	KUNIT_EXPECT_LE(test, f->max_burst, QUIC_PACER_BURST_PACKETS);
	expect_bw(s, f, 98, 102);
	KUNIT_EXPECT_LE(test, model(f)->min_rtt_us, RTT_US + MS);
}

/* More bandwidth is found by probing, less by the filter's end. */
static void bbr_follows_the_bandwidth(struct kunit *test)
{
	struct sim *s = begin(test, 200);
	struct sim_flow *f = &s->flows[0];

	sim_run(s, 3000);
	s->link.rate *= 2;
	sim_run(s, 8000);
	expect_bw(s, f, 95, 102);
	s->link.rate /= 4;
	sim_run(s, 12000);
	expect_bw(s, f, 95, 110);
}

/* Each five seconds the queue, if there is one, gets a chance to empty. */
static void bbr_probes_the_rtt(struct kunit *test)
{
	struct sim *s = begin(test, 200);
	struct sim_flow *f = &s->flows[0];
	u64 cwnd;

	reach(s, f, QUIC_BBR_CRUISE, 2000);
	cwnd = f->rec.cc.cwnd;
	reach(s, f, QUIC_BBR_PROBE_RTT, 6000);
	sim_run(s, 2 * RTT_US / MS);
	KUNIT_EXPECT_EQ(test, model(f)->state, QUIC_BBR_PROBE_RTT);
	KUNIT_EXPECT_LE(test, f->rec.cc.cwnd, sim_bdp(s) * 52 / 100);
	KUNIT_EXPECT_LE(test, f->rec.cc.bytes_in_flight, f->rec.cc.cwnd);
	sim_run(s, 100);
	KUNIT_EXPECT_EQ(test, model(f)->state, QUIC_BBR_PROBE_RTT);
	reach(s, f, QUIC_BBR_CRUISE, 150);
	KUNIT_EXPECT_GE(test, f->rec.cc.cwnd, cwnd * 95 / 100);
	expect_bw(s, f, 98, 102);	/* low rates then were our own doing */
}

/* Losses at random are not what a full queue looks like: the rate follows them
 * down, a hundredth each round trip, until bandwidth is probed again.
 */
static void bbr_tolerates_loss(struct kunit *test)
{
	struct sim *s = begin(test, 100);
	struct sim_flow *f = &s->flows[0];

	s->link.loss_ppm = 10000;
	sim_run(s, 2000);
	sim_count_anew(s);
	sim_run(s, 20000);
	KUNIT_EXPECT_GE(test, sim_share(s, f, 20000), 70);
	KUNIT_EXPECT_GT(test, f->dropped, 200);
}

/* A queue that holds a tenth of the path: probing learns what it bears. */
static void bbr_on_a_shallow_queue(struct kunit *test)
{
	struct sim *s = begin(test, 10);
	struct sim_flow *f = &s->flows[0];

	sim_run(s, 5000);
	sim_count_anew(s);
	sim_run(s, 20000);
	KUNIT_EXPECT_NE(test, model(f)->inflight_longterm, QUIC_BBR_INF);
	KUNIT_EXPECT_GE(test, sim_share(s, f, 20000), 75);
	KUNIT_EXPECT_LE(test, f->dropped * 50, f->sent);
}

/* Much is lost before the rate has stayed for three rounds. */
static void bbr_leaves_startup_for_losses(struct kunit *test)
{
	struct sim *s = begin(test, 100);
	struct sim_flow *f = &s->flows[0];

	f->app_rate = RATE / 10;	/* never the network's limit */
	sim_run(s, 3000);
	KUNIT_EXPECT_EQ(test, model(f)->state, QUIC_BBR_STARTUP);
	f->app_rate = RATE / 2;
	s->link.loss_ppm = 200000;
	sim_run(s, 3000);
	KUNIT_EXPECT_NE(test, model(f)->state, QUIC_BBR_STARTUP);
	KUNIT_EXPECT_TRUE(test, model(f)->full_bw_reached);
	KUNIT_EXPECT_NE(test, model(f)->inflight_longterm, QUIC_BBR_INF);
}

/* A program that is slow tells nothing of the network, however long. */
static void bbr_of_a_slow_program(struct kunit *test)
{
	struct sim *s = begin(test, 100);
	struct sim_flow *f = &s->flows[0];

	sim_run(s, 3000);
	expect_bw(s, f, 98, 102);
	f->written = 0;
	f->app_rate = RATE / 20;
	sim_run(s, 30000);
	expect_bw(s, f, 98, 102);
	f->app_rate = 0;
	sim_run(s, 200);
	sim_count_anew(s);
	sim_run(s, 2000);
	KUNIT_EXPECT_GE(test, sim_share(s, f, 2000), 90);
}

/* After a pause it goes on at its pace at once, and the pause was as good as
 * ProbeRTT.
 */
static void bbr_after_a_pause(struct kunit *test)
{
	struct sim *s = begin(test, 200);
	struct sim_flow *f = &s->flows[0];
	u64 cwnd;
	int i;

	reach(s, f, QUIC_BBR_CRUISE, 2000);
	cwnd = f->rec.cc.cwnd;
	f->silent = true;
	sim_run(s, 7000);
	KUNIT_ASSERT_EQ(test, f->rec.cc.bytes_in_flight, 0);
	sim_count_anew(s);
	f->silent = false;
	sim_run(s, 1);
	KUNIT_EXPECT_TRUE(test, model(f)->idle_restart);
	KUNIT_EXPECT_LE(test, f->rec.pacer.rate, RATE);
	KUNIT_EXPECT_GE(test, f->rec.pacer.rate, RATE * 95 / 100);
	KUNIT_EXPECT_EQ(test, f->rec.cc.cwnd, cwnd);
	for (i = 0; i < 300; i++) {
		sim_run(s, 1);
		KUNIT_ASSERT_NE(test, model(f)->state, QUIC_BBR_PROBE_RTT);
	}
	KUNIT_EXPECT_LE(test, f->max_burst, QUIC_PACER_BURST_PACKETS);
	KUNIT_EXPECT_EQ(test, f->dropped, 0);
	/* 260 of 300 ms are time in which something can have arrived */
	KUNIT_EXPECT_GE(test, sim_share(s, f, 300), 80);
}

/* Two flows, one much later than the other. */
static void bbr_shares_with_its_like(struct kunit *test)
{
	struct sim *s = begin(test, 200);
	struct sim_flow *a = &s->flows[0], *b;

	sim_run(s, 5000);
	b = sim_add(s, &quic_cc_bbr);
	sim_run(s, 20000);
	sim_count_anew(s);
	sim_run(s, 30000);
	KUNIT_EXPECT_GE(test, sim_share(s, a, 30000), 30);
	KUNIT_EXPECT_GE(test, sim_share(s, b, 30000), 30);
	KUNIT_EXPECT_GE(test, sim_share(s, a, 30000) + sim_share(s, b, 30000),
			90);
	KUNIT_EXPECT_LE(test, sim_wait(s, a), 150);
}

/* Marks instead of losses: the queue stays near where they begin. */
static void bbr_heeds_marks(struct kunit *test)
{
	struct sim *s = begin(test, 1000);
	struct sim_flow *f = &s->flows[0];

	s->link.mark = sim_bdp(s) / 10;
	reach(s, f, QUIC_BBR_DRAIN, 1000);
	sim_run(s, 2000);
	KUNIT_EXPECT_EQ(test, f->rec.ecn.state, QUIC_ECN_CAPABLE);
	KUNIT_EXPECT_NE(test, model(f)->inflight_longterm, QUIC_BBR_INF);
	sim_count_anew(s);
	sim_run(s, 20000);
	KUNIT_EXPECT_GE(test, sim_share(s, f, 20000), 80);
	KUNIT_EXPECT_LE(test, sim_wait(s, f), 20);
	KUNIT_EXPECT_EQ(test, f->dropped, 0);
}

/* Nothing comes through for seconds: the window is the minimum, and a few round
 * trips later what it was.
 */
static void bbr_after_a_blackout(struct kunit *test)
{
	struct sim *s = begin(test, 100);
	struct sim_flow *f = &s->flows[0];
	u64 least = U64_MAX;
	int i;

	sim_run(s, 3000);
	f->blackout = ktime_add_ms(s->now, 3000);
	for (i = 0; i < 6000; i++) {
		sim_run(s, 1);
		least = min(least, f->rec.cc.cwnd);
	}
	KUNIT_EXPECT_LE(test, least, quic_bbr_min_pipe(&f->rec.cc));
	sim_count_anew(s);
	sim_run(s, 5000);
	KUNIT_EXPECT_GE(test, sim_share(s, f, 5000), 80);
	expect_bw(s, f, 90, 105);
}

/* Packets overtake each other: what looked like losses is taken back. */
static void bbr_takes_losses_back(struct kunit *test)
{
	struct sim *s = begin(test, 100);
	struct sim_flow *f = &s->flows[0];

	s->link.swap_us = 5 * MS;
	sim_run(s, 10000);
	KUNIT_EXPECT_GT(test, f->rec.spurious_pkts, 0);
	sim_count_anew(s);
	sim_run(s, 10000);
	KUNIT_EXPECT_GE(test, sim_share(s, f, 10000), 90);
}

static void quic_bbr_test_exit(struct kunit *test)
{
	if (test->priv)
		sim_end(test->priv);
}

static struct kunit_case quic_bbr_cases[] = {
	KUNIT_CASE(bbr_starts_up_and_drains),
	KUNIT_CASE(bbr_finds_the_bandwidth),
	KUNIT_CASE(bbr_follows_the_bandwidth),
	KUNIT_CASE(bbr_probes_the_rtt),
	KUNIT_CASE(bbr_tolerates_loss),
	KUNIT_CASE(bbr_on_a_shallow_queue),
	KUNIT_CASE(bbr_leaves_startup_for_losses),
	KUNIT_CASE(bbr_of_a_slow_program),
	KUNIT_CASE(bbr_after_a_pause),
	KUNIT_CASE(bbr_shares_with_its_like),
	KUNIT_CASE(bbr_heeds_marks),
	KUNIT_CASE(bbr_after_a_blackout),
	KUNIT_CASE(bbr_takes_losses_back),
	{}
};

static struct kunit_suite quic_bbr_suite = {
	.name		= "quic_bbr",
	.exit		= quic_bbr_test_exit,
	.test_cases	= quic_bbr_cases,
};

kunit_test_suite(quic_bbr_suite);
