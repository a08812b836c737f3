/* SPDX-License-Identifier: GPL-2.0-only */
/* /proc/net/quic: connections (conns), listeners (eps), counters (snmp), how
 * fast ciphers are (ciphers).
 *
 * Owns:    no state.
 * Guard:   none of its own; walks under RCU and reads sockets without locks.
 * Callers: net_ns.c.
 */
#ifndef _NET_QUIC_PROC_H
#define _NET_QUIC_PROC_H

struct net;

#ifdef CONFIG_PROC_FS
int quic_proc_net_init(struct net *net);
void quic_proc_net_exit(struct net *net);
#else
static inline int quic_proc_net_init(struct net *net)
{
	return 0;
}

static inline void quic_proc_net_exit(struct net *net)
{
}
#endif

#endif /* _NET_QUIC_PROC_H */
