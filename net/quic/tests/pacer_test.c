// SPDX-License-Identifier: GPL-2.0-only

#include <kunit/test.h>

#include "../pacer.h"

#define PKT		1200
#define START		(1000LL * NSEC_PER_SEC)
#define MS		NSEC_PER_MSEC
#define RATE		(1000 * PKT)	/* a packet each millisecond */

static void pacer_begins_with_a_burst(struct kunit *test)
{
	struct quic_pacer pacer;
	int i;

	quic_pacer_init(&pacer, RATE, 0, PKT);
	for (i = 0; i < QUIC_PACER_BURST_PACKETS; i++) {
		KUNIT_EXPECT_EQ(test, quic_pacer_next_send(&pacer, PKT, START),
				START);
		quic_pacer_on_sent(&pacer, PKT, START);
	}
	KUNIT_EXPECT_EQ(test, quic_pacer_budget(&pacer, START), 0);
	KUNIT_EXPECT_EQ(test, quic_pacer_next_send(&pacer, PKT, START),
			START + MS);
}

static void pacer_spreads_packets(struct kunit *test)
{
	struct quic_pacer pacer;
	ktime_t now = START;
	int i;

	quic_pacer_init(&pacer, RATE, 0, PKT);
	quic_pacer_on_sent(&pacer, QUIC_PACER_BURST_PACKETS * PKT, now);
	for (i = 1; i <= 100; i++) {
		now = quic_pacer_next_send(&pacer, PKT, now);
		KUNIT_ASSERT_EQ(test, now, START + i * MS);
		KUNIT_ASSERT_EQ(test, quic_pacer_budget(&pacer, now - 1), PKT - 1);
		KUNIT_ASSERT_EQ(test, quic_pacer_budget(&pacer, now), PKT);
		quic_pacer_on_sent(&pacer, PKT, now);
	}
}

/* Silence fills the bucket, and no more than that. */
static void pacer_saves_one_burst(struct kunit *test)
{
	struct quic_pacer pacer;

	quic_pacer_init(&pacer, RATE, 0, PKT);
	quic_pacer_on_sent(&pacer, QUIC_PACER_BURST_PACKETS * PKT, START);
	KUNIT_EXPECT_EQ(test, quic_pacer_budget(&pacer, START + 4 * MS),
			4 * PKT);
	KUNIT_EXPECT_EQ(test, quic_pacer_budget(&pacer, START + 3600LL * NSEC_PER_SEC),
			QUIC_PACER_BURST_PACKETS * PKT);
}

/* A path that takes larger packets: one of them may leave at once, unless the
 * burst is under way already.
 */
static void pacer_stays_full(struct kunit *test)
{
	const u32 larger = 16384;
	struct quic_pacer pacer;

	quic_pacer_init(&pacer, RATE, 0, PKT);
	quic_pacer_set_rate(&pacer, RATE, larger);
	KUNIT_EXPECT_EQ(test, quic_pacer_budget(&pacer, START),
			QUIC_PACER_BURST_PACKETS * larger);

	quic_pacer_init(&pacer, RATE, 0, PKT);
	quic_pacer_on_sent(&pacer, 4 * PKT, START);
	quic_pacer_set_rate(&pacer, RATE, larger);
	KUNIT_EXPECT_EQ(test, quic_pacer_budget(&pacer, START),
			(QUIC_PACER_BURST_PACKETS - 4) * PKT);
}

/* A timer that fires every 10 ms only (HZ=100) reaches the full rate. */
static void pacer_with_a_coarse_timer(struct kunit *test)
{
	const u64 rate = 100 * 1000 * 1000;
	struct quic_pacer pacer;
	ktime_t now = START;
	u64 sent = 0;
	int i;

	quic_pacer_init(&pacer, rate, 10 * MS, PKT);
	quic_pacer_on_sent(&pacer, quic_pacer_budget(&pacer, now), now);
	for (i = 0; i < 100; i++) {
		u64 budget;

		now += 10 * MS;
		budget = quic_pacer_budget(&pacer, now);
		quic_pacer_on_sent(&pacer, budget, now);
		sent += budget;
	}
	KUNIT_EXPECT_EQ(test, sent, rate);
}

/* At high rates it is not worth waking up for one packet. */
static void pacer_waits_for_a_batch(struct kunit *test)
{
	const u64 rate = 20 * RATE;
	struct quic_pacer pacer;

	quic_pacer_init(&pacer, rate, 0, PKT);
	quic_pacer_on_sent(&pacer, quic_pacer_budget(&pacer, START), START);
	KUNIT_EXPECT_EQ(test, quic_pacer_next_send(&pacer, 100 * PKT, START),
			START + MS);
	KUNIT_EXPECT_EQ(test, quic_pacer_next_send(&pacer, 2 * PKT, START),
			START + MS / 10);
	KUNIT_EXPECT_EQ(test, quic_pacer_budget(&pacer, START + MS), 20 * PKT);
}

