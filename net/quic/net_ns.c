// SPDX-License-Identifier: GPL-2.0-only
#include <linux/percpu.h>

#include "endpoint.h"
#include "net_ns.h"
#include "proc.h"
#include "request.h"
#include "roam.h"
#include "session.h"
#include "steer.h"
#include "sysctl.h"

unsigned int quic_net_id __read_mostly;

static int __net_init quic_net_setup(struct net *net)
{
	struct quic_net *qn = quic_net(net);
	int err;

	qn->net = net;
	qn->cc = quic_cc_find(QUIC_CONG_ALG_CUBIC);
	qn->handshake_timeout = QUIC_HANDSHAKE_TIMEOUT_S;
	qn->preferred_address = true;
	qn->mib = alloc_percpu(struct quic_mib);
	if (!qn->mib)
		return -ENOMEM;
	spin_lock_init(&qn->socks_lock);
	quic_sessions_init(&qn->sessions);
	quic_token_reset_key_init(&qn->reset_key);
	quic_endpoint_net_init(qn);
	quic_request_net_init(qn);
	quic_roam_net_init(qn);

	err = quic_proc_net_init(net);
	if (err)
		goto err_proc;
	err = quic_sysctl_net_init(qn);
	if (err)
		goto err_sysctl;
	return 0;

err_sysctl:
	quic_proc_net_exit(net);
err_proc:
	free_percpu(qn->mib);
	return err;
}

static void __net_exit quic_net_cleanup(struct net *net)
{
	struct quic_net *qn = quic_net(net);

	quic_steer_flush(qn);
	quic_sysctl_net_exit(qn);
	quic_proc_net_exit(net);
	quic_roam_net_exit(qn);
	quic_request_net_exit(qn);
	quic_endpoint_net_exit(qn);
	quic_sessions_purge(&qn->sessions);
	memzero_explicit(&qn->reset_key, sizeof(qn->reset_key));
	free_percpu(qn->mib);
}

static struct pernet_operations quic_net_ops = {
	.init = quic_net_setup,
	.exit = quic_net_cleanup,
	.id   = &quic_net_id,
	.size = sizeof(struct quic_net),
};

/**
 * quic_net_init - have every network namespace set up
 *
 * Return: 0 or a negative errno.
 */
int __init quic_net_init(void)
{
	int err;

	err = register_pernet_subsys(&quic_net_ops);
	if (err)
		return err;
	err = quic_roam_init();
	if (err)
		unregister_pernet_subsys(&quic_net_ops);
	return err;
}

/**
 * quic_net_exit - undo quic_net_init()
 */
void quic_net_exit(void)
{
	quic_roam_exit();
	unregister_pernet_subsys(&quic_net_ops);
}
