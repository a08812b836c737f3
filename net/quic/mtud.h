/* SPDX-License-Identifier: GPL-2.0-only */
/* Packet size of a path, found out by trying (DPLPMTUD: RFC 8899; RFC 9000,
 * 14.3): packets of PING and PADDING that are larger than what is known to get
 * through. None is ever needed by the connection, so that their loss is no harm.
 *
 * Owns:    struct quic_mtud.
 * Guard:   the connection lock.
 * Callers: path.c, probe.c (sends), outcome.c (acknowledged and lost).
 */
#ifndef _NET_QUIC_MTUD_H
#define _NET_QUIC_MTUD_H

#include <linux/ktime.h>
#include <linux/types.h>

#define QUIC_MTUD_PROBES	3	/* MAX_PROBES, RFC 8899, 5.1.2 */
#define QUIC_MTUD_STEP		16	/* less is not worth a probe */
#define QUIC_MTUD_RAISE_US	(600 * USEC_PER_SEC)	/* RFC 8899, 5.1.1 */
#define QUIC_MTUD_HOLE_US	(5 * USEC_PER_SEC)	/* pause after a black hole */
#define QUIC_MTUD_HOLE_PTOS	3	/* timeouts that make us suspect one */

/**
 * struct quic_mtud - a search
 * @on:	       packets have the size @floor; else the route says how large
 * @in_flight: a probe was sent of which nothing was heard yet
 * @tries:     probes of @size that were lost
 * @floor:     size that gets through
 * @limit:     what the route and the peer allow
 * @ceiling:   smallest size that did not get through, or @limit + 1
 * @size:      size to try next, 0 when the search is complete
 * @next:      when to go on
 */
struct quic_mtud {
	bool on;
	bool in_flight;
	u8 tries;
	u16 floor;
	u16 limit;
	u16 ceiling;
	u16 size;
	ktime_t next;
};

void quic_mtud_start(struct quic_mtud *mtud, u16 floor, u16 limit,
		     ktime_t when);
void quic_mtud_set_limit(struct quic_mtud *mtud, u16 limit, ktime_t now);
u16 quic_mtud_due(const struct quic_mtud *mtud, ktime_t now);
void quic_mtud_on_sent(struct quic_mtud *mtud);
void quic_mtud_defer(struct quic_mtud *mtud, ktime_t when);
void quic_mtud_on_acked(struct quic_mtud *mtud, u16 size, u64 raise_us,
			ktime_t now);
void quic_mtud_on_lost(struct quic_mtud *mtud, u16 size, u64 raise_us,
		       ktime_t now);
ktime_t quic_mtud_deadline(const struct quic_mtud *mtud);

#endif /* _NET_QUIC_MTUD_H */
