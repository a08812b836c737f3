// SPDX-License-Identifier: GPL-2.0-only

#include <kunit/test.h>
#include "../frame.h"
#include "hex.h"

#define BAD	QUIC_TRANSPORT_ERROR_FRAME_ENCODING

#define TOKEN16	"00112233445566778899aabbccddeeff"

/**
 * struct parse_case - bytes and what becomes of them
 * @name: what it is
 * @hex:  one frame
 * @err:  expected result
 */
struct parse_case {
	const char *name;
	const char *hex;
	int err;
};

/* One good frame of each type whose end does not depend on the packet's. */
static const struct parse_case parse_whole[] = {
	{ "PING", "01" },
	{ "ACK", "0244d240640205010203 04" },
	{ "ACK_ECN", "030a00000180ffffff0703" },
	{ "RESET_STREAM", "0404401180010203" },
	{ "STOP_SENDING", "050477ff" },
	{ "CRYPTO", "064064 03 aabbcc" },
	{ "NEW_TOKEN", "0702 abcd" },
	{ "STREAM_LEN", "0a08 03 010203" },
	{ "STREAM_LEN_FIN", "0b08 03 010203" },
	{ "STREAM_OFF_LEN", "0e087fff 4002 0102" },
	{ "STREAM_OFF_LEN_FIN", "0f08c000000100000000 00" },
	{ "MAX_DATA", "10bfffffff" },
	{ "MAX_STREAM_DATA", "110440ff" },
	{ "MAX_STREAMS_BIDI", "12d000000000000000" },
	{ "MAX_STREAMS_UNI", "1305" },
	{ "DATA_BLOCKED", "1440ff" },
	{ "STREAM_DATA_BLOCKED", "15024064" },
	{ "STREAMS_BLOCKED_BIDI", "16d000000000000000" },
	{ "STREAMS_BLOCKED_UNI", "1703" },
	{ "NEW_CONNECTION_ID", "180201 04 aabbccdd" TOKEN16 },
	{ "RETIRE_CONNECTION_ID", "194100" },
	{ "PATH_CHALLENGE", "1a0102030405060708" },
	{ "PATH_RESPONSE", "1b0102030405060708" },
	{ "CONNECTION_CLOSE", "1c4101 06 03 627965" },
	{ "CONNECTION_CLOSE_APP", "1d4101 03 627965" },
	{ "HANDSHAKE_DONE", "1e" },
	{ "DATAGRAM_LEN", "3103 aabbcc" },
};

KUNIT_ARRAY_PARAM_DESC(parse_whole, parse_whole, name);

/* Followed by another frame, a frame ends where it says. */
static void frame_parse_whole(struct kunit *test)
{
	const struct parse_case *c = test->param_value;
	struct quic_frame frame;
	u8 *data, more[64];
	const u8 *pos;
	u32 len;

	data = quic_hex(test, c->hex, &len);
	pos = data;
	KUNIT_EXPECT_EQ(test, quic_frame_parse(&pos, data + len, &frame), 0);
	KUNIT_EXPECT_PTR_EQ(test, pos, data + len);
	KUNIT_EXPECT_EQ(test, frame.type, *data);

	KUNIT_ASSERT_LT(test, len, sizeof(more));
	memcpy(more, data, len);
	more[len] = QUIC_FRAME_PING;
	pos = more;
	KUNIT_EXPECT_EQ(test, quic_frame_parse(&pos, more + len + 1, &frame),
			0);
	KUNIT_EXPECT_PTR_EQ(test, pos, more + len);
}

/* No byte may be missing, and none is read behind the packet. */
static void frame_parse_truncated(struct kunit *test)
{
	const struct parse_case *c = test->param_value;
	struct quic_frame frame;
	const u8 *pos, *part;
	u8 *data;
	u32 len;

	data = quic_hex(test, c->hex, &len);
	while (len--) {
		part = quic_test_copy(test, data, len);
		pos = part;
		KUNIT_EXPECT_EQ_MSG(test,
				    quic_frame_parse(&pos, part + len, &frame),
				    BAD, "%u bytes", len);
		KUNIT_EXPECT_EQ(test, frame.type, len ? *data : 0);
	}
}

