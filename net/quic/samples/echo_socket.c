// SPDX-License-Identifier: GPL-2.0-only
#include <linux/file.h>
#include <linux/in.h>
#include <linux/net.h>
#include <linux/quic.h>
#include <linux/socket.h>
#include <linux/sockptr.h>
#include <net/handshake.h>
#include <net/sock.h>

#include "echo.h"

static int quic_echo_setsockopt(struct socket *sock, int optname, void *val,
				unsigned int len)
{
	return quic_do_setsockopt(sock->sk, optname, KERNEL_SOCKPTR(val), len);
}

/**
 * quic_echo_socket - make a socket for protocol "echo"
 * @net:   network namespace, which the socket does not hold
 * @addr:  says which address family
 * @sockp: the socket
 *
 * Return: 0 or a negative errno.
 */
int quic_echo_socket(struct net *net, const struct sockaddr_storage *addr,
		     struct socket **sockp)
{
	struct quic_transport_param param = {
		.max_idle_timeout = QUIC_ECHO_TIMEOUT_MS * USEC_PER_MSEC,
	};
	struct socket *sock;
	int err;

	err = sock_create_kern(net, addr->ss_family, SOCK_STREAM, IPPROTO_QUIC,
			       &sock);
	if (err)
		return err;
	err = quic_echo_setsockopt(sock, QUIC_SOCKOPT_ALPN, QUIC_ECHO_ALPN,
				   strlen(QUIC_ECHO_ALPN));
	if (!err)
		err = quic_echo_setsockopt(sock, QUIC_SOCKOPT_TRANSPORT_PARAM,
					   &param, sizeof(param));
	if (err) {
		sock_release(sock);
		return err;
	}
	*sockp = sock;
	return 0;
}

/**
 * quic_echo_file - give a socket a file, without which there is no handshake
 * @sock: the socket; released if this fails
 *
 * The agent in user space gets the same file. Nobody knows who will close it
 * last, nor when, so that from now on the socket holds its network namespace.
 *
 * Return: the file, or an error pointer.
 */
struct file *quic_echo_file(struct socket *sock)
{
	sk_net_refcnt_upgrade(sock->sk);
	WRITE_ONCE(sock->sk->sk_rcvtimeo,
		   msecs_to_jiffies(QUIC_ECHO_TIMEOUT_MS));
	WRITE_ONCE(sock->sk->sk_sndtimeo,
		   msecs_to_jiffies(QUIC_ECHO_TIMEOUT_MS));
	return sock_alloc_file(sock, 0, NULL);
}

/**
 * quic_echo_done - the agent has reported
 * @data:   struct quic_echo_handshake
 * @status: 0 or a negative errno
 * @peer:   key with the peer's certificate, of no interest here
 */
void quic_echo_done(void *data, int status, key_serial_t peer)
{
	struct quic_echo_handshake *handshake = data;

	handshake->status = status;
	complete(&handshake->done);
}

/**
 * quic_echo_wait - wait until the agent has reported
 * @sock:      the socket
 * @handshake: what quic_echo_done() fills in
 *
 * When this returns, quic_echo_done() has been called or never will be. After
 * a failure the socket is of no use; shutting it down lets an agent that is
 * still at work fail at once, too.
 *
 * Return: 0, the agent's errno, -ETIMEDOUT, or -EINTR because of a signal.
 */
int quic_echo_wait(struct socket *sock, struct quic_echo_handshake *handshake)
{
	unsigned long timeout = msecs_to_jiffies(QUIC_ECHO_TIMEOUT_MS);
	long left;

	left = wait_for_completion_interruptible_timeout(&handshake->done,
							 timeout);
	if (left <= 0 && tls_handshake_cancel(sock->sk)) {
		handshake->status = left ? -EINTR : -ETIMEDOUT;
	} else if (left <= 0) {
		/* The agent was faster than the cancellation. */
		wait_for_completion(&handshake->done);
	}
	if (handshake->status)
		kernel_sock_shutdown(sock, SHUT_RDWR);
	return handshake->status;
}

/**
 * quic_echo_send - send on one stream
 * @sock: the socket
 * @id:	  the stream
 * @buf:  data
 * @len:  bytes of it; 0 is of use with @fin
 * @fin:  nothing follows on this stream
 *
 * Return: 0 or a negative errno.
 */
int quic_echo_send(struct socket *sock, s64 id, const void *buf, size_t len,
		   bool fin)
{
	u8 control[CMSG_SPACE(sizeof(struct quic_stream_info))] = {};
	struct quic_stream_info *info;
	struct cmsghdr *cmsg;
	struct kvec iov;
	int sent;

	cmsg = (struct cmsghdr *)control;
	cmsg->cmsg_level = SOL_QUIC;
	cmsg->cmsg_type = QUIC_STREAM_INFO;
	cmsg->cmsg_len = CMSG_LEN(sizeof(*info));
	info = CMSG_DATA(cmsg);
	info->stream_id = id;
	info->stream_flags = fin ? MSG_QUIC_STREAM_FIN : 0;
	do {
		struct msghdr msg = {
			.msg_flags	= MSG_NOSIGNAL,
			.msg_control	= control,
			.msg_controllen	= sizeof(control),
		};

		iov.iov_base = (void *)buf;
		iov.iov_len = len;
		sent = kernel_sendmsg(sock, &msg, &iov, 1, len);
		if (sent < 0)
			return sent;
		buf += sent;
		len -= sent;
	} while (len);
	return 0;
}

/**
 * quic_echo_recv - receive from whichever stream has something
 * @sock: the socket
 * @id:	  the stream
 * @buf:  where to
 * @len:  room at @buf
 * @fin:  nothing follows on this stream
 *
 * Return: number of bytes, or a negative errno; -ENOTCONN if the peer has
 * closed.
 */
int quic_echo_recv(struct socket *sock, s64 *id, void *buf, size_t len,
		   bool *fin)
{
	u8 control[CMSG_SPACE(sizeof(struct quic_stream_info))] = {};
	const struct cmsghdr *cmsg = (struct cmsghdr *)control;
	const struct quic_stream_info *info = CMSG_DATA(cmsg);
	struct kvec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = {
		.msg_control	= control,
		.msg_controllen	= sizeof(control),
	};
	int ret;

	ret = kernel_recvmsg(sock, &msg, &iov, 1, len, 0);
	if (ret < 0)
		return ret;
	if (cmsg->cmsg_level != SOL_QUIC || cmsg->cmsg_type != QUIC_STREAM_INFO)
		return -EPROTO;
	*id = info->stream_id;
	*fin = info->stream_flags & MSG_QUIC_STREAM_FIN;
	return ret;
}
