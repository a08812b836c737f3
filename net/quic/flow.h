/* SPDX-License-Identifier: GPL-2.0-only */
/* Flow control: absolute limits on bytes of stream data, in both directions
 * (RFC 9000, 4.1). The same two structs serve a stream and the connection.
 *
 * Owns:    struct quic_flow_tx, struct quic_flow_rx and, of the connection,
 *          struct quic_flow.
 * Guard:   the connection lock.
 * Callers: stream.c, stream_send.c, stream_recv.c, sendmsg.c, recvmsg.c.
 */
#ifndef _NET_QUIC_FLOW_H
#define _NET_QUIC_FLOW_H

#include <linux/ktime.h>
#include <linux/types.h>

/**
 * struct quic_flow_tx - what we may send
 * @max:  limit that the peer has set (MAX_DATA, MAX_STREAM_DATA)
 * @used: bytes queued against it so far; counted when the program hands them
 *        over, so that a sender never queues what it could not send
 */
struct quic_flow_tx {
	u64 max;
	u64 used;
};

/**
 * struct quic_flow_rx - what the peer may send
 * @max:      limit that the peer knows of
 * @received: highest offset received; sum over all streams for the connection
 * @consumed: bytes that the program has read, or that nobody will read
 * @window:   how far @max may be above @consumed, at most
 * @given:    when credit was last given
 * @before:   @received at that time
 */
struct quic_flow_rx {
	u64 max;
	u64 received;
	u64 consumed;
	u64 window;
	ktime_t given;
	u64 before;
};

/* Frames of the connection's own flow control that are owed to the peer. */
#define QUIC_FLOW_MAX_DATA	0x01
#define QUIC_FLOW_DATA_BLOCKED	0x02

/**
 * struct quic_flow - flow control of a connection
 * @tx:      towards the peer
 * @tx_sent: bytes of all streams that were sent at least once
 * @rx:      from the peer
 * @pending: QUIC_FLOW_MAX_DATA, QUIC_FLOW_DATA_BLOCKED
 * @refused: packets have found the receive buffer full
 */
struct quic_flow {
	struct quic_flow_tx tx;
	u64 tx_sent;
	struct quic_flow_rx rx;
	u8 pending;
	bool refused;
};

static inline u64 quic_flow_tx_credit(const struct quic_flow_tx *tx)
{
	return tx->max > tx->used ? tx->max - tx->used : 0;
}

bool quic_flow_tx_raise(struct quic_flow_tx *tx, u64 max);

void quic_flow_rx_init(struct quic_flow_rx *rx, u64 window);
int quic_flow_rx_check(const struct quic_flow_rx *rx, u64 more);
void quic_flow_rx_consume(struct quic_flow_rx *rx, u64 len);
bool quic_flow_rx_is_narrow(struct quic_flow_rx *rx, ktime_t now, u64 rtt_us);
bool quic_flow_rx_update_due(const struct quic_flow_rx *rx, u64 window);
u64 quic_flow_rx_advance(struct quic_flow_rx *rx, u64 window);

#endif /* _NET_QUIC_FLOW_H */
