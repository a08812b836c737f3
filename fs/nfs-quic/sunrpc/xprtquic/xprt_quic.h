/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RPC over QUIC, client (draft-cel-nfsv4-rpc-over-quicv1).
 *
 * A transport is one QUIC connection. Calls go out on several bidirectional
 * streams which the client has opened, and their Replies come back on the
 * stream of the Call; Calls of the server (NFSv4.1 callbacks) arrive on streams
 * of the server and are answered there. Messages are marked as on TCP. The TLS
 * handshake is done by the user agent behind net/handshake.
 *
 * transport.c has the class and what the RPC layer asks of a transport,
 * connect.c makes and ends connections, send.c and receive.c move messages,
 * cancel.c deals with those that are given up half way, error.c says why there
 * is no connection.
 *
 * Owns:    struct xprt_quic.
 * Guard:   the socket and what belongs to it change with recv_mutex, the socket
 *	    lock and XPRT_LOCKED held; each of them is enough to read it. The
 *	    state of a stream belongs to who holds recv_mutex, @xmit to who holds
 *	    XPRT_LOCKED. The ID of a stream changes only while it is in @halted,
 *	    where those who send do not look.
 */
#ifndef _XPRTQUIC_XPRT_QUIC_H
#define _XPRTQUIC_XPRT_QUIC_H

#include <linux/sunrpc/xprt.h>
#include <linux/workqueue.h>

#include "record.h"
#include "sock.h"

/* Streams for Calls of the server. */
#define XPRT_QUIC_CB_STREAMS	4

/* Callbacks have to fit in a page, as with TCP. */
#define XPRT_QUIC_CB_MAX	PAGE_SIZE

/* Before the second attempt to connect; doubled up to the maximum. */
#define XPRT_QUIC_REEST_TO	(3 * HZ)

/**
 * struct xprt_quic_stream - a stream and the message that is arriving on it
 * @id:      stream ID, or -1: not in use
 * @rec:     position in its messages
 * @header:  the first eight bytes of a message: XID and direction
 * @have:    bytes of the message that have come
 * @discard: the rest of the message is of no use
 * @page:    callbacks: the message
 */
struct xprt_quic_stream {
	s64			id;
	struct rpcquic_record	rec;
	__be32			header[2];
	u32			have;
	bool			discard;
	void			*page;
};

/* Bits of xprt_quic.flags. */
enum {
	XPRT_QUIC_DATA_READY,	/* recv_work is queued */
	XPRT_QUIC_WAKE_WRITE,	/* there is room to send */
	XPRT_QUIC_CLOSED,	/* the connection has ended */
	XPRT_QUIC_USED,		/* a connection was made once */
	XPRT_QUIC_HALTED,	/* half a Call is on a stream */
	XPRT_QUIC_MEND,		/* such a stream may be replaced */
};

/**
 * struct xprt_quic - client transport
 * @xprt:	  generic part
 * @sock:	  socket of the connection, or NULL
 * @sk:		  the same
 * @recv_mutex:	  see above
 * @flags:	  XPRT_QUIC_*
 * @connect_work: makes a connection
 * @recv_work:	  reads
 * @event_work:	  does what the socket's callbacks must not
 * @streams:	  streams for our Calls, in order of their IDs
 * @nr_streams:	  how many of them there are
 * @want_streams: how many there should be, or 0: the default
 * @halted:	  bit of each stream on which no further Call may go
 * @cb_streams:	  streams of the server
 * @xmit:	  message that is being sent: bytes that are out, its stream, and
 *		  the stream of the last one
 * @srcaddr:	  address to connect from
 * @srcport:	  port of the last connection, or 0
 * @last_error:	  result of the last attempt, so that it is logged once
 * @timeout:	  RPC timeouts, if others than the default are asked for
 * @old_data_ready: socket's own callback; the others likewise
 */
struct xprt_quic {
	struct rpc_xprt		xprt;
	struct socket		*sock;
	struct sock		*sk;
	struct mutex		recv_mutex;	/* see Guard */
	unsigned long		flags;

	struct delayed_work	connect_work;
	struct work_struct	recv_work;
	struct work_struct	event_work;

	struct xprt_quic_stream	streams[XPRT_QUIC_STREAMS_MAX];
	unsigned int		nr_streams;
	unsigned int		want_streams;
	unsigned long		halted;
	struct xprt_quic_stream	cb_streams[XPRT_QUIC_CB_STREAMS];

	struct {
		u32		offset;
		s64		stream;
		unsigned int	next;
	} xmit;

	struct sockaddr_storage	srcaddr;
	unsigned short		srcport;
	int			last_error;
	struct rpc_timeout	timeout;

	void			(*old_data_ready)(struct sock *sk);
	void			(*old_state_change)(struct sock *sk);
	void			(*old_write_space)(struct sock *sk);
};

static inline struct xprt_quic *xprt_quic(struct rpc_xprt *xprt)
{
	return container_of(xprt, struct xprt_quic, xprt);
}

/* transport.c */
extern unsigned int xprt_quic_nr_streams;

int xprt_quic_init(void);
void xprt_quic_exit(void);
void xprt_quic_format_addresses(struct rpc_xprt *xprt);
void xprt_quic_free_addresses(struct rpc_xprt *xprt);
void xprt_quic_print_stats(struct rpc_xprt *xprt, struct seq_file *seq);
int xprt_quic_enable_swap(struct rpc_xprt *xprt);
void xprt_quic_disable_swap(struct rpc_xprt *xprt);

/* connect.c */
void xprt_quic_connect(struct rpc_xprt *xprt, struct rpc_task *task);
void xprt_quic_connect_worker(struct work_struct *work);
void xprt_quic_event(struct xprt_quic *q, int flag);
void xprt_quic_event_worker(struct work_struct *work);
void xprt_quic_close(struct rpc_xprt *xprt);

/* send.c */
int xprt_quic_prepare_request(struct rpc_rqst *req, struct xdr_buf *buf);
int xprt_quic_send_request(struct rpc_rqst *req);

/* cancel.c */
void xprt_quic_abort_send(struct rpc_rqst *req);
void xprt_quic_mend(struct xprt_quic *q);

/* receive.c */
void xprt_quic_recv_worker(struct work_struct *work);
void xprt_quic_stream_reset(struct xprt_quic_stream *st, s64 id);

/* error.c */
int xprt_quic_connect_error(struct socket *sock, int status);
void xprt_quic_log_error(struct xprt_quic *q, int error);
void xprt_quic_log_close(struct xprt_quic *q);

#endif /* _XPRTQUIC_XPRT_QUIC_H */
