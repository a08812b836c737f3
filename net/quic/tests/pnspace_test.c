// SPDX-License-Identifier: GPL-2.0-only

#include <kunit/test.h>
#include <net/inet_ecn.h>

#include "../pnspace.h"

#define MAX_ACK_DELAY_US	25000
#define START			(1000LL * NSEC_PER_SEC)

static struct quic_pnspace *quic_pnspace_test_space(struct kunit *test,
						    enum quic_space_id id)
{
	struct quic_pnspace *space = test->priv;

	quic_pnspace_init(space, id);
	return space;
}

static void arrive_at(struct quic_pnspace *space, u64 pn, ktime_t now)
{
	quic_pnspace_on_received(space, pn, true, INET_ECN_NOT_ECT, now,
				 MAX_ACK_DELAY_US, false);
}

static void arrive(struct quic_pnspace *space, u64 pn)
{
	arrive_at(space, pn, START);
}

static void arrive_quietly(struct quic_pnspace *space, u64 pn)
{
	quic_pnspace_on_received(space, pn, false, INET_ECN_NOT_ECT, START,
				 MAX_ACK_DELAY_US, false);
}

/* RFC 9000, 13.2.2: the first waits, the second makes an ACK due. */
static void ack_every_second_packet(struct kunit *test)
{
	struct quic_pnspace *space = quic_pnspace_test_space(test, QUIC_SPACE_APP);
	ktime_t deadline = ktime_add_us(START, MAX_ACK_DELAY_US);

	KUNIT_EXPECT_EQ(test, quic_pnspace_ack_deadline(space), KTIME_MAX);
	arrive(space, 0);
	KUNIT_EXPECT_TRUE(test, quic_pnspace_ack_useful(space));
	KUNIT_EXPECT_FALSE(test, quic_pnspace_ack_due(space, START));
	KUNIT_EXPECT_EQ(test, quic_pnspace_ack_deadline(space), deadline);
	KUNIT_EXPECT_FALSE(test, quic_pnspace_ack_due(space, deadline - 1));
	KUNIT_EXPECT_TRUE(test, quic_pnspace_ack_due(space, deadline));

	arrive(space, 1);
	KUNIT_EXPECT_TRUE(test, quic_pnspace_ack_due(space, START));
	KUNIT_EXPECT_EQ(test, quic_pnspace_ack_deadline(space), 0);

	quic_pnspace_on_ack_sent(space);
	KUNIT_EXPECT_FALSE(test, quic_pnspace_ack_due(space, KTIME_MAX - 1));
	KUNIT_EXPECT_EQ(test, quic_pnspace_ack_deadline(space), KTIME_MAX);
	arrive(space, 2);
	KUNIT_EXPECT_FALSE(test, quic_pnspace_ack_due(space, START));
}

/* RFC 9000, 13.2.1: packets that only acknowledge never make an ACK due, but
 * the next ACK reports them.
 */
static void ack_is_not_acknowledged(struct kunit *test)
{
	struct quic_pnspace *space = quic_pnspace_test_space(test, QUIC_SPACE_APP);
	int i;

	for (i = 0; i < 10; i++)
		arrive_quietly(space, i);
	KUNIT_EXPECT_FALSE(test, quic_pnspace_ack_useful(space));
	KUNIT_EXPECT_FALSE(test, quic_pnspace_ack_due(space, KTIME_MAX - 1));
	KUNIT_EXPECT_TRUE(test, quic_range_set_contains(&space->received, 0, 10));
}

static void ack_at_once_in_the_handshake(struct kunit *test)
{
	struct quic_pnspace *space;

	space = quic_pnspace_test_space(test, QUIC_SPACE_INITIAL);
	arrive(space, 0);
	KUNIT_EXPECT_TRUE(test, quic_pnspace_ack_due(space, START));
	quic_pnspace_destroy(space);
	KUNIT_EXPECT_FALSE(test, quic_pnspace_ack_due(space, START));

	space = quic_pnspace_test_space(test, QUIC_SPACE_HANDSHAKE);
	arrive(space, 0);
	KUNIT_EXPECT_TRUE(test, quic_pnspace_ack_due(space, START));
}

static void ack_at_once_when_asked(struct kunit *test)
{
	struct quic_pnspace *space = quic_pnspace_test_space(test, QUIC_SPACE_APP);

	quic_pnspace_on_received(space, 0, true, INET_ECN_NOT_ECT, START,
				 MAX_ACK_DELAY_US, true);
	KUNIT_EXPECT_TRUE(test, quic_pnspace_ack_due(space, START));
}

