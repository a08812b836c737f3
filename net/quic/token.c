// SPDX-License-Identifier: GPL-2.0-only

#include <crypto/chacha20poly1305.h>
#include <linux/bitmap.h>
#include <linux/random.h>
#include <linux/unaligned.h>

#include "token.h"

/* An address validation token is
 *
 *	kind (1), nonce (24), XChaCha20-Poly1305 of { issue time in ms (8), and
 *	for Retry: length (1) and bytes of ODCID, of our SCID }, tag (16)
 *
 * bound to the client's address and to the QUIC version (RFC 9369, 5) as
 * associated data. The random nonce is long
 * enough for one secret to serve any number of tokens. The kind tells the two
 * uses apart (RFC 9000, 8.1.1) and what to do when the token does not open.
 */
#define QUIC_TOKEN_KIND_RETRY	0x52
#define QUIC_TOKEN_KIND_NEW	0x4e

#define QUIC_TOKEN_NONCE_LEN	XCHACHA20POLY1305_NONCE_SIZE
#define QUIC_TOKEN_OVERHEAD	(1 + QUIC_TOKEN_NONCE_LEN + QUIC_TAG_LEN)
#define QUIC_TOKEN_NEW_LEN	sizeof(u64)
#define QUIC_TOKEN_RETRY_MIN	(sizeof(u64) + 1 + 1)
#define QUIC_TOKEN_RETRY_MAX	(QUIC_TOKEN_RETRY_MIN + 2 * QUIC_CID_MAX_LEN)

#define QUIC_TOKEN_RETRY_MS	3000
#define QUIC_TOKEN_NEW_MS	600000

/* A secret makes tokens for so long, and is recognised for as long again. A
 * connection keeps that which it was accepted with: what it gives out much later,
 * to a client that moves, validates nothing.
 */
#define QUIC_TOKEN_SECRET_MS	(12 * 60 * 60 * MSEC_PER_SEC)

/* Used tokens are remembered in so many bits, four for each. */
#define QUIC_TOKEN_USED_BITS	(U16_MAX + 1)
#define QUIC_TOKEN_USED_EACH	4

/* Associated data: kind, version, address and, for Retry, port. */
struct quic_token_ad {
	u8 len;
	u8 data[1 + sizeof(u32) + sizeof(struct in6_addr) + sizeof(__be16)];
};

static_assert(QUIC_TOKEN_OVERHEAD + QUIC_TOKEN_RETRY_MAX <= QUIC_TOKEN_MAX);

/**
 * quic_token_secret_init - make a secret
 * @secret: what to fill with random bytes
 */
void quic_token_secret_init(struct quic_token_secret *secret)
{
	get_random_bytes(secret, sizeof(*secret));
}

/**
 * quic_token_past_init - begin with a secret that has had no predecessor
 * @past: what to initialise
 * @now: current time
 */
void quic_token_past_init(struct quic_token_past *past, ktime_t now)
{
	/* Zeros would be a secret that everybody knows. */
	quic_token_secret_init(&past->secret);
	past->since = now;
}

/**
 * quic_token_renewal_due - has a secret been in use long enough
 * @past: of the listener
 * @now: current time
 *
 * Return: whether quic_token_renew() is to be called.
 */
bool quic_token_renewal_due(const struct quic_token_past *past, ktime_t now)
{
	return ktime_ms_delta(now, past->since) >= QUIC_TOKEN_SECRET_MS;
}

/**
 * quic_token_renew - make address validation tokens with another secret
 * @secret: of the listener; what it derives else stays as it is
 * @past: gets the one before
 * @now: current time
 *
 * Tickets live longer than tokens, and bring the same key only with the same
 * secret.
 */
void quic_token_renew(struct quic_token_secret *secret,
		      struct quic_token_past *past, ktime_t now)
{
	past->secret = *secret;
	past->since = now;
	get_random_bytes(secret->seal, sizeof(secret->seal));
}

static u32 quic_token_ip(const union quic_addr *peer, const void **ip)
{
	if (peer->sa.sa_family == AF_INET6) {
		*ip = &peer->v6.sin6_addr;
		return sizeof(peer->v6.sin6_addr);
	}
	*ip = &peer->v4.sin_addr;
	return sizeof(peer->v4.sin_addr);
}

