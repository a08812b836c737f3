// SPDX-License-Identifier: GPL-2.0-only

#include <kunit/test.h>
#include <linux/inet.h>

#include "../token.h"

static const struct quic_cid quic_test_odcid = {
	.len	= QUIC_CID_MAX_LEN,
	.data	= { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 },
};

static const struct quic_cid quic_test_rscid = {
	.len	= QUIC_CID_LEN,
	.data	= { 11, 12, 13, 14, 15, 16, 17, 18 },
};

struct quic_token_fixture {
	struct quic_token_secret secret;
	u32 version;
	union quic_addr peer;
	ktime_t now;
};

static int quic_token_test_init(struct kunit *test)
{
	struct quic_token_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	test->priv = f;
	quic_token_secret_init(&f->secret);
	f->version = QUIC_VERSION_V1;
	f->now = ms_to_ktime(1000000);
	f->peer.v4.sin_family = AF_INET;
	f->peer.v4.sin_addr.s_addr = in_aton("192.0.2.1");
	f->peer.v4.sin_port = htons(4433);
	return 0;
}

static enum quic_token_verdict quic_test_check(struct quic_token_fixture *f,
					       const u8 *token, u32 len)
{
	struct quic_token_result res;

	quic_token_check(&f->secret, f->version, &f->peer, &quic_test_rscid,
			 token, len, f->now, &res);
	return res.verdict;
}

static void quic_token_test_retry(struct kunit *test)
{
	struct quic_token_fixture *f = test->priv;
	struct quic_token_result res;
	u8 token[QUIC_TOKEN_MAX];
	u32 len;

	len = quic_token_retry(&f->secret, f->version, &f->peer,
			       &quic_test_odcid, &quic_test_rscid, f->now,
			       token);
	KUNIT_ASSERT_LE(test, len, QUIC_TOKEN_MAX);
	quic_token_check(&f->secret, f->version, &f->peer, &quic_test_rscid,
			 token, len, f->now, &res);
	KUNIT_EXPECT_EQ(test, res.verdict, QUIC_TOKEN_RETRY);
	KUNIT_EXPECT_TRUE(test, quic_cid_equal(&res.odcid, &quic_test_odcid));
	KUNIT_EXPECT_TRUE(test, quic_cid_equal(&res.rscid, &quic_test_rscid));

	/* not for an Initial with another Destination Connection ID */
	quic_token_check(&f->secret, f->version, &f->peer, &quic_test_odcid,
			 token, len, f->now, &res);
	KUNIT_EXPECT_EQ(test, res.verdict, QUIC_TOKEN_BAD_RETRY);
}

static void quic_token_test_retry_bound(struct kunit *test)
{
	struct quic_token_fixture *f = test->priv;
	u8 token[QUIC_TOKEN_MAX];
	u32 len;

	len = quic_token_retry(&f->secret, f->version, &f->peer,
			       &quic_test_odcid, &quic_test_rscid, f->now,
			       token);
	f->peer.v4.sin_port = htons(4434);
	KUNIT_EXPECT_EQ(test, quic_test_check(f, token, len),
			QUIC_TOKEN_BAD_RETRY);
	f->peer.v4.sin_port = htons(4433);
	f->peer.v4.sin_addr.s_addr = in_aton("192.0.2.2");
	KUNIT_EXPECT_EQ(test, quic_test_check(f, token, len),
			QUIC_TOKEN_BAD_RETRY);
	f->peer.v4.sin_addr.s_addr = in_aton("192.0.2.1");

	f->now = ktime_add_ms(f->now, 3000);
	KUNIT_EXPECT_EQ(test, quic_test_check(f, token, len), QUIC_TOKEN_RETRY);
	f->now = ktime_add_ms(f->now, 1);
	KUNIT_EXPECT_EQ(test, quic_test_check(f, token, len),
			QUIC_TOKEN_BAD_RETRY);
	f->now = ktime_sub_ms(f->now, 3002);
	KUNIT_EXPECT_EQ(test, quic_test_check(f, token, len),
			QUIC_TOKEN_BAD_RETRY);
}

