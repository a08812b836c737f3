// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cpumask.h>
#include <net/busy_poll.h>

#include "conn.h"
#include "drop.h"
#include "net_ns.h"
#include "steer.h"
#include "udp_rx.h"

/* What it takes, received and waiting to be sent, to be worth waking another
 * processor for.
 */
#define QUIC_STEER_WORTH	16384

/* After so many bytes (true size) others get the processor. */
#define QUIC_STEER_BATCH	(256 * 1024)

static struct workqueue_struct *quic_steer_wq;

/* Where a datagram of the connection is to be handled. */
static int quic_steer_target(const struct quic_steer *steer)
{
	int cpu = READ_ONCE(steer->cpu);

	return cpu >= 0 && cpu_online(cpu) ? cpu : smp_processor_id();
}

/* A device's interrupt, or the administrator's steering, has chosen a processor
 * that does nothing else for the datagram, so the reader's is left to the reader.
 */
static bool quic_steer_chosen(const struct sk_buff *skb)
{
#ifdef CONFIG_NET_RX_BUSY_POLL
	return napi_id_valid(skb->napi_id);
#else
	return false;
#endif
}

/* A datagram costs what has to be decrypted of it, and the ACK in it may let
 * leave what has been queued.
 */
static bool quic_steer_worth(const struct sock *sk, const struct sk_buff *skb)
{
	return !quic_steer_chosen(skb) &&
	       skb->len + READ_ONCE(sk->sk_wmem_queued) >= QUIC_STEER_WORTH;
}

static struct sk_buff *quic_steer_next(struct quic_steer *steer)
{
	struct sk_buff *skb;

	spin_lock_bh(&steer->queue.lock);
	skb = __skb_dequeue(&steer->queue);
	if (skb)
		steer->bytes -= skb->truesize;
	else
		steer->busy = false;
	spin_unlock_bh(&steer->queue.lock);
	return skb;
}

/* When its network namespace ends, all of it is done at once: see
 * quic_steer_flush().
 */
static void quic_steer_work(struct work_struct *work)
{
	struct quic_steer *steer = container_of(work, struct quic_steer, work);
	struct quic_conn *conn = container_of(steer, struct quic_conn, steer);
	struct sock *sk = quic_conn_sk(conn);
	struct sk_buff *skb;
	u32 done = 0;

	while (done < QUIC_STEER_BATCH || !check_net(sock_net(sk))) {
		skb = quic_steer_next(steer);
		if (!skb) {
			sock_put(sk);
			return;
		}
		done += skb->truesize;
		quic_udp_deliver_here(sk, skb);
	}
	queue_work_on(quic_steer_target(steer), quic_steer_wq, work);
}

/**
 * quic_steer_init - nothing is on its way
 * @steer: that of a new connection
 */
void quic_steer_init(struct quic_steer *steer)
{
	skb_queue_head_init(&steer->queue);
	INIT_WORK(&steer->work, quic_steer_work);
	steer->cpu = -1;
}

/**
 * quic_steer_away - leave a datagram to the processor where the program runs
 * @sk:	 the connection; with a reference of the caller's
 * @skb: the datagram, or a batch of them
 *
 * What comes later must not overtake what was steered away before, or it looks
 * lost to the peer. A processor stays online while softirqs are off.
 *
 * Context: softirqs off.
 * Return: true if that took @skb and the reference, false if it is to be handled
 * here.
 */
bool quic_steer_away(struct sock *sk, struct sk_buff *skb)
{
	struct quic_steer *steer = &quic_conn(sk)->steer;
	int cpu = quic_steer_target(steer);
	bool fits, begin = false;
	u32 limit;

	if (!READ_ONCE(steer->busy) &&
	    (cpu == smp_processor_id() || !quic_steer_worth(sk, skb)))
		return false;

	limit = quic_udp_rcv_limit(sk);
	spin_lock(&steer->queue.lock);
	fits = steer->bytes + skb->truesize <= limit;
	if (fits) {
		__skb_queue_tail(&steer->queue, skb);
		steer->bytes += skb->truesize;
		begin = !steer->busy;
		steer->busy = true;
	}
	spin_unlock(&steer->queue.lock);
	if (fits)
		QUIC_INC_STATS(sock_net(sk), PKT_RCV_STEERED);
	else
		quic_drop_skb(sock_net(sk), sk, skb, QUIC_DROP_BACKLOG);
	if (begin)
		queue_work_on(cpu, quic_steer_wq, &steer->work);
	else
		sock_put(sk);
	return true;
}

/**
 * quic_steer_flush - what was steered away before has been handled
 *
 * A socket of the kernel's does not keep its network namespace, whose counters
 * are used.
 *
 * Context: process.
 */
void quic_steer_flush(void)
{
	flush_workqueue(quic_steer_wq);
}

/**
 * quic_steer_setup - make the workqueue
 *
 * Return: 0 or -ENOMEM.
 */
int __init quic_steer_setup(void)
{
	quic_steer_wq = alloc_workqueue("quic_steer", WQ_BH | WQ_PERCPU, 0);
	return quic_steer_wq ? 0 : -ENOMEM;
}

/**
 * quic_steer_exit - release the workqueue; no socket is left
 */
void quic_steer_exit(void)
{
	destroy_workqueue(quic_steer_wq);
}
