// SPDX-License-Identifier: GPL-2.0-only

#include <crypto/poly1305.h>
#include <crypto/scatterwalk.h>
#include <crypto/sha2.h>
#include <crypto/utils.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/scatterlist.h>
#include <linux/unaligned.h>
#include <uapi/linux/tls.h>

#include "crypto.h"

#define QUIC_HASH_MAX		SHA384_DIGEST_SIZE
#define QUIC_AEAD_KEY_MAX	32
#define QUIC_INITIAL_SALT_LEN	20
#define QUIC_LABEL_MAX		16

/* What differs between versions (RFC 9001, 5 and 5.8; RFC 9369, 3.3). */
struct quic_version_crypto {
	u32 version;
	u8 initial_salt[QUIC_INITIAL_SALT_LEN];
	u8 retry_key[AES_KEYSIZE_128];
	u8 retry_nonce[QUIC_IV_LEN];
	const char *label_key;
	const char *label_iv;
	const char *label_hp;
	const char *label_ku;
};

static const struct quic_version_crypto quic_versions[] = {
	{
		.version	= QUIC_VERSION_V1,
		.initial_salt	= {
			0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3,
			0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad,
			0xcc, 0xbb, 0x7f, 0x0a,
		},
		.retry_key	= {
			0xbe, 0x0c, 0x69, 0x0b, 0x9f, 0x66, 0x57, 0x5a,
			0x1d, 0x76, 0x6b, 0x54, 0xe3, 0x68, 0xc8, 0x4e,
		},
		.retry_nonce	= {
			0x46, 0x15, 0x99, 0xd3, 0x5d, 0x63, 0x2b, 0xf2,
			0x23, 0x98, 0x25, 0xbb,
		},
		.label_key	= "quic key",
		.label_iv	= "quic iv",
		.label_hp	= "quic hp",
		.label_ku	= "quic ku",
	}, {
		.version	= QUIC_VERSION_V2,
		.initial_salt	= {
			0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb,
			0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb,
			0xf9, 0xbd, 0x2e, 0xd9,
		},
		.retry_key	= {
			0x8f, 0xb4, 0xb0, 0x1b, 0x56, 0xac, 0x48, 0xe2,
			0x60, 0xfb, 0xcb, 0xce, 0xad, 0x7c, 0xcc, 0x92,
		},
		.retry_nonce	= {
			0xd8, 0x69, 0x69, 0xbc, 0x2d, 0x7c, 0x6d, 0x99,
			0x90, 0xef, 0xb0, 0x4a,
		},
		.label_key	= "quicv2 key",
		.label_iv	= "quicv2 iv",
		.label_hp	= "quicv2 hp",
		.label_ku	= "quicv2 ku",
	},
};

/* Unknown versions never get this far; an unnegotiated one is version 1. */
static const struct quic_version_crypto *quic_version_crypto(u32 version)
{
	u32 i;

	for (i = 1; i < ARRAY_SIZE(quic_versions); i++)
		if (quic_versions[i].version == version)
			return &quic_versions[i];
	return &quic_versions[0];
}

/* ChaCha20-Poly1305 (RFC 8439, 2.8) over a message in pieces; the library's
 * own takes 64-bit nonces and whole messages only.
 */
struct quic_chacha_ctx {
	struct chacha_state stream;
	struct poly1305_desc_ctx mac;
	u8 block[CHACHA_BLOCK_SIZE];	/* key stream not used up ... */
	u32 used;			/* ... from here on */
	u32 aad_len;
	u32 len;
};

struct quic_aead_ctx {
	union {
		struct aes_gcm_ctx gcm;
		struct aes_ccm_ctx ccm;
		struct quic_chacha_ctx chacha;
	};
};

