/* SPDX-License-Identifier: GPL-2.0-only */
/* Streams of a connection: the objects, how they are found, how many there may
 * be, and when one ends (RFC 9000, 2, 3 and 4.6). What flows through one is in
 * stream_send.h and stream_recv.h, the frames about them in stream_input.h and
 * stream_output.h.
 *
 * Opening a stream opens all lower ones of its type. Those get an object only
 * when something happens on them; until then a range of numbers stands for
 * them, so that one frame of the peer never makes us allocate thousands.
 *
 * Owns:    struct quic_streams and every struct quic_stream.
 * Guard:   the connection lock; every function relies on it.
 * Callers: conn.c, handshake.c (limits), stream_*.c, sendmsg.c, recvmsg.c,
 *          sockopt.c.
 */
#ifndef _NET_QUIC_STREAM_H
#define _NET_QUIC_STREAM_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include "flow.h"
#include "range.h"
#include "reasm.h"
#include "send_buf.h"
#include "types.h"

struct quic_conn;

#define QUIC_STREAM_TYPES	4	/* RFC 9000, Table 1 */
#define QUIC_STREAM_ID_NONE	(-1)	/* sid of a program that names none */

/* Frames that a stream owes to the peer. */
#define QUIC_STREAM_RESET		0x01
#define QUIC_STREAM_STOP_SENDING	0x02
#define QUIC_STREAM_MAX_DATA		0x04
#define QUIC_STREAM_DATA_BLOCKED	0x08

/**
 * struct quic_stream_send - sending part (RFC 9000, 3.1)
 * @state:     QUIC_STREAM_SEND_STATE_*
 * @fin:       the program has finished the stream at @buf.end
 * @fin_owed:  a frame with the FIN bit has to be sent (again)
 * @fin_acked: one has arrived
 * @corked:    more is to come (MSG_MORE): less than a packet stays here
 * @small_end: behind the last byte that left in less than a full packet
 * @small_until: for how long it can hold back more like it
 * @place:     turn of writing (quic_streams.turn) of what is to be sent next
 * @buf:       bytes
 * @flow:      limit of the peer
 * @errcode:   application error code of RESET_STREAM
 */
struct quic_stream_send {
	u8 state;
	bool fin;
	bool fin_owed;
	bool fin_acked;
	bool corked;
	u64 small_end;
	ktime_t small_until;
	u64 place;
	struct quic_send_buf buf;
	struct quic_flow_tx flow;
	u64 errcode;
};

/**
 * struct quic_stream_recv - receiving part (RFC 9000, 3.2)
 * @state:      QUIC_STREAM_RECV_STATE_*
 * @started:    a frame has come, so that the RECV event has been given
 * @stopped:    we have asked the peer to stop: what comes is dropped
 * @reasm:      data ahead of a gap
 * @flow:       our limit, and the highest offset seen
 * @final_size: size of the stream, or U64_MAX while unknown
 * @queued:     items of this stream in sk->sk_receive_queue
 * @errcode:    application error code of STOP_SENDING
 */
struct quic_stream_recv {
	u8 state;
	bool started;
	bool stopped;
	struct quic_reasm reasm;
	struct quic_flow_rx flow;
	u64 final_size;
	u32 queued;
	u64 errcode;
};

/**
 * struct quic_stream - one stream
 * @node:     place in quic_streams.tree
 * @id:       stream ID
 * @pending:  QUIC_STREAM_RESET and so on
 * @has_send: there is a sending part
 * @has_recv: there is a receiving part
 * @send_node: place in quic_streams.send, while there is data or a FIN to send
 * @control_link: place in quic_streams.control, while @pending
 * @send:     sending part
 * @recv:     receiving part
 */
struct quic_stream {
	struct rb_node node;
	u64 id;
	u8 pending;
	bool has_send;
	bool has_recv;
	struct rb_node send_node;
	struct list_head control_link;
	struct quic_stream_send send;
	struct quic_stream_recv recv;
};

