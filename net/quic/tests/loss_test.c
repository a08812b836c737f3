// SPDX-License-Identifier: GPL-2.0-only
/* Which packets are lost, and what an ACK frame means (RFC 9002, 5 and 6.1). */
#include "loss_story.h"

/* 6.1.1: send five, lose two. The window halves once. */
static void send_five_lose_two(struct kunit *test)
{
	struct quic_story *s = begin_confirmed(test);

	send(s, APP, 5);
	expect_in_flight(s, 5);
	advance(s, RTT_MS);
	ack(s, APP, {2, 4});
	expect_acked(s, {2, 4});
	expect_lost(s, {0, 1});
	expect_in_flight(s, 0);
	expect_cwnd(s, 5);
	expect_no_timer(s);
	KUNIT_EXPECT_EQ(test, s->rec.lost_pkts, 2);
}

/* 6.1.1: three numbers behind is lost, two is merely late. */
static void packet_threshold(struct kunit *test)
{
	struct quic_story *s = begin_confirmed(test);

	send(s, APP, 4);
	advance(s, RTT_MS);
	ack(s, APP, {2, 2});
	expect_acked(s, {2, 2});
	expect_lost(s);
	ack(s, APP, {2, 3});
	expect_acked(s, {3, 3});
	expect_lost(s, {0, 0});
	expect_in_flight(s, 1);		/* number 1 */
}

/* 6.1.2: the rest is lost 9/8 RTT after it was sent. */
static void time_threshold(struct kunit *test)
{
	struct quic_story *s = begin_confirmed(test);

	send(s, APP, 3);
	advance(s, RTT_MS);
	ack(s, APP, {2, 2});
	expect_acked(s, {2, 2});
	expect_lost(s);
	expect_timer_in_us(s, 12500);

	advance_us(s, 12499);
	timeout(s);
	expect_lost(s);
	expect_probes(s, APP, 0);
	expect_in_flight(s, 2);

	advance_us(s, 1);
	timeout(s);
	expect_lost(s, {0, 1});
	expect_probes(s, APP, 0);
	KUNIT_EXPECT_EQ(test, s->rec.pto_count, 0);
	expect_in_flight(s, 0);
	expect_no_timer(s);
}

static void late_ack_disarms_the_timer(struct kunit *test)
{
	struct quic_story *s = begin_confirmed(test);

	send(s, APP, 3);
	advance(s, RTT_MS);
	ack(s, APP, {2, 2});
	expect_timer_in_us(s, 12500);
	advance(s, 12);
	ack(s, APP, {0, 2});
	expect_acked(s, {0, 2});
	expect_lost(s);
	expect_no_timer(s);
	expect_cwnd(s, 10);
}

/* What was declared lost and comes in after all is no news. */
static void ack_of_a_lost_packet(struct kunit *test)
{
	struct quic_story *s = begin_confirmed(test);

	send(s, APP, 5);
	advance(s, RTT_MS);
	ack(s, APP, {2, 4});
	expect_acked(s, {2, 4});
	expect_lost(s, {0, 1});
	ack(s, APP, {0, 4});
	expect_acked(s);
	expect_lost(s);
	expect_in_flight(s, 0);
}

/* Packets that only acknowledge leave no trace, however many there are. */
static void acks_are_not_tracked(struct kunit *test)
{
	struct quic_story *s = begin_measured(test);
	struct quic_sent_pkt *pkt;
	int i;

	for (i = 0; i < 100; i++) {
		pkt = packet(s, APP);
		pkt->ack_eliciting = false;
		pkt->in_flight = false;
		leave(s, APP, pkt);
	}
	KUNIT_EXPECT_EQ(test, s->rec.nr_sent, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&s->spaces[APP].sent));
	expect_in_flight(s, 0);
	expect_no_timer(s);
	ack(s, APP, {0, 100});
	expect_acked(s);
}

