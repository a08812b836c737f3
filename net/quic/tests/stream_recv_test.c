// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>

#include "../recvmsg.h"
#include "../stream_recv.h"
#include "../udp_rx.h"
#include "conn.h"

#define ID	3	/* the server's first unidirectional stream */

/* The next item must be [offset, offset + len); it is read completely. */
static void read_item(struct kunit *test, u64 offset, u32 len, bool fin)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct sk_buff_head *queue = &quic_conn_sk(conn)->sk_receive_queue;
	struct sk_buff *skb = __skb_dequeue(queue);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, quic_item(skb)->kind, QUIC_ITEM_STREAM);
	KUNIT_EXPECT_EQ(test, quic_item(skb)->offset, offset);
	KUNIT_EXPECT_EQ(test, skb->len, len);
	KUNIT_EXPECT_EQ(test, quic_item(skb)->fin, fin);
	KUNIT_EXPECT_TRUE(test, quic_test_matches(skb->data, offset, skb->len));
	quic_stream_recv_consume(conn, quic_item(skb)->stream_id, skb->len,
				 true);
	kfree_skb(skb);
}

static void read_none(struct kunit *test)
{
	struct sock *sk = quic_conn_sk(quic_test_conn(test));

	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&sk->sk_receive_queue));
}

static void recv(struct kunit *test, u64 offset, u32 len, bool fin)
{
	KUNIT_EXPECT_EQ(test, quic_test_recv(test, ID, offset, len, fin), 0);
}

static void recv_in_order(struct kunit *test)
{
	recv(test, 0, 600, false);
	recv(test, 600, 600, true);
	quic_test_expect_update(test, ID, QUIC_STREAM_RECV_STATE_RECV, 0, 0);
	quic_test_expect_update(test, ID, QUIC_STREAM_RECV_STATE_RECVD, 0, 1200);
	read_item(test, 0, 600, false);
	read_item(test, 600, 600, true);
	read_none(test);
}

static void recv_out_of_order(struct kunit *test)
{
	recv(test, 600, 600, true);
	quic_test_expect_update(test, ID, QUIC_STREAM_RECV_STATE_RECV, 0, 0);
	quic_test_expect_update(test, ID, QUIC_STREAM_RECV_STATE_SIZE_KNOWN, 0,
				1200);
	read_none(test);
	recv(test, 0, 700, false);
	quic_test_expect_update(test, ID, QUIC_STREAM_RECV_STATE_RECVD, 0, 1200);
	read_item(test, 0, 700, false);
	read_item(test, 700, 500, true);
	read_none(test);
}

static void recv_fin_alone(struct kunit *test)
{
	recv(test, 0, 600, false);
	read_item(test, 0, 600, false);
	recv(test, 600, 0, true);
	read_item(test, 600, 0, true);
	read_none(test);
}

static void recv_fin_alone_before_the_data(struct kunit *test)
{
	recv(test, 600, 0, true);
	read_none(test);
	recv(test, 0, 600, false);
	read_item(test, 0, 600, true);
	read_none(test);
}

static void recv_empty_stream(struct kunit *test)
{
	recv(test, 0, 0, true);
	read_item(test, 0, 0, true);
	KUNIT_EXPECT_NULL(test, quic_stream_find(quic_test_conn(test), ID));
}

/* Bytes one by one do not each take a buffer. */
static void recv_gathers_small_pieces(struct kunit *test)
{
	struct sk_buff *skb;
	u32 i;

	for (i = 0; i < 100; i++) {
		struct quic_frame_stream frame = {
			.stream_id = ID, .offset = i, .len = 1,
		};

		skb = quic_test_datagram(test, QUIC_TEST_PACKET);
		frame.data = skb->data;
		quic_test_fill(skb->data, i, 1);
		KUNIT_EXPECT_EQ(test, 0,
				quic_streams_recv_data(quic_test_conn(test),
						       &frame, skb));
		kfree_skb(skb);
	}
	read_item(test, 0, 100, false);
	read_none(test);
}

/* A packet of a batch of which @behind bytes follow. */
static void recv_of_batch(struct kunit *test, u64 offset, u32 len, u32 behind)
{
	struct sk_buff *skb = quic_test_datagram(test, QUIC_TEST_PACKET);
	struct quic_frame_stream frame = {
		.stream_id = ID, .offset = offset, .len = len,
		.data = skb->data,
	};

	QUIC_SKB_CB(skb)->behind = behind;
	quic_test_fill(skb->data, offset, len);
	KUNIT_EXPECT_EQ(test, 0,
			quic_streams_recv_data(quic_test_conn(test), &frame,
					       skb));
	kfree_skb(skb);
}

#define BATCH	40

/* Packets of a batch share items, which grow with what has come. */
static void recv_gathers_a_batch(struct kunit *test)
{
	struct sk_buff_head *queue =
		&quic_conn_sk(quic_test_conn(test))->sk_receive_queue;
	u32 i, len;

	for (i = 0; i < BATCH; i++)
		recv_of_batch(test, i * 1000, 1000, (BATCH - 1 - i) * 1000);
	KUNIT_EXPECT_LE(test, skb_queue_len(queue), BATCH / 5);
	for (i = 0; !skb_queue_empty(queue); i += len) {
		len = skb_peek(queue)->len;
		read_item(test, i, len, false);
	}
	KUNIT_EXPECT_EQ(test, i, BATCH * 1000);
}

