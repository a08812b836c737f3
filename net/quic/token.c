// SPDX-License-Identifier: GPL-2.0-only

#include <crypto/chacha20poly1305.h>
#include <crypto/sha2.h>
#include <linux/random.h>
#include <linux/unaligned.h>

#include "token.h"

/* An address validation token is
 *
 *	kind (1), nonce (24), XChaCha20-Poly1305 of { issue time in ms (8), and
 *	for Retry: length (1) and bytes of ODCID, of our SCID }, tag (16)
 *
 * bound to the client's address as associated data. The random nonce is long
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

/* Associated data: kind, address and, for Retry, port. */
struct quic_token_ad {
	u8 len;
	u8 data[1 + sizeof(struct in6_addr) + sizeof(__be16)];
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
static void quic_token_ad(struct quic_token_ad *ad, u8 kind,
			  const union quic_addr *peer)
{
	__be16 port = peer->sa.sa_family == AF_INET6 ? peer->v6.sin6_port
						     : peer->v4.sin_port;
	const void *ip;
	u32 len;

	len = quic_token_ip(peer, &ip);
	ad->data[0] = kind;
	memcpy(ad->data + 1, ip, len);
	ad->len = 1 + len;
	if (kind == QUIC_TOKEN_KIND_RETRY) {
		memcpy(ad->data + ad->len, &port, sizeof(port));
		ad->len += sizeof(port);
	}
}

static u32 quic_token_seal(const struct quic_token_secret *secret, u8 kind,
			   const union quic_addr *peer, const u8 *plain,
			   u32 len, u8 *token)
{
	u8 *nonce = token + 1;
	struct quic_token_ad ad;

	quic_token_ad(&ad, kind, peer);
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
 * @peer: where the Initial packet came from
 * @odcid: its Destination Connection ID
 * @rscid: Source Connection ID of the Retry packet
 * @now: current time
 * @token: the token
 *
 * Return: length of the token.
 */
u32 quic_token_retry(const struct quic_token_secret *secret,
		     const union quic_addr *peer, const struct quic_cid *odcid,
		     const struct quic_cid *rscid, ktime_t now,
		     u8 token[QUIC_TOKEN_MAX])
{
	u8 plain[QUIC_TOKEN_RETRY_MAX];
	u8 *p = plain + sizeof(u64);

	put_unaligned_be64(ktime_to_ms(now), plain);
	p = quic_token_put_cid(p, odcid);
	p = quic_token_put_cid(p, rscid);
	return quic_token_seal(secret, QUIC_TOKEN_KIND_RETRY, peer, plain,
			       p - plain, token);
}

/**
 * quic_token_new - make the token of a NEW_TOKEN frame (RFC 9000, 8.1.3)
 * @secret: secret of the listener
 * @peer: address of the client
 * @now: current time
 * @token: the token
 *
 * Return: length of the token.
 */
u32 quic_token_new(const struct quic_token_secret *secret,
		   const union quic_addr *peer, ktime_t now,
		   u8 token[QUIC_TOKEN_MAX])
{
	u8 plain[QUIC_TOKEN_NEW_LEN];

	put_unaligned_be64(ktime_to_ms(now), plain);
	return quic_token_seal(secret, QUIC_TOKEN_KIND_NEW, peer, plain,
			       sizeof(plain), token);
}

/* Opens a token into plain, which begins with the issue time. Returns the
 * length of plain, 0 when the token is not ours, for another address or late.
 */
static u32 quic_token_open(const struct quic_token_secret *secret,
			   const union quic_addr *peer, const u8 *token,
			   u32 len, u64 now_ms, u32 life_ms, u8 *plain)
{
	const u8 *nonce = token + 1;
	struct quic_token_ad ad;
	u64 issued_ms;

	quic_token_ad(&ad, token[0], peer);
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
quic_token_check_retry(const struct quic_token_secret *secret,
		       const union quic_addr *peer,
		       const struct quic_cid *dcid, const u8 *token, u32 len,
		       u64 now_ms, struct quic_token_result *res)
{
	u8 plain[QUIC_TOKEN_RETRY_MAX];
	const u8 *p = plain + sizeof(u64);
	u32 plain_len;

	plain_len = quic_token_open(secret, peer, token, len, now_ms,
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
 * @peer: where the packet came from
 * @dcid: its Destination Connection ID
 * @token: the token
 * @len: its length, maybe 0
 * @now: current time
 * @res: the result
 *
 * RFC 9000, 8.1.3. Anything that does not look like one of our own Retry tokens
 * only fails to validate the address.
 */
void quic_token_check(const struct quic_token_secret *secret,
		      const union quic_addr *peer, const struct quic_cid *dcid,
		      const u8 *token, u32 len, ktime_t now,
		      struct quic_token_result *res)
{
	u64 now_ms = ktime_to_ms(now);
	u8 plain[QUIC_TOKEN_NEW_LEN];

	res->verdict = QUIC_TOKEN_NONE;
	if (len == QUIC_TOKEN_OVERHEAD + QUIC_TOKEN_NEW_LEN &&
	    token[0] == QUIC_TOKEN_KIND_NEW) {
		if (quic_token_open(secret, peer, token, len, now_ms,
				    QUIC_TOKEN_NEW_MS, plain))
			res->verdict = QUIC_TOKEN_NEW;
	} else if (len >= QUIC_TOKEN_OVERHEAD + QUIC_TOKEN_RETRY_MIN &&
		   len <= QUIC_TOKEN_OVERHEAD + QUIC_TOKEN_RETRY_MAX &&
		   token[0] == QUIC_TOKEN_KIND_RETRY) {
		res->verdict = quic_token_check_retry(secret, peer, dcid, token,
						      len, now_ms, res);
	}
}

/**
 * quic_token_reset - stateless reset token of one of our IDs
 * @secret: secret of the network namespace
 * @cid: the connection ID
 * @token: the token
 *
 * RFC 9000, 10.3.2: a keyed function of the ID, so that it can be made again
 * when the connection is gone.
 */
void quic_token_reset(const struct quic_token_secret *secret,
		      const struct quic_cid *cid,
		      u8 token[QUIC_RESET_TOKEN_LEN])
{
	u8 mac[SHA256_DIGEST_SIZE];

	hmac_sha256_usingrawkey(secret->mac, sizeof(secret->mac), cid->data,
				cid->len, mac);
	memcpy(token, mac, QUIC_RESET_TOKEN_LEN);
	memzero_explicit(mac, sizeof(mac));
}

/**
 * quic_token_ticket_key - key with which TLS makes session tickets
 * @secret: secret of the listener, inherited by the accepted socket
 * @peer: address of the client; the port does not matter
 * @key: the key, the same for every connection of that client
 */
void quic_token_ticket_key(const struct quic_token_secret *secret,
			   const union quic_addr *peer,
			   u8 key[QUIC_TICKET_KEY_LEN])
{
	const void *ip;
	u32 len;

	static_assert(QUIC_TICKET_KEY_LEN == SHA512_DIGEST_SIZE);
	len = quic_token_ip(peer, &ip);
	hmac_sha512_usingrawkey(secret->mac, sizeof(secret->mac), ip, len, key);
}
