// SPDX-License-Identifier: GPL-2.0-only

#include <kunit/test.h>
#include <linux/unaligned.h>
#include "../header.h"
#include "hex.h"

#define HEADER_TEST_SHORT_CID_LEN	8

static const struct quic_cid header_dcid = {
	8, { 0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08 }
};

static const struct quic_cid header_scid = {
	8, { 0xf0, 0x67, 0xa5, 0x50, 0x2a, 0x42, 0x62, 0xb5 }
};

static const struct quic_cid header_no_cid;

/**
 * struct header_vector - a header as it is before protection
 * @name:	what it is
 * @hex:	header with the packet number
 * @size:	whole packet
 * @type:	packet type
 * @version:	version
 * @dcid:	Destination Connection ID
 * @scid:	Source Connection ID
 * @pn:		packet number
 * @pn_len:	its length
 */
struct header_vector {
	const char *name;
	const char *hex;
	u32 size;
	enum quic_pkt_type type;
	u32 version;
	const struct quic_cid *dcid;
	const struct quic_cid *scid;
	u64 pn;
	u8 pn_len;
};

/* RFC 9001, A.2, A.3 and A.5; RFC 9369, A.2 and A.3 */
static const struct header_vector header_vectors[] = {
	{
		"v1 client Initial",
		"c300000001 088394c8f03e515708 00 00 449e 00000002", 1200,
		QUIC_PKT_INITIAL, QUIC_VERSION_V1,
		&header_dcid, &header_no_cid, 2, 4,
	}, {
		"v1 server Initial",
		"c100000001 00 08f067a5502a4262b5 00 4075 0001", 135,
		QUIC_PKT_INITIAL, QUIC_VERSION_V1,
		&header_no_cid, &header_scid, 1, 2,
	}, {
		"v2 client Initial",
		"d36b3343cf 088394c8f03e515708 00 00 449e 00000002", 1200,
		QUIC_PKT_INITIAL, QUIC_VERSION_V2,
		&header_dcid, &header_no_cid, 2, 4,
	}, {
		"v2 server Initial",
		"d16b3343cf 00 08f067a5502a4262b5 00 4075 0001", 135,
		QUIC_PKT_INITIAL, QUIC_VERSION_V2,
		&header_no_cid, &header_scid, 1, 2,
	}, {
		"ChaCha20 short header",
		"4200bff4", 21,
		QUIC_PKT_1RTT, 0,
		&header_no_cid, &header_no_cid, 654360564, 3,
	},
};

KUNIT_ARRAY_PARAM_DESC(header_vector, header_vectors, name);

/* The packet of a vector; what follows the header does not matter. */
static u8 *header_vector_pkt(struct kunit *test, const struct header_vector *v,
			     u32 *hdr_len)
{
	const u8 *hdr = quic_hex(test, v->hex, hdr_len);
	u8 *pkt = kunit_kzalloc(test, v->size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pkt);
	memcpy(pkt, hdr, *hdr_len);
	return pkt;
}

static void header_parse_vector(struct kunit *test)
{
	const struct header_vector *v = test->param_value;
	struct quic_header hdr;
	u32 hdr_len;
	u8 *pkt;

	pkt = header_vector_pkt(test, v, &hdr_len);
	KUNIT_ASSERT_EQ(test, quic_header_parse(pkt, v->size, 0, &hdr), 0);
	KUNIT_EXPECT_EQ(test, hdr.type, v->type);
	KUNIT_EXPECT_EQ(test, hdr.long_form, v->type != QUIC_PKT_1RTT);
	KUNIT_EXPECT_TRUE(test, hdr.fixed_bit);
	KUNIT_EXPECT_EQ(test, hdr.version, v->version);
	KUNIT_EXPECT_TRUE(test, quic_cid_equal(&hdr.dcid, v->dcid));
	KUNIT_EXPECT_TRUE(test, quic_cid_equal(&hdr.scid, v->scid));
	KUNIT_EXPECT_NULL(test, hdr.token);
	KUNIT_EXPECT_EQ(test, hdr.token_len, 0);
	KUNIT_EXPECT_EQ(test, hdr.pkt_len, v->size);
	KUNIT_EXPECT_EQ(test, hdr.pn_off, hdr_len - v->pn_len);
	KUNIT_EXPECT_EQ(test, hdr.length, v->size - hdr.pn_off);
	KUNIT_EXPECT_EQ(test, quic_header_pn_len(*pkt), v->pn_len);
}