/* A Retry is answered from the same port at once; the client that comes back
 * with a NEW_TOKEN token has another one (RFC 9000, 8.1.3 and 8.1.4).
 */
static void quic_token_ad(struct quic_token_ad *ad, u8 kind, u32 version,
			  const union quic_addr *peer)
{
	__be16 port = peer->sa.sa_family == AF_INET6 ? peer->v6.sin6_port
						     : peer->v4.sin_port;
	const void *ip;
	u32 len;

	len = quic_token_ip(peer, &ip);
	ad->data[0] = kind;
	put_unaligned_be32(version, ad->data + 1);
	ad->len = 1 + sizeof(version);
	memcpy(ad->data + ad->len, ip, len);
	ad->len += len;
	if (kind == QUIC_TOKEN_KIND_RETRY) {
		memcpy(ad->data + ad->len, &port, sizeof(port));
		ad->len += sizeof(port);
	}
}

static u32 quic_token_seal(const struct quic_token_secret *secret, u8 kind,
			   u32 version, const union quic_addr *peer,
			   const u8 *plain, u32 len, u8 *token)
{
	u8 *nonce = token + 1;
	struct quic_token_ad ad;

	quic_token_ad(&ad, kind, version, peer);
	token[0] = kind;
	get_random_bytes(nonce, QUIC_TOKEN_NONCE_LEN);
	xchacha20poly1305_encrypt(nonce + QUIC_TOKEN_NONCE_LEN, plain, len,
				  ad.data, ad.len, nonce, secret->seal);
	return QUIC_TOKEN_OVERHEAD + len;
}

static u8 *quic_token_put_cid(u8 *p, const struct quic_cid *cid)
{
	*p++ = cid->len;
	memcpy(p, cid->data, cid->len);
	return p + cid->len;
}

/**
 * quic_token_retry - make the token of a Retry packet (RFC 9000, 8.1.2)
 * @secret: secret of the listener
 * @version: version of the Initial packet
 * @peer: where it came from
 * @odcid: its Destination Connection ID
 * @rscid: Source Connection ID of the Retry packet
 * @now: current time
 * @token: the token
 *
 * Return: length of the token.
 */
u32 quic_token_retry(const struct quic_token_secret *secret, u32 version,
		     const union quic_addr *peer, const struct quic_cid *odcid,
		     const struct quic_cid *rscid, ktime_t now,
		     u8 token[QUIC_TOKEN_MAX])
{
	u8 plain[QUIC_TOKEN_RETRY_MAX];
	u8 *p = plain + sizeof(u64);

	put_unaligned_be64(ktime_to_ms(now), plain);
	p = quic_token_put_cid(p, odcid);
	p = quic_token_put_cid(p, rscid);
	return quic_token_seal(secret, QUIC_TOKEN_KIND_RETRY, version, peer,
			       plain, p - plain, token);
}

/**
 * quic_token_new - make the token of a NEW_TOKEN frame (RFC 9000, 8.1.3)
 * @secret: secret of the listener
 * @version: version that was negotiated: the client may use the token with no
 *	     other one
 * @peer: address of the client
 * @now: current time
 * @token: the token
 *
 * Return: length of the token.
 */
u32 quic_token_new(const struct quic_token_secret *secret, u32 version,
		   const union quic_addr *peer, ktime_t now,
		   u8 token[QUIC_TOKEN_MAX])
{
	u8 plain[QUIC_TOKEN_NEW_LEN];

	put_unaligned_be64(ktime_to_ms(now), plain);
	return quic_token_seal(secret, QUIC_TOKEN_KIND_NEW, version, peer,
			       plain, sizeof(plain), token);
}

/* Opens a token into plain, which begins with the issue time. Returns the
 * length of plain, 0 when the token is not ours, for another address or late.
 */
