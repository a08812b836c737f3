// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/net.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "conn.h"
#include "output.h"
#include "sendmsg.h"
#include "stream.h"
#include "stream_send.h"
#include "wait.h"

#define QUIC_STREAM_FLAGS						\
	(MSG_QUIC_STREAM_NEW | MSG_QUIC_STREAM_FIN |			\
	 MSG_QUIC_STREAM_UNI | MSG_QUIC_STREAM_DONTWAIT |		\
	 MSG_QUIC_STREAM_SNDBLOCK)

/* What a program may pass, and what the kernel adds on the way. */
#define QUIC_SEND_FLAGS							\
	(QUIC_STREAM_FLAGS | MSG_QUIC_DATAGRAM | MSG_MORE |		\
	 MSG_DONTWAIT | MSG_NOSIGNAL | MSG_WAITALL | MSG_BATCH |	\
	 MSG_SPLICE_PAGES | MSG_CMSG_COMPAT | MSG_NO_SHARED_FRAGS)

/* Nobody is signalled that a datagram could not be sent. */
#define QUIC_SEND_NO_SIGNAL	(MSG_NOSIGNAL | MSG_QUIC_DATAGRAM)

/* What is queued before packets are made of it, so that the first leave while
 * the rest is still being copied.
 */
#define QUIC_SEND_BATCH		65536

/* How long a sender waits at a time while there is no memory. */
#define QUIC_SEND_NAP		((long)HZ / 10)

/**
 * struct quic_send - one sendmsg() call
 * @msg:       the message
 * @sid:       stream that the program names, or QUIC_STREAM_ID_NONE
 * @flags:     stream flags
 * @level:     encryption level, with @handshake
 * @handshake: there was a QUIC_HANDSHAKE_INFO
 * @named:     there was a QUIC_STREAM_INFO
 * @timeo:     how long the call may still wait
 */
struct quic_send {
	struct msghdr *msg;
	s64 sid;
	u32 flags;
	u8 level;
	bool handshake;
	bool named;
	long timeo;
};

static void quic_cmsg_read(const struct cmsghdr *cmsg, void *to, u32 size)
{
	memset(to, 0, size);
	memcpy(to, CMSG_DATA(cmsg),
	       min_t(size_t, size, cmsg->cmsg_len - sizeof(*cmsg)));
}

static int quic_send_parse_one(struct quic_send *send,
			       const struct cmsghdr *cmsg)
{
	struct quic_handshake_info handshake;
	struct quic_stream_info stream;

	/* From net/handshake's alerts, which are no stream data. */
	if (cmsg->cmsg_level == SOL_TLS)
		return -EINVAL;
	if (cmsg->cmsg_level != SOL_QUIC)
		return 0;

	switch (cmsg->cmsg_type) {
	case QUIC_HANDSHAKE_INFO:
		quic_cmsg_read(cmsg, &handshake, sizeof(handshake));
		send->level = handshake.crypto_level;
		send->handshake = true;
		return 0;
	case QUIC_STREAM_INFO:
		quic_cmsg_read(cmsg, &stream, sizeof(stream));
		if (stream.stream_flags & ~QUIC_STREAM_FLAGS)
			return -EINVAL;
		send->sid = stream.stream_id;
		send->flags = stream.stream_flags;
		send->named = true;
		return 0;
	}
	return -EINVAL;
}

static int quic_send_parse(struct quic_send *send, struct msghdr *msg)
{
	struct cmsghdr *cmsg;
	int err;

	if (msg->msg_flags & ~QUIC_SEND_FLAGS)
		return -EINVAL;
	send->msg = msg;
	send->sid = QUIC_STREAM_ID_NONE;
	send->flags = msg->msg_flags & QUIC_STREAM_FLAGS;
	if (!msg->msg_controllen)
		return 0;
	for_each_cmsghdr(cmsg, msg) {
		if (!CMSG_OK(msg, cmsg))
			return -EINVAL;
		err = quic_send_parse_one(send, cmsg);
		if (err)
			return err;
	}
	return 0;
}

