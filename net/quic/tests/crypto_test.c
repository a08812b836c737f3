// SPDX-License-Identifier: GPL-2.0-only

#include <kunit/test.h>
#include <linux/scatterlist.h>
#include <linux/unaligned.h>
#include <uapi/linux/tls.h>

#include "../crypto.h"
#include "hex.h"

#define QUIC_TEST_PKT_LEN	1200

/* RFC 9001, A and RFC 9369, A: the client's first Destination Connection ID. */
static const struct quic_cid quic_test_dcid = {
	.len	= 8,
	.data	= { 0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08 },
};

/* RFC 9001, A.2: payload of the client Initial before padding. */
static const char quic_test_client_hello[] =
	"060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868\n"
	"04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578\n"
	"616d706c652e636f6dff01000100000a00080006001d00170018001000070005\n"
	"04616c706e000500050100000000003300260024001d00209370b2c9caa47fba\n"
	"baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400\n"
	"0d0010000e0403050306030203080408050806002d00020101001c0002400100\n"
	"3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000\n"
	"75300901100f088394c8f03e51570806048000ffff";

/* RFC 9001, A.3: payload of the server Initial. */
static const char quic_test_server_hello[] =
	"02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf739\n"
	"88cfc79825df566dc5430b9a045a1200130100002e00330024001d00209d3c94\n"
	"0d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00\n"
	"020304";

struct quic_initial_vector {
	const char *name;
	u32 version;
	const char *client_secret;
	const char *server_secret;
	const char *client_iv;
	const char *server_iv;
	const char *client_hdr;
	const char *client_begin;
	const char *client_end;
	const char *server_hdr;
	const char *server_pkt;
	const char *retry;
};

static const struct quic_initial_vector quic_initial_vectors[] = {
	{
		.name		= "RFC 9001, A.1 to A.4",
		.version	= QUIC_VERSION_V1,
		.client_secret	= "c00cf151ca5be075ed0ebfb5c80323c4\n"
				  "2d6b7db67881289af4008f1f6c357aea",
		.server_secret	= "3c199828fd139efd216c155ad844cc81\n"
				  "fb82fa8d7446fa7d78be803acdda951b",
		.client_iv	= "fa044b2f42a3fd3b46fb255c",
		.server_iv	= "0ac1493ca1905853b0bba03e",
		.client_hdr	= "c300000001088394c8f03e5157080000449e00000002",
		.client_begin	=
			"c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11\n"
			"d242b123dc9bd8bab936b47d92ec356c0bab7df5976d27cd449f63300099f399",
		.client_end	=
			"8b4c8d169a44e55c88d4a9a7f9474241e221af44860018ab0856972e194cd934",
		.server_hdr	= "c1000000010008f067a5502a4262b50040750001",
		.server_pkt	=
			"cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a\n"
			"5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3\n"
			"dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84\n"
			"022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc4\n"
			"2158407dd074ee",
		.retry		=
			"ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f\n"
			"0f2496ba",
	}, {
		.name		= "RFC 9369, A.1 to A.4",
		.version	= QUIC_VERSION_V2,
		.client_secret	= "14ec9d6eb9fd7af83bf5a668bc17a7e2\n"
				  "83766aade7ecd0891f70f9ff7f4bf47b",
		.server_secret	= "0263db1782731bf4588e7e4d93b74639\n"
				  "07cb8cd8200b5da55a8bd488eafc37c1",
		.client_iv	= "91f73e2351d8fa91660e909f",
		.server_iv	= "dd13c276499c0249d3310652",
		.client_hdr	= "d36b3343cf088394c8f03e5157080000449e00000002",
		.client_begin	=
			"d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485\n"
			"dd04de806071bf03dceebfa162e75d6c96058bdbfb127cdfcbf903388e99ad04",
		.client_end	=
			"9973b2172b4d21fb69745a262ccde96ba18b2faa745b6fe189cf772a9f84cbfc",
		.server_hdr	= "d16b3343cf0008f067a5502a4262b50040750001",
		.server_pkt	=
			"dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698\n"
			"baeea26b91eb761d9b89237bbf87263017915358230035f7fd3945d88965cf17\n"
			"f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2\n"
			"c984c707f0a0812d8cd5a6881eaf21ceda98f4bd23f6fe1a3e2c43edd9ce7ca8\n"
			"4bed8521e2e140",
		.retry		=
			"cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d9555436\n"
			"65dcc7b6",
	},
};

