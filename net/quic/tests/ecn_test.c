// SPDX-License-Identifier: GPL-2.0-only

#include <kunit/test.h>

#include "../ecn.h"
#include "../frame.h"
#include "../pnspace.h"

struct quic_ecn_case {
	const char *name;
	u64 sent;		/* marked packets that left */
	u64 acked;		/* of them newly acknowledged */
	bool has_ecn;
	u64 ecn[3];		/* ECT(0), ECT(1), CE as reported */
	enum quic_ecn_state state;
	bool congestion;
};

/* RFC 9000, 13.4.2.1; the last report was ECT(0) = 5, CE = 1 */
static const struct quic_ecn_case quic_ecn_cases_table[] = {
	{ "all counted",	20, 4, true,  { 9, 0, 1 }, QUIC_ECN_CAPABLE, false },
	{ "one became CE",	20, 4, true,  { 8, 0, 2 }, QUIC_ECN_CAPABLE, true },
	{ "more than acked",	20, 4, true,  { 12, 0, 1 }, QUIC_ECN_CAPABLE, false },
	{ "one not counted",	20, 4, true,  { 8, 0, 1 }, QUIC_ECN_FAILED, false },
	{ "counts missing",	20, 4, false, { }, QUIC_ECN_FAILED, false },
	{ "nothing marked",	20, 0, false, { }, QUIC_ECN_UNKNOWN, false },
	{ "nothing new",	20, 0, true,  { 5, 0, 1 }, QUIC_ECN_UNKNOWN, false },
	{ "became ECT(1)",	20, 4, true,  { 9, 1, 1 }, QUIC_ECN_FAILED, false },
	{ "ECT(0) shrinks",	20, 0, true,  { 4, 0, 2 }, QUIC_ECN_FAILED, false },
	{ "CE shrinks",		20, 0, true,  { 6, 0, 0 }, QUIC_ECN_FAILED, false },
	{ "as many as sent",	20, 4, true,  { 20, 0, 1 }, QUIC_ECN_CAPABLE, false },
	{ "more than sent",	20, 4, true,  { 21, 0, 1 }, QUIC_ECN_FAILED, false },
	{ "more CE than sent",	20, 4, true,  { 5, 0, 21 }, QUIC_ECN_FAILED, false },
};

