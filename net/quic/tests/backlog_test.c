// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>

#include "../endpoint.h"
#include "../input.h"
#include "../udp_rx.h"
#include "conn.h"

#define SIZE	1024

/* A datagram that came while the socket was owned; it may be garbage. */
static void backlog(struct kunit *test)
{
	struct sock *sk = quic_conn_sk(quic_test_conn(test));
	struct sk_buff *skb = quic_test_datagram(test, SIZE);

	memset(skb->cb, 0, sizeof(skb->cb));
	KUNIT_EXPECT_EQ(test, sk->sk_backlog_rcv(sk, skb), 0);
}

static void backlog_ends(struct kunit *test)
{
	struct sock *sk = quic_conn_sk(quic_test_conn(test));

	sk->sk_prot->release_cb(sk);
}

/* Somebody is to be woken when what was received is reacted to. */
static void wake_later(struct kunit *test)
{
	quic_test_conn(test)->events.wake_reader = true;
}

static bool woken(struct kunit *test)
{
	return !quic_test_conn(test)->events.wake_reader;
}

static void one_reaction_for_all(struct kunit *test)
{
	wake_later(test);
	backlog(test);
	backlog(test);
	KUNIT_EXPECT_FALSE(test, woken(test));
	backlog_ends(test);
	KUNIT_EXPECT_TRUE(test, woken(test));
}

/* Who sends is not to wait for an ACK until a long backlog has ended. */
static void long_ones_in_between(struct kunit *test)
{
	int i;

	wake_later(test);
	for (i = 0; i < 31; i++)
		backlog(test);
	KUNIT_EXPECT_FALSE(test, woken(test));
	backlog(test);
	KUNIT_EXPECT_TRUE(test, woken(test));

	wake_later(test);
	backlog_ends(test);
	KUNIT_EXPECT_FALSE(test, woken(test));
	backlog(test);
	backlog_ends(test);
	KUNIT_EXPECT_TRUE(test, woken(test));
}

/* Who flushes it reacts itself, after the spinlock of release_sock(). */
static void no_reaction_to_what_is_flushed(struct kunit *test)
{
	wake_later(test);
	quic_test_conn(test)->flushing = true;
	backlog(test);
	backlog_ends(test);
	KUNIT_EXPECT_FALSE(test, woken(test));
	quic_test_conn(test)->flushing = false;
	backlog_ends(test);
	KUNIT_EXPECT_TRUE(test, woken(test));
}

static struct kunit_case quic_backlog_cases[] = {
	KUNIT_CASE(one_reaction_for_all),
	KUNIT_CASE(long_ones_in_between),
	KUNIT_CASE(no_reaction_to_what_is_flushed),
	{}
};

static struct kunit_suite quic_backlog_suite = {
	.name		= "quic_backlog",
	.init		= quic_test_conn_init,
	.exit		= quic_test_conn_exit,
	.test_cases	= quic_backlog_cases,
};

kunit_test_suite(quic_backlog_suite);
