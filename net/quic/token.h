/* SPDX-License-Identifier: GPL-2.0-only */
/* Tokens: what an endpoint hands out to recognise later without remembering:
 * Retry and NEW_TOKEN tokens (RFC 9000, 8.1), stateless reset tokens (10.3),
 * and the session ticket key of a client (a server's TLS asks for it).
 *
 * Owns:    struct quic_token_used and quic_token_past; the secrets belong to the
 *          listener (inherited by accepted sockets) and to the network namespace.
 * Guard:   of struct quic_token_used, quic_net.req_mutex; of a listener's secret
 *          and past, that and its socket lock to write, either to read; else
 *          none. @now is ktime_get() in all functions that take it.
 * Callers: listen.c, cid.c, handshake.c, sockopt.c.
 */
#ifndef _NET_QUIC_TOKEN_H
#define _NET_QUIC_TOKEN_H

#include <crypto/sha2.h>
#include <linux/ktime.h>

#include "types.h"

#define QUIC_TOKEN_MAX		120
#define QUIC_TICKET_KEY_LEN	64
#define QUIC_TOKEN_SECRET_LEN	32

struct quic_token_secret {
	u8 seal[QUIC_TOKEN_SECRET_LEN];	/* encrypts address validation tokens */
	u8 mac[QUIC_TOKEN_SECRET_LEN];	/* derives the others */
};

/**
 * struct quic_token_past - what a listener's older tokens are recognised by
 * @secret: that in use before; nothing is made with it any more
 * @since:  when the present one came into use
 */
struct quic_token_past {
	struct quic_token_secret secret;
	ktime_t since;
};

enum quic_token_verdict {
	QUIC_TOKEN_NONE,	/* empty, not ours, or too old: validate anew */
	QUIC_TOKEN_RETRY,	/* address validated by our Retry */
	QUIC_TOKEN_NEW,		/* address validated by an earlier connection */
	QUIC_TOKEN_BAD_RETRY,	/* close with INVALID_TOKEN (RFC 9000, 8.1.3) */
};

struct quic_token_result {
	enum quic_token_verdict verdict;
	struct quic_cid odcid;	/* RETRY: DCID of the client's first Initial */
	struct quic_cid rscid;	/* RETRY: SCID of our Retry */
};

/**
 * struct quic_token_used - NEW_TOKEN tokens that have been used
 * @bits:  two Bloom filters, of this period and of the one before; a period is
 *	   as long as a token lasts. NULL until the first token is used
 * @since: when this period began
 *
 * Where many tokens were used, some others look as if they were, too, and
 * validate nothing; more memory is never needed.
 */
struct quic_token_used {
	unsigned long *bits[2];
	ktime_t since;
};

void quic_token_used_free(struct quic_token_used *used);
bool quic_token_use(struct quic_token_used *used, const u8 *token, ktime_t now);

void quic_token_secret_init(struct quic_token_secret *secret);
void quic_token_past_init(struct quic_token_past *past, ktime_t now);
bool quic_token_renewal_due(const struct quic_token_past *past, ktime_t now);
void quic_token_renew(struct quic_token_secret *secret,
		      struct quic_token_past *past, ktime_t now);

u32 quic_token_retry(const struct quic_token_secret *secret, u32 version,
		     const union quic_addr *peer, const struct quic_cid *odcid,
		     const struct quic_cid *rscid, ktime_t now,
		     u8 token[QUIC_TOKEN_MAX]);
u32 quic_token_new(const struct quic_token_secret *secret, u32 version,
		   const union quic_addr *peer, ktime_t now,
		   u8 token[QUIC_TOKEN_MAX]);
void quic_token_check(const struct quic_token_secret *secret, u32 version,
		      const union quic_addr *peer, const struct quic_cid *dcid,
		      const u8 *token, u32 len, ktime_t now,
		      struct quic_token_result *res);

void quic_token_reset_key_init(struct hmac_sha256_key *key);
void quic_token_reset(const struct hmac_sha256_key *key,
		      const struct quic_cid *cid,
		      u8 token[QUIC_RESET_TOKEN_LEN]);
void quic_token_ticket_key(const struct quic_token_secret *secret, u32 version,
			   const union quic_addr *peer,
			   u8 key[QUIC_TICKET_KEY_LEN]);

#endif /* _NET_QUIC_TOKEN_H */
