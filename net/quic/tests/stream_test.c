// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>

#include "../stream_send.h"
#include "conn.h"

/* The connection under test is a client: own streams are 0 and 2 mod 4. */
#define OWN_BIDI(n)	((u64)(n) << 2)
#define PEER_BIDI(n)	((u64)(n) << 2 | 1)
#define OWN_UNI(n)	((u64)(n) << 2 | 2)
#define PEER_UNI(n)	((u64)(n) << 2 | 3)

static struct quic_stream_ids *ids(struct kunit *test, u64 id)
{
	return &quic_test_conn(test)->streams.ids[quic_stream_type(id)];
}

static struct quic_stream *open(struct kunit *test, u64 id)
{
	struct quic_stream *stream;

	stream = quic_stream_create(quic_test_conn(test), id, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(stream));
	return stream;
}

static void append(struct kunit *test, struct quic_stream *stream, u64 offset,
		   u32 len)
{
	struct iov_iter iter;
	struct kvec kvec;

	quic_test_iter(test, &iter, &kvec, offset, len);
	KUNIT_ASSERT_EQ(test, len,
			quic_stream_send_append(quic_test_conn(test), stream,
						&iter, len, false));
}

/* One frame opens all lower streams, and makes one object (RFC 9000, 2.1). */
static void stream_opens_lower_ones_without_objects(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);

	KUNIT_EXPECT_EQ(test, quic_test_recv(test, PEER_BIDI(5), 0, 1, false), 0);
	KUNIT_EXPECT_EQ(test, ids(test, 1)->next, 6);
	KUNIT_EXPECT_EQ(test, ids(test, 1)->open, 6);
	KUNIT_EXPECT_NULL(test, quic_stream_find(conn, PEER_BIDI(2)));
	KUNIT_EXPECT_TRUE(test, quic_stream_was_opened(conn, PEER_BIDI(2)));
	KUNIT_EXPECT_FALSE(test, quic_stream_was_opened(conn, PEER_BIDI(6)));

	KUNIT_EXPECT_EQ(test, quic_test_recv(test, PEER_BIDI(2), 0, 1, false), 0);
	KUNIT_EXPECT_NOT_NULL(test, quic_stream_find(conn, PEER_BIDI(2)));
	KUNIT_EXPECT_EQ(test, ids(test, 1)->open, 6);
	KUNIT_EXPECT_EQ(test, ids(test, 1)->next, 6);
}

static void stream_limit_holds(struct kunit *test)
{
	u64 last = QUIC_TEST_STREAMS - 1;

	KUNIT_EXPECT_EQ(test,
			quic_test_recv(test, PEER_UNI(last + 1), 0, 1, false),
			QUIC_TRANSPORT_ERROR_STREAM_LIMIT);
	KUNIT_EXPECT_EQ(test, ids(test, 3)->next, 0);
	KUNIT_EXPECT_EQ(test, quic_test_recv(test, PEER_UNI(last), 0, 1, false),
			0);
}

static void stream_frames_in_the_wrong_direction(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_frame_stop_sending stop = { .stream_id = PEER_UNI(0) };
	struct quic_frame_max_stream_data max = { .stream_id = PEER_UNI(0) };
	struct quic_frame_reset_stream reset = { .stream_id = OWN_UNI(0) };

	open(test, OWN_UNI(0));
	KUNIT_EXPECT_EQ(test, quic_test_recv(test, OWN_UNI(0), 0, 1, false),
			QUIC_TRANSPORT_ERROR_STREAM_STATE);
	KUNIT_EXPECT_EQ(test, quic_streams_recv_reset(conn, &reset),
			QUIC_TRANSPORT_ERROR_STREAM_STATE);
	KUNIT_EXPECT_EQ(test, quic_streams_recv_stop_sending(conn, &stop),
			QUIC_TRANSPORT_ERROR_STREAM_STATE);
	KUNIT_EXPECT_EQ(test, quic_streams_recv_max_stream_data(conn, &max),
			QUIC_TRANSPORT_ERROR_STREAM_STATE);
}

static void stream_of_ours_must_be_open(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, quic_test_recv(test, OWN_BIDI(1), 0, 1, false),
			QUIC_TRANSPORT_ERROR_STREAM_STATE);
	open(test, OWN_BIDI(2));
	KUNIT_EXPECT_EQ(test, quic_test_recv(test, OWN_BIDI(1), 0, 1, false), 0);
}

