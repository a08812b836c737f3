/* SPDX-License-Identifier: GPL-2.0-only */
/* Migration (RFC 9000, 9): which path a connection uses. There are two at the
 * most: quic_conn.path is in use; quic_conn.alt is being probed, or was left a
 * moment ago (enum quic_path_role).
 *
 * Owns:    quic_conn.alt, and the moves between the two.
 * Guard:   the connection lock.
 * Callers: input.c and input_frame.c (packets and PATH frames), sockopt.c and
 *          roam.c (moves of our own), timer.c, handshake.c, output.c.
 */
#ifndef _NET_QUIC_MIGRATE_H
#define _NET_QUIC_MIGRATE_H

#include <linux/ktime.h>
#include "types.h"

struct quic_conn;
struct quic_endpoint;
struct quic_path;
struct quic_rx_pkt;

struct quic_path *quic_migrate_find(struct quic_conn *conn,
				    const union quic_addr *local,
				    const union quic_addr *peer);
void quic_migrate_on_challenge(struct quic_conn *conn, struct quic_rx_pkt *rx,
			       const u8 *data);
int quic_migrate_on_response(struct quic_conn *conn, const u8 *data);
void quic_migrate_on_packet(struct quic_conn *conn, struct quic_rx_pkt *rx,
			    bool newest);
void quic_migrate_on_confirmed(struct quic_conn *conn);

bool quic_migrate_busy(const struct quic_conn *conn);
void quic_migrate_probe(struct quic_conn *conn, struct quic_endpoint *ep,
			const union quic_addr *local,
			const union quic_addr *peer);
bool quic_migrate_jump(struct quic_conn *conn, struct quic_endpoint *ep,
		       const union quic_addr *local);
void quic_migrate_bind_preferred(struct quic_conn *conn);
int quic_migrate_set(struct quic_conn *conn, const void *uaddr, u32 len);

ktime_t quic_migrate_deadline(const struct quic_conn *conn);
void quic_migrate_timeout(struct quic_conn *conn, ktime_t now);
void quic_migrate_release(struct quic_conn *conn);

#endif /* _NET_QUIC_MIGRATE_H */
