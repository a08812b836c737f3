// SPDX-License-Identifier: GPL-2.0-only
/* Every controller on a simulated link: what all of them owe to the network and
 * to their program, and what tells them apart.
 */
#include <linux/math64.h>

#include "link_sim.h"

#define RTT_US	(40 * MS)
#define RATE	(20 * MBIT)	/* a bandwidth-delay product of 83 packets */

/**
 * struct link_case - a controller and what is expected of it, in percent
 * @cc:       controller
 * @full:     of the link at least, on a queue of one bandwidth-delay product
 * @wait:     of the round-trip time at most, that packets wait there
 * @lossy:    of the link at least and at most, with losses of 1 %: an ideal
 *            sender that hears of each packet by itself has 13.5 with NewReno
 *            and 15.5 with CUBIC
 * @jain:     fairness of two flows of it at least
 */
struct link_case {
	const struct quic_cc_ops *cc;
	u32 full;
	u32 wait;
	u32 lossy[2];
	u32 jain;
};

static const struct link_case link_cases[] = {
	{ &quic_cc_newreno, 95, 70, { 12, 15 }, 85 },
	{ &quic_cc_cubic,   95, 90, { 14, 17 }, 85 },
	{ &quic_cc_bbr,     90, 20, { 70, 100 }, 85 },
};

