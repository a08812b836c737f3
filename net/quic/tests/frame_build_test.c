// SPDX-License-Identifier: GPL-2.0-only

#include <kunit/test.h>
#include "../frame.h"
#include "../range.h"
#include "hex.h"

static const u8 build_bytes[] = {
	0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
	0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
};

/* What was put has the length that was foretold, and the bytes of the RFC. */
static void build_expect(struct kunit *test, const u8 *buf, const u8 *end,
			 u32 len, const char *hex)
{
	KUNIT_EXPECT_EQ(test, end - buf, len);
	quic_expect_hex(test, buf, end - buf, hex);
}

static void frame_build_streams(struct kunit *test)
{
	u8 buf[64], *end;

	end = quic_frame_put_reset_stream(buf, 4, 0x41, 0x10203);
	build_expect(test, buf, end,
		     quic_frame_len_reset_stream(4, 0x41, 0x10203),
		     "04 04 4041 80010203");
	end = quic_frame_put_stop_sending(buf, 4, 0x37ff);
	build_expect(test, buf, end, quic_frame_len_stop_sending(4, 0x37ff),
		     "05 04 77ff");
	end = quic_frame_put_max_stream_data(buf, 4, 0x40000000);
	build_expect(test, buf, end,
		     quic_frame_len_max_stream_data(4, 0x40000000),
		     "11 04 c000000040000000");
	end = quic_frame_put_stream_data_blocked(buf, 2, 100);
	build_expect(test, buf, end,
		     quic_frame_len_stream_data_blocked(2, 100), "15 02 4064");
}

static void frame_build_stream_header(struct kunit *test)
{
	u8 buf[64], *end;

	end = quic_frame_put_stream(buf, 8, 0, 63, false);
	build_expect(test, buf, end, quic_frame_len_stream(8, 0, 63),
		     "0a 08 3f");
	end = quic_frame_put_stream(buf, 8, 0, 0, true);
	build_expect(test, buf, end, quic_frame_len_stream(8, 0, 0),
		     "0b 08 00");
	end = quic_frame_put_stream(buf, 8, 1, 64, false);
	build_expect(test, buf, end, quic_frame_len_stream(8, 1, 64),
		     "0e 08 01 4040");
	end = quic_frame_put_stream(buf, 100, 16384, 16384, true);
	build_expect(test, buf, end, quic_frame_len_stream(100, 16384, 16384),
		     "0f 4064 80004000 80004000");
}

static void frame_build_limits(struct kunit *test)
{
	u8 buf[64], *end;

	end = quic_frame_put_max_data(buf, 0x3fffffff);
	build_expect(test, buf, end, quic_frame_len_max_data(0x3fffffff),
		     "10 bfffffff");
	end = quic_frame_put_max_streams(buf, false, BIT_ULL(60));
	build_expect(test, buf, end, quic_frame_len_max_streams(BIT_ULL(60)),
		     "12 d000000000000000");
	end = quic_frame_put_max_streams(buf, true, 5);
	build_expect(test, buf, end, quic_frame_len_max_streams(5), "13 05");
	end = quic_frame_put_data_blocked(buf, 255);
	build_expect(test, buf, end, quic_frame_len_data_blocked(255),
		     "14 40ff");
	end = quic_frame_put_streams_blocked(buf, false, 3);
	build_expect(test, buf, end, quic_frame_len_streams_blocked(3),
		     "16 03");
	end = quic_frame_put_streams_blocked(buf, true, 100);
	build_expect(test, buf, end, quic_frame_len_streams_blocked(100),
		     "17 4064");
}

static void frame_build_cids(struct kunit *test)
{
	struct quic_cid cid = { 4, { 0xaa, 0xbb, 0xcc, 0xdd } };
	u8 buf[64], *end;

	end = quic_frame_put_new_connection_id(buf, 64, 1, &cid, build_bytes);
	build_expect(test, buf, end,
		     quic_frame_len_new_connection_id(64, 1, cid.len),
		     "18 4040 01 04aabbccdd 00112233445566778899aabbccddeeff");
	end = quic_frame_put_retire_connection_id(buf, 256);
	build_expect(test, buf, end, quic_frame_len_retire_connection_id(256),
		     "19 4100");
	end = quic_frame_put_path_challenge(buf, build_bytes);
	build_expect(test, buf, end, QUIC_FRAME_PATH_LEN,
		     "1a 0011223344556677");
	end = quic_frame_put_path_response(buf, build_bytes + 8);
	build_expect(test, buf, end, QUIC_FRAME_PATH_LEN,
		     "1b 8899aabbccddeeff");
}

