/* SPDX-License-Identifier: GPL-2.0-only */
/* Loss recovery (RFC 9002, 6 and appendix A): packet and time threshold, probe
 * timeout, persistent congestion, and the bookkeeping that feeds RTT,
 * congestion control and pacing. Verdicts, no side effects: packets move to the
 * caller's lists, deadlines are returned.
 *
 * Owns:    the ledgers in the packet number spaces.
 * Guard:   the connection lock.
 * Callers: packet_build.c (sent), input_frame.c (ACK), timer.c (timeout),
 *          handshake.c (discarded keys), early.c (withdrawn packets).
 *
 * After any of these functions the caller sets its loss timer anew from
 * quic_loss_timer(). @spaces is always the array of all QUIC_SPACE_MAX spaces.
 */
#ifndef _NET_QUIC_LOSS_H
#define _NET_QUIC_LOSS_H

#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/types.h>

#include "pnspace.h"
#include "recovery.h"
#include "sent.h"
#include "types.h"

#define QUIC_PERSISTENT_THRESHOLD	3	/* 7.6.1 */
#define QUIC_PTO_MAX_US			(60 * USEC_PER_SEC)
#define QUIC_PTO_PROBES			2	/* 6.2.4: one or two */
#define QUIC_TLS_GRANULARITY_US		25000	/* kGranularity in the handshake */

struct quic_frame_ack;

/**
 * struct quic_loss_verdict - what a timeout of the loss timer means
 * @nr_probes: ack-eliciting packets to send in @space, congestion window or
 *             not; 0 when the timeout was for lost packets only
 * @space:     space of the probes, or of the lost packets
 * @others:    bitmask of the other spaces with ack-eliciting packets in flight:
 *             worth a probe that is coalesced with the first (6.2.4)
 */
struct quic_loss_verdict {
	u8 nr_probes;
	u8 space;
	u8 others;
};

void quic_loss_on_sent(struct quic_recovery *rec, struct quic_pnspace *space,
		       struct quic_sent_pkt *pkt, ktime_t now);
int quic_loss_on_ack(struct quic_recovery *rec, struct quic_pnspace *space,
		     const struct quic_frame_ack *ack, u64 ack_delay_us,
		     ktime_t now, struct list_head *acked,
		     struct list_head *lost);
ktime_t quic_loss_timer(const struct quic_recovery *rec,
			const struct quic_pnspace *spaces);
void quic_loss_on_timeout(struct quic_recovery *rec,
			  struct quic_pnspace *spaces, ktime_t now,
			  struct list_head *lost,
			  struct quic_loss_verdict *verdict);
void quic_loss_peer_reads(struct quic_recovery *rec);
void quic_loss_discard_space(struct quic_recovery *rec,
			     struct quic_pnspace *space, ktime_t now);
void quic_loss_withdraw(struct quic_recovery *rec, struct quic_pnspace *space,
			u8 types, struct list_head *withdrawn, ktime_t now);

#endif /* _NET_QUIC_LOSS_H */
