// SPDX-License-Identifier: GPL-2.0-only
#include <linux/math64.h>
#include <linux/minmax.h>
#include <net/inet_ecn.h>

#include "../frame.h"
#include "link_sim.h"

static ktime_t sim_after(ktime_t t, u64 bytes, u64 rate)
{
	return ktime_add_ns(t, mul_u64_u64_div_u64(bytes, NSEC_PER_SEC, rate));
}

/* The program */

static void sim_write(struct sim *s, struct sim_flow *f)
{
	u64 ns = ktime_sub(s->now, f->write_time);

	if (f->app_rate && !f->silent) {
		u64 bytes = mul_u64_u64_div_u64(f->app_rate, ns, NSEC_PER_SEC);

		if (!bytes)
			return;
		f->written = min_t(s64, f->written + bytes, f->app_rate);
	}
	f->write_time = s->now;
}

static bool sim_has_data(const struct sim_flow *f)
{
	if (f->silent)
		return false;
	return !f->app_rate || f->written >= SIM_PKT;
}

/* When it will have written the next packet. */
static ktime_t sim_write_time(const struct sim_flow *f)
{
	if (f->silent || !f->app_rate || f->written >= SIM_PKT)
		return KTIME_MAX;
	return ktime_add_ns(sim_after(f->write_time, SIM_PKT - f->written,
				      f->app_rate), 1);
}

/* The link */

static void sim_transmit(struct sim *s, struct sim_flow *f, u64 pn, bool ect)
{
	struct sim_link *l = &s->link;
	struct sim_pkt *pkt, *before;
	ktime_t start = max(s->now, l->free);
	u64 waits = mul_u64_u64_div_u64(ktime_sub(start, s->now), l->rate,
					NSEC_PER_SEC);

	f->sent++;
	if (prandom_u32_state(&l->rnd) % 1000000 < l->loss_ppm ||
	    waits + SIM_PKT > l->queue || s->now < f->blackout) {
		f->dropped++;
		return;
	}
	KUNIT_ASSERT_LT(s->test, f->nr_pkts, SIM_RING);
	l->free = sim_after(start, SIM_PKT, l->rate);
	f->queue_us += ktime_us_delta(start, s->now);

	pkt = &f->pkts[(f->first_pkt + f->nr_pkts) % SIM_RING];
	pkt->at = ktime_add_us(l->free, l->delay_us);
	pkt->pn = pn;
	pkt->ecn = !ect ? INET_ECN_NOT_ECT :
		   l->marks_all || (l->mark && waits > l->mark) ?
		   INET_ECN_CE : INET_ECN_ECT_0;
	/* Late packets change places with those that overtake them. */
	if (l->swap_us && pn % 100 == 0)
		pkt->at = ktime_add_us(pkt->at, l->swap_us);
	f->nr_pkts++;
	while (pkt != &f->pkts[f->first_pkt]) {
		before = pkt == f->pkts ? &f->pkts[SIM_RING - 1] : pkt - 1;
		if (before->at <= pkt->at)
			break;
		swap(*before, *pkt);
		pkt = before;
	}
}

/* The receiver */

static void sim_put_ack(struct sim *s, struct sim_flow *f)
{
	struct quic_pnspace *peer = &f->peer;
	u64 ecn[QUIC_ECN_COUNTS], delay_us;
	struct sim_ack *ack;
	u8 *end;

	if (!quic_pnspace_ack_due(peer, s->now))
		return;
	KUNIT_ASSERT_LT(s->test, f->nr_acks, SIM_RING);
	memcpy(ecn, peer->ecn_rcvd, sizeof(ecn));
	if (f->hides_ce) {
		ecn[QUIC_ECN_ECT0] += ecn[QUIC_ECN_CE];
		ecn[QUIC_ECN_CE] = 0;
	}
	if (f->acks_early)
		quic_range_set_insert(&peer->received, 0,
				      f->spaces[QUIC_SPACE_APP].next_pn,
				      GFP_KERNEL);
	delay_us = f->claims_us ?: quic_pnspace_ack_delay_us(peer, s->now);
	ack = &f->acks[(f->first_ack + f->nr_acks++) % SIM_RING];
	end = quic_frame_put_ack(ack->frame, SIM_ACK_SIZE, &peer->received,
				 delay_us, 3,
				 quic_pnspace_has_ecn(peer) ? ecn : NULL);
	ack->len = end - ack->frame;
	ack->at = ktime_add_us(s->now, s->link.delay_us);
	quic_pnspace_on_ack_sent(peer);
}

