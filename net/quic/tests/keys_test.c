// SPDX-License-Identifier: GPL-2.0-only

#include <kunit/test.h>
#include <uapi/linux/tls.h>

#include "../keys.h"

#define QUIC_TEST_HDR_LEN	5
#define QUIC_TEST_LEN		(QUIC_TEST_HDR_LEN + 8 + QUIC_TAG_LEN)
#define QUIC_TEST_PTO_US	100000

/* Two ends that share their secrets, and a clock. */
struct quic_keys_pair {
	struct quic_keys a;
	struct quic_keys b;
	ktime_t now;
};

/* A sealed 1-RTT packet on its way. */
struct quic_test_pkt {
	u8 data[QUIC_TEST_LEN];
	u64 pn;
	bool phase;
};

static void quic_keys_test_install(struct kunit *test, struct quic_keys *tx,
				   struct quic_keys *rx, u8 fill)
{
	u8 secret[QUIC_SECRET_MAX];

	memset(secret, fill, sizeof(secret));
	KUNIT_ASSERT_EQ(test, quic_keys_install(tx, QUIC_CRYPTO_APP, true,
						TLS_CIPHER_AES_GCM_128,
						QUIC_VERSION_V1, secret,
						GFP_KERNEL), 0);
	KUNIT_ASSERT_EQ(test, quic_keys_install(rx, QUIC_CRYPTO_APP, false,
						TLS_CIPHER_AES_GCM_128,
						QUIC_VERSION_V1, secret,
						GFP_KERNEL), 0);
}

static int quic_keys_test_init(struct kunit *test)
{
	struct quic_keys_pair *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	test->priv = p;
	p->now = ms_to_ktime(1000);
	quic_keys_init(&p->a);
	quic_keys_init(&p->b);
	quic_keys_test_install(test, &p->a, &p->b, 0x11);
	quic_keys_test_install(test, &p->b, &p->a, 0x22);
	quic_keys_on_confirmed(&p->a, p->now);
	quic_keys_on_confirmed(&p->b, p->now);
	return 0;
}

static void quic_keys_test_exit(struct kunit *test)
{
	struct quic_keys_pair *p = test->priv;

	if (!p)
		return;
	quic_keys_destroy(&p->a);
	quic_keys_destroy(&p->b);
}

static struct quic_test_pkt quic_test_seal(struct kunit *test,
					   struct quic_keys *keys, u64 pn)
{
	struct quic_test_pkt pkt = {
		.data	= { 0x40 },
		.pn	= pn,
		.phase	= quic_keys_phase(keys),
	};

	KUNIT_EXPECT_EQ(test, quic_keys_seal(keys, QUIC_CRYPTO_APP, pn, NULL,
					     pkt.data, QUIC_TEST_HDR_LEN, 8),
			0);
	return pkt;
}

static int quic_test_open_updated(struct quic_keys_pair *p,
				  struct quic_keys *keys,
				  struct quic_test_pkt pkt, bool *updated)
{
	struct quic_open o = {
		.pkt		= pkt.data,
		.hdr_len	= QUIC_TEST_HDR_LEN,
		.len		= QUIC_TEST_LEN,
		.pn		= pkt.pn,
		.level		= QUIC_CRYPTO_APP,
		.key_phase	= pkt.phase,
		.now		= p->now,
		.pto_us		= QUIC_TEST_PTO_US,
	};
	int err = quic_keys_open(keys, &o);

	*updated = o.peer_updated;
	return err;
}

static int quic_test_open(struct quic_keys_pair *p, struct quic_keys *keys,
			  struct quic_test_pkt pkt)
{
	bool updated;

	return quic_test_open_updated(p, keys, pkt, &updated);
}

static int quic_test_ack(struct quic_keys_pair *p, struct quic_keys *keys,
			 u64 pn)
{
	return quic_keys_on_ack(keys, pn, p->now, QUIC_TEST_PTO_US);
}

/* One packet each way, both acknowledged: updates are allowed. */
static void quic_test_exchange(struct kunit *test, struct quic_keys_pair *p,
			       u64 pn)
{
	struct quic_test_pkt pkt;

	pkt = quic_test_seal(test, &p->a, pn);
	KUNIT_EXPECT_EQ(test, quic_test_open(p, &p->b, pkt), 0);
	pkt = quic_test_seal(test, &p->b, pn);
	KUNIT_EXPECT_EQ(test, quic_test_open(p, &p->a, pkt), 0);
	KUNIT_EXPECT_EQ(test, quic_test_ack(p, &p->a, pn), 0);
	KUNIT_EXPECT_EQ(test, quic_test_ack(p, &p->b, pn), 0);
}