static void frame_build_handshake(struct kunit *test)
{
	u8 buf[64], *end;

	end = quic_frame_put_crypto(buf, 0, 90);
	build_expect(test, buf, end, quic_frame_len_crypto(0, 90), "06 00 405a");
	end = quic_frame_put_crypto(buf, 16384, 3);
	build_expect(test, buf, end, quic_frame_len_crypto(16384, 3),
		     "06 80004000 03");
	end = quic_frame_put_new_token(buf, build_bytes, 3);
	build_expect(test, buf, end, quic_frame_len_new_token(3),
		     "07 03 001122");
	end = quic_frame_put_handshake_done(buf);
	build_expect(test, buf, end, 1, "1e");
	end = quic_frame_put_ping(buf);
	build_expect(test, buf, end, 1, "01");
	end = quic_frame_put_padding(buf, 5);
	build_expect(test, buf, end, 5, "0000000000");
	end = quic_frame_put_datagram(buf, 1200);
	build_expect(test, buf, end, quic_frame_len_datagram(1200), "31 44b0");
}

static void frame_build_close(struct kunit *test)
{
	u8 buf[64], *end;

	end = quic_frame_put_connection_close(buf, 0x101, 6, "bye", 3);
	build_expect(test, buf, end,
		     quic_frame_len_connection_close(0x101, 6, 3),
		     "1c 4101 06 03 627965");
	end = quic_frame_put_connection_close(buf, 0, 0, NULL, 0);
	build_expect(test, buf, end, quic_frame_len_connection_close(0, 0, 0),
		     "1c 00 00 00");
	end = quic_frame_put_connection_close_app(buf, 0xffffffff, "bye", 3);
	build_expect(test, buf, end,
		     quic_frame_len_connection_close_app(0xffffffff, 3),
		     "1d c0000000ffffffff 03 627965");
}

/* The answer fits, and one byte more would not. */
static void build_expect_fit(struct kunit *test, int fit, u32 room, u32 hdr,
			     u32 len)
{
	if (fit < 0) {
		KUNIT_EXPECT_EQ(test, fit, -ENOSPC);
		KUNIT_EXPECT_GT(test, hdr + 1 + min(len, 1), room);
		return;
	}
	KUNIT_EXPECT_LE(test, fit, len);
	KUNIT_EXPECT_LE(test, hdr + quic_varint_len(fit) + fit, room);
	if (fit < len)
		KUNIT_EXPECT_GT(test, hdr + quic_varint_len(fit + 1) + fit + 1,
				room);
}

static void frame_build_fit(struct kunit *test)
{
	static const u32 lens[] = {
		0, 1, 62, 63, 64, 65, 1200, 16383, 16384, 16385, 70000,
	};
	u32 i, len, room, hdr;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		len = lens[i];
		for (room = 0; room < 17000; room++) {
			hdr = quic_frame_len_stream(100, 70000, 0) - 1;
			build_expect_fit(test,
					 quic_frame_fit_stream(room, 100, 70000,
							       len),
					 room, hdr, len);
			hdr = quic_frame_len_crypto(64, 0) - 1;
			build_expect_fit(test,
					 quic_frame_fit_crypto(room, 64, len),
					 room, hdr, len);
			/* Past the lengths' boundaries only those again. */
			if (room == 200)
				room = 16300;
		}
	}
}

static void build_range_set(struct kunit *test, struct quic_range_set *set,
			    const struct quic_range *ranges, u32 nr)
{
	u32 i;

	quic_range_set_init(set, 64, QUIC_RANGE_FORGET);
	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_EQ(test,
				quic_range_set_insert(set, ranges[i].start,
						      ranges[i].end,
						      GFP_KERNEL), 0);
}

static const struct quic_range build_ranges[] = {
	{ 0, 5 }, { 80, 81 }, { 91, 94 }, { 95, 101 },
};

/* The same ACK that frame_parse_test.c takes apart. */
static void frame_build_ack(struct kunit *test)
{
	static const u64 ecn[3] = { 70, 0, 3 };
	struct quic_range_set set;
	u8 buf[64], *end;

	build_range_set(test, &set, build_ranges, ARRAY_SIZE(build_ranges));
	end = quic_frame_put_ack(buf, sizeof(buf), &set, 47, 3, NULL);
	build_expect(test, buf, end,
		     quic_frame_len_ack(sizeof(buf), &set, 47, 3, NULL),
		     "02 4064 05 03 05 0002 0900 404a04");
	end = quic_frame_put_ack(buf, sizeof(buf), &set, 47, 0, ecn);
	build_expect(test, buf, end,
		     quic_frame_len_ack(sizeof(buf), &set, 47, 0, ecn),
		     "03 4064 2f 03 05 0002 0900 404a04 4046 00 03");
	quic_range_set_destroy(&set);
}