/**
 * struct quic_stream_ids - the IDs of one type of stream
 * @next:     number (ID without type bits) of the first never opened
 * @max:      numbers below it may be opened (MAX_STREAMS)
 * @window:   of ours: the peer's initial limit; of the peer's: what we granted
 *            at first
 * @open:     streams opened and not yet ended
 * @idle:     numbers opened that have no object yet
 * @max_owed: a MAX_STREAMS frame is owed
 * @blocked_owed: a STREAMS_BLOCKED frame is owed
 */
struct quic_stream_ids {
	u64 next;
	u64 max;
	u64 window;
	u32 open;
	struct quic_range_set idle;
	bool max_owed;
	bool blocked_owed;
};

/**
 * struct quic_streams - streams of a connection
 * @tree:    objects by ID
 * @last:    object that was found last
 * @active:  where a program's data goes that names no stream
 * @send:    streams with data to send, by quic_stream_send.place
 * @turn:    how often the program has written to another stream than before
 * @push:    what was written in turns before this one does not wait for more
 * @now:     time of quic_output(), for all that it decides
 * @release: until when the first of what is held back waits
 * @writers: calls that have more to write
 * @awaited: since the last write the program has asked for what has come
 * @gathering: what is held back waits for more of a batch; read without the lock
 * @control: streams that owe control frames
 * @blocked: the active stream has no credit of its own; read without the lock
 * @ending:  streams whose FIN or RESET_STREAM was not acknowledged yet
 * @peer_mem: bytes of objects of streams that the peer has opened; they take
 *           their part of the receive buffer
 * @ids:     by type, the two lowest bits of an ID
 */
struct quic_streams {
	struct rb_root tree;
	struct quic_stream *last;
	struct quic_stream *active;
	struct rb_root_cached send;
	u64 turn;
	u64 push;
	ktime_t now;
	ktime_t release;
	struct list_head control;
	u32 writers;
	bool awaited;
	bool gathering;
	bool blocked;
	u32 ending;
	u32 peer_mem;
	struct quic_stream_ids ids[QUIC_STREAM_TYPES];
};

static inline u8 quic_stream_type(u64 id)
{
	return id & QUIC_STREAM_TYPE_MASK;
}

static inline u64 quic_stream_number(u64 id)
{
	return id >> 2;
}

static inline bool quic_stream_is_uni(u64 id)
{
	return id & QUIC_STREAM_TYPE_UNI_MASK;
}

/* Is there more than one stream with data to send? */
static inline bool quic_streams_several(const struct quic_streams *streams)
{
	const struct rb_node *root = streams->send.rb_root.rb_node;

	return root && (root->rb_left || root->rb_right);
}

void quic_streams_init(struct quic_conn *conn);
void quic_streams_apply_local(struct quic_conn *conn);
void quic_streams_apply_remote(struct quic_conn *conn);
void quic_streams_forget_remote(struct quic_conn *conn);
void quic_streams_destroy(struct quic_conn *conn);

u8 quic_streams_type(const struct quic_conn *conn, bool local, bool uni);
struct quic_stream_ids *quic_streams_ids(struct quic_conn *conn, bool local,
					 bool uni);
bool quic_stream_is_local(const struct quic_conn *conn, u64 id);
bool quic_stream_was_opened(const struct quic_conn *conn, u64 id);
bool quic_stream_may_open(const struct quic_conn *conn, u64 id);
struct quic_stream *quic_stream_find(struct quic_conn *conn, u64 id);
struct quic_stream *quic_stream_lookup(struct quic_conn *conn, u64 id);
struct quic_stream *quic_stream_create(struct quic_conn *conn, u64 id,
				       gfp_t gfp);
void quic_stream_set_active(struct quic_conn *conn, struct quic_stream *stream);
void quic_stream_update_blocked(struct quic_conn *conn);
void quic_stream_end_check(struct quic_conn *conn, struct quic_stream *stream);
void quic_stream_owe(struct quic_conn *conn, struct quic_stream *stream,
		     u8 frames);
void quic_stream_disown(struct quic_stream *stream, u8 frames);
int quic_stream_reset(struct quic_conn *conn, s64 id, u32 errcode);
int quic_stream_stop_sending(struct quic_conn *conn, s64 id, u32 errcode);

u64 quic_streams_unacked(const struct quic_conn *conn);
u64 quic_streams_unsent(const struct quic_conn *conn);

#endif /* _NET_QUIC_STREAM_H */