/* No byte of the packet may be missing, and none may be read behind it. */
static void header_parse_truncated(struct kunit *test)
{
	const struct header_vector *v = test->param_value;
	struct quic_header hdr;
	u32 hdr_len, len;
	u8 *pkt, *part;

	pkt = header_vector_pkt(test, v, &hdr_len);
	for (len = 0; len < v->size; len++) {
		part = quic_test_copy(test, pkt, len);
		KUNIT_EXPECT_NE(test, quic_header_parse(part, len, 0, &hdr), 0);
		kunit_kfree(test, part);
	}
}

static void header_build_vector(struct kunit *test)
{
	const struct header_vector *v = test->param_value;
	u32 len;
	u8 buf[64], *end;

	if (v->type == QUIC_PKT_1RTT) {
		end = quic_header_put_short(buf, v->dcid, v->pn, v->pn_len,
					    false, false);
		len = quic_header_len_short(v->dcid, v->pn_len);
	} else {
		end = quic_header_put_long(buf, v->type, v->version, v->dcid,
					   v->scid, NULL, 0, v->pn, v->pn_len);
		len = quic_header_len_long(v->type, v->dcid, v->scid, 0,
					   v->pn_len);
		quic_header_set_length(end - v->pn_len,
				       v->size - len + v->pn_len);
	}
	KUNIT_EXPECT_EQ(test, end - buf, len);
	quic_expect_hex(test, buf, len, v->hex);
}

struct retry_vector {
	const char *name;
	const char *hex;
	u32 version;
};

/* RFC 9001, A.4; RFC 9369, A.4 */
static const struct retry_vector retry_vectors[] = {
	{
		"v1 Retry",
		"ff00000001 00 08f067a5502a4262b5 746f6b656e 04a265ba2eff4d829058fb3f0f2496ba",
		QUIC_VERSION_V1,
	}, {
		"v2 Retry",
		"cf6b3343cf 00 08f067a5502a4262b5 746f6b656e c8646ce8bfe33952d955543665dcc7b6",
		QUIC_VERSION_V2,
	},
};

KUNIT_ARRAY_PARAM_DESC(retry_vector, retry_vectors, name);

static void header_retry(struct kunit *test)
{
	const struct retry_vector *v = test->param_value;
	struct quic_header hdr;
	u8 buf[64], *pkt, *end;
	u32 len;

	pkt = quic_hex(test, v->hex, &len);
	KUNIT_ASSERT_EQ(test, quic_header_parse(pkt, len, 0, &hdr), 0);
	KUNIT_EXPECT_EQ(test, hdr.type, QUIC_PKT_RETRY);
	KUNIT_EXPECT_EQ(test, hdr.version, v->version);
	KUNIT_EXPECT_TRUE(test, quic_cid_equal(&hdr.scid, &header_scid));
	KUNIT_ASSERT_EQ(test, hdr.token_len, 5);
	KUNIT_EXPECT_MEMEQ(test, hdr.token, "token", 5);
	KUNIT_EXPECT_PTR_EQ(test, hdr.retry_tag, pkt + len - QUIC_TAG_LEN);
	KUNIT_EXPECT_EQ(test, hdr.pkt_len, len);

	end = quic_header_put_retry(buf, v->version, &header_no_cid,
				    &header_scid, "token", 5, 0xff);
	KUNIT_EXPECT_EQ(test, end - buf, len - QUIC_TAG_LEN);
	KUNIT_EXPECT_EQ(test, end - buf,
			quic_header_len_retry(&header_no_cid, &header_scid, 5));
	KUNIT_EXPECT_MEMEQ(test, buf, pkt, len - QUIC_TAG_LEN);
}

/* RFC 9000, 17.2.5.2: a Retry without a token is none. */
static void header_retry_token_len(struct kunit *test)
{
	struct quic_header hdr;
	u8 pkt[64];
	u8 *end;

	end = quic_header_put_retry(pkt, QUIC_VERSION_V1, &header_dcid,
				    &header_scid, "t", 1, 0);
	memset(end, 0xaa, QUIC_TAG_LEN);
	end += QUIC_TAG_LEN;
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, end - pkt, 0, &hdr), 0);
	KUNIT_EXPECT_EQ(test, hdr.token_len, 1);
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, end - pkt - 1, 0, &hdr),
			-EINVAL);
}

