/* SPDX-License-Identifier: GPL-2.0-only */
/* Loss recovery (RFC 9002, 6 and appendix A): packet and time threshold, probe
 * timeout, persistent congestion, and the bookkeeping that feeds RTT,
 * congestion control and pacing. Verdicts, no side effects: packets move to the
 * caller's lists, deadlines are returned.
 *
 * Owns:    struct quic_recovery; the ledgers in the packet number spaces.
 * Guard:   the connection lock.
 * Callers: packet_build.c (sent), input_frame.c (ACK), timer.c (timeout),
 *          handshake.c (discarded keys), output.c (what may be sent).
 *
 * After any of these functions the caller sets its loss timer anew from
 * quic_loss_timer(). @spaces is always the array of all QUIC_SPACE_MAX spaces.
 */
#ifndef _NET_QUIC_LOSS_H
#define _NET_QUIC_LOSS_H

#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/types.h>

#include "cc.h"
#include "ecn.h"
#include "pacer.h"
#include "pnspace.h"
#include "reorder.h"
#include "rtt.h"
#include "sent.h"
#include "types.h"

#define QUIC_PERSISTENT_THRESHOLD	3	/* 7.6.1 */
#define QUIC_PTO_MAX_US			(60 * USEC_PER_SEC)
#define QUIC_PTO_PROBES			2	/* 6.2.4: one or two */
#define QUIC_SENT_MAX			32768	/* ledger entries, all spaces */

struct quic_frame_ack;

#define QUIC_PACE_UNLIMITED	U64_MAX

/**
 * struct quic_recovery - loss recovery of a connection
 * @rtt:            round-trip time of the path in use
 * @cc:             congestion state of that path, with bytes_in_flight
 * @pacer:          its token bucket
 * @ecn:            whether ECN works on it (RFC 9000, 13.4.2)
 * @reorder:        how much packets overtake each other on it
 * @path_gen:       counts quic_recovery_new_path()
 * @max_rate:       bound of the pace, or QUIC_PACE_UNLIMITED
 * @nr_sent:        ledger entries in all spaces
 * @sent_mem:       bytes of memory that these occupy
 * @pto_count:      probe timeouts since the last progress
 * @max_ack_delay_us: the peer's max_ack_delay
 * @last_event:     when something was last sent, acknowledged, discarded or
 *                  timed out: the anti-deadlock PTO counts from here
 * @is_server:      a server never probes against anti-amplification deadlock
 * @has_handshake_keys: an anti-deadlock probe goes into a Handshake packet
 * @handshake_confirmed: RFC 9001, 4.1.2
 * @peer_validated: the peer has certainly validated our address: Handshake
 *                  packet acknowledged or handshake confirmed (A.8); a server
 *                  takes it for granted
 * @amp_blocked:    server at its anti-amplification limit: no PTO is armed
 * @lost_pkts:      packets declared lost since the beginning
 * @spurious_pkts:  packets among them that have turned up after all
 */
struct quic_recovery {
	struct quic_rtt rtt;
	struct quic_cc cc;
	struct quic_pacer pacer;
	struct quic_ecn ecn;
	struct quic_reorder reorder;
	u32 path_gen;
	u64 max_rate;
	u32 nr_sent;
	u32 sent_mem;
	u32 pto_count;
	u32 max_ack_delay_us;
	ktime_t last_event;
	u8 is_server:1;
	u8 has_handshake_keys:1;
	u8 handshake_confirmed:1;
	u8 peer_validated:1;
	u8 amp_blocked:1;
	u64 lost_pkts;
	u64 spurious_pkts;
};

/**
 * struct quic_recovery_saved - what was known of a path
 * @valid:   it may be taken up again
 * @rtt:     its round-trip time
 * @cc:      its congestion state
 * @reorder: how much packets overtake each other on it
 */
struct quic_recovery_saved {
	bool valid;
	struct quic_rtt rtt;
	struct quic_cc cc;
	struct quic_reorder reorder;
};

/**
 * struct quic_recovery_params - what a recovery starts with
 * @cc:                congestion controller
 * @initial_rtt_us:    QUIC_INITIAL_RTT_US or the configured one
 * @max_datagram_size: UDP payload of the path
 * @timer_granularity_ns: what the pacing timer can do, e.g. hrtimer_resolution
 * @is_server:         side of the connection
 */
struct quic_recovery_params {
	const struct quic_cc_ops *cc;
	u32 initial_rtt_us;
	u32 max_datagram_size;
	u32 timer_granularity_ns;
	bool is_server;
};

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

void quic_recovery_init(struct quic_recovery *rec,
			const struct quic_recovery_params *params, ktime_t now);
void quic_recovery_new_path(struct quic_recovery *rec,
			    const struct quic_recovery_params *params,
			    ktime_t now);
void quic_recovery_save(const struct quic_recovery *rec,
			struct quic_recovery_saved *saved);
void quic_recovery_restore(struct quic_recovery *rec,
			   struct quic_recovery_saved *saved, ktime_t now);
void quic_recovery_set_cc(struct quic_recovery *rec,
			  const struct quic_cc_ops *ops);
void quic_recovery_set_initial_rtt(struct quic_recovery *rec, u32 initial_us);
void quic_recovery_set_max_rate(struct quic_recovery *rec, u64 rate);
void quic_recovery_set_mtu(struct quic_recovery *rec, u32 max_datagram_size);
void quic_recovery_confirm(struct quic_recovery *rec);
bool quic_recovery_can_send(const struct quic_recovery *rec, u32 bytes);
u64 quic_recovery_window(const struct quic_recovery *rec);
u64 quic_recovery_pto_us(const struct quic_recovery *rec);

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
void quic_loss_discard_space(struct quic_recovery *rec,
			     struct quic_pnspace *space, ktime_t now);
void quic_loss_withdraw(struct quic_recovery *rec, struct quic_pnspace *space,
			u8 types, struct list_head *withdrawn, ktime_t now);

#endif /* _NET_QUIC_LOSS_H */