/* One AEAD with the header protection that goes with it (RFC 9001, 5.3, 5.4). */
struct quic_cipher {
	u8 key_len;
	u8 secret_len;
	u64 seal_limit;		/* packets per key (RFC 9001, 6.6) */
	u64 open_limit;		/* forged packets per connection */
	void (*set_key)(struct quic_key *key, const u8 *raw);
	void (*set_hp)(struct quic_key *key, const u8 *raw);
	void (*hp_block)(const struct quic_key *key, const u8 *sample,
			 u8 block[AES_BLOCK_SIZE]);
	void (*start)(struct quic_aead_ctx *ctx, const struct quic_key *key,
		      const u8 *nonce, const u8 *aad, u32 aad_len, u32 len);
	void (*encrypt)(struct quic_aead_ctx *ctx, u8 *dst, const u8 *src,
			u32 len);
	void (*finish)(struct quic_aead_ctx *ctx, u8 *tag);
	int (*decrypt)(const struct quic_key *key, const u8 *nonce,
		       const u8 *aad, u32 aad_len, u8 *data, u32 len);
};

static void quic_gcm_set_key(struct quic_key *key, const u8 *raw)
{
	u32 len = key->cipher == TLS_CIPHER_AES_GCM_256 ? AES_KEYSIZE_256
							 : AES_KEYSIZE_128;

	WARN_ON_ONCE(aes_gcm_preparekey(&key->aead.gcm, raw, len,
					QUIC_TAG_LEN));
	quic_gcm_key_set(&key->api, raw, len);
}

static void quic_gcm_start(struct quic_aead_ctx *ctx,
			   const struct quic_key *key, const u8 *nonce,
			   const u8 *aad, u32 aad_len, u32 len)
{
	aes_gcm_init(&ctx->gcm, nonce, &key->aead.gcm);
	aes_gcm_auth_update(&ctx->gcm, aad, aad_len);
}

static void quic_gcm_encrypt(struct quic_aead_ctx *ctx, u8 *dst, const u8 *src,
			     u32 len)
{
	aes_gcm_encrypt_update(&ctx->gcm, dst, src, len);
}

static void quic_gcm_finish(struct quic_aead_ctx *ctx, u8 *tag)
{
	aes_gcm_encrypt_final(&ctx->gcm, tag);
}

static int quic_gcm_decrypt(const struct quic_key *key, const u8 *nonce,
			    const u8 *aad, u32 aad_len, u8 *data, u32 len)
{
	/* A packet, whose header lies before it */
	if (quic_gcm_api_wanted(len))
		return quic_gcm_api_open(&key->api, nonce, data - aad_len,
					 aad_len, len);
	return aes_gcm_decrypt(data, data, len, data + len, aad, aad_len,
			       nonce, &key->aead.gcm);
}

static void quic_ccm_set_key(struct quic_key *key, const u8 *raw)
{
	WARN_ON_ONCE(aes_ccm_preparekey(&key->aead.ccm, raw, AES_KEYSIZE_128,
					QUIC_TAG_LEN));
}

static void quic_ccm_start(struct quic_aead_ctx *ctx,
			   const struct quic_key *key, const u8 *nonce,
			   const u8 *aad, u32 aad_len, u32 len)
{
	WARN_ON_ONCE(aes_ccm_init(&ctx->ccm, len, aad_len, nonce, QUIC_IV_LEN,
				  &key->aead.ccm));
	aes_ccm_auth_update(&ctx->ccm, aad, aad_len);
}

static void quic_ccm_encrypt(struct quic_aead_ctx *ctx, u8 *dst, const u8 *src,
			     u32 len)
{
	aes_ccm_encrypt_update(&ctx->ccm, dst, src, len);
}

static void quic_ccm_finish(struct quic_aead_ctx *ctx, u8 *tag)
{
	aes_ccm_encrypt_final(&ctx->ccm, tag);
}

static int quic_ccm_decrypt(const struct quic_key *key, const u8 *nonce,
			    const u8 *aad, u32 aad_len, u8 *data, u32 len)
{
	return aes_ccm_decrypt(data, data, len, data + len, aad, aad_len,
			       nonce, QUIC_IV_LEN, &key->aead.ccm);
}

static void quic_aes_set_hp(struct quic_key *key, const u8 *raw)
{
	u32 len = key->cipher == TLS_CIPHER_AES_GCM_256 ? AES_KEYSIZE_256
							 : AES_KEYSIZE_128;

	WARN_ON_ONCE(aes_prepareenckey(&key->hp.aes, raw, len));
}

static void quic_aes_hp_block(const struct quic_key *key, const u8 *sample,
			      u8 block[AES_BLOCK_SIZE])
{
	aes_encrypt(&key->hp.aes, block, sample);
}

