// SPDX-License-Identifier: GPL-2.0-only

#include <kunit/test.h>

#include "../session.h"
#include "../types.h"

static struct quic_session *quic_session_test_new(struct kunit *test, u8 key,
						  u8 byte)
{
	struct quic_session_key k = { .digest = { key } };
	struct quic_session *session;

	session = quic_session_new(&k, QUIC_VERSION_V1, &byte, 1);
	KUNIT_ASSERT_NOT_NULL(test, session);
	return session;
}

static int quic_session_test_take(struct quic_sessions *sessions, u8 key)
{
	struct quic_session_key k = { .digest = { key } };
	struct quic_session *session = quic_sessions_take(sessions, &k);
	int byte = session ? session->data[0] : -1;

	quic_session_free(session);
	return byte;
}

static void quic_session_test_newest_first_and_once(struct kunit *test)
{
	struct quic_sessions s;

	quic_sessions_init(&s);
	quic_sessions_add(&s, quic_session_test_new(test, 1, 10));
	quic_sessions_add(&s, quic_session_test_new(test, 2, 20));
	quic_sessions_add(&s, quic_session_test_new(test, 1, 11));
	KUNIT_EXPECT_EQ(test, quic_session_test_take(&s, 1), 11);
	KUNIT_EXPECT_EQ(test, quic_session_test_take(&s, 1), 10);
	KUNIT_EXPECT_EQ(test, quic_session_test_take(&s, 1), -1);
	KUNIT_EXPECT_EQ(test, quic_session_test_take(&s, 2), 20);
	KUNIT_EXPECT_EQ(test, s.nr, 0U);
}

static void quic_session_test_few_of_a_server(struct kunit *test)
{
	struct quic_sessions s;
	int i;

	quic_sessions_init(&s);
	quic_sessions_add(&s, quic_session_test_new(test, 2, 99));
	for (i = 0; i < 2 * QUIC_SESSIONS_PER_KEY; i++)
		quic_sessions_add(&s, quic_session_test_new(test, 1, i));
	KUNIT_EXPECT_EQ(test, s.nr, QUIC_SESSIONS_PER_KEY + 1U);
	for (i = 2 * QUIC_SESSIONS_PER_KEY; i-- > QUIC_SESSIONS_PER_KEY;)
		KUNIT_EXPECT_EQ(test, quic_session_test_take(&s, 1), i);
	KUNIT_EXPECT_EQ(test, quic_session_test_take(&s, 1), -1);
	KUNIT_EXPECT_EQ(test, quic_session_test_take(&s, 2), 99);
}

static void quic_session_test_oldest_goes(struct kunit *test)
{
	struct quic_sessions s;
	int i;

	quic_sessions_init(&s);
	for (i = 0; i <= QUIC_SESSIONS_MAX; i++)
		quic_sessions_add(&s, quic_session_test_new(test, 1 + i, i));
	KUNIT_EXPECT_EQ(test, s.nr, (u32)QUIC_SESSIONS_MAX);
	KUNIT_EXPECT_EQ(test, quic_session_test_take(&s, 1), -1);
	KUNIT_EXPECT_EQ(test, quic_session_test_take(&s, 2), 1);
	quic_sessions_purge(&s);
	KUNIT_EXPECT_EQ(test, s.nr, 0U);
	KUNIT_EXPECT_TRUE(test, list_empty(&s.list));
}

static void quic_session_test_expired(struct kunit *test)
{
	struct quic_session *old = quic_session_test_new(test, 1, 10);
	struct quic_sessions s;

	quic_sessions_init(&s);
	quic_sessions_add(&s, quic_session_test_new(test, 1, 11));
	old->expires -= QUIC_SESSION_LIFETIME;
	quic_sessions_add(&s, old);
	KUNIT_EXPECT_EQ(test, quic_session_test_take(&s, 1), 11);
	KUNIT_EXPECT_EQ(test, s.nr, 0U);
}

static struct kunit_case quic_session_cases[] = {
	KUNIT_CASE(quic_session_test_newest_first_and_once),
	KUNIT_CASE(quic_session_test_few_of_a_server),
	KUNIT_CASE(quic_session_test_oldest_goes),
	KUNIT_CASE(quic_session_test_expired),
	{}
};

static struct kunit_suite quic_session_suite = {
	.name		= "quic_session",
	.test_cases	= quic_session_cases,
};

kunit_test_suite(quic_session_suite);
