// SPDX-License-Identifier: GPL-2.0-only
#include <linux/init.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/swap.h>
#include <linux/sysctl.h>
#include <net/net_namespace.h>

#include "sysctl.h"

static struct ctl_table_header *quic_sysctl_header;

static const struct ctl_table quic_sysctl_table[] = {
	{
		.procname	= "quic_mem",
		.data		= quic_sysctl_mem,
		.maxlen		= sizeof(quic_sysctl_mem),
		.mode		= 0644,
		.proc_handler	= proc_doulongvec_minmax,
	},
	{
		.procname	= "quic_rmem",
		.data		= quic_sysctl_rmem,
		.maxlen		= sizeof(quic_sysctl_rmem),
		.mode		= 0644,
		.proc_handler	= proc_dointvec_minmax,
		.extra1		= SYSCTL_ONE,
	},
	{
		.procname	= "quic_wmem",
		.data		= quic_sysctl_wmem,
		.maxlen		= sizeof(quic_sysctl_wmem),
		.mode		= 0644,
		.proc_handler	= proc_dointvec_minmax,
		.extra1		= SYSCTL_ONE,
	},
};

/**
 * quic_sysctl_init - register net.quic in the initial network namespace
 *
 * Return: 0 or a negative errno.
 */
int __init quic_sysctl_init(void)
{
	quic_sysctl_header = register_net_sysctl(&init_net, "net/quic",
						 quic_sysctl_table);
	return quic_sysctl_header ? 0 : -ENOMEM;
}

/**
 * quic_sysctl_exit - undo quic_sysctl_init()
 */
void quic_sysctl_exit(void)
{
	unregister_net_sysctl_table(quic_sysctl_header);
}