static void quic_keys_test_update(struct kunit *test)
{
	struct quic_keys_pair *p = test->priv;
	struct quic_test_pkt pkt;
	bool updated;

	quic_test_exchange(test, p, 1);
	KUNIT_EXPECT_EQ(test, quic_keys_update(&p->a, p->now), 0);
	KUNIT_EXPECT_TRUE(test, quic_keys_phase(&p->a));
	KUNIT_EXPECT_EQ(test, quic_keys_update(&p->a, p->now), -EINVAL);
	KUNIT_EXPECT_TRUE(test, quic_keys_update_pending(&p->a));
	KUNIT_EXPECT_TRUE(test, quic_keys_update_begins(&p->a));

	/* b follows, and tells that it was not its own idea */
	pkt = quic_test_seal(test, &p->a, 2);
	KUNIT_EXPECT_FALSE(test, quic_keys_update_pending(&p->a));
	KUNIT_EXPECT_FALSE(test, quic_keys_update_begins(&p->a));
	KUNIT_EXPECT_EQ(test, quic_test_open_updated(p, &p->b, pkt, &updated),
			0);
	KUNIT_EXPECT_TRUE(test, updated);
	KUNIT_EXPECT_FALSE(test, quic_keys_update_pending(&p->b));
	KUNIT_EXPECT_FALSE(test, quic_keys_update_begins(&p->b));
	KUNIT_EXPECT_TRUE(test, quic_keys_phase(&p->b));

	pkt = quic_test_seal(test, &p->b, 2);
	KUNIT_EXPECT_TRUE(test, pkt.phase);
	KUNIT_EXPECT_EQ(test, quic_test_open_updated(p, &p->a, pkt, &updated),
			0);
	KUNIT_EXPECT_FALSE(test, updated);

	/* only the acknowledgment allows the next one */
	KUNIT_EXPECT_EQ(test, quic_keys_update(&p->a, p->now), -EINVAL);
	KUNIT_EXPECT_EQ(test, quic_test_ack(p, &p->a, 1), 0);
	KUNIT_EXPECT_EQ(test, quic_keys_update(&p->a, p->now), -EINVAL);
	KUNIT_EXPECT_EQ(test, quic_test_ack(p, &p->a, 2), 0);
	p->now = ktime_add_us(p->now, 3 * QUIC_TEST_PTO_US);
	KUNIT_EXPECT_EQ(test, quic_keys_update(&p->a, p->now), 0);
	KUNIT_EXPECT_FALSE(test, quic_keys_phase(&p->a));
	quic_test_exchange(test, p, 3);
}

/* RFC 9001, 6.5: the next one waits for three PTOs, and then happens. */
static void quic_keys_test_update_again(struct kunit *test)
{
	struct quic_keys_pair *p = test->priv;
	ktime_t due;

	quic_test_exchange(test, p, 1);
	KUNIT_EXPECT_EQ(test, quic_keys_update(&p->a, p->now), 0);
	KUNIT_EXPECT_TRUE(test, quic_keys_phase(&p->a));
	quic_test_exchange(test, p, 2);
	p->now = ktime_add_us(p->now, QUIC_TEST_PTO_US);
	due = ktime_add_us(p->now, 2 * QUIC_TEST_PTO_US);

	KUNIT_EXPECT_EQ(test, quic_keys_update(&p->a, p->now), 0);
	KUNIT_EXPECT_EQ(test, quic_keys_update(&p->a, p->now), -EINVAL);
	KUNIT_EXPECT_EQ(test, quic_test_ack(p, &p->a, 2), 0);
	KUNIT_EXPECT_TRUE(test, quic_keys_phase(&p->a));
	KUNIT_EXPECT_EQ(test, quic_keys_expiry(&p->a), due);
	quic_keys_expire(&p->a, due - 1);
	KUNIT_EXPECT_TRUE(test, quic_keys_phase(&p->a));
	quic_keys_expire(&p->a, due);
	KUNIT_EXPECT_FALSE(test, quic_keys_phase(&p->a));
	KUNIT_EXPECT_EQ(test, quic_keys_expiry(&p->a), KTIME_MAX);
	p->now = due;
	quic_test_exchange(test, p, 3);
}