static bool quic_send_alive(const struct quic_conn *conn)
{
	return quic_conn_is(conn, QUIC_STATE_ESTABLISHED) ||
	       quic_conn_is(conn, QUIC_STATE_ESTABLISHING);
}

static void quic_send_uncork(struct quic_conn *conn)
{
	struct rb_node *node;

	quic_crypto_cork(conn, QUIC_CRYPTO_APP, false);
	for (node = rb_first_cached(&conn->streams.send); node;
	     node = rb_next(node))
		quic_stream_send_cork(rb_entry(node, struct quic_stream,
					       send_node), false);
}

/* Sleep until something may have changed. Where the buffer is full, what is
 * corked has to leave, for else nothing would ever change.
 */
static int quic_send_wait(struct quic_conn *conn, long *timeo)
{
	struct sock *sk = quic_conn_sk(conn);
	int err;

	set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	if (sk_stream_wspace(sk) <= 0)
		quic_send_uncork(conn);
	quic_output(conn);
	err = quic_wait(sk, timeo);
	if (err)
		return err;
	return quic_send_alive(conn) ? 0 : -EPIPE;
}

/* TLS messages. */

static int quic_send_handshake_check(const struct quic_conn *conn,
				     const struct quic_send *send, size_t len)
{
	if (send->level > QUIC_CRYPTO_HANDSHAKE ||
	    !quic_keys_tx(&conn->keys, send->level))
		return -EINVAL;
	return len ? 0 : -EMSGSIZE;
}

static int quic_send_handshake(struct quic_conn *conn, struct quic_send *send,
			       size_t len)
{
	struct sock *sk = quic_conn_sk(conn);
	struct iov_iter *from = &send->msg->msg_iter;
	int space, n, err;
	size_t done = 0;

	err = quic_send_handshake_check(conn, send, len);
	while (!err && done < len) {
		space = sk_stream_wspace(sk);
		if (space <= 0) {
			err = quic_send_wait(conn, &send->timeo);
			if (!err)
				err = quic_send_handshake_check(conn, send, len);
			continue;
		}
		n = quic_crypto_append(conn, send->level, from,
				       min_t(size_t, space, len - done));
		if (n < 0)
			err = n;
		else
			done += n;
	}
	if (!done)
		return err;
	quic_crypto_cork(conn, send->level, send->msg->msg_flags & MSG_MORE);
	quic_output(conn);
	return done;
}

/* Datagrams. */

static int quic_send_dgram_check(struct quic_conn *conn, size_t len)
{
	struct sock *sk = quic_conn_sk(conn);

	if (!conn->remote.max_datagram_frame_size)
		return -EINVAL;
	if (!len || len > READ_ONCE(sk->sk_sndbuf) ||
	    len > quic_dgram_max_len(conn))
		return -EMSGSIZE;
	return 0;
}

static int quic_send_dgram(struct quic_conn *conn, struct quic_send *send,
			   size_t len)
{
	int err;

	err = quic_send_dgram_check(conn, len);
	while (!err && sk_stream_wspace(quic_conn_sk(conn)) <= 0) {
		err = quic_send_wait(conn, &send->timeo);
		if (!err)
			err = quic_send_dgram_check(conn, len);
	}
	if (!err)
		err = quic_dgram_append(conn, send->msg, len);
	if (err)
		return err;
	quic_output(conn);
	return len;
}

/* Stream data. */

/* Own IDs are opened by the program alone; the peer's exist or do not. */
static struct quic_stream *quic_send_existing(struct quic_conn *conn, u64 id)
{
	bool local = quic_stream_is_local(conn, id);
	struct quic_stream *stream;

	if (!local && quic_stream_is_uni(id))
		return ERR_PTR(-EINVAL);
	if (!quic_stream_was_opened(conn, id))
		return local ? NULL : ERR_PTR(-EINVAL);
	stream = quic_stream_lookup(conn, id);
	if (!stream)
		return ERR_PTR(local ? -ENOSTR : -EINVAL);
	return stream;
}

