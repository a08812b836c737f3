// SPDX-License-Identifier: GPL-2.0-only
/* Congestion controllers on a path without a network: a window of packets
 * leaves, a round trip later each is acknowledged by itself.
 */

#include <kunit/test.h>
#include <linux/array_size.h>
#include <linux/math64.h>
#include <uapi/linux/quic.h>

#include "../cc.h"

#define PKT	1000
#define MS	USEC_PER_MSEC

struct quic_path_model {
	struct kunit *test;
	struct quic_cc cc;
	struct quic_rtt rtt;
	ktime_t now;
};

static struct quic_path_model *begin(struct kunit *test,
				     const struct quic_cc_ops *ops, u32 rtt_us)
{
	struct quic_path_model *m = test->priv;

	m->test = test;
	m->now = ktime_set(1000, 0);
	quic_rtt_init(&m->rtt, rtt_us);
	quic_rtt_update(&m->rtt, rtt_us, 0, m->now);
	quic_cc_init(&m->cc, ops, PKT);
	return m;
}

static void acked(struct quic_path_model *m, u32 bytes, ktime_t time_sent)
{
	struct quic_cc_ack ack = {
		.bytes = bytes,
		.growth_bytes = quic_cc_in_recovery(&m->cc, time_sent) ? 0 : bytes,
		.prior_in_flight = m->cc.bytes_in_flight,
		.time_sent = time_sent,
		.rtt = &m->rtt,
		.rtt_sampled = true,
	};

	quic_cc_remove(&m->cc, bytes);
	quic_cc_on_ack(&m->cc, &ack, m->now);
}

/* Send @pkts packets, wait for a round trip, have all of them acknowledged. */
static void burst(struct quic_path_model *m, u32 pkts, u32 rtt_us)
{
	ktime_t sent = m->now;
	u32 i;

	for (i = 0; i < pkts; i++)
		quic_cc_on_sent(&m->cc, PKT, USEC_PER_SEC, m->now);
	m->now = ktime_add_us(m->now, rtt_us);
	m->rtt.latest_us = rtt_us;
	for (i = 0; i < pkts; i++)
		acked(m, PKT, sent);
}

static void full_round(struct quic_path_model *m, u32 rtt_us)
{
	burst(m, div_u64(m->cc.cwnd, PKT), rtt_us);
}

static void lose_one(struct quic_path_model *m)
{
	quic_cc_on_event(&m->cc, m->now, m->now);
	m->now++;
}

static void expect_about(struct quic_path_model *m, u64 pkts, u32 percent)
{
	KUNIT_EXPECT_GE(m->test, 100 * m->cc.cwnd, pkts * PKT * (100 - percent));
	KUNIT_EXPECT_LE(m->test, 100 * m->cc.cwnd, pkts * PKT * (100 + percent));
}

static void cc_controllers_by_number(struct kunit *test)
{
	KUNIT_EXPECT_PTR_EQ(test, quic_cc_find(QUIC_CONG_ALG_RENO),
			    &quic_cc_newreno);
	KUNIT_EXPECT_PTR_EQ(test, quic_cc_find(QUIC_CONG_ALG_CUBIC),
			    &quic_cc_cubic);
	KUNIT_EXPECT_NULL(test, quic_cc_find(QUIC_CONG_ALG_MAX));
	KUNIT_EXPECT_NULL(test, quic_cc_find(U8_MAX));
}

/* RFC 9002, 7.3.1 and 7.3.3: double, then a packet a round trip. */
static void newreno_grows(struct kunit *test)
{
	struct quic_path_model *m = begin(test, &quic_cc_newreno, 100 * MS);
	int i;

	KUNIT_EXPECT_TRUE(test, quic_cc_in_slow_start(&m->cc));
	full_round(m, 100 * MS);
	KUNIT_EXPECT_EQ(test, m->cc.cwnd, 20 * PKT);
	full_round(m, 100 * MS);
	KUNIT_EXPECT_EQ(test, m->cc.cwnd, 40 * PKT);

	lose_one(m);
	KUNIT_EXPECT_EQ(test, m->cc.cwnd, 20 * PKT);
	KUNIT_EXPECT_EQ(test, m->cc.ssthresh, 20 * PKT);
	KUNIT_EXPECT_FALSE(test, quic_cc_in_slow_start(&m->cc));
	for (i = 1; i <= 10; i++) {
		full_round(m, 100 * MS);
		KUNIT_EXPECT_EQ(test, m->cc.cwnd, (20 + i) * PKT);
	}
}

