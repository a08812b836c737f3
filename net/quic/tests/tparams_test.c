// SPDX-License-Identifier: GPL-2.0-only

#include <kunit/test.h>
#include "../header.h"
#include "../tparams.h"
#include "../varint.h"
#include "hex.h"

#define BAD	QUIC_TRANSPORT_ERROR_TRANSPORT_PARAM

/* What a client cannot do without, and what a server cannot. */
#define CLIENT	"0f 02 aabb "
#define SERVER	CLIENT "00 04 01020304 "

#define TOKEN16	"00112233445566778899aabbccddeeff"
#define V4	"c0000201 01bb "
#define V6	"20010db8000000000000000000000001 01bb "

#define RESET_TOKEN	"02 10" TOKEN16
#define PREFERRED	"0d 2a" V4 V6 "01 aa" TOKEN16
/* A port without an address, which counts as none. */
#define ONLY_V6		"0d 2a 00000000 01bb" V6 "01 aa" TOKEN16

/* An extension body from its parameters. */
static u8 *tparams_body(struct kunit *test, const char * const *parts, u32 nr,
			u32 *len)
{
	u8 body[QUIC_TPARAMS_MAX_LEN], *part;
	u32 i, part_len;

	*len = 0;
	for (i = 0; i < nr; i++) {
		part = quic_hex(test, parts[i], &part_len);
		KUNIT_ASSERT_LE(test, *len + part_len, sizeof(body));
		memcpy(body + *len, part, part_len);
		*len += part_len;
	}
	return quic_test_copy(test, body, *len);
}

static int tparams_decode_hex(struct kunit *test, struct quic_tparams *tp,
			      bool sender_is_server, const char *hex)
{
	u8 *data;
	u32 len;

	data = quic_hex(test, hex, &len);
	return quic_tparams_decode(tp, sender_is_server, data, len);
}

/**
 * struct tparams_case - an extension body and what becomes of it
 * @name:   what it is
 * @hex:    the body
 * @server: a server has sent it
 * @err:    expected result
 */
struct tparams_case {
	const char *name;
	const char *hex;
	bool server;
	int err;
};

