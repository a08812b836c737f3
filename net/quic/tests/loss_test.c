// SPDX-License-Identifier: GPL-2.0-only
/* Stories of loss recovery. A clock that stands still until it is told to move,
 * real ledgers, and ACK frames that went through the wire's own builder and
 * parser. Ranges of packet numbers are written first to last, as in an ACK.
 */

#include <kunit/test.h>
#include <linux/array_size.h>

#include "../frame.h"
#include "../loss.h"

#define PKT		1200
#define RTT_MS		100
#define ACK_DELAY_US	25000	/* the peer's max_ack_delay */

#define INITIAL		QUIC_SPACE_INITIAL
#define HANDSHAKE	QUIC_SPACE_HANDSHAKE
#define APP		QUIC_SPACE_APP

struct quic_story {
	struct kunit *test;
	ktime_t now;
	struct quic_recovery rec;
	struct quic_pnspace spaces[QUIC_SPACE_MAX];
	struct list_head acked;
	struct list_head lost;
	struct quic_loss_verdict verdict;
	u64 ce;			/* reported in ACK frames if not 0 */
	u64 ect;
	u8 frame[4096];
};

struct quic_pns {
	u64 first;
	u64 last;
};

static const struct quic_recovery_params quic_story_params = {
	.cc			= &quic_cc_newreno,
	.initial_rtt_us		= QUIC_INITIAL_RTT_US,
	.max_datagram_size	= PKT,
	.timer_granularity_ns	= NSEC_PER_MSEC,
};

/* What happens */

static void advance_us(struct quic_story *s, u64 us)
{
	s->now = ktime_add_us(s->now, us);
}

static void advance(struct quic_story *s, u64 ms)
{
	advance_us(s, ms * USEC_PER_MSEC);
}

