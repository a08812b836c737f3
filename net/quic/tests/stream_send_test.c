// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/prandom.h>

#include "../stream_send.h"
#include "conn.h"

#define QUIC_TEST_FLIGHT	16	/* packets under way in the random test */
#define QUIC_TEST_RUNS		8

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

/* Consecutive bytes of one stream, in one packet or many. */
struct run {
	u64 id;
	u64 offset;
	u64 end;
};

static int add_run(struct kunit *test, struct run *runs, int nr,
		   const struct quic_frame_stream *f)
{
	struct run *last = &runs[nr - 1];

	if (!nr || last->id != f->stream_id || last->end != f->offset) {
		KUNIT_ASSERT_LT(test, nr, QUIC_TEST_RUNS);
		last = &runs[nr++];
		last->id = f->stream_id;
		last->offset = f->offset;
	}
	last->end = f->offset + f->len;
	return nr;
}

/* All that can be sent, in packets that arrive. */
static void expect_runs(struct kunit *test, const struct run *want, int nr)
{
	struct run runs[QUIC_TEST_RUNS] = {};
	struct quic_test_pkt *pkt;
	struct quic_frame frame;
	int i, found = 0;

	while ((pkt = quic_test_send(test))) {
		while (quic_test_pkt_next(test, pkt, &frame))
			found = add_run(test, runs, found, &frame.stream);
		quic_test_done(test, pkt, true);
	}
	KUNIT_EXPECT_EQ(test, found, nr);
	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_EQ(test, runs[i].id, want[i].id);
		KUNIT_EXPECT_EQ(test, runs[i].offset, want[i].offset);
		KUNIT_EXPECT_EQ(test, runs[i].end, want[i].end);
	}
}

/* More than a packet, less than one, and twice in a row. */
static void send_in_the_order_of_writing(struct kunit *test)
{
	struct quic_stream *one = open(test, 0), *two = open(test, 4);
	struct quic_stream *three = open(test, 8);
	static const struct run want[] = {
		{ 0, 0, 20000 }, { 4, 0, 10 }, { 0, 20000, 20100 },
		{ 8, 0, 1 }, { 0, 20100, 25000 }, { 4, 10, 9000 },
	};

	write(test, one, 10000);
	write(test, one, 10000);
	write(test, two, 10);
	write(test, one, 100);
	write(test, three, 1);
	write(test, one, 4900);
	write(test, two, 8990);
	expect_runs(test, want, ARRAY_SIZE(want));
	KUNIT_EXPECT_EQ(test, quic_streams_unsent(quic_test_conn(test)), 0);
}

/* Each part in a frame of its own, an end at the place where it was given. */
static void send_turns_of_one_packet(struct kunit *test)
{
	struct quic_stream *one = open(test, 0), *two = open(test, 4);
	struct quic_stream *three = open(test, 8), *four = open(test, 2);
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_test_pkt *pkt;
	struct quic_frame frame;

	write(test, one, 300);
	write(test, two, 200);
	quic_stream_send_fin(conn, four);
	write(test, one, 100);
	quic_stream_send_fin(conn, one);
	write(test, three, 50);
	quic_stream_send_fin(conn, two);
	pkt = quic_test_send(test);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_ASSERT_TRUE(test, quic_test_pkt_next(test, pkt, &frame));
	expect_stream(test, &frame, 0, 0, 300, false);
	KUNIT_ASSERT_TRUE(test, quic_test_pkt_next(test, pkt, &frame));
	expect_stream(test, &frame, 4, 0, 200, true);
	KUNIT_ASSERT_TRUE(test, quic_test_pkt_next(test, pkt, &frame));
	expect_stream(test, &frame, 2, 0, 0, true);
	KUNIT_ASSERT_TRUE(test, quic_test_pkt_next(test, pkt, &frame));
	expect_stream(test, &frame, 0, 300, 100, true);
	KUNIT_ASSERT_TRUE(test, quic_test_pkt_next(test, pkt, &frame));
	expect_stream(test, &frame, 8, 0, 50, false);
	KUNIT_EXPECT_FALSE(test, quic_test_pkt_next(test, pkt, &frame));
	quic_test_done(test, pkt, true);
	KUNIT_EXPECT_NULL(test, rb_first_cached(&conn->streams.send));
}