/* Asked for too early, it waits for its conditions (RFC 9001, 6.1). */
static void quic_keys_test_update_early(struct kunit *test)
{
	struct quic_keys_pair *p = test->priv;

	p->a.hs_confirmed = 0;
	quic_test_seal(test, &p->a, 0);
	KUNIT_EXPECT_EQ(test, quic_keys_update(&p->a, p->now), 0);
	KUNIT_EXPECT_EQ(test, quic_keys_update(&p->a, p->now), -EINVAL);
	KUNIT_EXPECT_EQ(test, quic_test_ack(p, &p->a, 0), 0);
	KUNIT_EXPECT_FALSE(test, quic_keys_phase(&p->a));
	quic_keys_on_confirmed(&p->a, p->now);
	KUNIT_EXPECT_TRUE(test, quic_keys_phase(&p->a));
}

/* Packets that were overtaken by the update open for three PTOs. */
static void quic_keys_test_reordered(struct kunit *test)
{
	struct quic_keys_pair *p = test->priv;
	struct quic_test_pkt old, late, pkt;

	quic_test_exchange(test, p, 1);
	old = quic_test_seal(test, &p->a, 2);
	late = quic_test_seal(test, &p->a, 3);
	KUNIT_EXPECT_EQ(test, quic_keys_update(&p->a, p->now), 0);
	pkt = quic_test_seal(test, &p->a, 4);

	KUNIT_EXPECT_EQ(test, quic_test_open(p, &p->b, pkt), 0);
	p->now = ktime_add_us(p->now, 3 * QUIC_TEST_PTO_US - 1);
	KUNIT_EXPECT_EQ(test, quic_test_open(p, &p->b, old), 0);
	KUNIT_EXPECT_TRUE(test, quic_keys_phase(&p->b));
	p->now = ktime_add_us(p->now, 1);
	KUNIT_EXPECT_EQ(test, quic_test_open(p, &p->b, late), -EBADMSG);
	KUNIT_EXPECT_EQ(test, p->b.rx_prev->cipher, 0);
	KUNIT_EXPECT_TRUE(test, !memchr_inv(p->b.rx_prev, 0,
					    sizeof(*p->b.rx_prev)));
}

static void quic_keys_test_expire(struct kunit *test)
{
	struct quic_keys_pair *p = test->priv;
	ktime_t due;

	quic_test_exchange(test, p, 1);
	KUNIT_EXPECT_EQ(test, quic_keys_expiry(&p->b), KTIME_MAX);
	KUNIT_EXPECT_EQ(test, quic_keys_update(&p->a, p->now), 0);
	KUNIT_EXPECT_EQ(test, quic_test_open(p, &p->b,
					     quic_test_seal(test, &p->a, 2)),
			0);
	due = quic_keys_expiry(&p->b);
	KUNIT_EXPECT_EQ(test, due, ktime_add_us(p->now, 3 * QUIC_TEST_PTO_US));
	quic_keys_expire(&p->b, due - 1);
	KUNIT_EXPECT_EQ(test, quic_keys_expiry(&p->b), due);
	quic_keys_expire(&p->b, due);
	KUNIT_EXPECT_EQ(test, quic_keys_expiry(&p->b), KTIME_MAX);
}

/* RFC 9001, 4.9.3: 0-RTT packets open for three PTOs after the first 1-RTT one. */
static void quic_keys_test_end_of_early(struct kunit *test)
{
	struct quic_keys_pair *p = test->priv;
	static const u8 secret[32];
	ktime_t due;

	KUNIT_ASSERT_EQ(test,
			quic_keys_install(&p->b, QUIC_CRYPTO_EARLY, false,
					  TLS_CIPHER_AES_GCM_128,
					  QUIC_VERSION_V1, secret, GFP_KERNEL),
			0);
	KUNIT_EXPECT_EQ(test, quic_keys_expiry(&p->b), KTIME_MAX);
	KUNIT_EXPECT_EQ(test, quic_test_open(p, &p->b,
					     quic_test_seal(test, &p->a, 1)),
			0);
	due = quic_keys_expiry(&p->b);
	KUNIT_EXPECT_EQ(test, due, ktime_add_us(p->now, 3 * QUIC_TEST_PTO_US));
	/* Later ones do not move it. */
	p->now = ktime_add_us(p->now, QUIC_TEST_PTO_US);
	KUNIT_EXPECT_EQ(test, quic_test_open(p, &p->b,
					     quic_test_seal(test, &p->a, 2)),
			0);
	KUNIT_EXPECT_EQ(test, quic_keys_expiry(&p->b), due);
	quic_keys_expire(&p->b, due - 1);
	KUNIT_EXPECT_NOT_NULL(test, quic_keys_rx(&p->b, QUIC_CRYPTO_EARLY));
	quic_keys_expire(&p->b, due);
	KUNIT_EXPECT_NULL(test, quic_keys_rx(&p->b, QUIC_CRYPTO_EARLY));
	KUNIT_EXPECT_EQ(test, quic_keys_expiry(&p->b), KTIME_MAX);
}

