// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>

#include "../handshake.h"
#include "../rcvq.h"
#include "../stream_input.h"
#include "../stream_recv.h"
#include "../tparams.h"
#include "conn.h"

#define ID	3	/* the server's first unidirectional stream */

static void set_rcvbuf(struct kunit *test, int bytes)
{
	struct sock *sk = quic_conn_sk(quic_test_conn(test));

	sk->sk_userlocks |= SOCK_RCVBUF_LOCK;
	WRITE_ONCE(sk->sk_rcvbuf, bytes);
}

static int rcvbuf(struct kunit *test)
{
	return READ_ONCE(quic_conn_sk(quic_test_conn(test))->sk_rcvbuf);
}

/* The program reads everything that can be read. */
static void read_all(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct sk_buff_head *queue = &quic_conn_sk(conn)->sk_receive_queue;
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(queue))) {
		quic_stream_recv_consume(conn, quic_item(skb)->stream_id,
					 skb->len, true);
		kfree_skb(skb);
	}
	quic_rcvq_check_room(conn);
}

static void window_is_a_share_of_the_buffer(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);

	conn->flow.rx.window = 1 << 20;
	quic_rcvq_make_room(conn, 1 << 20);
	KUNIT_EXPECT_EQ(test, rcvbuf(test), 4 << 20);
	KUNIT_EXPECT_EQ(test, quic_rcvq_window(conn), 1 << 20);
	set_rcvbuf(test, 100000);
	KUNIT_EXPECT_EQ(test, quic_rcvq_window(conn), 25000);
	quic_rcvq_make_room(conn, 1 << 20);
	KUNIT_EXPECT_EQ(test, rcvbuf(test), 100000);
	set_rcvbuf(test, 1000);
	KUNIT_EXPECT_EQ(test, quic_rcvq_window(conn),
			QUIC_TPARAMS_WINDOW_MIN);
	set_rcvbuf(test, 8 << 20);
	KUNIT_EXPECT_EQ(test, quic_rcvq_window(conn), 1 << 20);
	conn->flow.rx.window = QUIC_VARINT_MAX;
	set_rcvbuf(test, INT_MAX);
	KUNIT_EXPECT_EQ(test, quic_rcvq_window(conn), QUIC_VARINT_MAX);
}

static void window_is_announced_once(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);

	conn->local.initial_max_data = 1 << 20;
	set_rcvbuf(test, 100000);
	quic_handshake_freeze_tparams(conn, false);
	KUNIT_EXPECT_EQ(test, conn->local.initial_max_data, 25000);
	KUNIT_EXPECT_EQ(test, conn->flow.rx.max, 25000);
	/* A buffer that shrinks takes nothing back. */
	set_rcvbuf(test, 50000);
	quic_handshake_freeze_tparams(conn, true);
	KUNIT_EXPECT_EQ(test, conn->local.initial_max_data, 25000);
	KUNIT_EXPECT_EQ(test, conn->flow.rx.max, 25000);
	/* One that grows may have all that the parameters would have given. */
	set_rcvbuf(test, 8 << 20);
	KUNIT_EXPECT_EQ(test, quic_rcvq_window(conn), 1 << 20);
}

/* The client goes by what it was told by another connection. */
static void window_of_early_data_stays(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);

	conn->local.initial_max_data = 1 << 20;
	set_rcvbuf(test, 100000);
	quic_handshake_freeze_tparams(conn, true);
	KUNIT_EXPECT_EQ(test, conn->local.initial_max_data, 1 << 20);
	KUNIT_EXPECT_EQ(test, conn->flow.rx.max, 1 << 20);
	KUNIT_EXPECT_EQ(test, quic_rcvq_window(conn), 25000);
}

/* Fills the buffer until a packet is refused; IDs from @id on. */
static void fill(struct kunit *test, u64 id, u64 offset)
{
	struct quic_conn *conn = quic_test_conn(test);

	conn->flow.refused = false;
	while (!quic_test_recv(test, id, offset, 500, false))
		offset += 500;
	KUNIT_EXPECT_TRUE(test, conn->flow.refused);
	KUNIT_EXPECT_FALSE(test, conn->flow.pending & QUIC_FLOW_MAX_DATA);
}