static void link_case_name(const struct link_case *c, char *name)
{
	strscpy(name, c->cc->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(link, link_cases, link_case_name);

static struct sim *begin(struct kunit *test, u32 bdp_percent)
{
	const struct link_case *c = test->param_value;
	struct sim *s = sim_begin(test, RATE, RTT_US, bdp_percent);

	test->priv = s;
	sim_add(s, c->cc);
	return s;
}

/* Slow start, and whatever comes then, keep the link busy. */
static void link_is_used(struct kunit *test)
{
	const struct link_case *c = test->param_value;
	struct sim *s = begin(test, 100);
	struct sim_flow *f = &s->flows[0];

	sim_run(s, 1000);
	KUNIT_EXPECT_GE(test, sim_share(s, f, 1000), 60);
	sim_run(s, 4000);
	sim_count_anew(s);
	sim_run(s, 20000);
	KUNIT_EXPECT_GE(test, sim_share(s, f, 20000), c->full);
	KUNIT_EXPECT_LE(test, sim_wait(s, f), c->wait);
	KUNIT_EXPECT_LE(test, f->dropped * 100, f->sent);
	KUNIT_EXPECT_LE(test, f->max_burst, QUIC_PACER_BURST_PACKETS);
}

/* RFC 9002, 7.3.1: slow start does not drown a small queue for long. */
static void link_survives_slow_start(struct kunit *test)
{
	struct sim *s = begin(test, 25);
	struct sim_flow *f = &s->flows[0];

	sim_run(s, 10000);
	sim_count_anew(s);
	sim_run(s, 10000);
	KUNIT_EXPECT_GE(test, sim_share(s, f, 10000), 70);
	KUNIT_EXPECT_LE(test, f->dropped * 50, f->sent);
}

static void link_with_random_losses(struct kunit *test)
{
	const struct link_case *c = test->param_value;
	struct sim *s = begin(test, 100);
	struct sim_flow *f = &s->flows[0];

	s->link.loss_ppm = 10000;
	sim_run(s, 5000);
	sim_count_anew(s);
	sim_run(s, 60000);
	KUNIT_EXPECT_GE(test, sim_share(s, f, 60000), c->lossy[0]);
	KUNIT_EXPECT_LE(test, sim_share(s, f, 60000), c->lossy[1]);
}

/* A route that becomes forty times as long: what a round trip takes is known again
 * as soon as the shortest of the last ten seconds is one of the new ones.
 */
static void link_that_becomes_longer(struct kunit *test)
{
	struct sim *s = begin(test, 100);
	struct sim_flow *f = &s->flows[0];

	s->link.delay_us = MS / 2;
	sim_run(s, 1000);
	s->link.delay_us = RTT_US / 2;
	sim_run(s, 20000);
	sim_count_anew(s);
	sim_run(s, 10000);
	KUNIT_EXPECT_GE(test, sim_share(s, f, 10000), 85);
}

/* The second comes when the first has the link to itself. */
static void link_is_shared(struct kunit *test)
{
	const struct link_case *c = test->param_value;
	struct sim *s = begin(test, 100);
	u64 a, b;

	sim_run(s, 5000);
	sim_add(s, c->cc);
	sim_run(s, 20000);
	sim_count_anew(s);
	sim_run(s, 40000);
	a = sim_share(s, &s->flows[0], 40000);
	b = sim_share(s, &s->flows[1], 40000);
	KUNIT_EXPECT_GE(test, a + b, c->full);
	/* Jain's index: (a + b)^2 / 2 (a^2 + b^2) */
	KUNIT_EXPECT_GE(test, div64_u64(100 * (a + b) * (a + b),
					2 * (a * a + b * b)), c->jain);
}

/* Neither starves who came before. */
static void link_is_shared_with_cubic(struct kunit *test)
{
	struct sim *s = begin(test, 100);
	struct sim_flow *f = &s->flows[0], *cubic;

	sim_run(s, 5000);
	cubic = sim_add(s, &quic_cc_cubic);
	sim_run(s, 10000);
	sim_count_anew(s);
	sim_run(s, 60000);
	KUNIT_EXPECT_GE(test, sim_share(s, f, 60000), 15);
	KUNIT_EXPECT_GE(test, sim_share(s, cubic, 60000), 15);
}

/* RFC 9438, 4.9.2 and its like: packets that come late were not lost. */
static void link_that_reorders(struct kunit *test)
{
	struct sim *s = begin(test, 100);
	struct sim_flow *f = &s->flows[0];

	s->link.swap_us = 5 * MS;
	sim_run(s, 5000);
	KUNIT_EXPECT_GT(test, f->rec.spurious_pkts, 0);
	sim_count_anew(s);
	sim_run(s, 10000);
	KUNIT_EXPECT_GE(test, sim_share(s, f, 10000), 85);
}

/* RFC 9002, 7.6: after seconds without an answer the window is the minimum, and
 * it is found again.
 */
static void link_that_comes_back(struct kunit *test)
{
	struct sim *s = begin(test, 100);
	struct sim_flow *f = &s->flows[0];
	u64 least = U64_MAX;
	u32 ms;

	sim_run(s, 3000);
	f->blackout = ktime_add_ms(s->now, 4000);
	for (ms = 0; ms < 10000; ms++) {
		sim_run(s, 1);
		least = min(least, f->rec.cc.cwnd);
	}
	KUNIT_EXPECT_LE(test, least, 6 * SIM_PKT);
	sim_count_anew(s);
	sim_run(s, 10000);
	KUNIT_EXPECT_GE(test, sim_share(s, f, 10000), 80);
}

/* RFC 9002, 7.8: what a slow program leaves over does not become a burst. */
static void link_with_a_slow_program(struct kunit *test)
{
	struct sim *s = begin(test, 100);
	struct sim_flow *f = &s->flows[0];

	f->app_rate = RATE / 10;
	sim_run(s, 30000);
	KUNIT_EXPECT_LE(test, f->rec.cc.cwnd, sim_bdp(s));
	KUNIT_EXPECT_EQ(test, f->dropped, 0);
	f->app_rate = 0;
	sim_count_anew(s);
	sim_run(s, 40);
	KUNIT_EXPECT_LE(test, f->max_burst, QUIC_PACER_BURST_PACKETS);
	KUNIT_EXPECT_EQ(test, f->dropped, 0);
	sim_run(s, 4960);
	KUNIT_EXPECT_GE(test, sim_share(s, f, 5000), 75);
}

/* RFC 9002, 7.8: a pause, and the link is full again soon. */
static void link_after_a_pause(struct kunit *test)
{
	struct sim *s = begin(test, 100);
	struct sim_flow *f = &s->flows[0];

	sim_run(s, 5000);
	f->silent = true;
	sim_run(s, 3000);
	KUNIT_ASSERT_EQ(test, f->rec.cc.bytes_in_flight, 0);
	f->silent = false;
	sim_count_anew(s);
	sim_run(s, 40);
	KUNIT_EXPECT_EQ(test, f->dropped, 0);
	KUNIT_EXPECT_LE(test, f->max_burst, QUIC_PACER_BURST_PACKETS);
	sim_run(s, 3960);
	KUNIT_EXPECT_GE(test, sim_share(s, f, 4000), 75);
}

/* RFC 9000, 21.4: who acknowledges what is still on its way is caught by a number
 * that was left out, and has not got more than a few windows by then.
 */
static void link_to_an_optimist(struct kunit *test)
{
	struct sim *s = begin(test, 100);
	struct sim_flow *f = &s->flows[0];
	struct quic_pnspace *space = &f->spaces[QUIC_SPACE_APP];

	quic_pnspace_destroy(space);
	quic_pnspace_init(space, QUIC_SPACE_APP);	/* leaves numbers out */
	sim_run(s, 2000);
	KUNIT_ASSERT_EQ(test, f->error, 0);	/* not as long as it is honest */
	KUNIT_ASSERT_GT(test, space->nr_skipped, 1);
	sim_count_anew(s);
	f->acks_early = true;
	sim_run(s, 10000);
	KUNIT_EXPECT_EQ(test, f->error, QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION);
	KUNIT_EXPECT_LE(test, f->sent, 2048);
}

/* RFC 9002, 5.3: a claimed delay is believed up to max_ack_delay, and never takes
 * a round trip below the shortest one. The rate is the link's all the same.
 */
static void link_to_a_peer_that_claims_delays(struct kunit *test)
{
	const struct link_case *c = test->param_value;
	struct sim *s = begin(test, 100);
	struct sim_flow *f = &s->flows[0];
	u32 ms;

	f->claims_us = QUIC_VARINT_MAX >> 3;
	sim_run(s, 1000);
	for (ms = 0; ms < 3000; ms++) {
		sim_run(s, 1);
		KUNIT_ASSERT_GE(test, f->rec.rtt.smoothed_us, RTT_US);
		KUNIT_ASSERT_GE(test, f->rec.rtt.min_us, RTT_US);
	}
	sim_count_anew(s);
	sim_run(s, 10000);
	KUNIT_EXPECT_GE(test, sim_share(s, f, 10000), c->full);
	KUNIT_EXPECT_LE(test, f->dropped * 50, f->sent);
}

/* A receiver that keeps marks to itself gets losses instead. */
static void link_to_a_peer_that_hides_marks(struct kunit *test)
{
	const struct link_case *c = test->param_value;
	struct sim *s = begin(test, 100);
	struct sim_flow *f = &s->flows[0];

	s->link.mark = sim_bdp(s) / 10;
	f->hides_ce = true;
	sim_run(s, 5000);
	KUNIT_EXPECT_EQ(test, f->rec.ecn.state, QUIC_ECN_CAPABLE);
	sim_count_anew(s);
	sim_run(s, 20000);
	KUNIT_EXPECT_GE(test, sim_share(s, f, 20000), c->full);
	KUNIT_EXPECT_LE(test, sim_wait(s, f), c->wait);
	KUNIT_EXPECT_LE(test, f->dropped * 100, f->sent);
}

/* One that reports everything as marked slows down only what it gets itself:
 * the window has a floor, and ECN goes on being what it was.
 */
static void link_that_marks_everything(struct kunit *test)
{
	struct sim *s = begin(test, 100);
	struct sim_flow *f = &s->flows[0];

	sim_run(s, 1000);
	s->link.marks_all = true;
	sim_run(s, 10000);
	KUNIT_EXPECT_EQ(test, f->rec.ecn.state, QUIC_ECN_CAPABLE);
	KUNIT_EXPECT_GE(test, f->rec.cc.cwnd, quic_cc_min_cwnd(&f->rec.cc));
	sim_count_anew(s);
	sim_run(s, 5000);
	KUNIT_EXPECT_GT(test, f->delivered, 0);
	KUNIT_EXPECT_EQ(test, f->dropped, 0);
	KUNIT_EXPECT_LE(test, sim_wait(s, f), 5);
}

static void quic_link_test_exit(struct kunit *test)
{
	if (test->priv)
		sim_end(test->priv);
}

static struct kunit_case quic_link_cases[] = {
	KUNIT_CASE_PARAM(link_is_used, link_gen_params),
	KUNIT_CASE_PARAM(link_survives_slow_start, link_gen_params),
	KUNIT_CASE_PARAM(link_with_random_losses, link_gen_params),
	KUNIT_CASE_PARAM(link_that_becomes_longer, link_gen_params),
	KUNIT_CASE_PARAM(link_is_shared, link_gen_params),
	KUNIT_CASE_PARAM(link_is_shared_with_cubic, link_gen_params),
	KUNIT_CASE_PARAM(link_that_reorders, link_gen_params),
	KUNIT_CASE_PARAM(link_that_comes_back, link_gen_params),
	KUNIT_CASE_PARAM(link_with_a_slow_program, link_gen_params),
	KUNIT_CASE_PARAM(link_after_a_pause, link_gen_params),
	KUNIT_CASE_PARAM(link_to_an_optimist, link_gen_params),
	KUNIT_CASE_PARAM(link_to_a_peer_that_claims_delays, link_gen_params),
	KUNIT_CASE_PARAM(link_to_a_peer_that_hides_marks, link_gen_params),
	KUNIT_CASE_PARAM(link_that_marks_everything, link_gen_params),
	{}
};

static struct kunit_suite quic_link_suite = {
	.name		= "quic_link",
	.exit		= quic_link_test_exit,
	.test_cases	= quic_link_cases,
};

kunit_test_suite(quic_link_suite);
