/* SPDX-License-Identifier: GPL-2.0-only */
/* Packet protection (RFC 9001, 5; RFC 9369, 3): seal, open, header protection,
 * the Retry integrity tag. The only file that knows ciphers.
 *
 * All ciphers come from lib/crypto: they work in any context, allocate
 * nothing, and take a message in pieces, so that sealing reads the plaintext
 * where it lies and writes the packet in one pass. Where the crypto API has
 * faster code for AES-GCM, larger packets are for that: see gcm_api.h.
 *
 * Owns:    struct quic_key, one direction of one encryption level.
 * Guard:   none; a key is read-only once it is made, and whoever replaces it
 *          excludes its users (keys.c: the connection lock).
 * Callers: keys.c, token.c, listen.c (first Initial, Retry).
 */
#ifndef _NET_QUIC_CRYPTO_H
#define _NET_QUIC_CRYPTO_H

#include <crypto/aes-ccm.h>
#include <crypto/aes-gcm.h>
#include <crypto/chacha.h>

#include "gcm_api.h"
#include "types.h"

#define QUIC_HP_SAMPLE_LEN	16	/* RFC 9001, 5.4.2 */
#define QUIC_HP_MASK_LEN	5

struct scatterlist;

struct quic_key {
	u32 version;
	u16 cipher;			/* TLS_CIPHER_*, 0: cleared */
	bool waived;			/* packets are in the clear */
	u8 secret[QUIC_SECRET_MAX];	/* for the next key update */
	u8 iv[QUIC_IV_LEN];
	struct quic_gcm_key api;	/* AES-GCM only */
	union {
		struct aes_gcm_key gcm;
		struct aes_ccm_key ccm;
		u32 chacha[CHACHA_KEY_WORDS];
	} aead;
	union {				/* header protection, never updated */
		struct aes_enckey aes;
		u32 chacha[CHACHA_KEY_WORDS];
	} hp;
};

/* Life of a key */
u32 quic_cipher_secret_len(u32 cipher);
int quic_key_install(struct quic_key *key, u32 cipher, u32 version,
		     const u8 *secret);
void quic_key_initial(struct quic_key *tx, struct quic_key *rx, u32 version,
		      const struct quic_cid *dcid, bool is_server);
void quic_key_next(struct quic_key *next, const struct quic_key *key);
void quic_key_clear(struct quic_key *key);
const char *quic_crypto_driver(const struct quic_key *key);
u64 quic_key_seal_limit(const struct quic_key *key);
u64 quic_key_open_limit(const struct quic_key *key);

/* Payload */
void quic_crypto_seal(const struct quic_key *key, u64 pn,
		      struct scatterlist *src, u8 *dst, u32 hdr_len,
		      u32 payload_len);
int quic_crypto_open(const struct quic_key *key, u64 pn, u8 *pkt, u32 hdr_len,
		     u32 len);

/* Header protection */
void quic_crypto_hp_mask(const struct quic_key *key,
			 const u8 sample[QUIC_HP_SAMPLE_LEN],
			 u8 mask[QUIC_HP_MASK_LEN]);
void quic_crypto_protect(const struct quic_key *key, u8 *pkt, u32 pn_off,
			 u32 pn_len);
int quic_crypto_unprotect(const struct quic_key *key, u8 *pkt, u32 pkt_len,
			  u32 pn_off, u32 *pn_len, u32 *pn);

/* Retry packets (RFC 9001, 5.8) */
void quic_crypto_retry_tag(u32 version, const struct quic_cid *odcid,
			   const u8 *pkt, u32 len, u8 tag[QUIC_TAG_LEN]);
bool quic_crypto_retry_verify(u32 version, const struct quic_cid *odcid,
			      const u8 *pkt, u32 len);

#endif /* _NET_QUIC_CRYPTO_H */
