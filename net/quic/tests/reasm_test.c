// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/prandom.h>

#include "conn.h"

#define QUIC_TEST_LEN	3000	/* of the byte string in the random test */

static struct quic_reasm *quic_reasm_test(struct kunit *test)
{
	return test->priv;
}

static void quic_reasm_test_put(struct kunit *test, u64 offset, u32 len)
{
	struct sk_buff *skb = quic_test_datagram(test, len);
	struct sk_buff *piece;

	quic_test_fill(skb->data, offset, len);
	piece = quic_piece_alloc(skb, skb->data, len, GFP_KERNEL);
	kfree_skb(skb);
	KUNIT_ASSERT_NOT_NULL(test, piece);
	quic_item(piece)->offset = offset;
	quic_reasm_insert(quic_reasm_test(test), piece);
}

/* The next piece must be [offset, offset + len) with the right bytes. */
static void quic_reasm_test_get(struct kunit *test, u64 offset, u32 len)
{
	struct sk_buff *piece = quic_reasm_pop(quic_reasm_test(test));

	KUNIT_ASSERT_NOT_NULL(test, piece);
	KUNIT_EXPECT_EQ(test, quic_item(piece)->offset, offset);
	KUNIT_EXPECT_EQ(test, piece->len, len);
	KUNIT_EXPECT_TRUE(test, quic_test_matches(piece->data, offset,
						  piece->len));
	kfree_skb(piece);
}

static void quic_reasm_test_none(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, quic_reasm_pop(quic_reasm_test(test)));
}

static void reasm_waits_for_the_gap(struct kunit *test)
{
	quic_reasm_test_put(test, 20, 10);
	quic_reasm_test_put(test, 10, 10);
	quic_reasm_test_none(test);
	quic_reasm_test_put(test, 0, 10);
	quic_reasm_test_get(test, 0, 10);
	quic_reasm_test_get(test, 10, 10);
	quic_reasm_test_get(test, 20, 10);
	quic_reasm_test_none(test);
}

static void reasm_keeps_every_byte_once(struct kunit *test)
{
	quic_reasm_test_put(test, 10, 10);
	quic_reasm_test_put(test, 10, 10);	/* the same */
	quic_reasm_test_put(test, 12, 5);	/* within */
	quic_reasm_test_put(test, 15, 10);	/* adds 20..25 */
	quic_reasm_test_put(test, 0, 15);	/* adds 0..10 */
	KUNIT_EXPECT_EQ(test, quic_reasm_test(test)->nr, 3);
	quic_reasm_test_get(test, 0, 10);
	quic_reasm_test_get(test, 10, 10);
	quic_reasm_test_get(test, 20, 5);
	quic_reasm_test_none(test);
}

static void reasm_replaces_what_is_covered(struct kunit *test)
{
	quic_reasm_test_put(test, 10, 2);
	quic_reasm_test_put(test, 14, 2);
	quic_reasm_test_put(test, 18, 4);
	quic_reasm_test_put(test, 8, 11);	/* covers two, cut by the third */
	KUNIT_EXPECT_EQ(test, quic_reasm_test(test)->nr, 2);
	quic_reasm_test_put(test, 0, 8);
	quic_reasm_test_get(test, 0, 8);
	quic_reasm_test_get(test, 8, 10);
	quic_reasm_test_get(test, 18, 4);
	quic_reasm_test_none(test);
}

static void reasm_drops_what_was_delivered(struct kunit *test)
{
	quic_reasm_test_put(test, 0, 10);
	quic_reasm_test_get(test, 0, 10);
	quic_reasm_test_put(test, 0, 10);
	quic_reasm_test_put(test, 5, 10);
	quic_reasm_test_get(test, 10, 5);
	quic_reasm_test_none(test);
	KUNIT_EXPECT_EQ(test, quic_reasm_test(test)->nr, 0);
}

static void reasm_gets_random_pieces_in_order(struct kunit *test)
{
	struct rnd_state rnd;
	struct sk_buff *piece;
	u64 next = 0;
	int i;

	prandom_seed_state(&rnd, 9000);
	for (i = 0; i < 4000; i++) {
		u32 from = prandom_u32_state(&rnd) % QUIC_TEST_LEN;
		u32 len = 1 + prandom_u32_state(&rnd) % 40;

		quic_reasm_test_put(test, from,
				    min_t(u32, len, QUIC_TEST_LEN - from));
		while ((piece = quic_reasm_pop(quic_reasm_test(test)))) {
			KUNIT_ASSERT_EQ(test, quic_item(piece)->offset, next);
			KUNIT_ASSERT_TRUE(test,
					  quic_test_matches(piece->data, next,
							    piece->len));
			next += piece->len;
			kfree_skb(piece);
		}
	}
	KUNIT_EXPECT_EQ(test, next, QUIC_TEST_LEN);
	KUNIT_EXPECT_EQ(test, quic_reasm_test(test)->nr, 0);
}

/* One byte must not hold the memory of a whole datagram. */
static void piece_copies_a_small_part(struct kunit *test)
{
	struct sk_buff *skb = quic_test_datagram(test, 4000);
	struct sk_buff *small, *large;

	small = quic_piece_alloc(skb, skb->data + 100, 1, GFP_KERNEL);
	large = quic_piece_alloc(skb, skb->data + 100, 3000, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, small);
	KUNIT_ASSERT_NOT_NULL(test, large);
	KUNIT_EXPECT_LT(test, small->truesize, skb->truesize / 2);
	KUNIT_EXPECT_EQ(test, small->len, 1);
	KUNIT_EXPECT_PTR_EQ(test, large->data, skb->data + 100);
	KUNIT_EXPECT_EQ(test, large->len, 3000);
	kfree_skb(small);
	kfree_skb(large);
	kfree_skb(skb);
}

static int quic_reasm_test_init(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct quic_reasm), GFP_KERNEL);
	if (!test->priv)
		return -ENOMEM;
	quic_reasm_init(test->priv);
	return 0;
}

static void quic_reasm_test_exit(struct kunit *test)
{
	if (test->priv)
		quic_reasm_purge(test->priv);
}

static struct kunit_case quic_reasm_cases[] = {
	KUNIT_CASE(reasm_waits_for_the_gap),
	KUNIT_CASE(reasm_keeps_every_byte_once),
	KUNIT_CASE(reasm_replaces_what_is_covered),
	KUNIT_CASE(reasm_drops_what_was_delivered),
	KUNIT_CASE(reasm_gets_random_pieces_in_order),
	KUNIT_CASE(piece_copies_a_small_part),
	{}
};

static struct kunit_suite quic_reasm_suite = {
	.name		= "quic_reasm",
	.init		= quic_reasm_test_init,
	.exit		= quic_reasm_test_exit,
	.test_cases	= quic_reasm_cases,
};

kunit_test_suite(quic_reasm_suite);
