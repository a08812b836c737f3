/* SPDX-License-Identifier: GPL-2.0-only */
/* First packets: what can be done with a client's Initial packets without a
 * connection. Their keys follow from what they show (RFC 9001, 5.2), so that
 * the ClientHello can be read; and they can be answered with a Retry or with
 * the end of the attempt.
 *
 * Owns:    struct quic_first, the ClientHello of one client as it gathers.
 * Guard:   the owner's: quic_net.req_mutex.
 * Callers: request.c.
 */
#ifndef _NET_QUIC_FIRST_H
#define _NET_QUIC_FIRST_H

#include "client_hello.h"
#include "crypto.h"
#include "range.h"
#include "token.h"
#include "types.h"

struct quic_endpoint;
struct quic_header;
struct sk_buff;

/* A ClientHello in more pieces than this is not worth the while. */
#define QUIC_FIRST_MAX_RANGES	16

/**
 * struct quic_first - a ClientHello that gathers
 * @rx:      key of the client's Initial packets
 * @version: QUIC version
 * @pn:      largest packet number so far, or -1
 * @opened:  a packet was authentic, so there is a client at all
 * @have:    which bytes of @data have come
 * @size:    bytes that @data has room for
 * @data:    CRYPTO bytes of the Initial level
 */
struct quic_first {
	struct quic_key rx;
	u32 version;
	s64 pn;
	bool opened;
	struct quic_range_set have;
	u32 size;
	u8 *data;
};

struct quic_first *quic_first_alloc(u32 version, const struct quic_cid *dcid);
void quic_first_free(struct quic_first *first);
int quic_first_datagram(struct quic_first *first, const struct sk_buff *skb);
int quic_first_hello(const struct quic_first *first,
		     struct quic_client_hello *hello);

void quic_first_send_retry(struct quic_endpoint *ep, const struct sk_buff *skb,
			   const struct quic_header *hdr,
			   const struct quic_token_secret *secret);
void quic_first_send_close(struct quic_endpoint *ep, const struct sk_buff *skb,
			   const struct quic_header *hdr, u32 code);

#endif /* _NET_QUIC_FIRST_H */