/* 6.4: keys discarded, packets gone from the flight, backoff forgotten. */
static void discarding_a_space(struct kunit *test)
{
	struct quic_story *s = begin_server(test);

	send(s, INITIAL, 2);
	send(s, HANDSHAKE, 3);
	advance(s, 999);
	timeout(s);
	expect_in_flight(s, 5);
	KUNIT_EXPECT_EQ(test, s->rec.pto_count, 1);

	quic_loss_discard_space(&s->rec, &s->spaces[INITIAL], s->now);
	expect_in_flight(s, 3);
	KUNIT_EXPECT_EQ(test, s->rec.pto_count, 0);
	KUNIT_EXPECT_EQ(test, s->rec.nr_sent, 3);
	KUNIT_EXPECT_TRUE(test, s->spaces[INITIAL].discarded);

	ack(s, INITIAL, {0, 1});
	expect_acked(s);
	quic_loss_discard_space(&s->rec, &s->spaces[HANDSHAKE], s->now);
	quic_loss_discard_space(&s->rec, &s->spaces[HANDSHAKE], s->now);
	expect_in_flight(s, 0);
	expect_no_timer(s);
}

/* RFC 9000, 13.1: one more than was sent is a lie. */
static void ack_of_the_future(struct kunit *test)
{
	struct quic_story *s = begin_confirmed(test);

	send(s, APP, 5);
	advance(s, RTT_MS);
	KUNIT_EXPECT_EQ(test, try_ack(s, APP, 0, {0, 5}),
			QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION);
	expect_acked(s);
	expect_in_flight(s, 5);
	KUNIT_EXPECT_EQ(test, try_ack(s, APP, 0, {0, 4}), 0);
	expect_acked(s, {0, 4});
}

/* RFC 9000, 21.4: number 3 was left out on purpose. */
static void ack_of_a_skipped_number(struct kunit *test)
{
	struct quic_story *s = begin_confirmed(test);

	s->spaces[APP].skip_pn = 3;
	send(s, APP, 5);
	advance(s, RTT_MS);
	KUNIT_EXPECT_EQ(test, try_ack(s, APP, 0, {0, 2}, {4, 4}), 0);
	expect_acked(s, {0, 2}, {4, 4});
	KUNIT_EXPECT_EQ(test, try_ack(s, APP, 0, {0, 5}),
			QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION);
	forget_acked(s);
}

/* 5.3: the peer's delay counts up to what it announced, and not in Initials. */
static void ack_delay_is_limited(struct kunit *test)
{
	struct quic_story *s = begin_measured(test);

	send(s, APP, 1);
	advance(s, 180);
	KUNIT_ASSERT_EQ(test, try_ack(s, APP, 80000, {0, 1}), 0);
	forget_acked(s);
	KUNIT_EXPECT_EQ(test, s->rec.rtt.latest_us, 180000);
	KUNIT_EXPECT_EQ(test, s->rec.rtt.smoothed_us, (7 * 100000 + 155000) / 8);

	begin_client(test);
	send(s, INITIAL, 1);
	advance(s, RTT_MS);
	ack(s, INITIAL, {0, 0});
	send(s, INITIAL, 1);
	advance(s, 180);
	KUNIT_ASSERT_EQ(test, try_ack(s, INITIAL, 80000, {0, 1}), 0);
	forget_acked(s);
	KUNIT_EXPECT_EQ(test, s->rec.rtt.smoothed_us, (7 * 100000 + 180000) / 8);
}

/* 5.1: no sample unless the largest number is newly acknowledged. */
static void no_sample_from_old_news(struct kunit *test)
{
	struct quic_story *s = begin_measured(test);

	send(s, APP, 2);
	advance(s, 50);
	ack(s, APP, {2, 2});
	KUNIT_EXPECT_EQ(test, s->rec.rtt.latest_us, 50000);
	advance(s, 5);
	ack(s, APP, {1, 2});
	KUNIT_EXPECT_EQ(test, s->rec.rtt.latest_us, 50000);
	expect_acked(s, {1, 2});
}