KUNIT_ARRAY_PARAM_DESC(quic_initial, quic_initial_vectors, name);

/* Reads a vector into out, which has room for size bytes. */
static u32 quic_test_hex(struct kunit *test, u8 *out, u32 size,
			 const char *hex)
{
	u32 len;
	u8 *data = quic_hex(test, hex, &len);

	KUNIT_ASSERT_LE(test, len, size);
	memcpy(out, data, len);
	return len;
}

static struct quic_key *quic_test_key(struct kunit *test)
{
	struct quic_key *key = kunit_kzalloc(test, sizeof(*key), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, key);
	return key;
}

static void quic_crypto_test_initial_keys(struct kunit *test)
{
	const struct quic_initial_vector *v = test->param_value;
	struct quic_key *tx = quic_test_key(test);
	struct quic_key *rx = quic_test_key(test);

	quic_key_initial(tx, rx, v->version, &quic_test_dcid, false);
	quic_expect_hex(test, tx->secret, 32, v->client_secret);
	quic_expect_hex(test, rx->secret, 32, v->server_secret);
	quic_expect_hex(test, tx->iv, QUIC_IV_LEN, v->client_iv);
	quic_expect_hex(test, rx->iv, QUIC_IV_LEN, v->server_iv);

	quic_key_initial(tx, NULL, v->version, &quic_test_dcid, true);
	quic_expect_hex(test, tx->secret, 32, v->server_secret);
	quic_key_initial(NULL, rx, v->version, &quic_test_dcid, true);
	quic_expect_hex(test, rx->secret, 32, v->client_secret);
}

static void quic_crypto_test_client_initial(struct kunit *test)
{
	u8 *pkt = kunit_kzalloc(test, QUIC_TEST_PKT_LEN, GFP_KERNEL);
	const struct quic_initial_vector *v = test->param_value;
	struct quic_key *tx = quic_test_key(test);
	struct quic_key *rx = quic_test_key(test);
	u32 hdr_len, len, pn_len, pn;

	KUNIT_ASSERT_NOT_NULL(test, pkt);
	quic_key_initial(tx, NULL, v->version, &quic_test_dcid, false);
	quic_key_initial(NULL, rx, v->version, &quic_test_dcid, true);

	hdr_len = quic_test_hex(test, pkt, QUIC_TEST_PKT_LEN, v->client_hdr);
	quic_test_hex(test, pkt + hdr_len, QUIC_TEST_PKT_LEN - hdr_len,
		      quic_test_client_hello);
	len = QUIC_TEST_PKT_LEN - hdr_len - QUIC_TAG_LEN;
	quic_crypto_seal(tx, 2, NULL, pkt, hdr_len, len);
	quic_crypto_protect(tx, pkt, hdr_len - 4, 4);
	quic_expect_hex(test, pkt, 64, v->client_begin);
	quic_expect_hex(test, pkt + QUIC_TEST_PKT_LEN - 32, 32, v->client_end);

	KUNIT_EXPECT_EQ(test, quic_crypto_unprotect(rx, pkt, QUIC_TEST_PKT_LEN,
						    hdr_len - 4, &pn_len, &pn),
			0);
	KUNIT_EXPECT_EQ(test, pn_len, 4U);
	KUNIT_EXPECT_EQ(test, pn, 2U);
	quic_expect_hex(test, pkt, hdr_len, v->client_hdr);
	KUNIT_EXPECT_EQ(test, quic_crypto_open(rx, pn, pkt, hdr_len,
					       QUIC_TEST_PKT_LEN), 0);
	quic_expect_hex(test, pkt + hdr_len, 245, quic_test_client_hello);
}