static const struct tparams_case tparams_rules[] = {
	/* RFC 9000, 7.3 and 18.2 */
	{ "client's least", CLIENT, false, 0 },
	{ "server's least", SERVER, true, 0 },
	{ "nothing", "", false, BAD },
	{ "client without initial_scid", "04 01 00", false, BAD },
	{ "server without initial_scid", "00 04 01020304", true, BAD },
	{ "server without original_dcid", CLIENT, true, BAD },
	{ "client with original_dcid", SERVER, false, BAD },
	{ "client with reset token", CLIENT RESET_TOKEN, false, BAD },
	{ "client with preferred_address", CLIENT PREFERRED, false, BAD },
	{ "client with retry_scid", CLIENT "10 01 aa", false, BAD },
	{ "server with all four", SERVER RESET_TOKEN PREFERRED "10 01 aa",
	  true, 0 },
	/* Lengths of connection IDs and tokens */
	{ "empty initial_scid", "0f 00", false, 0 },
	{ "initial_scid of 20",
	  "0f 14 0102030405060708090a0b0c0d0e0f1011121314", false, 0 },
	{ "initial_scid of 21",
	  "0f 15 0102030405060708090a0b0c0d0e0f101112131415", false, BAD },
	{ "reset token of 15", SERVER "02 0f 00112233445566778899aabbccddee",
	  true, BAD },
	{ "reset token of 17", SERVER "02 11" TOKEN16 "00", true, BAD },
	{ "preferred_address without ID",
	  SERVER "0d 29" V4 V6 "00" TOKEN16, true, BAD },
	{ "preferred_address, ID of 20", SERVER "0d 3d" V4 V6
	  "14 0102030405060708090a0b0c0d0e0f1011121314" TOKEN16, true, 0 },
	{ "preferred_address, ID of 21", SERVER "0d 3e" V4 V6
	  "15 0102030405060708090a0b0c0d0e0f101112131415" TOKEN16, true, BAD },
	{ "preferred_address, one byte more",
	  SERVER "0d 2b" V4 V6 "01 aa" TOKEN16 "00", true, BAD },
	{ "preferred_address, one byte less",
	  SERVER "0d 29" V4 V6 "01" TOKEN16, true, BAD },
	{ "preferred_address of an empty initial_scid",
	  "0f 00 00 00" PREFERRED, true, BAD },
	/* Values */
	{ "idle timeout none", CLIENT "01 01 00", false, 0 },
	{ "idle timeout 999 ms", CLIENT "01 02 43e7", false, BAD },
	{ "idle timeout 1000 ms", CLIENT "01 02 43e8", false, 0 },
	{ "UDP payload 1199", CLIENT "03 02 44af", false, BAD },
	{ "UDP payload 1200", CLIENT "03 02 44b0", false, 0 },
	{ "UDP payload 0", CLIENT "03 01 00", false, BAD },
	{ "streams 2^60", CLIENT "08 08 d000000000000000", false, 0 },
	{ "streams 2^60 + 1", CLIENT "08 08 d000000000000001", false, BAD },
	{ "uni streams 2^60", CLIENT "09 08 d000000000000000", false, 0 },
	{ "uni streams 2^60 + 1", CLIENT "09 08 d000000000000001", false, BAD },
	{ "ack_delay_exponent 20", CLIENT "0a 01 14", false, 0 },
	{ "ack_delay_exponent 21", CLIENT "0a 01 15", false, BAD },
	{ "max_ack_delay 16383 ms", CLIENT "0b 02 7fff", false, 0 },
	{ "max_ack_delay 16384 ms", CLIENT "0b 04 80004000", false, BAD },
	{ "active_connection_id_limit 0", CLIENT "0e 01 00", false, BAD },
	{ "active_connection_id_limit 1", CLIENT "0e 01 01", false, BAD },
	{ "active_connection_id_limit 2", CLIENT "0e 01 02", false, 0 },
	{ "active_connection_id_limit 2^62 - 1",
	  CLIENT "0e 08 ffffffffffffffff", false, 0 },
	/* Form */
	{ "integer shorter than its field", CLIENT "04 02 05 00", false, BAD },
	{ "integer longer than its field", CLIENT "04 01 4005", false, BAD },
	{ "integer in no byte", CLIENT "04 00", false, BAD },
	{ "flag with a value", CLIENT "0c 01 00", false, BAD },
	{ "grease_quic_bit with a value", CLIENT "6ab2 01 00", false, BAD },
	{ "half an id", CLIENT "40", false, BAD },
	{ "id without length", CLIENT "0c", false, BAD },
	{ "half a length", CLIENT "0c 40", false, BAD },
	{ "value cut off", CLIENT "04 02 05", false, BAD },
	{ "unknown, value cut off", CLIENT "3f 02 05", false, BAD },
	{ "unknown of 2^62 - 1 bytes", CLIENT "3f ffffffffffffffff 05", false,
	  BAD },
	{ "unknown twice", CLIENT "3f 01 05 3f 01 05", false, 0 },
	{ "unknown, id of eight bytes", CLIENT "ffffffffffffffff 00", false, 0 },
	{ "id one lap above a known one", CLIENT "80010004 01 05 04 01 05",
	  false, 0 },
	{ "known id in eight bytes, twice",
	  CLIENT "c000000000000004 01 05 04 01 05", false, BAD },
	/* RFC 9368, 4 */
	{ "version of 3 bytes", CLIENT "11 03 000000", false, BAD },
	{ "version and a half", CLIENT "11 06 00000001 0000", false, BAD },
	{ "no version", CLIENT "11 00", false, BAD },
	{ "chosen version 0", CLIENT "11 08 00000000 00000001", false, BAD },
	{ "available version 0",
	  CLIENT "11 0c 00000001 00000001 00000000", false, BAD },
	{ "client's chosen version not available",
	  CLIENT "11 08 00000001 6b3343cf", false, BAD },
	{ "client's chosen version alone", CLIENT "11 04 00000001", false, BAD },
	{ "client's unknown chosen version",
	  CLIENT "11 08 1a2a3a4a 1a2a3a4a", false, 0 },
	{ "server's chosen version alone", SERVER "11 04 00000001", true, 0 },
};

