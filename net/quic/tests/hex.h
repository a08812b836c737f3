/* SPDX-License-Identifier: GPL-2.0-only */
/* Test vectors as hexadecimal text, the way the RFCs print them. */
#ifndef _NET_QUIC_TESTS_HEX_H
#define _NET_QUIC_TESTS_HEX_H

#include <kunit/test.h>
#include <linux/hex.h>
#include <linux/string.h>

/* Bytes of a vector, alone in their allocation, so that KASAN sees a read
 * behind the last one.
 */
static inline u8 *quic_hex(struct kunit *test, const char *hex, u32 *len)
{
	u8 *data;

	*len = strlen(hex) / 2;
	data = kunit_kmalloc(test, *len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, data);
	KUNIT_ASSERT_EQ(test, hex2bin(data, hex, *len), 0);
	return data;
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
