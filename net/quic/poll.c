// SPDX-License-Identifier: GPL-2.0-only
#include <asm/ioctls.h>
#include <linux/sockios.h>

#include "conn.h"
#include "listen.h"
#include "poll.h"
#include "rcvq.h"
#include "sendmsg.h"

/* While the handshake runs, flow control does not bound what is sent. */
static bool quic_poll_writable(const struct sock *sk, int state)
{
	if (sk_stream_wspace(sk) <= 0)
		return false;
	return state == QUIC_STATE_ESTABLISHING ||
	       quic_stream_memory_free(sk, 0);
}

static __poll_t quic_poll_write(struct sock *sk, int state)
{
	if (!quic_poll_writable(sk, state)) {
		sk_set_bit(SOCKWQ_ASYNC_NOSPACE, sk);
		set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
		/* Room may have been made before the bits were seen. */
		smp_mb__after_atomic();
		if (!quic_poll_writable(sk, state))
			return 0;
	}
	return EPOLLOUT | EPOLLWRNORM;
}

/* Who waits for something to read may wait for an answer. */
static void quic_poll_read(struct sock *sk, poll_table *wait)
{
	struct quic_conn *conn = quic_conn(sk);

	if (!READ_ONCE(conn->streams.gathering) ||
	    !(poll_requested_events(wait) & EPOLLIN))
		return;
	lock_sock(sk);
	quic_send_gathered(conn);
	release_sock(sk);
}

/**
 * quic_poll - struct proto_ops: what a socket is ready for
 * @file: unused by sock_poll_wait() but for its wait queue; may be NULL
 * @sock: socket
 * @wait: table to wait in, or NULL
 *
 * Context: process context; takes the socket lock only if something is to be sent
 * before the caller waits.
 * Return: EPOLL* bits.
 */
__poll_t quic_poll(struct file *file, struct socket *sock, poll_table *wait)
{
	struct sock *sk = sock->sk;
	__poll_t mask = 0;
	int state;

	sock_poll_wait(file, sock, wait);
	state = inet_sk_state_load(sk);
	switch (state) {
	case QUIC_STATE_LISTENING:
		return quic_listen_pending(sk) ? EPOLLIN | EPOLLRDNORM : 0;
	case QUIC_STATE_CLOSED:
		return EPOLLHUP | EPOLLERR | EPOLLIN | EPOLLRDNORM |
		       EPOLLRDHUP | EPOLLOUT | EPOLLWRNORM;
	}
	if (READ_ONCE(sk->sk_err))
		mask |= EPOLLERR;
	if (quic_rcvq_first(quic_conn(sk)))
		mask |= EPOLLIN | EPOLLRDNORM;
	else
		quic_poll_read(sk, wait);
	return mask | quic_poll_write(sk, state);
}

static u64 quic_unread(const struct sk_buff_head *queue)
{
	struct sk_buff *skb;
	u64 bytes = 0;

	skb_queue_walk(queue, skb)
		bytes += skb->len;
	return bytes;
}

static u64 quic_ioctl_inq(struct quic_conn *conn)
{
	u64 bytes = conn->crypto[QUIC_CRYPTO_INITIAL].unread +
		    conn->crypto[QUIC_CRYPTO_HANDSHAKE].unread +
		    quic_unread(&conn->events.queue);

	if (!conn->early.held)
		bytes += quic_unread(&quic_conn_sk(conn)->sk_receive_queue);
	return bytes;
}

static u64 quic_ioctl_outq(const struct quic_conn *conn)
{
	u64 bytes = quic_streams_unacked(conn) + conn->dgrams.bytes;
	int i;

	for (i = 0; i < QUIC_CRYPTO_STREAMS; i++)
		bytes += conn->crypto[i].out.end - conn->crypto[i].out.start;
	return bytes;
}

static u64 quic_ioctl_outqnsd(const struct quic_conn *conn)
{
	u64 bytes = quic_streams_unsent(conn) + conn->dgrams.bytes;
	int i;

	for (i = 0; i < QUIC_CRYPTO_STREAMS; i++)
		bytes += quic_send_buf_fresh(&conn->crypto[i].out);
	return bytes;
}

static u64 quic_ioctl_bytes(struct quic_conn *conn, int cmd)
{
	switch (cmd) {
	case SIOCINQ:
		return quic_ioctl_inq(conn);
	case SIOCOUTQ:
		return quic_ioctl_outq(conn);
	default:
		return quic_ioctl_outqnsd(conn);
	}
}

/**
 * quic_ioctl - struct proto: how much waits in the queues
 * @sk:   socket
 * @cmd:  SIOCINQ, SIOCOUTQ or SIOCOUTQNSD
 * @karg: the answer, in bytes
 *
 * Context: process context, takes the socket lock.
 * Return: 0; -EINVAL on a listener; -ENOIOCTLCMD for what others answer.
 */
int quic_ioctl(struct sock *sk, int cmd, int *karg)
{
	struct quic_conn *conn = quic_conn(sk);
	int err = 0;

	if (cmd != SIOCINQ && cmd != SIOCOUTQ && cmd != SIOCOUTQNSD)
		return -ENOIOCTLCMD;
	lock_sock(sk);
	if (quic_conn_is(conn, QUIC_STATE_LISTENING))
		err = -EINVAL;
	else
		*karg = min_t(u64, quic_ioctl_bytes(conn, cmd), INT_MAX);
	release_sock(sk);
	return err;
}
