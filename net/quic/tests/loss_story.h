/* SPDX-License-Identifier: GPL-2.0-only */
/* The words in which stories of loss recovery are told. A clock that stands
 * still until it is told to move, real ledgers, and ACK frames that went through
 * the wire's own builder and parser. Ranges of packet numbers are written first
 * to last, as in an ACK.
 */
#ifndef _NET_QUIC_TESTS_LOSS_STORY_H
#define _NET_QUIC_TESTS_LOSS_STORY_H

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

static inline void advance_us(struct quic_story *s, u64 us)
{
	s->now = ktime_add_us(s->now, us);
}

static inline void advance(struct quic_story *s, u64 ms)
{
	advance_us(s, ms * USEC_PER_MSEC);
}

static inline struct quic_sent_pkt *packet(struct quic_story *s,
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

static inline void leave(struct quic_story *s, enum quic_space_id id,
			 struct quic_sent_pkt *pkt)
{
	quic_loss_on_sent(&s->rec, &s->spaces[id], pkt, s->now);
	quic_pnspace_pn_used(&s->spaces[id]);
}

static inline void send(struct quic_story *s, enum quic_space_id id, u32 nr)
{
	while (nr--)
		leave(s, id, packet(s, id));
}

/* An ACK frame as the peer would write it. */
static inline int ack_ranges(struct quic_story *s, enum quic_space_id id,
			     u64 delay_us, const struct quic_pns *pns, u32 nr)
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

static inline void timeout(struct quic_story *s)
{
	quic_loss_on_timeout(&s->rec, s->spaces, s->now, &s->lost, &s->verdict);
}

/* What is expected */

static inline void expect_list(struct quic_story *s, struct list_head *list,
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

static inline void forget_acked(struct quic_story *s)
{
	quic_sent_list_free(&s->acked);
}

static inline void expect_timer_in_us(struct quic_story *s, s64 us)
{
	ktime_t t = quic_loss_timer(&s->rec, s->spaces);

	KUNIT_EXPECT_EQ(s->test, ktime_us_delta(t, s->now), us);
}

static inline void expect_timer_in(struct quic_story *s, s64 ms)
{
	expect_timer_in_us(s, ms * (s64)USEC_PER_MSEC);
}

static inline void expect_no_timer(struct quic_story *s)
{
	KUNIT_EXPECT_EQ(s->test, quic_loss_timer(&s->rec, s->spaces),
			KTIME_MAX);
}

static inline void expect_probes(struct quic_story *s, enum quic_space_id id, u8 nr)
{
	KUNIT_EXPECT_EQ(s->test, s->verdict.space, id);
	KUNIT_EXPECT_EQ(s->test, s->verdict.nr_probes, nr);
}

static inline void expect_in_flight(struct quic_story *s, u32 pkts)
{
	KUNIT_EXPECT_EQ(s->test, s->rec.cc.bytes_in_flight, (u64)pkts * PKT);
}

static inline void expect_cwnd(struct quic_story *s, u32 pkts)
{
	KUNIT_EXPECT_EQ(s->test, s->rec.cc.cwnd, (u64)pkts * PKT);
}

/* How it begins and ends */

static inline void begin(struct quic_story *s, bool is_server)
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
static inline struct quic_story *begin_confirmed(struct kunit *test)
{
	struct quic_story *s = test->priv;

	begin(s, false);
	quic_loss_discard_space(&s->rec, &s->spaces[INITIAL], s->now);
	quic_loss_discard_space(&s->rec, &s->spaces[HANDSHAKE], s->now);
	quic_recovery_confirm(&s->rec);
	return s;
}

static inline struct quic_story *begin_client(struct kunit *test)
{
	begin(test->priv, false);
	return test->priv;
}

static inline struct quic_story *begin_server(struct kunit *test)
{
	begin(test->priv, true);
	return test->priv;
}

/* Packet 0 went there and back: srtt 100 ms, rttvar 50 ms, PTO 325 ms. */
static inline struct quic_story *begin_measured(struct kunit *test)
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

static inline int quic_story_init(struct kunit *test)
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

static inline void quic_story_exit(struct kunit *test)
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

#endif /* _NET_QUIC_TESTS_LOSS_STORY_H */
