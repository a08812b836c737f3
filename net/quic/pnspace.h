/* SPDX-License-Identifier: GPL-2.0-only */
/* One packet number space (RFC 9000, 12.3): which number comes next, what was
 * sent and is still unanswered, what has arrived, and when to acknowledge it
 * (RFC 9000, 13.2).
 *
 * Owns:    struct quic_pnspace. The ledger list lives here, loss.c works on it.
 * Guard:   the connection lock.
 * Callers: input.c (duplicates, arrivals), packet_build.c (numbers, ACK
 *          frames), loss.c (ledger), timer.c (ACK deadline).
 */
#ifndef _NET_QUIC_PNSPACE_H
#define _NET_QUIC_PNSPACE_H

#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/types.h>

#include "range.h"
#include "sent.h"
#include "types.h"

#define QUIC_PN_NONE		U64_MAX	/* "no packet number yet" */
#define QUIC_ACK_RANGES_MAX	64	/* received ranges that are reported */
#define QUIC_ACK_THRESHOLD	2	/* RFC 9000, 13.2.2 */
#define QUIC_DUP_WINDOW		2048	/* numbers watched for duplicates */
#define QUIC_SKIPPED_PNS	4	/* deliberately unused numbers watched */

/* Order of the counters in an ACK frame (RFC 9000, 19.3.2). */
enum quic_ecn_count {
	QUIC_ECN_ECT0,
	QUIC_ECN_ECT1,
	QUIC_ECN_CE,
	QUIC_ECN_COUNTS,
};

/**
 * struct quic_pnspace - one packet number space
 * @id:            which one
 * @discarded:     keys are gone: nothing is sent, received or timed any more
 *
 * Sending:
 * @next_pn:       number of the next packet; quic_pnspace_pn_used() moves it
 * @skip_pn:       number that will be left out, QUIC_PN_NONE for never
 * @skipped:       numbers left out lately; acknowledging one is a lie
 *                 (RFC 9000, 21.4)
 * @nr_skipped:    how many there have been, index into @skipped
 * @largest_acked: largest number the peer acknowledged, or QUIC_PN_NONE
 * @sent:          ledger: struct quic_sent_pkt, ascending by number
 * @nr_sent:       entries of @sent
 * @nr_eliciting:  ack-eliciting ones among them
 * @bytes_in_flight: sum of their sizes, whatever path they left on
 * @time_of_last_ack_eliciting: when the last ack-eliciting packet left
 * @loss_time:     when the next packet counts as lost by time, or KTIME_MAX
 * @lost_since:    send time of the first ack-eliciting packet in the current
 *                 uninterrupted run of lost ones, KTIME_MAX without a run
 * @lost:          numbers lately declared lost, lowest forgotten first
 * @lost_gen:      quic_recovery.path_gen that they were sent with
 * @after_ack:     nothing newer than the last acknowledged number was sent yet
 * @ecn_acked:     highest counts the peer has reported, by enum quic_ecn_count
 * @ect_sent:      packets that left marked ECT(0)
 *
 * Receiving:
 * @received:      numbers to report, lowest forgotten first
 * @largest_rcvd:  largest number that arrived, or QUIC_PN_NONE
 * @largest_rcvd_time: when it arrived (for ACK Delay)
 * @largest_eliciting: largest ack-eliciting number, or QUIC_PN_NONE
 * @ecn_rcvd:      codepoints seen, by enum quic_ecn_count
 * @ack_pending:   ack-eliciting packets that no ACK frame has covered
 * @ack_now:       an ACK frame is due without delay
 * @ack_deadline:  when an ACK frame is due, KTIME_MAX for never
 * @acks_unheard:  ACK frames sent since the peer last acknowledged one
 * @window:        ring of bits: the last QUIC_DUP_WINDOW numbers up to
 *                 @largest_rcvd that have arrived
 */
struct quic_pnspace {
	u8 id;
	bool discarded;

	u64 next_pn;
	u64 skip_pn;
	u64 skipped[QUIC_SKIPPED_PNS];
	u32 nr_skipped;
	u64 largest_acked;
	struct list_head sent;
	u32 nr_sent;
	u32 nr_eliciting;
	u64 bytes_in_flight;
	ktime_t time_of_last_ack_eliciting;
	ktime_t loss_time;
	ktime_t lost_since;
	struct quic_range_set lost;
	u32 lost_gen;
	bool after_ack;
	u64 ecn_acked[QUIC_ECN_COUNTS];
	u64 ect_sent;

	struct quic_range_set received;
	u64 largest_rcvd;
	ktime_t largest_rcvd_time;
	u64 largest_eliciting;
	u64 ecn_rcvd[QUIC_ECN_COUNTS];
	u32 ack_pending;
	bool ack_now;
	ktime_t ack_deadline;
	u32 acks_unheard;
	DECLARE_BITMAP(window, QUIC_DUP_WINDOW);
};

void quic_pnspace_init(struct quic_pnspace *space, enum quic_space_id id);
void quic_pnspace_destroy(struct quic_pnspace *space);

/* Sending. The next packet carries space->next_pn; once it is sealed, call
 * quic_pnspace_pn_used(). No number is ever used twice (RFC 9000, 12.3).
 */
void quic_pnspace_pn_used(struct quic_pnspace *space);
bool quic_pnspace_never_sent(const struct quic_pnspace *space, u64 smallest,
			     u64 largest);

/* Receiving. @ecn is the two bits of the IP header (INET_ECN_*). */
bool quic_pnspace_check_dup(const struct quic_pnspace *space, u64 pn);
void quic_pnspace_on_received(struct quic_pnspace *space, u64 pn,
			      bool ack_eliciting, u8 ecn, ktime_t now,
			      u32 max_ack_delay_us, bool immediate);
bool quic_pnspace_ack_due(const struct quic_pnspace *space, ktime_t now);
u64 quic_pnspace_ack_delay_us(const struct quic_pnspace *space, ktime_t now);
void quic_pnspace_on_ack_sent(struct quic_pnspace *space);
void quic_pnspace_on_ack_acked(struct quic_pnspace *space, u64 largest);
bool quic_pnspace_wants_ping(const struct quic_pnspace *space);

/* When an ACK frame must leave at the latest: KTIME_MAX never, 0 at once. */
static inline ktime_t quic_pnspace_ack_deadline(const struct quic_pnspace *space)
{
	return space->ack_now ? 0 : space->ack_deadline;
}

/* There is an unreported arrival: worth adding an ACK to a packet that leaves
 * anyway, although none is due yet.
 */
static inline bool quic_pnspace_ack_useful(const struct quic_pnspace *space)
{
	return space->ack_pending && !quic_range_set_empty(&space->received);
}

static inline bool quic_pnspace_has_ecn(const struct quic_pnspace *space)
{
	return space->ecn_rcvd[QUIC_ECN_ECT0] ||
	       space->ecn_rcvd[QUIC_ECN_ECT1] || space->ecn_rcvd[QUIC_ECN_CE];
}

#endif /* _NET_QUIC_PNSPACE_H */
