/* SPDX-License-Identifier: GPL-2.0-only */
/* Steering: on which processor the datagrams of a connection are handled.
 *
 * To handle one is to decrypt it, and often to encrypt what an ACK lets leave.
 * Where the sender is on the same machine, all of that would fall to the
 * sender's processor. It is done where the program has last used the socket
 * instead, which is what a stream over kernel TLS comes to as well: there
 * recvmsg() decrypts. What a device delivers by NAPI stays where it comes.
 *
 * Owns:    struct quic_steer.
 * Guard:   the lock of its queue; a leaf.
 * Callers: udp_rx.c; conn.c; wait.h and recvmsg.c tell where the program runs;
 *          net_ns.c and af_quic.c begin and end.
 */
#ifndef _NET_QUIC_STEER_H
#define _NET_QUIC_STEER_H

#include <linux/skbuff.h>
#include <linux/smp.h>
#include <linux/workqueue.h>

struct quic_net;
struct sock;

/**
 * struct quic_steer - datagrams on their way to another processor
 * @queue: datagrams and batches of them, oldest first
 * @bytes: their true size
 * @csd:   has another processor queue the work
 * @work:  handles them; has a reference to the socket while it is @busy
 * @busy:  the work is queued or runs, so that nobody may overtake it
 * @alien: while @busy: the socket does not keep its network namespace
 * @cpu:   where the program has last used the socket, -1 before it has
 */
struct quic_steer {
	struct sk_buff_head queue;
	u32 bytes;
	call_single_data_t csd;
	struct work_struct work;
	bool busy;
	bool alien;
	int cpu;
};

/**
 * quic_steer_here - a program uses the socket
 * @steer: that of the connection
 *
 * Context: process, connection lock held.
 */
static inline void quic_steer_here(struct quic_steer *steer)
{
	int cpu = raw_smp_processor_id();

	if (READ_ONCE(steer->cpu) != cpu)
		WRITE_ONCE(steer->cpu, cpu);
}

void quic_steer_init(struct quic_steer *steer);
bool quic_steer_away(struct sock *sk, struct sk_buff *skb);
void quic_steer_flush(struct quic_net *qn);
int quic_steer_setup(void);
void quic_steer_exit(void);

#endif /* _NET_QUIC_STEER_H */
