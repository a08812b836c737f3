// SPDX-License-Identifier: GPL-2.0-only
/* Packets declared lost that arrive after all. */
#include "loss_story.h"

/* 6.1: four overtaken packets turn up after all. The window is what it was, and
 * from now on nothing is lost before 10/8 of an RTT.
 */
static void spurious_loss_is_undone(struct kunit *test)
{
	struct quic_story *s = begin_measured(test);

	send(s, APP, 10);
	advance(s, RTT_MS);
	ack(s, APP, {0, 0}, {5, 8});
	expect_lost(s, {1, 4});
	expect_cwnd(s, 5);
	KUNIT_EXPECT_EQ(test, s->rec.pacer.rate, 5 * PKT * 10 * 5 / 4);
	ack(s, APP, {0, 8});
	expect_cwnd(s, 10);
	KUNIT_EXPECT_EQ(test, s->rec.cc.ssthresh, U64_MAX);
	KUNIT_EXPECT_EQ(test, s->rec.pacer.rate, 2 * 10 * PKT * 10);
	KUNIT_EXPECT_EQ(test, s->rec.spurious_pkts, 4);
	ack(s, APP, {0, 10});
	forget_acked(s);

	send(s, APP, 6);
	advance(s, RTT_MS);
	ack(s, APP, {0, 10}, {16, 16});
	expect_acked(s, {16, 16});
	expect_lost(s);
	expect_timer_in(s, 25);
	advance(s, 25);
	timeout(s);
	expect_lost(s, {11, 15});
	KUNIT_EXPECT_EQ(test, s->rec.spurious_pkts, 4);
}

/* While one of the four is missing, the reduction stands. */
static void mostly_spurious_loss_is_loss(struct kunit *test)
{
	struct quic_story *s = begin_measured(test);

	send(s, APP, 8);
	advance(s, RTT_MS);
	ack(s, APP, {0, 0}, {5, 8});
	expect_lost(s, {1, 4});
	ack(s, APP, {0, 1}, {3, 8});
	KUNIT_EXPECT_EQ(test, s->rec.spurious_pkts, 3);
	expect_cwnd(s, 5);
	advance(s, 1);
	ack(s, APP, {0, 8});
	KUNIT_EXPECT_EQ(test, s->rec.spurious_pkts, 4);
	expect_cwnd(s, 10);
	forget_acked(s);
}

/* What was lost earlier and turns up now does not excuse what is lost now. */
static void spurious_loss_of_the_past(struct kunit *test)
{
	struct quic_story *s = begin_measured(test);

	send(s, APP, 8);
	advance(s, RTT_MS);
	ack(s, APP, {0, 0}, {5, 8});
	expect_lost(s, {1, 4});
	expect_cwnd(s, 5);
	advance(s, 1);
	send(s, APP, 4);
	advance(s, RTT_MS);
	ack(s, APP, {0, 0}, {5, 8}, {12, 12});
	expect_lost(s, {9, 9});
	KUNIT_EXPECT_EQ(test, s->rec.cc.cwnd, 5 * PKT / 2);
	ack(s, APP, {0, 8}, {12, 12});
	KUNIT_EXPECT_EQ(test, s->rec.spurious_pkts, 4);
	KUNIT_EXPECT_EQ(test, s->rec.cc.cwnd, 5 * PKT / 2);
	forget_acked(s);
}

/* A CE mark cannot be taken back. */
static void spurious_loss_with_ecn(struct kunit *test)
{
	struct quic_story *s = begin_measured(test);
	struct quic_sent_pkt *pkt;
	int i;

	for (i = 0; i < 8; i++) {
		pkt = packet(s, APP);
		pkt->ect = true;
		leave(s, APP, pkt);
	}
	advance(s, RTT_MS);
	s->ect = 3;
	s->ce = 1;
	ack(s, APP, {5, 8});
	expect_lost(s, {1, 4});
	expect_cwnd(s, 5);
	s->ect = 7;
	ack(s, APP, {1, 8});
	KUNIT_EXPECT_EQ(test, s->rec.spurious_pkts, 4);
	expect_cwnd(s, 5);
	forget_acked(s);
}