static void quic_chacha_load(u32 k[CHACHA_KEY_WORDS], const u8 *raw)
{
	u32 i;

	for (i = 0; i < CHACHA_KEY_WORDS; i++)
		k[i] = get_unaligned_le32(raw + 4 * i);
}

static void quic_chacha_set_key(struct quic_key *key, const u8 *raw)
{
	quic_chacha_load(key->aead.chacha, raw);
}

static void quic_chacha_set_hp(struct quic_key *key, const u8 *raw)
{
	quic_chacha_load(key->hp.chacha, raw);
}

/* RFC 9001, 5.4.4: the sample is block counter and nonce as they stand. */
static void quic_chacha_hp_block(const struct quic_key *key, const u8 *sample,
				 u8 block[AES_BLOCK_SIZE])
{
	struct chacha_state state;

	memset(block, 0, AES_BLOCK_SIZE);
	chacha_init(&state, key->hp.chacha, sample);
	chacha20_crypt(&state, block, block, AES_BLOCK_SIZE);
	chacha_zeroize_state(&state);
}

static void quic_chacha_pad_mac(struct quic_chacha_ctx *c, u32 len)
{
	static const u8 zeros[POLY1305_BLOCK_SIZE];

	poly1305_update(&c->mac, zeros, -len % POLY1305_BLOCK_SIZE);
}

static void quic_chacha_start(struct quic_aead_ctx *ctx,
			      const struct quic_key *key, const u8 *nonce,
			      const u8 *aad, u32 aad_len, u32 len)
{
	struct quic_chacha_ctx *c = &ctx->chacha;
	u8 iv[CHACHA_IV_SIZE] = {};

	memcpy(iv + sizeof(u32), nonce, QUIC_IV_LEN);
	chacha_init(&c->stream, key->aead.chacha, iv);

	/* Block 0 is the key of the authenticator, data begins at block 1. */
	memset(c->block, 0, sizeof(c->block));
	chacha20_crypt(&c->stream, c->block, c->block, sizeof(c->block));
	poly1305_init(&c->mac, c->block);
	poly1305_update(&c->mac, aad, aad_len);
	quic_chacha_pad_mac(c, aad_len);

	c->used = sizeof(c->block);
	c->aad_len = aad_len;
	c->len = len;
}

/* Applies the key stream; a piece may end within a block of it. */
static void quic_chacha_crypt(struct quic_chacha_ctx *c, u8 *dst,
			      const u8 *src, u32 len)
{
	u32 n = min_t(u32, len, sizeof(c->block) - c->used);

	crypto_xor_cpy(dst, src, c->block + c->used, n);
	c->used += n;
	dst += n;
	src += n;
	len -= n;

	n = round_down(len, CHACHA_BLOCK_SIZE);
	if (n)
		chacha20_crypt(&c->stream, dst, src, n);
	len -= n;
	if (!len)
		return;

	memset(c->block, 0, sizeof(c->block));
	chacha20_crypt(&c->stream, c->block, c->block, sizeof(c->block));
	crypto_xor_cpy(dst + n, src + n, c->block, len);
	c->used = len;
}

static void quic_chacha_encrypt(struct quic_aead_ctx *ctx, u8 *dst,
				const u8 *src, u32 len)
{
	quic_chacha_crypt(&ctx->chacha, dst, src, len);
	poly1305_update(&ctx->chacha.mac, dst, len);
}

static void quic_chacha_finish(struct quic_aead_ctx *ctx, u8 *tag)
{
	struct quic_chacha_ctx *c = &ctx->chacha;
	__le64 lens[2] = { cpu_to_le64(c->aad_len), cpu_to_le64(c->len) };

	quic_chacha_pad_mac(c, c->len);
	poly1305_update(&c->mac, (const u8 *)lens, sizeof(lens));
	poly1305_final(&c->mac, tag);
	memzero_explicit(c, sizeof(*c));
}

static int quic_chacha_decrypt(const struct quic_key *key, const u8 *nonce,
			       const u8 *aad, u32 aad_len, u8 *data, u32 len)
{
	struct quic_aead_ctx ctx;
	struct quic_chacha_ctx *c = &ctx.chacha;
	u8 tag[QUIC_TAG_LEN];
	int err = 0;

	quic_chacha_start(&ctx, key, nonce, aad, aad_len, len);
	poly1305_update(&c->mac, data, len);
	quic_chacha_crypt(c, data, data, len);
	quic_chacha_finish(&ctx, tag);
	if (crypto_memneq(tag, data + len, QUIC_TAG_LEN))
		err = -EBADMSG;
	memzero_explicit(tag, sizeof(tag));
	return err;
}