/* A forged phase bit costs nothing but the packet. */
static void quic_keys_test_forged_phase(struct kunit *test)
{
	struct quic_keys_pair *p = test->priv;
	struct quic_test_pkt pkt;

	quic_test_exchange(test, p, 1);
	pkt = quic_test_seal(test, &p->a, 2);
	pkt.phase = !pkt.phase;
	KUNIT_EXPECT_EQ(test, quic_test_open(p, &p->b, pkt), -EBADMSG);
	KUNIT_EXPECT_FALSE(test, quic_keys_phase(&p->b));
	KUNIT_EXPECT_EQ(test, p->b.forged, 1);
	quic_test_exchange(test, p, 3);
}

/* RFC 9001, 6.2: twice without waiting for us is an error ... */
static void quic_keys_test_update_twice(struct kunit *test)
{
	struct quic_keys_pair *p = test->priv;
	struct quic_test_pkt pkt;

	quic_test_exchange(test, p, 1);
	KUNIT_EXPECT_EQ(test, quic_keys_update(&p->a, p->now), 0);
	pkt = quic_test_seal(test, &p->a, 2);
	KUNIT_EXPECT_EQ(test, quic_test_open(p, &p->b, pkt), 0);

	/* a misbehaves */
	p->a.rx_phase = p->a.tx_phase;
	KUNIT_EXPECT_EQ(test, quic_test_ack(p, &p->a, 2), 0);
	p->now = ktime_add_us(p->now, 3 * QUIC_TEST_PTO_US);
	KUNIT_EXPECT_EQ(test, quic_keys_update(&p->a, p->now), 0);
	pkt = quic_test_seal(test, &p->a, 3);
	KUNIT_EXPECT_EQ(test, quic_test_open(p, &p->b, pkt),
			QUIC_TRANSPORT_ERROR_KEY_UPDATE);
}

/* ... and so is an acknowledgment of new keys under old ones. */
static void quic_keys_test_ack_under_old(struct kunit *test)
{
	struct quic_keys_pair *p = test->priv;

	quic_test_exchange(test, p, 1);
	KUNIT_EXPECT_EQ(test, quic_keys_update(&p->a, p->now), 0);
	KUNIT_EXPECT_EQ(test, quic_test_ack(p, &p->a, 2), 0);
	quic_test_seal(test, &p->a, 2);
	KUNIT_EXPECT_EQ(test, quic_test_ack(p, &p->a, 1), 0);
	KUNIT_EXPECT_EQ(test, quic_test_ack(p, &p->a, 2),
			QUIC_TRANSPORT_ERROR_KEY_UPDATE);
}

/* Both ends may have the idea at the same time. */
static void quic_keys_test_update_both(struct kunit *test)
{
	struct quic_keys_pair *p = test->priv;
	struct quic_test_pkt from_a, from_b;
	bool updated;

	quic_test_exchange(test, p, 1);
	KUNIT_EXPECT_EQ(test, quic_keys_update(&p->a, p->now), 0);
	KUNIT_EXPECT_EQ(test, quic_keys_update(&p->b, p->now), 0);
	from_a = quic_test_seal(test, &p->a, 2);
	from_b = quic_test_seal(test, &p->b, 2);
	KUNIT_EXPECT_EQ(test, quic_test_open_updated(p, &p->b, from_a,
						     &updated), 0);
	KUNIT_EXPECT_FALSE(test, updated);
	KUNIT_EXPECT_EQ(test, quic_test_open(p, &p->a, from_b), 0);
	KUNIT_EXPECT_TRUE(test, quic_keys_phase(&p->a));
	KUNIT_EXPECT_TRUE(test, quic_keys_phase(&p->b));
	quic_test_exchange(test, p, 3);
}

