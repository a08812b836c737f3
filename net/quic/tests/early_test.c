// SPDX-License-Identifier: GPL-2.0-only

#include <linux/tls.h>

#include "conn.h"
#include "../early.h"
#include "../stream_input.h"
#include "../stream_output.h"
#include "../stream_send.h"

#define EE(...) { 8, 0, 0, 99, __VA_ARGS__ }

struct ee_case {
	const char *name;
	bool done;
	bool early_data;
	u8 data[24];
	u8 len;
};

static const struct ee_case ee_cases[] = {
	{ "no extension", true, false, EE(0, 0), 6 },
	{ "early_data alone", true, true, EE(0, 4, 0, 42, 0, 0), 10 },
	{ "early_data behind another", true, true,
	  EE(0, 10, 0, 16, 0, 2, 1, 2, 0, 42, 0, 0), 16 },
	{ "others only", true, false,
	  EE(0, 11, 0, 16, 0, 2, 0, 42, 0, 57, 0, 1, 42), 17 },
	{ "another message", true, false, { 11, 0, 0, 4, 0, 42, 0, 0 }, 8 },
	{ "extension longer than all", true, false,
	  EE(0, 8, 0, 16, 0, 5, 0, 42, 0, 0), 14 },
	{ "less than an extension", true, false, EE(0, 3, 0, 42, 0), 9 },
	{ "more to come", false, false, EE(0, 10, 0, 16, 0, 2, 1), 11 },
};

static void ee_to_desc(const struct ee_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(ee, ee_cases, ee_to_desc);

static void ee_at_once(struct kunit *test)
{
	const struct ee_case *c = test->param_value;
	struct quic_encrypted_ext ee;

	quic_encrypted_ext_init(&ee);
	KUNIT_EXPECT_EQ(test, quic_encrypted_ext_feed(&ee, c->data, c->len),
			c->done);
	KUNIT_EXPECT_EQ(test, ee.early_data, c->early_data);
}

static void ee_byte_by_byte(struct kunit *test)
{
	const struct ee_case *c = test->param_value;
	struct quic_encrypted_ext ee;
	bool done = false;
	u8 i;

	quic_encrypted_ext_init(&ee);
	for (i = 0; i < c->len; i++)
		done = quic_encrypted_ext_feed(&ee, &c->data[i], 1);
	KUNIT_EXPECT_EQ(test, done, c->done);
	KUNIT_EXPECT_EQ(test, ee.early_data, c->early_data);
}

/* A client whose handshake runs, with limits of an earlier connection. */
static void early_begin(struct kunit *test, u64 max_data, u16 streams)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_transport_param param = {
		.remote				= 1,
		.max_data			= max_data,
		.max_stream_data_bidi_local	= max_data,
		.max_stream_data_bidi_remote	= max_data,
		.max_stream_data_uni		= max_data,
		.max_streams_bidi		= streams,
		.max_streams_uni		= streams,
	};

	inet_sk_state_store(quic_conn_sk(conn), TCP_SYN_RECV);
	quic_streams_forget_remote(conn);
	quic_tparams_absent(&conn->remote);
	KUNIT_ASSERT_EQ(test, 0, quic_early_remember(conn, &param));
}

static void early_secret(struct kunit *test)
{
	const struct quic_crypto_secret secret = {
		.send	= 1,
		.level	= QUIC_CRYPTO_EARLY,
		.type	= TLS_CIPHER_AES_GCM_128,
	};
	struct quic_conn *conn = quic_test_conn(test);

	conn->version = QUIC_VERSION_V1;
	KUNIT_ASSERT_EQ(test, 0, quic_early_install(conn, &secret));
	KUNIT_ASSERT_NOT_NULL(test, quic_keys_tx(&conn->keys,
						 QUIC_CRYPTO_EARLY));
}

static struct quic_stream *early_write(struct kunit *test, u64 id, u32 len)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_stream *stream;
	struct iov_iter iter;
	struct kvec kvec;

	stream = quic_stream_create(conn, id, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(stream));
	quic_test_iter(test, &iter, &kvec, 0, len);
	KUNIT_ASSERT_EQ(test, len, quic_stream_send_append(conn, stream, &iter,
							   len, false));
	return stream;
}