/* RFC 9000, 4.6: the peer is given as many as have ended. */
static void stream_that_ends_gives_credit(struct kunit *test)
{
	struct quic_frame frame;

	KUNIT_EXPECT_EQ(test, quic_test_recv(test, PEER_UNI(3), 0, 1, false), 0);
	KUNIT_EXPECT_FALSE(test, ids(test, 3)->max_owed);
	KUNIT_EXPECT_EQ(test, quic_test_recv(test, PEER_UNI(3), 1, 1, true), 0);
	KUNIT_EXPECT_EQ(test, ids(test, 3)->open, 3);

	quic_test_send_one(test, true, &frame);
	KUNIT_EXPECT_EQ(test, frame.type, QUIC_FRAME_MAX_STREAMS_UNI);
	KUNIT_EXPECT_EQ(test, frame.max_streams.max_streams,
			QUIC_TEST_STREAMS + 1);
	KUNIT_EXPECT_EQ(test,
			quic_test_recv(test, PEER_UNI(QUIC_TEST_STREAMS), 0, 1,
				       false), 0);
}

static void stream_credit_that_is_lost_is_sent_again(struct kunit *test)
{
	struct quic_frame frame;

	KUNIT_EXPECT_EQ(test, quic_test_recv(test, PEER_UNI(0), 0, 1, true), 0);
	quic_test_send_one(test, false, &frame);
	quic_test_send_one(test, true, &frame);
	KUNIT_EXPECT_EQ(test, frame.type, QUIC_FRAME_MAX_STREAMS_UNI);
	KUNIT_EXPECT_NULL(test, quic_test_send(test));
}

static void stream_that_ended_takes_late_frames(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);

	KUNIT_EXPECT_EQ(test, quic_test_recv(test, PEER_UNI(0), 0, 5, true), 0);
	KUNIT_EXPECT_NULL(test, quic_stream_find(conn, PEER_UNI(0)));
	KUNIT_EXPECT_EQ(test, quic_test_recv(test, PEER_UNI(0), 0, 5, true), 0);
	KUNIT_EXPECT_NULL(test, quic_stream_find(conn, PEER_UNI(0)));
	KUNIT_EXPECT_EQ(test, conn->flow.rx.received, 5);
}

static void stream_limits_of_ours(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_frame_max_streams more = {
		.max_streams = 2 * QUIC_TEST_STREAMS,
	};
	u64 last = QUIC_TEST_STREAMS - 1;

	KUNIT_EXPECT_TRUE(test, quic_stream_may_open(conn, OWN_BIDI(last)));
	KUNIT_EXPECT_FALSE(test, quic_stream_may_open(conn, OWN_BIDI(last + 1)));
	KUNIT_EXPECT_EQ(test, quic_streams_recv_max_streams(conn, &more), 0);
	/* As many open at a time as at first, whatever the numbers. */
	KUNIT_EXPECT_FALSE(test, quic_stream_may_open(conn, OWN_BIDI(last + 1)));
	open(test, OWN_BIDI(last));
	KUNIT_EXPECT_FALSE(test, quic_stream_may_open(conn, OWN_BIDI(last + 1)));
	KUNIT_EXPECT_TRUE(test, quic_stream_may_open(conn, OWN_UNI(last)));
}

static void stream_of_the_peer_becomes_active(struct kunit *test)
{
	struct quic_streams *streams = &quic_test_conn(test)->streams;
	struct quic_stream *own = open(test, OWN_BIDI(0));

	KUNIT_EXPECT_PTR_EQ(test, streams->active, own);
	KUNIT_EXPECT_EQ(test, quic_test_recv(test, PEER_UNI(0), 0, 1, false), 0);
	KUNIT_EXPECT_PTR_EQ(test, streams->active, own);
	KUNIT_EXPECT_EQ(test, quic_test_recv(test, PEER_BIDI(1), 0, 1, false), 0);
	KUNIT_ASSERT_NOT_NULL(test, streams->active);
	KUNIT_EXPECT_EQ(test, streams->active->id, PEER_BIDI(1));
	/* A lower one was opened with it. */
	KUNIT_EXPECT_EQ(test, quic_test_recv(test, PEER_BIDI(0), 0, 1, false), 0);
	KUNIT_EXPECT_EQ(test, streams->active->id, PEER_BIDI(1));
	quic_stream_send_fin(quic_test_conn(test), streams->active);
	KUNIT_EXPECT_NULL(test, streams->active);
}

