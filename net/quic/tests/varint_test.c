// SPDX-License-Identifier: GPL-2.0-only

#include <kunit/test.h>
#include "../varint.h"
#include "hex.h"

struct varint_vector {
	const char *hex;
	u64 val;
};

/* RFC 9000, A.1 */
static const struct varint_vector varint_vectors[] = {
	{ "c2197c5eff14e88c", 151288809941952652ULL },
	{ "9d7f3e7d", 494878333 },
	{ "7bbd", 15293 },
	{ "25", 37 },
	{ "4025", 37 },
};

KUNIT_ARRAY_PARAM_DESC(varint_vector, varint_vectors, hex);

static void varint_get_vector(struct kunit *test)
{
	const struct varint_vector *v = test->param_value;
	const u8 *pos, *data;
	u64 val;
	u32 len;

	data = quic_hex(test, v->hex, &len);
	pos = data;
	KUNIT_EXPECT_EQ(test, quic_varint_get(&pos, data + len, &val), 0);
	KUNIT_EXPECT_EQ(test, val, v->val);
	KUNIT_EXPECT_PTR_EQ(test, pos, data + len);
}

static void varint_put_vector(struct kunit *test)
{
	const struct varint_vector *v = test->param_value;
	u32 len = strlen(v->hex) / 2;
	u8 buf[QUIC_VARINT_MAX_LEN];

	quic_varint_put_fixed(buf, v->val, len);
	quic_expect_hex(test, buf, len, v->hex);
}

static void varint_truncated(struct kunit *test)
{
	const struct varint_vector *v = test->param_value;
	const u8 *pos, *data;
	u64 val;
	u32 len;

	data = quic_hex(test, v->hex, &len);
	while (len--) {
		pos = data;
		KUNIT_EXPECT_EQ(test, quic_varint_get(&pos, data + len, &val),
				-EINVAL);
		KUNIT_EXPECT_PTR_EQ(test, pos, data);
	}
}

struct varint_bound {
	u64 val;
	u32 len;
};

static const struct varint_bound varint_bounds[] = {
	{ 0, 1 },		{ 63, 1 },
	{ 64, 2 },		{ 16383, 2 },
	{ 16384, 4 },		{ (1 << 30) - 1, 4 },
	{ 1 << 30, 8 },		{ QUIC_VARINT_MAX, 8 },
};

static void varint_shortest(struct kunit *test)
{
	const struct varint_bound *b;
	u8 buf[QUIC_VARINT_MAX_LEN];
	const u8 *pos;
	u64 val;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(varint_bounds); i++) {
		b = &varint_bounds[i];
		KUNIT_EXPECT_EQ(test, quic_varint_len(b->val), b->len);
		KUNIT_EXPECT_PTR_EQ(test, quic_varint_put(buf, b->val),
				    buf + b->len);
		pos = buf;
		KUNIT_EXPECT_EQ(test, quic_varint_get(&pos, buf + b->len, &val),
				0);
		KUNIT_EXPECT_EQ(test, val, b->val);
	}
}

struct pn_len_case {
	u64 pn;
	s64 largest_acked;
	u8 len;
};

static const struct pn_len_case pn_len_cases[] = {
	/* RFC 9000, A.2 */
	{ 0xac5c02, 0xabe8b3, 2 },
	{ 0xace8fe, 0xabe8b3, 3 },
	/* Nothing acknowledged: 128 outstanding, then 129. */
	{ 0, -1, 1 },
	{ 127, -1, 1 },
	{ 128, -1, 2 },
	{ 0x7fff, -1, 2 },
	{ 0x8000, -1, 3 },
	{ 0x7fffff, -1, 3 },
	{ 0x800000, -1, 4 },
	{ 1000, 999, 1 },
	{ QUIC_VARINT_MAX, QUIC_VARINT_MAX - 1, 1 },
	/* More than can be told apart: as long as it gets. */
	{ QUIC_VARINT_MAX, -1, 4 },
};

static void pn_len(struct kunit *test)
{
	const struct pn_len_case *c;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(pn_len_cases); i++) {
		c = &pn_len_cases[i];
		KUNIT_EXPECT_EQ_MSG(test, quic_pn_len(c->pn, c->largest_acked,
						      0),
				    c->len, "case %u", i);
	}
}

