/* SPDX-License-Identifier: GPL-2.0-only */
/* Sleeping until something about a socket may have changed.
 *
 * Owns:    no state.
 * Guard:   called with the connection lock, which is dropped meanwhile.
 * Callers: sendmsg.c, recvmsg.c.
 */
#ifndef _NET_QUIC_WAIT_H
#define _NET_QUIC_WAIT_H

#include <linux/sched/signal.h>
#include <linux/wait.h>
#include <net/sock.h>

/**
 * quic_wait - sleep once
 * @sk:    socket, locked
 * @timeo: how long at most; reduced by the time that passed
 *
 * A wake-up from the moment of the call on is not missed. The caller looks
 * again whether there is what it waits for: everything may have changed.
 *
 * Return: 0, -EAGAIN when the time is up, or what a signal demands.
 */
static inline int quic_wait(struct sock *sk, long *timeo)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	if (!*timeo)
		return -EAGAIN;
	if (signal_pending(current))
		return sock_intr_errno(*timeo);

	add_wait_queue(sk_sleep(sk), &wait);
	release_sock(sk);
	*timeo = wait_woken(&wait, TASK_INTERRUPTIBLE, *timeo);
	lock_sock(sk);
	remove_wait_queue(sk_sleep(sk), &wait);
	return 0;
}

#endif /* _NET_QUIC_WAIT_H */
