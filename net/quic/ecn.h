/* SPDX-License-Identifier: GPL-2.0-only */
/* ECN of one path, sender's side: whether packets are marked ECT(0), and the
 * validation that the path and the peer report marks truthfully (RFC 9000,
 * 13.4.2 and A.4).
 *
 * Owns:    struct quic_ecn.
 * Guard:   the connection lock.
 * Callers: loss.c reports; udp_tx.c asks quic_ecn_mark().
 */
#ifndef _NET_QUIC_ECN_H
#define _NET_QUIC_ECN_H

#include <linux/types.h>

struct quic_frame_ack;
struct quic_pnspace;

/* RFC 9000, 13.4.2: ten packets, or a period of three PTOs. The second timeout
 * in a row ends that, since the backoff has doubled the wait for it.
 */
#define QUIC_ECN_TEST_PACKETS	10
#define QUIC_ECN_TEST_TIMEOUTS	2

/* RFC 9000, A.4 */
enum quic_ecn_state {
	QUIC_ECN_TESTING,	/* the first packets are marked */
	QUIC_ECN_UNKNOWN,	/* waiting for the verdict, not marking */
	QUIC_ECN_CAPABLE,	/* all packets are marked */
	QUIC_ECN_FAILED,	/* never again on this path */
};

/**
 * struct quic_ecn - state of ECN on a path
 * @state:    enum quic_ecn_state
 * @sent:     packets marked ECT(0) so far
 * @lost:     marked packets lost while testing
 */
struct quic_ecn {
	u8 state;
	u64 sent;
	u64 lost;
};

void quic_ecn_init(struct quic_ecn *ecn);
bool quic_ecn_mark(const struct quic_ecn *ecn);
void quic_ecn_on_sent(struct quic_ecn *ecn);
void quic_ecn_on_lost(struct quic_ecn *ecn);
void quic_ecn_on_pto(struct quic_ecn *ecn, u32 pto_count);
bool quic_ecn_on_ack(struct quic_ecn *ecn, struct quic_pnspace *space,
		     const struct quic_frame_ack *ack, u64 newly_acked_ect);

#endif /* _NET_QUIC_ECN_H */
