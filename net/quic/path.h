/* SPDX-License-Identifier: GPL-2.0-only */
/* A path: the address pair that packets travel between, with what is known of
 * it: validation (RFC 9000, 8.2), anti-amplification credit, packet size.
 *
 * Owns:    struct quic_path; its reference on the endpoint and its route.
 * Guard:   the connection lock.
 * Callers: migrate.c decides about paths, probe.c sends what validates them;
 *          conn.c, input.c, output.c, udp_tx.c (the route).
 */
#ifndef _NET_QUIC_PATH_H
#define _NET_QUIC_PATH_H

#include <linux/ktime.h>
#include <net/dst.h>
#include "mtud.h"
#include "types.h"

/* Answers to PATH_CHALLENGE that may wait; older ones are dropped, which
 * RFC 9000, 8.2.2 leaves to us and which bounds what a flood can cost.
 */
#define QUIC_PATH_RESPONSES	2

/* Challenges that may still be answered. Each is followed by the next after
 * twice the time, so that these span nearly all of a validation.
 */
#define QUIC_PATH_CHALLENGES	4

/* A path with less credit than this cannot carry even a small packet. */
#define QUIC_PATH_MIN_CREDIT	64

/* RFC 9000, 8.2.4: PTOs until a validation has failed. */
#define QUIC_PATH_PTOS		3

/* A round trip so short that a program is not much quicker. */
#define QUIC_PATH_SHORT_US	1000

struct quic_conn;
struct quic_endpoint;
struct quic_pkt_builder;

/* What the path beside the one in use is there for. */
enum quic_path_role {
	QUIC_PATH_ACTIVE,	/* it is the one in use */
	QUIC_PATH_PEER,		/* the peer probes it and may move to it */
	QUIC_PATH_OWN,		/* we probe it in order to move to it */
	QUIC_PATH_OLD,		/* the peer has left it: to fall back to */
	QUIC_PATH_LEFT,		/* we have left it: packets are still on the way */
};

/* What a PATH_RESPONSE has shown. */
enum quic_path_answer {
	QUIC_PATH_UNKNOWN,	/* it answers no challenge of this path */
	QUIC_PATH_REACHED,	/* the address is right, the size is not tested */
	QUIC_PATH_VALID,
};

/**
 * struct quic_path_check - a path validation (RFC 9000, 8.2)
 * @running:	challenges are sent
 * @nr:		challenges sent so far
 * @small:	by challenge: its datagram was below QUIC_MIN_UDP_PAYLOAD
 * @data:	the newest challenges, in turn
 * @next:	when the next one is due
 * @end:	when the validation has failed
 * @gap_us:	time between the next two
 */
struct quic_path_check {
	bool running;
	u32 nr;
	bool small[QUIC_PATH_CHALLENGES];
	u8 data[QUIC_PATH_CHALLENGES][8];
	ktime_t next;
	ktime_t end;
	u64 gap_us;
};

/**
 * struct quic_path - an address pair in use
 * @endpoint:	the UDP socket that packets leave by; a reference is held
 * @local:	our address and port; never the wildcard
 * @peer:	the peer's
 * @dst:	cached route, revalidated with @dst_cookie before each use
 * @dst_cookie:	for dst_check()
 * @max_payload: largest UDP payload that we send now (RFC 9000, 14)
 * @role:	enum quic_path_role
 * @mtud:	search for @max_payload, where the route is not believed
 * @validated:	the peer has shown that it receives at @peer
 * @rx_bytes:	UDP payload received, for the limit of RFC 9000, 8.1
 * @tx_bytes:	UDP payload sent, for the same
 * @nr_responses: entries of @responses
 * @responses:	data of PATH_CHALLENGE frames not yet answered
 * @check:	validation
 * @expiry:	when a path beside the one in use is given up
 * @rx_cid:	our connection ID in the newest packet from the peer
 */
struct quic_path {
	struct quic_endpoint *endpoint;
	union quic_addr local;
	union quic_addr peer;
	struct dst_entry *dst;
	u32 dst_cookie;
	u16 max_payload;
	struct quic_mtud mtud;
	u8 role;
	bool validated;
	u64 rx_bytes;
	u64 tx_bytes;
	u8 nr_responses;
	u8 responses[QUIC_PATH_RESPONSES][8];
	struct quic_path_check check;
	ktime_t expiry;
	u8 rx_cid[QUIC_CID_LEN];
};

void quic_path_init(struct quic_path *path, struct quic_endpoint *endpoint,
		    const union quic_addr *local, const union quic_addr *peer);
void quic_path_release(struct quic_path *path);
void quic_path_update_mtu(struct quic_conn *conn, struct quic_path *path);
void quic_path_mtu_answer(struct quic_conn *conn, u16 size, bool lost);
void quic_path_on_pto(struct quic_conn *conn);
u64 quic_path_amp_credit(const struct quic_path *path);
void quic_path_on_challenge(struct quic_path *path, const u8 *data);
bool quic_path_is(const struct quic_path *path, const union quic_addr *local,
		  const union quic_addr *peer);
bool quic_path_same_hosts(const struct quic_path *a, const struct quic_path *b);

void quic_path_check_start(struct quic_path *path, u64 pto_us, u64 fail_us,
			   ktime_t now);
void quic_path_check_stop(struct quic_path *path);
bool quic_path_check_due(const struct quic_path *path, ktime_t now);
bool quic_path_check_failed(const struct quic_path *path, ktime_t now);
ktime_t quic_path_check_deadline(const struct quic_path *path);
void quic_path_check_defer(struct quic_path *path, ktime_t now);
enum quic_path_answer quic_path_check_answer(const struct quic_path *path,
					     const u8 *data);

void quic_path_put_responses(struct quic_path *path,
			     struct quic_pkt_builder *b);
void quic_path_put_challenge(struct quic_path *path, struct quic_pkt_builder *b,
			     ktime_t now);

#endif /* _NET_QUIC_PATH_H */
