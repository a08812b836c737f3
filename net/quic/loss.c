// SPDX-License-Identifier: GPL-2.0-only
#include <linux/minmax.h>
#include <linux/string.h>

#include "frame.h"
#include "loss.h"

#define QUIC_PTO_MAX_SHIFT	16

/* The packet is on no ledger afterwards; it is for the caller to put it on a
 * list or to free it.
 */
static void quic_loss_take(struct quic_recovery *rec,
			   struct quic_pnspace *space,
			   struct quic_sent_pkt *pkt)
{
	list_del(&pkt->list);
	rec->nr_sent--;
	rec->sent_mem -= quic_sent_pkt_truesize(pkt);
	space->nr_sent--;
	space->nr_eliciting -= pkt->ack_eliciting;
	space->bytes_in_flight -= pkt->size;
	if (pkt->path_gen == rec->path_gen)
		quic_cc_remove(&rec->cc, pkt->size);
}

/**
 * quic_loss_on_sent - a packet has left
 * @rec:   recovery
 * @space: its packet number space
 * @pkt:   ledger entry, filled in but for time and path; belongs to the ledger
 *         from now on. An entry that does not count in flight is freed: nothing
 *         has to be done whatever becomes of that packet, and an end that only
 *         receives would collect them without limit
 * @now:   current time
 *
 * RFC 9002, A.5 (OnPacketSent). Context: connection lock held.
 */
void quic_loss_on_sent(struct quic_recovery *rec, struct quic_pnspace *space,
		       struct quic_sent_pkt *pkt, ktime_t now)
{
	bool idle = !rec->cc.bytes_in_flight;

	if (pkt->ect) {
		space->ect_sent++;
		quic_ecn_on_sent(&rec->ecn);
	}
	if (!pkt->in_flight) {
		quic_sent_pkt_free(pkt);
		return;
	}

	pkt->time_sent = now;
	pkt->path_gen = rec->path_gen;
	pkt->after_ack = space->after_ack;
	space->after_ack = false;
	list_add_tail(&pkt->list, &space->sent);
	rec->nr_sent++;
	rec->sent_mem += quic_sent_pkt_truesize(pkt);
	space->nr_sent++;
	space->bytes_in_flight += pkt->size;
	if (pkt->ack_eliciting) {
		space->nr_eliciting++;
		space->time_of_last_ack_eliciting = now;
	}

	rec->last_event = now;
	pkt->app_limited = !!rec->cc.rate.app_limited;
	quic_rate_on_sent(&rec->cc.rate, &pkt->rate, rec->cc.bytes_in_flight,
			  pkt->size, now);
	quic_cc_on_sent(&rec->cc, pkt->size, quic_rtt_pto_us(&rec->rtt), now);
	if (idle)
		quic_recovery_update_pace(rec);
	quic_pacer_on_sent(&rec->pacer, pkt->size, now);
}

/**
 * struct quic_loss_ack - what is gathered while one ACK frame is processed
 * @cc:        for the congestion controller, packets of this path only
 * @newest:    newest packet that was newly acknowledged, or NULL
 * @on_path:   newest of them that was sent on this path, or NULL
 * @eliciting: an ack-eliciting one was among them
 * @ect:       marked ones among them
 */
struct quic_loss_ack {
	struct quic_cc_ack cc;
	struct quic_sent_pkt *newest;
	struct quic_sent_pkt *on_path;
	bool eliciting;
	u64 ect;
};

static void quic_loss_acked(struct quic_recovery *rec,
			    struct quic_pnspace *space,
			    struct quic_sent_pkt *pkt,
			    struct quic_loss_ack *sum, struct list_head *acked)
{
	quic_loss_take(rec, space, pkt);
	list_add(&pkt->list, acked);

	if (!sum->newest)
		sum->newest = pkt;
	sum->eliciting |= pkt->ack_eliciting;
	sum->ect += pkt->ect;
	if (pkt->path_gen != rec->path_gen)
		return;
	if (!sum->on_path)
		sum->on_path = pkt;
	quic_rate_on_acked(&rec->cc.rate, pkt->size);
	sum->cc.time_sent = max(sum->cc.time_sent, pkt->time_sent);
	sum->cc.bytes += pkt->size;
	if (!quic_cc_in_recovery(&rec->cc, pkt->time_sent))
		sum->cc.growth_bytes += pkt->size;
}

