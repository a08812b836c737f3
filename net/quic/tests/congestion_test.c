// SPDX-License-Identifier: GPL-2.0-only
/* What losses and acknowledgments do to the window (RFC 9002, 7). */
#include "loss_story.h"

/* 7.3.1: losses of one flight are one event. */
static void one_reduction_per_round_trip(struct kunit *test)
{
	struct quic_story *s = begin_confirmed(test);

	send(s, APP, 10);
	advance(s, RTT_MS);
	ack(s, APP, {4, 4});
	expect_lost(s, {0, 1});
	expect_cwnd(s, 5);
	ack(s, APP, {4, 4}, {9, 9});
	expect_lost(s, {2, 3}, {5, 6});
	expect_cwnd(s, 5);		/* sent before the recovery period */

	advance(s, 1);
	send(s, APP, 5);
	advance(s, RTT_MS);
	ack(s, APP, {4, 4}, {9, 9}, {14, 14});
	expect_lost(s, {7, 8}, {10, 11});
	KUNIT_EXPECT_EQ(test, s->rec.cc.cwnd, 5 * PKT / 2);
	forget_acked(s);
}

/* 7.6.2: everything between two packets, two seconds apart, is lost. */
static void persistent_congestion(struct kunit *test)
{
	struct quic_story *s = begin_measured(test);

	send(s, APP, 1);
	advance(s, 1000);
	send(s, APP, 1);
	advance(s, 1000);
	send(s, APP, 4);
	advance(s, RTT_MS);
	ack(s, APP, {0, 0}, {6, 6});
	expect_acked(s, {6, 6});
	expect_lost(s, {1, 3});
	KUNIT_EXPECT_EQ(test, s->rec.cc.cwnd, quic_cc_min_cwnd(&s->rec.cc) + PKT);
}

/* The same, but the peer has seen one in the middle. */
static void congestion_is_not_persistent_across_an_ack(struct kunit *test)
{
	struct quic_story *s = begin_measured(test);

	send(s, APP, 1);
	advance(s, 1000);
	send(s, APP, 1);
	advance(s, 1000);
	send(s, APP, 4);
	advance(s, RTT_MS);
	ack(s, APP, {0, 0}, {2, 2}, {6, 6});
	expect_acked(s, {2, 2}, {6, 6});
	expect_lost(s, {1, 1}, {3, 3});
	expect_cwnd(s, 5);
}

/* The same, but the one in the middle was acknowledged much earlier, and it was
 * a packet that the ledger never knew.
 */
static void quiet_packets_end_a_run(struct kunit *test)
{
	struct quic_story *s = begin_measured(test);
	struct quic_sent_pkt *pkt;

	send(s, APP, 1);
	advance(s, 1000);
	pkt = packet(s, APP);
	pkt->ack_eliciting = false;
	pkt->in_flight = false;
	leave(s, APP, pkt);
	advance(s, 1000);
	send(s, APP, 4);
	advance(s, RTT_MS);
	ack(s, APP, {2, 2}, {6, 6});
	expect_acked(s, {6, 6});
	expect_lost(s, {1, 1}, {3, 3});
	expect_cwnd(s, 5);
}

/* 7.6.2: the run goes on although its packets are declared lost bit by bit. */
static void persistent_congestion_in_instalments(struct kunit *test)
{
	struct quic_story *s = begin_measured(test);

	send(s, APP, 1);
	advance(s, 1000);
	send(s, APP, 3);
	advance(s, RTT_MS);
	ack(s, APP, {0, 0}, {4, 4});
	expect_acked(s, {4, 4});
	expect_lost(s, {1, 1});
	expect_cwnd(s, 5);
	expect_timer_in_us(s, 12500);

	advance_us(s, 12500);
	timeout(s);
	expect_lost(s, {2, 3});
	expect_cwnd(s, QUIC_CC_MIN_PACKETS);
}

/* The same, but the last one comes in before its time: all of that is history
 * when the next packets are lost.
 */
static void arrival_ends_a_run(struct kunit *test)
{
	struct quic_story *s = begin_measured(test);

	send(s, APP, 1);
	advance(s, 1000);
	send(s, APP, 3);
	advance(s, RTT_MS);
	ack(s, APP, {0, 0}, {4, 4});
	expect_lost(s, {1, 1});
	ack(s, APP, {0, 0}, {2, 4});
	expect_lost(s);
	send(s, APP, 4);
	advance(s, RTT_MS);
	ack(s, APP, {8, 8});		/* the peer has forgotten the rest */
	expect_lost(s, {5, 5});
	expect_cwnd(s, 5);
	forget_acked(s);
}

