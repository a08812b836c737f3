/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RPC over QUIC: what client and server ask of a QUIC socket.
 *
 * Owns:    no state.
 * Callers: both transports. All functions may sleep.
 */
#ifndef _XPRTQUIC_SOCK_H
#define _XPRTQUIC_SOCK_H

#include <linux/quic.h>
#include <linux/socket.h>
#include <net/sock.h>

struct net;
struct rpcquic_limits;
struct socket;

/* draft-cel-nfsv4-rpc-over-quicv1: the ALPN token of RFC 9289. */
#define RPCQUIC_ALPN		"sunrpc"

/* For a handshake, and how long the agent may be late with its result. */
#define RPCQUIC_HANDSHAKE_TO	(10 * HZ)
#define RPCQUIC_AGENT_GRACE	(2 * HZ)

/* A silent peer is given up after the shorter of both ends' times. */
#define RPCQUIC_IDLE_US		(60 * USEC_PER_SEC)

/**
 * struct rpcquic_limits - what the peer may do
 * @streams:	  streams that it may have open
 * @data:	  bytes ahead of the reader, in all
 * @local_stream: bytes ahead of the reader on a stream of ours
 * @peer_stream:  the same on one of its own
 * @sndbuf:	  bytes of ours that may be in flight
 * @keepalive_us: send something when it was silent for so long, 0: do not
 * @ask_cert:	  a server asks for the client's certificate
 */
struct rpcquic_limits {
	u16	streams;
	u32	data;
	u32	local_stream;
	u32	peer_stream;
	u32	sndbuf;
	u32	keepalive_us;
	bool	ask_cert;
};

/**
 * struct rpcquic_cmsg - ancillary data that names a stream
 * @hdr: header
 * @buf: room for the whole
 */
union rpcquic_cmsg {
	struct cmsghdr	hdr;
	u8		buf[CMSG_SPACE(sizeof(struct quic_stream_info))];
};

struct socket *rpcquic_sock_create(struct net *net, int family);
int rpcquic_sock_file(struct socket *sock);
int rpcquic_sock_configure(struct socket *sock,
			   const struct rpcquic_limits *limits);
int rpcquic_sock_watch(struct socket *sock);
s64 rpcquic_stream_open(struct socket *sock);
int rpcquic_stream_fin(struct socket *sock, s64 id);
int rpcquic_stream_reset(struct socket *sock, s64 id);
u32 rpcquic_close_code(struct socket *sock);
void rpcquic_msg_init(struct msghdr *msg, union rpcquic_cmsg *cmsg, s64 id,
		      unsigned int flags);

/* Streams of the client are those of Calls to the server (draft, 3.1). */
static inline bool rpcquic_stream_of_server(s64 id)
{
	return id & QUIC_STREAM_TYPE_SERVER_MASK;
}

static inline bool rpcquic_stream_is_uni(s64 id)
{
	return id & QUIC_STREAM_TYPE_UNI_MASK;
}

#endif /* _XPRTQUIC_SOCK_H */