static void sim_arrive(struct sim *s, struct sim_flow *f)
{
	struct sim_pkt *pkt = &f->pkts[f->first_pkt];

	f->first_pkt = (f->first_pkt + 1) % SIM_RING;
	f->nr_pkts--;
	f->arrived++;
	f->delivered += SIM_PKT;
	quic_pnspace_on_received(&f->peer, pkt->pn, true, pkt->ecn, s->now,
				 SIM_MAX_ACK_DELAY_US, false);
	sim_put_ack(s, f);
}

/* The sender */

static void sim_send_pkt(struct sim *s, struct sim_flow *f)
{
	struct quic_pnspace *space = &f->spaces[QUIC_SPACE_APP];
	struct quic_sent_pkt *pkt = quic_sent_pkt_alloc(1, GFP_KERNEL);
	bool ect = quic_ecn_mark(&f->rec.ecn);
	u64 pn = space->next_pn;

	KUNIT_ASSERT_NOT_NULL(s->test, pkt);
	pkt->pn = pn;
	pkt->type = QUIC_PKT_1RTT;
	pkt->size = SIM_PKT;
	pkt->ack_eliciting = true;
	pkt->in_flight = true;
	pkt->ect = ect;
	quic_loss_on_sent(&f->rec, space, pkt, s->now);
	quic_pnspace_pn_used(space);
	f->written -= SIM_PKT;
	sim_transmit(s, f, pn, ect);
}

static bool sim_window_open(const struct sim_flow *f)
{
	return quic_recovery_can_send(&f->rec, SIM_PKT);
}

static void sim_output(struct sim *s, struct sim_flow *f)
{
	u32 burst = 0;

	sim_write(s, f);
	for (; f->probes; f->probes--)
		sim_send_pkt(s, f);
	while (sim_has_data(f) && sim_window_open(f) &&
	       quic_pacer_budget(&f->rec.pacer, s->now) >= SIM_PKT) {
		sim_send_pkt(s, f);
		burst++;
	}
	f->max_burst = max(f->max_burst, burst);
	if (!sim_has_data(f) && sim_window_open(f))
		quic_rate_app_limited(&f->rec.cc.rate, f->rec.cc.bytes_in_flight);
}

static void sim_hear_ack(struct sim *s, struct sim_flow *f)
{
	struct sim_ack *ack = &f->acks[f->first_ack];
	const u8 *pos = ack->frame;
	struct quic_frame frame;
	LIST_HEAD(acked);
	LIST_HEAD(lost);

	f->first_ack = (f->first_ack + 1) % SIM_RING;
	f->nr_acks--;
	KUNIT_ASSERT_EQ(s->test, 0,
			quic_frame_parse(&pos, ack->frame + ack->len, &frame));
	f->error = quic_loss_on_ack(&f->rec, &f->spaces[QUIC_SPACE_APP],
				    &frame.ack,
				    quic_frame_ack_delay_us(&frame.ack, 3),
				    s->now, &acked, &lost);
	if (f->error)
		f->start = KTIME_MAX;
	quic_sent_list_free(&acked);
	quic_sent_list_free(&lost);
}

static void sim_loss_timeout(struct sim *s, struct sim_flow *f)
{
	struct quic_loss_verdict verdict;
	LIST_HEAD(lost);

	quic_loss_on_timeout(&f->rec, f->spaces, s->now, &lost, &verdict);
	quic_sent_list_free(&lost);
	f->probes += verdict.nr_probes;
}

/* The clock */

static ktime_t sim_output_time(const struct sim *s, struct sim_flow *f)
{
	if (!sim_has_data(f))
		return sim_write_time(f);
	if (!sim_window_open(f))
		return KTIME_MAX;
	return quic_pacer_next_send(&f->rec.pacer,
				    quic_recovery_window(&f->rec), s->now);
}

static ktime_t sim_flow_next(const struct sim *s, struct sim_flow *f)
{
	ktime_t t;

	if (f->start > s->now)
		return f->start;
	t = min(sim_output_time(s, f), quic_loss_timer(&f->rec, f->spaces));
	t = min(t, quic_pnspace_ack_deadline(&f->peer));
	if (f->nr_pkts)
		t = min(t, f->pkts[f->first_pkt].at);
	if (f->nr_acks)
		t = min(t, f->acks[f->first_ack].at);
	return t;
}