/* Limits: RFC 9001, 6.6 and B. That of ChaCha20-Poly1305 for sealing lies
 * beyond the last packet number.
 */
static const struct quic_cipher quic_ciphers[] = {
	[TLS_CIPHER_AES_GCM_128 - TLS_CIPHER_AES_GCM_128] = {
		.key_len	= AES_KEYSIZE_128,
		.secret_len	= SHA256_DIGEST_SIZE,
		.seal_limit	= 1ULL << 23,
		.open_limit	= 1ULL << 52,
		.set_key	= quic_gcm_set_key,
		.set_hp		= quic_aes_set_hp,
		.hp_block	= quic_aes_hp_block,
		.start		= quic_gcm_start,
		.encrypt	= quic_gcm_encrypt,
		.finish		= quic_gcm_finish,
		.decrypt	= quic_gcm_decrypt,
	},
	[TLS_CIPHER_AES_GCM_256 - TLS_CIPHER_AES_GCM_128] = {
		.key_len	= AES_KEYSIZE_256,
		.secret_len	= SHA384_DIGEST_SIZE,
		.seal_limit	= 1ULL << 23,
		.open_limit	= 1ULL << 52,
		.set_key	= quic_gcm_set_key,
		.set_hp		= quic_aes_set_hp,
		.hp_block	= quic_aes_hp_block,
		.start		= quic_gcm_start,
		.encrypt	= quic_gcm_encrypt,
		.finish		= quic_gcm_finish,
		.decrypt	= quic_gcm_decrypt,
	},
	[TLS_CIPHER_AES_CCM_128 - TLS_CIPHER_AES_GCM_128] = {
		.key_len	= AES_KEYSIZE_128,
		.secret_len	= SHA256_DIGEST_SIZE,
		.seal_limit	= 2965820,	/* 2^21.5 */
		.open_limit	= 2965820,
		.set_key	= quic_ccm_set_key,
		.set_hp		= quic_aes_set_hp,
		.hp_block	= quic_aes_hp_block,
		.start		= quic_ccm_start,
		.encrypt	= quic_ccm_encrypt,
		.finish		= quic_ccm_finish,
		.decrypt	= quic_ccm_decrypt,
	},
	[TLS_CIPHER_CHACHA20_POLY1305 - TLS_CIPHER_AES_GCM_128] = {
		.key_len	= CHACHA_KEY_SIZE,
		.secret_len	= SHA256_DIGEST_SIZE,
		.seal_limit	= 1ULL << 62,
		.open_limit	= 1ULL << 36,
		.set_key	= quic_chacha_set_key,
		.set_hp		= quic_chacha_set_hp,
		.hp_block	= quic_chacha_hp_block,
		.start		= quic_chacha_start,
		.encrypt	= quic_chacha_encrypt,
		.finish		= quic_chacha_finish,
		.decrypt	= quic_chacha_decrypt,
	},
};

static const struct quic_cipher *quic_cipher(const struct quic_key *key)
{
	return &quic_ciphers[key->cipher - TLS_CIPHER_AES_GCM_128];
}

/**
 * quic_cipher_secret_len - length of the secrets that go with a cipher
 * @cipher: TLS_CIPHER_*
 *
 * Return: the length of its hash in bytes, 0 for a cipher that QUIC lacks.
 */
u32 quic_cipher_secret_len(u32 cipher)
{
	if (cipher < TLS_CIPHER_AES_GCM_128 ||
	    cipher > TLS_CIPHER_CHACHA20_POLY1305)
		return 0;
	return quic_ciphers[cipher - TLS_CIPHER_AES_GCM_128].secret_len;
}

/* A secret to derive several things from: half of the hashing is done once. */
struct quic_prk {
	u32 len;
	union {
		struct hmac_sha256_key sha256;
		struct hmac_sha384_key sha384;
	};
};

