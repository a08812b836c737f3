/* SPDX-License-Identifier: GPL-2.0-only */
/* Test vectors are written the way the RFCs print them: as hexadecimal text.
 *
 * Owns:    nothing.
 * Guard:   none.
 * Callers: KUnit tests.
 */
#ifndef _NET_QUIC_TESTS_HEX_H
#define _NET_QUIC_TESTS_HEX_H

#include <kunit/test.h>
#include <linux/hex.h>
#include <linux/string.h>

/* Reads hex into out, which has room for size bytes; returns the length. */
static inline u32 quic_test_hex(struct kunit *test, u8 *out, u32 size,
				const char *hex)
{
	u32 len = strlen(hex) / 2;

	KUNIT_ASSERT_LE(test, len, size);
	KUNIT_ASSERT_EQ(test, hex2bin(out, hex, len), 0);
	return len;
}

#endif /* _NET_QUIC_TESTS_HEX_H */
