/* SPDX-License-Identifier: GPL-2.0-only */
/* Probing packets: datagrams that carry PATH_CHALLENGE and PATH_RESPONSE, on
 * the path in use and on the one beside it (RFC 9000, 8.2 and 9.1); and those
 * that are only there to be large (14.4).
 *
 * Owns:    no state of its own.
 * Guard:   the connection lock.
 * Callers: output.c.
 */
#ifndef _NET_QUIC_PROBE_H
#define _NET_QUIC_PROBE_H

#include <linux/ktime.h>

struct quic_conn;

ktime_t quic_probe_deadline(const struct quic_conn *conn);
void quic_probe_output(struct quic_conn *conn, ktime_t now);

#endif /* _NET_QUIC_PROBE_H */