static const struct parse_case parse_rules[] = {
	/* RFC 9000, 12.4 */
	{ "unknown type", "1f", BAD },
	{ "unknown type of two bytes", "4100", BAD },
	{ "grease type of eight bytes", "ffffffffffffffff", BAD },
	{ "PING in two bytes", "4001",
	  QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION },
	{ "PADDING in eight bytes", "c000000000000000",
	  QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION },
	/* 19.3.1: no packet number below 0 */
	{ "first range ends at 0", "020a00000a", 0 },
	{ "first range ends below 0", "020a00000b", BAD },
	{ "gap down to 0", "020a0001020600", 0 },
	{ "gap below 0", "020a0001020700", BAD },
	{ "range ends at 0", "020a0001020204", 0 },
	{ "range ends below 0", "020a0001020205", BAD },
	{ "largest gap", "020a000102ffffffffffffffff00", BAD },
	{ "largest range", "020a00010200ffffffffffffffff", BAD },
	{ "more ranges than bytes",
	  "02 4100 00 ffffffffffffffff 00 00000000000000000000", BAD },
	/* 19.6 and 19.8: offsets up to 2^62 - 1 */
	{ "CRYPTO to 2^62 - 1", "06fffffffffffffffe 01 aa", 0 },
	{ "CRYPTO to 2^62", "06ffffffffffffffff 01 aa", BAD },
	{ "STREAM to 2^62 - 1", "0e00fffffffffffffffe 01 aa", 0 },
	{ "STREAM to 2^62", "0e00ffffffffffffffff 01 aa", BAD },
	{ "STREAM without length to 2^62", "0c00ffffffffffffffff aa", BAD },
	/* 19.7 */
	{ "empty NEW_TOKEN", "0700", BAD },
	/* 19.11 and 19.14: up to 2^60 */
	{ "MAX_STREAMS beyond 2^60", "12d000000000000001", BAD },
	{ "MAX_STREAMS uni beyond 2^60", "13d000000000000001", BAD },
	{ "STREAMS_BLOCKED beyond 2^60", "16d000000000000001", BAD },
	{ "STREAMS_BLOCKED uni beyond 2^60", "17d000000000000001", BAD },
	/* 19.15 */
	{ "connection ID of no byte", "180200 00" TOKEN16, BAD },
	{ "connection ID of 1 byte", "180200 01 aa" TOKEN16, 0 },
	{ "connection ID of 20 bytes",
	  "180200 14 aabbccddaabbccddaabbccddaabbccddaabbccdd" TOKEN16, 0 },
	{ "connection ID of 21 bytes",
	  "180200 15 aabbccddaabbccddaabbccddaabbccddaabbccddaa" TOKEN16, BAD },
	{ "Retire Prior To of itself", "180202 01 aa" TOKEN16, 0 },
	{ "Retire Prior To beyond itself", "180203 01 aa" TOKEN16, BAD },
	/* Length fields that count more than any packet has */
	{ "CRYPTO of 2^62 - 1 bytes", "0600 ffffffffffffffff aa", BAD },
	{ "STREAM of 2^62 - 1 bytes", "0a00 ffffffffffffffff aa", BAD },
	{ "STREAM of 2^32 + 1 bytes", "0a00 c000000100000001 aa", BAD },
	{ "NEW_TOKEN of 2^32 + 1 bytes", "07 c000000100000001 aa", BAD },
	{ "reason of 2^32 + 1 bytes", "1d00 c000000100000001 aa", BAD },
	{ "DATAGRAM of 2^32 + 1 bytes", "31 c000000100000001 aa", BAD },
};

KUNIT_ARRAY_PARAM_DESC(parse_rule, parse_rules, name);