/* Though another stream is in the middle of its data. */
static void send_lost_ranges_before_other_streams(struct kunit *test)
{
	struct quic_stream *one = open(test, 0), *two = open(test, 4);
	struct run want[] = { { 0, 0, 100 }, { 4, 0, 10000 }, { 0, 100, 200 } };
	struct quic_test_pkt *lost;
	struct quic_frame frame;

	write(test, one, 100);
	lost = quic_test_send(test);
	KUNIT_ASSERT_NOT_NULL(test, lost);
	write(test, two, 10000);
	write(test, one, 100);
	quic_test_send_one(test, true, &frame);
	expect_stream(test, &frame, 4, 0, frame.stream.len, false);
	want[1].offset = frame.stream.len;
	quic_test_done(test, lost, false);
	expect_runs(test, want, ARRAY_SIZE(want));
}

/* What was lost and arrives nevertheless is no reason to stay in the queue. */
static void send_lost_ranges_may_arrive(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_stream *stream = open(test, 0);
	struct quic_sent_frame frame;
	struct quic_test_pkt *pkt;

	write(test, stream, 100);
	pkt = quic_test_send(test);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	frame = pkt->b.sent->frames[0];
	quic_test_done(test, pkt, false);
	KUNIT_EXPECT_NOT_NULL(test, rb_first_cached(&conn->streams.send));
	quic_streams_frame_acked(conn, &frame);
	KUNIT_EXPECT_NULL(test, rb_first_cached(&conn->streams.send));
	KUNIT_EXPECT_NULL(test, quic_test_send(test));
}

/* A stream that is reset is out of the way, with all its turns. */
static void send_order_without_a_reset_stream(struct kunit *test)
{
	struct quic_stream *one = open(test, 0), *two = open(test, 4);
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_test_pkt *pkt;
	struct quic_frame frame;

	write(test, one, 300);
	write(test, two, 200);
	write(test, one, 300);
	quic_stream_send_abort(conn, one, 7);
	pkt = quic_test_send(test);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_ASSERT_TRUE(test, quic_test_pkt_next(test, pkt, &frame));
	KUNIT_EXPECT_EQ(test, frame.type, QUIC_FRAME_RESET_STREAM);
	KUNIT_ASSERT_TRUE(test, quic_test_pkt_next(test, pkt, &frame));
	expect_stream(test, &frame, 4, 0, 200, false);
	KUNIT_EXPECT_FALSE(test, quic_test_pkt_next(test, pkt, &frame));
	quic_test_done(test, pkt, true);
	KUNIT_EXPECT_EQ(test, quic_streams_unsent(conn), 0);
}

/* 0-RTT data that was refused goes out again in the order of writing. */
static void send_order_after_a_rewind(struct kunit *test)
{
	struct quic_stream *one = open(test, 0), *two = open(test, 4);
	static const struct run want[] = {
		{ 4, 0, 300 }, { 0, 0, 5000 }, { 4, 300, 400 },
	};
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_test_pkt *pkt;

	write(test, two, 300);
	write(test, one, 5000);
	pkt = quic_test_send(test);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	quic_sent_pkt_free(pkt->b.sent);
	write(test, two, 100);
	quic_streams_rewind(conn);
	KUNIT_EXPECT_EQ(test, quic_streams_unsent(conn), 5400);
	expect_runs(test, want, ARRAY_SIZE(want));
}

/* What waits for more is not overtaken, but takes along what is ahead. */
static void send_held_data_in_order(struct kunit *test)
{
	struct quic_stream *one = open(test, 0), *two = open(test, 4);
	static const struct run both[] = { { 0, 10, 30 }, { 4, 0, 30 } };
	static const struct run corked[] = { { 0, 30, 40 }, { 4, 30, 40 } };
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_test_pkt *small;

	write(test, one, 10);
	small = quic_test_send(test);
	KUNIT_ASSERT_NOT_NULL(test, small);
	conn->rec.cc.bytes_in_flight = 50;
	write(test, one, 20);
	KUNIT_EXPECT_NULL(test, quic_test_send(test));
	write(test, two, 30);
	expect_runs(test, both, ARRAY_SIZE(both));

	write(test, one, 10);
	quic_stream_send_cork(one, true);
	write(test, two, 10);
	quic_stream_send_cork(two, true);
	KUNIT_EXPECT_NULL(test, quic_test_send(test));
	quic_stream_send_cork(two, false);
	expect_runs(test, corked, ARRAY_SIZE(corked));
	quic_test_done(test, small, true);
	conn->rec.cc.bytes_in_flight = 0;
}

#define BATCH	32768		/* so much is worth an skb */

/* What is less than a batch waits for more of it, full packet or not, while
 * another one is under way on a short path, unless an answer to it is awaited.
 */
