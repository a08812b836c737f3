/* SPDX-License-Identifier: GPL-2.0-only */
/* What to send now: packet number spaces in order, acknowledgments, probes,
 * retransmissions and fresh data, as far as congestion window, pacing and the
 * anti-amplification limit allow.
 *
 * Owns:    no state of its own.
 * Guard:   the connection lock.
 * Callers: sendmsg.c, input.c at the end of a datagram, timer.c, sockopt.c.
 */
#ifndef _NET_QUIC_OUTPUT_H
#define _NET_QUIC_OUTPUT_H

#include <linux/types.h>
#include <linux/ktime.h>

struct quic_conn;

void quic_output(struct quic_conn *conn);
void quic_output_close(struct quic_conn *conn);
void quic_output_loss_timeout(struct quic_conn *conn, ktime_t now);

#endif /* _NET_QUIC_OUTPUT_H */