/* Nor does the old path's reordering say anything about the new one. */
static void spurious_loss_of_another_path(struct kunit *test)
{
	struct quic_story *s = begin_measured(test);

	send(s, APP, 8);
	advance(s, RTT_MS);
	ack(s, APP, {5, 8});
	expect_lost(s, {1, 4});
	quic_recovery_new_path(&s->rec, &quic_story_params, s->now);
	ack(s, APP, {1, 8});
	KUNIT_EXPECT_FALSE(test, s->rec.reorder.seen);
	expect_cwnd(s, 10);
	forget_acked(s);
}

/* RFC 8985, 6.2: patience grows once a round trip, to twice the RTT at most, and
 * ends after sixteen recovery periods without another mistake.
 */
static void patience_with_reordering(struct kunit *test)
{
	struct quic_story *s = begin_measured(test);
	struct quic_reorder *reorder = &s->rec.reorder;
	int i;

	KUNIT_EXPECT_TRUE(test, quic_reorder_overtaken(reorder, 1, 4));
	KUNIT_EXPECT_FALSE(test, quic_reorder_overtaken(reorder, 1, 3));
	KUNIT_EXPECT_EQ(test, quic_reorder_delay_us(reorder, &s->rec.rtt), 112500);
	for (i = 0; i < 10; i++)
		quic_reorder_on_spurious(reorder, i, i, &s->rec.rtt, s->now);
	KUNIT_EXPECT_FALSE(test, quic_reorder_overtaken(reorder, 1, 1000));
	KUNIT_EXPECT_EQ(test, quic_reorder_delay_us(reorder, &s->rec.rtt), 125000);
	for (i = 0; i < 10; i++) {
		advance(s, RTT_MS + 1);
		quic_reorder_on_spurious(reorder, i, i, &s->rec.rtt, s->now);
	}
	KUNIT_EXPECT_EQ(test, quic_reorder_delay_us(reorder, &s->rec.rtt), 200000);

	for (i = 1; i < QUIC_REORDER_PERSIST; i++)
		quic_reorder_on_recovery(reorder, 0);
	KUNIT_EXPECT_TRUE(test, reorder->seen);
	quic_reorder_on_recovery(reorder, 0);
	KUNIT_EXPECT_FALSE(test, reorder->seen);
	KUNIT_EXPECT_EQ(test, quic_reorder_delay_us(reorder, &s->rec.rtt), 112500);
}

/* What never turns up is not remembered for ever. */
static void lost_numbers_are_forgotten(struct kunit *test)
{
	struct quic_story *s = begin_confirmed(test);
	struct quic_pns pns = { 3, 3 };

	s->rec.cc.cwnd = BIT_ULL(20);
	for (; pns.first < 4 * QUIC_LOST_WINDOW; pns.first += 4) {
		send(s, APP, 4);	/* the first one is lost */
		pns.last = pns.first;
		KUNIT_ASSERT_EQ(test, ack_ranges(s, APP, 0, &pns, 1), 0);
		KUNIT_ASSERT_LE(test, quic_range_set_count(&s->spaces[APP].lost),
				QUIC_LOST_RANGES);
		quic_sent_list_free(&s->lost);
		forget_acked(s);
	}
	KUNIT_EXPECT_GE(test, quic_range_set_first(&s->spaces[APP].lost)->start,
			3 * QUIC_LOST_WINDOW);
}

static struct kunit_case quic_reorder_cases[] = {
	KUNIT_CASE(spurious_loss_is_undone),
	KUNIT_CASE(mostly_spurious_loss_is_loss),
	KUNIT_CASE(spurious_loss_of_the_past),
	KUNIT_CASE(spurious_loss_with_ecn),
	KUNIT_CASE(spurious_loss_of_another_path),
	KUNIT_CASE(patience_with_reordering),
	KUNIT_CASE(lost_numbers_are_forgotten),
	{}
};

static struct kunit_suite quic_reorder_suite = {
	.name		= "quic_reorder",
	.init		= quic_story_init,
	.exit		= quic_story_exit,
	.test_cases	= quic_reorder_cases,
};

kunit_test_suite(quic_reorder_suite);