static void quic_token_test_new(struct kunit *test)
{
	struct quic_token_fixture *f = test->priv;
	u8 token[QUIC_TOKEN_MAX], other[QUIC_TOKEN_MAX];
	u32 len;

	len = quic_token_new(&f->secret, f->version, &f->peer, f->now, token);
	KUNIT_EXPECT_EQ(test, quic_test_check(f, token, len), QUIC_TOKEN_NEW);

	/* RFC 9000, 8.1.3: two of them cannot be linked */
	quic_token_new(&f->secret, f->version, &f->peer, f->now, other);
	KUNIT_EXPECT_NE(test, memcmp(token, other, len), 0);

	/* the port may change, the address may not */
	f->peer.v4.sin_port = htons(1);
	KUNIT_EXPECT_EQ(test, quic_test_check(f, token, len), QUIC_TOKEN_NEW);
	f->peer.v4.sin_addr.s_addr = in_aton("192.0.2.2");
	KUNIT_EXPECT_EQ(test, quic_test_check(f, token, len), QUIC_TOKEN_NONE);
	f->peer.v4.sin_addr.s_addr = in_aton("192.0.2.1");

	f->now = ktime_add_ms(f->now, 600000);
	KUNIT_EXPECT_EQ(test, quic_test_check(f, token, len), QUIC_TOKEN_NEW);
	f->now = ktime_add_ms(f->now, 1);
	KUNIT_EXPECT_EQ(test, quic_test_check(f, token, len), QUIC_TOKEN_NONE);
}

static void quic_token_test_forged(struct kunit *test)
{
	struct quic_token_fixture *f = test->priv;
	u8 token[QUIC_TOKEN_MAX + 1] = {};
	u32 len, i;

	KUNIT_EXPECT_EQ(test, quic_test_check(f, token, 0), QUIC_TOKEN_NONE);
	for (i = 1; i <= sizeof(token); i++)
		KUNIT_EXPECT_EQ(test, quic_test_check(f, token, i),
				QUIC_TOKEN_NONE);

	len = quic_token_retry(&f->secret, f->version, &f->peer,
			       &quic_test_odcid, &quic_test_rscid, f->now,
			       token);
	for (i = 0; i < len; i++) {
		token[i] ^= 0x04;
		KUNIT_EXPECT_NE(test, quic_test_check(f, token, len),
				QUIC_TOKEN_RETRY);
		token[i] ^= 0x04;
	}
	for (i = 1; i < len; i++)
		KUNIT_EXPECT_NE(test, quic_test_check(f, token, i),
				QUIC_TOKEN_RETRY);

	/* a Retry token is no NEW_TOKEN token and the other way round */
	token[0] = 'N';
	KUNIT_EXPECT_EQ(test, quic_test_check(f, token, len), QUIC_TOKEN_NONE);
	len = quic_token_new(&f->secret, f->version, &f->peer, f->now, token);
	token[0] = 'R';
	KUNIT_EXPECT_EQ(test, quic_test_check(f, token, len), QUIC_TOKEN_NONE);

	/* nor is that of another listener */
	len = quic_token_retry(&f->secret, f->version, &f->peer,
			       &quic_test_odcid, &quic_test_rscid, f->now,
			       token);
	quic_token_secret_init(&f->secret);
	KUNIT_EXPECT_EQ(test, quic_test_check(f, token, len),
			QUIC_TOKEN_BAD_RETRY);
}

static void quic_token_test_ipv6(struct kunit *test)
{
	struct quic_token_fixture *f = test->priv;
	u8 token[QUIC_TOKEN_MAX];
	u32 len;

	memset(&f->peer, 0, sizeof(f->peer));
	f->peer.v6.sin6_family = AF_INET6;
	f->peer.v6.sin6_addr.s6_addr[15] = 1;
	len = quic_token_new(&f->secret, f->version, &f->peer, f->now, token);
	KUNIT_EXPECT_EQ(test, quic_test_check(f, token, len), QUIC_TOKEN_NEW);
	f->peer.v6.sin6_addr.s6_addr[15] = 2;
	KUNIT_EXPECT_EQ(test, quic_test_check(f, token, len), QUIC_TOKEN_NONE);
}

