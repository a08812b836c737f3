/* SPDX-License-Identifier: GPL-2.0-only */
/* Roaming: a client whose local address goes away goes on from another one, at
 * once or as soon as there is one, and nobody who uses the socket notices. Also
 * its move to the preferred address of a server, which may need a UDP socket.
 *
 * Owns:    struct quic_roam; quic_net.roam_work; notifiers of addresses and
 *          devices.
 * Guard:   the connection lock; QUIC_ROAM_DUE is an atomic bit.
 * Callers: output.c and timer.c (a path that fails), migrate.c, net_ns.c,
 *          af_quic.c (module).
 */
#ifndef _NET_QUIC_ROAM_H
#define _NET_QUIC_ROAM_H

#include "types.h"

struct quic_conn;
struct quic_net;

/* Bits of quic_roam.flags */
#define QUIC_ROAM_DUE	0	/* the work item is to look at the connection */

/**
 * struct quic_roam - what a client knows of its local address
 * @flags:     QUIC_ROAM_*
 * @lost:      it does not lead to the peer, and there is no other yet
 * @preferred: the server's preferred address has not been tried yet
 */
struct quic_roam {
	unsigned long flags;
	bool lost;
	bool preferred;
};

void quic_roam_kick(struct quic_conn *conn);
void quic_roam_on_send_error(struct quic_conn *conn, int err);
void quic_roam_on_pto(struct quic_conn *conn);
bool quic_roam_preferred_ok(const union quic_addr *now,
			    const union quic_addr *preferred);

void quic_roam_net_init(struct quic_net *qn);
void quic_roam_net_exit(struct quic_net *qn);
int quic_roam_init(void);	/* module init */
void quic_roam_exit(void);

#endif /* _NET_QUIC_ROAM_H */
