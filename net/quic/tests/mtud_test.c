// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>

#include "../mtud.h"

#define FLOOR	1200
#define LIMIT	1472

/* Probes until the search is complete; returns how many were sent. */
static u32 search(struct quic_mtud *mtud, u16 carried, ktime_t now)
{
	u32 nr = 0;
	u16 size;

	while ((size = quic_mtud_due(mtud, now)) && nr < 100) {
		nr++;
		quic_mtud_on_sent(mtud);
		if (size <= carried)
			quic_mtud_on_acked(mtud, size, 1000, now);
		else
			quic_mtud_on_lost(mtud, size, 1000, now);
	}
	return nr;
}

static void off_until_started(struct kunit *test)
{
	struct quic_mtud mtud = {};

	KUNIT_EXPECT_EQ(test, quic_mtud_due(&mtud, KTIME_MAX), 0);
	KUNIT_EXPECT_EQ(test, quic_mtud_deadline(&mtud), KTIME_MAX);
}

static void a_good_route_takes_one_probe(struct kunit *test)
{
	struct quic_mtud mtud;

	quic_mtud_start(&mtud, FLOOR, LIMIT, 0);
	KUNIT_EXPECT_EQ(test, search(&mtud, LIMIT, 0), 1);
	KUNIT_EXPECT_EQ(test, mtud.floor, LIMIT);
	/* There is nothing to raise. */
	KUNIT_EXPECT_EQ(test, quic_mtud_deadline(&mtud), KTIME_MAX);
}

static void every_size_is_found(struct kunit *test)
{
	struct quic_mtud mtud;
	u16 carried;
	u32 nr;

	for (carried = FLOOR; carried <= LIMIT; carried++) {
		quic_mtud_start(&mtud, FLOOR, LIMIT, 0);
		nr = search(&mtud, carried, 0);
		KUNIT_EXPECT_LE(test, nr, 20);
		KUNIT_EXPECT_LE(test, mtud.floor, carried);
		KUNIT_EXPECT_GT(test, mtud.floor + QUIC_MTUD_STEP, carried);
	}
}

static void one_probe_at_a_time(struct kunit *test)
{
	struct quic_mtud mtud;

	quic_mtud_start(&mtud, FLOOR, LIMIT, 0);
	quic_mtud_on_sent(&mtud);
	KUNIT_EXPECT_EQ(test, quic_mtud_due(&mtud, 0), 0);
	KUNIT_EXPECT_EQ(test, quic_mtud_deadline(&mtud), KTIME_MAX);
	/* Of another search. */
	quic_mtud_on_acked(&mtud, LIMIT - 1, 1000, 0);
	KUNIT_EXPECT_EQ(test, mtud.floor, FLOOR);
	quic_mtud_on_acked(&mtud, LIMIT, 1000, 0);
	KUNIT_EXPECT_EQ(test, mtud.floor, LIMIT);
}

static void three_losses_decide(struct kunit *test)
{
	struct quic_mtud mtud;
	int i;

	quic_mtud_start(&mtud, FLOOR, LIMIT, 0);
	for (i = 0; i < QUIC_MTUD_PROBES; i++) {
		KUNIT_EXPECT_EQ(test, quic_mtud_due(&mtud, 0), LIMIT);
		quic_mtud_on_sent(&mtud);
		quic_mtud_on_lost(&mtud, LIMIT, 1000, 0);
	}
	KUNIT_EXPECT_LT(test, quic_mtud_due(&mtud, 0), LIMIT);
}

static void a_path_may_become_wider(struct kunit *test)
{
	struct quic_mtud mtud;
	ktime_t later = us_to_ktime(1000);

	quic_mtud_start(&mtud, FLOOR, LIMIT, 0);
	search(&mtud, 1300, 0);
	KUNIT_EXPECT_EQ(test, quic_mtud_due(&mtud, later - 1), 0);
	KUNIT_EXPECT_EQ(test, quic_mtud_deadline(&mtud), later);
	KUNIT_EXPECT_EQ(test, quic_mtud_due(&mtud, later), LIMIT);
	search(&mtud, LIMIT, later);
	KUNIT_EXPECT_EQ(test, mtud.floor, LIMIT);
}

static void a_narrower_route_counts_at_once(struct kunit *test)
{
	struct quic_mtud mtud;

	quic_mtud_start(&mtud, FLOOR, LIMIT, 0);
	search(&mtud, LIMIT, 0);
	quic_mtud_set_limit(&mtud, 1280, 0);
	KUNIT_EXPECT_EQ(test, mtud.floor, 1280);
	quic_mtud_set_limit(&mtud, LIMIT, 0);
	KUNIT_EXPECT_EQ(test, mtud.floor, 1280);
	KUNIT_EXPECT_EQ(test, quic_mtud_due(&mtud, 0), LIMIT);
}

static void what_cannot_leave_waits(struct kunit *test)
{
	struct quic_mtud mtud;

	quic_mtud_start(&mtud, FLOOR, LIMIT, 0);
	quic_mtud_defer(&mtud, 500);
	KUNIT_EXPECT_EQ(test, quic_mtud_due(&mtud, 499), 0);
	KUNIT_EXPECT_EQ(test, quic_mtud_deadline(&mtud), 500);
	KUNIT_EXPECT_EQ(test, quic_mtud_due(&mtud, 500), LIMIT);
}

static struct kunit_case quic_mtud_cases[] = {
	KUNIT_CASE(off_until_started),
	KUNIT_CASE(a_good_route_takes_one_probe),
	KUNIT_CASE(every_size_is_found),
	KUNIT_CASE(one_probe_at_a_time),
	KUNIT_CASE(three_losses_decide),
	KUNIT_CASE(a_path_may_become_wider),
	KUNIT_CASE(a_narrower_route_counts_at_once),
	KUNIT_CASE(what_cannot_leave_waits),
	{}
};

static struct kunit_suite quic_mtud_suite = {
	.name = "quic_mtud",
	.test_cases = quic_mtud_cases,
};

kunit_test_suite(quic_mtud_suite);
