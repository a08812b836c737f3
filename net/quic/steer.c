// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cpumask.h>
#include <linux/wait_bit.h>
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

/* While a process owns the socket its backlog leads to the same processor, and
 * need not interrupt it.
 */
static bool quic_steer_owned(const struct sock *sk)
{
	/* That may change under our eyes, which costs nothing but the place. */
	return data_race(sock_owned_by_user_nocheck(sk));
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

/* Runs where the work is to be done: to queue it from elsewhere would keep the
 * workers there from their lock until the interrupt has been sent.
 */
static void quic_steer_arrive(void *info)
{
	struct quic_steer *steer = info;

	queue_work(quic_steer_wq, &steer->work);
}

static void quic_steer_kick(struct quic_steer *steer, int cpu)
{
	if (cpu == smp_processor_id() ||
	    smp_call_function_single_async(cpu, &steer->csd))
		queue_work(quic_steer_wq, &steer->work);
}

static void quic_steer_end(struct sock *sk, bool alien)
{
	struct quic_net *qn = quic_net(sock_net(sk));

	sock_put(sk);
	if (alien && atomic_dec_and_test(&qn->nr_steering))
		wake_up_var(&qn->nr_steering);
}

/* When its network namespace ends, all of it is done at once: see
 * quic_steer_flush().
 */
static void quic_steer_work(struct work_struct *work)
{
	struct quic_steer *steer = container_of(work, struct quic_steer, work);
	struct quic_conn *conn = container_of(steer, struct quic_conn, steer);
	struct sock *sk = quic_conn_sk(conn);
	bool alien = steer->alien;
	struct sk_buff *skb;
	u32 done = 0;

	while (done < QUIC_STEER_BATCH || !check_net(sock_net(sk))) {
		skb = quic_steer_next(steer);
		if (!skb) {
			quic_steer_end(sk, alien);
			return;
		}
		done += skb->truesize;
		quic_udp_deliver_here(sk, skb);
	}
	quic_steer_kick(steer, quic_steer_target(steer));
}

/**
 * quic_steer_init - nothing is on its way
 * @steer: that of a new connection
 */
void quic_steer_init(struct quic_steer *steer)
{
	skb_queue_head_init(&steer->queue);
	INIT_CSD(&steer->csd, quic_steer_arrive, steer);
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
	struct quic_net *qn = quic_net(sock_net(sk));
	int cpu = quic_steer_target(steer);
	bool fits, begin = false;
	u32 limit;

	if (!READ_ONCE(steer->busy) &&
	    (cpu == smp_processor_id() || !quic_steer_worth(sk, skb) ||
	     quic_steer_owned(sk)))
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
	if (begin) {
		steer->alien = !sk->sk_net_refcnt;
		if (steer->alien)
			atomic_inc(&qn->nr_steering);
	}
	spin_unlock(&steer->queue.lock);
	if (fits)
		QUIC_INC_STATS(sock_net(sk), PKT_RCV_STEERED);
	else
		quic_drop_skb(sock_net(sk), sk, skb, QUIC_DROP_BACKLOG);
	if (begin)
		quic_steer_kick(steer, cpu);
	else
		sock_put(sk);
	return true;
}

/**
 * quic_steer_flush - what was steered away before has been handled
 * @qn: a network namespace that ends
 *
 * A socket of the kernel's does not keep it, whose counters are used.
 *
 * Context: process.
 */
void quic_steer_flush(struct quic_net *qn)
{
	wait_var_event(&qn->nr_steering, !atomic_read(&qn->nr_steering));
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
