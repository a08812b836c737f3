// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>

#include "svc_quic.h"
#include "xprt_quic.h"

static int __init rpcquic_init(void)
{
	int err;

	err = xprt_quic_init();
	if (err)
		return err;
	err = svc_quic_bc_init();
	if (err)
		goto out_xprt;
	err = svc_quic_init();
	if (err)
		goto out_bc;
	return 0;

out_bc:
	svc_quic_bc_exit();
out_xprt:
	xprt_quic_exit();
	return err;
}

static void __exit rpcquic_exit(void)
{
	svc_quic_exit();
	svc_quic_bc_exit();
	xprt_quic_exit();
}

module_init(rpcquic_init);
module_exit(rpcquic_exit);

/* What RPC clients and servers ask for: by netid, and by the server's name. */
MODULE_ALIAS("rpcquic6");
MODULE_ALIAS("svcquic");
MODULE_DESCRIPTION("RPC over QUIC");
MODULE_LICENSE("GPL");