/* First entry above @pn, or the list's head. Packets up to the largest
 * acknowledged number are few: those that this frame acknowledges and those
 * within the reordering threshold.
 */
static struct list_head *quic_loss_first_above(struct quic_pnspace *space,
					       u64 pn)
{
	struct quic_sent_pkt *pkt;

	list_for_each_entry(pkt, &space->sent, list)
		if (pkt->pn > pn)
			return &pkt->list;
	return &space->sent;
}

/* The ledger's entry below @above, or NULL. */
static struct quic_sent_pkt *quic_loss_below(struct quic_pnspace *space,
					     struct list_head *above)
{
	if (above->prev == &space->sent)
		return NULL;
	return list_entry(above->prev, struct quic_sent_pkt, list);
}

/* A packet just below @above was acknowledged, whether or not the ledger knew
 * it: no run of lost packets reaches across that point.
 */
static void quic_loss_mark_acked(struct quic_pnspace *space,
				 struct list_head *above)
{
	if (above == &space->sent)
		space->after_ack = true;
	else
		list_entry(above, struct quic_sent_pkt, list)->after_ack = true;
}

/* Packets [smallest, largest] have arrived: some had been declared lost. */
static void quic_loss_find_spurious(struct quic_recovery *rec,
				    struct quic_pnspace *space, u64 smallest,
				    u64 largest, ktime_t now)
{
	const struct quic_range *lost;
	u64 first, end;

	while (true) {
		lost = quic_range_set_next(&space->lost, smallest);
		if (!lost || lost->start > largest)
			return;
		first = max(lost->start, smallest);
		end = min(lost->end, largest + 1);
		quic_range_set_remove(&space->lost, first, end, GFP_ATOMIC);
		rec->spurious_pkts += end - first;
		if (space->lost_gen != rec->path_gen ||
		    !quic_reorder_on_spurious(&rec->reorder, first, end - 1,
					      &rec->rtt, now))
			continue;
		quic_cc_undo(&rec->cc, now);
		quic_recovery_update_pace(rec);
	}
}

/* Is there nothing below @pn that could still be news? */
static bool quic_loss_nothing_below(const struct quic_pnspace *space, u64 pn)
{
	const struct quic_range *lost = quic_range_set_first(&space->lost);

	return !lost || lost->start >= pn;
}

/* RFC 9002, A.7 (DetectAndRemoveAckedPackets). Ranges come from the largest
 * downwards and so does the walk; it ends with our oldest packet of interest,
 * however many ranges the peer has written behind that.
 */
static int quic_loss_take_acked(struct quic_recovery *rec,
				struct quic_pnspace *space,
				const struct quic_frame_ack *ack,
				struct quic_loss_ack *sum, ktime_t now,
				struct list_head *acked)
{
	struct list_head *above = quic_loss_first_above(space,
							ack->largest_acked);
	struct quic_ack_iter it;
	u64 smallest, largest;

	quic_ack_iter_init(&it, ack);
	while (quic_ack_iter_next(&it, &smallest, &largest)) {
		struct quic_sent_pkt *pkt = quic_loss_below(space, above);

		if (quic_pnspace_never_sent(space, smallest, largest))
			return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
		for (; pkt && pkt->pn > largest;
		     pkt = quic_loss_below(space, above))
			above = &pkt->list;
		quic_loss_mark_acked(space, above);
		for (; pkt && pkt->pn >= smallest;
		     pkt = quic_loss_below(space, above))
			quic_loss_acked(rec, space, pkt, sum, acked);
		quic_loss_find_spurious(rec, space, smallest, largest, now);
		if (!pkt && quic_loss_nothing_below(space, smallest))
			break;
	}
	return 0;
}

