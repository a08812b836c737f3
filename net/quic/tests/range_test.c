// SPDX-License-Identifier: GPL-2.0-only

#include <kunit/test.h>
#include <linux/array_size.h>

#include "../range.h"

#define QUIC_TEST_RANGES	8	/* bound of the sets under test */

static void quic_range_test_expect(struct kunit *test,
				   const struct quic_range_set *set,
				   const struct quic_range *want, u32 nr)
{
	const struct quic_range *r;
	u32 i = 0;

	KUNIT_ASSERT_EQ(test, quic_range_set_count(set), nr);
	quic_range_set_for_each(r, set) {
		KUNIT_EXPECT_EQ(test, r->start, want[i].start);
		KUNIT_EXPECT_EQ(test, r->end, want[i].end);
		i++;
	}
	quic_range_set_for_each_reverse(r, set) {
		i--;
		KUNIT_EXPECT_EQ(test, r->start, want[i].start);
	}
	KUNIT_EXPECT_EQ(test, i, 0);
}

#define expect_ranges(test, set, ...)					\
	do {								\
		static const struct quic_range want[] = { __VA_ARGS__ };\
									\
		quic_range_test_expect(test, set, want, ARRAY_SIZE(want));\
	} while (0)

static struct quic_range_set *quic_range_test_set(struct kunit *test,
						  enum quic_range_policy policy)
{
	struct quic_range_set *set = test->priv;

	quic_range_set_init(set, QUIC_TEST_RANGES, policy);
	return set;
}

static int insert(struct quic_range_set *set, u64 start, u64 end)
{
	return quic_range_set_insert(set, start, end, GFP_KERNEL);
}

static int cut(struct quic_range_set *set, u64 start, u64 end)
{
	return quic_range_set_remove(set, start, end, GFP_KERNEL);
}

/* Ten apart, ten long, as many as fit: [0,10) [20,30) ... */
static void quic_range_test_fill(struct kunit *test, struct quic_range_set *set)
{
	u32 i;

	for (i = 0; i < QUIC_TEST_RANGES; i++)
		KUNIT_ASSERT_EQ(test, insert(set, 20 * i, 20 * i + 10), 0);
	KUNIT_ASSERT_EQ(test, quic_range_set_count(set), QUIC_TEST_RANGES);
}

static void range_empty(struct kunit *test)
{
	struct quic_range_set *set = quic_range_test_set(test, QUIC_RANGE_REFUSE);

	KUNIT_EXPECT_TRUE(test, quic_range_set_empty(set));
	KUNIT_EXPECT_NULL(test, quic_range_set_first(set));
	KUNIT_EXPECT_NULL(test, quic_range_set_last(set));
	KUNIT_EXPECT_NULL(test, quic_range_set_next(set, 0));
	KUNIT_EXPECT_FALSE(test, quic_range_set_has(set, 0));
	KUNIT_EXPECT_EQ(test, quic_range_set_next_missing(set, 7), 7);
	KUNIT_EXPECT_EQ(test, insert(set, 5, 5), 0);
	KUNIT_EXPECT_EQ(test, cut(set, 0, 100), 0);
	quic_range_set_remove_below(set, 100);
	KUNIT_EXPECT_TRUE(test, quic_range_set_empty(set));
}

static void range_insert_merges(struct kunit *test)
{
	struct quic_range_set *set = quic_range_test_set(test, QUIC_RANGE_REFUSE);

	insert(set, 10, 20);
	insert(set, 30, 40);
	expect_ranges(test, set, {10, 20}, {30, 40});
	insert(set, 0, 5);
	expect_ranges(test, set, {0, 5}, {10, 20}, {30, 40});
	insert(set, 20, 21);		/* touches from above */
	expect_ranges(test, set, {0, 5}, {10, 21}, {30, 40});
	insert(set, 29, 30);		/* touches from below */
	expect_ranges(test, set, {0, 5}, {10, 21}, {29, 40});
	insert(set, 12, 15);		/* lies inside */
	expect_ranges(test, set, {0, 5}, {10, 21}, {29, 40});
	insert(set, 21, 29);		/* closes a gap exactly */
	expect_ranges(test, set, {0, 5}, {10, 40});
	insert(set, 4, 50);		/* swallows */
	expect_ranges(test, set, {0, 50});
	insert(set, 52, QUIC_TEST_RANGES * 100);
	insert(set, 51, 52);
	expect_ranges(test, set, {0, 50}, {51, QUIC_TEST_RANGES * 100});
}