static void frame_build_ack_one(struct kunit *test)
{
	static const struct quic_range one = { 0, 1 };
	struct quic_range_set set;
	u8 buf[64], *end;

	build_range_set(test, &set, &one, 0);
	end = quic_frame_put_ack(buf, sizeof(buf), &set, 0, 3, NULL);
	KUNIT_EXPECT_EQ(test, end - buf, 0);
	KUNIT_EXPECT_EQ(test, quic_frame_len_ack(64, &set, 0, 3, NULL), 0);
	quic_range_set_destroy(&set);

	build_range_set(test, &set, &one, 1);
	end = quic_frame_put_ack(buf, 5, &set, 0, 3, NULL);
	build_expect(test, buf, end, quic_frame_len_ack(5, &set, 0, 3, NULL),
		     "02 00 00 00 00");
	KUNIT_EXPECT_EQ(test, quic_frame_len_ack(4, &set, 0, 3, NULL), 0);
	quic_range_set_destroy(&set);
}

/* However little room there is: what fits is a good ACK of the highest ranges,
 * and it is as much as fits.
 */
static void frame_build_ack_room(struct kunit *test)
{
	static const u32 lens[] = { 6, 8, 10, 13 };	/* by ranges beyond one */
	struct quic_range_set set;
	struct quic_frame frame;
	u32 room, len, want = 0;
	const u8 *pos;
	u8 buf[64];

	build_range_set(test, &set, build_ranges, ARRAY_SIZE(build_ranges));
	for (room = 0; room <= 20; room++) {
		len = quic_frame_len_ack(room, &set, 47, 3, NULL);
		if (want < ARRAY_SIZE(lens) && room == lens[want])
			want++;
		KUNIT_EXPECT_EQ(test, len, want ? lens[want - 1] : 0);
		if (!len)
			continue;
		KUNIT_EXPECT_EQ(test, quic_frame_put_ack(buf, room, &set, 47, 3,
							 NULL) - buf, len);
		pos = buf;
		KUNIT_ASSERT_EQ(test, quic_frame_parse(&pos, buf + len, &frame),
				0);
		KUNIT_EXPECT_PTR_EQ(test, pos, buf + len);
		KUNIT_EXPECT_EQ(test, frame.ack.largest_acked, 100);
		KUNIT_EXPECT_EQ(test, frame.ack.range_count, want - 1);
	}
	quic_range_set_destroy(&set);
}

/* So many ranges that their count takes two bytes. */
static void frame_build_ack_many(struct kunit *test)
{
	struct quic_ack_iter it;
	struct quic_range_set set;
	struct quic_frame frame;
	u64 smallest, largest;
	u32 i, len, room;
	const u8 *pos;
	u8 buf[256];

	quic_range_set_init(&set, 100, QUIC_RANGE_FORGET);
	for (i = 0; i < 100; i++)
		KUNIT_ASSERT_EQ(test, quic_range_set_insert(&set, 2 * i,
							    2 * i + 1,
							    GFP_KERNEL), 0);
	for (room = 0; room < sizeof(buf); room++) {
		len = quic_frame_len_ack(room, &set, 0, 3, NULL);
		KUNIT_ASSERT_LE(test, len, room);
		KUNIT_ASSERT_EQ(test, quic_frame_put_ack(buf, room, &set, 0, 3,
							 NULL) - buf, len);
	}
	KUNIT_EXPECT_EQ(test, len, 1 + 2 + 1 + 2 + 1 + 99 * 2);
	pos = buf;
	KUNIT_ASSERT_EQ(test, quic_frame_parse(&pos, buf + len, &frame), 0);
	KUNIT_EXPECT_EQ(test, frame.ack.range_count, 99);
	quic_ack_iter_init(&it, &frame.ack);
	for (i = 100; i-- > 0; ) {
		KUNIT_ASSERT_TRUE(test, quic_ack_iter_next(&it, &smallest,
							   &largest));
		KUNIT_EXPECT_EQ(test, smallest, 2 * i);
		KUNIT_EXPECT_EQ(test, largest, 2 * i);
	}
	KUNIT_EXPECT_FALSE(test, quic_ack_iter_next(&it, &smallest, &largest));
	quic_range_set_destroy(&set);
}

static struct kunit_case frame_build_cases[] = {
	KUNIT_CASE(frame_build_streams),
	KUNIT_CASE(frame_build_stream_header),
	KUNIT_CASE(frame_build_limits),
	KUNIT_CASE(frame_build_cids),
	KUNIT_CASE(frame_build_handshake),
	KUNIT_CASE(frame_build_close),
	KUNIT_CASE(frame_build_fit),
	KUNIT_CASE(frame_build_ack),
	KUNIT_CASE(frame_build_ack_one),
	KUNIT_CASE(frame_build_ack_room),
	KUNIT_CASE(frame_build_ack_many),
	{}
};

static struct kunit_suite frame_build_suite = {
	.name = "quic_frame_build",
	.test_cases = frame_build_cases,
};

kunit_test_suite(frame_build_suite);