static struct quic_sent_pkt *packet(struct quic_story *s,
				    enum quic_space_id id)
{
	static const u8 types[QUIC_SPACE_MAX] = {
		QUIC_PKT_INITIAL, QUIC_PKT_HANDSHAKE, QUIC_PKT_1RTT,
	};
	struct quic_sent_pkt *pkt = quic_sent_pkt_alloc(1, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(s->test, pkt);
	pkt->pn = s->spaces[id].next_pn;
	pkt->type = types[id];
	pkt->size = PKT;
	pkt->ack_eliciting = true;
	pkt->in_flight = true;
	KUNIT_ASSERT_EQ(s->test, 0,
			quic_sent_pkt_record(pkt, QUIC_SENT_STREAM, 4,
					     1000 * pkt->pn, 1000, false));
	return pkt;
}

static void leave(struct quic_story *s, enum quic_space_id id,
		  struct quic_sent_pkt *pkt)
{
	quic_loss_on_sent(&s->rec, &s->spaces[id], pkt, s->now);
	quic_pnspace_pn_used(&s->spaces[id]);
}

static void send(struct quic_story *s, enum quic_space_id id, u32 nr)
{
	while (nr--)
		leave(s, id, packet(s, id));
}

/* An ACK frame as the peer would write it. */
static int ack_ranges(struct quic_story *s, enum quic_space_id id, u64 delay_us,
		      const struct quic_pns *pns, u32 nr)
{
	const u64 ecn[] = { s->ect, 0, s->ce };
	const u8 *pos = s->frame;
	struct quic_range_set set;
	struct quic_frame frame;
	u8 *end;
	u32 i;

	quic_range_set_init(&set, 2048, QUIC_RANGE_REFUSE);
	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_EQ(s->test, 0,
				quic_range_set_insert(&set, pns[i].first,
						      pns[i].last + 1,
						      GFP_KERNEL));
	end = quic_frame_put_ack(s->frame, sizeof(s->frame), &set, delay_us, 3,
				 s->ect || s->ce ? ecn : NULL);
	quic_range_set_destroy(&set);
	KUNIT_ASSERT_EQ(s->test, quic_frame_parse(&pos, end, &frame), 0);
	return quic_loss_on_ack(&s->rec, &s->spaces[id], &frame.ack,
				quic_frame_ack_delay_us(&frame.ack, 3),
				s->now, &s->acked, &s->lost);
}

#define try_ack(s, id, delay_us, ...)					\
({									\
	static const struct quic_pns pns[] = { __VA_ARGS__ };		\
									\
	ack_ranges(s, id, delay_us, pns, ARRAY_SIZE(pns));		\
})

#define ack(s, id, ...)							\
do {									\
	struct quic_story *story = (s);					\
	int err = try_ack(story, id, 0, __VA_ARGS__);			\
									\
	KUNIT_ASSERT_EQ(story->test, err, 0);				\
} while (0)

static void timeout(struct quic_story *s)
{
	quic_loss_on_timeout(&s->rec, s->spaces, s->now, &s->lost, &s->verdict);
}

/* What is expected */

static void expect_list(struct quic_story *s, struct list_head *list,
			const struct quic_pns *pns, u32 nr)
{
	struct quic_sent_pkt *pkt;
	u64 pn;
	u32 i;

	for (i = 0; i < nr; i++)
		for (pn = pns[i].first; pn <= pns[i].last; pn++) {
			pkt = list_first_entry_or_null(list,
						       struct quic_sent_pkt,
						       list);
			KUNIT_ASSERT_NOT_NULL(s->test, pkt);
			KUNIT_EXPECT_EQ(s->test, pkt->pn, pn);
			list_del(&pkt->list);
			quic_sent_pkt_free(pkt);
		}
	KUNIT_EXPECT_TRUE(s->test, list_empty(list));
	quic_sent_list_free(list);
}

#define expect_acked(s, ...)						\
do {									\
	static const struct quic_pns pns[] = { __VA_ARGS__ };		\
	struct quic_story *story = (s);					\
									\
	expect_list(story, &story->acked, pns, ARRAY_SIZE(pns));	\
} while (0)

#define expect_lost(s, ...)						\
do {									\
	static const struct quic_pns pns[] = { __VA_ARGS__ };		\
	struct quic_story *story = (s);					\
									\
	expect_list(story, &story->lost, pns, ARRAY_SIZE(pns));	\
} while (0)

static void forget_acked(struct quic_story *s)
{
	quic_sent_list_free(&s->acked);
}

static void expect_timer_in_us(struct quic_story *s, s64 us)
{
	ktime_t t = quic_loss_timer(&s->rec, s->spaces);

	KUNIT_EXPECT_EQ(s->test, ktime_us_delta(t, s->now), us);
}

static void expect_timer_in(struct quic_story *s, s64 ms)
{
	expect_timer_in_us(s, ms * (s64)USEC_PER_MSEC);
}

static void expect_no_timer(struct quic_story *s)
{
	KUNIT_EXPECT_EQ(s->test, quic_loss_timer(&s->rec, s->spaces),
			KTIME_MAX);
}

static void expect_probes(struct quic_story *s, enum quic_space_id id, u8 nr)
{
	KUNIT_EXPECT_EQ(s->test, s->verdict.space, id);
	KUNIT_EXPECT_EQ(s->test, s->verdict.nr_probes, nr);
}

static void expect_in_flight(struct quic_story *s, u32 pkts)
{
	KUNIT_EXPECT_EQ(s->test, s->rec.cc.bytes_in_flight, (u64)pkts * PKT);
}

static void expect_cwnd(struct quic_story *s, u32 pkts)
{
	KUNIT_EXPECT_EQ(s->test, s->rec.cc.cwnd, (u64)pkts * PKT);
}

/* How it begins */

static void begin(struct quic_story *s, bool is_server)
{
	struct quic_recovery_params params = quic_story_params;
	int i;

	params.is_server = is_server;
	s->now = ktime_set(1000, 0);
	quic_recovery_init(&s->rec, &params, s->now);
	s->rec.max_ack_delay_us = ACK_DELAY_US;
	for (i = 0; i < QUIC_SPACE_MAX; i++) {
		quic_pnspace_init(&s->spaces[i], i);
		s->spaces[i].skip_pn = QUIC_PN_NONE;
	}
}

/* A connection after its handshake, without any RTT sample yet. */
static struct quic_story *begin_confirmed(struct kunit *test)
{
	struct quic_story *s = test->priv;

	begin(s, false);
	quic_loss_discard_space(&s->rec, &s->spaces[INITIAL], s->now);
	quic_loss_discard_space(&s->rec, &s->spaces[HANDSHAKE], s->now);
	quic_recovery_confirm(&s->rec);
	return s;
}

static struct quic_story *begin_client(struct kunit *test)
{
	begin(test->priv, false);
	return test->priv;
}

static struct quic_story *begin_server(struct kunit *test)
{
	begin(test->priv, true);
	return test->priv;
}

/* Packet 0 went there and back: srtt 100 ms, rttvar 50 ms, PTO 325 ms. */
static struct quic_story *begin_measured(struct kunit *test)
{
	struct quic_story *s = begin_confirmed(test);