static void range_remove_cuts(struct kunit *test)
{
	struct quic_range_set *set = quic_range_test_set(test, QUIC_RANGE_REFUSE);

	insert(set, 0, 100);
	cut(set, 40, 60);
	expect_ranges(test, set, {0, 40}, {60, 100});
	cut(set, 40, 60);		/* what is not there */
	expect_ranges(test, set, {0, 40}, {60, 100});
	cut(set, 30, 70);		/* both sides of a gap */
	expect_ranges(test, set, {0, 30}, {70, 100});
	cut(set, 70, 71);
	cut(set, 29, 30);
	expect_ranges(test, set, {0, 29}, {71, 100});
	insert(set, 40, 50);
	cut(set, 0, 90);		/* whole ranges and a part */
	expect_ranges(test, set, {90, 100});
	cut(set, 90, 100);
	KUNIT_EXPECT_TRUE(test, quic_range_set_empty(set));
}

static void range_remove_below_keeps_the_rest(struct kunit *test)
{
	struct quic_range_set *set = quic_range_test_set(test, QUIC_RANGE_REFUSE);

	insert(set, 0, 10);
	insert(set, 20, 30);
	insert(set, 40, 50);
	quic_range_set_remove_below(set, 10);
	expect_ranges(test, set, {20, 30}, {40, 50});
	quic_range_set_remove_below(set, 20);
	expect_ranges(test, set, {20, 30}, {40, 50});
	quic_range_set_remove_below(set, 21);
	expect_ranges(test, set, {21, 30}, {40, 50});
	quic_range_set_remove_below(set, 45);
	expect_ranges(test, set, {45, 50});
	quic_range_set_remove_below(set, 51);
	KUNIT_EXPECT_TRUE(test, quic_range_set_empty(set));
}

static void range_lookup(struct kunit *test)
{
	struct quic_range_set *set = quic_range_test_set(test, QUIC_RANGE_REFUSE);

	insert(set, 10, 20);
	insert(set, 30, 40);
	insert(set, 50, 60);
	KUNIT_EXPECT_FALSE(test, quic_range_set_has(set, 9));
	KUNIT_EXPECT_TRUE(test, quic_range_set_has(set, 10));
	KUNIT_EXPECT_TRUE(test, quic_range_set_has(set, 19));
	KUNIT_EXPECT_FALSE(test, quic_range_set_has(set, 20));
	KUNIT_EXPECT_TRUE(test, quic_range_set_contains(set, 30, 40));
	KUNIT_EXPECT_FALSE(test, quic_range_set_contains(set, 30, 41));
	KUNIT_EXPECT_FALSE(test, quic_range_set_contains(set, 29, 40));
	KUNIT_EXPECT_FALSE(test, quic_range_set_contains(set, 10, 40));
	KUNIT_EXPECT_TRUE(test, quic_range_set_contains(set, 25, 25));
	KUNIT_EXPECT_TRUE(test, quic_range_set_overlaps(set, 0, 11));
	KUNIT_EXPECT_FALSE(test, quic_range_set_overlaps(set, 0, 10));
	KUNIT_EXPECT_FALSE(test, quic_range_set_overlaps(set, 20, 30));
	KUNIT_EXPECT_TRUE(test, quic_range_set_overlaps(set, 20, 31));
	KUNIT_EXPECT_FALSE(test, quic_range_set_overlaps(set, 60, 99));
	KUNIT_EXPECT_FALSE(test, quic_range_set_overlaps(set, 35, 35));
	KUNIT_EXPECT_EQ(test, quic_range_set_next_missing(set, 9), 9);
	KUNIT_EXPECT_EQ(test, quic_range_set_next_missing(set, 10), 20);
	KUNIT_EXPECT_EQ(test, quic_range_set_next_missing(set, 20), 20);
	KUNIT_EXPECT_EQ(test, quic_range_set_next(set, 19)->start, 10);
	KUNIT_EXPECT_EQ(test, quic_range_set_next(set, 20)->start, 30);
	KUNIT_EXPECT_EQ(test, quic_range_set_first(set)->start, 10);
	KUNIT_EXPECT_EQ(test, quic_range_set_last(set)->start, 50);
	KUNIT_EXPECT_NULL(test, quic_range_set_next(set, 60));
}

