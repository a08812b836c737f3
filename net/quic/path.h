/* SPDX-License-Identifier: GPL-2.0-only */
/* A path: the address pair that packets travel between, with what is known of
 * it: validation, anti-amplification credit, packet size and ECN.
 *
 * Owns:    struct quic_path; its reference on the endpoint and its route.
 * Guard:   the connection lock.
 * Callers: conn.c, input.c, output.c, udp_tx.c (the route), sockopt.c.
 */
#ifndef _NET_QUIC_PATH_H
#define _NET_QUIC_PATH_H

#include <net/dst.h>
#include "types.h"

/* Answers to PATH_CHALLENGE that may wait; older ones are dropped, which
 * RFC 9000, 8.2.2 leaves to us and which bounds what a flood can cost.
 */
#define QUIC_PATH_RESPONSES	2

struct quic_conn;
struct quic_endpoint;
struct quic_pkt_builder;

/**
 * struct quic_path - an address pair in use
 * @endpoint:	the UDP socket that packets leave by; a reference is held
 * @local:	our address and port; never the wildcard
 * @peer:	the peer's
 * @dst:	cached route, revalidated with @dst_cookie before each use
 * @dst_cookie:	for dst_check()
 * @max_payload: largest UDP payload that we send now (RFC 9000, 14)
 * @validated:	the peer has shown that it receives at @peer
 * @rx_bytes:	UDP payload received, for the limit of RFC 9000, 8.1
 * @tx_bytes:	UDP payload sent, for the same
 * @nr_responses: entries of @responses
 * @responses:	data of PATH_CHALLENGE frames not yet answered
 */
struct quic_path {
	struct quic_endpoint *endpoint;
	union quic_addr local;
	union quic_addr peer;
	struct dst_entry *dst;
	u32 dst_cookie;
	u16 max_payload;
	bool validated;
	u64 rx_bytes;
	u64 tx_bytes;
	u8 nr_responses;
	u8 responses[QUIC_PATH_RESPONSES][8];
};

void quic_path_init(struct quic_path *path, struct quic_endpoint *endpoint,
		    const union quic_addr *local, const union quic_addr *peer);
void quic_path_release(struct quic_path *path);
void quic_path_update_mtu(struct quic_conn *conn, struct quic_path *path);
u64 quic_path_amp_credit(const struct quic_path *path);
void quic_path_on_challenge(struct quic_path *path, const u8 *data);
bool quic_path_pending(const struct quic_path *path);
void quic_path_put_frames(struct quic_path *path, struct quic_pkt_builder *b);

#endif /* _NET_QUIC_PATH_H */
