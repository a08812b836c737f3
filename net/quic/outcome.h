/* SPDX-License-Identifier: GPL-2.0-only */
/* What becomes of packets that were sent: each frame of one that has arrived or
 * was lost is handed to its owner, who forgets it or queues it again.
 *
 * Owns:    no state of its own.
 * Guard:   the connection lock.
 * Callers: input_frame.c for acknowledgments, output.c for timeouts and probes,
 *	    early.c for 0-RTT that was rejected.
 */
#ifndef _NET_QUIC_OUTCOME_H
#define _NET_QUIC_OUTCOME_H

#include "types.h"

struct list_head;
struct quic_conn;

void quic_outcome_acked(struct quic_conn *conn, struct list_head *acked);
void quic_outcome_lost(struct quic_conn *conn, struct list_head *lost);
void quic_outcome_repeat(struct quic_conn *conn, enum quic_space_id id,
			 u32 room);

#endif /* _NET_QUIC_OUTCOME_H */