static u32 quic_token_open(const struct quic_token_secret *secret, u32 version,
			   const union quic_addr *peer, const u8 *token,
			   u32 len, u64 now_ms, u32 life_ms, u8 *plain)
{
	const u8 *nonce = token + 1;
	struct quic_token_ad ad;
	u64 issued_ms;

	quic_token_ad(&ad, token[0], version, peer);
	if (!xchacha20poly1305_decrypt(plain, nonce + QUIC_TOKEN_NONCE_LEN,
				       len - 1 - QUIC_TOKEN_NONCE_LEN, ad.data,
				       ad.len, nonce, secret->seal))
		return 0;
	issued_ms = get_unaligned_be64(plain);
	if (issued_ms > now_ms || now_ms - issued_ms > life_ms)
		return 0;
	return len - QUIC_TOKEN_OVERHEAD;
}

static const u8 *quic_token_get_cid(const u8 *p, const u8 *end,
				    struct quic_cid *cid)
{
	if (!p || p == end || *p > QUIC_CID_MAX_LEN || *p > end - p - 1)
		return NULL;
	cid->len = *p++;
	memcpy(cid->data, p, cid->len);
	return p + cid->len;
}

static enum quic_token_verdict
quic_token_check_retry(const struct quic_token_secret *secret, u32 version,
		       const union quic_addr *peer,
		       const struct quic_cid *dcid, const u8 *token, u32 len,
		       u64 now_ms, struct quic_token_result *res)
{
	u8 plain[QUIC_TOKEN_RETRY_MAX];
	const u8 *p = plain + sizeof(u64);
	u32 plain_len;

	plain_len = quic_token_open(secret, version, peer, token, len, now_ms,
				    QUIC_TOKEN_RETRY_MS, plain);
	if (!plain_len)
		return QUIC_TOKEN_BAD_RETRY;
	p = quic_token_get_cid(p, plain + plain_len, &res->odcid);
	p = quic_token_get_cid(p, plain + plain_len, &res->rscid);
	/* RFC 9000, 17.2.5.2: the client now uses the ID that we gave it. */
	if (!p || !quic_cid_equal(dcid, &res->rscid))
		return QUIC_TOKEN_BAD_RETRY;
	return QUIC_TOKEN_RETRY;
}

/**
 * quic_token_check - validate the token of a client's Initial packet
 * @secret: secret of the listener
 * @version: version of the packet
 * @peer: where it came from
 * @dcid: its Destination Connection ID
 * @token: the token
 * @len: its length, maybe 0
 * @now: current time
 * @res: the result
 *
 * RFC 9000, 8.1.3. Anything that does not look like one of our own Retry tokens
 * only fails to validate the address.
 */
void quic_token_check(const struct quic_token_secret *secret, u32 version,
		      const union quic_addr *peer, const struct quic_cid *dcid,
		      const u8 *token, u32 len, ktime_t now,
		      struct quic_token_result *res)
{
	u64 now_ms = ktime_to_ms(now);
	u8 plain[QUIC_TOKEN_NEW_LEN];

	res->verdict = QUIC_TOKEN_NONE;
	if (len == QUIC_TOKEN_OVERHEAD + QUIC_TOKEN_NEW_LEN &&
	    token[0] == QUIC_TOKEN_KIND_NEW) {
		if (quic_token_open(secret, version, peer, token, len, now_ms,
				    QUIC_TOKEN_NEW_MS, plain))
			res->verdict = QUIC_TOKEN_NEW;
	} else if (len >= QUIC_TOKEN_OVERHEAD + QUIC_TOKEN_RETRY_MIN &&
		   len <= QUIC_TOKEN_OVERHEAD + QUIC_TOKEN_RETRY_MAX &&
		   token[0] == QUIC_TOKEN_KIND_RETRY) {
		res->verdict = quic_token_check_retry(secret, version, peer,
						      dcid, token, len, now_ms,
						      res);
	}
}

/* A new period begins when this one has lasted as long as a token. */
static void quic_token_used_turn(struct quic_token_used *used, ktime_t now)
{
	s64 ms = ktime_ms_delta(now, used->since);

	if (ms < QUIC_TOKEN_NEW_MS)
		return;
	swap(used->bits[0], used->bits[1]);
	bitmap_zero(used->bits[0], QUIC_TOKEN_USED_BITS);
	if (ms >= 2 * QUIC_TOKEN_NEW_MS)
		bitmap_zero(used->bits[1], QUIC_TOKEN_USED_BITS);
	used->since = now;
}