static void quic_token_test_reset(struct kunit *test)
{
	u8 a[QUIC_RESET_TOKEN_LEN], b[QUIC_RESET_TOKEN_LEN];
	struct hmac_sha256_key key;

	quic_token_reset_key_init(&key);
	quic_token_reset(&key, &quic_test_rscid, a);
	quic_token_reset(&key, &quic_test_rscid, b);
	KUNIT_EXPECT_MEMEQ(test, a, b, sizeof(a));
	quic_token_reset(&key, &quic_test_odcid, b);
	KUNIT_EXPECT_MEMNEQ(test, a, b, sizeof(a));
	quic_token_reset_key_init(&key);
	quic_token_reset(&key, &quic_test_rscid, b);
	KUNIT_EXPECT_MEMNEQ(test, a, b, sizeof(a));
}

/* A client that comes again gets its session resumed; nobody else does. */
static void quic_token_test_ticket_key(struct kunit *test)
{
	struct quic_token_fixture *f = test->priv;
	u8 a[QUIC_TICKET_KEY_LEN], b[QUIC_TICKET_KEY_LEN];

	quic_token_ticket_key(&f->secret, f->version, &f->peer, a);
	f->peer.v4.sin_port = htons(1);
	quic_token_ticket_key(&f->secret, f->version, &f->peer, b);
	KUNIT_EXPECT_MEMEQ(test, a, b, sizeof(a));
	f->peer.v4.sin_addr.s_addr = in_aton("192.0.2.2");
	quic_token_ticket_key(&f->secret, f->version, &f->peer, b);
	KUNIT_EXPECT_MEMNEQ(test, a, b, sizeof(a));
	f->peer.v4.sin_addr.s_addr = in_aton("192.0.2.1");
	quic_token_ticket_key(&f->secret, f->version, &f->peer, b);
	KUNIT_EXPECT_MEMEQ(test, a, b, sizeof(a));
	quic_token_ticket_key(&f->secret, QUIC_VERSION_V2, &f->peer, b);
	KUNIT_EXPECT_MEMNEQ(test, a, b, sizeof(a));
}

/* RFC 9369, 5: a token belongs to one version. */
static void quic_token_test_version(struct kunit *test)
{
	struct quic_token_fixture *f = test->priv;
	u8 token[QUIC_TOKEN_MAX];
	u32 len;

	len = quic_token_new(&f->secret, QUIC_VERSION_V2, &f->peer, f->now,
			     token);
	KUNIT_EXPECT_EQ(test, quic_test_check(f, token, len), QUIC_TOKEN_NONE);
	f->version = QUIC_VERSION_V2;
	KUNIT_EXPECT_EQ(test, quic_test_check(f, token, len), QUIC_TOKEN_NEW);

	len = quic_token_retry(&f->secret, f->version, &f->peer,
			       &quic_test_odcid, &quic_test_rscid, f->now,
			       token);
	KUNIT_EXPECT_EQ(test, quic_test_check(f, token, len), QUIC_TOKEN_RETRY);
	f->version = QUIC_VERSION_V1;
	KUNIT_EXPECT_EQ(test, quic_test_check(f, token, len),
			QUIC_TOKEN_BAD_RETRY);
}

#define USED_LIFE_MS	600000

static bool quic_test_use(struct quic_token_fixture *f,
			  struct quic_token_used *used, const u8 *token)
{
	return quic_token_use(used, token, f->now);
}