static void frame_parse_rule(struct kunit *test)
{
	const struct parse_case *c = test->param_value;
	struct quic_frame frame;
	const u8 *data, *pos;
	u32 len;

	data = quic_hex(test, c->hex, &len);
	pos = data;
	KUNIT_EXPECT_EQ(test, quic_frame_parse(&pos, data + len, &frame),
			c->err);
	if (!c->err)
		KUNIT_EXPECT_PTR_EQ(test, pos, data + len);
}

/* Parses one good frame and nothing else. */
static const u8 *frame_parse_hex(struct kunit *test, const char *hex,
				 struct quic_frame *frame)
{
	const u8 *data, *pos;
	u32 len;

	data = quic_hex(test, hex, &len);
	pos = data;
	KUNIT_ASSERT_EQ(test, quic_frame_parse(&pos, data + len, frame), 0);
	KUNIT_ASSERT_PTR_EQ(test, pos, data + len);
	return data;
}

/* RFC 9001, A.3: an ACK and a CRYPTO frame in one payload. */
static const u8 frame_rfc9001_a3[] = {
	0x02, 0x00, 0x00, 0x00, 0x00, 0x06, 0x00, 0x40, 0x5a, 0x02, 0x00, 0x00,
	0x56, 0x03, 0x03, 0xee, 0xfc, 0xe7, 0xf7, 0xb3, 0x7b, 0xa1, 0xd1, 0x63,
	0x2e, 0x96, 0x67, 0x78, 0x25, 0xdd, 0xf7, 0x39, 0x88, 0xcf, 0xc7, 0x98,
	0x25, 0xdf, 0x56, 0x6d, 0xc5, 0x43, 0x0b, 0x9a, 0x04, 0x5a, 0x12, 0x00,
	0x13, 0x01, 0x00, 0x00, 0x2e, 0x00, 0x33, 0x00, 0x24, 0x00, 0x1d, 0x00,
	0x20, 0x9d, 0x3c, 0x94, 0x0d, 0x89, 0x69, 0x0b, 0x84, 0xd0, 0x8a, 0x60,
	0x99, 0x3c, 0x14, 0x4e, 0xca, 0x68, 0x4d, 0x10, 0x81, 0x28, 0x7c, 0x83,
	0x4d, 0x53, 0x11, 0xbc, 0xf3, 0x2b, 0xb9, 0xda, 0x1a, 0x00, 0x2b, 0x00,
	0x02, 0x03, 0x04,
};

static void frame_parse_rfc9001_a3(struct kunit *test)
{
	const u8 *pos, *data, *end;
	struct quic_frame frame;

	data = quic_test_copy(test, frame_rfc9001_a3, sizeof(frame_rfc9001_a3));
	pos = data;
	end = data + sizeof(frame_rfc9001_a3);
	KUNIT_ASSERT_EQ(test, quic_frame_parse(&pos, end, &frame), 0);
	KUNIT_EXPECT_EQ(test, frame.type, QUIC_FRAME_ACK);
	KUNIT_EXPECT_EQ(test, frame.ack.largest_acked, 0);
	KUNIT_EXPECT_EQ(test, frame.ack.range_count, 0);
	KUNIT_ASSERT_EQ(test, quic_frame_parse(&pos, end, &frame), 0);
	KUNIT_EXPECT_EQ(test, frame.type, QUIC_FRAME_CRYPTO);
	KUNIT_EXPECT_EQ(test, frame.crypto.offset, 0);
	KUNIT_EXPECT_EQ(test, frame.crypto.len, 90);
	KUNIT_EXPECT_PTR_EQ(test, frame.crypto.data, data + 9);
	KUNIT_EXPECT_PTR_EQ(test, pos, end);
}

