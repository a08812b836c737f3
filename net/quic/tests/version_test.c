// SPDX-License-Identifier: GPL-2.0-only

#include <linux/scatterlist.h>
#include <linux/tls.h>

#include "conn.h"
#include "../header.h"
#include "../version.h"

#define V1	QUIC_VERSION_V1
#define V2	QUIC_VERSION_V2
#define OTHER	0x0a1a2a3a
#define BAD	QUIC_TRANSPORT_ERROR_VERSION_NEGOTIATION

static const struct quic_cid version_odcid = {
	.len = 8, .data = { 0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08 },
};

/* A connection whose handshake begins in a version, with Initial keys. */
static struct quic_conn *version_conn(struct kunit *test, bool is_server,
				      u32 version)
{
	struct quic_conn *conn = quic_test_conn(test);

	conn->is_server = is_server;
	conn->hs.odcid = version_odcid;
	quic_version_begin(conn, version);
	KUNIT_ASSERT_EQ(test, 0, quic_keys_initial(&conn->keys, version,
						   &version_odcid, is_server,
						   GFP_KERNEL));
	if (list_empty(&conn->cids.local))
		KUNIT_ASSERT_NOT_NULL(test, quic_cid_add_local(conn));
	quic_version_fill(conn, &conn->local);
	return conn;
}

static void version_offer(struct quic_tparams *tp, u32 chosen, u32 a, u32 b)
{
	struct quic_version_info *info = &tp->version_info;

	memset(tp, 0, sizeof(*tp));
	info->chosen = chosen;
	if (a)
		info->available[info->nr_available++] = a;
	if (b)
		info->available[info->nr_available++] = b;
	info->nr_listed = info->nr_available;
}

/* Versions of ours: what is in use comes first. */
static void version_fill(struct kunit *test)
{
	struct quic_conn *conn = version_conn(test, false, V2);
	const struct quic_version_info *info = &conn->local.version_info;
	u32 reserved;

	KUNIT_EXPECT_EQ(test, info->chosen, V2);
	KUNIT_ASSERT_EQ(test, info->nr_available, 3);
	KUNIT_EXPECT_EQ(test, info->available[0], V2);
	KUNIT_EXPECT_EQ(test, info->available[1], V1);
	reserved = info->available[2];
	KUNIT_EXPECT_EQ(test, reserved & 0x0f0f0f0f, 0x0a0a0a0a);

	/* TLS may ask again after a HelloRetryRequest. */
	conn->version = V1;
	quic_version_fill(conn, &conn->local);
	KUNIT_EXPECT_EQ(test, info->chosen, V2);
	KUNIT_EXPECT_EQ(test, info->available[2], reserved);
	conn->is_server = true;
	quic_version_fill(conn, &conn->local);
	KUNIT_EXPECT_EQ(test, info->chosen, V1);
}

/**
 * struct version_case - version_information of a server, and what comes of it
 * @name:     what it is
 * @refused:  version that a Version Negotiation packet has refused
 * @original: version of our Initial packets
 * @version:  version in use
 * @chosen:   the server's Chosen Version, 0 if the parameter is missing
 * @a:	      Available Versions, 0 for none
 * @b:	      another
 * @unknown:  it lists one that we do not know
 * @err:      expected
 */
struct version_case {
	const char *name;
	u32 refused;
	u32 original;
	u32 version;
	u32 chosen;
	u32 a;
	u32 b;
	bool unknown;
	int err;
};

static const struct version_case version_cases[] = {
	{ "as we chose", 0, V1, V1, V1, V1, V2, false, 0 },
	{ "missing", 0, V1, V1, 0, 0, 0, false, 0 },
	{ "missing, version 2", 0, V2, V2, 0, 0, 0, false, 0 },
	{ "says another", 0, V1, V1, V2, V1, V2, false, BAD },
	{ "says one that nobody knows", 0, V1, V1, OTHER, V1, V2, false, BAD },
	{ "does not list its choice", 0, V1, V1, V1, 0, 0, false, 0 },
	{ "upgraded", 0, V1, V2, V2, V1, V2, false, 0 },
	{ "upgraded, says it did not", 0, V1, V2, V1, V1, V2, false, BAD },
	{ "upgraded, missing", 0, V1, V2, 0, 0, 0, false, BAD },
	{ "refused, server of version 1", V2, V1, V1, 0, 0, 0, false, 0 },
	{ "refused, missing in version 2", V1, V2, V2, 0, 0, 0, false, BAD },
	{ "refused, and it has not got it", V2, V1, V1, V1, V1, 0, false, 0 },
	{ "refused, but it has got it", V2, V1, V1, V1, V1, V2, false, BAD },
	{ "refused, lists none", V2, V1, V1, V1, 0, 0, false, BAD },
	{ "refused, lists unknown ones", V2, V1, V1, V1, 0, 0, true, 0 },
	{ "refused, then taken", V2, V1, V2, V2, V1, V2, false, BAD },
};