static void quic_crypto_test_server_initial(struct kunit *test)
{
	const struct quic_initial_vector *v = test->param_value;
	struct quic_key *tx = quic_test_key(test);
	struct quic_key *rx = quic_test_key(test);
	u32 hdr_len, len, pn_len, pn;
	u8 pkt[160];

	quic_key_initial(tx, NULL, v->version, &quic_test_dcid, true);
	quic_key_initial(NULL, rx, v->version, &quic_test_dcid, false);

	hdr_len = quic_test_hex(test, pkt, sizeof(pkt), v->server_hdr);
	len = quic_test_hex(test, pkt + hdr_len, sizeof(pkt) - hdr_len,
			    quic_test_server_hello);
	quic_crypto_seal(tx, 1, NULL, pkt, hdr_len, len);
	quic_crypto_protect(tx, pkt, hdr_len - 2, 2);
	len += hdr_len + QUIC_TAG_LEN;
	quic_expect_hex(test, pkt, len, v->server_pkt);

	KUNIT_EXPECT_EQ(test, quic_crypto_unprotect(rx, pkt, len, hdr_len - 2,
						    &pn_len, &pn), 0);
	KUNIT_EXPECT_EQ(test, pn_len, 2U);
	KUNIT_EXPECT_EQ(test, quic_crypto_open(rx, pn, pkt, hdr_len, len), 0);
}

static void quic_crypto_test_retry(struct kunit *test)
{
	const struct quic_initial_vector *v = test->param_value;
	struct quic_cid other = quic_test_dcid;
	u8 tag[QUIC_TAG_LEN];
	u8 pkt[64];
	u32 len, i;

	len = quic_test_hex(test, pkt, sizeof(pkt), v->retry);
	quic_crypto_retry_tag(v->version, &quic_test_dcid, pkt,
			      len - QUIC_TAG_LEN, tag);
	KUNIT_EXPECT_MEMEQ(test, tag, pkt + len - QUIC_TAG_LEN, QUIC_TAG_LEN);
	KUNIT_EXPECT_TRUE(test, quic_crypto_retry_verify(v->version,
							 &quic_test_dcid, pkt,
							 len));

	for (i = 0; i < len; i++) {
		pkt[i] ^= 0x10;
		KUNIT_EXPECT_FALSE(test,
				   quic_crypto_retry_verify(v->version,
							    &quic_test_dcid,
							    pkt, len));
		pkt[i] ^= 0x10;
	}
	other.data[7] ^= 1;
	KUNIT_EXPECT_FALSE(test, quic_crypto_retry_verify(v->version, &other,
							  pkt, len));
	KUNIT_EXPECT_FALSE(test, quic_crypto_retry_verify(v->version,
							  &quic_test_dcid, pkt,
							  QUIC_TAG_LEN - 1));
}

struct quic_short_vector {
	const char *name;
	u32 cipher;
	u32 version;
	const char *secret;
	const char *next_secret;
	const char *iv;
	const char *pkt;
};

/* A short header packet 4200bff4 with packet number 654360564 and payload 01.
 * Those that are not from an RFC were made with another implementation.
 */
