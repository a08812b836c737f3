// SPDX-License-Identifier: GPL-2.0-only
/* The probe timeout (RFC 9002, 6.2). */
#include "loss_story.h"

/* 6.2.1: 100 + max(4 * 50, 1) + 25 ms, doubled each time nothing comes back. */
static void pto_backs_off(struct kunit *test)
{
	struct quic_story *s = begin_measured(test);

	send(s, APP, 1);
	expect_timer_in(s, 325);
	advance_us(s, 324999);
	timeout(s);
	expect_probes(s, APP, 0);
	KUNIT_EXPECT_EQ(test, s->rec.pto_count, 0);

	advance_us(s, 1);
	timeout(s);
	expect_probes(s, APP, 2);
	expect_lost(s);			/* 6.2: a PTO loses nothing */
	expect_in_flight(s, 1);
	expect_timer_in(s, 325);	/* 650 from the packet */
	KUNIT_EXPECT_TRUE(test, quic_ecn_mark(&s->rec.ecn));

	send(s, APP, 2);		/* the probes */
	expect_timer_in(s, 650);
	advance(s, 650);
	timeout(s);
	expect_probes(s, APP, 2);
	KUNIT_EXPECT_EQ(test, s->rec.pto_count, 2);
	KUNIT_EXPECT_FALSE(test, quic_ecn_mark(&s->rec.ecn));

	advance(s, 10);
	ack(s, APP, {2, 3});
	expect_acked(s, {2, 3});
	KUNIT_EXPECT_EQ(test, s->rec.pto_count, 0);
	expect_lost(s, {1, 1});		/* long ago, by time */
	expect_no_timer(s);
}

static void pto_is_capped(struct kunit *test)
{
	struct quic_story *s = begin_measured(test);
	int i;

	send(s, APP, 1);
	for (i = 0; i < 100; i++) {
		s->now = quic_loss_timer(&s->rec, s->spaces);
		timeout(s);
		KUNIT_ASSERT_EQ(test, s->verdict.nr_probes, 2);
		send(s, APP, 1);
	}
	KUNIT_EXPECT_EQ(test, s->rec.pto_count, 100);
	expect_timer_in_us(s, QUIC_PTO_MAX_US);
}

/* 6.2.1: the timer runs from the last ack-eliciting packet, whatever was sent
 * since that elicits nothing.
 */
static void pto_runs_from_the_last_eliciting(struct kunit *test)
{
	struct quic_story *s = begin_measured(test);
	struct quic_sent_pkt *pkt;

	send(s, APP, 1);
	advance(s, 50);
	pkt = packet(s, APP);
	pkt->ack_eliciting = false;	/* padded ACK */
	leave(s, APP, pkt);
	expect_in_flight(s, 2);
	expect_timer_in(s, 325 - 50);
	advance(s, 50);
	send(s, APP, 1);
	expect_timer_in(s, 325);
}

/* 6.2.1: no PTO for Application Data until the handshake is confirmed. */
static void pto_spares_app_data_in_the_handshake(struct kunit *test)
{
	struct quic_story *s = begin_server(test);

	send(s, APP, 1);
	expect_no_timer(s);
	advance(s, 10);
	send(s, HANDSHAKE, 1);
	expect_timer_in(s, 999);	/* initial RTT, no max_ack_delay */
	advance(s, 999);
	timeout(s);
	expect_probes(s, HANDSHAKE, 2);
	KUNIT_EXPECT_EQ(test, s->verdict.others, BIT(APP));

	quic_recovery_confirm(&s->rec);
	quic_loss_discard_space(&s->rec, &s->spaces[HANDSHAKE], s->now);
	expect_timer_in(s, 999 + 25 - 10 - 999);
}

/* The space whose PTO comes first is probed, the other one is mentioned. */
static void pto_picks_the_earliest_space(struct kunit *test)
{
	struct quic_story *s = begin_server(test);

	send(s, INITIAL, 1);
	advance(s, 10);
	send(s, HANDSHAKE, 2);
	expect_timer_in(s, 989);
	advance(s, 989);
	timeout(s);
	expect_probes(s, INITIAL, 2);
	KUNIT_EXPECT_EQ(test, s->verdict.others, BIT(HANDSHAKE));
}

/* 6.2.2.1: the server has acknowledged the Initial and may send no more. The
 * client has nothing in flight, and probes nevertheless.
 */
