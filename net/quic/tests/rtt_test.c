// SPDX-License-Identifier: GPL-2.0-only

#include <kunit/test.h>

#include "../rtt.h"

#define MS	USEC_PER_MSEC

static void rtt_before_any_sample(struct kunit *test)
{
	struct quic_rtt rtt;

	quic_rtt_init(&rtt, QUIC_INITIAL_RTT_US);
	KUNIT_EXPECT_FALSE(test, rtt.has_sample);
	KUNIT_EXPECT_EQ(test, rtt.smoothed_us, 333 * MS);
	KUNIT_EXPECT_EQ(test, rtt.rttvar_us, 333 * MS / 2);
	/* RFC 9002, 6.2.2: about one second for the first PTO */
	KUNIT_EXPECT_EQ(test, quic_rtt_pto_us(&rtt), 999 * MS);
}

static void rtt_first_sample_replaces_the_guess(struct kunit *test)
{
	struct quic_rtt rtt;

	quic_rtt_init(&rtt, QUIC_INITIAL_RTT_US);
	quic_rtt_update(&rtt, 100 * MS, 20 * MS, 7);
	KUNIT_EXPECT_TRUE(test, rtt.has_sample);
	KUNIT_EXPECT_EQ(test, rtt.first_rtt_sample, 7);
	KUNIT_EXPECT_EQ(test, rtt.latest_us, 100 * MS);
	KUNIT_EXPECT_EQ(test, rtt.min_us, 100 * MS);
	KUNIT_EXPECT_EQ(test, rtt.smoothed_us, 100 * MS);
	KUNIT_EXPECT_EQ(test, rtt.rttvar_us, 50 * MS);
	KUNIT_EXPECT_EQ(test, quic_rtt_pto_us(&rtt), 300 * MS);
}

/* RFC 9002, 5.3, one step by hand: adjusted 160 - 20 = 140 ms;
 * rttvar = 3/4 * 50 + 1/4 * |100 - 140| = 47.5; srtt = 7/8 * 100 + 1/8 * 140.
 */
static void rtt_smoothing(struct kunit *test)
{
	struct quic_rtt rtt;

	quic_rtt_init(&rtt, QUIC_INITIAL_RTT_US);
	quic_rtt_update(&rtt, 100 * MS, 0, 0);
	quic_rtt_update(&rtt, 160 * MS, 20 * MS, 0);
	KUNIT_EXPECT_EQ(test, rtt.latest_us, 160 * MS);
	KUNIT_EXPECT_EQ(test, rtt.smoothed_us, 105 * MS);
	KUNIT_EXPECT_EQ(test, rtt.rttvar_us, 47500);
	KUNIT_EXPECT_EQ(test, rtt.min_us, 100 * MS);
}

/* A peer cannot talk the RTT below what was measured. */
static void rtt_delay_stops_at_min_rtt(struct kunit *test)
{
	struct quic_rtt rtt;

	quic_rtt_init(&rtt, QUIC_INITIAL_RTT_US);
	quic_rtt_update(&rtt, 100 * MS, 0, 0);
	quic_rtt_update(&rtt, 110 * MS, 10 * MS, 0);
	KUNIT_EXPECT_EQ(test, rtt.smoothed_us, 100 * MS);
	quic_rtt_update(&rtt, 108 * MS, 10 * MS, 0);
	KUNIT_EXPECT_EQ(test, rtt.smoothed_us, 101 * MS);
	quic_rtt_update(&rtt, 108 * MS, U64_MAX / 2, 0);
	KUNIT_EXPECT_EQ(test, rtt.smoothed_us, (7 * 101 + 108) * MS / 8);
	KUNIT_EXPECT_EQ(test, rtt.min_us, 100 * MS);
}

static void rtt_min_follows_real_samples(struct kunit *test)
{
	struct quic_rtt rtt;

	quic_rtt_init(&rtt, QUIC_INITIAL_RTT_US);
	quic_rtt_update(&rtt, 100 * MS, 0, 0);
	quic_rtt_update(&rtt, 40 * MS, 30 * MS, 0);
	KUNIT_EXPECT_EQ(test, rtt.min_us, 40 * MS);
	KUNIT_EXPECT_EQ(test, rtt.smoothed_us, (7 * 100 + 40) * MS / 8);
}

static void rtt_granularity_is_the_floor(struct kunit *test)
{
	struct quic_rtt rtt;
	int i;

	quic_rtt_init(&rtt, QUIC_INITIAL_RTT_US);
	for (i = 0; i < 200; i++)
		quic_rtt_update(&rtt, 50, 0, 0);
	KUNIT_EXPECT_EQ(test, rtt.smoothed_us, 50);
	KUNIT_EXPECT_EQ(test, quic_rtt_pto_us(&rtt), 50 + 1 * MS);
}

/* Hours of suspend must not overflow anything. */
static void rtt_absurd_samples_are_clamped(struct kunit *test)
{
	struct quic_rtt rtt;
	int i;

	quic_rtt_init(&rtt, QUIC_INITIAL_RTT_US);
	quic_rtt_update(&rtt, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, rtt.min_us, 1);
	for (i = 0; i < 100; i++)
		quic_rtt_update(&rtt, U64_MAX, 0, 0);
	KUNIT_EXPECT_GE(test, quic_rtt_pto_us(&rtt), rtt.smoothed_us);
	KUNIT_EXPECT_LE(test, rtt.smoothed_us, 600 * USEC_PER_SEC);
	KUNIT_EXPECT_GT(test, rtt.smoothed_us, 590 * USEC_PER_SEC);
}

static struct kunit_case quic_rtt_cases[] = {
	KUNIT_CASE(rtt_before_any_sample),
	KUNIT_CASE(rtt_first_sample_replaces_the_guess),
	KUNIT_CASE(rtt_smoothing),
	KUNIT_CASE(rtt_delay_stops_at_min_rtt),
	KUNIT_CASE(rtt_min_follows_real_samples),
	KUNIT_CASE(rtt_granularity_is_the_floor),
	KUNIT_CASE(rtt_absurd_samples_are_clamped),
	{}
};

static struct kunit_suite quic_rtt_suite = {
	.name		= "quic_rtt",
	.test_cases	= quic_rtt_cases,
};

kunit_test_suite(quic_rtt_suite);