static void frame_parse_fields_streams(struct kunit *test)
{
	struct quic_frame frame;
	const u8 *data;

	frame_parse_hex(test, "0404401180010203", &frame);
	KUNIT_EXPECT_EQ(test, frame.reset_stream.stream_id, 4);
	KUNIT_EXPECT_EQ(test, frame.reset_stream.error_code, 0x11);
	KUNIT_EXPECT_EQ(test, frame.reset_stream.final_size, 0x10203);

	frame_parse_hex(test, "050477ff", &frame);
	KUNIT_EXPECT_EQ(test, frame.stop_sending.stream_id, 4);
	KUNIT_EXPECT_EQ(test, frame.stop_sending.error_code, 0x37ff);

	data = frame_parse_hex(test, "0f0840100401020304", &frame);
	KUNIT_EXPECT_EQ(test, frame.stream.stream_id, 8);
	KUNIT_EXPECT_EQ(test, frame.stream.offset, 16);
	KUNIT_EXPECT_EQ(test, frame.stream.len, 4);
	KUNIT_EXPECT_PTR_EQ(test, frame.stream.data, data + 5);
	KUNIT_EXPECT_TRUE(test, frame.stream.fin);

	/* Without Length field the data goes to the end, also if it is none. */
	data = frame_parse_hex(test, "0808010203", &frame);
	KUNIT_EXPECT_EQ(test, frame.stream.offset, 0);
	KUNIT_EXPECT_EQ(test, frame.stream.len, 3);
	KUNIT_EXPECT_PTR_EQ(test, frame.stream.data, data + 2);
	KUNIT_EXPECT_FALSE(test, frame.stream.fin);
	frame_parse_hex(test, "0d0805", &frame);
	KUNIT_EXPECT_EQ(test, frame.stream.offset, 5);
	KUNIT_EXPECT_EQ(test, frame.stream.len, 0);
	KUNIT_EXPECT_TRUE(test, frame.stream.fin);

	frame_parse_hex(test, "1305", &frame);
	KUNIT_EXPECT_TRUE(test, frame.max_streams.uni);
	KUNIT_EXPECT_EQ(test, frame.max_streams.max_streams, 5);
	frame_parse_hex(test, "12d000000000000000", &frame);
	KUNIT_EXPECT_FALSE(test, frame.max_streams.uni);
	KUNIT_EXPECT_EQ(test, frame.max_streams.max_streams, BIT_ULL(60));
	frame_parse_hex(test, "1703", &frame);
	KUNIT_EXPECT_TRUE(test, frame.streams_blocked.uni);
	KUNIT_EXPECT_EQ(test, frame.streams_blocked.limit, 3);
	frame_parse_hex(test, "110440ff", &frame);
	KUNIT_EXPECT_EQ(test, frame.max_stream_data.stream_id, 4);
	KUNIT_EXPECT_EQ(test, frame.max_stream_data.max_stream_data, 0xff);
	frame_parse_hex(test, "15024064", &frame);
	KUNIT_EXPECT_EQ(test, frame.stream_data_blocked.stream_id, 2);
	KUNIT_EXPECT_EQ(test, frame.stream_data_blocked.limit, 0x64);
	frame_parse_hex(test, "1440ff", &frame);
	KUNIT_EXPECT_EQ(test, frame.data_blocked.limit, 0xff);
	frame_parse_hex(test, "10bfffffff", &frame);
	KUNIT_EXPECT_EQ(test, frame.max_data.max_data, 0x3fffffff);
}

