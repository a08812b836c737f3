// SPDX-License-Identifier: GPL-2.0-only
#include <linux/init.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/swap.h>
#include <linux/sysctl.h>
#include <net/net_namespace.h>

#include "net_ns.h"
#include "sysctl.h"

static struct ctl_table_header *quic_sysctl_header;

static int quic_sysctl_day = 24 * 60 * 60;

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

static int quic_sysctl_cc(const struct ctl_table *ctl, int write, void *buffer,
			  size_t *lenp, loff_t *ppos)
{
	const struct quic_cc_ops **cc = ctl->data;
	char name[QUIC_CC_NAME_MAX];
	const struct ctl_table table = { .data = name, .maxlen = sizeof(name) };
	const struct quic_cc_ops *found;
	int err;

	strscpy(name, READ_ONCE(*cc)->name);
	err = proc_dostring(&table, write, buffer, lenp, ppos);
	if (err || !write)
		return err;
	found = quic_cc_find_name(name);
	if (!found)
		return -EINVAL;
	WRITE_ONCE(*cc, found);
	return 0;
}

/**
 * quic_sysctl_net_init - register what each network namespace has of net.quic
 * @qn: the namespace
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int quic_sysctl_net_init(struct quic_net *qn)
{
	const struct ctl_table knobs[] = {
		{
			.procname	= "congestion_control",
			.data		= &qn->cc,
			.maxlen		= QUIC_CC_NAME_MAX,
			.mode		= 0644,
			.proc_handler	= quic_sysctl_cc,
		},
		{
			.procname	= "handshake_timeout",
			.data		= &qn->handshake_timeout,
			.maxlen		= sizeof(qn->handshake_timeout),
			.mode		= 0644,
			.proc_handler	= proc_dointvec_minmax,
			.extra1		= SYSCTL_ZERO,
			.extra2		= &quic_sysctl_day,
		},
		{
			.procname	= "preferred_address",
			.data		= &qn->preferred_address,
			.maxlen		= sizeof(qn->preferred_address),
			.mode		= 0644,
			.proc_handler	= proc_dou8vec_minmax,
			.extra1		= SYSCTL_ZERO,
			.extra2		= SYSCTL_ONE,
		},
		{
			.procname	= "spin_bit",
			.data		= &qn->spin_bit,
			.maxlen		= sizeof(qn->spin_bit),
			.mode		= 0644,
			.proc_handler	= proc_dou8vec_minmax,
			.extra1		= SYSCTL_ZERO,
			.extra2		= SYSCTL_ONE,
		},
	};
	const struct ctl_table *table = kmemdup(knobs, sizeof(knobs),
						GFP_KERNEL);

	if (!table)
		return -ENOMEM;
	qn->sysctl = register_net_sysctl_sz(qn->net, "net/quic", table,
					    ARRAY_SIZE(knobs));
	if (qn->sysctl)
		return 0;
	kfree(table);
	return -ENOMEM;
}

/**
 * quic_sysctl_net_exit - undo quic_sysctl_net_init()
 * @qn: the namespace
 *
 * Context: process.
 */
void quic_sysctl_net_exit(struct quic_net *qn)
{
	const struct ctl_table *table = qn->sysctl->ctl_table_arg;

	unregister_net_sysctl_table(qn->sysctl);
	kfree(table);
}

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