/* Four arrives after a gap, three fills it late: both tell of trouble. */
static void ack_at_once_after_reordering(struct kunit *test)
{
	struct quic_pnspace *space = quic_pnspace_test_space(test, QUIC_SPACE_APP);

	arrive(space, 0);
	arrive(space, 1);
	quic_pnspace_on_ack_sent(space);

	arrive(space, 4);
	KUNIT_EXPECT_TRUE(test, quic_pnspace_ack_due(space, START));
	quic_pnspace_on_ack_sent(space);

	arrive(space, 3);
	KUNIT_EXPECT_TRUE(test, quic_pnspace_ack_due(space, START));
	quic_pnspace_on_ack_sent(space);

	arrive(space, 5);		/* in order again */
	KUNIT_EXPECT_FALSE(test, quic_pnspace_ack_due(space, START));
}

/* A quiet packet between two others is no gap. */
static void ack_waits_across_quiet_packets(struct kunit *test)
{
	struct quic_pnspace *space = quic_pnspace_test_space(test, QUIC_SPACE_APP);

	arrive(space, 0);
	quic_pnspace_on_ack_sent(space);
	arrive_quietly(space, 1);
	arrive(space, 2);
	KUNIT_EXPECT_FALSE(test, quic_pnspace_ack_due(space, START));
}

static void ack_at_once_for_congestion(struct kunit *test)
{
	struct quic_pnspace *space = quic_pnspace_test_space(test, QUIC_SPACE_APP);

	KUNIT_EXPECT_FALSE(test, quic_pnspace_has_ecn(space));
	quic_pnspace_on_received(space, 0, true, INET_ECN_ECT_0, START,
				 MAX_ACK_DELAY_US, false);
	KUNIT_EXPECT_FALSE(test, quic_pnspace_ack_due(space, START));
	quic_pnspace_on_ack_sent(space);
	quic_pnspace_on_received(space, 1, true, INET_ECN_CE, START,
				 MAX_ACK_DELAY_US, false);
	KUNIT_EXPECT_TRUE(test, quic_pnspace_ack_due(space, START));
	quic_pnspace_on_received(space, 2, false, INET_ECN_ECT_1, START,
				 MAX_ACK_DELAY_US, false);

	KUNIT_EXPECT_TRUE(test, quic_pnspace_has_ecn(space));
	KUNIT_EXPECT_EQ(test, space->ecn_rcvd[QUIC_ECN_ECT0], 1);
	KUNIT_EXPECT_EQ(test, space->ecn_rcvd[QUIC_ECN_ECT1], 1);
	KUNIT_EXPECT_EQ(test, space->ecn_rcvd[QUIC_ECN_CE], 1);
}

/* RFC 9000, 13.2.5: measured from the largest number, whatever came later. */
static void ack_delay_is_of_the_largest(struct kunit *test)
{
	struct quic_pnspace *space = quic_pnspace_test_space(test, QUIC_SPACE_APP);

	arrive_at(space, 7, START);
	arrive_at(space, 6, ktime_add_us(START, 300));
	KUNIT_EXPECT_EQ(test, space->largest_rcvd, 7);
	KUNIT_EXPECT_EQ(test, quic_pnspace_ack_delay_us(space, ktime_add_us(START, 1000)),
			1000);
	KUNIT_EXPECT_EQ(test, quic_pnspace_ack_delay_us(space, START - 1), 0);
}

/* RFC 9000, 13.2.4: send ACKs of 0-4 and 7-8, hear that the second arrived. */
static void ack_of_ack_prunes(struct kunit *test)
{
	struct quic_pnspace *space = quic_pnspace_test_space(test, QUIC_SPACE_APP);
	u64 pn;

	for (pn = 0; pn < 5; pn++)
		arrive(space, pn);
	arrive(space, 7);
	arrive(space, 8);
	quic_pnspace_on_ack_acked(space, 4);
	KUNIT_EXPECT_EQ(test, quic_range_set_count(&space->received), 1);
	KUNIT_EXPECT_EQ(test, quic_range_set_first(&space->received)->start, 7);

	/* the topmost range survives its own acknowledgment */
	quic_pnspace_on_ack_acked(space, 8);
	KUNIT_EXPECT_TRUE(test, quic_range_set_contains(&space->received, 7, 9));

	/* what is forgotten is no news, what is missing still is */
	KUNIT_EXPECT_TRUE(test, quic_pnspace_check_dup(space, 3));
	KUNIT_EXPECT_TRUE(test, quic_pnspace_check_dup(space, 8));
	KUNIT_EXPECT_FALSE(test, quic_pnspace_check_dup(space, 5));
	arrive(space, 5);
	KUNIT_EXPECT_TRUE(test, quic_range_set_has(&space->received, 5));
}