static void frame_parse_fields_connection(struct kunit *test)
{
	struct quic_frame frame;
	const u8 *data;

	data = frame_parse_hex(test, "180201 04 aabbccdd" TOKEN16, &frame);
	KUNIT_EXPECT_EQ(test, frame.new_connection_id.seq, 2);
	KUNIT_EXPECT_EQ(test, frame.new_connection_id.retire_prior_to, 1);
	KUNIT_ASSERT_EQ(test, frame.new_connection_id.cid.len, 4);
	KUNIT_EXPECT_MEMEQ(test, frame.new_connection_id.cid.data, data + 4, 4);
	KUNIT_EXPECT_MEMEQ(test, frame.new_connection_id.reset_token, data + 8,
			   QUIC_RESET_TOKEN_LEN);
	frame_parse_hex(test, "194100", &frame);
	KUNIT_EXPECT_EQ(test, frame.retire_connection_id.seq, 0x100);

	data = frame_parse_hex(test, "1a0102030405060708", &frame);
	KUNIT_EXPECT_MEMEQ(test, frame.path_challenge.data, data + 1, 8);
	data = frame_parse_hex(test, "1b1112131415161718", &frame);
	KUNIT_EXPECT_MEMEQ(test, frame.path_response.data, data + 1, 8);

	data = frame_parse_hex(test, "1c4101 06 03 627965", &frame);
	KUNIT_EXPECT_FALSE(test, frame.connection_close.app);
	KUNIT_EXPECT_EQ(test, frame.connection_close.error_code, 0x101);
	KUNIT_EXPECT_EQ(test, frame.connection_close.frame_type, 6);
	KUNIT_ASSERT_EQ(test, frame.connection_close.len, 3);
	KUNIT_EXPECT_PTR_EQ(test, frame.connection_close.data, data + 5);
	frame_parse_hex(test, "1d4101 00", &frame);
	KUNIT_EXPECT_TRUE(test, frame.connection_close.app);
	KUNIT_EXPECT_EQ(test, frame.connection_close.frame_type, 0);
	KUNIT_EXPECT_EQ(test, frame.connection_close.len, 0);

	data = frame_parse_hex(test, "0702 abcd", &frame);
	KUNIT_EXPECT_EQ(test, frame.new_token.len, 2);
	KUNIT_EXPECT_PTR_EQ(test, frame.new_token.data, data + 2);

	data = frame_parse_hex(test, "30 aabb", &frame);
	KUNIT_EXPECT_EQ(test, frame.datagram.len, 2);
	KUNIT_EXPECT_EQ(test, frame.datagram.size, 3);
	KUNIT_EXPECT_PTR_EQ(test, frame.datagram.data, data + 1);
	frame_parse_hex(test, "30", &frame);
	KUNIT_EXPECT_EQ(test, frame.datagram.len, 0);
	KUNIT_EXPECT_EQ(test, frame.datagram.size, 1);
	data = frame_parse_hex(test, "3103 aabbcc", &frame);
	KUNIT_EXPECT_EQ(test, frame.datagram.len, 3);
	KUNIT_EXPECT_EQ(test, frame.datagram.size, 5);
	KUNIT_EXPECT_PTR_EQ(test, frame.datagram.data, data + 2);
	frame_parse_hex(test, "3180000001 aa", &frame);
	KUNIT_EXPECT_EQ(test, frame.datagram.len, 1);
	KUNIT_EXPECT_EQ(test, frame.datagram.size, 6);
}

/* A run of PADDING is one frame, and ends with it. */
static void frame_parse_padding(struct kunit *test)
{
	u8 data[1200] = {};
	const u8 *pos = data;
	struct quic_frame frame;

	KUNIT_EXPECT_EQ(test, quic_frame_parse(&pos, data + sizeof(data),
					       &frame), 0);
	KUNIT_EXPECT_EQ(test, frame.type, QUIC_FRAME_PADDING);
	KUNIT_EXPECT_EQ(test, frame.padding.len, sizeof(data));
	KUNIT_EXPECT_PTR_EQ(test, pos, data + sizeof(data));

	data[77] = QUIC_FRAME_PING;
	pos = data;
	KUNIT_EXPECT_EQ(test, quic_frame_parse(&pos, data + sizeof(data),
					       &frame), 0);
	KUNIT_EXPECT_EQ(test, frame.padding.len, 77);
	KUNIT_EXPECT_EQ(test, quic_frame_parse(&pos, data + sizeof(data),
					       &frame), 0);
	KUNIT_EXPECT_EQ(test, frame.type, QUIC_FRAME_PING);
	KUNIT_EXPECT_EQ(test, quic_frame_parse(&pos, data + sizeof(data),
					       &frame), 0);
	KUNIT_EXPECT_EQ(test, frame.padding.len, sizeof(data) - 78);
}

struct ack_range {
	u64 smallest;
	u64 largest;
};

