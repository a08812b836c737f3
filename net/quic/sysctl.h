/* SPDX-License-Identifier: GPL-2.0-only */
/* net.quic.*: memory limits of the machine, congestion control of each network
 * namespace.
 *
 * Owns:    the three limits and the sysctl tables.
 * Guard:   READ_ONCE() readers in the socket core and in conn.c.
 * Callers: af_quic.c, net_ns.c.
 */
#ifndef _NET_QUIC_SYSCTL_H
#define _NET_QUIC_SYSCTL_H

extern long quic_sysctl_mem[3];		/* pages: low, pressure, high */
extern int quic_sysctl_rmem[3];		/* bytes: minimum, default, maximum */
extern int quic_sysctl_wmem[3];

struct quic_net;

#ifdef CONFIG_SYSCTL
int quic_sysctl_init(void);
void quic_sysctl_exit(void);
int quic_sysctl_net_init(struct quic_net *qn);
void quic_sysctl_net_exit(struct quic_net *qn);
#else
static inline int quic_sysctl_init(void)
{
	return 0;
}

static inline void quic_sysctl_exit(void)
{
}

static inline int quic_sysctl_net_init(struct quic_net *qn)
{
	return 0;
}

static inline void quic_sysctl_net_exit(struct quic_net *qn)
{
}
#endif

#endif /* _NET_QUIC_SYSCTL_H */