KUNIT_ARRAY_PARAM_DESC(tparams_rule, tparams_rules, name);

static void tparams_rule(struct kunit *test)
{
	const struct tparams_case *c = test->param_value;
	struct quic_tparams tp;

	KUNIT_EXPECT_EQ(test, tparams_decode_hex(test, &tp, c->server, c->hex),
			c->err);
}

/* All that a server may send, each once. */
static const char * const tparams_each[] = {
	"00 04 01020304", "01 04 80007530", RESET_TOKEN, "03 02 45dc",
	"04 01 05", "05 01 05", "06 01 05", "07 01 05", "08 01 05", "09 01 05",
	"0a 01 05", "0b 01 05", "0c 00", PREFERRED,
	"0e 01 05", "0f 02 aabb", "10 01 aa", "11 04 00000001", "20 02 45dc",
	"6ab2 00", "8000baad 00",
};

/* RFC 9000, 7.4: no parameter may come twice. */
static void tparams_duplicates(struct kunit *test)
{
	const char *parts[ARRAY_SIZE(tparams_each) + 1];
	struct quic_tparams tp;
	u32 i, len, nr = ARRAY_SIZE(tparams_each);
	u8 *body;

	memcpy(parts, tparams_each, sizeof(tparams_each));
	body = tparams_body(test, parts, nr, &len);
	KUNIT_EXPECT_EQ(test, quic_tparams_decode(&tp, true, body, len), 0);
	for (i = 0; i < nr; i++) {
		parts[nr] = tparams_each[i];
		body = tparams_body(test, parts, nr + 1, &len);
		KUNIT_EXPECT_EQ_MSG(test, quic_tparams_decode(&tp, true, body,
							      len),
				    BAD, "%s", parts[nr]);
	}
}

/* Wherever the last parameter is cut, that is noticed, and nothing is read
 * behind the cut.
 */
static void tparams_truncated(struct kunit *test)
{
	u32 i, len, cut, server_len;
	struct quic_tparams tp;
	u8 *server, *one, *part;
	u8 body[128];

	server = quic_hex(test, SERVER, &server_len);
	memcpy(body, server, server_len);
	for (i = 0; i < ARRAY_SIZE(tparams_each); i++) {
		one = quic_hex(test, tparams_each[i], &len);
		if (*one == *server || *one == server[server_len - 6])
			continue;	/* these two are there already */
		memcpy(body + server_len, one, len);
		for (cut = 0; cut <= len; cut++) {
			part = quic_test_copy(test, body, server_len + cut);
			KUNIT_EXPECT_EQ_MSG(test,
					    quic_tparams_decode(&tp, true, part,
								server_len + cut),
					    cut && cut < len ? BAD : 0,
					    "%s cut to %u", tparams_each[i], cut);
			kunit_kfree(test, part);
		}
	}
}

/* Each value where it belongs. */
static const char * const tparams_distinct[] = {
	SERVER, "01 04 80007530", RESET_TOKEN, "03 02 45dc", "04 01 06",
	"05 01 07", "06 01 08", "07 01 09", "08 01 0a", "09 01 0b", "0a 01 0c",
	"0b 01 0d", "0c 00", PREFERRED, "0e 01 05", "10 01 ee", "20 01 3f",
	"6ab2 00", "8000baad 00",
};