/* The ledger is bounded whatever the window says. */
static void ledger_is_bounded(struct kunit *test)
{
	struct quic_story *s = begin_confirmed(test);
	const struct quic_pns all = { 0, QUIC_LEDGER_MAX - 1 };

	s->rec.cc.cwnd = BIT_ULL(31);
	send(s, APP, QUIC_LEDGER_MAX - 1);
	KUNIT_EXPECT_TRUE(test, quic_recovery_can_send(&s->rec, PKT));
	send(s, APP, 1);
	KUNIT_EXPECT_FALSE(test, quic_recovery_can_send(&s->rec, PKT));
	KUNIT_EXPECT_EQ(test, quic_recovery_window(&s->rec), 0);
	KUNIT_ASSERT_EQ(test, ack_ranges(s, APP, 0, &all, 1), 0);
	expect_list(s, &s->acked, &all, 1);
	KUNIT_EXPECT_TRUE(test, quic_recovery_can_send(&s->rec, PKT));
}

/* Every second of three hundred, in one frame of 150 ranges. */
static void ack_with_many_ranges(struct kunit *test)
{
	struct quic_story *s = begin_confirmed(test);
	struct quic_pns *pns;
	u32 i;

	pns = kunit_kcalloc(test, 150, sizeof(*pns), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pns);
	for (i = 0; i < 150; i++) {
		pns[i].first = 2 * i + 1;
		pns[i].last = 2 * i + 1;
	}

	s->rec.cc.cwnd = 400 * PKT;
	send(s, APP, 300);
	advance(s, RTT_MS);
	KUNIT_ASSERT_EQ(test, ack_ranges(s, APP, 0, pns, 150), 0);
	expect_list(s, &s->acked, pns, 150);
	for (i = 0; i < 149; i++) {
		pns[i].first = 2 * i;
		pns[i].last = 2 * i;
	}
	expect_list(s, &s->lost, pns, 149);
	expect_in_flight(s, 1);		/* number 298 */
}

/* RFC 9001, 4.6.2: 0-RTT was refused; the 1-RTT packet stays. */
static void refused_early_data_is_withdrawn(struct kunit *test)
{
	struct quic_story *s = begin_client(test);
	struct quic_sent_pkt *pkt;
	LIST_HEAD(withdrawn);
	int i;

	for (i = 0; i < 3; i++) {
		pkt = packet(s, APP);
		pkt->type = QUIC_PKT_0RTT;
		leave(s, APP, pkt);
	}
	send(s, APP, 1);
	quic_loss_withdraw(&s->rec, &s->spaces[APP], QUIC_PKT_0RTT, &withdrawn,
			   s->now);
	expect_in_flight(s, 1);
	expect_cwnd(s, 10);
	KUNIT_EXPECT_EQ(test, list_count_nodes(&withdrawn), 3);
	quic_sent_list_free(&withdrawn);
}

static struct kunit_case quic_loss_cases[] = {
	KUNIT_CASE(send_five_lose_two),
	KUNIT_CASE(packet_threshold),
	KUNIT_CASE(time_threshold),
	KUNIT_CASE(late_ack_disarms_the_timer),
	KUNIT_CASE(ack_of_a_lost_packet),
	KUNIT_CASE(acks_are_not_tracked),
	KUNIT_CASE(discarding_a_space),
	KUNIT_CASE(ack_of_the_future),
	KUNIT_CASE(ack_of_a_skipped_number),
	KUNIT_CASE(ack_delay_is_limited),
	KUNIT_CASE(no_sample_from_old_news),
	KUNIT_CASE(ledger_is_bounded),
	KUNIT_CASE(ack_with_many_ranges),
	KUNIT_CASE(refused_early_data_is_withdrawn),
	{}
};

static struct kunit_suite quic_loss_suite = {
	.name		= "quic_loss",
	.init		= quic_story_init,
	.exit		= quic_story_exit,
	.test_cases	= quic_loss_cases,
};

kunit_test_suite(quic_loss_suite);