/* Every second packet is lost: the report stays bounded, its top is right. */
static void received_ranges_are_bounded(struct kunit *test)
{
	struct quic_pnspace *space = quic_pnspace_test_space(test, QUIC_SPACE_APP);
	u64 pn;

	for (pn = 0; pn < 1000; pn += 2)
		arrive(space, pn);
	KUNIT_EXPECT_EQ(test, quic_range_set_count(&space->received),
			QUIC_ACK_RANGES_MAX);
	KUNIT_EXPECT_EQ(test, quic_range_set_last(&space->received)->start, 998);
	KUNIT_EXPECT_EQ(test, quic_range_set_first(&space->received)->start,
			1000 - 2 * QUIC_ACK_RANGES_MAX);
	for (pn = 0; pn < 1000; pn++)
		KUNIT_ASSERT_EQ(test, quic_pnspace_check_dup(space, pn),
				!(pn % 2));
}

static void duplicates_are_recognised(struct kunit *test)
{
	struct quic_pnspace *space = quic_pnspace_test_space(test, QUIC_SPACE_APP);

	KUNIT_EXPECT_FALSE(test, quic_pnspace_check_dup(space, 0));
	KUNIT_EXPECT_FALSE(test, quic_pnspace_check_dup(space, QUIC_VARINT_MAX));
	arrive(space, 10);
	KUNIT_EXPECT_TRUE(test, quic_pnspace_check_dup(space, 10));
	KUNIT_EXPECT_FALSE(test, quic_pnspace_check_dup(space, 9));
	KUNIT_EXPECT_FALSE(test, quic_pnspace_check_dup(space, 0));
	KUNIT_EXPECT_FALSE(test, quic_pnspace_check_dup(space, 11));
	arrive(space, 0);
	KUNIT_EXPECT_TRUE(test, quic_pnspace_check_dup(space, 0));
}

/* The window's ring is reused: numbers one window apart share a bit. */
static void duplicate_window_moves(struct kunit *test)
{
	struct quic_pnspace *space = quic_pnspace_test_space(test, QUIC_SPACE_APP);
	const u64 w = QUIC_DUP_WINDOW;

	arrive(space, 3);
	arrive(space, 4);
	arrive(space, w + 2);		/* 3 is the lowest that is watched */
	KUNIT_EXPECT_TRUE(test, quic_pnspace_check_dup(space, 2));
	KUNIT_EXPECT_TRUE(test, quic_pnspace_check_dup(space, 3));
	KUNIT_EXPECT_FALSE(test, quic_pnspace_check_dup(space, 5));
	KUNIT_EXPECT_FALSE(test, quic_pnspace_check_dup(space, w + 1));

	arrive(space, w + 10);		/* the bits of 3 and 4 are passed */
	KUNIT_EXPECT_FALSE(test, quic_pnspace_check_dup(space, w + 3));
	KUNIT_EXPECT_FALSE(test, quic_pnspace_check_dup(space, w + 4));
	KUNIT_EXPECT_TRUE(test, quic_pnspace_check_dup(space, w + 2));
	KUNIT_EXPECT_TRUE(test, quic_pnspace_check_dup(space, 4));
	KUNIT_EXPECT_FALSE(test, quic_pnspace_check_dup(space, 11));

	arrive(space, 10 * w);		/* far ahead: all is new */
	KUNIT_EXPECT_TRUE(test, quic_pnspace_check_dup(space, w + 3));
	KUNIT_EXPECT_FALSE(test, quic_pnspace_check_dup(space, 9 * w + 3));
	KUNIT_EXPECT_FALSE(test, quic_pnspace_check_dup(space, 9 * w + 10));
	KUNIT_EXPECT_TRUE(test, quic_pnspace_check_dup(space, 9 * w));
}

/* A gap whose clearing wraps around the ring, checked number by number. */
static void duplicate_window_wraps(struct kunit *test)
{
	struct quic_pnspace *space = quic_pnspace_test_space(test, QUIC_SPACE_APP);
	const u64 w = QUIC_DUP_WINDOW, top = 2 * w + 57;
	u64 pn;

	for (pn = 0; pn <= 2 * w - 100; pn++)
		arrive(space, pn);
	arrive(space, top);
	for (pn = top - w + 1; pn <= top; pn++)
		KUNIT_ASSERT_EQ(test, quic_pnspace_check_dup(space, pn),
				pn <= 2 * w - 100 || pn == top);
}