static void tparams_values(struct kunit *test)
{
	struct quic_tparams tp;
	u8 *body;
	u32 len;

	body = tparams_body(test, tparams_distinct,
			    ARRAY_SIZE(tparams_distinct), &len);
	KUNIT_ASSERT_EQ(test, quic_tparams_decode(&tp, true, body, len), 0);
	KUNIT_EXPECT_EQ(test, tp.max_idle_timeout_us, 30000000);
	KUNIT_EXPECT_EQ(test, tp.max_udp_payload_size, 1500);
	KUNIT_EXPECT_EQ(test, tp.initial_max_data, 6);
	KUNIT_EXPECT_EQ(test, tp.initial_max_stream_data_bidi_local, 7);
	KUNIT_EXPECT_EQ(test, tp.initial_max_stream_data_bidi_remote, 8);
	KUNIT_EXPECT_EQ(test, tp.initial_max_stream_data_uni, 9);
	KUNIT_EXPECT_EQ(test, tp.initial_max_streams_bidi, 10);
	KUNIT_EXPECT_EQ(test, tp.initial_max_streams_uni, 11);
	KUNIT_EXPECT_EQ(test, tp.ack_delay_exponent, 12);
	KUNIT_EXPECT_EQ(test, tp.max_ack_delay_us, 13000);
	KUNIT_EXPECT_EQ(test, tp.active_connection_id_limit, 5);
	KUNIT_EXPECT_EQ(test, tp.max_datagram_frame_size, 63);
	KUNIT_EXPECT_TRUE(test, tp.disable_active_migration);
	KUNIT_EXPECT_TRUE(test, tp.grease_quic_bit);
	KUNIT_EXPECT_TRUE(test, tp.disable_1rtt_encryption);
	KUNIT_EXPECT_TRUE(test, tp.disable_compatible_version);
	KUNIT_EXPECT_TRUE(test, tp.stateless_reset);
	KUNIT_EXPECT_EQ(test, tp.stateless_reset_token[15], 0xff);
	KUNIT_EXPECT_EQ(test, tp.original_dcid.len, 4);
	KUNIT_EXPECT_EQ(test, tp.original_dcid.data[3], 4);
	KUNIT_EXPECT_EQ(test, tp.initial_scid.len, 2);
	KUNIT_EXPECT_TRUE(test, tp.has_retry_scid);
	KUNIT_EXPECT_EQ(test, tp.retry_scid.data[0], 0xee);
}

static void tparams_preferred(struct kunit *test)
{
	struct quic_preferred_addr *addr;
	struct quic_tparams tp;

	addr = &tp.preferred_addr;
	KUNIT_ASSERT_EQ(test, tparams_decode_hex(test, &tp, true,
						 SERVER PREFERRED), 0);
	KUNIT_EXPECT_TRUE(test, tp.has_preferred_addr);
	KUNIT_EXPECT_EQ(test, ntohs(addr->v4.sin_port), 443);
	KUNIT_EXPECT_EQ(test, ntohl(addr->v4.sin_addr.s_addr), 0xc0000201);
	KUNIT_EXPECT_EQ(test, ntohs(addr->v6.sin6_port), 443);
	KUNIT_EXPECT_EQ(test, addr->v6.sin6_addr.s6_addr[0], 0x20);
	KUNIT_EXPECT_EQ(test, addr->v6.sin6_addr.s6_addr[15], 1);
	KUNIT_EXPECT_EQ(test, addr->cid.len, 1);
	KUNIT_EXPECT_EQ(test, addr->cid.data[0], 0xaa);
	KUNIT_EXPECT_EQ(test, addr->reset_token[0], 0x00);
	KUNIT_EXPECT_EQ(test, addr->reset_token[15], 0xff);

	KUNIT_ASSERT_EQ(test, tparams_decode_hex(test, &tp, true, SERVER ONLY_V6),
			0);
	KUNIT_EXPECT_EQ(test, ntohs(addr->v4.sin_port), 0);
	KUNIT_EXPECT_EQ(test, ntohs(addr->v6.sin6_port), 443);
}

/* RFC 9000, 18.2: what holds without a word from the peer. */
static void tparams_absent(struct kunit *test)
{
	struct quic_tparams tp;

	KUNIT_ASSERT_EQ(test, tparams_decode_hex(test, &tp, false, CLIENT), 0);
	KUNIT_EXPECT_EQ(test, tp.max_idle_timeout_us, 0);
	KUNIT_EXPECT_EQ(test, tp.max_udp_payload_size, 65527);
	KUNIT_EXPECT_EQ(test, tp.initial_max_data, 0);
	KUNIT_EXPECT_EQ(test, tp.initial_max_streams_bidi, 0);
	KUNIT_EXPECT_EQ(test, tp.ack_delay_exponent, 3);
	KUNIT_EXPECT_EQ(test, tp.max_ack_delay_us, 25000);
	KUNIT_EXPECT_EQ(test, tp.active_connection_id_limit, 2);
	KUNIT_EXPECT_EQ(test, tp.max_datagram_frame_size, 0);
	KUNIT_EXPECT_FALSE(test, tp.disable_active_migration);
	KUNIT_EXPECT_FALSE(test, tp.grease_quic_bit);
	KUNIT_EXPECT_FALSE(test, tp.stateless_reset);
	KUNIT_EXPECT_FALSE(test, tp.has_preferred_addr);
	KUNIT_EXPECT_EQ(test, tp.version_info.chosen, 0);
}