/* The server's answer, with or without early_data. */
static void early_answer(struct kunit *test, bool accepted)
{
	static const u8 yes[] = EE(0, 4, 0, 42, 0, 0), no[] = EE(0, 0);
	struct quic_conn *conn = quic_test_conn(test);

	if (accepted)
		quic_early_feed(conn, yes, sizeof(yes));
	else
		quic_early_feed(conn, no, sizeof(no));
	KUNIT_ASSERT_TRUE(test, conn->early.answered);
}

/* The server's parameters of this connection. */
static int early_params(struct kunit *test, u64 max_data, u64 streams)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_tparams tp;
	int err;

	quic_tparams_absent(&tp);
	tp.initial_max_data = max_data;
	tp.initial_max_stream_data_bidi_local = max_data;
	tp.initial_max_stream_data_bidi_remote = max_data;
	tp.initial_max_stream_data_uni = max_data;
	tp.initial_max_streams_bidi = streams;
	tp.initial_max_streams_uni = streams;
	err = quic_early_set_remote(conn, &tp);
	if (err)
		return err;
	conn->remote = tp;
	quic_streams_apply_remote(conn);
	return 0;
}

static void early_accepted_higher(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);

	early_begin(test, 1000, 3);
	early_secret(test);
	early_write(test, 0, 500);
	early_answer(test, true);
	KUNIT_EXPECT_EQ(test, 0, early_params(test, 2000, 5));
	KUNIT_EXPECT_EQ(test, quic_flow_tx_credit(&conn->flow.tx), 1500);
	KUNIT_EXPECT_EQ(test, conn->streams.ids[0].next, 1);
	KUNIT_EXPECT_EQ(test, conn->streams.ids[0].max, 5);
	/* RFC 9000, 7.4.1: no 0-RTT by the new limits. */
	KUNIT_EXPECT_NULL(test, quic_keys_tx(&conn->keys, QUIC_CRYPTO_EARLY));
}

static void early_accepted_lower(struct kunit *test)
{
	early_begin(test, 1000, 3);
	early_secret(test);
	early_answer(test, true);
	KUNIT_EXPECT_EQ(test, QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION,
			early_params(test, 999, 3));
}

static void early_accepted_fewer_streams(struct kunit *test)
{
	early_begin(test, 1000, 3);
	early_secret(test);
	early_answer(test, true);
	KUNIT_EXPECT_EQ(test, QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION,
			early_params(test, 1000, 2));
}

/* What a rejected packet carried is fresh again, with its FIN. */
static void early_rejected_rewinds(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_test_pkt *pkt;
	struct quic_stream *stream;
	struct quic_frame frame;

	early_begin(test, 1000, 3);
	early_secret(test);
	stream = early_write(test, 0, 300);
	quic_stream_send_fin(conn, stream);
	pkt = quic_test_send(test);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_EXPECT_EQ(test, conn->flow.tx_sent, 300);
	early_answer(test, false);
	quic_sent_pkt_free(pkt->b.sent);
	KUNIT_EXPECT_EQ(test, conn->flow.tx_sent, 0);
	KUNIT_EXPECT_NULL(test, quic_keys_tx(&conn->keys, QUIC_CRYPTO_EARLY));

	quic_test_send_one(test, true, &frame);
	KUNIT_EXPECT_EQ(test, frame.stream.offset, 0);
	KUNIT_EXPECT_EQ(test, frame.stream.len, 300);
	KUNIT_EXPECT_TRUE(test, frame.stream.fin);
	KUNIT_EXPECT_TRUE(test, quic_test_matches(frame.stream.data, 0, 300));
}

/* RFC 9000, 7.4.1: a server that rejects may set lower limits; what is queued
 * waits for credit, of the stream, of the connection, and for its stream.
 */
