/* SPDX-License-Identifier: GPL-2.0-only */
/* CRYPTO data of one encryption level: TLS messages in both directions, which
 * user space produces and consumes (RFC 9000, 7.5 and 19.6). What arrives at
 * the APP level is not handed out: it is collected as the session ticket.
 *
 * Owns:    struct quic_crypto_stream.
 * Guard:   the connection lock.
 * Callers: sendmsg.c and recvmsg.c, input_frame.c, output.c through
 *          packet_build.h, handshake.c discards.
 */
#ifndef _NET_QUIC_CRYPTO_STREAM_H
#define _NET_QUIC_CRYPTO_STREAM_H

#include <linux/skbuff.h>
#include "reasm.h"
#include "send_buf.h"
#include "types.h"

/* RFC 9000, 7.5 asks for 4096 at least; chains of certificates are longer. */
#define QUIC_CRYPTO_BUF_MAX	65536

/* Pieces out of order: some clients cut their ClientHello into dozens. */
#define QUIC_CRYPTO_PIECES_MAX	128

/* Levels with CRYPTO frames: all but EARLY, the last (RFC 9000, 12.4). */
#define QUIC_CRYPTO_STREAMS	QUIC_CRYPTO_EARLY

struct iov_iter;
struct quic_conn;
struct quic_frame_crypto;
struct quic_pkt_builder;
struct quic_sent_frame;

/**
 * struct quic_crypto_msg - TLS messages as they come by at the APP level
 * @hdr:     type and length of the present one (RFC 8446, 4)
 * @hdr_len: bytes of @hdr so far
 * @left:    bytes of its body to come
 * @data:    the first message with its header, while it is gathered
 * @len:     bytes at @data
 * @done:    the first message has passed, the rest is ignored
 */
struct quic_crypto_msg {
	u8 hdr[4];
	u8 hdr_len;
	u32 left;
	u8 *data;
	u32 len;
	bool done;
};

/**
 * struct quic_crypto_stream - CRYPTO data of one level
 * @out:    our bytes until they are acknowledged
 * @corked: more is to come (MSG_MORE), nothing fresh leaves
 * @closed: the keys are gone, nothing is sent or received any more
 * @in:     pieces of the peer that arrived ahead of a gap
 * @pieces: pieces in order that wait for recvmsg(); unused at the APP level
 * @unread: bytes in @pieces
 * @msg:    used at the APP level only
 */
struct quic_crypto_stream {
	struct quic_send_buf out;
	bool corked;
	bool closed;
	struct quic_reasm in;
	struct sk_buff_head pieces;
	u32 unread;
	struct quic_crypto_msg msg;
};

void quic_crypto_init(struct quic_conn *conn);
void quic_crypto_destroy(struct quic_conn *conn);

int quic_crypto_recv(struct quic_conn *conn, u8 level,
		     const struct quic_frame_crypto *frame,
		     struct sk_buff *skb);

int quic_crypto_append(struct quic_conn *conn, u8 level, struct iov_iter *from,
		       u32 len);
void quic_crypto_cork(struct quic_conn *conn, u8 level, bool more);
void quic_crypto_consume(struct quic_conn *conn, u8 level, u32 len);
bool quic_crypto_pending(struct quic_conn *conn, u8 level);
bool quic_crypto_put_frames(struct quic_conn *conn, u8 level,
			    struct quic_pkt_builder *b);
void quic_crypto_frame_acked(struct quic_conn *conn,
			     const struct quic_sent_frame *frame);
void quic_crypto_frame_lost(struct quic_conn *conn,
			    const struct quic_sent_frame *frame);
void quic_crypto_restart(struct quic_conn *conn, u8 level);
void quic_crypto_discard(struct quic_conn *conn, u8 level);

#endif /* _NET_QUIC_CRYPTO_STREAM_H */