static const struct quic_short_vector quic_short_vectors[] = {
	{
		.name		= "RFC 9001, A.5",
		.cipher		= TLS_CIPHER_CHACHA20_POLY1305,
		.version	= QUIC_VERSION_V1,
		.secret		= "9ac312a7f877468ebe69422748ad00a1\n"
				  "5443f18203a07d6060f688f30f21632b",
		.next_secret	= "1223504755036d556342ee9361d25342\n"
				  "1a826c9ecdf3c7148684b36b714881f9",
		.iv		= "e0459b3474bdd0e44a41c144",
		.pkt		= "4cfe4189655e5cd55c41f69080575d7999c25a5bfb",
	}, {
		.name		= "RFC 9369, A.5",
		.cipher		= TLS_CIPHER_CHACHA20_POLY1305,
		.version	= QUIC_VERSION_V2,
		.secret		= "9ac312a7f877468ebe69422748ad00a1\n"
				  "5443f18203a07d6060f688f30f21632b",
		.next_secret	= "c69374c49e3d2a9466fa689e49d476db\n"
				  "5d0dfbc87d32ceeaa6343fd0ae4c7d88",
		.iv		= "a6b5bc6ab7dafce30ffff5dd",
		.pkt		= "5558b1c60ae7b6b932bc27d786f4bc2bb20f2162ba",
	}, {
		.name		= "AES-256-GCM",
		.cipher		= TLS_CIPHER_AES_GCM_256,
		.version	= QUIC_VERSION_V1,
		.secret		= "000102030405060708090a0b0c0d0e0f\n"
				  "101112131415161718191a1b1c1d1e1f\n"
				  "202122232425262728292a2b2c2d2e2f",
		.next_secret	= "d21f524277390ba96b86484d9c687f85\n"
				  "0f1e4d1f997033bba06051129179a762\n"
				  "a94067d065f3f715e83d65a7bf8c79b9",
		.iv		= "a8d8316bf5bb0bbfa74cbf17",
		.pkt		= "51d96b679dfbfe97d2e99990a52a288492abb183e5",
	}, {
		.name		= "AES-128-CCM",
		.cipher		= TLS_CIPHER_AES_CCM_128,
		.version	= QUIC_VERSION_V1,
		.secret		= "000102030405060708090a0b0c0d0e0f\n"
				  "101112131415161718191a1b1c1d1e1f",
		.next_secret	= "6a4ca349a77d8643fc3d19b944d2c3de\n"
				  "71cfc6727dff1962e00a30a6c5f4a7cd",
		.iv		= "b5a994a325d611a996d7df60",
		.pkt		= "5407f589cfbd6e1aa3cfc89a7372811b5f2dd94bb2",
	},
};

KUNIT_ARRAY_PARAM_DESC(quic_short, quic_short_vectors, name);

static void quic_crypto_test_short(struct kunit *test)
{
	const struct quic_short_vector *v = test->param_value;
	u8 pkt[21] = { 0x42, 0x00, 0xbf, 0xf4, 0x01 };
	u32 pn_len, pn, secret_len;
	u8 secret[QUIC_SECRET_MAX];
	struct quic_key *next = quic_test_key(test);
	struct quic_key *key = quic_test_key(test);

	secret_len = quic_test_hex(test, secret, sizeof(secret), v->secret);
	KUNIT_EXPECT_EQ(test, quic_cipher_secret_len(v->cipher), secret_len);
	KUNIT_ASSERT_EQ(test, quic_key_install(key, v->cipher, v->version,
					       secret), 0);
	quic_expect_hex(test, key->iv, QUIC_IV_LEN, v->iv);

	quic_crypto_seal(key, 654360564, NULL, pkt, 4, 1);
	quic_crypto_protect(key, pkt, 1, 3);
	quic_expect_hex(test, pkt, sizeof(pkt), v->pkt);

	KUNIT_EXPECT_EQ(test, quic_crypto_unprotect(key, pkt, sizeof(pkt), 1,
						    &pn_len, &pn), 0);
	KUNIT_EXPECT_EQ(test, pn_len, 3U);
	KUNIT_EXPECT_EQ(test, pn, 0xbff4U);
	KUNIT_EXPECT_EQ(test, quic_crypto_open(key, 654360564, pkt, 4,
					       sizeof(pkt)), 0);
	KUNIT_EXPECT_EQ(test, pkt[4], 1);

	quic_key_next(next, key);
	quic_expect_hex(test, next->secret, secret_len, v->next_secret);
	KUNIT_EXPECT_MEMEQ(test, &next->hp, &key->hp, sizeof(key->hp));
	quic_key_next(key, key);
	KUNIT_EXPECT_MEMEQ(test, key->secret, next->secret, secret_len);
	KUNIT_EXPECT_MEMEQ(test, key->iv, next->iv, QUIC_IV_LEN);
}

