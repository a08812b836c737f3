// SPDX-License-Identifier: GPL-2.0-only
/* What "inet: export what a transport in a module needs" exports, for kernels
 * without that patch: the same functions, as a part of the module.
 */

#include <net/inet_common.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/sock.h>

/* QUIC sockets bind themselves, so inet_send_prepare() has nothing to do. */
void inet_splice_eof(struct socket *sock)
{
	sock->sk->sk_prot->splice_eof(sock);
}

void inet_sk_state_store(struct sock *sk, int newstate)
{
	/* The tracepoint is out of reach, the function that has it is not. */
	smp_mb();
	inet_sk_set_state(sk, newstate);
}

unsigned long snmp_fold_field(void __percpu *mib, int offt)
{
	unsigned long res = 0;
	int i;

	for_each_possible_cpu(i)
		res += snmp_get_cpu_field(mib, i, offt);
	return res;
}

bool ip6_autoflowlabel(struct net *net, const struct sock *sk)
{
	if (!inet6_test_bit(AUTOFLOWLABEL_SET, sk))
		return ip6_default_np_autolabel(net);
	return inet6_test_bit(AUTOFLOWLABEL, sk);
}