/* Both versions' Type field, there and back. */
static void header_types(struct kunit *test)
{
	static const enum quic_pkt_type types[] = {
		QUIC_PKT_INITIAL, QUIC_PKT_0RTT, QUIC_PKT_HANDSHAKE,
	};
	static const u32 versions[] = { QUIC_VERSION_V1, QUIC_VERSION_V2 };
	struct quic_header hdr;
	u8 pkt[64] = {}, *end;
	u32 i, j;

	for (i = 0; i < ARRAY_SIZE(versions); i++) {
		for (j = 0; j < ARRAY_SIZE(types); j++) {
			end = quic_header_put_long(pkt, types[j], versions[i],
						   &header_dcid, &header_scid,
						   NULL, 0, 0, 1);
			quic_header_set_length(end - 1, 20);
			KUNIT_EXPECT_EQ(test, quic_header_parse(pkt,
								sizeof(pkt), 0,
								&hdr), 0);
			KUNIT_EXPECT_EQ(test, hdr.type, types[j]);
			KUNIT_EXPECT_EQ(test, hdr.version, versions[i]);
			KUNIT_EXPECT_EQ(test, hdr.pkt_len, end - 1 + 20 - pkt);
		}
	}
}

static void header_token(struct kunit *test)
{
	const u32 token_len = 64;	/* the first that needs two bytes */
	struct quic_header hdr;
	u8 pkt[160] = {};
	u8 token[64], *end;

	memset(token, 0x77, token_len);
	end = quic_header_put_long(pkt, QUIC_PKT_INITIAL, QUIC_VERSION_V1,
				   &header_dcid, &header_scid, token, token_len,
				   7, 1);
	KUNIT_EXPECT_EQ(test, end - pkt,
			quic_header_len_long(QUIC_PKT_INITIAL, &header_dcid,
					     &header_scid, token_len, 1));
	quic_header_set_length(end - 1, 20);
	KUNIT_ASSERT_EQ(test, quic_header_parse(pkt, sizeof(pkt), 0, &hdr), 0);
	KUNIT_ASSERT_EQ(test, hdr.token_len, token_len);
	KUNIT_EXPECT_MEMEQ(test, hdr.token, token, token_len);
	KUNIT_EXPECT_PTR_EQ(test, pkt + hdr.pn_off, end - 1);
}

/* A Token Length that takes all there is leaves none for the Length field. */
static void header_token_len(struct kunit *test)
{
	struct quic_header hdr;
	u8 pkt[64] = {};
	u8 *token;

	quic_header_put_long(pkt, QUIC_PKT_INITIAL, QUIC_VERSION_V1,
			     &header_dcid, &header_scid, NULL, 0, 0, 1);
	token = pkt + 5 + 1 + 8 + 1 + 8;
	*token = sizeof(pkt) - (token + 1 - pkt);
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, sizeof(pkt), 0, &hdr),
			-EINVAL);
	++*token;
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, sizeof(pkt), 0, &hdr),
			-EINVAL);
	/* One byte of Length, and nothing where a packet number would be. */
	*token -= 2;
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, sizeof(pkt), 0, &hdr),
			-EMSGSIZE);
}

/* Length: one byte more than there is, as many, and one that leaves a rest to
 * be read as the next packet.
 */
static void header_length(struct kunit *test)
{
	struct quic_header hdr;
	u8 pkt[64] = {};
	u32 len, pn_off;
	u8 *pn;

	pn = quic_header_put_long(pkt, QUIC_PKT_HANDSHAKE, QUIC_VERSION_V1,
				  &header_dcid, &header_scid, NULL, 0, 0, 1) - 1;
	pn_off = pn - pkt;
	len = sizeof(pkt) - pn_off;

	quic_header_set_length(pn, len + 1);
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, sizeof(pkt), 0, &hdr),
			-EINVAL);
	quic_header_set_length(pn, len);
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, sizeof(pkt), 0, &hdr), 0);
	KUNIT_EXPECT_EQ(test, hdr.pkt_len, sizeof(pkt));
	quic_header_set_length(pn, len - 1);
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, sizeof(pkt), 0, &hdr), 0);
	KUNIT_EXPECT_EQ(test, hdr.pkt_len, sizeof(pkt) - 1);
	KUNIT_EXPECT_EQ(test, hdr.length, len - 1);
}