static void stream_reset_ends_the_sending_part(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_stream *stream = open(test, OWN_UNI(0));
	struct quic_test_pkt *pkt;
	struct quic_frame frame;

	append(test, stream, 0, 2000);
	pkt = quic_test_send(test);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_ASSERT_TRUE(test, quic_test_pkt_next(test, pkt, &frame));

	KUNIT_EXPECT_EQ(test, quic_stream_reset(conn, OWN_UNI(0), 77), 0);
	KUNIT_EXPECT_EQ(test, conn->flow.tx.used, frame.stream.len);
	KUNIT_EXPECT_EQ(test, quic_stream_reset(conn, OWN_UNI(0), 77), -EINVAL);
	quic_test_done(test, pkt, false);

	quic_test_send_one(test, true, &frame);
	KUNIT_EXPECT_EQ(test, frame.type, QUIC_FRAME_RESET_STREAM);
	KUNIT_EXPECT_EQ(test, frame.reset_stream.error_code, 77);
	KUNIT_EXPECT_EQ(test, frame.reset_stream.final_size,
			conn->flow.tx.used);
	quic_test_expect_update(test, OWN_UNI(0),
				QUIC_STREAM_SEND_STATE_RESET_RECVD, 77,
				conn->flow.tx.used);
	KUNIT_EXPECT_NULL(test, quic_stream_find(conn, OWN_UNI(0)));
	KUNIT_EXPECT_EQ(test, quic_stream_reset(conn, OWN_UNI(0), 77), -ENOSTR);
	KUNIT_EXPECT_EQ(test, quic_conn_sk(conn)->sk_wmem_queued, 0);
}

static void stream_stop_sending_is_answered(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_frame_stop_sending stop = {
		.stream_id = OWN_BIDI(0),
		.error_code = 1ULL << 40,
	};
	struct quic_frame frame;

	open(test, OWN_BIDI(0));
	KUNIT_EXPECT_EQ(test, quic_streams_recv_stop_sending(conn, &stop), 0);
	KUNIT_EXPECT_EQ(test, quic_streams_recv_stop_sending(conn, &stop), 0);
	quic_test_send_one(test, true, &frame);
	KUNIT_EXPECT_EQ(test, frame.type, QUIC_FRAME_RESET_STREAM);
	KUNIT_EXPECT_EQ(test, frame.reset_stream.error_code, stop.error_code);
	KUNIT_EXPECT_EQ(test, frame.reset_stream.final_size, 0);
	KUNIT_EXPECT_NULL(test, quic_test_send(test));
	/* Its receiving part lives on. */
	KUNIT_EXPECT_NOT_NULL(test, quic_stream_find(conn, OWN_BIDI(0)));
}

/* The first frame of the next packet, all of which is lost. */
static void lose_packet(struct kunit *test, struct quic_frame *first)
{
	struct quic_test_pkt *pkt = quic_test_send(test);

	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_ASSERT_TRUE(test, quic_test_pkt_next(test, pkt, first));
	quic_test_done(test, pkt, false);
}

/* RFC 9000, 13.3 */
static void stream_blocked_is_repeated_while_true(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_stream *stream = open(test, OWN_BIDI(0));
	struct quic_frame_max_stream_data more = {
		.max_stream_data = QUIC_TEST_STREAM + 1,
	};
	struct quic_frame frame;
	int i;

	append(test, stream, 0, QUIC_TEST_STREAM);
	quic_stream_owe(conn, stream, QUIC_STREAM_DATA_BLOCKED);
	for (i = 0; i < 2; i++) {
		lose_packet(test, &frame);
		KUNIT_EXPECT_EQ(test, frame.type,
				QUIC_FRAME_STREAM_DATA_BLOCKED);
		KUNIT_EXPECT_EQ(test, frame.stream_data_blocked.limit,
				QUIC_TEST_STREAM);
	}
	KUNIT_EXPECT_EQ(test, stream->pending, QUIC_STREAM_DATA_BLOCKED);
	KUNIT_EXPECT_EQ(test, quic_streams_recv_max_stream_data(conn, &more), 0);
	KUNIT_EXPECT_EQ(test, stream->pending, 0);
	quic_streams_frame_lost(conn, &(struct quic_sent_frame) {
		.kind = QUIC_SENT_STREAM_DATA_BLOCKED,
		.offset = QUIC_TEST_STREAM,
	});
	KUNIT_EXPECT_EQ(test, stream->pending, 0);
}