static void sim_flow_run(struct sim *s, struct sim_flow *f)
{
	if (f->start > s->now)
		return;
	while (f->nr_pkts && f->pkts[f->first_pkt].at <= s->now)
		sim_arrive(s, f);
	sim_put_ack(s, f);
	while (f->nr_acks && f->acks[f->first_ack].at <= s->now && !f->error)
		sim_hear_ack(s, f);
	if (f->error)
		return;
	if (quic_loss_timer(&f->rec, f->spaces) <= s->now)
		sim_loss_timeout(s, f);
	sim_output(s, f);
}

/**
 * sim_run - let time pass
 * @s:  simulation
 * @ms: how much
 */
void sim_run(struct sim *s, u32 ms)
{
	ktime_t end = ktime_add_ms(s->now, ms), next;
	u32 i;

	while (true) {
		next = end;
		for (i = 0; i < s->nr_flows; i++)
			next = min(next, sim_flow_next(s, &s->flows[i]));
		s->now = max(s->now, next);
		for (i = 0; i < s->nr_flows; i++)
			if (sim_flow_next(s, &s->flows[i]) <= s->now)
				sim_flow_run(s, &s->flows[i]);
		if (next == end)
			return;
	}
}

/**
 * sim_count_anew - forget what has been counted of all flows
 * @s: simulation
 */
void sim_count_anew(struct sim *s)
{
	u32 i;

	for (i = 0; i < s->nr_flows; i++) {
		struct sim_flow *f = &s->flows[i];

		f->sent = 0;
		f->dropped = 0;
		f->arrived = 0;
		f->delivered = 0;
		f->queue_us = 0;
		f->max_burst = 0;
	}
}

/**
 * sim_begin - make a link
 * @test:        KUnit test; its memory is used
 * @rate:        bytes per second
 * @rtt_us:      round-trip time without queue
 * @bdp_percent: size of the queue, in percent of rate times round-trip time
 *
 * Return: a simulation without flows.
 */
struct sim *sim_begin(struct kunit *test, u64 rate, u32 rtt_us, u32 bdp_percent)
{
	struct sim *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->test = test;
	s->now = ktime_set(1000, 0);
	s->link.rate = rate;
	s->link.delay_us = rtt_us / 2;
	s->link.queue = max_t(u64, div_u64(sim_bdp(s) * bdp_percent, 100),
			      4 * SIM_PKT);
	prandom_seed_state(&s->link.rnd, 20261124);
	return s;
}

/**
 * sim_add - add a flow that sends all it can from now on
 * @s:  simulation
 * @cc: its controller
 *
 * Return: the flow.
 */
struct sim_flow *sim_add(struct sim *s, const struct quic_cc_ops *cc)
{
	const struct quic_recovery_params params = {
		.cc			= cc,
		.initial_rtt_us		= QUIC_INITIAL_RTT_US,
		.max_datagram_size	= SIM_PKT,
		.timer_granularity_ns	= 1,
	};
	struct sim_flow *f = &s->flows[s->nr_flows];
	int i;

	KUNIT_ASSERT_LT(s->test, s->nr_flows, SIM_FLOWS);
	f->pkts = kunit_kcalloc(s->test, SIM_RING, sizeof(*f->pkts), GFP_KERNEL);
	f->acks = kunit_kcalloc(s->test, SIM_RING, sizeof(*f->acks), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(s->test, f->pkts);
	KUNIT_ASSERT_NOT_NULL(s->test, f->acks);

	quic_recovery_init(&f->rec, &params, s->now);
	f->rec.max_ack_delay_us = SIM_MAX_ACK_DELAY_US;
	for (i = 0; i < QUIC_SPACE_MAX; i++) {
		quic_pnspace_init(&f->spaces[i], i);
		f->spaces[i].skip_pn = QUIC_PN_NONE;
	}
	quic_loss_discard_space(&f->rec, &f->spaces[QUIC_SPACE_INITIAL], s->now);
	quic_loss_discard_space(&f->rec, &f->spaces[QUIC_SPACE_HANDSHAKE],
				s->now);
	quic_recovery_confirm(&f->rec);
	quic_pnspace_init(&f->peer, QUIC_SPACE_APP);
	f->start = s->now;
	f->write_time = s->now;
	f->blackout = KTIME_MIN;
	s->nr_flows++;
	return f;
}

/**
 * sim_end - release what the flows hold
 * @s: simulation
 */
void sim_end(struct sim *s)
{
	u32 i, j;

	for (i = 0; i < s->nr_flows; i++) {
		for (j = 0; j < QUIC_SPACE_MAX; j++)
			quic_pnspace_destroy(&s->flows[i].spaces[j]);
		quic_pnspace_destroy(&s->flows[i].peer);
	}
}