/* One large ACK across ssthresh counts on both sides of it. */
static void newreno_crosses_ssthresh(struct kunit *test)
{
	struct quic_path_model *m = begin(test, &quic_cc_newreno, 100 * MS);
	int i;

	m->cc.ssthresh = 15 * PKT;
	for (i = 0; i < 10; i++)
		quic_cc_on_sent(&m->cc, PKT, USEC_PER_SEC, m->now);
	acked(m, 10 * PKT, m->now);
	KUNIT_EXPECT_EQ(test, m->cc.cwnd, 15 * PKT);
	full_round(m, 100 * MS);	/* 5 of 15 are counted already */
	KUNIT_EXPECT_EQ(test, m->cc.cwnd, 16 * PKT);
}

/* RFC 9002, 7.3.2: what was sent before the reduction changes nothing. */
static void newreno_recovers_once(struct kunit *test)
{
	struct quic_path_model *m = begin(test, &quic_cc_newreno, 100 * MS);
	ktime_t sent = m->now;
	int i;

	for (i = 0; i < 10; i++)
		quic_cc_on_sent(&m->cc, PKT, USEC_PER_SEC, sent);
	m->now = ktime_add_ms(m->now, 100);
	quic_cc_on_event(&m->cc, sent, m->now);
	KUNIT_EXPECT_EQ(test, m->cc.cwnd, 5 * PKT);
	quic_cc_on_event(&m->cc, sent, m->now);
	KUNIT_EXPECT_EQ(test, m->cc.cwnd, 5 * PKT);
	for (i = 0; i < 10; i++)
		acked(m, PKT, sent);
	KUNIT_EXPECT_EQ(test, m->cc.cwnd, 5 * PKT);
	KUNIT_EXPECT_EQ(test, m->cc.bytes_in_flight, 0);
}

/* RFC 9002, 7.2: never below two packets, however much is lost. */
static void cc_has_a_minimum(struct kunit *test)
{
	static const struct quic_cc_ops * const all[] = {
		&quic_cc_newreno, &quic_cc_cubic,
	};
	u32 i, j;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		struct quic_path_model *m = begin(test, all[i], 100 * MS);

		for (j = 0; j < 20; j++)
			lose_one(m);
		KUNIT_EXPECT_EQ(test, m->cc.cwnd, 2 * PKT);
		KUNIT_EXPECT_EQ(test, m->cc.ssthresh, 2 * PKT);
	}
}

/* RFC 9002, 7.6: down to the minimum, and up again by slow start. */
static void cc_survives_persistent_congestion(struct kunit *test)
{
	static const struct quic_cc_ops * const all[] = {
		&quic_cc_newreno, &quic_cc_cubic,
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		struct quic_path_model *m = begin(test, all[i], 100 * MS);

		full_round(m, 100 * MS);
		full_round(m, 100 * MS);
		lose_one(m);
		quic_cc_on_persistent(&m->cc, m->now);
		KUNIT_EXPECT_EQ(test, m->cc.cwnd, 2 * PKT);
		KUNIT_EXPECT_TRUE(test, quic_cc_in_slow_start(&m->cc));
		full_round(m, 100 * MS);
		KUNIT_EXPECT_EQ(test, m->cc.cwnd, 4 * PKT);
	}
}

