/* SPDX-License-Identifier: GPL-2.0-only */
/* Tuning: buffers and windows grow with what the path can carry, as TCP's do,
 * where no program has said how large they are to be.
 *
 * Owns:    the growth of sk->sk_sndbuf, sk->sk_rcvbuf and of the windows in
 *          struct quic_flow_rx.
 * Guard:   the connection lock.
 * Callers: outcome.c when the congestion window may have grown, stream_recv.c
 *          when credit is due.
 */
#ifndef _NET_QUIC_TUNE_H
#define _NET_QUIC_TUNE_H

struct quic_conn;
struct quic_flow_rx;

void quic_tune_sndbuf(struct quic_conn *conn);
void quic_tune_window(struct quic_conn *conn, struct quic_flow_rx *rx);

#endif /* _NET_QUIC_TUNE_H */