static void quic_crypto_test_ciphers(struct kunit *test)
{
	struct quic_key key = {};
	u8 secret[QUIC_SECRET_MAX] = {};

	KUNIT_EXPECT_EQ(test, quic_cipher_secret_len(50), 0U);
	KUNIT_EXPECT_EQ(test, quic_cipher_secret_len(TLS_CIPHER_SM4_GCM), 0U);
	KUNIT_EXPECT_EQ(test, quic_key_install(&key, TLS_CIPHER_SM4_GCM,
					       QUIC_VERSION_V1, secret),
			-EINVAL);

	KUNIT_ASSERT_EQ(test, quic_key_install(&key, TLS_CIPHER_AES_GCM_128,
					       QUIC_VERSION_V1, secret), 0);
	KUNIT_EXPECT_EQ(test, quic_key_seal_limit(&key), 1ULL << 23);
	KUNIT_EXPECT_EQ(test, quic_key_open_limit(&key), 1ULL << 52);
	quic_key_clear(&key);
	KUNIT_EXPECT_TRUE(test, !memchr_inv(&key, 0, sizeof(key)));
}

/* Where the plaintext of a packet may be cut into pieces. */
static const u16 quic_test_cuts[][4] = {
	{ 1000 },
	{ 1, 15, 16, 968 },
	{ 63, 1, 64, 872 },
	{ 65, 127, 129, 679 },
	{ 500, 3, 3, 494 },
};

/* Fills src with copies of the pieces; odd ones are left at their final place
 * within the packet.
 */
static void quic_test_cut(struct kunit *test, struct scatterlist src[4],
			  const u16 cut[4], const u8 *plain, u8 *out)
{
	u32 i, off = 0;
	u8 *copy;

	sg_init_table(src, 4);
	for (i = 0; i < 4 && cut[i]; i++) {
		copy = out + off;
		if (!(i & 1)) {
			copy = kunit_kzalloc(test, cut[i] + 1, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, copy);
			copy++;
		}
		memcpy(copy, plain + off, cut[i]);
		sg_set_buf(&src[i], copy, cut[i]);
		off += cut[i];
	}
	sg_mark_end(&src[i - 1]);
}

/* However the plaintext lies in memory, the packet is the same. */
static void quic_crypto_test_pieces(struct kunit *test)
{
	const struct quic_short_vector *v = test->param_value;
	u8 *plain = kunit_kzalloc(test, 1000, GFP_KERNEL);
	u8 *want = kunit_kzalloc(test, 1020, GFP_KERNEL);
	u8 *pkt = kunit_kzalloc(test, 1020, GFP_KERNEL);
	u8 secret[QUIC_SECRET_MAX];
	struct scatterlist src[4];
	struct quic_key key;
	u32 i;

	KUNIT_ASSERT_TRUE(test, plain && want && pkt);
	for (i = 0; i < 1000; i++)
		plain[i] = i * 7;
	quic_test_hex(test, secret, sizeof(secret), v->secret);
	KUNIT_ASSERT_EQ(test, quic_key_install(&key, v->cipher, v->version,
					       secret), 0);
	memcpy(want + 4, plain, 1000);
	quic_crypto_seal(&key, 77, NULL, want, 4, 1000);

	for (i = 0; i < ARRAY_SIZE(quic_test_cuts); i++) {
		memset(pkt, 0, 1020);
		quic_test_cut(test, src, quic_test_cuts[i], plain, pkt + 4);
		quic_crypto_seal(&key, 77, src, pkt, 4, 1000);
		KUNIT_EXPECT_MEMEQ(test, pkt, want, 1020);
	}
	KUNIT_EXPECT_EQ(test, quic_crypto_open(&key, 77, pkt, 4, 1020), 0);
	KUNIT_EXPECT_MEMEQ(test, pkt + 4, plain, 1000);
}