/**
 * struct tparams_clamp - a value that we make no use of, yet must not refuse
 * @hex:    the parameter
 * @offset: its field
 * @val:    what it is lowered to
 */
struct tparams_clamp {
	const char *hex;
	u32 offset;
	u64 val;
};

#define CLAMP(hex, field, val)	{ hex, offsetof(struct quic_tparams, field), val }

static const struct tparams_clamp tparams_clamps[] = {
	CLAMP(CLIENT "01 08 ffffffffffffffff", max_idle_timeout_us, 4294967000),
	CLAMP(CLIENT "03 04 8000fff6", max_udp_payload_size, 65526),
	CLAMP(CLIENT "03 04 8000fff7", max_udp_payload_size, 65527),
	CLAMP(CLIENT "03 04 8000fff8", max_udp_payload_size, 65527),
	CLAMP(CLIENT "08 04 80000fff", initial_max_streams_bidi, 4095),
	CLAMP(CLIENT "08 04 80001000", initial_max_streams_bidi, 4096),
	CLAMP(CLIENT "08 04 80001001", initial_max_streams_bidi, 4096),
	CLAMP(CLIENT "09 04 80001001", initial_max_streams_uni, 4096),
	CLAMP(CLIENT "09 08 d000000000000000", initial_max_streams_uni, 4096),
	CLAMP(CLIENT "0e 01 07", active_connection_id_limit, 7),
	CLAMP(CLIENT "0e 01 08", active_connection_id_limit, 8),
	CLAMP(CLIENT "0e 01 09", active_connection_id_limit, 8),
	CLAMP(CLIENT "20 01 01", max_datagram_frame_size, 1),
	CLAMP(CLIENT "20 04 8000ffff", max_datagram_frame_size, 65535),
	CLAMP(CLIENT "20 04 80010000", max_datagram_frame_size, 65535),
	CLAMP(CLIENT "04 08 ffffffffffffffff", initial_max_data,
	      QUIC_VARINT_MAX),
};

KUNIT_ARRAY_PARAM_DESC(tparams_clamp, tparams_clamps, hex);

static void tparams_clamped(struct kunit *test)
{
	const struct tparams_clamp *c = test->param_value;
	struct quic_tparams tp;

	KUNIT_ASSERT_EQ(test, tparams_decode_hex(test, &tp, false, c->hex), 0);
	KUNIT_EXPECT_EQ(test, *(u64 *)((u8 *)&tp + c->offset), c->val);
}

/* RFC 9368: of many versions those are kept that we know, in their order. */
static const char * const tparams_many_versions[] = {
	CLIENT, "11 1c 00000001",
	"1a2a3a4a 6b3343cf 6b3343cf ff00001d 00000001 6b3343cf",
};

static void tparams_versions(struct kunit *test)
{
	struct quic_tparams tp;
	u8 *body;
	u32 len;

	body = tparams_body(test, tparams_many_versions,
			    ARRAY_SIZE(tparams_many_versions), &len);
	KUNIT_ASSERT_EQ(test, quic_tparams_decode(&tp, false, body, len), 0);
	KUNIT_EXPECT_FALSE(test, tp.disable_compatible_version);
	KUNIT_EXPECT_EQ(test, tp.version_info.chosen, QUIC_VERSION_V1);
	KUNIT_EXPECT_EQ(test, tp.version_info.nr_available, 2);
	KUNIT_EXPECT_EQ(test, tp.version_info.available[0], QUIC_VERSION_V2);
	KUNIT_EXPECT_EQ(test, tp.version_info.available[1], QUIC_VERSION_V1);
}