static bool quic_token_used_begin(struct quic_token_used *used, ktime_t now)
{
	if (used->bits[1])
		return true;
	if (!used->bits[0])
		used->bits[0] = bitmap_zalloc(QUIC_TOKEN_USED_BITS, GFP_KERNEL);
	if (used->bits[0])
		used->bits[1] = bitmap_zalloc(QUIC_TOKEN_USED_BITS, GFP_KERNEL);
	used->since = now;
	return used->bits[1];
}

/**
 * quic_token_use - use a NEW_TOKEN token, which works once
 * @used: those that were used
 * @token: a token that quic_token_check() has found good
 * @now: current time
 *
 * RFC 9000, 8.1.4. The nonce of a token is random and authentic, so that its
 * bits serve as hash values.
 *
 * Context: process.
 * Return: whether it was not used before, as far as can be told.
 */
bool quic_token_use(struct quic_token_used *used, const u8 *token, ktime_t now)
{
	bool fresh[2] = {};
	u32 i, bit;

	if (!quic_token_used_begin(used, now))
		return false;
	quic_token_used_turn(used, now);
	for (i = 0; i < QUIC_TOKEN_USED_EACH; i++) {
		bit = get_unaligned_be16(token + 1 + i * sizeof(u16));
		fresh[0] |= !__test_and_set_bit(bit, used->bits[0]);
		fresh[1] |= !test_bit(bit, used->bits[1]);
	}
	return fresh[0] && fresh[1];
}

/**
 * quic_token_used_free - forget which tokens were used
 * @used: those that were
 */
void quic_token_used_free(struct quic_token_used *used)
{
	bitmap_free(used->bits[0]);
	bitmap_free(used->bits[1]);
}

/**
 * quic_token_reset_key_init - make a key of stateless reset tokens
 * @key: the key, with the blocks hashed that are the same for each token
 */
void quic_token_reset_key_init(struct hmac_sha256_key *key)
{
	u8 random[SHA256_DIGEST_SIZE];

	get_random_bytes(random, sizeof(random));
	hmac_sha256_preparekey(key, random, sizeof(random));
	memzero_explicit(random, sizeof(random));
}

/**
 * quic_token_reset - stateless reset token of one of our IDs
 * @key: key of the network namespace
 * @cid: the connection ID
 * @token: the token
 *
 * RFC 9000, 10.3.2: a keyed function of the ID, so that it can be made again
 * when the connection is gone.
 */
void quic_token_reset(const struct hmac_sha256_key *key,
		      const struct quic_cid *cid,
		      u8 token[QUIC_RESET_TOKEN_LEN])
{
	u8 mac[SHA256_DIGEST_SIZE];

	hmac_sha256(key, cid->data, cid->len, mac);
	memcpy(token, mac, QUIC_RESET_TOKEN_LEN);
	memzero_explicit(mac, sizeof(mac));
}

/**
 * quic_token_ticket_key - key with which TLS makes session tickets
 * @secret: secret of the listener, inherited by the accepted socket
 * @version: version of the connection
 * @peer: address of the client; the port does not matter
 * @key: the key, the same for every connection of that client in this version
 *	 (RFC 9369, 5)
 */
void quic_token_ticket_key(const struct quic_token_secret *secret, u32 version,
			   const union quic_addr *peer,
			   u8 key[QUIC_TICKET_KEY_LEN])
{
	u8 data[sizeof(version) + sizeof(struct in6_addr)];
	const void *ip;
	u32 len;

	static_assert(QUIC_TICKET_KEY_LEN == SHA512_DIGEST_SIZE);
	len = quic_token_ip(peer, &ip);
	put_unaligned_be32(version, data);
	memcpy(data + sizeof(version), ip, len);
	hmac_sha512_usingrawkey(secret->mac, sizeof(secret->mac), data,
				sizeof(version) + len, key);
}
