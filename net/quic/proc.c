// SPDX-License-Identifier: GPL-2.0-only
#include <linux/proc_fs.h>
#include <linux/rculist.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>

#include "addr.h"
#include "cipher_rate.h"
#include "conn.h"
#include "endpoint.h"
#include "net_ns.h"
#include "proc.h"
#include "sock_addr.h"

static void *quic_proc_start(struct seq_file *seq, loff_t *pos)
	__acquires(RCU)
{
	rcu_read_lock();
	return seq_hlist_start_head_rcu(&quic_net(seq_file_net(seq))->socks,
					*pos);
}

static void *quic_proc_next(struct seq_file *seq, void *v, loff_t *pos)
{
	return seq_hlist_next_rcu(v, &quic_net(seq_file_net(seq))->socks, pos);
}

static void quic_proc_stop(struct seq_file *seq, void *v)
	__releases(RCU)
{
	rcu_read_unlock();
}

/* The address that the UDP socket is bound to; endpoints are freed by RCU. */
static const char *quic_proc_print_udp(char *buf,
				       const struct quic_endpoint *ep)
{
	return ep ? quic_addr_print(buf, &ep->addr) : "-";
}

static void quic_proc_show_conn(struct seq_file *seq, struct sock *sk,
				int state)
{
	struct quic_conn *conn = quic_conn(sk);
	char local[QUIC_ADDR_STRLEN], peer[QUIC_ADDR_STRLEN];
	char udp[QUIC_ADDR_STRLEN];
	union quic_addr addr;

	quic_sock_local(sk, &addr);
	quic_addr_print(local, &addr);
	quic_sock_peer(sk, &addr);
	quic_addr_print(peer, &addr);
	seq_printf(seq, "%p\t%d\t%s\t%s\t%s\t", sk, state, local, peer,
		   quic_proc_print_udp(udp, READ_ONCE(conn->path.endpoint)));
	seq_printf(seq, "%llu\t%u\t%llu\t%d\t%d\t%d\t%d\t%u\t%llu\n",
		   conn->rec.cc.cwnd, conn->path.max_payload,
		   conn->rec.cc.bytes_in_flight, READ_ONCE(sk->sk_wmem_queued),
		   sk_rmem_alloc_get(sk), READ_ONCE(sk->sk_sndbuf),
		   READ_ONCE(sk->sk_rcvbuf),
		   from_kuid_munged(seq_user_ns(seq), sk_uid(sk)),
		   sock_i_ino(sk));
}

static int quic_conns_show(struct seq_file *seq, void *v)
{
	struct sock *sk;
	int state;

	if (v == SEQ_START_TOKEN) {
		seq_puts(seq, "SOCK\tSTATE\tLOCAL_ADDRESS\tREMOTE_ADDRESS\tUDP_ADDRESS\tWINDOW\tMSS\tIN_FLIGHT\tTX_QUEUE\tRX_QUEUE\tSNDBUF\tRCVBUF\tUID\tINODE\n");
		return 0;
	}
	sk = hlist_entry(v, struct sock, sk_node);
	state = inet_sk_state_load(sk);
	if (state == QUIC_STATE_ESTABLISHING || state == QUIC_STATE_ESTABLISHED)
		quic_proc_show_conn(seq, sk, state);
	return 0;
}

static int quic_eps_show(struct seq_file *seq, void *v)
{
	char local[QUIC_ADDR_STRLEN], udp[QUIC_ADDR_STRLEN];
	union quic_addr addr;
	struct sock *sk;

	if (v == SEQ_START_TOKEN) {
		seq_puts(seq, "SOCK\tSTATE\tLOCAL_ADDRESS\tUDP_ADDRESS\tUID\tINODE\n");
		return 0;
	}
	sk = hlist_entry(v, struct sock, sk_node);
	if (inet_sk_state_load(sk) != QUIC_STATE_LISTENING)
		return 0;
	quic_sock_local(sk, &addr);
	seq_printf(seq, "%p\t%d\t%s\t%s\t%u\t%llu\n", sk, QUIC_STATE_LISTENING,
		   quic_addr_print(local, &addr),
		   quic_proc_print_udp(udp, READ_ONCE(quic_conn(sk)->bound)),
		   from_kuid_munged(seq_user_ns(seq), sk_uid(sk)),
		   sock_i_ino(sk));
	return 0;
}

static int quic_snmp_show(struct seq_file *seq, void *v)
{
	quic_mib_show(seq, quic_net(seq_file_single_net(seq))->mib);
	return 0;
}

static int quic_ciphers_show(struct seq_file *seq, void *v)
{
	quic_cipher_rate_show(seq);
	return 0;
}

static const struct seq_operations quic_conns_ops = {
	.start	= quic_proc_start,
	.next	= quic_proc_next,
	.stop	= quic_proc_stop,
	.show	= quic_conns_show,
};

static const struct seq_operations quic_eps_ops = {
	.start	= quic_proc_start,
	.next	= quic_proc_next,
	.stop	= quic_proc_stop,
	.show	= quic_eps_show,
};

/**
 * quic_proc_net_init - create /proc/net/quic of a network namespace
 * @net: the namespace
 *
 * Return: 0 or -ENOMEM.
 */
int __net_init quic_proc_net_init(struct net *net)
{
	struct proc_dir_entry *dir;

	dir = proc_net_mkdir(net, "quic", net->proc_net);
	if (!dir)
		return -ENOMEM;
	if (proc_create_net("conns", 0444, dir, &quic_conns_ops,
			    sizeof(struct seq_net_private)) &&
	    proc_create_net("eps", 0444, dir, &quic_eps_ops,
			    sizeof(struct seq_net_private)) &&
	    proc_create_net_single("snmp", 0444, dir, quic_snmp_show, NULL) &&
	    proc_create_net_single("ciphers", 0444, dir, quic_ciphers_show,
				   NULL))
		return 0;
	quic_proc_net_exit(net);
	return -ENOMEM;
}

/**
 * quic_proc_net_exit - undo quic_proc_net_init()
 * @net: the namespace
 */
void quic_proc_net_exit(struct net *net)
{
	remove_proc_subtree("quic", net->proc_net);
}