static void quic_prk_init(struct quic_prk *prk, const u8 *secret, u32 len)
{
	prk->len = len;
	if (len == SHA384_DIGEST_SIZE)
		hmac_sha384_preparekey(&prk->sha384, secret, len);
	else
		hmac_sha256_preparekey(&prk->sha256, secret, len);
}

/* HKDF-Expand-Label of RFC 8446, 7.1 without a context. One block of
 * HKDF-Expand (RFC 5869, 2.3) is enough for everything that QUIC derives.
 */
static void quic_expand_label(const struct quic_prk *prk, const char *label,
			      u8 *out, u32 out_len)
{
	u8 info[2 + 1 + 6 + QUIC_LABEL_MAX + 1 + 1];
	u32 label_len = strlen(label);
	u8 block[QUIC_HASH_MAX];
	u8 *p = info;

	put_unaligned_be16(out_len, p);
	p += 2;
	*p++ = 6 + label_len;
	memcpy(p, "tls13 ", 6);
	p += 6;
	memcpy(p, label, label_len);
	p += label_len;
	*p++ = 0;	/* no context */
	*p++ = 1;	/* first block */

	if (prk->len == SHA384_DIGEST_SIZE)
		hmac_sha384(&prk->sha384, info, p - info, block);
	else
		hmac_sha256(&prk->sha256, info, p - info, block);
	memcpy(out, block, out_len);
	memzero_explicit(block, sizeof(block));
}

/* Key and IV of the packet payload. */
static void quic_key_derive(struct quic_key *key, const struct quic_prk *prk)
{
	const struct quic_version_crypto *vc = quic_version_crypto(key->version);
	const struct quic_cipher *c = quic_cipher(key);
	u8 raw[QUIC_AEAD_KEY_MAX];

	quic_expand_label(prk, vc->label_key, raw, c->key_len);
	c->set_key(key, raw);
	quic_expand_label(prk, vc->label_iv, key->iv, QUIC_IV_LEN);
	memzero_explicit(raw, sizeof(raw));
}

static void quic_key_derive_hp(struct quic_key *key, const struct quic_prk *prk)
{
	const struct quic_version_crypto *vc = quic_version_crypto(key->version);
	const struct quic_cipher *c = quic_cipher(key);
	u8 raw[QUIC_AEAD_KEY_MAX];

	quic_expand_label(prk, vc->label_hp, raw, c->key_len);
	c->set_hp(key, raw);
	memzero_explicit(raw, sizeof(raw));
}

/**
 * quic_key_install - make a key from a secret of TLS
 * @key: what to fill; its former content is lost
 * @cipher: TLS_CIPHER_*
 * @version: QUIC version, which the labels depend on
 * @secret: traffic secret, as long as quic_cipher_secret_len() says
 *
 * RFC 9001, 5.1.
 * Context: any.
 * Return: 0, or -EINVAL for a cipher that QUIC lacks.
 */
int quic_key_install(struct quic_key *key, u32 cipher, u32 version,
		     const u8 *secret)
{
	u32 len = quic_cipher_secret_len(cipher);
	struct quic_prk prk;

	if (!len)
		return -EINVAL;
	key->cipher = cipher;
	key->version = version;
	memcpy(key->secret, secret, len);
	quic_prk_init(&prk, secret, len);
	quic_key_derive(key, &prk);
	quic_key_derive_hp(key, &prk);
	memzero_explicit(&prk, sizeof(prk));
	return 0;
}

/**
 * quic_key_initial - make the keys of Initial packets
 * @tx: key to send with, or NULL
 * @rx: key to receive with, or NULL
 * @version: QUIC version
 * @dcid: Destination Connection ID of the client's first Initial packet, or of
 *	  the first after a Retry
 * @is_server: on which side this is
 *
 * RFC 9001, 5.2.
 * Context: any.
 */