static void quic_ecn_case_name(const struct quic_ecn_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(quic_ecn, quic_ecn_cases_table, quic_ecn_case_name);

static void ecn_validation(struct kunit *test)
{
	const struct quic_ecn_case *c = test->param_value;
	struct quic_frame_ack ack = { .has_ecn = c->has_ecn };
	struct quic_pnspace *space = test->priv;
	struct quic_ecn ecn = { .state = QUIC_ECN_UNKNOWN };

	memcpy(ack.ecn, c->ecn, sizeof(ack.ecn));
	space->ect_sent = c->sent;
	space->ecn_acked[QUIC_ECN_ECT0] = 5;
	space->ecn_acked[QUIC_ECN_CE] = 1;
	KUNIT_EXPECT_EQ(test, quic_ecn_on_ack(&ecn, space, &ack, c->acked),
			c->congestion);
	KUNIT_EXPECT_EQ(test, ecn.state, c->state);
	KUNIT_EXPECT_EQ(test, quic_ecn_mark(&ecn), c->state == QUIC_ECN_CAPABLE);
}

/* RFC 9000, 13.4.2: ten packets are marked, then the verdict is awaited. */
static void ecn_tests_ten_packets(struct kunit *test)
{
	struct quic_ecn ecn;
	int i;

	quic_ecn_init(&ecn);
	for (i = 0; i < QUIC_ECN_TEST_PACKETS; i++) {
		KUNIT_EXPECT_TRUE(test, quic_ecn_mark(&ecn));
		quic_ecn_on_sent(&ecn);
	}
	KUNIT_EXPECT_FALSE(test, quic_ecn_mark(&ecn));
	KUNIT_EXPECT_EQ(test, ecn.state, QUIC_ECN_UNKNOWN);
	for (i = 0; i < QUIC_ECN_TEST_PACKETS; i++) {
		KUNIT_EXPECT_EQ(test, ecn.state, QUIC_ECN_UNKNOWN);
		quic_ecn_on_lost(&ecn);
	}
	KUNIT_EXPECT_EQ(test, ecn.state, QUIC_ECN_FAILED);
}

/* RFC 9000, 13.4.2: or three PTOs pass, the second one twice as long. What arrives
 * late still counts, and what has been found out is not forgotten.
 */
static void ecn_tests_for_three_ptos(struct kunit *test)
{
	struct quic_frame_ack ack = { .has_ecn = true, .ecn = { 1, 0, 0 } };
	struct quic_pnspace *space = test->priv;
	struct quic_ecn ecn;

	space->ect_sent = 1;
	quic_ecn_init(&ecn);
	quic_ecn_on_sent(&ecn);
	quic_ecn_on_pto(&ecn, 1);
	KUNIT_EXPECT_TRUE(test, quic_ecn_mark(&ecn));
	quic_ecn_on_pto(&ecn, 2);
	KUNIT_EXPECT_FALSE(test, quic_ecn_mark(&ecn));
	KUNIT_EXPECT_EQ(test, ecn.state, QUIC_ECN_UNKNOWN);
	KUNIT_EXPECT_FALSE(test, quic_ecn_on_ack(&ecn, space, &ack, 1));
	KUNIT_EXPECT_EQ(test, ecn.state, QUIC_ECN_CAPABLE);
	quic_ecn_on_pto(&ecn, 2);
	KUNIT_EXPECT_EQ(test, ecn.state, QUIC_ECN_CAPABLE);
	ecn.state = QUIC_ECN_FAILED;
	quic_ecn_on_pto(&ecn, 2);
	KUNIT_EXPECT_EQ(test, ecn.state, QUIC_ECN_FAILED);
}

/* Once failed, nothing that a peer reports is believed. */
static void ecn_failure_is_final(struct kunit *test)
{
	struct quic_frame_ack ack = { .has_ecn = true, .ecn = { 1, 0, 1 } };
	struct quic_pnspace *space = test->priv;
	struct quic_ecn ecn = { .state = QUIC_ECN_FAILED };

	space->ect_sent = 2;
	KUNIT_EXPECT_FALSE(test, quic_ecn_on_ack(&ecn, space, &ack, 2));
	KUNIT_EXPECT_EQ(test, ecn.state, QUIC_ECN_FAILED);
}

/* What was counted on a path that has failed is not news of the next one. */
static void ecn_next_path_begins_where_counts_are(struct kunit *test)
{
	struct quic_frame_ack ack = { .has_ecn = true, .ecn = { 6, 1, 3 } };
	struct quic_pnspace *space = test->priv;
	struct quic_ecn ecn;

	space->ect_sent = 20;
	quic_ecn_init(&ecn);
	KUNIT_EXPECT_FALSE(test, quic_ecn_on_ack(&ecn, space, &ack, 4));
	KUNIT_EXPECT_EQ(test, ecn.state, QUIC_ECN_FAILED);
	ack.ecn[QUIC_ECN_ECT1] = 0;
	ack.ecn[QUIC_ECN_CE] = 5;
	KUNIT_EXPECT_FALSE(test, quic_ecn_on_ack(&ecn, space, &ack, 2));
	quic_ecn_init(&ecn);
	KUNIT_EXPECT_FALSE(test, quic_ecn_on_ack(&ecn, space, &ack, 0));
	KUNIT_EXPECT_EQ(test, ecn.state, QUIC_ECN_TESTING);
	ack.ecn[QUIC_ECN_ECT0] = 8;
	KUNIT_EXPECT_FALSE(test, quic_ecn_on_ack(&ecn, space, &ack, 2));
	KUNIT_EXPECT_EQ(test, ecn.state, QUIC_ECN_CAPABLE);
	ack.ecn[QUIC_ECN_CE] = 6;
	KUNIT_EXPECT_TRUE(test, quic_ecn_on_ack(&ecn, space, &ack, 1));
}

static int quic_ecn_test_init(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct quic_pnspace),
				   GFP_KERNEL);
	if (!test->priv)
		return -ENOMEM;
	quic_pnspace_init(test->priv, QUIC_SPACE_APP);
	return 0;
}

static struct kunit_case quic_ecn_cases[] = {
	KUNIT_CASE_PARAM(ecn_validation, quic_ecn_gen_params),
	KUNIT_CASE(ecn_tests_ten_packets),
	KUNIT_CASE(ecn_tests_for_three_ptos),
	KUNIT_CASE(ecn_failure_is_final),
	KUNIT_CASE(ecn_next_path_begins_where_counts_are),
	{}
};

static struct kunit_suite quic_ecn_suite = {
	.name		= "quic_ecn",
	.init		= quic_ecn_test_init,
	.test_cases	= quic_ecn_cases,
};

kunit_test_suite(quic_ecn_suite);
