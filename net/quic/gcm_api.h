/* SPDX-License-Identifier: GPL-2.0-only */
/* AES-GCM by the crypto API: on x86 it has code for the wide vector units that
 * lib/crypto lacks, and is several times faster there. A transform has one key
 * and is made by a process, while keys come and go in softirq, too; so each
 * processor has a few, which are given the key that is needed.
 *
 * Owns:    the transforms.
 * Guard:   a lock each, with softirqs off. That they are there: nobody encrypts
 *          while the module begins and ends.
 * Callers: crypto.c; cipher_rate.c, which decides whether it is worth while.
 */
#ifndef _NET_QUIC_GCM_API_H
#define _NET_QUIC_GCM_API_H

#include <linux/jump_label.h>
#include <linux/types.h>

#define QUIC_GCM_KEY_MAX	32

/* For less than this setting up costs more than it saves. */
#define QUIC_GCM_API_MIN	128

/**
 * struct quic_gcm_key - what a transform is given
 * @id:	 no other key has the number; 0 is none
 * @len: of @raw
 * @raw: the key
 */
struct quic_gcm_key {
	u64 id;
	u8 len;
	u8 raw[QUIC_GCM_KEY_MAX];
};

DECLARE_STATIC_KEY_FALSE(quic_gcm_api_used);

/* Whether so many bytes are for the crypto API. */
static inline bool quic_gcm_api_wanted(u32 len)
{
	return static_branch_unlikely(&quic_gcm_api_used) &&
	       len >= QUIC_GCM_API_MIN;
}

int quic_gcm_api_start(void);
void quic_gcm_api_stop(void);
const char *quic_gcm_api_driver(void);

void quic_gcm_key_set(struct quic_gcm_key *key, const u8 *raw, u8 len);
void quic_gcm_key_forget(struct quic_gcm_key *key);
void quic_gcm_api_seal(const struct quic_gcm_key *key, const u8 *nonce,
		       u8 *pkt, u32 hdr_len, u32 len);
int quic_gcm_api_open(const struct quic_gcm_key *key, const u8 *nonce,
		      u8 *pkt, u32 hdr_len, u32 len);

#endif /* _NET_QUIC_GCM_API_H */
