// SPDX-License-Identifier: GPL-2.0-only

#include <linux/tls.h>

#include "conn.h"
#include "../header.h"

#define BUILD_PACKETS	128	/* so many coins never fall on one side */

static int build_init(struct kunit *test)
{
	static const u8 secret[QUIC_SECRET_MAX] = { 1 };
	struct quic_conn *conn;
	int err;

	err = quic_test_conn_init(test);
	if (err)
		return err;
	conn = quic_test_conn(test);
	quic_version_begin(conn, QUIC_VERSION_V1);
	if (!quic_cid_add_local(conn))
		return -ENOMEM;
	err = quic_keys_initial(&conn->keys, QUIC_VERSION_V1,
				quic_cid_first_local(conn), false, GFP_KERNEL);
	if (err)
		return err;
	return quic_keys_install(&conn->keys, QUIC_CRYPTO_APP, true,
				 TLS_CIPHER_AES_GCM_128, QUIC_VERSION_V1,
				 secret, GFP_KERNEL);
}

/* How many packets of a type have the Fixed Bit. */
static u32 build_fixed(struct kunit *test, enum quic_pkt_type type)
{
	struct quic_pkt_builder *b = kunit_kzalloc(test, sizeof(*b),
						   GFP_KERNEL);
	u8 *buf = kunit_kmalloc(test, QUIC_TEST_PACKET, GFP_KERNEL);
	u32 i, fixed = 0;

	KUNIT_ASSERT_NOT_NULL(test, b);
	KUNIT_ASSERT_NOT_NULL(test, buf);
	for (i = 0; i < BUILD_PACKETS; i++) {
		KUNIT_ASSERT_EQ(test, 0, quic_pkt_begin(b, quic_test_conn(test),
							type, buf,
							QUIC_TEST_PACKET));
		KUNIT_EXPECT_EQ(test, !!(buf[0] & QUIC_HDR_LONG),
				type != QUIC_PKT_1RTT);
		fixed += !!(buf[0] & QUIC_HDR_FIXED);
		quic_pkt_abort(b);
	}
	return fixed;
}

/* RFC 9287, 3 */
static void build_greased(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	u32 fixed;

	conn->remote.grease_quic_bit = true;
	conn->hs.tparams_rcvd = true;
	fixed = build_fixed(test, QUIC_PKT_INITIAL);
	KUNIT_EXPECT_GT(test, fixed, 0);
	KUNIT_EXPECT_LT(test, fixed, BUILD_PACKETS);
	fixed = build_fixed(test, QUIC_PKT_1RTT);
	KUNIT_EXPECT_GT(test, fixed, 0);
	KUNIT_EXPECT_LT(test, fixed, BUILD_PACKETS);
}

/* RFC 9287, 3.1: what an earlier connection has said does not count. */
static void build_not_greased(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);

	conn->local.grease_quic_bit = true;
	conn->hs.tparams_rcvd = true;
	KUNIT_EXPECT_EQ(test, build_fixed(test, QUIC_PKT_1RTT), BUILD_PACKETS);
	conn->remote.grease_quic_bit = true;
	conn->hs.tparams_rcvd = false;
	KUNIT_EXPECT_EQ(test, build_fixed(test, QUIC_PKT_INITIAL),
			BUILD_PACKETS);
	KUNIT_EXPECT_EQ(test, build_fixed(test, QUIC_PKT_1RTT), BUILD_PACKETS);
}

static struct kunit_case build_test_cases[] = {
	KUNIT_CASE(build_greased),
	KUNIT_CASE(build_not_greased),
	{}
};

static struct kunit_suite build_suite = {
	.name = "quic_packet_build",
	.init = build_init,
	.exit = quic_test_conn_exit,
	.test_cases = build_test_cases,
};

kunit_test_suites(&build_suite);
