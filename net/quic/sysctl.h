/* SPDX-License-Identifier: GPL-2.0-only */
/* net.quic.*: memory limits.
 *
 * Owns:    the three limits and their sysctl table.
 * Guard:   READ_ONCE() readers in the socket core.
 * Callers: af_quic.c.
 */
#ifndef _NET_QUIC_SYSCTL_H
#define _NET_QUIC_SYSCTL_H

extern long quic_sysctl_mem[3];		/* pages: low, pressure, high */
extern int quic_sysctl_rmem[3];		/* bytes: minimum, default, maximum */
extern int quic_sysctl_wmem[3];

#ifdef CONFIG_SYSCTL
int quic_sysctl_init(void);
void quic_sysctl_exit(void);
#else
static inline int quic_sysctl_init(void)
{
	return 0;
}

static inline void quic_sysctl_exit(void)
{
}
#endif

#endif /* _NET_QUIC_SYSCTL_H */