static void frame_ack_expect(struct kunit *test, const struct quic_frame *frame,
			     const struct ack_range *ranges, u32 nr)
{
	struct quic_ack_iter it;
	u64 smallest, largest;
	u32 i;

	quic_ack_iter_init(&it, &frame->ack);
	for (i = 0; i < nr; i++) {
		KUNIT_ASSERT_TRUE(test, quic_ack_iter_next(&it, &smallest,
							   &largest));
		KUNIT_EXPECT_EQ(test, smallest, ranges[i].smallest);
		KUNIT_EXPECT_EQ(test, largest, ranges[i].largest);
	}
	KUNIT_EXPECT_FALSE(test, quic_ack_iter_next(&it, &smallest, &largest));
	KUNIT_EXPECT_FALSE(test, quic_ack_iter_next(&it, &smallest, &largest));
}

static void frame_ack_ranges(struct kunit *test)
{
	static const struct ack_range several[] = {
		{ 95, 100 }, { 91, 93 }, { 80, 80 }, { 0, 4 },
	};
	static const struct ack_range all[] = { { 0, QUIC_VARINT_MAX } };
	struct quic_frame frame;

	frame_parse_hex(test, "02 4064 05 03 05 0002 0900 404a04", &frame);
	KUNIT_EXPECT_FALSE(test, frame.ack.has_ecn);
	KUNIT_EXPECT_EQ(test, frame.ack.largest_acked, 100);
	frame_ack_expect(test, &frame, several, ARRAY_SIZE(several));

	frame_parse_hex(test, "02 ffffffffffffffff 00 00 ffffffffffffffff",
			&frame);
	frame_ack_expect(test, &frame, all, ARRAY_SIZE(all));
}

/* The counts follow the ranges and are not taken for some. */
static void frame_ack_ecn(struct kunit *test)
{
	static const struct ack_range ranges[] = { { 9, 10 }, { 5, 6 } };
	struct quic_frame frame;

	frame_parse_hex(test, "03 0a 00 01 01 0101 80ffffff 07 03", &frame);
	KUNIT_EXPECT_TRUE(test, frame.ack.has_ecn);
	KUNIT_EXPECT_EQ(test, frame.ack.ecn[0], 0xffffff);
	KUNIT_EXPECT_EQ(test, frame.ack.ecn[1], 7);
	KUNIT_EXPECT_EQ(test, frame.ack.ecn[2], 3);
	frame_ack_expect(test, &frame, ranges, ARRAY_SIZE(ranges));
}

static void frame_ack_delay(struct kunit *test)
{
	struct quic_frame_ack ack = { .ack_delay = 100 };

	KUNIT_EXPECT_EQ(test, quic_frame_ack_delay_us(&ack, 0), 100);
	KUNIT_EXPECT_EQ(test, quic_frame_ack_delay_us(&ack, 3), 800);
	ack.ack_delay = U32_MAX >> 3;
	KUNIT_EXPECT_EQ(test, quic_frame_ack_delay_us(&ack, 3), U32_MAX - 7);
	ack.ack_delay++;
	KUNIT_EXPECT_EQ(test, quic_frame_ack_delay_us(&ack, 3), U32_MAX);
	ack.ack_delay = QUIC_VARINT_MAX;
	KUNIT_EXPECT_EQ(test, quic_frame_ack_delay_us(&ack, 20), U32_MAX);
}

static struct kunit_case frame_parse_cases[] = {
	KUNIT_CASE_PARAM(frame_parse_whole, parse_whole_gen_params),
	KUNIT_CASE_PARAM(frame_parse_truncated, parse_whole_gen_params),
	KUNIT_CASE_PARAM(frame_parse_rule, parse_rule_gen_params),
	KUNIT_CASE(frame_parse_rfc9001_a3),
	KUNIT_CASE(frame_parse_fields_streams),
	KUNIT_CASE(frame_parse_fields_connection),
	KUNIT_CASE(frame_parse_padding),
	KUNIT_CASE(frame_ack_ranges),
	KUNIT_CASE(frame_ack_ecn),
	KUNIT_CASE(frame_ack_delay),
	{}
};

static struct kunit_suite frame_parse_suite = {
	.name = "quic_frame_parse",
	.test_cases = frame_parse_cases,
};

kunit_test_suite(frame_parse_suite);