static u64 quic_send_next_id(const struct quic_conn *conn, bool uni)
{
	u8 type = conn->is_server ? QUIC_STREAM_TYPE_SERVER_MASK : 0;

	if (uni)
		type |= QUIC_STREAM_TYPE_UNI_MASK;
	return conn->streams.ids[type].next << 2 | type;
}

/* Opens the stream @sid, or the next one, as soon as the limits allow. */
static struct quic_stream *quic_send_open(struct quic_conn *conn, s64 sid,
					  u32 flags, long *timeo)
{
	bool uni = flags & MSG_QUIC_STREAM_UNI;
	struct quic_stream *stream;
	long no_wait = 0;
	u64 id;
	int err;

	if (flags & MSG_QUIC_STREAM_DONTWAIT)
		timeo = &no_wait;
	for (;;) {
		id = sid < 0 ? quic_send_next_id(conn, uni) : sid;
		if (quic_stream_may_open(conn, id))
			return quic_stream_create(conn, id,
						  quic_conn_sk(conn)->sk_allocation);
		if (!quic_keys_tx(&conn->keys, QUIC_CRYPTO_APP))
			return ERR_PTR(-EINVAL);
		if (flags & MSG_QUIC_STREAM_SNDBLOCK)
			conn->streams.ids[quic_stream_type(id)].blocked_owed =
				true;
		err = quic_send_wait(conn, timeo);
		if (err)
			return ERR_PTR(err);
		stream = sid < 0 ? NULL : quic_send_existing(conn, sid);
		if (stream)
			return stream;
	}
}

/* A stream that NEW names: it is opened, or has not been used yet. */
static struct quic_stream *quic_send_new(struct quic_conn *conn, s64 sid,
					 u32 flags, long *timeo)
{
	struct quic_stream *stream = conn->streams.active;

	if (sid >= 0)
		stream = quic_send_existing(conn, sid);
	if (!stream)
		stream = quic_send_open(conn, sid, flags, timeo);
	if (IS_ERR(stream))
		return stream;
	if (stream->send.state != QUIC_STREAM_SEND_STATE_READY)
		return ERR_PTR(-EINVAL);
	quic_stream_set_active(conn, stream);
	return stream;
}

static bool quic_send_open_state(const struct quic_stream *stream)
{
	return stream->send.state <= QUIC_STREAM_SEND_STATE_SEND &&
	       !stream->send.fin;
}

static struct quic_stream *quic_send_choose(struct quic_conn *conn,
					    struct quic_send *send)
{
	struct quic_stream *stream;

	if (send->sid < QUIC_STREAM_ID_NONE)
		return ERR_PTR(-EINVAL);
	if (send->flags & MSG_QUIC_STREAM_NEW)
		return quic_send_new(conn, send->sid, send->flags,
				     &send->timeo);
	stream = conn->streams.active;
	if (send->sid >= 0)
		stream = quic_send_existing(conn, send->sid);
	if (!stream)
		return ERR_PTR(-EINVAL);
	if (!IS_ERR(stream) && !quic_send_open_state(stream))
		return ERR_PTR(-EINVAL);
	return stream;
}

/* Bytes that may be queued now. */
static u64 quic_send_room(const struct quic_conn *conn,
			  const struct quic_stream *stream)
{
	int space = sk_stream_wspace(quic_conn_sk(conn));

	if (space <= 0)
		return 0;
	return min_t(u64, space, quic_stream_send_credit(conn, stream));
}

/* The peer learns that it holds us up, if the program wants that. */
static void quic_send_announce(struct quic_conn *conn,
			       struct quic_stream *stream)
{
	if (!quic_flow_tx_credit(&conn->flow.tx))
		conn->flow.pending |= QUIC_FLOW_DATA_BLOCKED;
	if (!quic_flow_tx_credit(&stream->send.flow))
		quic_stream_owe(conn, stream, QUIC_STREAM_DATA_BLOCKED);
}

/* After the lock was dropped the stream may be gone, or closed to us. */
static int quic_send_find_again(struct quic_conn *conn, u64 id,
				struct quic_stream **stream)
{
	*stream = quic_stream_find(conn, id);
	return *stream && quic_send_open_state(*stream) ? 0 : -EINVAL;
}

