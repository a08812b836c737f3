// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bitmap.h>
#include <linux/random.h>
#include <linux/string.h>
#include <net/inet_ecn.h>

#include "pnspace.h"
#include "reorder.h"

/* Packet numbers between two that are left out, at least and at random on top.
 * What is in flight comes on top again: a peer that acknowledges ahead of what
 * it received has to guess right more often the faster it is (RFC 9000, 21.4).
 */
#define QUIC_SKIP_MIN		256
#define QUIC_SKIP_RANDOM	256

/* A peer that never acknowledges our ACK frames makes us repeat old ranges;
 * from these numbers on it is worth a PING to hear it (RFC 9000, 13.2.4).
 */
#define QUIC_PING_RANGES	16
#define QUIC_PING_ACKS		32

static u64 quic_pnspace_choose_skip(const struct quic_pnspace *space)
{
	return space->next_pn + QUIC_SKIP_MIN + space->nr_sent +
	       get_random_u32_below(QUIC_SKIP_RANDOM);
}

/**
 * quic_pnspace_init - begin a packet number space
 * @space: the space
 * @id:    which one
 *
 * Only the Application Data space leaves numbers out; the others end before
 * that could catch anybody.
 *
 * Context: connection lock held, or nobody else knows the connection yet.
 */
void quic_pnspace_init(struct quic_pnspace *space, enum quic_space_id id)
{
	memset(space, 0, sizeof(*space));
	space->id = id;
	space->skip_pn = QUIC_PN_NONE;
	space->largest_acked = QUIC_PN_NONE;
	INIT_LIST_HEAD(&space->sent);
	space->loss_time = KTIME_MAX;
	space->lost_since = KTIME_MAX;
	quic_range_set_init(&space->lost, QUIC_LOST_RANGES, QUIC_RANGE_FORGET);

	quic_range_set_init(&space->received, QUIC_ACK_RANGES_MAX,
			    QUIC_RANGE_FORGET);
	space->largest_rcvd = QUIC_PN_NONE;
	space->largest_eliciting = QUIC_PN_NONE;
	space->ack_deadline = KTIME_MAX;

	if (id == QUIC_SPACE_APP)
		space->skip_pn = quic_pnspace_choose_skip(space);
}

/**
 * quic_pnspace_destroy - release what a space holds
 * @space: the space; quic_pnspace_init() makes it usable again
 *
 * The connection is going away. When only keys are discarded,
 * quic_loss_discard_space() also corrects what recovery counts.
 *
 * Context: connection lock held.
 */
void quic_pnspace_destroy(struct quic_pnspace *space)
{
	quic_sent_list_free(&space->sent);
	quic_range_set_destroy(&space->received);
	quic_range_set_destroy(&space->lost);
	space->loss_time = KTIME_MAX;
	space->ack_pending = 0;
	space->ack_now = false;
	space->ack_deadline = KTIME_MAX;
	space->discarded = true;
}

/**
 * quic_pnspace_pn_used - a packet with number next_pn has been sealed
 * @space: the space
 *
 * Context: connection lock held.
 */
void quic_pnspace_pn_used(struct quic_pnspace *space)
{
	space->next_pn++;
	if (space->next_pn != space->skip_pn)
		return;

	space->skipped[space->nr_skipped++ % QUIC_SKIPPED_PNS] = space->next_pn;
	space->next_pn++;
	space->skip_pn = quic_pnspace_choose_skip(space);
}

/**
 * quic_pnspace_never_sent - tell whether a range acknowledges a lie
 * @space:    the space
 * @smallest: first number of the range
 * @largest:  last number
 *
 * RFC 9000, 13.1 and 21.4. Context: connection lock held.
 * Return: true if a number in it was certainly never sent.
 */
bool quic_pnspace_never_sent(const struct quic_pnspace *space, u64 smallest,
			     u64 largest)
{
	u32 i, nr = min_t(u32, space->nr_skipped, QUIC_SKIPPED_PNS);

	if (largest >= space->next_pn)
		return true;
	for (i = 0; i < nr; i++)
		if (space->skipped[i] >= smallest &&
		    space->skipped[i] <= largest)
			return true;
	return false;
}

/**
 * quic_pnspace_check_dup - tell whether a packet must be dropped as a duplicate
 * @space: the space
 * @pn:    number of a packet whose protection was removed successfully
 *
 * RFC 9000, 12.3. What lies behind the window cannot be told from a duplicate
 * and is dropped like one.
 *
 * Context: connection lock held.
 * Return: true if it must not be processed.
 */
bool quic_pnspace_check_dup(const struct quic_pnspace *space, u64 pn)
{
	if (space->largest_rcvd == QUIC_PN_NONE || pn > space->largest_rcvd)
		return false;
	if (space->largest_rcvd - pn >= QUIC_DUP_WINDOW)
		return true;
	return test_bit(pn % QUIC_DUP_WINDOW, space->window);
}

/* Move the window so that @pn is its upper end: the numbers in between have
 * not arrived, and their bits still tell of numbers one window ago.
 */
static void quic_pnspace_advance(struct quic_pnspace *space, u64 pn)
{
	u64 from = space->largest_rcvd + 1;
	u32 first, nr;

	if (space->largest_rcvd == QUIC_PN_NONE ||
	    pn - space->largest_rcvd >= QUIC_DUP_WINDOW) {
		bitmap_zero(space->window, QUIC_DUP_WINDOW);
		return;
	}

	nr = pn - from;
	first = min_t(u32, nr, QUIC_DUP_WINDOW - from % QUIC_DUP_WINDOW);
	bitmap_clear(space->window, from % QUIC_DUP_WINDOW, first);
	bitmap_clear(space->window, 0, nr - first);
}

