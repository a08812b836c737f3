// SPDX-License-Identifier: GPL-2.0-only
/* What is known of a path when a connection leaves it, comes back, or only sees
 * another port (RFC 9000, 9.4).
 */

#include <linux/inet.h>

#include "conn.h"
#include "../addr.h"
#include "../endpoint.h"
#include "../input.h"
#include "../migrate.h"

#define MIGRATE_RTT_US	40000
#define MIGRATE_CWND	54321
#define MIGRATE_FLIGHT	5000

static union quic_addr migrate_addr(const char *ip, u16 port)
{
	union quic_addr addr = {};

	addr.v4.sin_family = AF_INET;
	addr.v4.sin_addr.s_addr = in_aton(ip);
	addr.v4.sin_port = htons(port);
	return addr;
}

/* A server's connection that knows its path well. */
static int migrate_test_init(struct kunit *test)
{
	union quic_addr local = migrate_addr("127.0.0.1", 0);
	union quic_addr peer = migrate_addr("192.0.2.1", 4433);
	struct quic_recovery_params params;
	struct quic_endpoint *ep;
	struct quic_conn *conn;
	int err;

	err = quic_test_conn_init(test);
	if (err)
		return err;
	conn = quic_test_conn(test);
	ep = quic_endpoint_bind(&init_net, &local, 0, false);
	KUNIT_ASSERT_FALSE(test, IS_ERR(ep));
	conn->is_server = true;
	conn->hs.confirmed = true;
	quic_path_init(&conn->path, ep, &local, &peer);
	conn->path.validated = true;
	quic_conn_recovery_params(conn, &params);
	quic_recovery_init(&conn->rec, &params, 0);
	quic_rtt_update(&conn->rec.rtt, MIGRATE_RTT_US, 0, 0);
	conn->rec.cc.cwnd = MIGRATE_CWND;
	conn->rec.cc.bytes_in_flight = MIGRATE_FLIGHT;
	return 0;
}

/* Its newest packet comes from there. */
static void migrate_from(struct kunit *test, const char *ip, u16 port)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_rx_pkt rx = {
		.type = QUIC_PKT_1RTT,
		.level = QUIC_CRYPTO_APP,
		.space = QUIC_SPACE_APP,
		.non_probing = true,
		.local = conn->path.local,
		.peer = migrate_addr(ip, port),
		.dcid = { .len = QUIC_CID_LEN },
		.skb = quic_test_datagram(test, QUIC_TEST_PACKET),
	};

	quic_migrate_on_packet(conn, &rx, true);
	kfree_skb(rx.skb);
	KUNIT_ASSERT_TRUE(test, quic_addr_equal(&conn->path.peer, &rx.peer));
}

static bool migrate_knows_path(const struct quic_conn *conn)
{
	return conn->rec.rtt.has_sample &&
	       conn->rec.rtt.smoothed_us == MIGRATE_RTT_US &&
	       conn->rec.cc.cwnd == MIGRATE_CWND;
}

static void a_new_port_is_the_same_path(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	u32 gen = conn->rec.path_gen;

	migrate_from(test, "192.0.2.1", 4434);
	KUNIT_EXPECT_TRUE(test, migrate_knows_path(conn));
	KUNIT_EXPECT_EQ(test, conn->rec.cc.bytes_in_flight, MIGRATE_FLIGHT);
	KUNIT_EXPECT_EQ(test, conn->rec.path_gen, gen);
	KUNIT_EXPECT_NULL(test, conn->left_rec);
}

static void another_host_is_unknown(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	u32 gen = conn->rec.path_gen;

	migrate_from(test, "192.0.2.2", 4433);
	KUNIT_EXPECT_FALSE(test, conn->rec.rtt.has_sample);
	KUNIT_EXPECT_LT(test, conn->rec.cc.cwnd, MIGRATE_CWND);
	KUNIT_EXPECT_EQ(test, conn->rec.cc.bytes_in_flight, 0);
	KUNIT_EXPECT_NE(test, conn->rec.path_gen, gen);
	KUNIT_EXPECT_NOT_NULL(test, conn->left_rec);
}

/* It was a copy that overtook the original, say: the next packet comes from where
 * the peer is. What is on the way counts as another path's.
 */
static void coming_back_brings_it_back(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	u32 gen;

	migrate_from(test, "192.0.2.2", 4433);
	conn->rec.pto_count = 3;
	gen = conn->rec.path_gen;
	migrate_from(test, "192.0.2.1", 4433);
	KUNIT_EXPECT_TRUE(test, migrate_knows_path(conn));
	KUNIT_EXPECT_EQ(test, conn->rec.cc.bytes_in_flight, 0);
	KUNIT_EXPECT_NE(test, conn->rec.path_gen, gen);
	KUNIT_EXPECT_EQ(test, conn->rec.pto_count, 0);
	KUNIT_EXPECT_NULL(test, conn->left_rec);
}

/* RFC 9000, 9.3.2: nobody answers at the new address. */
static void falling_back_brings_it_back(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	union quic_addr was = conn->path.peer;

	migrate_from(test, "192.0.2.2", 4433);
	quic_migrate_timeout(conn, conn->path.check.end);
	KUNIT_ASSERT_TRUE(test, quic_addr_equal(&conn->path.peer, &was));
	KUNIT_EXPECT_TRUE(test, migrate_knows_path(conn));
	KUNIT_EXPECT_EQ(test, conn->rec.cc.bytes_in_flight, 0);
	KUNIT_EXPECT_NULL(test, conn->left_rec);
}

/* Without memory for what was known, a path begins anew. */
static void nothing_kept_is_nothing_known(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);

	migrate_from(test, "192.0.2.2", 4433);
	kfree(conn->left_rec);
	conn->left_rec = NULL;
	migrate_from(test, "192.0.2.1", 4433);
	KUNIT_EXPECT_FALSE(test, conn->rec.rtt.has_sample);
	KUNIT_EXPECT_LT(test, conn->rec.cc.cwnd, MIGRATE_CWND);
}

static struct kunit_case quic_migrate_cases[] = {
	KUNIT_CASE(a_new_port_is_the_same_path),
	KUNIT_CASE(another_host_is_unknown),
	KUNIT_CASE(coming_back_brings_it_back),
	KUNIT_CASE(falling_back_brings_it_back),
	KUNIT_CASE(nothing_kept_is_nothing_known),
	{}
};

static struct kunit_suite quic_migrate_suite = {
	.name		= "quic_migrate",
	.init		= migrate_test_init,
	.exit		= quic_test_conn_exit,
	.test_cases	= quic_migrate_cases,
};

kunit_test_suite(quic_migrate_suite);
