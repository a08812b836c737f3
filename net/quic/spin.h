/* SPDX-License-Identifier: GPL-2.0-only */
/* The latency spin bit (RFC 9000, 17.4): a square wave in short headers, from
 * which whoever sees the packets can tell the round-trip time.
 *
 * Owns:    struct quic_spin, one for each of the peer's connection IDs.
 * Guard:   the connection lock.
 * Callers: cid.c, when an ID begins to be used; input.c, packet_build.c.
 */
#ifndef _NET_QUIC_SPIN_H
#define _NET_QUIC_SPIN_H

#include <linux/types.h>

/**
 * struct quic_spin - the spin bit of packets that carry one connection ID
 * @on:	   it spins; else it stays as it is
 * @value: of the next packet
 */
struct quic_spin {
	bool on;
	bool value;
};

void quic_spin_init(struct quic_spin *spin, bool allowed);
void quic_spin_on_packet(struct quic_spin *spin, bool is_server, bool rcvd);

#endif /* _NET_QUIC_SPIN_H */