static void client_breaks_the_deadlock(struct kunit *test)
{
	struct quic_story *s = begin_client(test);

	expect_timer_in(s, 999);
	send(s, INITIAL, 1);
	expect_timer_in(s, 999);
	advance(s, RTT_MS);
	ack(s, INITIAL, {0, 0});
	expect_acked(s, {0, 0});
	expect_timer_in(s, 300);
	advance(s, 300);
	timeout(s);
	expect_probes(s, INITIAL, 1);
	expect_timer_in(s, 600);

	s->rec.has_handshake_keys = true;
	advance(s, 600);
	timeout(s);
	expect_probes(s, HANDSHAKE, 1);

	/* 6.2.1: acknowledged Initials prove nothing, the backoff stays */
	send(s, INITIAL, 1);
	advance(s, RTT_MS);
	ack(s, INITIAL, {0, 1});
	KUNIT_EXPECT_EQ(test, s->rec.pto_count, 2);

	send(s, HANDSHAKE, 1);
	advance(s, RTT_MS);
	ack(s, HANDSHAKE, {0, 0});
	KUNIT_EXPECT_TRUE(test, s->rec.peer_validated);
	KUNIT_EXPECT_EQ(test, s->rec.pto_count, 0);
	expect_no_timer(s);
	forget_acked(s);
}

/* What the peer's kernel acknowledges at once says nothing of its TLS. */
static void short_paths_leave_time_for_tls(struct kunit *test)
{
	struct quic_story *s = begin_client(test);

	send(s, INITIAL, 1);
	advance_us(s, 200);
	ack(s, INITIAL, {0, 0});
	expect_acked(s, {0, 0});
	expect_timer_in_us(s, 25200);
	advance_us(s, 25200);
	timeout(s);
	expect_probes(s, INITIAL, 1);
	expect_timer_in_us(s, 2 * 25200);

	s->rec.has_handshake_keys = true;
	send(s, HANDSHAKE, 1);
	expect_timer_in_us(s, 2 * 25200);
	advance_us(s, 200);
	ack(s, HANDSHAKE, {0, 0});
	expect_acked(s, {0, 0});
	quic_recovery_confirm(&s->rec);
	send(s, APP, 1);
	expect_timer_in_us(s, 200 + 1000 + ACK_DELAY_US);
}

/* While an Initial is in flight, it is what the client's timer runs for. */
static void client_waits_for_its_initial(struct kunit *test)
{
	struct quic_story *s = begin_client(test);
	struct quic_sent_pkt *pkt;

	send(s, INITIAL, 1);
	advance(s, 50);
	pkt = packet(s, INITIAL);
	pkt->ack_eliciting = false;	/* padded ACK */
	leave(s, INITIAL, pkt);
	expect_timer_in(s, 999 - 50);
}

/* 0-RTT in flight is nothing that a PTO covers: the deadlock is still there. */
static void deadlock_with_early_data(struct kunit *test)
{
	struct quic_story *s = begin_client(test);

	send(s, INITIAL, 1);
	send(s, APP, 3);
	advance(s, RTT_MS);
	ack(s, INITIAL, {0, 0});
	expect_acked(s, {0, 0});
	expect_timer_in(s, 300);
}

static void server_never_probes_for_nothing(struct kunit *test)
{
	struct quic_story *s = begin_server(test);

	expect_no_timer(s);
	send(s, INITIAL, 1);
	advance(s, RTT_MS);
	ack(s, INITIAL, {0, 0});
	expect_acked(s, {0, 0});
	expect_no_timer(s);
}

/* 6.2.2.1: a server that may not send has no use for a timer. */
static void amplification_limit_disarms(struct kunit *test)
{
	struct quic_story *s = begin_server(test);

	send(s, INITIAL, 3);
	expect_timer_in(s, 999);
	s->rec.amp_blocked = true;
	expect_no_timer(s);
	advance(s, 1500);
	timeout(s);
	KUNIT_EXPECT_EQ(test, s->verdict.nr_probes, 0);
	KUNIT_EXPECT_EQ(test, s->rec.pto_count, 0);
	s->rec.amp_blocked = false;
	expect_timer_in(s, 999 - 1500);
	timeout(s);
	expect_probes(s, INITIAL, 2);
}

static struct kunit_case quic_pto_cases[] = {
	KUNIT_CASE(pto_backs_off),
	KUNIT_CASE(pto_is_capped),
	KUNIT_CASE(pto_runs_from_the_last_eliciting),
	KUNIT_CASE(pto_spares_app_data_in_the_handshake),
	KUNIT_CASE(pto_picks_the_earliest_space),
	KUNIT_CASE(client_breaks_the_deadlock),
	KUNIT_CASE(short_paths_leave_time_for_tls),
	KUNIT_CASE(client_waits_for_its_initial),
	KUNIT_CASE(deadlock_with_early_data),
	KUNIT_CASE(server_never_probes_for_nothing),
	KUNIT_CASE(amplification_limit_disarms),
	{}
};

static struct kunit_suite quic_pto_suite = {
	.name		= "quic_pto",
	.init		= quic_story_init,
	.exit		= quic_story_exit,
	.test_cases	= quic_pto_cases,
};

kunit_test_suite(quic_pto_suite);
