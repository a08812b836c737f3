// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>

#include "../flow.h"
#include "../types.h"

static void flow_limits_only_grow(struct kunit *test)
{
	struct quic_flow_tx tx = { .max = 10, .used = 4 };

	KUNIT_EXPECT_EQ(test, quic_flow_tx_credit(&tx), 6);
	KUNIT_EXPECT_FALSE(test, quic_flow_tx_raise(&tx, 9));
	KUNIT_EXPECT_FALSE(test, quic_flow_tx_raise(&tx, 10));
	KUNIT_EXPECT_EQ(test, quic_flow_tx_credit(&tx), 6);
	KUNIT_EXPECT_TRUE(test, quic_flow_tx_raise(&tx, 11));
	KUNIT_EXPECT_EQ(test, quic_flow_tx_credit(&tx), 7);
}

static void flow_credit_is_never_negative(struct kunit *test)
{
	struct quic_flow_tx tx = { .max = 10, .used = 12 };

	KUNIT_EXPECT_EQ(test, quic_flow_tx_credit(&tx), 0);
}

static void flow_peer_may_use_the_window_and_no_more(struct kunit *test)
{
	struct quic_flow_rx rx;

	quic_flow_rx_init(&rx, 100);
	KUNIT_EXPECT_EQ(test, quic_flow_rx_check(&rx, 100), 0);
	KUNIT_EXPECT_EQ(test, quic_flow_rx_check(&rx, 101),
			QUIC_TRANSPORT_ERROR_FLOW_CONTROL);
	rx.received = 60;
	KUNIT_EXPECT_EQ(test, quic_flow_rx_check(&rx, 40), 0);
	KUNIT_EXPECT_EQ(test, quic_flow_rx_check(&rx, 41),
			QUIC_TRANSPORT_ERROR_FLOW_CONTROL);
	KUNIT_EXPECT_EQ(test, quic_flow_rx_check(&rx, QUIC_VARINT_MAX),
			QUIC_TRANSPORT_ERROR_FLOW_CONTROL);
}

static void flow_credit_returns_half_a_window_at_a_time(struct kunit *test)
{
	struct quic_flow_rx rx;

	quic_flow_rx_init(&rx, 100);
	KUNIT_EXPECT_FALSE(test, quic_flow_rx_update_due(&rx, rx.window));
	quic_flow_rx_consume(&rx, 49);
	KUNIT_EXPECT_FALSE(test, quic_flow_rx_update_due(&rx, rx.window));
	quic_flow_rx_consume(&rx, 1);
	KUNIT_EXPECT_TRUE(test, quic_flow_rx_update_due(&rx, rx.window));
	KUNIT_EXPECT_EQ(test, quic_flow_rx_advance(&rx, rx.window), 150);
	KUNIT_EXPECT_FALSE(test, quic_flow_rx_update_due(&rx, rx.window));
}

static void flow_narrow_window_waits_for_credit_to_be_used(struct kunit *test)
{
	struct quic_flow_rx rx;

	quic_flow_rx_init(&rx, 100);
	quic_flow_rx_consume(&rx, 60);
	KUNIT_EXPECT_FALSE(test, quic_flow_rx_update_due(&rx, 40));
	KUNIT_EXPECT_EQ(test, quic_flow_rx_advance(&rx, 20), 100);
	quic_flow_rx_consume(&rx, 20);
	KUNIT_EXPECT_TRUE(test, quic_flow_rx_update_due(&rx, 40));
	KUNIT_EXPECT_EQ(test, quic_flow_rx_advance(&rx, 40), 120);
	KUNIT_EXPECT_TRUE(test, quic_flow_rx_update_due(&rx, rx.window));
}

/* Half a window comes per millisecond. */
static void flow_narrow_window_is_noticed(struct kunit *test)
{
	struct quic_flow_rx rx;
	int i;

	quic_flow_rx_init(&rx, 100);
	for (i = 1; i < 10; i++) {
		rx.received += 50;
		KUNIT_EXPECT_EQ(test,
				quic_flow_rx_is_narrow(&rx, ms_to_ktime(i), 501),
				i > 1);
	}
	rx.received += 50;
	KUNIT_EXPECT_FALSE(test,
			   quic_flow_rx_is_narrow(&rx, ms_to_ktime(10), 500));
}

static void flow_reader_that_catches_up_is_not_a_narrow_window(struct kunit *test)
{
	struct quic_flow_rx rx;

	quic_flow_rx_init(&rx, 100);
	rx.received = 100;
	KUNIT_EXPECT_FALSE(test,
			   quic_flow_rx_is_narrow(&rx, ms_to_ktime(1), 5000));
	KUNIT_EXPECT_FALSE(test,
			   quic_flow_rx_is_narrow(&rx, ms_to_ktime(1), 5000));
	rx.received += 50;
	KUNIT_EXPECT_TRUE(test,
			  quic_flow_rx_is_narrow(&rx, ms_to_ktime(2), 5000));
}

static void flow_without_a_window_gives_nothing(struct kunit *test)
{
	struct quic_flow_rx rx;

	quic_flow_rx_init(&rx, 0);
	KUNIT_EXPECT_FALSE(test, quic_flow_rx_update_due(&rx, rx.window));
	KUNIT_EXPECT_EQ(test, quic_flow_rx_check(&rx, 0), 0);
	KUNIT_EXPECT_EQ(test, quic_flow_rx_check(&rx, 1),
			QUIC_TRANSPORT_ERROR_FLOW_CONTROL);
}

static struct kunit_case quic_flow_cases[] = {
	KUNIT_CASE(flow_limits_only_grow),
	KUNIT_CASE(flow_credit_is_never_negative),
	KUNIT_CASE(flow_peer_may_use_the_window_and_no_more),
	KUNIT_CASE(flow_credit_returns_half_a_window_at_a_time),
	KUNIT_CASE(flow_narrow_window_waits_for_credit_to_be_used),
	KUNIT_CASE(flow_narrow_window_is_noticed),
	KUNIT_CASE(flow_reader_that_catches_up_is_not_a_narrow_window),
	KUNIT_CASE(flow_without_a_window_gives_nothing),
	{}
};

static struct kunit_suite quic_flow_suite = {
	.name		= "quic_flow",
	.test_cases	= quic_flow_cases,
};

kunit_test_suite(quic_flow_suite);
