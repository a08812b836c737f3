// SPDX-License-Identifier: GPL-2.0-only

#include "conn.h"

struct quic_cid_quote {
	const char *name;
	u8 cid_len;		/* of the ID in use, 01 02 03 ... */
	u32 len;
	u8 data[16];
	bool match;
};

static const struct quic_cid_quote quic_cid_quotes[] = {
	{ "short header", 4, 5, { 0x40, 1, 2, 3, 4 }, true },
	{ "more behind it", 4, 7, { 0x40, 1, 2, 3, 4, 5, 6 }, true },
	{ "another ID", 4, 5, { 0x40, 1, 2, 3, 5 }, false },
	{ "cut off", 4, 4, { 0x40, 1, 2, 3 }, false },
	{ "nothing", 4, 0, { }, false },
	{ "no ID to know", 0, 5, { 0x40, 1, 2, 3, 4 }, false },
	{ "long header", 4, 10, { 0xc0, 0, 0, 0, 1, 4, 1, 2, 3, 4 }, true },
	{ "longer ID", 4, 11, { 0xc0, 0, 0, 0, 1, 5, 1, 2, 3, 4, 5 }, false },
	{ "shorter ID", 4, 9, { 0xc0, 0, 0, 0, 1, 3, 1, 2, 3 }, false },
	{ "long header cut off", 4, 9, { 0xc0, 0, 0, 0, 1, 4, 1, 2, 3 }, false },
	{ "ends before its ID", 4, 5, { 0xc0, 0, 0, 0, 1 }, false },
};

static void quic_cid_quote_name(const struct quic_cid_quote *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(quic_cid, quic_cid_quotes, quic_cid_quote_name);

/* RFC 9000, 14.2.1 */
static void cid_quoted(struct kunit *test)
{
	const struct quic_cid_quote *c = test->param_value;
	struct quic_conn *conn = quic_test_conn(test);
	u8 i;

	conn->cids.active->cid.len = c->cid_len;
	for (i = 0; i < c->cid_len; i++)
		conn->cids.active->cid.data[i] = i + 1;
	KUNIT_EXPECT_EQ(test, quic_cid_quoted(conn, c->data, c->len), c->match);
}

/* A connection that is over has sent nothing that could be quoted. */
static void cid_quoted_after_the_end(struct kunit *test)
{
	static const u8 data[21] = { 0x40 };
	struct quic_conn *conn = quic_test_conn(test);

	KUNIT_EXPECT_TRUE(test, quic_cid_quoted(conn, data, sizeof(data)));
	conn->cids.active = NULL;
	KUNIT_EXPECT_FALSE(test, quic_cid_quoted(conn, data, sizeof(data)));
}

static struct kunit_case quic_cid_cases[] = {
	KUNIT_CASE_PARAM(cid_quoted, quic_cid_gen_params),
	KUNIT_CASE(cid_quoted_after_the_end),
	{}
};

static struct kunit_suite quic_cid_suite = {
	.name		= "quic_cid",
	.init		= quic_test_conn_init,
	.exit		= quic_test_conn_exit,
	.test_cases	= quic_cid_cases,
};

kunit_test_suite(quic_cid_suite);