/* RFC 9001, A.2: the parameters in the ClientHello there. */
static const char * const tparams_rfc9001[] = {
	"04 08 ffffffffffffffff", "05 04 8000ffff", "07 04 8000ffff",
	"08 01 10", "01 04 80007530", "09 01 10", "0f 08 8394c8f03e515708",
	"06 04 8000ffff",
};

static void tparams_rfc9001_a2(struct kunit *test)
{
	struct quic_tparams tp;
	u8 *body;
	u32 len;

	body = tparams_body(test, tparams_rfc9001, ARRAY_SIZE(tparams_rfc9001),
			    &len);
	KUNIT_ASSERT_EQ(test, quic_tparams_decode(&tp, false, body, len), 0);
	KUNIT_EXPECT_EQ(test, tp.initial_max_data, QUIC_VARINT_MAX);
	KUNIT_EXPECT_EQ(test, tp.initial_max_stream_data_bidi_local, 65535);
	KUNIT_EXPECT_EQ(test, tp.initial_max_stream_data_bidi_remote, 65535);
	KUNIT_EXPECT_EQ(test, tp.initial_max_stream_data_uni, 65535);
	KUNIT_EXPECT_EQ(test, tp.initial_max_streams_bidi, 16);
	KUNIT_EXPECT_EQ(test, tp.initial_max_streams_uni, 16);
	KUNIT_EXPECT_EQ(test, tp.max_idle_timeout_us, 30000000);
	KUNIT_EXPECT_EQ(test, tp.initial_scid.len, 8);
	KUNIT_EXPECT_EQ(test, tp.initial_scid.data[0], 0x83);
}

static const struct quic_cid tparams_cid8 = { 8, "ABCDEFGH" };
static const struct quic_cid tparams_cid20 = { 20, "abcdefghijklmnopqrst" };

/* The defaults, of which only what differs from the RFC's is said. */
static const char * const tparams_defaults[] = {
	"01 04 80007530", "04 04 801fffe0", "05 04 800ffff0", "06 04 800ffff0",
	"07 04 800ffff0", "08 02 4064", "09 02 4064", "0e 01 07",
	"0f 08 4142434445464748",
};

static void tparams_encode_default(struct kunit *test)
{
	u8 buf[QUIC_TPARAMS_BUF_LEN], *body;
	struct quic_tparams tp;
	u32 len;

	quic_tparams_default(&tp);
	tp.has_initial_scid = true;
	tp.initial_scid = tparams_cid8;
	body = tparams_body(test, tparams_defaults,
			    ARRAY_SIZE(tparams_defaults), &len);
	KUNIT_ASSERT_EQ(test, quic_tparams_encode(&tp, false, buf, sizeof(buf)),
			len);
	KUNIT_EXPECT_MEMEQ(test, buf, body, len);
}

/* Everything on, every number as long as a program can make it. */
static void tparams_fill(struct quic_tparams *tp)
{
	quic_tparams_default(tp);
	tp->max_idle_timeout_us = U32_MAX;
	tp->max_udp_payload_size = QUIC_MAX_UDP_PAYLOAD - 1;
	tp->initial_max_data = QUIC_TPARAMS_DATA_MAX;
	tp->initial_max_stream_data_bidi_local = QUIC_TPARAMS_STREAM_DATA_MAX;
	tp->initial_max_stream_data_bidi_remote = QUIC_TPARAMS_STREAM_DATA_MAX;
	tp->initial_max_stream_data_uni = QUIC_TPARAMS_STREAM_DATA_MAX;
	tp->initial_max_streams_bidi = QUIC_TPARAMS_STREAMS_MAX;
	tp->initial_max_streams_uni = QUIC_TPARAMS_STREAMS_MAX;
	tp->max_ack_delay_us = QUIC_TPARAMS_ACK_DELAY_END_US - 1;
	tp->max_datagram_frame_size = QUIC_TPARAMS_DATAGRAM_MAX;
	tp->ack_delay_exponent = QUIC_TPARAMS_ACK_EXPONENT_MAX;
	tp->active_connection_id_limit = QUIC_TPARAMS_CID_LIMIT_MAX;
	tp->disable_active_migration = true;
	tp->grease_quic_bit = true;
	tp->disable_1rtt_encryption = true;
	tp->stateless_reset = true;
	memset(tp->stateless_reset_token, 0xdd, QUIC_RESET_TOKEN_LEN);
	tp->has_original_dcid = true;
	tp->original_dcid = tparams_cid20;
	tp->has_initial_scid = true;
	tp->initial_scid = tparams_cid8;
	tp->has_retry_scid = true;
	tp->retry_scid = tparams_cid8;
	tp->has_preferred_addr = true;
	tp->preferred_addr.v4.sin_addr.s_addr = htonl(0xc0000201);
	tp->preferred_addr.v4.sin_port = htons(443);
	tp->preferred_addr.v6.sin6_addr.s6_addr[15] = 1;
	tp->preferred_addr.v6.sin6_port = htons(443);
	tp->preferred_addr.cid = tparams_cid8;
	memset(tp->preferred_addr.reset_token, 0xee, QUIC_RESET_TOKEN_LEN);
	tp->version_info.chosen = QUIC_VERSION_V1;
	tp->version_info.nr_available = 2;
	tp->version_info.available[0] = QUIC_VERSION_V2;
	tp->version_info.available[1] = QUIC_VERSION_V1;
}