/* RFC 9001, 5.4.2: enough to sample, or it is not touched; in a long header the
 * packet can still be stepped over.
 */
static void header_sample(struct kunit *test)
{
	struct quic_header hdr;
	u8 pkt[64] = {};
	u8 *pn;

	pn = quic_header_put_long(pkt, QUIC_PKT_HANDSHAKE, QUIC_VERSION_V1,
				  &header_dcid, &header_scid, NULL, 0, 0, 1) - 1;
	quic_header_set_length(pn, 20);
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, sizeof(pkt), 0, &hdr), 0);
	quic_header_set_length(pn, 19);
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, sizeof(pkt), 0, &hdr),
			-EMSGSIZE);
	KUNIT_EXPECT_EQ(test, hdr.pkt_len, pn + 19 - pkt);
	quic_header_set_length(pn, 0);
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, sizeof(pkt), 0, &hdr),
			-EMSGSIZE);
	KUNIT_EXPECT_EQ(test, hdr.pkt_len, pn - pkt);
}

static void header_short(struct kunit *test)
{
	u32 len = 1 + HEADER_TEST_SHORT_CID_LEN + 20;
	struct quic_header hdr;
	u8 pkt[64] = {};

	quic_header_put_short(pkt, &header_dcid, 0x1234, 2, true, true);
	KUNIT_EXPECT_EQ(test, *pkt, QUIC_HDR_FIXED | QUIC_HDR_SPIN |
				    QUIC_HDR_KEY_PHASE | 1);
	KUNIT_ASSERT_EQ(test, quic_header_parse(pkt, len,
						HEADER_TEST_SHORT_CID_LEN,
						&hdr), 0);
	KUNIT_EXPECT_EQ(test, hdr.type, QUIC_PKT_1RTT);
	KUNIT_EXPECT_FALSE(test, hdr.long_form);
	KUNIT_EXPECT_TRUE(test, hdr.spin);
	KUNIT_EXPECT_TRUE(test, quic_cid_equal(&hdr.dcid, &header_dcid));
	KUNIT_EXPECT_EQ(test, hdr.scid.len, 0);
	KUNIT_EXPECT_EQ(test, hdr.pn_off, 9);
	KUNIT_EXPECT_EQ(test, hdr.pkt_len, len);

	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, len - 1,
						HEADER_TEST_SHORT_CID_LEN,
						&hdr), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, 8,
						HEADER_TEST_SHORT_CID_LEN,
						&hdr), -EINVAL);
	*pkt &= ~(QUIC_HDR_FIXED | QUIC_HDR_SPIN);
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, len,
						HEADER_TEST_SHORT_CID_LEN,
						&hdr), 0);
	KUNIT_EXPECT_FALSE(test, hdr.fixed_bit);
	KUNIT_EXPECT_FALSE(test, hdr.spin);
}

/* A long header with connection IDs of any length and room for a payload. */
static u32 header_put_cids(u8 *pkt, u32 version, u8 dcid_len, u8 scid_len)
{
	u8 *p = pkt;

	*p++ = QUIC_HDR_LONG | QUIC_HDR_FIXED | 0x20;	/* v1: Handshake */
	put_unaligned_be32(version, p);
	p += 4;
	*p++ = dcid_len;
	memset(p, 0xdd, dcid_len);
	p += dcid_len;
	*p++ = scid_len;
	memset(p, 0x55, scid_len);
	p += scid_len;
	*p++ = 20;
	memset(p, 0, 20);
	return p + 20 - pkt;
}

/* RFC 9000, 17.2: 20 bytes at most in the versions that we know. RFC 8999, 5.1:
 * 255 in others.
 */