static void range_refuses_at_the_bound(struct kunit *test)
{
	struct quic_range_set *set = quic_range_test_set(test, QUIC_RANGE_REFUSE);

	quic_range_test_fill(test, set);
	KUNIT_EXPECT_EQ(test, insert(set, 12, 13), -ENOSPC);
	KUNIT_EXPECT_EQ(test, insert(set, 1000, 1001), -ENOSPC);
	KUNIT_EXPECT_EQ(test, cut(set, 41, 42), -ENOSPC);
	KUNIT_EXPECT_TRUE(test, quic_range_set_contains(set, 40, 50));
	KUNIT_EXPECT_FALSE(test, quic_range_set_has(set, 12));
	KUNIT_EXPECT_EQ(test, quic_range_set_count(set), QUIC_TEST_RANGES);

	/* what needs no further range still works */
	KUNIT_EXPECT_EQ(test, insert(set, 10, 12), 0);
	KUNIT_EXPECT_EQ(test, cut(set, 40, 41), 0);
	KUNIT_EXPECT_EQ(test, insert(set, 0, 30), 0);
	KUNIT_EXPECT_EQ(test, insert(set, 1000, 1001), 0);
}

static void range_forgets_the_lowest(struct kunit *test)
{
	struct quic_range_set *set = quic_range_test_set(test, QUIC_RANGE_FORGET);

	quic_range_test_fill(test, set);
	KUNIT_EXPECT_EQ(test, insert(set, 1000, 1001), 0);
	KUNIT_EXPECT_EQ(test, quic_range_set_count(set), QUIC_TEST_RANGES);
	KUNIT_EXPECT_EQ(test, quic_range_set_first(set)->start, 20);
	KUNIT_EXPECT_EQ(test, quic_range_set_last(set)->start, 1000);

	KUNIT_EXPECT_EQ(test, insert(set, 35, 36), 0);
	KUNIT_EXPECT_EQ(test, quic_range_set_first(set)->start, 35);
	KUNIT_EXPECT_TRUE(test, quic_range_set_has(set, 40));

	/* the new one is the lowest: that is the one to forget */
	KUNIT_EXPECT_EQ(test, insert(set, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, quic_range_set_first(set)->start, 35);

	/* a hole in the lowest leaves its upper part, elsewhere it costs it */
	KUNIT_EXPECT_EQ(test, insert(set, 30, 36), 0);
	KUNIT_EXPECT_EQ(test, cut(set, 32, 33), 0);
	KUNIT_EXPECT_EQ(test, quic_range_set_first(set)->start, 33);
	KUNIT_EXPECT_EQ(test, cut(set, 44, 45), 0);
	KUNIT_EXPECT_EQ(test, quic_range_set_first(set)->start, 40);
	KUNIT_EXPECT_TRUE(test, quic_range_set_contains(set, 40, 44));
	KUNIT_EXPECT_TRUE(test, quic_range_set_contains(set, 45, 50));
}

/* Against a plain map of bytes, with operations of a fixed pseudo-random row. */
static void range_agrees_with_a_map(struct kunit *test)
{
	struct quic_range_set *set = test->priv;
	u8 map[64] = {};
	u32 seed = 1, round, i, runs;

	quic_range_set_init(set, sizeof(map), QUIC_RANGE_REFUSE);
	for (round = 0; round < 2000; round++) {
		u32 start, len;

		seed = seed * 1664525 + 1013904223;
		start = (seed >> 8) % sizeof(map);
		len = min_t(u32, (seed >> 16) % 12, sizeof(map) - start);
		memset(map + start, seed >> 31, len);
		KUNIT_ASSERT_EQ(test, seed >> 31 ?
				insert(set, start, start + len) :
				cut(set, start, start + len), 0);

		for (i = 0, runs = 0; i < sizeof(map); i++) {
			KUNIT_ASSERT_EQ(test, quic_range_set_has(set, i),
					map[i]);
			runs += map[i] && (!i || !map[i - 1]);
		}
		KUNIT_ASSERT_EQ(test, quic_range_set_count(set), runs);
	}
}

static int quic_range_test_init(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct quic_range_set),
				   GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

static void quic_range_test_exit(struct kunit *test)
{
	if (test->priv)
		quic_range_set_destroy(test->priv);
}

static struct kunit_case quic_range_cases[] = {
	KUNIT_CASE(range_empty),
	KUNIT_CASE(range_insert_merges),
	KUNIT_CASE(range_remove_cuts),
	KUNIT_CASE(range_remove_below_keeps_the_rest),
	KUNIT_CASE(range_lookup),
	KUNIT_CASE(range_refuses_at_the_bound),
	KUNIT_CASE(range_forgets_the_lowest),
	KUNIT_CASE(range_agrees_with_a_map),
	{}
};

static struct kunit_suite quic_range_suite = {
	.name		= "quic_range",
	.init		= quic_range_test_init,
	.exit		= quic_range_test_exit,
	.test_cases	= quic_range_cases,
};

kunit_test_suite(quic_range_suite);