/* RFC 9002, 7.6.2: not before there is an RTT sample. */
static void no_persistent_congestion_unmeasured(struct kunit *test)
{
	struct quic_story *s = begin_confirmed(test);

	send(s, APP, 1);
	advance(s, 5000);
	send(s, APP, 5);
	advance(s, RTT_MS);
	ack(s, APP, {5, 5});
	expect_acked(s, {5, 5});
	expect_lost(s, {0, 2});
	expect_cwnd(s, 5);
}

/* RFC 9000, 14.4: too large for the path is not too much for it. */
static void mtu_probe_is_no_congestion(struct kunit *test)
{
	struct quic_story *s = begin_measured(test);
	struct quic_sent_pkt *pkt = packet(s, APP);

	pkt->mtu_probe = true;
	pkt->size = 1452;
	leave(s, APP, pkt);
	send(s, APP, 3);
	KUNIT_EXPECT_EQ(test, s->rec.cc.bytes_in_flight, 1452 + 3 * PKT);
	advance(s, RTT_MS);
	ack(s, APP, {2, 4});
	expect_acked(s, {2, 4});
	expect_lost(s, {1, 1});
	expect_in_flight(s, 0);
	expect_cwnd(s, 10);
}

/* 7.8: one packet a round trip says nothing about ten. */
static void app_limited_window_stays(struct kunit *test)
{
	struct quic_story *s = begin_confirmed(test);
	struct quic_pns pn;

	for (pn.first = 0; pn.first < 50; pn.first++) {
		send(s, APP, 1);
		advance(s, RTT_MS);
		pn.last = pn.first;
		KUNIT_ASSERT_EQ(test, ack_ranges(s, APP, 0, &pn, 1), 0);
	}
	forget_acked(s);
	expect_cwnd(s, 10);
}

static void full_window_doubles(struct kunit *test)
{
	struct quic_story *s = begin_confirmed(test);

	KUNIT_EXPECT_TRUE(test, quic_recovery_can_send(&s->rec, 10 * PKT));
	KUNIT_EXPECT_FALSE(test, quic_recovery_can_send(&s->rec, 10 * PKT + 1));
	send(s, APP, 10);
	KUNIT_EXPECT_FALSE(test, quic_recovery_can_send(&s->rec, 1));
	advance(s, RTT_MS);
	ack(s, APP, {0, 4});
	expect_cwnd(s, 15);
	ack(s, APP, {0, 9});
	expect_cwnd(s, 20);
	KUNIT_EXPECT_EQ(test, quic_recovery_window(&s->rec), 20 * PKT);
	forget_acked(s);
}

/* 7.8: after ten PTOs of silence the window is the initial one again. */
static void idle_restart(struct kunit *test)
{
	struct quic_story *s = begin_confirmed(test);
	u64 pto_us;

	send(s, APP, 10);
	advance(s, RTT_MS);
	ack(s, APP, {0, 9});
	send(s, APP, 20);
	advance(s, RTT_MS);
	ack(s, APP, {0, 29});
	forget_acked(s);
	expect_cwnd(s, 40);

	pto_us = quic_rtt_pto_us(&s->rec.rtt);
	advance_us(s, pto_us - RTT_MS * USEC_PER_MSEC);
	send(s, APP, 1);
	expect_cwnd(s, 40);		/* not longer than one PTO */
	advance(s, RTT_MS);
	ack(s, APP, {0, 30});
	forget_acked(s);

	advance_us(s, 10 * pto_us);
	send(s, APP, 1);
	expect_cwnd(s, 10);
}

/* RFC 9000, 9.4: the old path's packets say nothing about the new one. */
static void new_path_begins_anew(struct kunit *test)
{
	struct quic_story *s = begin_measured(test);

	send(s, APP, 5);
	quic_recovery_new_path(&s->rec, &quic_story_params, s->now);
	expect_in_flight(s, 0);
	KUNIT_EXPECT_FALSE(test, s->rec.rtt.has_sample);
	send(s, APP, 2);
	expect_in_flight(s, 2);

	advance(s, RTT_MS);
	ack(s, APP, {5, 5});
	expect_acked(s, {5, 5});
	expect_lost(s, {1, 2});
	KUNIT_EXPECT_FALSE(test, s->rec.rtt.has_sample);
	expect_in_flight(s, 2);
	expect_cwnd(s, 10);

	ack(s, APP, {5, 7});
	expect_acked(s, {6, 7});
	expect_lost(s, {3, 4});
	KUNIT_EXPECT_EQ(test, s->rec.rtt.smoothed_us, RTT_MS * USEC_PER_MSEC);
	expect_in_flight(s, 0);
	expect_cwnd(s, 10);
	KUNIT_EXPECT_EQ(test, s->rec.nr_sent, 0);
}