void quic_key_initial(struct quic_key *tx, struct quic_key *rx, u32 version,
		      const struct quic_cid *dcid, bool is_server)
{
	const struct quic_version_crypto *vc = quic_version_crypto(version);
	struct quic_key *client = is_server ? rx : tx;
	struct quic_key *server = is_server ? tx : rx;
	u8 initial[SHA256_DIGEST_SIZE];
	u8 secret[SHA256_DIGEST_SIZE];
	struct quic_prk prk;

	hmac_sha256_usingrawkey(vc->initial_salt, QUIC_INITIAL_SALT_LEN,
				dcid->data, dcid->len, initial);
	quic_prk_init(&prk, initial, sizeof(initial));
	if (client) {
		quic_expand_label(&prk, "client in", secret, sizeof(secret));
		quic_key_install(client, TLS_CIPHER_AES_GCM_128, version,
				 secret);
	}
	if (server) {
		quic_expand_label(&prk, "server in", secret, sizeof(secret));
		quic_key_install(server, TLS_CIPHER_AES_GCM_128, version,
				 secret);
	}
	memzero_explicit(&prk, sizeof(prk));
	memzero_explicit(initial, sizeof(initial));
	memzero_explicit(secret, sizeof(secret));
}

/**
 * quic_key_next - make the key of the next key phase
 * @next: what to fill; may be @key
 * @key: key of the present phase
 *
 * RFC 9001, 6.1: everything but header protection changes.
 * Context: any.
 */
void quic_key_next(struct quic_key *next, const struct quic_key *key)
{
	const struct quic_version_crypto *vc = quic_version_crypto(key->version);
	u32 len = quic_cipher(key)->secret_len;
	u8 secret[QUIC_SECRET_MAX];
	struct quic_prk prk;

	quic_prk_init(&prk, key->secret, len);
	quic_expand_label(&prk, vc->label_ku, secret, len);
	if (next != key) {
		next->cipher = key->cipher;
		next->version = key->version;
		next->waived = key->waived;
		next->hp = key->hp;
	}
	memcpy(next->secret, secret, len);
	quic_prk_init(&prk, secret, len);
	quic_key_derive(next, &prk);
	memzero_explicit(&prk, sizeof(prk));
	memzero_explicit(secret, sizeof(secret));
}

/**
 * quic_key_clear - wipe a key
 * @key: the key; it must be installed anew before it is used again
 */
void quic_key_clear(struct quic_key *key)
{
	quic_gcm_key_forget(&key->api);
	memzero_explicit(key, sizeof(*key));
}

/**
 * quic_key_seal_limit - confidentiality limit (RFC 9001, 6.6)
 * @key: the key
 *
 * Return: how many packets may be sealed with the key.
 */
u64 quic_key_seal_limit(const struct quic_key *key)
{
	return quic_cipher(key)->seal_limit;
}

/**
 * quic_key_open_limit - integrity limit (RFC 9001, 6.6)
 * @key: any key of the connection
 *
 * Return: how many packets may fail authentication in a connection.
 */
u64 quic_key_open_limit(const struct quic_key *key)
{
	return quic_cipher(key)->open_limit;
}

/* RFC 9001, 5.3. */
static void quic_nonce(const struct quic_key *key, u64 pn, u8 *nonce)
{
	memcpy(nonce, key->iv, QUIC_IV_LEN);
	put_unaligned_be64(get_unaligned_be64(nonce + 4) ^ pn, nonce + 4);
}

static void quic_crypto_gather(struct scatterlist *src, u8 *out, u32 len)
{
	struct scatter_walk walk;
	u32 left, n;

	if (!src)
		return;
	scatterwalk_start(&walk, src);
	for (left = len; left; left -= n) {
		n = scatterwalk_next(&walk, left);
		if (out != walk.addr)
			memcpy(out, walk.addr, n);
		scatterwalk_done_src(&walk, n);
		out += n;
	}
}

/* What takes the place of encryption where both ends have waived it: the payload
 * as it is, and a tag of zeros, so that sizes are the same. A stateless reset
 * does not end in zeros.
 */
static void quic_crypto_waive(struct scatterlist *src, u8 *out, u32 len)
{
	memset(out + len, 0, QUIC_TAG_LEN);
	quic_crypto_gather(src, out, len);
}

static bool quic_crypto_by_api(const struct quic_key *key, u32 len)
{
	return quic_gcm_api_wanted(len) &&
	       (key->cipher == TLS_CIPHER_AES_GCM_128 ||
		key->cipher == TLS_CIPHER_AES_GCM_256);
}

/**
 * quic_crypto_driver - who encrypts larger packets
 * @key: the key
 *
 * Return: driver of the crypto API; NULL if it is lib/crypto.
 */