struct pn_expand_case {
	s64 largest_pn;
	u32 truncated_pn;
	u8 len;
	u64 pn;
};

static const struct pn_expand_case pn_expand_cases[] = {
	/* RFC 9000, A.3 */
	{ 0xa82f30ea, 0x9b32, 2, 0xa82f9b32 },
	/* The first packet, and what is closest to it. */
	{ -1, 0, 1, 0 },
	{ -1, 0xff, 1, 0xff },
	/* Half a window ahead of the expected number is still the same one,
	 * half a window behind it is the next.
	 */
	{ 0x1ff, 0x80, 1, 0x280 },
	{ 0x1ff, 0x81, 1, 0x181 },
	{ 0x27f, 0x00, 1, 0x300 },
	{ 0x27e, 0xff, 1, 0x2ff },
	/* Neither below 0 nor above 2^62 - 1. */
	{ 0x10, 0xff, 1, 0xff },
	{ QUIC_VARINT_MAX - 1, 0x00, 1, QUIC_VARINT_MAX - 0xff },
	{ QUIC_VARINT_MAX - 1, 0xff, 1, QUIC_VARINT_MAX },
};

static void pn_expand(struct kunit *test)
{
	const struct pn_expand_case *c;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(pn_expand_cases); i++) {
		c = &pn_expand_cases[i];
		KUNIT_EXPECT_EQ_MSG(test, quic_pn_expand(c->largest_pn,
							 c->truncated_pn,
							 c->len),
				    c->pn, "case %u", i);
	}
}

/* What the sender takes for enough has to be enough for a receiver that has got
 * nothing since, and for one that has got everything.
 */
static void pn_round_trip(struct kunit *test)
{
	static const u32 outstanding[] = {
		1, 2, 127, 128, 129, 32767, 32768, 32769, 8388608, 8388609,
	};
	s64 acked = 0x123456789aLL;
	u32 i, truncated;
	u8 buf[4], len;
	u64 pn;

	for (i = 0; i < ARRAY_SIZE(outstanding); i++) {
		pn = acked + outstanding[i];
		len = quic_pn_len(pn, acked, 0);
		KUNIT_EXPECT_PTR_EQ(test, quic_pn_put(buf, pn, len), buf + len);
		truncated = quic_pn_get(buf, len);
		KUNIT_EXPECT_EQ(test, quic_pn_expand(acked, truncated, len),
				pn);
		KUNIT_EXPECT_EQ(test, quic_pn_expand(pn - 1, truncated, len),
				pn);
	}
}

/* Nor does it matter how many have overtaken it, if they were reckoned with. */
static void pn_overtaken(struct kunit *test)
{
	static const u32 behind[] = { 0, 1, 63, 64, 127, 128, 500, 32768 };
	s64 acked = 0x123456789aLL;
	u32 i, truncated, late;
	u8 buf[4], len;
	u64 pn;

	for (i = 0; i < ARRAY_SIZE(behind); i++) {
		pn = acked + 40;
		len = quic_pn_len(pn, acked, behind[i]);
		quic_pn_put(buf, pn, len);
		truncated = quic_pn_get(buf, len);
		for (late = 0; late <= behind[i]; late++)
			if (quic_pn_expand(pn + late, truncated, len) != pn)
				break;
		KUNIT_EXPECT_EQ_MSG(test, late, behind[i] + 1, "case %u", i);
	}
}

static struct kunit_case varint_cases[] = {
	KUNIT_CASE_PARAM(varint_get_vector, varint_vector_gen_params),
	KUNIT_CASE_PARAM(varint_put_vector, varint_vector_gen_params),
	KUNIT_CASE_PARAM(varint_truncated, varint_vector_gen_params),
	KUNIT_CASE(varint_shortest),
	KUNIT_CASE(pn_len),
	KUNIT_CASE(pn_expand),
	KUNIT_CASE(pn_round_trip),
	KUNIT_CASE(pn_overtaken),
	{}
};

static struct kunit_suite varint_suite = {
	.name = "quic_varint",
	.test_cases = varint_cases,
};

kunit_test_suite(varint_suite);