/* RFC 9002, 5.3 and A.7. Returns whether there was a sample to take. */
static bool quic_loss_sample_rtt(struct quic_recovery *rec,
				 const struct quic_pnspace *space,
				 const struct quic_frame_ack *ack,
				 const struct quic_loss_ack *sum,
				 u64 ack_delay_us, ktime_t now)
{
	const struct quic_sent_pkt *pkt = sum->newest;

	if (!pkt || pkt->pn != ack->largest_acked || !sum->eliciting ||
	    pkt->path_gen != rec->path_gen)
		return false;

	if (space->id == QUIC_SPACE_INITIAL)
		ack_delay_us = 0;
	else if (rec->handshake_confirmed)
		ack_delay_us = min_t(u64, ack_delay_us, rec->max_ack_delay_us);
	quic_rtt_update(&rec->rtt,
			max_t(s64, ktime_us_delta(now, pkt->time_sent), 0),
			ack_delay_us, now);
	return true;
}

/* RFC 9002, 7.6.2. @pkt was lost; tell whether that makes a run of lost packets,
 * without an acknowledged one in between, so long that congestion is persistent.
 */
static bool quic_loss_extend_run(const struct quic_recovery *rec,
				 struct quic_pnspace *space,
				 const struct quic_sent_pkt *pkt)
{
	u64 limit_us = QUIC_PERSISTENT_THRESHOLD * quic_recovery_pto_us(rec);

	if (pkt->after_ack)
		space->lost_since = KTIME_MAX;
	if (!pkt->ack_eliciting || pkt->mtu_probe ||
	    pkt->path_gen != rec->path_gen || !rec->rtt.has_sample ||
	    pkt->time_sent <= rec->rtt.first_rtt_sample)
		return false;
	if (space->lost_since == KTIME_MAX) {
		space->lost_since = pkt->time_sent;
		return false;
	}
	return ktime_us_delta(pkt->time_sent, space->lost_since) > limit_us;
}

/**
 * struct quic_loss_sum - what is gathered about packets that were lost at once
 * @pkts:       those that tell of congestion on this path
 * @first_pn:   number of the first of them
 * @time_sent:  when the last of them was sent
 * @persistent: persistent congestion is established
 */
struct quic_loss_sum {
	u32 pkts;
	u64 first_pn;
	ktime_t time_sent;
	bool persistent;
};

/* Remember a lost packet in case it turns up. The other spaces are too short-
 * lived to learn from.
 */
static void quic_loss_watch(struct quic_pnspace *space,
			    const struct quic_sent_pkt *pkt)
{
	u64 limit = space->largest_acked + 1;

	if (space->id != QUIC_SPACE_APP)
		return;
	if (space->lost_gen != pkt->path_gen)
		quic_range_set_destroy(&space->lost);
	space->lost_gen = pkt->path_gen;
	if (limit > QUIC_LOST_WINDOW)
		quic_range_set_remove_below(&space->lost,
					    limit - QUIC_LOST_WINDOW);
	quic_range_set_insert(&space->lost, pkt->pn, pkt->pn + 1, GFP_ATOMIC);
}

static void quic_loss_tell_cc(struct quic_recovery *rec,
			      const struct quic_sent_pkt *pkt, ktime_t now)
{
	struct quic_cc_lost lost = { .pn = pkt->pn, .bytes = pkt->size };

	quic_rate_on_lost(&rec->cc.rate, pkt->size);
	quic_rate_at(&rec->cc.rate, &pkt->rate, &lost.sample);
	lost.sample.app_limited = pkt->app_limited;
	quic_cc_on_lost(&rec->cc, &lost, now);
}

static void quic_loss_lost(struct quic_recovery *rec,
			   struct quic_pnspace *space,
			   struct quic_sent_pkt *pkt, ktime_t now,
			   struct quic_loss_sum *sum, struct list_head *lost)
{
	quic_loss_take(rec, space, pkt);
	list_add_tail(&pkt->list, lost);
	rec->lost_pkts++;