/* RFC 9000, 13.2.4: much to repeat, and nobody who says that it has arrived. */
static void ping_when_acks_go_unheard(struct kunit *test)
{
	struct quic_pnspace *space = quic_pnspace_test_space(test, QUIC_SPACE_APP);
	u64 pn;

	for (pn = 0; pn < 100; pn++) {
		arrive(space, pn);
		quic_pnspace_on_ack_sent(space);
	}
	KUNIT_EXPECT_FALSE(test, quic_pnspace_wants_ping(space));
	for (pn = 100; pn < 200; pn += 2) {
		arrive(space, pn);
		quic_pnspace_on_ack_sent(space);
	}
	KUNIT_EXPECT_TRUE(test, quic_pnspace_wants_ping(space));
	quic_pnspace_on_ack_acked(space, 150);
	KUNIT_EXPECT_FALSE(test, quic_pnspace_wants_ping(space));
}

/* RFC 9000, 21.4: some numbers stay unused, at intervals nobody can foresee. */
static void numbers_are_left_out(struct kunit *test)
{
	struct quic_pnspace *space = quic_pnspace_test_space(test, QUIC_SPACE_APP);
	u64 skipped[8], pn, nr = 0;
	u32 i;

	while (nr < ARRAY_SIZE(skipped)) {
		pn = space->next_pn;
		quic_pnspace_pn_used(space);
		if (space->next_pn != pn + 1) {
			KUNIT_ASSERT_EQ(test, space->next_pn, pn + 2);
			skipped[nr++] = pn + 1;
		}
		KUNIT_ASSERT_LT(test, pn, 8 * 512 + 8);
	}

	for (i = ARRAY_SIZE(skipped) - QUIC_SKIPPED_PNS;
	     i < ARRAY_SIZE(skipped); i++) {
		pn = skipped[i];
		KUNIT_EXPECT_TRUE(test, quic_pnspace_never_sent(space, pn, pn));
		KUNIT_EXPECT_TRUE(test, quic_pnspace_never_sent(space, pn - 9, pn));
		KUNIT_EXPECT_TRUE(test, quic_pnspace_never_sent(space, pn, pn + 1));
		KUNIT_EXPECT_FALSE(test, quic_pnspace_never_sent(space, pn - 1, pn - 1));
	}
	pn = space->next_pn;
	KUNIT_EXPECT_TRUE(test, quic_pnspace_never_sent(space, pn, pn));
	quic_pnspace_pn_used(space);
	KUNIT_EXPECT_FALSE(test, quic_pnspace_never_sent(space, pn, pn));
}

static void handshake_numbers_are_dense(struct kunit *test)
{
	struct quic_pnspace *space = quic_pnspace_test_space(test, QUIC_SPACE_HANDSHAKE);
	u64 pn;

	for (pn = 0; pn < 5000; pn++) {
		KUNIT_ASSERT_EQ(test, space->next_pn, pn);
		quic_pnspace_pn_used(space);
	}
}

static int quic_pnspace_test_init(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct quic_pnspace),
				   GFP_KERNEL);
	if (!test->priv)
		return -ENOMEM;
	quic_pnspace_init(test->priv, QUIC_SPACE_APP);
	return 0;
}

static void quic_pnspace_test_exit(struct kunit *test)
{
	if (test->priv)
		quic_pnspace_destroy(test->priv);
}

static struct kunit_case quic_pnspace_cases[] = {
	KUNIT_CASE(ack_every_second_packet),
	KUNIT_CASE(ack_is_not_acknowledged),
	KUNIT_CASE(ack_at_once_in_the_handshake),
	KUNIT_CASE(ack_at_once_when_asked),
	KUNIT_CASE(ack_at_once_after_reordering),
	KUNIT_CASE(ack_waits_across_quiet_packets),
	KUNIT_CASE(ack_at_once_for_congestion),
	KUNIT_CASE(ack_delay_is_of_the_largest),
	KUNIT_CASE(ack_of_ack_prunes),
	KUNIT_CASE(received_ranges_are_bounded),
	KUNIT_CASE(duplicates_are_recognised),
	KUNIT_CASE(duplicate_window_moves),
	KUNIT_CASE(duplicate_window_wraps),
	KUNIT_CASE(ping_when_acks_go_unheard),
	KUNIT_CASE(numbers_are_left_out),
	KUNIT_CASE(handshake_numbers_are_dense),
	{}
};

static struct kunit_suite quic_pnspace_suite = {
	.name		= "quic_pnspace",
	.init		= quic_pnspace_test_init,
	.exit		= quic_pnspace_test_exit,
	.test_cases	= quic_pnspace_cases,
};

kunit_test_suite(quic_pnspace_suite);
