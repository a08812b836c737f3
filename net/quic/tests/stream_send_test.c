// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/prandom.h>

#include "../stream_send.h"
#include "conn.h"

#define QUIC_TEST_FLIGHT	16	/* packets under way in the random test */

static struct quic_stream *open(struct kunit *test, u64 id)
{
	struct quic_stream *stream;

	stream = quic_stream_create(quic_test_conn(test), id, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(stream));
	return stream;
}

/* The program writes the next @len bytes of the pattern. */
static void write(struct kunit *test, struct quic_stream *stream, u32 len)
{
	struct iov_iter iter;
	struct kvec kvec;

	quic_test_iter(test, &iter, &kvec, stream->send.buf.end, len);
	KUNIT_ASSERT_EQ(test, len,
			quic_stream_send_append(quic_test_conn(test), stream,
						&iter, len, false));
}

static void expect_stream(struct kunit *test, const struct quic_frame *frame,
			  u64 id, u64 offset, u32 len, bool fin)
{
	KUNIT_EXPECT_EQ(test, frame->type & ~7ULL, QUIC_FRAME_STREAM);
	KUNIT_EXPECT_EQ(test, frame->stream.stream_id, id);
	KUNIT_EXPECT_EQ(test, frame->stream.offset, offset);
	KUNIT_EXPECT_EQ(test, frame->stream.len, len);
	KUNIT_EXPECT_EQ(test, frame->stream.fin, fin);
	KUNIT_EXPECT_TRUE(test, quic_test_matches(frame->stream.data, offset,
						  frame->stream.len));
}

static void send_until_acknowledged(struct kunit *test)
{
	struct sock *sk = quic_conn_sk(quic_test_conn(test));
	struct quic_stream *stream = open(test, 0);
	struct quic_test_pkt *pkt;
	struct quic_frame frame;

	write(test, stream, 500);
	quic_stream_send_fin(quic_test_conn(test), stream);
	pkt = quic_test_send(test);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_ASSERT_TRUE(test, quic_test_pkt_next(test, pkt, &frame));
	expect_stream(test, &frame, 0, 0, 500, true);
	KUNIT_EXPECT_GE(test, sk->sk_wmem_queued, 500);
	KUNIT_EXPECT_EQ(test, stream->send.state, QUIC_STREAM_SEND_STATE_SENT);

	quic_test_done(test, pkt, true);
	KUNIT_EXPECT_EQ(test, sk->sk_wmem_queued, 0);
	KUNIT_EXPECT_EQ(test, stream->send.state, QUIC_STREAM_SEND_STATE_RECVD);
	quic_test_expect_update(test, 0, QUIC_STREAM_SEND_STATE_RECVD, 0, 0);
}

static void send_fin_alone(struct kunit *test)
{
	struct quic_stream *stream = open(test, 2);
	struct quic_frame frame;

	quic_stream_send_fin(quic_test_conn(test), stream);
	quic_test_send_one(test, false, &frame);
	expect_stream(test, &frame, 2, 0, 0, true);
	quic_test_send_one(test, true, &frame);
	expect_stream(test, &frame, 2, 0, 0, true);
	KUNIT_EXPECT_NULL(test, quic_stream_find(quic_test_conn(test), 2));
}

/* Five packets, the second and the fourth are lost. */
static void send_lost_ranges_first(struct kunit *test)
{
	struct quic_stream *stream = open(test, 0);
	struct quic_test_pkt *pkts[5];
	struct quic_frame first[5], frame;
	int i;

	write(test, stream, 20000);
	for (i = 0; i < 5; i++) {
		pkts[i] = quic_test_send(test);
		KUNIT_ASSERT_NOT_NULL(test, pkts[i]);
		KUNIT_ASSERT_TRUE(test, quic_test_pkt_next(test, pkts[i],
							   &first[i]));
	}
	for (i = 0; i < 5; i++)
		quic_test_done(test, pkts[i], i != 1 && i != 3);
	KUNIT_EXPECT_EQ(test, stream->send.buf.start, first[1].stream.offset);

	quic_test_send_one(test, true, &frame);
	expect_stream(test, &frame, 0, first[1].stream.offset,
		      first[1].stream.len, false);
	KUNIT_EXPECT_EQ(test, stream->send.buf.start, first[3].stream.offset);
	quic_test_send_one(test, true, &frame);
	expect_stream(test, &frame, 0, first[3].stream.offset,
		      first[3].stream.len, false);
	KUNIT_EXPECT_EQ(test, stream->send.buf.start, stream->send.buf.next);
}

static void send_streams_in_turn(struct kunit *test)
{
	struct quic_frame frame;
	u64 last = U64_MAX;
	int i;

	write(test, open(test, 0), 5000);
	write(test, open(test, 4), 5000);
	for (i = 0; i < 6; i++) {
		quic_test_send_one(test, true, &frame);
		KUNIT_EXPECT_NE(test, frame.stream.stream_id, last);
		last = frame.stream.stream_id;
	}
}

static void send_holds_small_data_back(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_stream *stream = open(test, 0);
	struct quic_test_pkt *pkt;

	write(test, stream, 10);
	pkt = quic_test_send(test);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	conn->rec.cc.bytes_in_flight = 50;
	write(test, stream, 10);
	KUNIT_EXPECT_NULL(test, quic_test_send(test));
	quic_test_done(test, pkt, true);
	pkt = quic_test_send(test);
	KUNIT_ASSERT_NOT_NULL(test, pkt);

	write(test, stream, 10);
	conn->settings.config.stream_data_nodelay = 1;
	quic_test_done(test, pkt, false);
	pkt = quic_test_send(test);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	quic_test_done(test, pkt, true);
	conn->rec.cc.bytes_in_flight = 0;
}

