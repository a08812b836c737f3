// SPDX-License-Identifier: GPL-2.0-only
/* Delivery rate samples (draft-ietf-ccwg-bbr, 4.1). */

#include <kunit/test.h>
#include <linux/time64.h>

#include "../rate.h"

#define PKT	1000
#define MS	USEC_PER_MSEC
#define RTT_US	(100 * MS)

struct rate_story {
	ktime_t now;
	struct quic_rate rate;
	u64 in_flight;
};

struct rate_sent {
	struct quic_rate_pkt pkt;
	ktime_t time;
};

static struct rate_sent sent(struct rate_story *s)
{
	struct rate_sent p = { .time = s->now };

	quic_rate_on_sent(&s->rate, &p.pkt, s->in_flight, PKT, s->now);
	s->in_flight += PKT;
	return p;
}

static struct quic_rate_sample acked(struct rate_story *s,
				     const struct rate_sent *newest, u32 pkts)
{
	struct quic_rate_sample rs;

	while (pkts--) {
		quic_rate_on_acked(&s->rate, PKT);
		s->in_flight -= PKT;
	}
	quic_rate_take(&s->rate, &newest->pkt, newest->time, RTT_US, s->now,
		       &rs);
	return rs;
}

static void pass(struct rate_story *s, u32 us)
{
	s->now = ktime_add_us(s->now, us);
}

static struct rate_story begin(void)
{
	return (struct rate_story) { .now = ktime_set(1000, 0) };
}

/* Ten packets in a round trip of 100 ms are 100 packets a second. */
static void rate_of_a_window(struct kunit *test)
{
	struct rate_story s = begin();
	struct quic_rate_sample rs;
	struct rate_sent p;
	int i;

	for (i = 0; i < 10; i++)
		p = sent(&s);
	pass(&s, RTT_US);
	rs = acked(&s, &p, 10);
	KUNIT_EXPECT_EQ(test, rs.rate, 100 * PKT);
	KUNIT_EXPECT_EQ(test, rs.delivered, 10 * PKT);
	KUNIT_EXPECT_EQ(test, rs.prior_delivered, 0);
	KUNIT_EXPECT_EQ(test, rs.in_flight, 10 * PKT);
	KUNIT_EXPECT_EQ(test, rs.interval_us, RTT_US);
}

/* Acknowledgments that come in at once do not make the network faster: what
 * took 90 ms to send cannot have been delivered in less.
 */
static void rate_is_that_of_sending(struct kunit *test)
{
	struct rate_story s = begin();
	struct rate_sent p[20];
	struct quic_rate_sample rs;
	int i;

	for (i = 0; i < 20; i++) {
		p[i] = sent(&s);
		pass(&s, 10 * MS);
	}
	acked(&s, &p[0], 1);
	pass(&s, 10 * MS);
	rs = acked(&s, &p[19], 19);
	/* the newest left 190 ms after the first, and nothing was delivered */
	KUNIT_EXPECT_EQ(test, rs.interval_us, 210 * MS);
	KUNIT_EXPECT_EQ(test, rs.delivered, 20 * PKT);
	KUNIT_EXPECT_LT(test, rs.rate, 100 * PKT);
}

/* Silence is no time in which the network was slow. */
static void rate_forgets_silence(struct kunit *test)
{
	struct rate_story s = begin();
	struct quic_rate_sample rs;
	struct rate_sent p = sent(&s);

	pass(&s, RTT_US);
	acked(&s, &p, 1);
	pass(&s, 3600 * USEC_PER_SEC);
	p = sent(&s);
	pass(&s, RTT_US);
	rs = acked(&s, &p, 1);
	KUNIT_EXPECT_EQ(test, rs.rate, 10 * PKT);
}

/* An interval below the round-trip time tells nothing. */
static void rate_needs_a_round_trip(struct kunit *test)
{
	struct rate_story s = begin();
	struct quic_rate_sample rs;
	struct rate_sent p = sent(&s);

	pass(&s, RTT_US - 1);
	rs = acked(&s, &p, 1);
	KUNIT_EXPECT_EQ(test, rs.rate, 0);
	KUNIT_EXPECT_EQ(test, rs.delivered, PKT);
}

static void rate_counts_losses_since(struct kunit *test)
{
	struct rate_story s = begin();
	struct quic_rate_sample rs;
	struct rate_sent p;

	quic_rate_on_lost(&s.rate, PKT);
	p = sent(&s);
	quic_rate_on_lost(&s.rate, 3 * PKT);
	quic_rate_at(&s.rate, &p.pkt, &rs);
	KUNIT_EXPECT_EQ(test, rs.lost, 3 * PKT);
	KUNIT_EXPECT_EQ(test, rs.in_flight, PKT);
}

/* The bubble ends with what was in flight when the program had no more. */
static void rate_limited_by_the_program(struct kunit *test)
{
	struct rate_story s = begin();
	struct rate_sent p = sent(&s);

	quic_rate_app_limited(&s.rate, s.in_flight);
	KUNIT_EXPECT_EQ(test, s.rate.app_limited, PKT);
	pass(&s, RTT_US);
	acked(&s, &p, 1);
	KUNIT_EXPECT_NE(test, s.rate.app_limited, 0);
	p = sent(&s);
	pass(&s, RTT_US);
	acked(&s, &p, 1);
	KUNIT_EXPECT_EQ(test, s.rate.app_limited, 0);
	quic_rate_app_limited(&s.rate, 0);
	KUNIT_EXPECT_NE(test, s.rate.app_limited, 0);
}

/* The ledger keeps lower halves: nothing is special about 4 GiB. */
static void rate_beyond_32_bits(struct kunit *test)
{
	struct rate_story s = begin();
	struct quic_rate_sample rs;
	struct rate_sent p;

	s.rate.delivered = 3 * BIT_ULL(32) - PKT / 2;
	s.rate.lost = BIT_ULL(32) - 1;
	p = sent(&s);
	quic_rate_on_lost(&s.rate, PKT);
	pass(&s, RTT_US);
	rs = acked(&s, &p, 1);
	KUNIT_EXPECT_EQ(test, rs.delivered, PKT);
	KUNIT_EXPECT_EQ(test, rs.prior_delivered, 3 * BIT_ULL(32) - PKT / 2);
	KUNIT_EXPECT_EQ(test, rs.lost, PKT);
	KUNIT_EXPECT_EQ(test, rs.rate, 10 * PKT);
}

static struct kunit_case quic_rate_cases[] = {
	KUNIT_CASE(rate_of_a_window),
	KUNIT_CASE(rate_is_that_of_sending),
	KUNIT_CASE(rate_forgets_silence),
	KUNIT_CASE(rate_needs_a_round_trip),
	KUNIT_CASE(rate_counts_losses_since),
	KUNIT_CASE(rate_limited_by_the_program),
	KUNIT_CASE(rate_beyond_32_bits),
	{}
};

static struct kunit_suite quic_rate_suite = {
	.name		= "quic_rate",
	.test_cases	= quic_rate_cases,
};

kunit_test_suite(quic_rate_suite);