static void connection_blocked_is_repeated_while_true(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_frame_max_data more = { .max_data = QUIC_TEST_WINDOW + 1 };
	struct quic_frame frame;

	conn->flow.tx.used = QUIC_TEST_WINDOW;
	conn->flow.pending = QUIC_FLOW_DATA_BLOCKED;
	quic_test_send_one(test, false, &frame);
	KUNIT_EXPECT_EQ(test, frame.type, QUIC_FRAME_DATA_BLOCKED);
	KUNIT_EXPECT_EQ(test, frame.data_blocked.limit, QUIC_TEST_WINDOW);
	KUNIT_EXPECT_EQ(test, conn->flow.pending, QUIC_FLOW_DATA_BLOCKED);
	KUNIT_EXPECT_EQ(test, quic_streams_recv_max_data(conn, &more), 0);
	KUNIT_EXPECT_FALSE(test, quic_streams_pending(conn));
	KUNIT_EXPECT_NULL(test, quic_test_send(test));
}

/* Credit, even none that is new, says that the peer's program reads. */
static void credit_ends_the_backoff(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_frame_max_data old = {};
	struct quic_frame_max_stream_data f = { .stream_id = OWN_BIDI(0) };

	open(test, OWN_BIDI(0));
	conn->rec.peer_validated = true;
	conn->rec.pto_count = 5;
	KUNIT_EXPECT_EQ(test, quic_streams_recv_max_data(conn, &old), 0);
	KUNIT_EXPECT_EQ(test, conn->rec.pto_count, 0);
	conn->rec.pto_count = 5;
	KUNIT_EXPECT_EQ(test, quic_streams_recv_max_stream_data(conn, &f), 0);
	KUNIT_EXPECT_EQ(test, conn->rec.pto_count, 0);
	KUNIT_EXPECT_EQ(test, conn->flow.tx.max, QUIC_TEST_WINDOW);
}

static void stream_options_know_their_streams(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);

	KUNIT_EXPECT_EQ(test, quic_stream_reset(conn, -1, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, quic_stream_reset(conn, OWN_BIDI(0), 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, quic_stream_stop_sending(conn, PEER_UNI(0), 0),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, quic_test_recv(test, PEER_UNI(0), 0, 1, false), 0);
	open(test, OWN_UNI(0));
	KUNIT_EXPECT_EQ(test, quic_stream_reset(conn, PEER_UNI(0), 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, quic_stream_stop_sending(conn, OWN_UNI(0), 0),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, quic_stream_stop_sending(conn, PEER_UNI(0), 0), 0);
	KUNIT_EXPECT_EQ(test, quic_stream_stop_sending(conn, PEER_UNI(0), 0),
			-EAGAIN);
	KUNIT_EXPECT_EQ(test, quic_test_recv(test, PEER_UNI(0), 1, 1, true), 0);
	KUNIT_EXPECT_EQ(test, quic_stream_stop_sending(conn, PEER_UNI(0), 0),
			-ENOSTR);
}

static struct kunit_case quic_stream_cases[] = {
	KUNIT_CASE(stream_opens_lower_ones_without_objects),
	KUNIT_CASE(stream_limit_holds),
	KUNIT_CASE(stream_frames_in_the_wrong_direction),
	KUNIT_CASE(stream_of_ours_must_be_open),
	KUNIT_CASE(stream_that_ends_gives_credit),
	KUNIT_CASE(stream_credit_that_is_lost_is_sent_again),
	KUNIT_CASE(stream_that_ended_takes_late_frames),
	KUNIT_CASE(stream_limits_of_ours),
	KUNIT_CASE(stream_of_the_peer_becomes_active),
	KUNIT_CASE(stream_reset_ends_the_sending_part),
	KUNIT_CASE(stream_stop_sending_is_answered),
	KUNIT_CASE(stream_blocked_is_repeated_while_true),
	KUNIT_CASE(connection_blocked_is_repeated_while_true),
	KUNIT_CASE(credit_ends_the_backoff),
	KUNIT_CASE(stream_options_know_their_streams),
	{}
};

static struct kunit_suite quic_stream_suite = {
	.name		= "quic_stream",
	.init		= quic_test_conn_init,
	.exit		= quic_test_conn_exit,
	.test_cases	= quic_stream_cases,
};

kunit_test_suite(quic_stream_suite);