/* Programs read the extension into 256 bytes. */
static void tparams_encode_all(struct kunit *test)
{
	struct quic_tparams tp, back;
	u8 buf[QUIC_TPARAMS_BUF_LEN];
	int len;

	tparams_fill(&tp);
	len = quic_tparams_encode(&tp, true, buf, sizeof(buf));
	KUNIT_ASSERT_GT(test, len, 0);
	KUNIT_EXPECT_EQ(test, quic_tparams_encode(&tp, true, buf, len), len);
	KUNIT_ASSERT_EQ(test, quic_tparams_decode(&back, true, buf, len), 0);

	/* Rounded up to milliseconds, as far as that is within the limits. */
	KUNIT_EXPECT_EQ(test, back.max_idle_timeout_us, U32_MAX / 1000 * 1000);
	KUNIT_EXPECT_EQ(test, back.max_ack_delay_us, 16383000);
	back.max_idle_timeout_us = tp.max_idle_timeout_us;
	back.max_ack_delay_us = tp.max_ack_delay_us;
	tp.preferred_addr.v4.sin_family = AF_INET;
	tp.preferred_addr.v6.sin6_family = AF_INET6;
	tp.version_info.chosen_offered = true;
	tp.version_info.nr_listed = tp.version_info.nr_available;
	KUNIT_EXPECT_MEMEQ(test, &back, &tp, sizeof(tp));

	KUNIT_EXPECT_EQ(test, quic_tparams_encode(&tp, true, buf, len - 1),
			-EMSGSIZE);
	KUNIT_EXPECT_EQ(test, quic_tparams_encode(&tp, true, buf, 0),
			-EMSGSIZE);
}

/* A client keeps to itself what only servers send. */
static void tparams_encode_client(struct kunit *test)
{
	struct quic_tparams tp, back;
	u8 buf[QUIC_TPARAMS_BUF_LEN];
	int len;

	tparams_fill(&tp);
	len = quic_tparams_encode(&tp, false, buf, sizeof(buf));
	KUNIT_ASSERT_GT(test, len, 0);
	KUNIT_ASSERT_EQ(test, quic_tparams_decode(&back, false, buf, len), 0);
	KUNIT_EXPECT_FALSE(test, back.has_original_dcid);
	KUNIT_EXPECT_FALSE(test, back.has_retry_scid);
	KUNIT_EXPECT_FALSE(test, back.stateless_reset);
	KUNIT_EXPECT_FALSE(test, back.has_preferred_addr);
	KUNIT_EXPECT_TRUE(test, back.has_initial_scid);

	tp.disable_compatible_version = true;
	len = quic_tparams_encode(&tp, false, buf, sizeof(buf));
	KUNIT_ASSERT_GT(test, len, 0);
	KUNIT_ASSERT_EQ(test, quic_tparams_decode(&back, false, buf, len), 0);
	KUNIT_EXPECT_EQ(test, back.version_info.chosen, 0);
	KUNIT_EXPECT_TRUE(test, back.disable_compatible_version);
}

