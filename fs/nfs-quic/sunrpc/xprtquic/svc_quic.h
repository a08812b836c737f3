/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RPC over QUIC, server (draft-cel-nfsv4-rpc-over-quicv1).
 *
 * A listener is one svc_xprt, a connection is another. A connection has as many
 * streams as its client cares to open. Each is read on its own, and the Reply
 * to a Call leaves on the stream of the Call. Callbacks (NFSv4.1) go out on a
 * stream which the server opens. No RPC is read before the TLS handshake is
 * complete, which the user agent behind net/handshake does.
 *
 * svc_transport.c has the class, listeners, and connections from accept() to
 * their end; svc_receive.c and svc_send.c move messages; svc_backchannel.c is
 * the client transport with which callbacks are sent.
 *
 * Owns:    struct svc_quic, struct svc_quic_stream.
 * Guard:   @streams belongs to who has set XPT_BUSY; sending is under
 *	    xpt_mutex.
 */
#ifndef _XPRTQUIC_SVC_QUIC_H
#define _XPRTQUIC_SVC_QUIC_H

#include <linux/kref.h>
#include <linux/page_frag_cache.h>
#include <linux/sunrpc/svc_xprt.h>
#include <linux/workqueue.h>

#include "record.h"
#include "sock.h"

/* Streams that a client may have open at a time. */
#define SVC_QUIC_STREAMS_MAX	16

/* For callbacks and the replies to them. */
#define SVC_QUIC_CB_MAX		PAGE_SIZE

/**
 * struct svc_quic_stream - a stream and the message that is arriving on it
 * @list:     in svc_quic.streams, or nowhere when the client has ended it
 * @ref:      the list, and each Call that has not been answered
 * @svc:      connection
 * @id:	      stream ID
 * @rec:      position in its messages
 * @len:      bytes of the message that have come
 * @maxpages: length of @pages
 * @pages:    holds them
 */
struct svc_quic_stream {
	struct list_head	list;
	struct kref		ref;
	struct svc_quic		*svc;
	s64			id;
	struct rpcquic_record	rec;
	u32			len;
	unsigned long		maxpages;
	struct page		*pages[] __counted_by(maxpages);
};

/**
 * struct svc_quic - listener or connection
 * @xprt:	 generic part
 * @sock:	 its socket
 * @streams:	 streams of which something was received
 * @bvec:	 a reply, for sending
 * @frag:	 holds record markers
 * @handshake:	 asks for the handshake again, or gives it up
 * @requested:	 the agent has been asked for it
 * @give_up:	 when to stop asking, in jiffies
 * @established: the handshake is complete
 * @cb_stream:	 stream for callbacks, or -1
 * @old_data_ready: socket's own callback; the others likewise
 */
struct svc_quic {
	struct svc_xprt		xprt;
	struct socket		*sock;
	struct list_head	streams;
	struct bio_vec		*bvec;
	struct page_frag_cache	frag;
	struct delayed_work	handshake;
	bool			requested;
	unsigned long		give_up;
	bool			established;
	s64			cb_stream;

	void			(*old_data_ready)(struct sock *sk);
	void			(*old_state_change)(struct sock *sk);
	void			(*old_write_space)(struct sock *sk);
};

static inline struct svc_quic *svc_quic(struct svc_xprt *xprt)
{
	return container_of(xprt, struct svc_quic, xprt);
}

/* svc_transport.c */
int svc_quic_init(void);
void svc_quic_exit(void);

/* svc_receive.c */
int svc_quic_recvfrom(struct svc_rqst *rqstp);
void svc_quic_release_ctxt(struct svc_xprt *xprt, void *ctxt);
void svc_quic_free_streams(struct svc_quic *svc);

/* svc_send.c */
int svc_quic_sendto(struct svc_rqst *rqstp);
int svc_quic_result_payload(struct svc_rqst *rqstp, unsigned int offset,
			    unsigned int length);

/* svc_backchannel.c */
int svc_quic_bc_init(void);
void svc_quic_bc_exit(void);

#endif /* _XPRTQUIC_SVC_QUIC_H */