	send(s, APP, 1);
	advance(s, RTT_MS);
	ack(s, APP, {0, 0});
	expect_acked(s, {0, 0});
	expect_no_timer(s);
	advance(s, 1);
	return s;
}

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

	send(s, APP, 2);		/* the probes */
	expect_timer_in(s, 650);
	advance(s, 650);
	timeout(s);
	expect_probes(s, APP, 2);
	KUNIT_EXPECT_EQ(test, s->rec.pto_count, 2);

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
	KUNIT_EXPECT_EQ(test, quic_pnspace_oldest_eliciting(&s->spaces[INITIAL])->pn, 0);
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

/* The ledger is bounded whatever the window says. */
static void ledger_is_bounded(struct kunit *test)
{
	struct quic_story *s = begin_confirmed(test);
	const struct quic_pns all = { 0, QUIC_SENT_MAX - 1 };

	s->rec.cc.cwnd = BIT_ULL(31);
	send(s, APP, QUIC_SENT_MAX - 1);
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

static int quic_loss_test_init(struct kunit *test)
{
	struct quic_story *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	if (!s)
		return -ENOMEM;
	s->test = test;
	INIT_LIST_HEAD(&s->acked);
	INIT_LIST_HEAD(&s->lost);
	test->priv = s;
	begin(s, false);
	return 0;
}

static void quic_loss_test_exit(struct kunit *test)
{
	struct quic_story *s = test->priv;
	int i;

	if (!s)
		return;
	for (i = 0; i < QUIC_SPACE_MAX; i++)
		quic_pnspace_destroy(&s->spaces[i]);
	quic_sent_list_free(&s->acked);
	quic_sent_list_free(&s->lost);
}

static struct kunit_case quic_loss_cases[] = {
	KUNIT_CASE(send_five_lose_two),
	KUNIT_CASE(packet_threshold),
	KUNIT_CASE(time_threshold),
	KUNIT_CASE(late_ack_disarms_the_timer),
	KUNIT_CASE(ack_of_a_lost_packet),
	KUNIT_CASE(spurious_loss_is_undone),
	KUNIT_CASE(mostly_spurious_loss_is_loss),
	KUNIT_CASE(spurious_loss_of_the_past),
	KUNIT_CASE(spurious_loss_with_ecn),
	KUNIT_CASE(spurious_loss_of_another_path),
	KUNIT_CASE(patience_with_reordering),
	KUNIT_CASE(lost_numbers_are_forgotten),
	KUNIT_CASE(pto_backs_off),
	KUNIT_CASE(pto_is_capped),
	KUNIT_CASE(pto_runs_from_the_last_eliciting),
	KUNIT_CASE(acks_are_not_tracked),
	KUNIT_CASE(pto_spares_app_data_in_the_handshake),
	KUNIT_CASE(pto_picks_the_earliest_space),
	KUNIT_CASE(client_breaks_the_deadlock),
	KUNIT_CASE(client_waits_for_its_initial),
	KUNIT_CASE(deadlock_with_early_data),
	KUNIT_CASE(server_never_probes_for_nothing),
	KUNIT_CASE(amplification_limit_disarms),
	KUNIT_CASE(discarding_a_space),
	KUNIT_CASE(ack_of_the_future),
	KUNIT_CASE(ack_of_a_skipped_number),
	KUNIT_CASE(ack_delay_is_limited),
	KUNIT_CASE(no_sample_from_old_news),
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
	KUNIT_CASE(ledger_is_bounded),
	KUNIT_CASE(ack_with_many_ranges),
	KUNIT_CASE(new_path_begins_anew),
	KUNIT_CASE(refused_early_data_is_withdrawn),
	KUNIT_CASE(congestion_by_ecn),
	KUNIT_CASE(pacing_follows_the_window),
	KUNIT_CASE(window_follows_the_mtu),
	{}
};

static struct kunit_suite quic_loss_suite = {
	.name		= "quic_loss",
	.init		= quic_loss_test_init,
	.exit		= quic_loss_test_exit,
	.test_cases	= quic_loss_cases,
};

kunit_test_suite(quic_loss_suite);