	if (quic_loss_extend_run(rec, space, pkt))
		sum->persistent = true;
	if (pkt->path_gen != rec->path_gen || pkt->mtu_probe)
		return;
	if (pkt->ect)
		quic_ecn_on_lost(&rec->ecn);
	quic_loss_watch(space, pkt);
	quic_loss_tell_cc(rec, pkt, now);
	if (!sum->pkts++)
		sum->first_pn = pkt->pn;
	sum->time_sent = pkt->time_sent;
}

/* RFC 9002, 6.1 and A.10 (DetectAndRemoveLostPackets), B.8 (OnPacketsLost) */
static void quic_loss_detect(struct quic_recovery *rec,
			     struct quic_pnspace *space, ktime_t now,
			     struct list_head *lost)
{
	u32 delay_us = quic_reorder_delay_us(&rec->reorder, &rec->rtt);
	ktime_t lost_send_time = ktime_sub_us(now, delay_us);
	struct quic_loss_sum sum = {};
	struct quic_sent_pkt *pkt, *next;

	space->loss_time = KTIME_MAX;
	if (space->largest_acked == QUIC_PN_NONE)
		return;

	list_for_each_entry_safe(pkt, next, &space->sent, list) {
		if (pkt->pn > space->largest_acked)
			break;
		if (pkt->time_sent <= lost_send_time ||
		    quic_reorder_overtaken(&rec->reorder, pkt->pn,
					   space->largest_acked))
			quic_loss_lost(rec, space, pkt, now, &sum, lost);
		else
			space->loss_time = min(space->loss_time,
					       ktime_add_us(pkt->time_sent,
							    delay_us));
	}

	if (sum.pkts) {
		if (quic_cc_on_event(&rec->cc, sum.time_sent, now))
			quic_reorder_on_recovery(&rec->reorder, sum.first_pn);
		quic_reorder_on_lost(&rec->reorder, sum.pkts);
	}
	if (sum.persistent) {
		space->lost_since = KTIME_MAX;
		quic_cc_on_persistent(&rec->cc, now);
	}
}

/**
 * quic_loss_on_ack - an ACK frame has arrived
 * @rec:          recovery
 * @space:        its packet number space
 * @ack:          the frame
 * @ack_delay_us: its ACK Delay in microseconds
 * @now:          current time
 * @acked:        receives the newly acknowledged packets, ascending
 * @lost:         receives the packets that are lost after it, ascending
 *
 * RFC 9002, A.7 (OnAckReceived). The caller acts on the frames of both lists
 * and frees them; also after an error, when they may be incomplete.
 *
 * Context: connection lock held.
 * Return: 0, or PROTOCOL_VIOLATION if a number was never sent.
 */
int quic_loss_on_ack(struct quic_recovery *rec, struct quic_pnspace *space,
		     const struct quic_frame_ack *ack, u64 ack_delay_us,
		     ktime_t now, struct list_head *acked,
		     struct list_head *lost)
{
	struct quic_loss_ack sum = {
		.cc = {
			.prior_in_flight = rec->cc.bytes_in_flight,
			.time_sent = KTIME_MIN,
			.rtt = &rec->rtt,
		},
	};
	bool advanced;
	int err;

	if (space->discarded)
		return 0;
	err = quic_loss_take_acked(rec, space, ack, &sum, now, acked);
	if (err)
		return err;

	advanced = space->largest_acked == QUIC_PN_NONE ||
		   ack->largest_acked > space->largest_acked;
	if (advanced)
		space->largest_acked = ack->largest_acked;
	if (space->id == QUIC_SPACE_HANDSHAKE)
		rec->peer_validated = true;
	if (!advanced && !sum.newest)
		return 0;

	rec->last_event = now;
	sum.cc.rtt_sampled = quic_loss_sample_rtt(rec, space, ack, &sum,
						  ack_delay_us, now);
	if (sum.on_path) {
		quic_rate_take(&rec->cc.rate, &sum.on_path->rate,
			       sum.on_path->time_sent, rec->rtt.min_us, now,
			       &sum.cc.sample);
		sum.cc.sample.app_limited = sum.on_path->app_limited;
	}
	if (advanced && quic_ecn_on_ack(&rec->ecn, space, ack, sum.ect) &&
	    sum.cc.bytes)
		quic_cc_on_ce(&rec->cc, sum.cc.time_sent, now);
	quic_loss_detect(rec, space, now, lost);
	if (quic_cc_in_recovery(&rec->cc, sum.cc.time_sent))
		sum.cc.growth_bytes = 0;
	if (sum.cc.bytes)
		quic_cc_on_ack(&rec->cc, &sum.cc, now);