/* Nothing that was changed on the way opens. */
static void quic_crypto_test_forged(struct kunit *test)
{
	const struct quic_short_vector *v = test->param_value;
	u8 secret[QUIC_SECRET_MAX];
	u8 sealed[44] = { 0x40 };
	struct quic_key key;
	u8 pkt[44];
	u32 i;

	quic_test_hex(test, secret, sizeof(secret), v->secret);
	KUNIT_ASSERT_EQ(test, quic_key_install(&key, v->cipher, v->version,
					       secret), 0);
	quic_crypto_seal(&key, 5, NULL, sealed, 4, 24);

	for (i = 0; i < sizeof(pkt); i++) {
		memcpy(pkt, sealed, sizeof(pkt));
		pkt[i] ^= 0x80;
		KUNIT_EXPECT_EQ(test, quic_crypto_open(&key, 5, pkt, 4,
						       sizeof(pkt)), -EBADMSG);
	}
	memcpy(pkt, sealed, sizeof(pkt));
	KUNIT_EXPECT_EQ(test, quic_crypto_open(&key, 6, pkt, 4, sizeof(pkt)),
			-EBADMSG);
	memcpy(pkt, sealed, sizeof(pkt));
	KUNIT_EXPECT_EQ(test, quic_crypto_open(&key, 5, pkt, 4,
					       4 + QUIC_TAG_LEN - 1), -EBADMSG);
	memcpy(pkt, sealed, sizeof(pkt));
	KUNIT_EXPECT_EQ(test, quic_crypto_open(&key, 5, pkt, 4, sizeof(pkt)),
			0);
}

/* RFC 9001, 5.4.2: a packet that cannot be sampled is dropped. */
static void quic_crypto_test_sample(struct kunit *test)
{
	struct quic_key key;
	u32 pn_len, pn;
	u8 pkt[29] = { 0x40 };

	quic_key_initial(&key, NULL, QUIC_VERSION_V1, &quic_test_dcid, false);
	KUNIT_EXPECT_EQ(test, quic_crypto_unprotect(&key, pkt, 28, 9, &pn_len,
						    &pn), -EBADMSG);
	KUNIT_EXPECT_EQ(test, quic_crypto_unprotect(&key, pkt, 29, 9, &pn_len,
						    &pn), 0);
}

static const u16 quic_test_sizes[] = { 128, 129, 500, 1000 };

/* Keys of both kinds, more than one processor has transforms for. */
#define QUIC_TEST_KEYS	12

static void quic_test_gcm_size(struct kunit *test, struct quic_key *keys,
			       u32 size, u8 *plain, u8 *pkt, u8 *want)
{
	struct scatterlist src[4];
	u32 i;

	for (i = 0; i < QUIC_TEST_KEYS; i++) {
		quic_gcm_api_stop();
		memset(want, 0, 1020);
		memcpy(want + 4, plain, size);
		quic_crypto_seal(&keys[i], i, NULL, want, 4, size);
		KUNIT_ASSERT_EQ(test, quic_gcm_api_start(), 0);
		KUNIT_EXPECT_NOT_NULL(test, quic_crypto_driver(&keys[i]));

		memset(pkt, 0, 1020);
		sg_init_table(src, 2);
		sg_set_buf(&src[0], plain, 50);
		sg_set_buf(&src[1], plain + 50, size - 50);
		quic_crypto_seal(&keys[i], i, src, pkt, 4, size);
		KUNIT_EXPECT_MEMEQ(test, pkt, want, 1020);
		KUNIT_EXPECT_EQ(test, quic_crypto_open(&keys[i], i, pkt, 4,
						       size + 20), 0);
		KUNIT_EXPECT_MEMEQ(test, pkt + 4, plain, size);
		want[size / 2] ^= 1;
		KUNIT_EXPECT_EQ(test, quic_crypto_open(&keys[i], i, want, 4,
						       size + 20), -EBADMSG);
	}
}