/* RFC 9002, 7.8: half a window in use is no reason to have a larger one. */
static void cc_ignores_an_idle_program(struct kunit *test)
{
	static const struct quic_cc_ops * const all[] = {
		&quic_cc_newreno, &quic_cc_cubic,
	};
	u32 i, j;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		struct quic_path_model *m = begin(test, all[i], 100 * MS);

		full_round(m, 100 * MS);
		lose_one(m);
		KUNIT_EXPECT_FALSE(test, quic_cc_in_slow_start(&m->cc));
		burst(m, 4, 100 * MS);	/* the last full round counts till here */
		burst(m, 4, 100 * MS);
		KUNIT_EXPECT_GE(test, m->cc.cwnd, 10 * PKT);
		KUNIT_EXPECT_LE(test, m->cc.cwnd, 15 * PKT);
		for (j = 0; j < 50; j++) {
			u64 cwnd = m->cc.cwnd;

			burst(m, 4, 100 * MS);
			KUNIT_ASSERT_EQ(test, m->cc.cwnd, cwnd);
		}
	}
}

/* RFC 9002, 7.8: after a long silence back to the initial window; what it had
 * been is found again by slow start, up to three quarters of it.
 */
static void cc_restarts_after_silence(struct kunit *test)
{
	struct quic_path_model *m = begin(test, &quic_cc_newreno, 100 * MS);
	int i;

	full_round(m, 100 * MS);
	full_round(m, 100 * MS);
	lose_one(m);
	for (i = 0; i < 12; i++)
		full_round(m, 100 * MS);
	KUNIT_EXPECT_EQ(test, m->cc.cwnd, 32 * PKT);
	KUNIT_EXPECT_EQ(test, m->cc.ssthresh, 20 * PKT);

	m->now = ktime_add_ms(m->now, 1500);	/* one PTO halves it */
	quic_cc_on_sent(&m->cc, PKT, USEC_PER_SEC, m->now);
	KUNIT_EXPECT_EQ(test, m->cc.cwnd, 16 * PKT);
	KUNIT_EXPECT_EQ(test, m->cc.ssthresh, 24 * PKT);
	quic_cc_remove(&m->cc, PKT);

	m->now = ktime_add_ms(m->now, 3600000);
	quic_cc_on_sent(&m->cc, PKT, USEC_PER_SEC, m->now);
	KUNIT_EXPECT_EQ(test, m->cc.cwnd, 10 * PKT);
	KUNIT_EXPECT_TRUE(test, quic_cc_in_slow_start(&m->cc));
}

/* In slow start the pacer may hold the window half empty: it grows to twice what
 * was in use, however many ACKs tell of that.
 */
static void cc_grows_to_twice_the_use(struct kunit *test)
{
	struct quic_path_model *m = begin(test, &quic_cc_newreno, 100 * MS);

	burst(m, 5, 100 * MS);
	KUNIT_EXPECT_EQ(test, m->cc.cwnd, 10 * PKT);
	burst(m, 6, 100 * MS);
	KUNIT_EXPECT_EQ(test, m->cc.cwnd, 12 * PKT);
	burst(m, 6, 100 * MS);
	KUNIT_EXPECT_EQ(test, m->cc.cwnd, 12 * PKT);
}

/* RFC 9438, 4.2, W_max = 100 and cwnd = 70 packets: K = 4.217 s, and
 * W_cubic(t) = 0.4 * (t - K)^3 + 100 after that many seconds.
 */
static void cubic_follows_its_curve(struct kunit *test)
{
	static const struct {
		u32 s;
		u32 pkts;
	} curve[] = {
		{ 1, 87 }, { 2, 96 }, { 3, 99 }, { 4, 100 }, { 5, 100 },
		{ 6, 102 }, { 8, 122 }, { 9, 144 }, { 10, 177 },
	};
	struct quic_path_model *m = begin(test, &quic_cc_cubic, 100 * MS);
	ktime_t start;
	u32 i;

	m->cc.cwnd = 100 * PKT;
	lose_one(m);
	KUNIT_EXPECT_EQ(test, m->cc.cwnd, 70 * PKT);
	KUNIT_EXPECT_EQ(test, m->cc.ssthresh, 70 * PKT);

	full_round(m, 100 * MS);	/* the epoch begins with its first ACK */
	start = m->now;
	for (i = 0; i < ARRAY_SIZE(curve); i++) {
		while (ktime_ms_delta(m->now, start) < curve[i].s * 1000)
			full_round(m, 100 * MS);
		expect_about(m, curve[i].pkts, 3);
	}
}

