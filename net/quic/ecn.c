// SPDX-License-Identifier: GPL-2.0-only
#include <linux/minmax.h>
#include <linux/string.h>

#include "ecn.h"
#include "frame.h"
#include "pnspace.h"

/**
 * quic_ecn_init - begin to test a path
 * @ecn: state
 *
 * Context: connection lock held.
 */
void quic_ecn_init(struct quic_ecn *ecn)
{
	*ecn = (struct quic_ecn) { .state = QUIC_ECN_TESTING };
}

/**
 * quic_ecn_mark - tell whether the next packet is to be marked ECT(0)
 * @ecn: state
 *
 * Context: connection lock held.
 * Return: true if so; the ledger entry must then say so, too.
 */
bool quic_ecn_mark(const struct quic_ecn *ecn)
{
	return ecn->state == QUIC_ECN_TESTING || ecn->state == QUIC_ECN_CAPABLE;
}

/**
 * quic_ecn_on_sent - a marked packet has left
 * @ecn: state
 *
 * Context: connection lock held.
 */
void quic_ecn_on_sent(struct quic_ecn *ecn)
{
	ecn->sent++;
	if (ecn->state == QUIC_ECN_TESTING && ecn->sent == QUIC_ECN_TEST_PACKETS)
		ecn->state = QUIC_ECN_UNKNOWN;
}

/**
 * quic_ecn_on_lost - a marked packet was lost
 * @ecn: state
 *
 * When all packets of the test are lost, the path drops marked packets.
 *
 * Context: connection lock held.
 */
void quic_ecn_on_lost(struct quic_ecn *ecn)
{
	ecn->lost++;
	if (ecn->state == QUIC_ECN_UNKNOWN && ecn->lost == ecn->sent)
		ecn->state = QUIC_ECN_FAILED;
}

/**
 * quic_ecn_on_pto - a probe timeout has fired
 * @ecn:       state
 * @pto_count: timeouts in a row, this one included
 *
 * Where marked packets are dropped nothing else happens: the probes that follow
 * the test arrive.
 *
 * Context: connection lock held.
 */
void quic_ecn_on_pto(struct quic_ecn *ecn, u32 pto_count)
{
	if (ecn->state == QUIC_ECN_TESTING &&
	    pto_count >= QUIC_ECN_TEST_TIMEOUTS)
		ecn->state = QUIC_ECN_UNKNOWN;
}

/* RFC 9000, 13.4.2.1: each marked packet that was acknowledged has been counted,
 * marked or re-marked CE, and nothing was counted that never left.
 */
static bool quic_ecn_valid(const struct quic_pnspace *space,
			   const struct quic_frame_ack *ack,
			   u64 newly_acked_ect)
{
	const u64 *old = space->ecn_acked, *new = ack->ecn;
	u64 ect0, ce;

	if (new[QUIC_ECN_ECT0] < old[QUIC_ECN_ECT0] ||
	    new[QUIC_ECN_CE] < old[QUIC_ECN_CE])
		return false;
	ect0 = new[QUIC_ECN_ECT0] - old[QUIC_ECN_ECT0];
	ce = new[QUIC_ECN_CE] - old[QUIC_ECN_CE];
	return ect0 + ce >= newly_acked_ect &&
	       new[QUIC_ECN_ECT0] <= space->ect_sent &&
	       new[QUIC_ECN_CE] <= space->ect_sent &&
	       !new[QUIC_ECN_ECT1];
}

/* Counts go on from path to path (RFC 9000, 13.4.1), so that also those which are
 * not believed are where the next path begins.
 */
static void quic_ecn_note(struct quic_pnspace *space,
			  const struct quic_frame_ack *ack)
{
	int i;

	for (i = 0; i < QUIC_ECN_COUNTS; i++)
		space->ecn_acked[i] = max(space->ecn_acked[i], ack->ecn[i]);
}

/**
 * quic_ecn_on_ack - validate the counts of an ACK frame
 * @ecn:             state
 * @space:           its packet number space
 * @ack:             the frame; it has raised the largest acknowledged number
 * @newly_acked_ect: packets it newly acknowledges that were marked
 *
 * Context: connection lock held.
 * Return: true if the path reports new congestion (RFC 9002, B.8: ProcessECN).
 */
bool quic_ecn_on_ack(struct quic_ecn *ecn, struct quic_pnspace *space,
		     const struct quic_frame_ack *ack, u64 newly_acked_ect)
{
	bool ce, valid;

	if (!ack->has_ecn) {
		if (newly_acked_ect)
			ecn->state = QUIC_ECN_FAILED;
		return false;
	}
	valid = quic_ecn_valid(space, ack, newly_acked_ect);
	ce = ack->ecn[QUIC_ECN_CE] > space->ecn_acked[QUIC_ECN_CE];
	quic_ecn_note(space, ack);
	if (!valid)
		ecn->state = QUIC_ECN_FAILED;
	if (ecn->state == QUIC_ECN_FAILED)
		return false;
	if (newly_acked_ect)
		ecn->state = QUIC_ECN_CAPABLE;
	return ce;
}