const char *quic_crypto_driver(const struct quic_key *key)
{
	return quic_crypto_by_api(key, QUIC_GCM_API_MIN) ?
	       quic_gcm_api_driver() : NULL;
}

/**
 * quic_crypto_seal - encrypt and authenticate a packet
 * @key: the key
 * @pn: packet number
 * @src: plaintext of the payload, at least @payload_len bytes; entries that lie
 *	 within the packet must lie at their final place. NULL when all of it
 *	 does.
 * @dst: the packet, beginning with its header
 * @hdr_len: length of the header, packet number included
 * @payload_len: length of the payload
 *
 * Ciphertext and tag end up at @dst + @hdr_len; the room is
 * @payload_len + QUIC_TAG_LEN bytes.
 *
 * Context: any but hard interrupt.
 */
void quic_crypto_seal(const struct quic_key *key, u64 pn,
		      struct scatterlist *src, u8 *dst, u32 hdr_len,
		      u32 payload_len)
{
	const struct quic_cipher *c = quic_cipher(key);
	struct scatter_walk walk;
	struct quic_aead_ctx ctx;
	u8 *out = dst + hdr_len;
	u8 nonce[QUIC_IV_LEN];
	u32 left, n;

	if (key->waived) {
		quic_crypto_waive(src, out, payload_len);
		return;
	}
	quic_nonce(key, pn, nonce);
	if (quic_crypto_by_api(key, payload_len)) {
		quic_crypto_gather(src, out, payload_len);
		quic_gcm_api_seal(&key->api, nonce, dst, hdr_len, payload_len);
		return;
	}
	c->start(&ctx, key, nonce, dst, hdr_len, payload_len);
	if (!src) {
		c->encrypt(&ctx, out, out, payload_len);
		c->finish(&ctx, out + payload_len);
		return;
	}

	scatterwalk_start(&walk, src);
	for (left = payload_len; left; left -= n) {
		n = scatterwalk_next(&walk, left);
		c->encrypt(&ctx, out, walk.addr, n);
		scatterwalk_done_src(&walk, n);
		out += n;
	}
	c->finish(&ctx, out);
}

/**
 * quic_crypto_open - authenticate and decrypt a packet in place
 * @key: the key
 * @pn: packet number, expanded
 * @pkt: the packet, with header protection removed
 * @hdr_len: length of the header, packet number included
 * @len: length of the whole packet, tag included
 *
 * Context: any but hard interrupt.
 * Return: 0, or -EBADMSG, after which the payload is garbage; the tag is left
 *	   as it was in both cases.
 */
int quic_crypto_open(const struct quic_key *key, u64 pn, u8 *pkt, u32 hdr_len,
		     u32 len)
{
	u8 nonce[QUIC_IV_LEN];

	if (len < hdr_len + QUIC_TAG_LEN)
		return -EBADMSG;
	if (key->waived)
		return memchr_inv(pkt + len - QUIC_TAG_LEN, 0, QUIC_TAG_LEN) ?
		       -EBADMSG : 0;
	quic_nonce(key, pn, nonce);
	return quic_cipher(key)->decrypt(key, nonce, pkt, hdr_len,
					 pkt + hdr_len,
					 len - hdr_len - QUIC_TAG_LEN);
}

/**
 * quic_crypto_hp_mask - header protection mask (RFC 9001, 5.4.1)
 * @key: the key
 * @sample: ciphertext that the mask depends on
 * @mask: the mask
 */
void quic_crypto_hp_mask(const struct quic_key *key,
			 const u8 sample[QUIC_HP_SAMPLE_LEN],
			 u8 mask[QUIC_HP_MASK_LEN])
{
	u8 block[AES_BLOCK_SIZE];

	if (key->waived) {
		memset(mask, 0, QUIC_HP_MASK_LEN);
		return;
	}
	quic_cipher(key)->hp_block(key, sample, block);
	memcpy(mask, block, QUIC_HP_MASK_LEN);
}

/* Bits of the first byte that are protected: 4 of a long header, 5 else. */
static u8 quic_hp_bits(u8 first)
{
	return first & 0x80 ? 0x0f : 0x1f;
}

