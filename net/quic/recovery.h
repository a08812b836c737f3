/* SPDX-License-Identifier: GPL-2.0-only */
/* Recovery (RFC 9002): what is known of the path in use, which is its round-trip
 * time, congestion window, pace and reordering, and how far the handshake has
 * come; and what follows from it for sending.
 *
 * Owns:    struct quic_recovery.
 * Guard:   the connection lock.
 * Callers: conn.c (life cycle, configuration), migrate.c (paths), output.c (what
 *          may be sent), loss.c, which brings it up to date.
 */
#ifndef _NET_QUIC_RECOVERY_H
#define _NET_QUIC_RECOVERY_H

#include <linux/ktime.h>
#include <linux/types.h>

#include "cc.h"
#include "ecn.h"
#include "pacer.h"
#include "reorder.h"
#include "rtt.h"
#include "types.h"

#define QUIC_LEDGER_MAX		32768	/* ledger entries, all spaces */
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
 * @rtt:     its round-trip time
 * @cc:      its congestion state
 * @reorder: how much packets overtake each other on it
 */
struct quic_recovery_saved {
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

void quic_recovery_init(struct quic_recovery *rec,
			const struct quic_recovery_params *params, ktime_t now);
void quic_recovery_new_path(struct quic_recovery *rec,
			    const struct quic_recovery_params *params,
			    ktime_t now);
void quic_recovery_save(const struct quic_recovery *rec,
			struct quic_recovery_saved **saved);
void quic_recovery_restore(struct quic_recovery *rec,
			   struct quic_recovery_saved **saved, ktime_t now);
void quic_recovery_set_cc(struct quic_recovery *rec,
			  const struct quic_cc_ops *ops);
void quic_recovery_set_initial_rtt(struct quic_recovery *rec, u32 initial_us);
void quic_recovery_set_max_rate(struct quic_recovery *rec, u64 rate);
void quic_recovery_set_mtu(struct quic_recovery *rec, u32 max_datagram_size);
void quic_recovery_confirm(struct quic_recovery *rec);
bool quic_recovery_can_send(const struct quic_recovery *rec, u32 bytes);
u64 quic_recovery_window(const struct quic_recovery *rec);
u64 quic_recovery_pto_us(const struct quic_recovery *rec);
void quic_recovery_update_pace(struct quic_recovery *rec);

#endif /* _NET_QUIC_RECOVERY_H */