static void send_gathers_a_batch(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct sock *sk = quic_conn_sk(conn);
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct quic_stream *one = open(test, 0);

	conn->rec.rtt.min_us = QUIC_PATH_SHORT_US - 1;
	conn->rec.cc.bytes_in_flight = BATCH;
	write(test, one, 2 * QUIC_TEST_PACKET);
	KUNIT_EXPECT_FALSE(test, quic_streams_pending(conn));
	KUNIT_EXPECT_TRUE(test, conn->streams.gathering);

	conn->rec.cc.bytes_in_flight = BATCH - 1;
	KUNIT_EXPECT_TRUE(test, quic_streams_pending(conn));
	KUNIT_EXPECT_FALSE(test, conn->streams.gathering);
	conn->rec.cc.bytes_in_flight = BATCH;

	conn->rec.rtt.min_us = QUIC_PATH_SHORT_US;
	KUNIT_EXPECT_TRUE(test, quic_streams_pending(conn));
	conn->rec.rtt.min_us = QUIC_PATH_SHORT_US - 1;

	conn->settings.config.stream_data_nodelay = 1;
	KUNIT_EXPECT_TRUE(test, quic_streams_pending(conn));
	conn->settings.config.stream_data_nodelay = 0;

	add_wait_queue(sk_sleep(sk), &wait);
	KUNIT_EXPECT_TRUE(test, quic_streams_pending(conn));
	conn->streams.writers = 1;
	KUNIT_EXPECT_FALSE(test, quic_streams_pending(conn));
	conn->streams.writers = 0;
	remove_wait_queue(sk_sleep(sk), &wait);
	KUNIT_EXPECT_FALSE(test, quic_streams_pending(conn));

	conn->streams.awaited = true;
	KUNIT_EXPECT_TRUE(test, quic_streams_pending(conn));
	conn->streams.awaited = false;

	quic_stream_send_fin(conn, one);
	KUNIT_EXPECT_TRUE(test, quic_streams_pending(conn));
	conn->rec.cc.bytes_in_flight = 0;
}

static void send_gathered_is_a_batch(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_stream *one = open(test, 0);

	conn->rec.cc.bytes_in_flight = BATCH;
	write(test, one, BATCH - 1);
	KUNIT_EXPECT_FALSE(test, quic_streams_pending(conn));
	write(test, one, 1);
	KUNIT_EXPECT_TRUE(test, quic_streams_pending(conn));
	conn->rec.cc.bytes_in_flight = 0;
}