/* RFC 9001, 6.6. */
static void quic_keys_test_limits(struct kunit *test)
{
	struct quic_keys_pair *p = test->priv;
	u64 limit = quic_key_seal_limit(quic_keys_tx(&p->a, QUIC_CRYPTO_APP));
	struct quic_test_pkt pkt;

	/* half worn out, the next acknowledgment brings new keys */
	quic_test_exchange(test, p, 1);
	p->a.sealed = limit / 2 - 1;
	quic_test_seal(test, &p->a, 2);
	KUNIT_EXPECT_FALSE(test, quic_keys_phase(&p->a));
	KUNIT_EXPECT_EQ(test, quic_test_ack(p, &p->a, 2), 0);
	KUNIT_EXPECT_TRUE(test, quic_keys_phase(&p->a));
	KUNIT_EXPECT_EQ(test, p->a.sealed, 0);

	p->a.sealed = limit - 1;
	pkt = quic_test_seal(test, &p->a, 3);
	KUNIT_EXPECT_EQ(test, quic_keys_seal(&p->a, QUIC_CRYPTO_APP, 4, NULL,
					     pkt.data, QUIC_TEST_HDR_LEN, 8),
			-EKEYEXPIRED);

	p->b.forged = quic_key_open_limit(quic_keys_rx(&p->b,
						       QUIC_CRYPTO_APP)) - 2;
	memset(pkt.data, 0, sizeof(pkt.data));
	KUNIT_EXPECT_EQ(test, quic_test_open(p, &p->b, pkt), -EBADMSG);
	KUNIT_EXPECT_EQ(test, quic_test_open(p, &p->b, pkt),
			QUIC_TRANSPORT_ERROR_AEAD_LIMIT_REACHED);
}

/* disable_1rtt_encryption: the payload as it is, phases as ever. */
static void quic_keys_test_waived(struct kunit *test)
{
	struct quic_keys_pair *p = test->priv;
	struct quic_test_pkt pkt;
	u8 i;

	quic_keys_waive(&p->a);
	quic_keys_waive(&p->b);
	quic_test_exchange(test, p, 1);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, quic_keys_update(&p->a, p->now), 0);
		KUNIT_EXPECT_EQ(test, quic_keys_phase(&p->a), !(i & 1));
		pkt = quic_test_seal(test, &p->a, 2 + i);
		KUNIT_EXPECT_PTR_EQ(test, memchr_inv(pkt.data + 1, 0,
						     sizeof(pkt.data) - 1),
				    NULL);
		KUNIT_EXPECT_EQ(test, quic_test_open(p, &p->b, pkt), 0);
		quic_test_exchange(test, p, 10 + i);
		p->now = ktime_add_us(p->now, 3 * QUIC_TEST_PTO_US);
	}
	/* What is protected, or a stateless reset, does not pass for one. */
	pkt = quic_test_seal(test, &p->a, 20);
	pkt.data[QUIC_TEST_LEN - 1] = 1;
	KUNIT_EXPECT_EQ(test, quic_test_open(p, &p->b, pkt), -EBADMSG);
}

/* Only one end does without: nothing gets through. */
static void quic_keys_test_waived_alone(struct kunit *test)
{
	struct quic_keys_pair *p = test->priv;

	quic_keys_waive(&p->a);
	KUNIT_EXPECT_EQ(test, quic_test_open(p, &p->b,
					     quic_test_seal(test, &p->a, 1)),
			-EBADMSG);
	KUNIT_EXPECT_EQ(test, quic_test_open(p, &p->a,
					     quic_test_seal(test, &p->b, 1)),
			-EBADMSG);
}

struct quic_limit_case {
	u32 cipher;
	u64 seal;
	u64 open;
};

/* RFC 9001, 6.6 and B; 2^21.5 is rounded down. */
static const struct quic_limit_case quic_limit_cases[] = {
	{ TLS_CIPHER_AES_GCM_128, 1ULL << 23, 1ULL << 52 },
	{ TLS_CIPHER_AES_GCM_256, 1ULL << 23, 1ULL << 52 },
	{ TLS_CIPHER_AES_CCM_128, 2965820, 2965820 },
	{ TLS_CIPHER_CHACHA20_POLY1305, 1ULL << 62, 1ULL << 36 },
};

