// SPDX-License-Identifier: GPL-2.0-only

#include <kunit/test.h>
#include <linux/unaligned.h>
#include "../client_hello.h"
#include "hex.h"

/* RFC 9001, A.2: the ClientHello of the first CRYPTO frame there. */
static const u8 hello_rfc9001[] = {
	0x01, 0x00, 0x00, 0xed, 0x03, 0x03, 0xeb, 0xf8, 0xfa, 0x56, 0xf1, 0x29,
	0x39, 0xb9, 0x58, 0x4a, 0x38, 0x96, 0x47, 0x2e, 0xc4, 0x0b, 0xb8, 0x63,
	0xcf, 0xd3, 0xe8, 0x68, 0x04, 0xfe, 0x3a, 0x47, 0xf0, 0x6a, 0x2b, 0x69,
	0x48, 0x4c, 0x00, 0x00, 0x04, 0x13, 0x01, 0x13, 0x02, 0x01, 0x00, 0x00,
	0xc0, 0x00, 0x00, 0x00, 0x10, 0x00, 0x0e, 0x00, 0x00, 0x0b, 0x65, 0x78,
	0x61, 0x6d, 0x70, 0x6c, 0x65, 0x2e, 0x63, 0x6f, 0x6d, 0xff, 0x01, 0x00,
	0x01, 0x00, 0x00, 0x0a, 0x00, 0x08, 0x00, 0x06, 0x00, 0x1d, 0x00, 0x17,
	0x00, 0x18, 0x00, 0x10, 0x00, 0x07, 0x00, 0x05, 0x04, 0x61, 0x6c, 0x70,
	0x6e, 0x00, 0x05, 0x00, 0x05, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x33,
	0x00, 0x26, 0x00, 0x24, 0x00, 0x1d, 0x00, 0x20, 0x93, 0x70, 0xb2, 0xc9,
	0xca, 0xa4, 0x7f, 0xba, 0xba, 0xf4, 0x55, 0x9f, 0xed, 0xba, 0x75, 0x3d,
	0xe1, 0x71, 0xfa, 0x71, 0xf5, 0x0f, 0x1c, 0xe1, 0x5d, 0x43, 0xe9, 0x94,
	0xec, 0x74, 0xd7, 0x48, 0x00, 0x2b, 0x00, 0x03, 0x02, 0x03, 0x04, 0x00,
	0x0d, 0x00, 0x10, 0x00, 0x0e, 0x04, 0x03, 0x05, 0x03, 0x06, 0x03, 0x02,
	0x03, 0x08, 0x04, 0x08, 0x05, 0x08, 0x06, 0x00, 0x2d, 0x00, 0x02, 0x01,
	0x01, 0x00, 0x1c, 0x00, 0x02, 0x40, 0x01, 0x00, 0x39, 0x00, 0x32, 0x04,
	0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x05, 0x04, 0x80,
	0x00, 0xff, 0xff, 0x07, 0x04, 0x80, 0x00, 0xff, 0xff, 0x08, 0x01, 0x10,
	0x01, 0x04, 0x80, 0x00, 0x75, 0x30, 0x09, 0x01, 0x10, 0x0f, 0x08, 0x83,
	0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08, 0x06, 0x04, 0x80, 0x00, 0xff,
	0xff,
};

static void hello_rfc9001_a2(struct kunit *test)
{
	struct quic_client_hello ch;

	KUNIT_ASSERT_EQ(test, quic_client_hello_parse(hello_rfc9001,
						      sizeof(hello_rfc9001),
						      &ch), 0);
	KUNIT_EXPECT_EQ(test, ch.msg_len, sizeof(hello_rfc9001));
	KUNIT_ASSERT_EQ(test, ch.sni_len, 11);
	KUNIT_EXPECT_MEMEQ(test, ch.sni, "example.com", 11);
	KUNIT_EXPECT_TRUE(test, ch.has_alpn);
	KUNIT_ASSERT_EQ(test, ch.alpn_len, 5);
	KUNIT_EXPECT_MEMEQ(test, ch.alpn, "\004alpn", 5);
}