static void quic_pnspace_count_ecn(struct quic_pnspace *space, u8 ecn)
{
	switch (ecn & INET_ECN_MASK) {
	case INET_ECN_ECT_0:
		space->ecn_rcvd[QUIC_ECN_ECT0]++;
		break;
	case INET_ECN_ECT_1:
		space->ecn_rcvd[QUIC_ECN_ECT1]++;
		break;
	case INET_ECN_CE:
		space->ecn_rcvd[QUIC_ECN_CE]++;
		break;
	}
}

/* RFC 9000, 13.2.1: an ack-eliciting packet that came after a higher one, or
 * that leaves a gap below itself, tells the peer of loss and must not wait.
 */
static bool quic_pnspace_reordered(const struct quic_pnspace *space, u64 pn)
{
	u64 last = space->largest_eliciting;

	if (last == QUIC_PN_NONE)
		return false;
	return pn < last ||
	       !quic_range_set_contains(&space->received, last, pn + 1);
}

/**
 * quic_pnspace_on_received - a packet was processed
 * @space:            the space
 * @pn:               its number, not a duplicate
 * @ack_eliciting:    it has a frame that asks for an acknowledgment
 * @ecn:              ECN bits of its IP header
 * @now:              when it arrived
 * @max_ack_delay_us: what we have announced
 * @immediate:        acknowledge it without delay, whatever the rules say
 *
 * RFC 9000, 13.2: every second ack-eliciting packet is answered at once, the
 * same goes for reordering, gaps, CE marks, and everything in the Initial and
 * Handshake spaces; the rest waits for max_ack_delay at most.
 *
 * Context: connection lock held.
 */
void quic_pnspace_on_received(struct quic_pnspace *space, u64 pn,
			      bool ack_eliciting, u8 ecn, ktime_t now,
			      u32 max_ack_delay_us, bool immediate)
{
	quic_range_set_insert(&space->received, pn, pn + 1, GFP_ATOMIC);
	quic_pnspace_count_ecn(space, ecn);
	if (space->largest_rcvd == QUIC_PN_NONE || pn > space->largest_rcvd) {
		quic_pnspace_advance(space, pn);
		space->largest_rcvd = pn;
		space->largest_rcvd_time = now;
	}
	__set_bit(pn % QUIC_DUP_WINDOW, space->window);
	if (!ack_eliciting)
		return;

	space->ack_pending++;
	if (immediate || space->id != QUIC_SPACE_APP ||
	    (ecn & INET_ECN_MASK) == INET_ECN_CE ||
	    space->ack_pending >= QUIC_ACK_THRESHOLD ||
	    quic_pnspace_reordered(space, pn))
		space->ack_now = true;
	else
		space->ack_deadline = ktime_add_us(now, max_ack_delay_us);

	if (space->largest_eliciting == QUIC_PN_NONE ||
	    pn > space->largest_eliciting)
		space->largest_eliciting = pn;
}

/**
 * quic_pnspace_ack_due - tell whether an ACK frame has to leave now
 * @space: the space
 * @now:   current time
 *
 * Context: connection lock held.
 * Return: true if so.
 */
bool quic_pnspace_ack_due(const struct quic_pnspace *space, ktime_t now)
{
	return quic_pnspace_ack_useful(space) &&
	       now >= quic_pnspace_ack_deadline(space);
}

/**
 * quic_pnspace_ack_delay_us - ACK Delay of an ACK frame that leaves now
 * @space: the space; something has arrived in it
 * @now:   current time
 *
 * RFC 9000, 13.2.5. Context: connection lock held.
 * Return: microseconds since the largest number arrived.
 */
u64 quic_pnspace_ack_delay_us(const struct quic_pnspace *space, ktime_t now)
{
	s64 us = ktime_us_delta(now, space->largest_rcvd_time);

	return max_t(s64, us, 0);
}

/**
 * quic_pnspace_on_ack_sent - an ACK frame has left
 * @space: the space
 *
 * Context: connection lock held.
 */
void quic_pnspace_on_ack_sent(struct quic_pnspace *space)
{
	space->ack_pending = 0;
	space->ack_now = false;
	space->ack_deadline = KTIME_MAX;
	space->acks_unheard++;
}

/**
 * quic_pnspace_on_ack_acked - the peer has seen one of our ACK frames
 * @space:   the space
 * @largest: Largest Acknowledged of that frame
 *
 * Ranges that it reported need no repetition (RFC 9000, 13.2.4). The topmost
 * range stays whole: each ACK frame is to report the largest number (13.2.3).
 * Duplicates are still recognised, by the window.
 *
 * Context: connection lock held.
 */
void quic_pnspace_on_ack_acked(struct quic_pnspace *space, u64 largest)
{
	const struct quic_range *last = quic_range_set_last(&space->received);

	space->acks_unheard = 0;
	if (last)
		quic_range_set_remove_below(&space->received,
					    min(largest + 1, last->start));
}

/**
 * quic_pnspace_wants_ping - tell whether to make the peer acknowledge our ACKs
 * @space: the space
 *
 * An end that only receives sends ACK frames in packets that the peer need not
 * acknowledge, and would repeat the same ranges for ever (RFC 9000, 13.2.4).
 *
 * Context: connection lock held.
 * Return: true if the next packet had best carry a PING.
 */
bool quic_pnspace_wants_ping(const struct quic_pnspace *space)
{
	return space->acks_unheard >= QUIC_PING_ACKS &&
	       quic_range_set_count(&space->received) >= QUIC_PING_RANGES;
}
