/* SPDX-License-Identifier: GPL-2.0-only */
/* QUIC sockets for users inside the kernel. */
#ifndef _LINUX_QUIC_H
#define _LINUX_QUIC_H

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/sched/signal.h>
#include <linux/socket.h>
#include <linux/sockptr.h>
#include <net/handshake.h>
#include <uapi/linux/quic.h>

struct sk_buff;
struct sock;

/**
 * DOC: QUIC inside the kernel
 *
 * A consumer makes its socket with sock_create_kern(), protocol IPPROTO_QUIC,
 * and uses kernel_bind(), kernel_connect(), kernel_listen(), kernel_accept(),
 * kernel_sendmsg(), kernel_recvmsg() and kernel_sock_shutdown() as for any
 * other protocol. What those calls cannot say is said by the options of
 * <uapi/linux/quic.h>, through quic_do_setsockopt() and quic_do_getsockopt(),
 * and by ancillary data in a buffer of the kernel. Who has several streams
 * takes what they bring with quic_read_streams(), which knows before it copies
 * whose bytes come next. net/quic/samples has a server and a client.
 *
 * The handshake is done by an agent in user space, through net/handshake:
 *
 * 1. Set options: QUIC_SOCKOPT_ALPN in any case; QUIC_SOCKOPT_TRANSPORT_PARAM
 *    for limits and the idle timeout; QUIC_SOCKOPT_CONFIG, where
 *    certificate_request and receive_session_ticket are for the agent.
 * 2. Client: kernel_connect(). It chooses addresses and sends nothing. Server:
 *    kernel_accept(), which returns before the handshake; the socket has the
 *    listener's options.
 * 3. sock_alloc_file(): the agent gets this file. From then on the socket is
 *    released with fput(). Who drops the last reference, and when, is not known
 *    beforehand, so that such a socket has to hold its network namespace:
 *    sk_net_refcnt_upgrade(). A listener needs neither, but its owner has to
 *    release it before the namespace goes (pernet_operations).
 * 4. quic_handshake_request() with tls_client_hello_anon() or the like. Pass
 *    the name that the server's certificate has to have. One socket has one
 *    handshake. A client calls quic_session_resume() before, so that it begins
 *    with what the last connection to the server has left.
 * 5. Wait for the callback, with a timeout; it runs in the agent's context. To
 *    give up: tls_handshake_cancel(), and if that returns false wait on, for
 *    the callback is running. Then shut the socket down, which lets an agent
 *    that is still at work fail.
 *
 * When the callback reports 0, streams may be used both ways. The agent leaves
 * the protocol it has chosen in QUIC_SOCKOPT_ALPN (server), session data in
 * QUIC_SOCKOPT_SESSION_TICKET (client) and a TLS alert in
 * QUIC_SOCKOPT_CONNECTION_CLOSE.
 *
 * sk_data_ready, sk_write_space and sk_state_change are called as by TCP, from
 * softirq, too. The first may come before anything can be read. An end of the
 * connection is -ENOTCONN from kernel_recvmsg() and -EPIPE from
 * kernel_sendmsg(); QUIC_SOCKOPT_CONNECTION_CLOSE tells why. 0 from
 * kernel_recvmsg() is the end of a stream.
 *
 * A consumer in the path of memory reclaim sets sk_allocation and clears
 * sk_use_task_frag, as with TCP. Pages are sent without a copy with
 * MSG_SPLICE_PAGES; they are read until they have been acknowledged. Functions
 * that work on a struct tcp_sock (tcp_sock_set_nodelay() and the like) must not
 * be given a QUIC socket.
 */

/**
 * struct quic_read - what to do with what a socket has received
 * @data:  takes bytes of a stream, from the beginning of @skb; @fin tells that
 *	   the stream ends behind the last of them. Returns how many it has
 *	   taken; less than all ends the read
 * @event: takes a notification (QUIC_SOCKOPT_EVENT), or NULL
 * @stop:  set by @data to end the read
 *
 * Both are called with the socket lock held, in process context.
 */
struct quic_read {
	unsigned int (*data)(struct quic_read *read, s64 stream_id,
			     struct sk_buff *skb, bool fin);
	void (*event)(struct quic_read *read, u8 type, const void *info,
		      unsigned int len);
	bool stop;
};

int quic_session_resume(struct sock *sk, const struct tls_handshake_args *args,
			bool prove);
int quic_read_streams(struct sock *sk, struct quic_read *read);
/* Between two attempts to hand a handshake to a busy agent. */
#define QUIC_HANDSHAKE_NAP_MS	20

/**
 * quic_handshake_request - hand a handshake to the agent
 * @hello: tls_client_hello_anon() or another of its kind
 * @args:  for it, with a timeout
 *
 * In a network namespace only so many requests may wait for the agent to take
 * them as suits the memory, 3 to 50; more are refused with -EAGAIN. What begins
 * together, as the mounts of a boot, is soon more, but an agent takes a request
 * within milliseconds. So this asks again until the timeout.
 *
 * Context: process; sleeps.
 * Return: as @hello; -EINTR if the caller is being killed.
 */
static inline int
quic_handshake_request(int (*hello)(const struct tls_handshake_args *args,
				    gfp_t flags),
		       const struct tls_handshake_args *args)
{
	unsigned long end = jiffies + msecs_to_jiffies(args->ta_timeout_ms);
	int err;

	while ((err = hello(args, GFP_KERNEL)) == -EAGAIN &&
	       time_before(jiffies, end)) {
		msleep(QUIC_HANDSHAKE_NAP_MS);
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return err;
}

int quic_do_setsockopt(struct sock *sk, int optname, sockptr_t optval,
		       unsigned int optlen);
int quic_do_getsockopt(struct sock *sk, int optname, sockptr_t optval,
		       sockptr_t optlen);

#endif /* _LINUX_QUIC_H */