/* What the crypto API makes of a packet is what lib/crypto does, whose key it
 * has or not.
 */
static void quic_crypto_test_gcm_api(struct kunit *test)
{
	struct quic_key *keys = kunit_kcalloc(test, QUIC_TEST_KEYS,
					      sizeof(*keys), GFP_KERNEL);
	u8 *plain = kunit_kzalloc(test, 1000, GFP_KERNEL);
	u8 *want = kunit_kzalloc(test, 1020, GFP_KERNEL);
	u8 *pkt = kunit_kzalloc(test, 1020, GFP_KERNEL);
	bool used = quic_gcm_api_driver();
	u8 secret[QUIC_SECRET_MAX] = {};
	u32 i;

	KUNIT_ASSERT_TRUE(test, keys && plain && want && pkt);
	for (i = 0; i < 1000; i++)
		plain[i] = i * 7;
	for (i = 0; i < QUIC_TEST_KEYS; i++) {
		secret[0] = i;
		KUNIT_ASSERT_EQ(test, quic_key_install(&keys[i], i & 1 ?
						       TLS_CIPHER_AES_GCM_256 :
						       TLS_CIPHER_AES_GCM_128,
						       QUIC_VERSION_V1,
						       secret), 0);
	}
	for (i = 0; i < ARRAY_SIZE(quic_test_sizes); i++)
		quic_test_gcm_size(test, keys, quic_test_sizes[i], plain, pkt,
				   want);

	/* One after the other with transforms that know others' keys. */
	for (i = 0; i < 3 * QUIC_TEST_KEYS; i++) {
		struct quic_key *key = &keys[i * 5 % QUIC_TEST_KEYS];

		memcpy(pkt + 4, plain, 1000);
		quic_crypto_seal(key, i, NULL, pkt, 4, 1000);
		if (i & 4) {
			KUNIT_EXPECT_EQ(test, quic_crypto_open(&keys[(i + 1) %
							       QUIC_TEST_KEYS],
							       i, pkt, 4, 1020),
					key == &keys[(i + 1) % QUIC_TEST_KEYS] ?
					0 : -EBADMSG);
			continue;
		}
		KUNIT_EXPECT_EQ(test, quic_crypto_open(key, i, pkt, 4, 1020),
				0);
	}
	/* A key update is another key. */
	memcpy(pkt + 4, plain, 1000);
	quic_crypto_seal(&keys[0], 1, NULL, pkt, 4, 1000);
	quic_key_next(&keys[0], &keys[0]);
	KUNIT_EXPECT_EQ(test, quic_crypto_open(&keys[0], 1, pkt, 4, 1020),
			-EBADMSG);
	for (i = 0; i < QUIC_TEST_KEYS; i++)
		quic_key_clear(&keys[i]);
	if (!used)
		quic_gcm_api_stop();
}

static struct kunit_case quic_crypto_cases[] = {
	KUNIT_CASE_PARAM(quic_crypto_test_initial_keys, quic_initial_gen_params),
	KUNIT_CASE_PARAM(quic_crypto_test_client_initial,
			 quic_initial_gen_params),
	KUNIT_CASE_PARAM(quic_crypto_test_server_initial,
			 quic_initial_gen_params),
	KUNIT_CASE_PARAM(quic_crypto_test_retry, quic_initial_gen_params),
	KUNIT_CASE_PARAM(quic_crypto_test_short, quic_short_gen_params),
	KUNIT_CASE_PARAM(quic_crypto_test_pieces, quic_short_gen_params),
	KUNIT_CASE_PARAM(quic_crypto_test_forged, quic_short_gen_params),
	KUNIT_CASE(quic_crypto_test_ciphers),
	KUNIT_CASE(quic_crypto_test_gcm_api),
	KUNIT_CASE(quic_crypto_test_sample),
	{}
};

static struct kunit_suite quic_crypto_suite = {
	.name		= "quic_crypto",
	.test_cases	= quic_crypto_cases,
};

kunit_test_suite(quic_crypto_suite);