/* What lies behind a gap leaves less than half of the buffer. */
static void room_is_announced_when_all_is_read(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);

	conn->settings.events = 0;
	set_rcvbuf(test, 16384);
	fill(test, ID, 10000);
	fill(test, ID + 4, 0);
	read_all(test);
	KUNIT_EXPECT_GT(test,
			atomic_read(&quic_conn_sk(conn)->sk_rmem_alloc), 8192);
	KUNIT_EXPECT_TRUE(test, conn->flow.pending & QUIC_FLOW_MAX_DATA);
	KUNIT_EXPECT_FALSE(test, conn->flow.refused);
}

static void room_is_announced_when_half_is_free(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct sock *sk = quic_conn_sk(conn);

	set_rcvbuf(test, 16384);
	fill(test, ID, 0);
	while (!(conn->flow.pending & QUIC_FLOW_MAX_DATA)) {
		KUNIT_ASSERT_FALSE(test,
				   skb_queue_empty(&sk->sk_receive_queue));
		kfree_skb(__skb_dequeue(&sk->sk_receive_queue));
		quic_rcvq_check_room(conn);
	}
	KUNIT_EXPECT_LE(test, atomic_read(&sk->sk_rmem_alloc), 8192);
	KUNIT_EXPECT_GT(test, atomic_read(&sk->sk_rmem_alloc), 0);
}

static void room_is_announced_when_a_stream_is_reset(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_frame_reset_stream reset = {
		.stream_id = ID, .final_size = 50000,
	};

	set_rcvbuf(test, 16384);
	fill(test, ID, 0);
	KUNIT_EXPECT_EQ(test, quic_streams_recv_reset(conn, &reset), 0);
	KUNIT_EXPECT_FALSE(test, conn->flow.refused);
}

/* The peer sends 120000 bytes, within the estimated round trip. */
static void flood(struct kunit *test)
{
	u32 offset;

	quic_test_conn(test)->rec.rtt.smoothed_us = 60 * USEC_PER_SEC;
	for (offset = 0; offset < 120000; offset += 500) {
		KUNIT_ASSERT_EQ(test,
				quic_test_recv(test, ID, offset, 500, false),
				0);
		read_all(test);
		quic_test_send(test);
	}
}

static void windows_grow(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);

	flood(test);
	KUNIT_EXPECT_GE(test, quic_stream_find(conn, ID)->recv.flow.window,
			2 * QUIC_TEST_STREAM);
	KUNIT_EXPECT_EQ(test, conn->flow.rx.window, 2 * QUIC_TEST_WINDOW);
	KUNIT_EXPECT_EQ(test, rcvbuf(test), 8 * QUIC_TEST_WINDOW);
	/* What the peer was told of others has not changed. */
	KUNIT_EXPECT_EQ(test, quic_test_recv(test, ID + 4, 0, 1, false), 0);
	KUNIT_EXPECT_EQ(test, quic_stream_find(conn, ID + 4)->recv.flow.max,
			QUIC_TEST_STREAM);
}

static void windows_that_have_names_stay(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);

	conn->settings.windows_named = true;
	flood(test);
	KUNIT_EXPECT_EQ(test, quic_stream_find(conn, ID)->recv.flow.window,
			QUIC_TEST_STREAM);
	KUNIT_EXPECT_EQ(test, conn->flow.rx.window, QUIC_TEST_WINDOW);
}

static void windows_grow_within_the_buffer(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);

	set_rcvbuf(test, 5 * QUIC_TEST_WINDOW);
	flood(test);
	KUNIT_EXPECT_EQ(test, conn->flow.rx.window, 5 * QUIC_TEST_WINDOW / 4);
	KUNIT_EXPECT_EQ(test, rcvbuf(test), 5 * QUIC_TEST_WINDOW);
}

static struct kunit_case quic_rcvq_cases[] = {
	KUNIT_CASE(window_is_a_share_of_the_buffer),
	KUNIT_CASE(window_is_announced_once),
	KUNIT_CASE(window_of_early_data_stays),
	KUNIT_CASE(room_is_announced_when_all_is_read),
	KUNIT_CASE(room_is_announced_when_half_is_free),
	KUNIT_CASE(room_is_announced_when_a_stream_is_reset),
	KUNIT_CASE(windows_grow),
	KUNIT_CASE(windows_that_have_names_stay),
	KUNIT_CASE(windows_grow_within_the_buffer),
	{}
};

static struct kunit_suite quic_rcvq_suite = {
	.name		= "quic_rcvq",
	.init		= quic_test_conn_init,
	.exit		= quic_test_conn_exit,
	.test_cases	= quic_rcvq_cases,
};

kunit_test_suite(quic_rcvq_suite);