/* RFC 9000, 8.1.4 */
static void quic_token_test_used(struct kunit *test)
{
	struct quic_token_fixture *f = test->priv;
	struct quic_token_used used = {};
	u8 a[QUIC_TOKEN_MAX], b[QUIC_TOKEN_MAX];

	quic_token_new(&f->secret, f->version, &f->peer, f->now, a);
	do {	/* with bits of its own */
		quic_token_new(&f->secret, f->version, &f->peer, f->now, b);
	} while (!memcmp(a + 1, b + 1, sizeof(u16)));
	KUNIT_EXPECT_TRUE(test, quic_test_use(f, &used, a));
	KUNIT_EXPECT_FALSE(test, quic_test_use(f, &used, a));
	KUNIT_EXPECT_TRUE(test, quic_test_use(f, &used, b));

	/* As long as it would be good. */
	f->now = ktime_add_ms(f->now, USED_LIFE_MS - 1);
	KUNIT_EXPECT_FALSE(test, quic_test_use(f, &used, a));
	f->now = ktime_add_ms(f->now, 1);
	KUNIT_EXPECT_FALSE(test, quic_test_use(f, &used, b));
	KUNIT_EXPECT_FALSE(test, quic_test_use(f, &used, a));
	f->now = ktime_add_ms(f->now, 2 * USED_LIFE_MS);
	KUNIT_EXPECT_TRUE(test, quic_test_use(f, &used, a));
	quic_token_used_free(&used);
}

/* Many tokens cost no more memory, and hardly any is taken for a used one. */
static void quic_token_test_used_many(struct kunit *test)
{
	struct quic_token_fixture *f = test->priv;
	struct quic_token_used used = {};
	u8 token[QUIC_TOKEN_MAX];
	u32 i, taken = 0;

	for (i = 0; i < 2000; i++) {
		quic_token_new(&f->secret, f->version, &f->peer, f->now,
			       token);
		taken += quic_test_use(f, &used, token);
		KUNIT_EXPECT_FALSE(test, quic_test_use(f, &used, token));
	}
	KUNIT_EXPECT_GT(test, taken, 1950);
	quic_token_used_free(&used);
}

/* Twelve hours, and what was made with it lasts as long again. */
static void quic_token_test_renewal(struct kunit *test)
{
	struct quic_token_fixture *f = test->priv;
	struct quic_token_secret first = f->secret;
	struct quic_token_past past;
	u8 token[QUIC_TOKEN_MAX];
	u32 len;
	int i;

	quic_token_past_init(&past, f->now);
	KUNIT_EXPECT_NE(test, memcmp(&past.secret, &first, sizeof(first)), 0);
	KUNIT_EXPECT_NOT_NULL(test, memchr_inv(&past.secret, 0, sizeof(first)));
	for (i = 1; i <= 2; i++) {
		f->now = ktime_add_ms(f->now, 12 * 3600 * 1000 - 1);
		KUNIT_EXPECT_FALSE(test, quic_token_renewal_due(&past, f->now));
		f->now = ktime_add_ms(f->now, 1);
		KUNIT_EXPECT_TRUE(test, quic_token_renewal_due(&past, f->now));
		len = quic_token_new(&f->secret, f->version, &f->peer, f->now,
				     token);
		first = f->secret;
		quic_token_renew(&f->secret, &past, f->now);

		KUNIT_EXPECT_EQ(test, quic_test_check(f, token, len),
				QUIC_TOKEN_NONE);
		KUNIT_EXPECT_MEMEQ(test, &past.secret, &first, sizeof(first));
		swap(f->secret, past.secret);
		KUNIT_EXPECT_EQ(test, quic_test_check(f, token, len),
				QUIC_TOKEN_NEW);
		swap(f->secret, past.secret);
		KUNIT_EXPECT_MEMEQ(test, f->secret.mac, first.mac,
				   sizeof(first.mac));
	}
}

static struct kunit_case quic_token_cases[] = {
	KUNIT_CASE(quic_token_test_retry),
	KUNIT_CASE(quic_token_test_retry_bound),
	KUNIT_CASE(quic_token_test_new),
	KUNIT_CASE(quic_token_test_forged),
	KUNIT_CASE(quic_token_test_ipv6),
	KUNIT_CASE(quic_token_test_reset),
	KUNIT_CASE(quic_token_test_ticket_key),
	KUNIT_CASE(quic_token_test_version),
	KUNIT_CASE(quic_token_test_renewal),
	KUNIT_CASE(quic_token_test_used),
	KUNIT_CASE(quic_token_test_used_many),
	{}
};

static struct kunit_suite quic_token_suite = {
	.name		= "quic_token",
	.init		= quic_token_test_init,
	.test_cases	= quic_token_cases,
};

kunit_test_suite(quic_token_suite);