static void send_corked_keeps_less_than_a_packet(struct kunit *test)
{
	struct quic_stream *stream = open(test, 0);
	struct quic_frame frame;

	write(test, stream, 100);
	quic_stream_send_cork(stream, true);
	KUNIT_EXPECT_NULL(test, quic_test_send(test));
	write(test, stream, QUIC_TEST_PACKET);
	quic_test_send_one(test, true, &frame);
	KUNIT_EXPECT_EQ(test, frame.stream.offset, 0);
	KUNIT_EXPECT_NULL(test, quic_test_send(test));
	quic_stream_send_cork(stream, false);
	quic_test_send_one(test, true, &frame);
	KUNIT_EXPECT_EQ(test, frame.stream.offset + frame.stream.len,
			100 + QUIC_TEST_PACKET);
}

static void send_credit_is_used_when_queued(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_stream *stream = open(test, 0);
	struct quic_frame_max_stream_data more = {
		.max_stream_data = 2 * QUIC_TEST_WINDOW,
	};

	KUNIT_EXPECT_EQ(test, quic_stream_send_credit(conn, stream),
			QUIC_TEST_STREAM);
	write(test, stream, QUIC_TEST_STREAM);
	KUNIT_EXPECT_EQ(test, quic_stream_send_credit(conn, stream), 0);
	KUNIT_EXPECT_TRUE(test, conn->streams.blocked);
	KUNIT_EXPECT_EQ(test, quic_streams_recv_max_stream_data(conn, &more), 0);
	KUNIT_EXPECT_FALSE(test, conn->streams.blocked);
	KUNIT_EXPECT_EQ(test, quic_stream_send_credit(conn, stream),
			QUIC_TEST_WINDOW - QUIC_TEST_STREAM);
}

/* Spliced pages are referred to, not copied. */
static void send_refers_to_spliced_pages(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_stream *stream = open(test, 0);
	struct page *page = alloc_page(GFP_KERNEL);
	struct quic_frame frame;
	struct iov_iter iter;
	struct bio_vec bv;

	KUNIT_ASSERT_NOT_NULL(test, page);
	quic_test_fill(page_address(page) + 100, 0, 1000);
	bvec_set_page(&bv, page, 1000, 100);
	iov_iter_bvec(&iter, ITER_SOURCE, &bv, 1, 1000);
	KUNIT_EXPECT_EQ(test, 1000,
			quic_stream_send_append(conn, stream, &iter, 1000,
						true));
	KUNIT_EXPECT_EQ(test, page_count(page), 2);
	quic_test_send_one(test, true, &frame);
	expect_stream(test, &frame, 0, 0, 1000, false);
	KUNIT_EXPECT_EQ(test, page_count(page), 1);
	__free_page(page);
}

/* Marks what the peer has received by now. */
static void receive(struct kunit *test, unsigned long *map,
		    struct quic_test_pkt *pkt)
{
	struct quic_frame frame;

	while (quic_test_pkt_next(test, pkt, &frame)) {
		KUNIT_ASSERT_TRUE(test,
				  quic_test_matches(frame.stream.data,
						    frame.stream.offset,
						    frame.stream.len));
		bitmap_set(map, frame.stream.offset, frame.stream.len);
	}
}

/* Writes of any size, packets lost at random and acknowledged out of order. */
static void send_arrives_whatever_is_lost(struct kunit *test)
{
	struct quic_test_pkt *flight[QUIC_TEST_FLIGHT] = {};
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_stream *stream = open(test, 0);
	u32 total = QUIC_TEST_STREAM, rounds = 0;
	struct rnd_state rnd;
	unsigned long *map;

	map = kunit_kcalloc(test, BITS_TO_LONGS(total), sizeof(*map),
			    GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, map);
	prandom_seed_state(&rnd, 9002);
	while (stream->send.buf.start < total && rounds++ < 5000) {
		u32 slot = prandom_u32_state(&rnd) % QUIC_TEST_FLIGHT;
		u32 len = 1 + prandom_u32_state(&rnd) % 3000;

		if (stream->send.buf.end < total)
			write(test, stream,
			      min_t(u32, len, total - stream->send.buf.end));
		if (flight[slot]) {
			bool arrived = prandom_u32_state(&rnd) % 3;

			if (arrived)
				receive(test, map, flight[slot]);
			quic_test_done(test, flight[slot], arrived);
		}
		flight[slot] = quic_test_send(test);
	}
	KUNIT_EXPECT_EQ(test, stream->send.buf.start, total);
	KUNIT_EXPECT_TRUE(test, bitmap_full(map, total));
	KUNIT_EXPECT_EQ(test, quic_conn_sk(conn)->sk_wmem_queued, 0);
	for (rounds = 0; rounds < QUIC_TEST_FLIGHT; rounds++)
		if (flight[rounds])
			quic_test_done(test, flight[rounds], true);
}

static struct kunit_case quic_stream_send_cases[] = {
	KUNIT_CASE(send_until_acknowledged),
	KUNIT_CASE(send_fin_alone),
	KUNIT_CASE(send_lost_ranges_first),
	KUNIT_CASE(send_streams_in_turn),
	KUNIT_CASE(send_holds_small_data_back),
	KUNIT_CASE(send_corked_keeps_less_than_a_packet),
	KUNIT_CASE(send_credit_is_used_when_queued),
	KUNIT_CASE(send_refers_to_spliced_pages),
	KUNIT_CASE(send_arrives_whatever_is_lost),
	{}
};

static struct kunit_suite quic_stream_send_suite = {
	.name		= "quic_stream_send",
	.init		= quic_test_conn_init,
	.exit		= quic_test_conn_exit,
	.test_cases	= quic_stream_send_cases,
};

kunit_test_suite(quic_stream_send_suite);