static void version_to_desc(const struct version_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(version, version_cases, version_to_desc);

/* RFC 9368, 4 and 8 */
static void version_of_server(struct kunit *test)
{
	const struct version_case *c = test->param_value;
	struct quic_conn *conn = version_conn(test, false, c->original);
	struct quic_tparams tp;

	conn->version = c->version;
	conn->versions.refused = c->refused;
	version_offer(&tp, c->chosen, c->a, c->b);
	tp.version_info.nr_listed += c->unknown;
	KUNIT_EXPECT_EQ(test, quic_version_check(conn, &tp), c->err);
}

/**
 * struct version_choice - what a server makes of a client's offer
 * @name:   what it is
 * @prefer: option CONFIG
 * @first:  version of the client's Initial packets
 * @chosen: the client's Chosen Version, 0 if the parameter is missing
 * @a:	    its Available Versions, 0 for none
 * @b:	    another
 * @off:    the server was told not to negotiate
 * @use:    version in use afterwards, 0 for an error
 */
struct version_choice {
	const char *name;
	u32 prefer;
	u32 first;
	u32 chosen;
	u32 a;
	u32 b;
	bool off;
	u32 use;
};

static const struct version_choice version_choices[] = {
	{ "no preference", 0, V1, V1, V1, V2, false, V1 },
	{ "no preference, version 2", 0, V2, V2, V1, V2, false, V2 },
	{ "as preferred", V1, V1, V1, V1, V2, false, V1 },
	{ "upgrade", V2, V1, V1, V1, V2, false, V2 },
	{ "back to version 1", V1, V2, V2, V2, V1, false, V1 },
	{ "not offered", V2, V1, V1, V1, 0, false, V1 },
	{ "nothing offered", V2, V1, 0, 0, 0, false, V1 },
	{ "switched off", V2, V1, V1, V1, V2, true, V1 },
	{ "unknown one preferred", OTHER, V1, V1, V1, V2, false, V1 },
	{ "choice is not in use", 0, V1, V2, V1, V2, false, 0 },
	{ "choice is what is preferred", V2, V1, V2, V1, V2, false, 0 },
};

static void version_choice_to_desc(const struct version_choice *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(version_choice, version_choices, version_choice_to_desc);

static void version_of_client(struct kunit *test)
{
	const struct version_choice *c = test->param_value;
	struct quic_conn *conn = version_conn(test, true, c->first);
	struct quic_tparams tp;

	conn->settings.config.version = c->prefer;
	conn->local.disable_compatible_version = c->off;
	version_offer(&tp, c->chosen, c->a, c->b);
	KUNIT_ASSERT_EQ(test, quic_version_check(conn, &tp),
			c->use ? 0 : BAD);
	KUNIT_EXPECT_EQ(test, conn->version, c->use ?: c->first);
	KUNIT_EXPECT_EQ(test, conn->versions.original, c->first);
	/* After a HelloRetryRequest it says so again. */
	KUNIT_EXPECT_EQ(test, quic_version_check(conn, &tp),
			c->use ? 0 : BAD);
	KUNIT_EXPECT_EQ(test, conn->version, c->use ?: c->first);
}

/* Keys of the original version must not end up under the negotiated one. */
static void version_stays_when_there_are_keys(struct kunit *test)
{
	struct quic_conn *conn = version_conn(test, true, V1);
	static const u8 secret[QUIC_SECRET_MAX] = { 1 };
	struct quic_tparams tp;

	conn->settings.config.version = V2;
	KUNIT_ASSERT_EQ(test, 0, quic_keys_install(&conn->keys,
						   QUIC_CRYPTO_HANDSHAKE, true,
						   TLS_CIPHER_AES_GCM_128, V1,
						   secret, GFP_KERNEL));
	version_offer(&tp, V1, V1, V2);
	KUNIT_EXPECT_EQ(test, 0, quic_version_check(conn, &tp));
	KUNIT_EXPECT_EQ(test, conn->version, V1);
}

static bool version_expected(struct quic_conn *conn, enum quic_pkt_type type,
			     u32 version)
{
	const struct quic_header hdr = {
		.type = type, .long_form = true, .version = version,
	};

	return quic_version_expected(conn, &hdr);
}

/* Whether an Initial packet that the peer seals in a version can be opened. */
static bool version_opens(struct kunit *test, struct quic_conn *conn,
			  u32 version)
{
	struct quic_key *tx = kunit_kzalloc(test, sizeof(*tx), GFP_KERNEL);
	u8 pkt[64] = { 0xc0 };
	struct scatterlist sg;
	struct quic_open o = {
		.pkt		= pkt,
		.hdr_len	= 20,
		.len		= sizeof(pkt),
		.level		= QUIC_CRYPTO_INITIAL,
		.version	= version,
	};

	KUNIT_ASSERT_NOT_NULL(test, tx);
	quic_key_initial(tx, NULL, version, &version_odcid, !conn->is_server);
	sg_init_one(&sg, pkt + o.hdr_len, 28);
	quic_crypto_seal(tx, 0, &sg, pkt, o.hdr_len, 28);
	return !quic_keys_open(&conn->keys, &o);
}

/* RFC 9369, 4.1 */
static void version_server_takes_both(struct kunit *test)
{
	struct quic_conn *conn = version_conn(test, true, V1);
	struct quic_tparams tp;

	KUNIT_EXPECT_TRUE(test, version_expected(conn, QUIC_PKT_INITIAL, V1));
	KUNIT_EXPECT_FALSE(test, version_expected(conn, QUIC_PKT_INITIAL, V2));
	KUNIT_EXPECT_FALSE(test, version_expected(conn, QUIC_PKT_HANDSHAKE, V2));
	KUNIT_EXPECT_FALSE(test, version_opens(test, conn, V2));

	conn->settings.config.version = V2;
	version_offer(&tp, V1, V1, V2);
	KUNIT_ASSERT_EQ(test, 0, quic_version_check(conn, &tp));
	KUNIT_EXPECT_TRUE(test, version_expected(conn, QUIC_PKT_INITIAL, V1));
	KUNIT_EXPECT_TRUE(test, version_expected(conn, QUIC_PKT_INITIAL, V2));
	KUNIT_EXPECT_TRUE(test, version_opens(test, conn, V1));
	KUNIT_EXPECT_TRUE(test, version_opens(test, conn, V2));
	KUNIT_EXPECT_TRUE(test, version_expected(conn, QUIC_PKT_0RTT, V1));
	KUNIT_EXPECT_FALSE(test, version_expected(conn, QUIC_PKT_0RTT, V2));
	KUNIT_EXPECT_FALSE(test, version_expected(conn, QUIC_PKT_HANDSHAKE, V1));
	KUNIT_EXPECT_TRUE(test, version_expected(conn, QUIC_PKT_HANDSHAKE, V2));

	quic_keys_discard(&conn->keys, QUIC_CRYPTO_INITIAL);
	KUNIT_EXPECT_FALSE(test, version_opens(test, conn, V1));
}

static void version_client_follows(struct kunit *test)
{
	const struct quic_header hdr = {
		.type = QUIC_PKT_INITIAL, .long_form = true, .version = V2,
	};
	struct quic_conn *conn = version_conn(test, false, V1);

	/* An acknowledgment may come before the server knows our versions. */
	KUNIT_EXPECT_TRUE(test, version_opens(test, conn, V1));
	KUNIT_EXPECT_TRUE(test, version_expected(conn, QUIC_PKT_HANDSHAKE, V2));
	KUNIT_ASSERT_TRUE(test, version_expected(conn, QUIC_PKT_INITIAL, V2));
	KUNIT_ASSERT_TRUE(test, version_opens(test, conn, V2));
	KUNIT_EXPECT_EQ(test, conn->version, V1);

	KUNIT_ASSERT_EQ(test, 0, quic_version_on_packet(conn, &hdr));
	KUNIT_EXPECT_EQ(test, conn->version, V2);
	KUNIT_EXPECT_EQ(test, conn->versions.original, V1);
	KUNIT_EXPECT_EQ(test, quic_keys_tx(&conn->keys,
					   QUIC_CRYPTO_INITIAL)->version, V2);
	KUNIT_EXPECT_FALSE(test, version_expected(conn, QUIC_PKT_INITIAL, V1));
	KUNIT_EXPECT_FALSE(test, version_opens(test, conn, V1));
}

/* A server that sends CRYPTO frames has chosen. */
static void version_client_settles(struct kunit *test)
{
	struct quic_conn *conn = version_conn(test, false, V1);

	KUNIT_EXPECT_TRUE(test, version_expected(conn, QUIC_PKT_INITIAL, V2));
	quic_version_on_crypto(conn, QUIC_CRYPTO_INITIAL);
	KUNIT_EXPECT_FALSE(test, version_expected(conn, QUIC_PKT_INITIAL, V2));
	KUNIT_EXPECT_FALSE(test, version_expected(conn, QUIC_PKT_HANDSHAKE, V2));
	KUNIT_EXPECT_FALSE(test, version_opens(test, conn, V2));
}

static void version_client_was_told_not_to(struct kunit *test)
{
	struct quic_conn *conn = version_conn(test, false, V1);

	conn->local.disable_compatible_version = true;
	KUNIT_EXPECT_FALSE(test, version_expected(conn, QUIC_PKT_INITIAL, V2));
	KUNIT_EXPECT_FALSE(test, version_expected(conn, QUIC_PKT_HANDSHAKE, V2));
}

/* A Version Negotiation packet; returns whether the client begins anew. */
static bool version_negotiate(struct kunit *test, struct quic_conn *conn,
			      const u32 *versions, u32 nr)
{
	const struct quic_cid *dcid = quic_cid_first_local(conn);
	struct quic_header hdr;
	u8 pkt[64], *end;

	end = quic_header_put_version_neg(pkt, dcid->data, dcid->len,
					  version_odcid.data,
					  version_odcid.len, versions, nr, 0);
	KUNIT_ASSERT_EQ(test, 0, quic_header_parse(pkt, end - pkt,
						   QUIC_CID_LEN, &hdr));
	return quic_version_on_negotiation(conn, &hdr);
}

static void version_negotiated_once(struct kunit *test)
{
	static const u32 only_v2[] = { OTHER, V2 }, only_v1[] = { V1 };
	struct quic_conn *conn = version_conn(test, false, V1);

	KUNIT_ASSERT_TRUE(test, version_negotiate(test, conn, only_v2, 2));
	KUNIT_EXPECT_EQ(test, conn->version, V2);
	KUNIT_EXPECT_EQ(test, conn->versions.original, V2);
	KUNIT_EXPECT_EQ(test, conn->versions.refused, V1);
	KUNIT_EXPECT_TRUE(test, version_opens(test, conn, V2));

	/* RFC 9368, 4: not a second one. */
	KUNIT_EXPECT_FALSE(test, version_negotiate(test, conn, only_v1, 1));
	KUNIT_EXPECT_EQ(test, conn->version, V2);
}

static void version_negotiation_is_ignored(struct kunit *test)
{
	static const u32 with_ours[] = { V2, OTHER, V1 }, only_v2[] = { V2 };
	struct quic_conn *conn = version_conn(test, false, V1);

	KUNIT_EXPECT_FALSE(test, version_negotiate(test, conn, with_ours, 3));
	conn->hs.any_rcvd = true;
	KUNIT_EXPECT_FALSE(test, version_negotiate(test, conn, only_v2, 1));
	conn->hs.any_rcvd = false;
	conn->hs.retry_used = true;
	KUNIT_EXPECT_FALSE(test, version_negotiate(test, conn, only_v2, 1));
	conn->hs.retry_used = false;
	conn->is_server = true;
	KUNIT_EXPECT_FALSE(test, version_negotiate(test, conn, only_v2, 1));
	KUNIT_EXPECT_EQ(test, conn->version, V1);
	conn->is_server = false;
	KUNIT_EXPECT_TRUE(test, version_negotiate(test, conn, only_v2, 1));
}

static struct kunit_case version_test_cases[] = {
	KUNIT_CASE(version_fill),
	KUNIT_CASE_PARAM(version_of_server, version_gen_params),
	KUNIT_CASE_PARAM(version_of_client, version_choice_gen_params),
	KUNIT_CASE(version_stays_when_there_are_keys),
	KUNIT_CASE(version_server_takes_both),
	KUNIT_CASE(version_client_follows),
	KUNIT_CASE(version_client_settles),
	KUNIT_CASE(version_client_was_told_not_to),
	KUNIT_CASE(version_negotiated_once),
	KUNIT_CASE(version_negotiation_is_ignored),
	{}
};

static struct kunit_suite version_suite = {
	.name = "quic_version",
	.init = quic_test_conn_init,
	.exit = quic_test_conn_exit,
	.test_cases = version_test_cases,
};

kunit_test_suites(&version_suite);
