/* SPDX-License-Identifier: GPL-2.0-only */
/* First packets: what can be done with a client's Initial packets without a
 * connection. Their keys follow from what they show (RFC 9001, 5.2), so that
 * the ClientHello can be read; and they can be answered with a Retry, with an
 * acknowledgment as long as the ClientHello is not whole, or with the end of
 * the attempt.
 *
 * Owns:    struct quic_first, the ClientHello of one client as it gathers.
 * Guard:   the owner's: quic_net.req_mutex.
 * Callers: request.c.
 */
#ifndef _NET_QUIC_FIRST_H
#define _NET_QUIC_FIRST_H

#include "client_hello.h"
#include "crypto.h"
#include "pnspace.h"
#include "range.h"
#include "token.h"
#include "types.h"

struct quic_endpoint;
struct quic_header;
struct sk_buff;

/* A ClientHello in more pieces than this is not worth the while. */
#define QUIC_FIRST_MAX_RANGES	16

/**
 * struct quic_first_said - what a client has heard of a connection to be
 * @scid:    the ID that we have chosen for it
 * @next_pn: packet number of our next Initial packet
 * @bytes:   sent; they count against the limit of RFC 9000, 8.1
 */
struct quic_first_said {
	struct quic_cid scid;
	u64 next_pn;
	u32 bytes;
};

/**
 * struct quic_first - a ClientHello that gathers
 * @rx:      key of the client's Initial packets
 * @tx:      key of ours
 * @version: QUIC version
 * @said:    what we have answered so far
 * @space:   packet numbers that have come
 * @opened:  a packet was authentic, so there is a client at all
 * @have:    which bytes of @data have come
 * @size:    bytes that @data has room for
 * @data:    CRYPTO bytes of the Initial level
 */
struct quic_first {
	struct quic_key rx;
	struct quic_key tx;
	u32 version;
	struct quic_first_said said;
	struct quic_pnspace space;
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
void quic_first_send_ack(struct quic_first *first, struct quic_endpoint *ep,
			 const struct sk_buff *skb,
			 const struct quic_header *hdr);
void quic_first_send_close(struct quic_first *first, struct quic_endpoint *ep,
			   const struct sk_buff *skb,
			   const struct quic_header *hdr, u32 code);

#endif /* _NET_QUIC_FIRST_H */