/* Small parts of several streams that fill a packet together do not wait. */
static void send_held_data_of_several_streams(struct kunit *test)
{
	struct quic_stream *one = open(test, 0), *two = open(test, 4);
	static const struct run want[] = { { 0, 0, 700 }, { 4, 0, 700 } };
	struct quic_test_pkt *pkt;

	quic_stream_send_cork(one, true);
	quic_stream_send_cork(two, true);
	write(test, one, 700);
	KUNIT_EXPECT_NULL(test, quic_test_send(test));
	write(test, two, 700);
	pkt = quic_test_send(test);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	quic_test_done(test, pkt, false);
	KUNIT_EXPECT_LT(test, quic_streams_unsent(quic_test_conn(test)), 300);
	quic_stream_send_cork(two, false);
	expect_runs(test, want, ARRAY_SIZE(want));
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

/* An acknowledgment that the peer delays is not waited for. */
static void send_holds_no_longer_than_a_round_trip(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_stream *stream = open(test, 0);
	struct quic_test_pkt *first, *second;
	u64 rtt_us = conn->rec.rtt.smoothed_us;

	conn->streams.now = ktime_set(1000, 0);
	write(test, stream, 10);
	first = quic_test_send(test);
	KUNIT_ASSERT_NOT_NULL(test, first);
	KUNIT_EXPECT_EQ(test, conn->streams.release, KTIME_MAX);
	conn->rec.cc.bytes_in_flight = 50;
	write(test, stream, 10);
	KUNIT_EXPECT_NULL(test, quic_test_send(test));
	conn->streams.now = ktime_add_us(conn->streams.now, rtt_us - 1);
	KUNIT_EXPECT_FALSE(test, quic_streams_pending(conn));
	KUNIT_EXPECT_EQ(test, ktime_us_delta(conn->streams.release,
					     conn->streams.now), 1);

	conn->streams.now = conn->streams.release;
	KUNIT_EXPECT_TRUE(test, quic_streams_pending(conn));
	second = quic_test_send(test);
	KUNIT_ASSERT_NOT_NULL(test, second);
	KUNIT_EXPECT_FALSE(test, quic_streams_pending(conn));
	KUNIT_EXPECT_EQ(test, conn->streams.release, KTIME_MAX);
	quic_test_done(test, first, true);
	quic_test_done(test, second, true);
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

/* One write of the random test. */
struct turn {
	u32 stream;
	u32 start;
	u32 end;
};

#define QUIC_TEST_TURNS		400

/* The next turn of which not all has been sent before begins where this frame
 * does; frames that repeat what was sent are left out.
 */
static void expect_turn(struct kunit *test, struct turn *turns, u32 *done,
			u64 *sent, const struct quic_frame_stream *f)
{
	u64 *next = &sent[f->stream_id / 4], end = f->offset + f->len;
	u64 pos = max(f->offset, *next);

	for (; pos < end; (*done)++) {
		struct turn *turn = &turns[*done];

		KUNIT_ASSERT_EQ(test, turn->stream, f->stream_id / 4);
		KUNIT_ASSERT_EQ(test, max(turn->start, *next), pos);
		*next = min_t(u64, end, turn->end);
		pos = *next;
		if (*next < turn->end)
			return;
	}
}

/* Random writes to random streams, packets lost at random: whatever is sent for
 * the first time is sent in the order of writing.
 */
static void send_order_whatever_is_lost(struct kunit *test)
{
	struct quic_test_pkt *flight[QUIC_TEST_FLIGHT] = {}, *pkt;
	struct quic_stream *streams[QUIC_TEST_STREAMS];
	u32 written = 0, done = 0, rounds = 0, i;
	u64 sent[QUIC_TEST_STREAMS] = {};
	struct quic_frame frame;
	struct rnd_state rnd;
	struct turn *turns;

	turns = kunit_kcalloc(test, QUIC_TEST_TURNS, sizeof(*turns), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, turns);
	prandom_seed_state(&rnd, 9000);
	for (i = 0; i < QUIC_TEST_STREAMS; i++)
		streams[i] = open(test, 4 * i);
	while (done < QUIC_TEST_TURNS && rounds++ < 10000) {
		u32 slot = prandom_u32_state(&rnd) % QUIC_TEST_FLIGHT;
		struct turn *turn = &turns[written];

		for (i = prandom_u32_state(&rnd) % 6;
		     i && written < QUIC_TEST_TURNS; i--, written++, turn++) {
			u32 nr = prandom_u32_state(&rnd) % QUIC_TEST_STREAMS;

			turn->stream = nr;
			turn->start = streams[nr]->send.buf.end;
			write(test, streams[nr],
			      1 + prandom_u32_state(&rnd) % 400);
			turn->end = streams[nr]->send.buf.end;
		}
		if (flight[slot])
			quic_test_done(test, flight[slot],
				       prandom_u32_state(&rnd) % 3);
		pkt = quic_test_send(test);
		flight[slot] = pkt;
		while (pkt && quic_test_pkt_next(test, pkt, &frame))
			expect_turn(test, turns, &done, sent, &frame.stream);
	}
	KUNIT_EXPECT_EQ(test, done, QUIC_TEST_TURNS);
	for (i = 0; i < QUIC_TEST_FLIGHT; i++)
		if (flight[i])
			quic_test_done(test, flight[i], true);
}

static struct kunit_case quic_stream_send_cases[] = {
	KUNIT_CASE(send_until_acknowledged),
	KUNIT_CASE(send_fin_alone),
	KUNIT_CASE(send_lost_ranges_first),
	KUNIT_CASE(send_in_the_order_of_writing),
	KUNIT_CASE(send_turns_of_one_packet),
	KUNIT_CASE(send_lost_ranges_before_other_streams),
	KUNIT_CASE(send_lost_ranges_may_arrive),
	KUNIT_CASE(send_order_without_a_reset_stream),
	KUNIT_CASE(send_order_after_a_rewind),
	KUNIT_CASE(send_held_data_in_order),
	KUNIT_CASE(send_held_data_of_several_streams),
	KUNIT_CASE(send_gathers_a_batch),
	KUNIT_CASE(send_gathered_is_a_batch),
	KUNIT_CASE(send_holds_small_data_back),
	KUNIT_CASE(send_holds_no_longer_than_a_round_trip),
	KUNIT_CASE(send_corked_keeps_less_than_a_packet),
	KUNIT_CASE(send_credit_is_used_when_queued),
	KUNIT_CASE(send_refers_to_spliced_pages),
	KUNIT_CASE(send_arrives_whatever_is_lost),
	KUNIT_CASE(send_order_whatever_is_lost),
	{}
};

static struct kunit_suite quic_stream_send_suite = {
	.name		= "quic_stream_send",
	.init		= quic_test_conn_init,
	.exit		= quic_test_conn_exit,
	.test_cases	= quic_stream_send_cases,
};

kunit_test_suite(quic_stream_send_suite);
