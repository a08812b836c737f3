// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>

#include "../timer.h"
#include "conn.h"

#define SLACK	(5 * NSEC_PER_SEC)

static ktime_t in_seconds(int seconds)
{
	return ktime_add_ns(ktime_get(), seconds * NSEC_PER_SEC);
}

static void expect_between(struct kunit *test, ktime_t from, ktime_t to)
{
	struct hrtimer *timer = &quic_test_conn(test)->timers.hrtimer;

	KUNIT_EXPECT_TRUE(test, hrtimer_is_queued(timer));
	KUNIT_EXPECT_EQ(test, hrtimer_get_softexpires(timer), from);
	KUNIT_EXPECT_EQ(test, hrtimer_get_expires(timer), to);
}

static void moving_later_leaves_the_timer(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	ktime_t near = in_seconds(100);

	quic_timer_set(conn, QUIC_TIMER_IDLE, near);
	expect_between(test, near, near);
	quic_timer_set(conn, QUIC_TIMER_IDLE, in_seconds(200));
	expect_between(test, near, near);
	quic_timers_stop(conn);
}

static void the_only_deadline_moves_it(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	ktime_t near = in_seconds(100);
	ktime_t far = in_seconds(200);
	int i;

	quic_timer_set(conn, QUIC_TIMER_LOSS, near);
	quic_timer_set(conn, QUIC_TIMER_IDLE, far);
	quic_timer_set_only(conn, QUIC_TIMER_CLOSE, far, SLACK);
	expect_between(test, far, ktime_add_ns(far, SLACK));
	for (i = 0; i < QUIC_TIMER_MAX; i++)
		KUNIT_EXPECT_EQ(test, conn->timers.deadline[i],
				i == QUIC_TIMER_CLOSE ? far : KTIME_MAX);
	quic_timers_stop(conn);
}

static void others_have_no_slack(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	ktime_t near = in_seconds(100);

	quic_timer_set_only(conn, QUIC_TIMER_CLOSE, in_seconds(200), SLACK);
	quic_timer_set(conn, QUIC_TIMER_LOSS, near);
	expect_between(test, near, near);
	quic_timers_stop(conn);
}

static struct kunit_case quic_timer_cases[] = {
	KUNIT_CASE(moving_later_leaves_the_timer),
	KUNIT_CASE(the_only_deadline_moves_it),
	KUNIT_CASE(others_have_no_slack),
	{}
};

static struct kunit_suite quic_timer_suite = {
	.name		= "quic_timer",
	.init		= quic_test_conn_init,
	.exit		= quic_test_conn_exit,
	.test_cases	= quic_timer_cases,
};

kunit_test_suite(quic_timer_suite);