	/* A client cannot be sure that the server may answer before that. */
	if (rec->peer_validated)
		rec->pto_count = 0;
	quic_recovery_update_pace(rec);
	return 0;
}

/* PTO with backoff (RFC 9002, 6.2.1). The cap keeps a connection with a long
 * idle timeout alive to a path that comes back.
 *
 * Round trips are measured between kernels, but what is waited for in the
 * handshake, keys or the next flight, is made by a process: on a short path
 * each of its steps would look like a loss.
 */
static u64 quic_loss_pto_us(const struct quic_recovery *rec,
			    enum quic_space_id id)
{
	u64 us = quic_rtt_pto_us(&rec->rtt);

	if (id == QUIC_SPACE_APP)
		us += rec->max_ack_delay_us;
	else
		us = max(us, rec->rtt.smoothed_us + QUIC_TLS_GRANULARITY_US);
	return min(us << min_t(u32, rec->pto_count, QUIC_PTO_MAX_SHIFT),
		   max_t(u64, us, QUIC_PTO_MAX_US));
}

/* RFC 9002, A.8 (GetLossTimeAndSpace) */
static ktime_t quic_loss_time(const struct quic_pnspace *spaces, u8 *id)
{
	ktime_t earliest = KTIME_MAX;
	u8 i;

	for (i = 0; i < QUIC_SPACE_MAX; i++)
		if (spaces[i].loss_time < earliest) {
			earliest = spaces[i].loss_time;
			*id = i;
		}
	return earliest;
}

/* RFC 9002, A.8 (GetPtoTimeAndSpace). A client whose address the server has not
 * validated probes even with nothing in flight that a PTO could cover, lest
 * both wait for each other (6.2.2.1).
 */
static ktime_t quic_loss_pto_time(const struct quic_recovery *rec,
				  const struct quic_pnspace *spaces, u8 *id)
{
	ktime_t earliest = KTIME_MAX;
	u8 i;

	if (rec->amp_blocked)
		return KTIME_MAX;
	for (i = 0; i < QUIC_SPACE_MAX; i++) {
		ktime_t t;

		if (!spaces[i].nr_eliciting ||
		    (i == QUIC_SPACE_APP && !rec->handshake_confirmed))
			continue;
		t = ktime_add_us(spaces[i].time_of_last_ack_eliciting,
				 quic_loss_pto_us(rec, i));
		if (t < earliest) {
			earliest = t;
			*id = i;
		}
	}

	if (earliest == KTIME_MAX && !rec->peer_validated) {
		*id = rec->has_handshake_keys ? QUIC_SPACE_HANDSHAKE :
						QUIC_SPACE_INITIAL;
		earliest = ktime_add_us(rec->last_event,
					quic_loss_pto_us(rec, *id));
	}
	return earliest;
}

/**
 * quic_loss_timer - when the loss timer has to fire
 * @rec:    recovery
 * @spaces: all packet number spaces
 *
 * RFC 9002, A.8 (SetLossDetectionTimer). Context: connection lock held.
 * Return: the time, or KTIME_MAX if there is nothing to wait for.
 */
ktime_t quic_loss_timer(const struct quic_recovery *rec,
			const struct quic_pnspace *spaces)
{
	ktime_t t;
	u8 id;

	t = quic_loss_time(spaces, &id);
	return t != KTIME_MAX ? t : quic_loss_pto_time(rec, spaces, &id);
}

/* RFC 9002, 6.2.4: other spaces with packets in flight deserve a probe, too. */
static u8 quic_loss_other_spaces(const struct quic_pnspace *spaces, u8 id)
{
	u8 i, others = 0;

	for (i = 0; i < QUIC_SPACE_MAX; i++)
		if (i != id && spaces[i].nr_eliciting)
			others |= BIT(i);
	return others;
}