static void header_cid_len(struct kunit *test)
{
	struct quic_header hdr;
	u8 pkt[600];
	u32 len;

	len = header_put_cids(pkt, QUIC_VERSION_V1, 20, 20);
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, len, 0, &hdr), 0);
	KUNIT_EXPECT_EQ(test, hdr.dcid.len, 20);
	KUNIT_EXPECT_EQ(test, hdr.scid.len, 20);
	len = header_put_cids(pkt, QUIC_VERSION_V1, 21, 20);
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, len, 0, &hdr), -EINVAL);
	len = header_put_cids(pkt, QUIC_VERSION_V1, 20, 21);
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, len, 0, &hdr), -EINVAL);
	len = header_put_cids(pkt, QUIC_VERSION_V2, 20, 21);
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, len, 0, &hdr), -EINVAL);

	len = header_put_cids(pkt, 0x1a2a3a4a, 255, 255);
	KUNIT_ASSERT_EQ(test, quic_header_parse(pkt, len, 0, &hdr), 0);
	KUNIT_EXPECT_EQ(test, hdr.type, 0);
	KUNIT_EXPECT_EQ(test, hdr.version, 0x1a2a3a4a);
	KUNIT_EXPECT_EQ(test, hdr.pkt_len, len);
	KUNIT_EXPECT_EQ(test, hdr.dcid_len, 255);
	KUNIT_EXPECT_EQ(test, hdr.scid_len, 255);
	KUNIT_EXPECT_EQ(test, hdr.dcid_ptr[254], 0xdd);
	KUNIT_EXPECT_EQ(test, hdr.scid_ptr[254], 0x55);

	/* A connection ID that ends one byte behind the datagram. */
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, len - 21, 0, &hdr), 0);
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, len - 22, 0, &hdr),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, 5 + 1 + 255, 0, &hdr),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, 5 + 255, 0, &hdr),
			-EINVAL);
}

static void header_version_neg(struct kunit *test)
{
	static const u32 versions[] = {
		QUIC_VERSION_V2, QUIC_VERSION_V1, 0x3a4a5a6a,
	};
	u8 pkt[600], cid[255], *end;
	struct quic_header hdr;
	u32 i, len;

	memset(cid, 0xdd, sizeof(cid));
	end = quic_header_put_version_neg(pkt, cid, sizeof(cid),
					  header_scid.data, header_scid.len,
					  versions, ARRAY_SIZE(versions), 0x3f);
	len = end - pkt;
	KUNIT_EXPECT_EQ(test, len, quic_header_len_version_neg(255, 8, 3));
	KUNIT_EXPECT_EQ(test, *pkt, 0xff);
	KUNIT_ASSERT_EQ(test, quic_header_parse(pkt, len, 0, &hdr), 0);
	KUNIT_EXPECT_EQ(test, hdr.type, QUIC_PKT_VERSION_NEG);
	KUNIT_EXPECT_EQ(test, hdr.version, 0);
	KUNIT_ASSERT_EQ(test, hdr.dcid_len, 255);
	KUNIT_EXPECT_MEMEQ(test, hdr.dcid_ptr, cid, 255);
	KUNIT_EXPECT_TRUE(test, quic_cid_equal(&hdr.scid, &header_scid));
	KUNIT_ASSERT_EQ(test, hdr.nr_versions, ARRAY_SIZE(versions));
	for (i = 0; i < ARRAY_SIZE(versions); i++)
		KUNIT_EXPECT_EQ(test, quic_header_version(&hdr, i),
				versions[i]);

	/* RFC 9000, 17.2.1: whole versions, and at least one. */
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, len - 1, 0, &hdr),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, len - 8, 0, &hdr), 0);
	KUNIT_EXPECT_EQ(test, hdr.nr_versions, 1);
	KUNIT_EXPECT_EQ(test, quic_header_parse(pkt, len - 12, 0, &hdr),
			-EINVAL);
}

static struct kunit_case header_cases[] = {
	KUNIT_CASE_PARAM(header_parse_vector, header_vector_gen_params),
	KUNIT_CASE_PARAM(header_parse_truncated, header_vector_gen_params),
	KUNIT_CASE_PARAM(header_build_vector, header_vector_gen_params),
	KUNIT_CASE_PARAM(header_retry, retry_vector_gen_params),
	KUNIT_CASE(header_retry_token_len),
	KUNIT_CASE(header_types),
	KUNIT_CASE(header_token),
	KUNIT_CASE(header_token_len),
	KUNIT_CASE(header_length),
	KUNIT_CASE(header_sample),
	KUNIT_CASE(header_short),
	KUNIT_CASE(header_cid_len),
	KUNIT_CASE(header_version_neg),
	{}
};

static struct kunit_suite header_suite = {
	.name = "quic_header",
	.test_cases = header_cases,
};

kunit_test_suite(header_suite);