/* Waits for buffer space and for credit. */
static int quic_send_room_wait(struct quic_conn *conn, struct quic_send *send,
			       struct quic_stream **stream)
{
	struct sock *sk = quic_conn_sk(conn);
	u64 id = (*stream)->id;
	bool flow;
	int err;

	/* Early data does not wait for limits that only the handshake brings. */
	flow = sk_stream_wspace(sk) > 0;
	if (!quic_keys_tx(&conn->keys, QUIC_CRYPTO_APP)) {
		if (flow)
			return -EINVAL;
		/* The handshake that has to make room is the caller's work. */
		if (!quic_keys_tx(&conn->keys, QUIC_CRYPTO_EARLY))
			return -EAGAIN;
	}
	if (flow && send->flags & MSG_QUIC_STREAM_SNDBLOCK)
		quic_send_announce(conn, *stream);
	quic_stream_send_cork(*stream, false);
	err = quic_send_wait(conn, &send->timeo);
	if (err == -EAGAIN && flow && send->named)
		return -ENOSPC;
	return err ?: quic_send_find_again(conn, id, stream);
}

/* Memory comes back without a wake-up. A caller that may not wait is told that
 * there is no room, which it knows how to deal with.
 */
static int quic_send_memory_wait(struct quic_conn *conn, struct quic_send *send,
				 struct quic_stream **stream)
{
	long nap = min(send->timeo, QUIC_SEND_NAP), left = nap;
	u64 id = (*stream)->id;
	int err;

	err = quic_send_wait(conn, &left);
	if (send->timeo != MAX_SCHEDULE_TIMEOUT)
		send->timeo -= nap - left;
	if (err && (err != -EAGAIN || !nap))
		return err;
	return quic_send_find_again(conn, id, stream);
}

static int quic_send_pieces(struct quic_conn *conn, struct quic_send *send,
			    struct quic_stream **stream, size_t len)
{
	bool splice = send->msg->msg_flags & MSG_SPLICE_PAGES;
	size_t done = 0;
	int n, err;
	u64 room;

	while (done < len) {
		room = quic_send_room(conn, *stream);
		if (!room) {
			err = quic_send_room_wait(conn, send, stream);
			if (err)
				return done ?: err;
			continue;
		}
		room = min3(room, (u64)(len - done), (u64)QUIC_SEND_BATCH);
		n = quic_stream_send_append(conn, *stream, &send->msg->msg_iter,
					    room, splice);
		if (n == -ENOMEM) {
			err = quic_send_memory_wait(conn, send, stream);
			if (err)
				return done ?: err;
			continue;
		}
		if (n < 0)
			return done ?: n;
		done += n;
		if (done < len && n == QUIC_SEND_BATCH)
			quic_output(conn);
	}
	return done;
}

static int quic_send_data(struct quic_conn *conn, struct quic_send *send,
			  struct quic_stream **stream, size_t len)
{
	int done;

	conn->streams.awaited = false;
	conn->streams.writers++;
	done = quic_send_pieces(conn, send, stream, len);
	conn->streams.writers--;
	return done;
}

static int quic_send_stream(struct quic_conn *conn, struct quic_send *send,
			    size_t len)
{
	bool fin = send->flags & MSG_QUIC_STREAM_FIN;
	struct quic_stream *stream;
	int done;

	if (!len && !fin)
		return -EMSGSIZE;
	stream = quic_send_choose(conn, send);
	if (IS_ERR(stream))
		return PTR_ERR(stream);
	quic_stream_send_cork(stream, send->msg->msg_flags & MSG_MORE);
	done = quic_send_data(conn, send, &stream, len);
	if (done == len && fin)
		quic_stream_send_fin(conn, stream);
	if (done >= 0)
		quic_output(conn);
	return done;
}

/**
 * quic_sendmsg - struct proto: take data from a program
 * @sk:  socket
 * @msg: the data, with ancillary data that says what it is
 * @len: number of bytes
 *
 * Context: process context, takes the socket lock.
 * Return: number of bytes taken, or a negative errno.
 */