/* RFC 9001, 5.4.2: as if the packet number were four bytes long. */
static const u8 *quic_hp_sample(const u8 *pkt, u32 pn_off)
{
	return pkt + pn_off + QUIC_PN_MAX_LEN;
}

/**
 * quic_crypto_protect - apply header protection to a sealed packet
 * @key: the key that sealed it
 * @pkt: the packet; packet number, payload and tag have at least 20 bytes
 * @pn_off: offset of the packet number
 * @pn_len: its length
 */
void quic_crypto_protect(const struct quic_key *key, u8 *pkt, u32 pn_off,
			 u32 pn_len)
{
	u8 mask[QUIC_HP_MASK_LEN];
	u32 i;

	quic_crypto_hp_mask(key, quic_hp_sample(pkt, pn_off), mask);
	pkt[0] ^= mask[0] & quic_hp_bits(pkt[0]);
	for (i = 0; i < pn_len; i++)
		pkt[pn_off + i] ^= mask[1 + i];
}

/**
 * quic_crypto_unprotect - remove header protection from a received packet
 * @key: the key of its level; the key phase does not matter
 * @pkt: the packet
 * @pkt_len: its length
 * @pn_off: offset of the packet number
 * @pn_len: set to the length of the packet number
 * @pn: set to the packet number as it was sent, truncated
 *
 * The first byte is authentic only after quic_crypto_open() (RFC 9001, 5.4).
 *
 * Return: 0, or -EBADMSG when the packet is too short to be sampled.
 */
int quic_crypto_unprotect(const struct quic_key *key, u8 *pkt, u32 pkt_len,
			  u32 pn_off, u32 *pn_len, u32 *pn)
{
	u8 mask[QUIC_HP_MASK_LEN];
	u32 i;

	if (pkt_len < pn_off + QUIC_PN_MAX_LEN + QUIC_HP_SAMPLE_LEN)
		return -EBADMSG;

	quic_crypto_hp_mask(key, quic_hp_sample(pkt, pn_off), mask);
	pkt[0] ^= mask[0] & quic_hp_bits(pkt[0]);
	*pn_len = (pkt[0] & 0x03) + 1;
	*pn = 0;
	for (i = 0; i < *pn_len; i++) {
		pkt[pn_off + i] ^= mask[1 + i];
		*pn = *pn << 8 | pkt[pn_off + i];
	}
	return 0;
}

/**
 * quic_crypto_retry_tag - Retry Integrity Tag (RFC 9001, 5.8)
 * @version: QUIC version
 * @odcid: Destination Connection ID of the Initial packet that is answered
 * @pkt: the Retry packet without its tag
 * @len: length of that
 * @tag: the tag
 *
 * Context: any.
 */
void quic_crypto_retry_tag(u32 version, const struct quic_cid *odcid,
			   const u8 *pkt, u32 len, u8 tag[QUIC_TAG_LEN])
{
	const struct quic_version_crypto *vc = quic_version_crypto(version);
	struct aes_gcm_key key;
	struct aes_gcm_ctx ctx;

	if (WARN_ON_ONCE(aes_gcm_preparekey(&key, vc->retry_key,
					    sizeof(vc->retry_key),
					    QUIC_TAG_LEN)))
		return;
	aes_gcm_init(&ctx, vc->retry_nonce, &key);
	aes_gcm_auth_update(&ctx, &odcid->len, sizeof(odcid->len));
	aes_gcm_auth_update(&ctx, odcid->data, odcid->len);
	aes_gcm_auth_update(&ctx, pkt, len);
	aes_gcm_encrypt_final(&ctx, tag);
}

/**
 * quic_crypto_retry_verify - check a received Retry packet
 * @version: QUIC version
 * @odcid: Destination Connection ID of our first Initial packet
 * @pkt: the Retry packet with its tag
 * @len: length of that
 *
 * Return: whether the tag is right.
 */
bool quic_crypto_retry_verify(u32 version, const struct quic_cid *odcid,
			      const u8 *pkt, u32 len)
{
	u8 tag[QUIC_TAG_LEN];

	if (len < QUIC_TAG_LEN)
		return false;
	quic_crypto_retry_tag(version, odcid, pkt, len - QUIC_TAG_LEN, tag);
	return !crypto_memneq(tag, pkt + len - QUIC_TAG_LEN, QUIC_TAG_LEN);
}