/* As long as bytes are missing there is no verdict, only the length. */
static void hello_in_parts(struct kunit *test)
{
	struct quic_client_hello ch;
	u8 *part;
	u32 len;

	for (len = 0; len < sizeof(hello_rfc9001); len++) {
		part = quic_test_copy(test, hello_rfc9001, len);
		KUNIT_EXPECT_EQ(test, quic_client_hello_parse(part, len, &ch),
				-EAGAIN);
		KUNIT_EXPECT_EQ(test, ch.msg_len,
				len < 4 ? 0 : sizeof(hello_rfc9001));
		kunit_kfree(test, part);
	}
}

/* What follows the message is none of our business. */
static void hello_followed(struct kunit *test)
{
	struct quic_client_hello ch;
	u8 data[sizeof(hello_rfc9001) + 1];

	memcpy(data, hello_rfc9001, sizeof(hello_rfc9001));
	data[sizeof(hello_rfc9001)] = 0xff;
	KUNIT_EXPECT_EQ(test, quic_client_hello_parse(data, sizeof(data), &ch),
			0);
	KUNIT_EXPECT_EQ(test, ch.msg_len, sizeof(hello_rfc9001));
}

/* Whatever one byte is changed to, reading stays within the message, and so do
 * the results.
 */
static void hello_one_byte_wrong(struct kunit *test)
{
	u32 i, val, len = sizeof(hello_rfc9001), bad = 0;
	struct quic_client_hello ch;
	u8 *data;

	data = quic_test_copy(test, hello_rfc9001, len);
	for (i = 0; i < len; i++) {
		for (val = 0; val < 256; val++) {
			data[i] = val;
			if (quic_client_hello_parse(data, len, &ch))
				continue;
			bad += ch.alpn_len && ch.alpn + ch.alpn_len > data + len;
			bad += ch.sni_len && ch.sni + ch.sni_len > data + len;
		}
		data[i] = hello_rfc9001[i];
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* A message of a given body behind version and random, alone in its memory. */
static u8 *hello_build(struct kunit *test, const u8 *tail, u32 tail_len,
		       u32 *len)
{
	u8 *data;

	*len = 4 + 2 + 32 + tail_len;
	data = kunit_kzalloc(test, *len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, data);
	*data = 1;
	put_unaligned_be24(*len - 4, data + 1);
	put_unaligned_be16(0x0303, data + 4);
	memcpy(data + 4 + 2 + 32, tail, tail_len);
	return data;
}

/**
 * struct hello_case - a ClientHello and what becomes of it
 * @name: what it is
 * @tail: legacy_session_id and all that follows
 * @err:  expected result
 */
struct hello_case {
	const char *name;
	const char *tail;
	int err;
};

/* Session ID, one cipher suite, no compression */
#define HEAD	"00 0002 1301 01 00 "

static const struct hello_case hello_rules[] = {
	{ "least", HEAD "0000", 0 },
	{ "session ID", "01 aa 0002 1301 01 00 0000", -EINVAL },
	{ "session ID cut off", "ff", -EINVAL },
	{ "nothing", "", -EINVAL },
	{ "no cipher suite", "00 0000 01 00 0000", -EINVAL },
	{ "cipher suites cut off", "00 0002 13", -EINVAL },
	{ "no compression method", "00 0002 1301 00 0000", -EINVAL },
	{ "compression methods cut off", "00 0002 1301 01", -EINVAL },
	{ "no extensions", HEAD, -EINVAL },
	{ "half a length of extensions", HEAD "00", -EINVAL },
	{ "one byte less of extensions", HEAD "0004 ff01 0000 00", -EINVAL },
	{ "one byte more of extensions", HEAD "0006 ff01 0000", -EINVAL },
	{ "extension of nothing", HEAD "0004 ff01 0000", 0 },
	{ "extension, one byte more", HEAD "0005 ff01 0002 00", -EINVAL },
	{ "extension, one byte less", HEAD "0005 ff01 0000 00", -EINVAL },
	{ "extension without length", HEAD "0002 ff01", -EINVAL },
	/* RFC 7301, 3.1 */
	{ "ALPN", HEAD "0009 0010 0005 0003 02 6833", 0 },
	{ "ALPN of two", HEAD "000c 0010 0008 0006 02 6833 02 6832", 0 },
	{ "ALPN, list one more", HEAD "0009 0010 0005 0004 02 6833", -EINVAL },
	{ "ALPN, list one less", HEAD "0009 0010 0005 0002 02 6833", -EINVAL },
	{ "ALPN, name one more", HEAD "0009 0010 0005 0003 03 6833", -EINVAL },
	{ "ALPN, name one less", HEAD "0009 0010 0005 0003 01 6833", -EINVAL },
	{ "ALPN, empty name", HEAD "0007 0010 0003 0001 00", -EINVAL },
	{ "ALPN, empty list", HEAD "0006 0010 0002 0000", -EINVAL },
	{ "ALPN, half a length", HEAD "0005 0010 0001 00", -EINVAL },
	{ "ALPN of nothing", HEAD "0004 0010 0000", -EINVAL },
	{ "ALPN twice", HEAD "000e 0010 0003 0001 61 0010 0003 0001 61",
	  -EINVAL },
	{ "ALPN twice, well formed",
	  HEAD "0010 0010 0004 0002 01 61 0010 0004 0002 01 61", -EINVAL },
	/* RFC 6066, 3 */
	{ "SNI", HEAD "000a 0000 0006 0004 00 0001 61", 0 },
	{ "SNI, list one more", HEAD "000a 0000 0006 0005 00 0001 61", -EINVAL },
	{ "SNI, list one less", HEAD "000a 0000 0006 0003 00 0001 61", -EINVAL },
	{ "SNI, name one more", HEAD "000a 0000 0006 0004 00 0002 61", -EINVAL },
	{ "SNI, empty name", HEAD "0009 0000 0005 0003 00 0000", -EINVAL },
	{ "SNI, empty list", HEAD "0006 0000 0002 0000", -EINVAL },
	{ "SNI of nothing", HEAD "0004 0000 0000", -EINVAL },
	{ "SNI of two names",
	  HEAD "000e 0000 000a 0008 00 0001 61 00 0001 62", -EINVAL },
	{ "SNI behind a name of another type",
	  HEAD "000e 0000 000a 0008 01 0001 61 00 0001 62", 0 },
	{ "SNI twice",
	  HEAD "0014 0000 0006 0004 00 0001 61 0000 0006 0004 00 0001 61",
	  -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(hello_rule, hello_rules, name);

static void hello_rule(struct kunit *test)
{
	const struct hello_case *c = test->param_value;
	struct quic_client_hello ch;
	u8 *tail, *data;
	u32 len;

	tail = quic_hex(test, c->tail, &len);
	data = hello_build(test, tail, len, &len);
	KUNIT_EXPECT_EQ(test, quic_client_hello_parse(data, len, &ch), c->err);
}

static void hello_results(struct kunit *test)
{
	struct quic_client_hello ch;
	u8 *tail, *data;
	u32 len;

	tail = quic_hex(test, HEAD "0000", &len);
	data = hello_build(test, tail, len, &len);
	KUNIT_EXPECT_EQ(test, quic_client_hello_parse(data, len, &ch), 0);
	KUNIT_EXPECT_FALSE(test, ch.has_alpn);
	KUNIT_EXPECT_NULL(test, ch.sni);

	tail = quic_hex(test, HEAD "000e 0000 000a 0008 01 0001 61 00 0001 62",
			&len);
	data = hello_build(test, tail, len, &len);
	KUNIT_EXPECT_EQ(test, quic_client_hello_parse(data, len, &ch), 0);
	KUNIT_ASSERT_EQ(test, ch.sni_len, 1);
	KUNIT_EXPECT_EQ(test, *ch.sni, 'b');
}

/* A ClientHello is what it has to be, and bounded. */
static void hello_message(struct kunit *test)
{
	struct quic_client_hello ch;
	u8 *data;
	u32 len;

	data = quic_hex(test, "02", &len);
	KUNIT_EXPECT_EQ(test, quic_client_hello_parse(data, len, &ch), -EINVAL);
	data = quic_hex(test, "01 003ffc", &len);
	KUNIT_EXPECT_EQ(test, quic_client_hello_parse(data, len, &ch), -EAGAIN);
	KUNIT_EXPECT_EQ(test, ch.msg_len, QUIC_CLIENT_HELLO_MAX_LEN);
	data = quic_hex(test, "01 003ffd", &len);
	KUNIT_EXPECT_EQ(test, quic_client_hello_parse(data, len, &ch), -EINVAL);
	data = quic_hex(test, "01 ffffff", &len);
	KUNIT_EXPECT_EQ(test, quic_client_hello_parse(data, len, &ch), -EINVAL);
	data = quic_hex(test, "01 000000", &len);
	KUNIT_EXPECT_EQ(test, quic_client_hello_parse(data, len, &ch), -EINVAL);
}

/* A tail with an ALPN list of one name. */
static int hello_parse_alpn_len(struct kunit *test, u32 list_len,
				struct quic_client_hello *ch)
{
	static const u8 head[] = { 0, 0, 2, 0x13, 0x01, 1, 0 };
	u8 tail[300], *p, *data;
	u32 len;

	memcpy(tail, head, sizeof(head));
	p = tail + sizeof(head);
	put_unaligned_be16(6 + list_len, p);
	put_unaligned_be16(16, p + 2);
	put_unaligned_be16(2 + list_len, p + 4);
	put_unaligned_be16(list_len, p + 6);
	p[8] = list_len - 1;
	memset(p + 9, 'a', list_len - 1);
	data = hello_build(test, tail, p + 8 + list_len - tail, &len);
	return quic_client_hello_parse(data, len, ch);
}

static void hello_alpn_len(struct kunit *test)
{
	struct quic_client_hello ch;

	KUNIT_EXPECT_EQ(test, hello_parse_alpn_len(test, 129, &ch), 0);
	KUNIT_EXPECT_EQ(test, ch.alpn_len, 129);
	KUNIT_EXPECT_EQ(test, hello_parse_alpn_len(test, 130, &ch), -EINVAL);
	KUNIT_EXPECT_EQ(test, hello_parse_alpn_len(test, 256, &ch), -EINVAL);
}

static int hello_parse_nr_exts(struct kunit *test, u32 nr)
{
	static const u8 head[] = { 0, 0, 2, 0x13, 0x01, 1, 0 };
	struct quic_client_hello ch;
	u8 tail[600] = {}, *data;
	u32 i, len;

	memcpy(tail, head, sizeof(head));
	put_unaligned_be16(4 * nr, tail + sizeof(head));
	for (i = 0; i < nr; i++)
		put_unaligned_be16(0x1a1a, tail + sizeof(head) + 2 + 4 * i);
	data = hello_build(test, tail, sizeof(head) + 2 + 4 * nr, &len);
	return quic_client_hello_parse(data, len, &ch);
}

static void hello_nr_exts(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, hello_parse_nr_exts(test, 128), 0);
	KUNIT_EXPECT_EQ(test, hello_parse_nr_exts(test, 129), -EINVAL);
}

static struct kunit_case client_hello_cases[] = {
	KUNIT_CASE(hello_rfc9001_a2),
	KUNIT_CASE(hello_in_parts),
	KUNIT_CASE(hello_followed),
	KUNIT_CASE(hello_one_byte_wrong),
	KUNIT_CASE_PARAM(hello_rule, hello_rule_gen_params),
	KUNIT_CASE(hello_results),
	KUNIT_CASE(hello_message),
	KUNIT_CASE(hello_alpn_len),
	KUNIT_CASE(hello_nr_exts),
	{}
};

static struct kunit_suite client_hello_suite = {
	.name = "quic_client_hello",
	.test_cases = client_hello_cases,
};

kunit_test_suite(client_hello_suite);