int quic_sendmsg(struct sock *sk, struct msghdr *msg, size_t len)
{
	struct quic_conn *conn = quic_conn(sk);
	struct quic_send send = {};
	int err;

	err = quic_send_parse(&send, msg);
	if (err)
		return err;
	len = min_t(size_t, len, MAX_RW_COUNT);

	quic_lock_for_msg(sk, msg);
	send.timeo = sock_sndtimeo(sk, msg->msg_flags & MSG_DONTWAIT);
	if (!quic_send_alive(conn))
		err = -EPIPE;
	else if (send.handshake)
		err = quic_send_handshake(conn, &send, len);
	else if (msg->msg_flags & MSG_QUIC_DATAGRAM)
		err = quic_send_dgram(conn, &send, len);
	else
		err = quic_send_stream(conn, &send, len);
	quic_unlock(sk);
	if (err == -EPIPE && !(msg->msg_flags & QUIC_SEND_NO_SIGNAL))
		send_sig(SIGPIPE, current, 0);
	return err;
}

/**
 * quic_send_gathered - the program is about to wait for an answer
 * @conn: connection
 *
 * What it has written does not wait for more of a batch then.
 *
 * Context: connection lock held.
 */
void quic_send_gathered(struct quic_conn *conn)
{
	conn->streams.awaited = true;
	if (conn->streams.gathering)
		quic_output(conn);
}

static bool quic_nonblocking(const struct sock *sk)
{
	return sk->sk_socket && sk->sk_socket->file &&
	       sk->sk_socket->file->f_flags & O_NONBLOCK;
}

/**
 * quic_stream_open - QUIC_SOCKOPT_STREAM_OPEN
 * @conn: connection
 * @info: which stream; on success the one that was opened
 *
 * Context: connection lock held, dropped while this waits.
 * Return: 0, or the errno that sendmsg() with MSG_QUIC_STREAM_NEW would give.
 */
int quic_stream_open(struct quic_conn *conn, struct quic_stream_info *info)
{
	struct sock *sk = quic_conn_sk(conn);
	struct quic_stream *stream;
	long timeo;

	if (!quic_send_alive(conn))
		return -EPIPE;
	if (info->stream_flags & ~QUIC_STREAM_FLAGS ||
	    info->stream_id < QUIC_STREAM_ID_NONE)
		return -EINVAL;
	timeo = sock_sndtimeo(sk, quic_nonblocking(sk));
	/* Without an ID it is the next one, whatever became of the last. */
	if (info->stream_id == QUIC_STREAM_ID_NONE)
		stream = quic_send_open(conn, info->stream_id,
					info->stream_flags, &timeo);
	else
		stream = quic_send_new(conn, info->stream_id,
				       info->stream_flags, &timeo);
	if (IS_ERR(stream))
		return PTR_ERR(stream);
	quic_stream_set_active(conn, stream);
	info->stream_id = stream->id;
	info->stream_flags |= MSG_QUIC_STREAM_NEW;
	return 0;
}

/**
 * quic_splice_eof - struct proto: nothing follows what was sent with MSG_MORE
 * @sock: socket
 */
void quic_splice_eof(struct socket *sock)
{
	struct quic_conn *conn = quic_conn(sock->sk);

	lock_sock(sock->sk);
	quic_send_uncork(conn);
	if (quic_send_alive(conn))
		quic_output(conn);
	release_sock(sock->sk);
}

/**
 * quic_stream_memory_free - struct proto: is it worth trying to send?
 * @sk:   socket
 * @wake: unused
 *
 * Takes in the peer's flow control, so that users of sk_stream_is_writeable()
 * sleep instead of trying in vain.
 *
 * Context: any, without the lock: the answer is a hint.
 * Return: whether there is credit and buffer space.
 */
bool quic_stream_memory_free(const struct sock *sk, int wake)
{
	const struct quic_conn *conn = quic_conn(sk);

	return READ_ONCE(conn->flow.tx.max) > READ_ONCE(conn->flow.tx.used) &&
	       !READ_ONCE(conn->streams.blocked);
}
