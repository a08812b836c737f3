/* SPDX-License-Identifier: GPL-2.0-only */
/* From a datagram to packets to frames: coalesced packets are taken apart,
 * unprotected in place, checked for duplicates, and their frames dispatched.
 *
 * Owns:    quic_conn.unanswered.
 * Guard:   the connection lock (softirq with the socket not owned, or backlog).
 * Callers: udp_rx.c, af_quic.c for the backlog, wait.h at its end, listen.c
 *          through quic_conn_accept(), handshake.c.
 */
#ifndef _NET_QUIC_INPUT_H
#define _NET_QUIC_INPUT_H

#include <linux/ktime.h>
#include <linux/skbuff.h>
#include "drop.h"
#include "types.h"

struct quic_conn;
struct quic_header;
struct sock;

/**
 * struct quic_rx_pkt - the packet whose frames are being handled
 * @type:	its type
 * @level:	encryption level
 * @space:	packet number space
 * @ecn:	ECN codepoint of the datagram
 * @ack_eliciting: a frame has asked for an acknowledgment
 * @ack_now:	acknowledge without delay: a stream ended, programs wait for that
 * @taken:	a packet of the datagram was of use
 * @drop:	why another was not; 0 if all were
 * @pn:		full packet number
 * @now:	when the datagram was handled
 * @foreign:	it came from an address that the peer was not known to have
 * @non_probing: one of its frames is not there to probe (RFC 9000, 9.1)
 * @local:	address of ours that it came to
 * @peer:	address that it came from
 * @skb:	the datagram; linear, and nobody else writes to it
 * @dcid:	destination connection ID it came with
 */
struct quic_rx_pkt {
	enum quic_pkt_type type;
	u8 level;
	enum quic_space_id space;
	u8 ecn;
	bool ack_eliciting;
	bool ack_now;
	bool taken;
	enum quic_drop_reason drop;
	bool foreign;
	bool non_probing;
	u64 pn;
	ktime_t now;
	union quic_addr local;
	union quic_addr peer;
	struct sk_buff *skb;
	struct quic_cid dcid;
};

void quic_conn_rcv(struct sock *sk, struct sk_buff *skb);
void quic_conn_rcv_backlog(struct sock *sk, struct sk_buff *skb);
void quic_conn_rcv_end(struct sock *sk);
void quic_input_datagram(struct quic_conn *conn, struct sk_buff *skb);
void quic_conn_icmp(struct sock *sk, int err, u32 mtu);

/* input_frame.c */
int quic_input_frames(struct quic_conn *conn, struct quic_rx_pkt *pkt,
		      const u8 *pos, const u8 *end, u64 *bad_type);

#endif /* _NET_QUIC_INPUT_H */