/**
 * quic_loss_on_timeout - the loss timer has fired
 * @rec:     recovery
 * @spaces:  all packet number spaces
 * @now:     current time; before quic_loss_timer() nothing happens
 * @lost:    receives the packets that are lost, ascending
 * @verdict: what to do about it
 *
 * RFC 9002, A.9 (OnLossDetectionTimeout). A PTO declares nothing lost: the
 * caller repeats what is unanswered, or sends something new, or a PING.
 *
 * Context: connection lock held.
 */
void quic_loss_on_timeout(struct quic_recovery *rec,
			  struct quic_pnspace *spaces, ktime_t now,
			  struct list_head *lost,
			  struct quic_loss_verdict *verdict)
{
	ktime_t t;

	*verdict = (struct quic_loss_verdict) {};
	t = quic_loss_time(spaces, &verdict->space);
	if (t != KTIME_MAX) {
		if (now < t)
			return;
		quic_loss_detect(rec, &spaces[verdict->space], now, lost);
		rec->last_event = now;
		quic_recovery_update_pace(rec);
		return;
	}

	t = quic_loss_pto_time(rec, spaces, &verdict->space);
	if (now < t)
		return;
	verdict->nr_probes = spaces[verdict->space].nr_eliciting ?
			     QUIC_PTO_PROBES : 1;
	verdict->others = quic_loss_other_spaces(spaces, verdict->space);
	rec->pto_count++;
	quic_ecn_on_pto(&rec->ecn, rec->pto_count);
	rec->last_event = now;
}

/**
 * quic_loss_peer_reads - the peer gives credit, so its program reads
 * @rec: recovery
 *
 * What it had no room for was dropped by it, unacknowledged, and is repeated
 * after a time that doubles with each attempt. Now that there is room again
 * the next one need not wait longer than the first: a receiver that keeps data
 * has acknowledged it, which would have reset the backoff (RFC 9002, 6.2.1).
 * A peer that sends such frames without end gets a probe per timeout for it.
 *
 * Context: connection lock held; the loss timer is set anew afterwards.
 */
void quic_loss_peer_reads(struct quic_recovery *rec)
{
	if (rec->peer_validated)
		rec->pto_count = 0;
}

/**
 * quic_loss_discard_space - the keys of a space have been discarded
 * @rec:   recovery
 * @space: Initial or Handshake space
 * @now:   current time
 *
 * RFC 9002, 6.4 and A.11 (OnPacketNumberSpaceDiscarded).
 * Context: connection lock held.
 */
void quic_loss_discard_space(struct quic_recovery *rec,
			     struct quic_pnspace *space, ktime_t now)
{
	struct quic_sent_pkt *pkt, *next;

	if (space->discarded)
		return;
	list_for_each_entry_safe(pkt, next, &space->sent, list) {
		quic_loss_take(rec, space, pkt);
		quic_sent_pkt_free(pkt);
	}
	quic_pnspace_destroy(space);
	rec->pto_count = 0;
	rec->last_event = now;
}

/**
 * quic_loss_withdraw - packets turn out to have been sent in vain
 * @rec:       recovery
 * @space:     packet number space
 * @types:     packet types concerned, bits of enum quic_pkt_type
 * @withdrawn: receives them, ascending; what they carried is to be sent anew
 * @now:       current time
 *
 * After Retry these are all of them, after a refusal of 0-RTT the 0-RTT packets
 * (RFC 9002, 6.4; RFC 9001, 4.6.2). No congestion follows from it.
 *
 * Context: connection lock held.
 */
void quic_loss_withdraw(struct quic_recovery *rec, struct quic_pnspace *space,
			u8 types, struct list_head *withdrawn, ktime_t now)
{
	struct quic_sent_pkt *pkt, *next;

	list_for_each_entry_safe(pkt, next, &space->sent, list) {
		if (!(pkt->type & types))
			continue;
		quic_loss_take(rec, space, pkt);
		list_add_tail(&pkt->list, withdrawn);
	}
	space->lost_since = KTIME_MAX;
	rec->last_event = now;
}
