/* SPDX-License-Identifier: GPL-2.0-only */
/* QUIC sockets for users inside the kernel.
 *
 * A consumer makes its socket with __sock_create(..., IPPROTO_QUIC, ...) and
 * uses kernel_bind(), kernel_connect(), kernel_listen(), kernel_accept(),
 * kernel_sendmsg() and kernel_recvmsg() as for any other protocol. What those
 * calls cannot say is said by the options of <uapi/linux/quic.h>, through the
 * two functions below.
 */
#ifndef _LINUX_QUIC_H
#define _LINUX_QUIC_H

#include <linux/sockptr.h>
#include <uapi/linux/quic.h>

struct sock;

int quic_do_setsockopt(struct sock *sk, int optname, sockptr_t optval,
		       unsigned int optlen);
int quic_do_getsockopt(struct sock *sk, int optname, sockptr_t optval,
		       sockptr_t optlen);

#endif /* _LINUX_QUIC_H */