/* RFC 9438, 4.3: where a round trip is short, Reno would be faster. W_max = 20,
 * cwnd = 14: 9/17 packets a round until 20 (12 rounds), then one a round.
 */
static void cubic_is_fair_to_reno(struct kunit *test)
{
	struct quic_path_model *m = begin(test, &quic_cc_cubic, 1 * MS);
	int i;

	m->cc.cwnd = 20 * PKT;
	lose_one(m);
	KUNIT_EXPECT_EQ(test, m->cc.cwnd, 14 * PKT);
	for (i = 0; i < 12; i++)
		full_round(m, 1 * MS);
	expect_about(m, 20, 5);
	for (i = 0; i < 50; i++)
		full_round(m, 1 * MS);
	expect_about(m, 70, 5);
}

/* RFC 9438, 4.7: who loses again before W_max gives way: the next plateau is at
 * (800 + 560) / 2 = 680 packets, K = 6.7 s.
 */
static void cubic_converges_fast(struct kunit *test)
{
	struct quic_path_model *m = begin(test, &quic_cc_cubic, 100 * MS);
	ktime_t start;

	m->cc.cwnd = 1000 * PKT;
	lose_one(m);
	m->cc.cwnd = 800 * PKT;
	lose_one(m);
	KUNIT_EXPECT_EQ(test, m->cc.cwnd, 560 * PKT);

	start = m->now;
	while (ktime_ms_delta(m->now, start) < 6700)
		full_round(m, 100 * MS);
	expect_about(m, 680, 2);
	while (ktime_ms_delta(m->now, start) < 8000)
		full_round(m, 100 * MS);
	expect_about(m, 682, 2);
}

/* RFC 9438, 5.8: a pause of the program is not time to grow in. */
static void cubic_pauses_with_the_program(struct kunit *test)
{
	struct quic_path_model *m = begin(test, &quic_cc_cubic, 100 * MS);
	u64 cwnd;
	int i;

	m->cc.cwnd = 100 * PKT;
	lose_one(m);
	for (i = 0; i < 40; i++)
		full_round(m, 100 * MS);
	for (i = 0; i < 100; i++)
		burst(m, 10, 100 * MS);
	cwnd = m->cc.cwnd;
	expect_about(m, 100, 3);
	full_round(m, 100 * MS);
	full_round(m, 100 * MS);
	KUNIT_EXPECT_LT(test, m->cc.cwnd, cwnd + 5 * PKT);
}

/* RFC 9438, 4.9.2: no loss after all, and the curve goes on where it was. */
static void cubic_takes_a_reduction_back(struct kunit *test)
{
	struct quic_path_model *m = begin(test, &quic_cc_cubic, 100 * MS);
	int i;

	m->cc.cwnd = 100 * PKT;
	lose_one(m);
	for (i = 0; i < 30; i++)
		full_round(m, 100 * MS);
	expect_about(m, 99, 3);
	lose_one(m);
	expect_about(m, 69, 3);
	full_round(m, 100 * MS);
	quic_cc_undo(&m->cc, m->now);
	expect_about(m, 99, 3);
	KUNIT_EXPECT_EQ(test, m->cc.ssthresh, 70 * PKT);
	quic_cc_undo(&m->cc, m->now);		/* only once */
	for (i = 0; i < 50; i++)
		full_round(m, 100 * MS);
	expect_about(m, 122, 4);
}

/* A window of gigabytes and years of avoidance stay within 64 bits. */
static void cubic_at_the_limits(struct kunit *test)
{
	struct quic_path_model *m = begin(test, &quic_cc_cubic, 100 * MS);
	u64 cwnd;

	m->cc.cwnd = BIT_ULL(32);
	lose_one(m);
	cwnd = m->cc.cwnd;
	quic_cc_on_sent(&m->cc, U32_MAX, USEC_PER_SEC, m->now);
	acked(m, BIT(30), m->now);
	m->now = ktime_add_ms(m->now, 1000000000ULL);
	acked(m, BIT(30), m->now);
	KUNIT_EXPECT_GE(test, m->cc.cwnd, cwnd);
	KUNIT_EXPECT_LE(test, m->cc.cwnd, BIT_ULL(32));
}