/* Room that is not used stays charged, so it is little. */
static void recv_batch_that_ends_early(struct kunit *test)
{
	struct sock *sk = quic_conn_sk(quic_test_conn(test));
	u32 used;

	recv_of_batch(test, 0, 1000, 50000);
	used = atomic_read(&sk->sk_rmem_alloc);
	recv_of_batch(test, 1000, 1000, 49000);
	KUNIT_EXPECT_LE(test, atomic_read(&sk->sk_rmem_alloc) - used,
			SKB_TRUESIZE(2 * 4000));
	used = atomic_read(&sk->sk_rmem_alloc);
	recv_of_batch(test, 2000, 1000, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&sk->sk_rmem_alloc), used);
	read_item(test, 0, 1000, false);
	read_item(test, 1000, 2000, false);
	read_none(test);
}

/* A gap is filled by a packet that goes behind what is there. */
static void recv_batch_with_a_gap(struct kunit *test)
{
	recv_of_batch(test, 0, 1000, 9000);
	recv_of_batch(test, 1000, 1000, 8000);
	recv_of_batch(test, 3000, 1000, 7000);
	recv_of_batch(test, 2000, 1000, 6000);
	read_item(test, 0, 1000, false);
	read_item(test, 1000, 3000, false);
	read_none(test);
}

/* RFC 9000, 4.5 */
static const struct {
	const char *name;
	u64 offset;
	u32 len;
	bool fin;
	int want;
} final_size_cases[] = {
	{ "the same again", 50, 50, true, 0 },
	{ "within", 10, 20, false, 0 },
	{ "behind", 99, 2, false, QUIC_TRANSPORT_ERROR_FINAL_SIZE },
	{ "FIN sooner", 10, 20, true, QUIC_TRANSPORT_ERROR_FINAL_SIZE },
	{ "FIN later", 99, 2, true, QUIC_TRANSPORT_ERROR_FINAL_SIZE },
	{ "FIN alone later", 101, 0, true, QUIC_TRANSPORT_ERROR_FINAL_SIZE },
};

KUNIT_ARRAY_PARAM_DESC(final_size, final_size_cases, name);

static void recv_final_size_never_changes(struct kunit *test)
{
	const typeof(*final_size_cases) *c = test->param_value;

	recv(test, 50, 50, true);
	KUNIT_EXPECT_EQ(test,
			quic_test_recv(test, ID, c->offset, c->len, c->fin),
			c->want);
}

static void recv_final_size_below_the_data(struct kunit *test)
{
	struct quic_frame_reset_stream reset = {
		.stream_id = ID, .final_size = 99,
	};

	recv(test, 50, 50, false);
	KUNIT_EXPECT_EQ(test, quic_test_recv(test, ID, 0, 99, true),
			QUIC_TRANSPORT_ERROR_FINAL_SIZE);
	KUNIT_EXPECT_EQ(test,
			quic_streams_recv_reset(quic_test_conn(test), &reset),
			QUIC_TRANSPORT_ERROR_FINAL_SIZE);
}

static void recv_keeps_to_the_stream_limit(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test,
			quic_test_recv(test, ID, QUIC_TEST_STREAM, 1, false),
			QUIC_TRANSPORT_ERROR_FLOW_CONTROL);
	recv(test, QUIC_TEST_STREAM - 1, 1, false);
}

static void recv_keeps_to_the_connection_limit(struct kunit *test)
{
	struct quic_frame_reset_stream reset = {
		.stream_id = ID + 8, .final_size = 1,
	};
	u32 rest = QUIC_TEST_WINDOW - QUIC_TEST_STREAM;

	recv(test, QUIC_TEST_STREAM - 1, 1, false);
	KUNIT_EXPECT_EQ(test, quic_test_recv(test, ID + 4, rest, 1, false),
			QUIC_TRANSPORT_ERROR_FLOW_CONTROL);
	KUNIT_EXPECT_EQ(test, quic_test_recv(test, ID + 4, rest - 1, 1, false),
			0);
	KUNIT_EXPECT_EQ(test,
			quic_streams_recv_reset(quic_test_conn(test), &reset),
			QUIC_TRANSPORT_ERROR_FLOW_CONTROL);
}

