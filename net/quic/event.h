/* SPDX-License-Identifier: GPL-2.0-only */
/* What the user of a socket is told: notifications that it has asked for, and
 * wake-ups. Wake-ups are noted where their reason arises and done once for a
 * whole batch of received packets.
 *
 * Owns:    struct quic_events; its queue is charged to the receive buffer.
 * Guard:   the connection lock.
 * Callers: everybody who has something to report; recvmsg.c takes them out;
 *          whoever ends a batch calls quic_events_wake().
 */
#ifndef _NET_QUIC_EVENT_H
#define _NET_QUIC_EVENT_H

#include <linux/skbuff.h>
#include "types.h"

struct quic_conn;

/**
 * struct quic_events - what waits to be told
 * @queue:	 notifications, each a type byte and a payload
 * @wake_reader: something became readable since the last wake-up
 * @wake_writer: buffer space, credit or stream IDs became available
 */
struct quic_events {
	struct sk_buff_head queue;
	bool wake_reader;
	bool wake_writer;
};

void quic_events_init(struct quic_conn *conn);
void quic_events_wake(struct quic_conn *conn);
void quic_events_destroy(struct quic_conn *conn);

/* Each is dropped silently unless the program has enabled it. */
void quic_event_stream_update(struct quic_conn *conn, u64 id, u8 state,
			      u64 errcode, u64 final_size);
void quic_event_stream_max_data(struct quic_conn *conn, u64 id, u64 max_data);
void quic_event_stream_max_stream(struct quic_conn *conn, u64 highest_id);
void quic_event_connection_id(struct quic_conn *conn,
			      const struct quic_connection_id_info *info);
void quic_event_connection_close(struct quic_conn *conn,
				 const struct quic_connection_close *close);
void quic_event_connection_migration(struct quic_conn *conn, bool local);
void quic_event_key_update(struct quic_conn *conn, u8 phase);
void quic_event_new_token(struct quic_conn *conn, const u8 *token, u32 len);
void quic_event_new_session_ticket(struct quic_conn *conn, const u8 *ticket,
				   u32 len);

#endif /* _NET_QUIC_EVENT_H */
