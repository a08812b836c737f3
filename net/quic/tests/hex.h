/* SPDX-License-Identifier: GPL-2.0-only */
/* Test vectors as hexadecimal text, the way the RFCs print them. */
#ifndef _NET_QUIC_TESTS_HEX_H
#define _NET_QUIC_TESTS_HEX_H

#include <kunit/test.h>
#include <linux/ctype.h>
#include <linux/hex.h>
#include <linux/string.h>

/* A copy alone in its allocation, so that KASAN sees a read behind it. */
static inline u8 *quic_test_copy(struct kunit *test, const void *data, u32 len)
{
	u8 *copy = kunit_kmalloc(test, len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	memcpy(copy, data, len);
	return copy;
}

/* Bytes of a vector, in which white space may separate fields. */
static inline u8 *quic_hex(struct kunit *test, const char *hex, u32 *len)
{
	u8 *buf = kunit_kmalloc(test, strlen(hex) / 2 + 1, GFP_KERNEL);
	u8 *end = buf;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	while (*hex) {
		if (isspace(*hex)) {
			hex++;
			continue;
		}
		KUNIT_ASSERT_EQ(test, hex2bin(end++, hex, 1), 0);
		hex += 2;
	}
	*len = end - buf;
	return quic_test_copy(test, buf, *len);
}

static inline void quic_expect_hex(struct kunit *test, const u8 *data, u32 len,
				   const char *hex)
{
	const u8 *expected;
	u32 expected_len;

	expected = quic_hex(test, hex, &expected_len);
	KUNIT_ASSERT_EQ_MSG(test, len, expected_len, "%*phN", (int)len, data);
	KUNIT_EXPECT_MEMEQ(test, data, expected, len);
}

#endif /* _NET_QUIC_TESTS_HEX_H */
