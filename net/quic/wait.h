/* SPDX-License-Identifier: GPL-2.0-only */
/* Taking the connection lock for a message, and sleeping until something about
 * the socket may have changed.
 *
 * Owns:    quic_conn.lock_depth and quic_conn.flushing.
 * Guard:   the connection lock, which is dropped while one sleeps.
 * Callers: sendmsg.c, recvmsg.c.
 */
#ifndef _NET_QUIC_WAIT_H
#define _NET_QUIC_WAIT_H

#include <linux/sched/signal.h>
#include <linux/uio.h>
#include <linux/wait.h>
#include <net/sock.h>

#include "conn.h"
#include "input.h"

/**
 * quic_lock_for_msg - take the connection lock to send or receive
 * @sk:  socket
 * @msg: the message
 *
 * Sockets of file systems are lent to a TLS agent for the handshake. Its memory
 * may fault, and what a fault takes may be held when the file system calls: but
 * not before the agent is done, so that these are not the same lock to lockdep.
 */
static inline void quic_lock_for_msg(struct sock *sk, const struct msghdr *msg)
{
	bool lent = sk->sk_kern_sock && user_backed_iter(&msg->msg_iter);
	int depth = lent ? SINGLE_DEPTH_NESTING : 0;

	lock_sock_nested(sk, depth);
	quic_conn(sk)->lock_depth = depth;
	quic_steer_here(&quic_conn(sk)->steer);
}

/**
 * quic_unlock - end of quic_lock_for_msg()
 * @sk: socket
 */
static inline void quic_unlock(struct sock *sk)
{
	struct quic_conn *conn = quic_conn(sk);

	/* What the backlog calls for takes its time, in which a processor that has
	 * more for this socket would spin, if release_sock() did it.
	 */
	conn->flushing = true;
	sk_flush_backlog(sk);
	conn->flushing = false;
	quic_conn_rcv_end(sk);
	conn->lock_depth = 0;
	release_sock(sk);
}

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
	int depth = quic_conn(sk)->lock_depth;

	if (!*timeo)
		return -EAGAIN;
	if (signal_pending(current))
		return sock_intr_errno(*timeo);

	add_wait_queue(sk_sleep(sk), &wait);
	quic_unlock(sk);
	*timeo = wait_woken(&wait, TASK_INTERRUPTIBLE, *timeo);
	lock_sock_nested(sk, depth);
	quic_conn(sk)->lock_depth = depth;
	quic_steer_here(&quic_conn(sk)->steer);
	remove_wait_queue(sk_sleep(sk), &wait);
	return 0;
}

#endif /* _NET_QUIC_WAIT_H */