/* 7.1, B.8: a CE mark counts like a loss, and is believed once. */
static void congestion_by_ecn(struct kunit *test)
{
	struct quic_story *s = begin_measured(test);
	struct quic_sent_pkt *pkt;
	int i;

	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_TRUE(test, quic_ecn_mark(&s->rec.ecn));
		pkt = packet(s, APP);
		pkt->ect = true;
		leave(s, APP, pkt);
	}
	advance(s, RTT_MS);
	s->ect = 1;
	s->ce = 1;
	ack(s, APP, {1, 2});
	expect_acked(s, {1, 2});
	expect_lost(s);
	expect_cwnd(s, 5);
	KUNIT_EXPECT_EQ(test, s->rec.ecn.state, QUIC_ECN_CAPABLE);

	s->ect = 3;
	ack(s, APP, {1, 4});
	expect_acked(s, {3, 4});
	expect_cwnd(s, 5);
	KUNIT_EXPECT_EQ(test, s->rec.ecn.state, QUIC_ECN_CAPABLE);
}

/* 7.7: 10 packets at once, then 5/4 of a window in a round trip; twice in slow
 * start.
 */
static void pacing_follows_the_window(struct kunit *test)
{
	struct quic_story *s = begin_measured(test);

	KUNIT_EXPECT_EQ(test, s->rec.pacer.rate, 2 * 10 * PKT * 10);
	send(s, APP, 10);
	KUNIT_EXPECT_EQ(test, quic_pacer_budget(&s->rec.pacer, s->now), 0);
	KUNIT_EXPECT_EQ(test, quic_pacer_next_send(&s->rec.pacer, PKT, s->now),
			ktime_add_ms(s->now, 5));
	advance(s, RTT_MS);
	ack(s, APP, {5, 10});
	expect_lost(s, {1, 4});
	KUNIT_EXPECT_EQ(test, s->rec.pacer.rate, 5 * PKT * 10 * 5 / 4);
	forget_acked(s);
}

static void window_follows_the_mtu(struct kunit *test)
{
	struct quic_story *s = begin_confirmed(test);

	quic_recovery_set_mtu(&s->rec, 1452);
	KUNIT_EXPECT_EQ(test, s->rec.cc.cwnd, 14520);
	quic_recovery_set_mtu(&s->rec, 1500);
	KUNIT_EXPECT_EQ(test, s->rec.cc.cwnd, 14720);
	quic_recovery_set_mtu(&s->rec, 9000);
	KUNIT_EXPECT_EQ(test, s->rec.cc.cwnd, 18000);
	s->rec.cc.cwnd = 30000;
	quic_recovery_set_mtu(&s->rec, PKT);
	KUNIT_EXPECT_EQ(test, s->rec.cc.cwnd, 30000);
}

static struct kunit_case quic_congestion_cases[] = {
	KUNIT_CASE(one_reduction_per_round_trip),
	KUNIT_CASE(persistent_congestion),
	KUNIT_CASE(congestion_is_not_persistent_across_an_ack),
	KUNIT_CASE(quiet_packets_end_a_run),
	KUNIT_CASE(persistent_congestion_in_instalments),
	KUNIT_CASE(arrival_ends_a_run),
	KUNIT_CASE(no_persistent_congestion_unmeasured),
	KUNIT_CASE(mtu_probe_is_no_congestion),
	KUNIT_CASE(app_limited_window_stays),
	KUNIT_CASE(full_window_doubles),
	KUNIT_CASE(idle_restart),
	KUNIT_CASE(new_path_begins_anew),
	KUNIT_CASE(congestion_by_ecn),
	KUNIT_CASE(pacing_follows_the_window),
	KUNIT_CASE(window_follows_the_mtu),
	{}
};

static struct kunit_suite quic_congestion_suite = {
	.name		= "quic_congestion",
	.init		= quic_story_init,
	.exit		= quic_story_exit,
	.test_cases	= quic_congestion_cases,
};

kunit_test_suite(quic_congestion_suite);