static void recv_returns_credit_as_it_is_read(struct kunit *test)
{
	struct quic_frame frame;

	recv(test, 0, QUIC_TEST_STREAM / 2, false);
	KUNIT_EXPECT_NULL(test, quic_test_send(test));
	read_item(test, 0, QUIC_TEST_STREAM / 2, false);
	quic_test_send_one(test, true, &frame);
	KUNIT_EXPECT_EQ(test, frame.type, QUIC_FRAME_MAX_STREAM_DATA);
	KUNIT_EXPECT_EQ(test, frame.max_stream_data.stream_id, ID);
	KUNIT_EXPECT_EQ(test, frame.max_stream_data.max_stream_data,
			QUIC_TEST_STREAM / 2 + QUIC_TEST_STREAM);

	KUNIT_EXPECT_EQ(test,
			quic_test_recv(test, ID + 4, 0, QUIC_TEST_STREAM / 2,
				       true), 0);
	read_item(test, 0, QUIC_TEST_STREAM / 2, true);
	KUNIT_EXPECT_TRUE(test, quic_test_conn(test)->flow.pending &
				QUIC_FLOW_MAX_DATA);
}

static void recv_reset_discards(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_frame_reset_stream reset = {
		.stream_id = ID, .final_size = 5000, .error_code = 9,
	};

	recv(test, 0, 1000, false);
	recv(test, 2000, 1000, false);
	KUNIT_EXPECT_EQ(test, quic_test_recv(test, ID + 4, 0, 10, false), 0);
	quic_test_drop_events(test);
	KUNIT_EXPECT_EQ(test, quic_streams_recv_reset(conn, &reset), 0);
	quic_test_expect_update(test, ID, QUIC_STREAM_RECV_STATE_RESET_RECVD, 9,
				5000);
	KUNIT_EXPECT_NULL(test, quic_stream_find(conn, ID));
	KUNIT_EXPECT_EQ(test, conn->flow.rx.received, 5010);
	KUNIT_EXPECT_EQ(test, conn->flow.rx.consumed, 5000);
	read_item(test, 0, 10, false);
	read_none(test);
	KUNIT_EXPECT_EQ(test, atomic_read(&quic_conn_sk(conn)->sk_rmem_alloc),
			0);
}

static void recv_stopped_drops_and_returns_credit(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_frame frame;

	recv(test, 0, 1000, false);
	recv(test, 2000, 1000, false);
	KUNIT_EXPECT_EQ(test, quic_stream_stop_sending(conn, ID, 5), 0);
	KUNIT_EXPECT_EQ(test, conn->flow.rx.consumed, 2000);
	recv(test, 3000, 1000, false);
	KUNIT_EXPECT_EQ(test, conn->flow.rx.consumed, 3000);
	read_item(test, 0, 1000, false);
	read_none(test);
	quic_test_send_one(test, true, &frame);
	KUNIT_EXPECT_EQ(test, frame.type, QUIC_FRAME_STOP_SENDING);
	KUNIT_EXPECT_EQ(test, frame.stop_sending.error_code, 5);
	recv(test, 4000, 0, true);
	KUNIT_EXPECT_NULL(test, quic_stream_find(conn, ID));
	KUNIT_EXPECT_EQ(test, conn->flow.rx.consumed, 4000);
}

/* Data ahead of a gap may not fill the buffer that the gap's data needs. */
static void recv_bounds_memory(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct sock *sk = quic_conn_sk(conn);
	u64 received;
	u32 i;
	int err = 0;

	WRITE_ONCE(sk->sk_rcvbuf, 16384);
	for (i = 1; !err && i < 100; i++) {
		received = conn->flow.rx.received;
		err = quic_test_recv(test, ID, i * 600, 500, false);
	}
	KUNIT_EXPECT_EQ(test, err, -ENOBUFS);
	KUNIT_EXPECT_EQ(test, conn->flow.rx.received, received);
	KUNIT_EXPECT_LE(test, atomic_read(&sk->sk_rmem_alloc), 16384 * 3 / 4);
	recv(test, 0, 600, false);
	read_item(test, 0, 600, false);
	read_item(test, 600, 500, false);
}

static struct kunit_case quic_stream_recv_cases[] = {
	KUNIT_CASE(recv_in_order),
	KUNIT_CASE(recv_out_of_order),
	KUNIT_CASE(recv_fin_alone),
	KUNIT_CASE(recv_fin_alone_before_the_data),
	KUNIT_CASE(recv_empty_stream),
	KUNIT_CASE(recv_gathers_small_pieces),
	KUNIT_CASE(recv_gathers_a_batch),
	KUNIT_CASE(recv_batch_that_ends_early),
	KUNIT_CASE(recv_batch_with_a_gap),
	KUNIT_CASE_PARAM(recv_final_size_never_changes, final_size_gen_params),
	KUNIT_CASE(recv_final_size_below_the_data),
	KUNIT_CASE(recv_keeps_to_the_stream_limit),
	KUNIT_CASE(recv_keeps_to_the_connection_limit),
	KUNIT_CASE(recv_returns_credit_as_it_is_read),
	KUNIT_CASE(recv_reset_discards),
	KUNIT_CASE(recv_stopped_drops_and_returns_credit),
	KUNIT_CASE(recv_bounds_memory),
	{}
};

static struct kunit_suite quic_stream_recv_suite = {
	.name		= "quic_stream_recv",
	.init		= quic_test_conn_init,
	.exit		= quic_test_conn_exit,
	.test_cases	= quic_stream_recv_cases,
};

kunit_test_suite(quic_stream_recv_suite);