/* RFC 9406: as long as the delay stays, the window doubles. */
static void hystart_does_not_disturb(struct kunit *test)
{
	struct quic_path_model *m = begin(test, &quic_cc_cubic, 50 * MS);
	u32 i;

	for (i = 0; i < 8; i++)
		full_round(m, 50 * MS);
	KUNIT_EXPECT_EQ(test, m->cc.cwnd, 10 * 256 * PKT);
	KUNIT_EXPECT_EQ(test, m->cc.ssthresh, U64_MAX);
}

/* RFC 9406, 4.2: 50 ms, threshold 50/8 = 6.25 ms. At 60 ms growth slows down to
 * a quarter, and after five such rounds slow start is over without any loss.
 */
static void hystart_ends_slow_start(struct kunit *test)
{
	struct quic_path_model *m = begin(test, &quic_cc_cubic, 50 * MS);
	u64 cwnd;
	int i;

	full_round(m, 50 * MS);
	full_round(m, 56 * MS);		/* just below the threshold */
	KUNIT_EXPECT_EQ(test, m->cc.cwnd, 40 * PKT);

	full_round(m, 66 * MS);
	KUNIT_EXPECT_LT(test, m->cc.cwnd, 60 * PKT);
	for (i = 0; i < 4; i++) {
		cwnd = m->cc.cwnd;
		full_round(m, 66 * MS);
		KUNIT_EXPECT_TRUE(test, quic_cc_in_slow_start(&m->cc));
		KUNIT_EXPECT_LE(test, m->cc.cwnd, cwnd / 4 * 5 + PKT);
		KUNIT_EXPECT_GT(test, 5 * m->cc.cwnd, 6 * cwnd);
	}
	full_round(m, 66 * MS);
	KUNIT_EXPECT_FALSE(test, quic_cc_in_slow_start(&m->cc));
}

/* RFC 9406, 4.2: the delay was a hiccup; slow start resumes. */
static void hystart_changes_its_mind(struct kunit *test)
{
	struct quic_path_model *m = begin(test, &quic_cc_cubic, 50 * MS);
	u64 cwnd;
	int i;

	full_round(m, 50 * MS);
	full_round(m, 50 * MS);
	full_round(m, 60 * MS);
	KUNIT_EXPECT_LT(test, m->cc.cwnd, 60 * PKT);
	full_round(m, 50 * MS);
	for (i = 0; i < 4; i++) {
		cwnd = m->cc.cwnd;
		full_round(m, 50 * MS);
		KUNIT_EXPECT_EQ(test, m->cc.cwnd, cwnd + div_u64(cwnd, PKT) * PKT);
	}
}

static int quic_cc_test_init(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct quic_path_model),
				   GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

static struct kunit_case quic_cc_cases[] = {
	KUNIT_CASE(cc_controllers_by_number),
	KUNIT_CASE(newreno_grows),
	KUNIT_CASE(newreno_crosses_ssthresh),
	KUNIT_CASE(newreno_recovers_once),
	KUNIT_CASE(cc_has_a_minimum),
	KUNIT_CASE(cc_survives_persistent_congestion),
	KUNIT_CASE(cc_ignores_an_idle_program),
	KUNIT_CASE(cc_restarts_after_silence),
	KUNIT_CASE(cc_grows_to_twice_the_use),
	KUNIT_CASE(cubic_follows_its_curve),
	KUNIT_CASE(cubic_is_fair_to_reno),
	KUNIT_CASE(cubic_converges_fast),
	KUNIT_CASE(cubic_pauses_with_the_program),
	KUNIT_CASE(cubic_takes_a_reduction_back),
	KUNIT_CASE(cubic_at_the_limits),
	KUNIT_CASE(hystart_does_not_disturb),
	KUNIT_CASE(hystart_ends_slow_start),
	KUNIT_CASE(hystart_changes_its_mind),
	{}
};

static struct kunit_suite quic_cc_suite = {
	.name		= "quic_cc",
	.init		= quic_cc_test_init,
	.test_cases	= quic_cc_cases,
};

kunit_test_suite(quic_cc_suite);