static void quic_keys_test_limit_of_cipher(struct kunit *test)
{
	u8 secret[QUIC_SECRET_MAX] = { 1 };
	u8 pkt[QUIC_TEST_LEN] = { 0x40 };
	const struct quic_limit_case *c;
	struct quic_keys keys;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(quic_limit_cases); i++) {
		c = &quic_limit_cases[i];
		quic_keys_init(&keys);
		KUNIT_ASSERT_EQ(test, quic_keys_install(&keys, QUIC_CRYPTO_APP,
							true, c->cipher,
							QUIC_VERSION_V1, secret,
							GFP_KERNEL), 0);
		KUNIT_EXPECT_EQ(test, quic_key_open_limit(keys.tx[0]), c->open);
		keys.sealed = c->seal - 1;
		KUNIT_EXPECT_EQ(test, quic_keys_seal(&keys, QUIC_CRYPTO_APP, 1,
						     NULL, pkt,
						     QUIC_TEST_HDR_LEN, 8), 0);
		KUNIT_EXPECT_EQ(test, quic_keys_seal(&keys, QUIC_CRYPTO_APP, 2,
						     NULL, pkt,
						     QUIC_TEST_HDR_LEN, 8),
				-EKEYEXPIRED);
		quic_keys_destroy(&keys);
	}
}

static void quic_keys_test_levels(struct kunit *test)
{
	static const struct quic_cid dcid = { .len = 8, .data = { 1, 2, 3 } };
	u8 secret[QUIC_SECRET_MAX] = {};
	u8 pkt[QUIC_TEST_LEN] = { 0xc0 };
	struct quic_open o = {
		.pkt		= pkt,
		.hdr_len	= QUIC_TEST_HDR_LEN,
		.len		= sizeof(pkt),
		.level		= QUIC_CRYPTO_INITIAL,
	};
	struct quic_keys keys, peer;

	quic_keys_init(&keys);
	quic_keys_init(&peer);
	KUNIT_EXPECT_NULL(test, quic_keys_tx(&keys, QUIC_CRYPTO_INITIAL));
	KUNIT_EXPECT_EQ(test, quic_keys_open(&keys, &o), -ENOKEY);

	KUNIT_ASSERT_EQ(test, quic_keys_initial(&keys, QUIC_VERSION_V1, &dcid,
						true, GFP_KERNEL), 0);
	KUNIT_ASSERT_EQ(test, quic_keys_initial(&peer, QUIC_VERSION_V1, &dcid,
						false, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, quic_keys_seal(&peer, QUIC_CRYPTO_INITIAL, 0,
					     NULL, pkt, QUIC_TEST_HDR_LEN, 8),
			0);
	KUNIT_EXPECT_EQ(test, quic_keys_open(&keys, &o), 0);

	quic_keys_discard(&keys, QUIC_CRYPTO_INITIAL);
	KUNIT_EXPECT_NULL(test, quic_keys_rx(&keys, QUIC_CRYPTO_INITIAL));
	KUNIT_EXPECT_EQ(test, quic_keys_open(&keys, &o), -ENOKEY);

	KUNIT_EXPECT_EQ(test, quic_keys_install(&keys, QUIC_CRYPTO_HANDSHAKE,
						true, TLS_CIPHER_SM4_GCM,
						QUIC_VERSION_V1, secret,
						GFP_KERNEL), -EINVAL);
	KUNIT_EXPECT_NULL(test, quic_keys_tx(&keys, QUIC_CRYPTO_HANDSHAKE));
	quic_keys_destroy(&keys);
	quic_keys_destroy(&peer);
}

static struct kunit_case quic_keys_cases[] = {
	KUNIT_CASE(quic_keys_test_levels),
	KUNIT_CASE(quic_keys_test_update),
	KUNIT_CASE(quic_keys_test_update_early),
	KUNIT_CASE(quic_keys_test_update_again),
	KUNIT_CASE(quic_keys_test_reordered),
	KUNIT_CASE(quic_keys_test_expire),
	KUNIT_CASE(quic_keys_test_end_of_early),
	KUNIT_CASE(quic_keys_test_forged_phase),
	KUNIT_CASE(quic_keys_test_update_twice),
	KUNIT_CASE(quic_keys_test_ack_under_old),
	KUNIT_CASE(quic_keys_test_update_both),
	KUNIT_CASE(quic_keys_test_limits),
	KUNIT_CASE(quic_keys_test_waived),
	KUNIT_CASE(quic_keys_test_waived_alone),
	KUNIT_CASE(quic_keys_test_limit_of_cipher),
	{}
};

static struct kunit_suite quic_keys_suite = {
	.name		= "quic_keys",
	.init		= quic_keys_test_init,
	.exit		= quic_keys_test_exit,
	.test_cases	= quic_keys_cases,
};

kunit_test_suite(quic_keys_suite);