/* Probes do not ask, and are paid for afterwards: one bucket at most. */
static void pacer_lends_to_probes(struct kunit *test)
{
	struct quic_pacer pacer;
	int i;

	quic_pacer_init(&pacer, RATE, 0, PKT);
	quic_pacer_on_sent(&pacer, QUIC_PACER_BURST_PACKETS * PKT, START);
	quic_pacer_on_sent(&pacer, 2 * PKT, START);
	KUNIT_EXPECT_EQ(test, quic_pacer_budget(&pacer, START + 2 * MS), 0);
	KUNIT_EXPECT_EQ(test, quic_pacer_next_send(&pacer, PKT, START + 2 * MS),
			START + 3 * MS);
	for (i = 0; i < 100; i++)
		quic_pacer_on_sent(&pacer, PKT, START + 2 * MS);
	KUNIT_EXPECT_EQ(test, quic_pacer_next_send(&pacer, PKT, START + 2 * MS),
			START + 2 * MS + (QUIC_PACER_BURST_PACKETS + 1) * MS);
}

static void pacer_follows_the_rate(struct kunit *test)
{
	struct quic_pacer pacer;

	quic_pacer_init(&pacer, RATE, 0, PKT);
	quic_pacer_on_sent(&pacer, QUIC_PACER_BURST_PACKETS * PKT, START);
	quic_pacer_set_rate(&pacer, RATE / 10, PKT);
	KUNIT_EXPECT_EQ(test, quic_pacer_next_send(&pacer, PKT, START),
			START + 10 * MS);
	quic_pacer_set_rate(&pacer, 0, PKT);	/* never divides by zero */
	KUNIT_EXPECT_EQ(test, quic_pacer_next_send(&pacer, PKT, START),
			START + PKT * 1000LL * MS);
	quic_pacer_set_rate(&pacer, 4 * RATE, PKT);
	KUNIT_EXPECT_EQ(test, quic_pacer_next_send(&pacer, PKT, START),
			START + MS / 4);
}

/* A rate whose bytes are no whole nanoseconds loses nothing to rounding. */
static void pacer_keeps_fractions(struct kunit *test)
{
	const u64 rate = 1234567;
	struct quic_pacer pacer;
	ktime_t now = START;
	u64 sent = 0;

	quic_pacer_init(&pacer, rate, 0, PKT);
	quic_pacer_on_sent(&pacer, QUIC_PACER_BURST_PACKETS * PKT, now);
	while (now < START + 10LL * NSEC_PER_SEC) {
		now += 33333;
		if (quic_pacer_budget(&pacer, now) < PKT)
			continue;
		quic_pacer_on_sent(&pacer, PKT, now);
		sent += PKT;
	}
	KUNIT_EXPECT_GE(test, sent, 10 * rate - 2 * PKT);
	KUNIT_EXPECT_LE(test, sent, 10 * rate);
}

/* The clock may stand still or step back a little between two callers. */
static void pacer_survives_time_running_back(struct kunit *test)
{
	struct quic_pacer pacer;

	quic_pacer_init(&pacer, RATE, 0, PKT);
	quic_pacer_on_sent(&pacer, QUIC_PACER_BURST_PACKETS * PKT, START);
	KUNIT_EXPECT_EQ(test, quic_pacer_budget(&pacer, START - MS), 0);
	KUNIT_EXPECT_EQ(test, quic_pacer_budget(&pacer, START + MS), PKT);
}

/* No rate and no silence is too much for the arithmetic. */
static void pacer_at_the_limits(struct kunit *test)
{
	struct quic_pacer pacer;

	quic_pacer_init(&pacer, U64_MAX, U32_MAX, 65527);
	quic_pacer_on_sent(&pacer, PKT, 0);
	quic_pacer_on_sent(&pacer, PKT, KTIME_MAX / 2);
	KUNIT_EXPECT_EQ(test, quic_pacer_budget(&pacer, KTIME_MAX / 2),
			pacer.capacity - PKT);
	pacer.tokens = -pacer.capacity;
	quic_pacer_set_rate(&pacer, 1, 65527);
	KUNIT_EXPECT_EQ(test, pacer.tokens, -pacer.capacity);
	KUNIT_EXPECT_EQ(test, quic_pacer_next_send(&pacer, PKT, KTIME_MAX / 2),
			ktime_add_ns(KTIME_MAX / 2, (pacer.capacity + PKT) *
				     NSEC_PER_SEC));
}

static struct kunit_case quic_pacer_cases[] = {
	KUNIT_CASE(pacer_begins_with_a_burst),
	KUNIT_CASE(pacer_spreads_packets),
	KUNIT_CASE(pacer_saves_one_burst),
	KUNIT_CASE(pacer_stays_full),
	KUNIT_CASE(pacer_with_a_coarse_timer),
	KUNIT_CASE(pacer_waits_for_a_batch),
	KUNIT_CASE(pacer_lends_to_probes),
	KUNIT_CASE(pacer_follows_the_rate),
	KUNIT_CASE(pacer_keeps_fractions),
	KUNIT_CASE(pacer_survives_time_running_back),
	KUNIT_CASE(pacer_at_the_limits),
	{}
};

static struct kunit_suite quic_pacer_suite = {
	.name		= "quic_pacer",
	.test_cases	= quic_pacer_cases,
};

kunit_test_suite(quic_pacer_suite);