/* RFC 9000, 18.1: there is room for a reserved one, and it changes nothing. */
static void tparams_encode_grease(struct kunit *test)
{
	struct quic_tparams tp, back, without;
	u8 buf[QUIC_TPARAMS_BUF_LEN];
	int len, less;

	tparams_fill(&tp);
	tp.version_info.available[tp.version_info.nr_available++] =
		quic_version_reserved(0x12345678);
	less = quic_tparams_encode(&tp, true, buf, sizeof(buf));
	KUNIT_ASSERT_GT(test, less, 0);
	KUNIT_ASSERT_EQ(test, quic_tparams_decode(&without, true, buf, less),
			0);
	tp.grease_id = 31 * 500 + 27;
	tp.grease_len = QUIC_TPARAMS_GREASE_MAX;
	memset(tp.grease, 0xee, sizeof(tp.grease));
	len = quic_tparams_encode(&tp, true, buf, sizeof(buf));
	KUNIT_ASSERT_EQ(test, len, less + 2 + 1 + QUIC_TPARAMS_GREASE_MAX);
	KUNIT_ASSERT_EQ(test, quic_tparams_decode(&back, true, buf, len), 0);
	KUNIT_EXPECT_MEMEQ(test, &back, &without, sizeof(back));
	KUNIT_EXPECT_EQ(test, back.version_info.nr_available, 2);
	KUNIT_EXPECT_EQ(test, back.version_info.nr_listed, 3);
}

static void tparams_round_up(struct kunit *test)
{
	struct quic_tparams tp, back;
	u8 buf[QUIC_TPARAMS_BUF_LEN];
	int len;

	quic_tparams_default(&tp);
	tp.has_initial_scid = true;
	tp.max_idle_timeout_us = 1000001;
	tp.max_ack_delay_us = 1;
	len = quic_tparams_encode(&tp, false, buf, sizeof(buf));
	KUNIT_ASSERT_GT(test, len, 0);
	KUNIT_ASSERT_EQ(test, quic_tparams_decode(&back, false, buf, len), 0);
	KUNIT_EXPECT_EQ(test, back.max_idle_timeout_us, 1001000);
	KUNIT_EXPECT_EQ(test, back.max_ack_delay_us, 1000);
}

static void tparams_idle_timeout(struct kunit *test)
{
	struct quic_tparams a = {}, b = {};

	KUNIT_EXPECT_EQ(test, quic_tparams_idle_timeout_us(&a, &b), 0);
	a.max_idle_timeout_us = 5;
	KUNIT_EXPECT_EQ(test, quic_tparams_idle_timeout_us(&a, &b), 5);
	KUNIT_EXPECT_EQ(test, quic_tparams_idle_timeout_us(&b, &a), 5);
	b.max_idle_timeout_us = 4;
	KUNIT_EXPECT_EQ(test, quic_tparams_idle_timeout_us(&a, &b), 4);
}

static struct kunit_case tparams_cases[] = {
	KUNIT_CASE_PARAM(tparams_rule, tparams_rule_gen_params),
	KUNIT_CASE(tparams_duplicates),
	KUNIT_CASE(tparams_truncated),
	KUNIT_CASE(tparams_values),
	KUNIT_CASE(tparams_preferred),
	KUNIT_CASE(tparams_absent),
	KUNIT_CASE_PARAM(tparams_clamped, tparams_clamp_gen_params),
	KUNIT_CASE(tparams_versions),
	KUNIT_CASE(tparams_rfc9001_a2),
	KUNIT_CASE(tparams_encode_default),
	KUNIT_CASE(tparams_encode_all),
	KUNIT_CASE(tparams_encode_client),
	KUNIT_CASE(tparams_encode_grease),
	KUNIT_CASE(tparams_round_up),
	KUNIT_CASE(tparams_idle_timeout),
	{}
};

static struct kunit_suite tparams_suite = {
	.name = "quic_tparams",
	.test_cases = tparams_cases,
};

kunit_test_suite(tparams_suite);