static void early_rejected_lower(struct kunit *test)
{
	struct quic_frame_max_data max_data = { .max_data = 700 };
	struct quic_frame_max_stream_data max_stream_data = {
		.stream_id = 0, .max_stream_data = 600,
	};
	struct quic_frame_max_streams max_streams = { .max_streams = 2 };
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_frame frame;

	conn->settings.config.stream_data_nodelay = 1;
	early_begin(test, 1000, 2);
	early_secret(test);
	early_write(test, 0, 600);
	early_write(test, 4, 100);
	early_answer(test, false);
	KUNIT_ASSERT_EQ(test, 0, early_params(test, 400, 1));

	quic_test_send_one(test, true, &frame);
	KUNIT_EXPECT_EQ(test, frame.stream.stream_id, 0);
	KUNIT_EXPECT_EQ(test, frame.stream.len, 400);
	KUNIT_EXPECT_FALSE(test, quic_streams_pending(conn));

	quic_streams_recv_max_data(conn, &max_data);
	KUNIT_EXPECT_FALSE(test, quic_streams_pending(conn));
	quic_streams_recv_max_stream_data(conn, &max_stream_data);
	quic_test_send_one(test, true, &frame);
	KUNIT_EXPECT_EQ(test, frame.stream.offset, 400);
	KUNIT_EXPECT_EQ(test, frame.stream.len, 200);
	KUNIT_EXPECT_FALSE(test, quic_streams_pending(conn));

	quic_streams_recv_max_streams(conn, &max_streams);
	quic_test_send_one(test, true, &frame);
	KUNIT_EXPECT_EQ(test, frame.stream.stream_id, 4);
	KUNIT_EXPECT_EQ(test, frame.stream.len, 100);
}

/* No secret came: nothing was sent, nothing can have been violated. */
static void early_never_offered(struct kunit *test)
{
	struct quic_frame frame;

	early_begin(test, 1000, 3);
	early_write(test, 0, 200);
	KUNIT_ASSERT_EQ(test, 0, early_params(test, 150, 3));
	quic_test_send_one(test, true, &frame);
	KUNIT_EXPECT_EQ(test, frame.stream.len, 150);
}

/* RFC 9000, 7.4.1 names what is not to be remembered. */
static void early_delays_are_not_remembered(struct kunit *test)
{
	struct quic_transport_param param = {
		.remote = 1, .max_ack_delay = 100000, .max_data = 5000,
	};
	struct quic_conn *conn = quic_test_conn(test);

	inet_sk_state_store(quic_conn_sk(conn), TCP_SYN_RECV);
	conn->rec.max_ack_delay_us = 0;
	KUNIT_ASSERT_EQ(test, 0, quic_early_remember(conn, &param));
	KUNIT_EXPECT_EQ(test, conn->rec.max_ack_delay_us, 0);
	conn->hs.tparams_rcvd = true;
	KUNIT_EXPECT_EQ(test, -EINVAL, quic_early_remember(conn, &param));
}

/* The direction that has no use is accepted, and does nothing. */
static void early_other_direction(struct kunit *test)
{
	struct quic_crypto_secret secret = {
		.level	= QUIC_CRYPTO_EARLY,
		.type	= TLS_CIPHER_AES_GCM_128,
	};
	struct quic_conn *conn = quic_test_conn(test);

	KUNIT_EXPECT_EQ(test, 0, quic_early_install(conn, &secret));
	KUNIT_EXPECT_NULL(test, quic_keys_rx(&conn->keys, QUIC_CRYPTO_EARLY));
	secret.type = 50;
	KUNIT_EXPECT_EQ(test, -EINVAL, quic_early_install(conn, &secret));
}

static struct kunit_case ee_test_cases[] = {
	KUNIT_CASE_PARAM(ee_at_once, ee_gen_params),
	KUNIT_CASE_PARAM(ee_byte_by_byte, ee_gen_params),
	{}
};

static struct kunit_suite ee_suite = {
	.name = "quic_encrypted_ext",
	.test_cases = ee_test_cases,
};

static struct kunit_case early_test_cases[] = {
	KUNIT_CASE(early_accepted_higher),
	KUNIT_CASE(early_accepted_lower),
	KUNIT_CASE(early_accepted_fewer_streams),
	KUNIT_CASE(early_rejected_rewinds),
	KUNIT_CASE(early_rejected_lower),
	KUNIT_CASE(early_never_offered),
	KUNIT_CASE(early_delays_are_not_remembered),
	KUNIT_CASE(early_other_direction),
	{}
};

static struct kunit_suite early_suite = {
	.name = "quic_early",
	.init = quic_test_conn_init,
	.exit = quic_test_conn_exit,
	.test_cases = early_test_cases,
};

kunit_test_suites(&ee_suite, &early_suite);
