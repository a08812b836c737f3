/* SPDX-License-Identifier: GPL-2.0-only */
/* Progress of the handshake: user space runs TLS and installs secrets and
 * transport parameters through the socket; this decides what follows from each
 * (RFC 9001, 4) and when packet number spaces end.
 *
 * Owns:    struct quic_handshake, and packets parked until their keys come.
 * Guard:   the connection lock.
 * Callers: sockopt.c (secrets, transport parameters), input.c (parking),
 *          input_frame.c (HANDSHAKE_DONE), output.c.
 */
#ifndef _NET_QUIC_HANDSHAKE_H
#define _NET_QUIC_HANDSHAKE_H

#include <linux/skbuff.h>
#include "types.h"

/* Datagrams that may wait for keys (RFC 9001, 5.7 leaves the number to us). A
 * server's first flight and the 1-RTT data right behind it fit.
 */
#define QUIC_PARKED_MAX		32

struct quic_conn;
struct quic_tparams;

/**
 * struct quic_handshake - what has been reached
 * @complete:	both 1-RTT keys are there: TLS is done on our side
 * @confirmed:	RFC 9001, 4.1.2
 * @done_pending: server: a HANDSHAKE_DONE frame has to be sent
 * @done_acked: server: the client has one
 * @done_rcvd:	client: HANDSHAKE_DONE has come, perhaps before the last key
 * @tparams_sent: local transport parameters are frozen: TLS has them
 * @tparams_rcvd: the peer's transport parameters have been applied
 * @retry_used:	client: one Retry was accepted; server: the client came back
 *		with a valid Retry token
 * @any_rcvd:	a packet of the peer was authenticated, so that Retry and Version
 *		Negotiation are ignored from now on
 * @odcid:	destination ID of the client's very first Initial
 * @retry_scid:	source ID of the Retry packet, when @retry_used
 * @half_open:	server: counted in quic_net.nr_half_open
 * @parked:	packets whose keys are not there yet
 * @nr_parked_early: those that begin with a 0-RTT packet
 */
struct quic_handshake {
	bool complete;
	bool confirmed;
	bool done_pending;
	bool done_acked;
	bool done_rcvd;
	bool tparams_sent;
	bool tparams_rcvd;
	bool retry_used;
	bool any_rcvd;
	bool half_open;
	struct quic_cid odcid;
	struct quic_cid retry_scid;
	struct sk_buff_head parked;
	u8 nr_parked_early;
};

int quic_handshake_set_secrets(struct quic_conn *conn,
			       const struct quic_crypto_secret *secrets,
			       u32 nr);
int quic_handshake_set_tparams(struct quic_conn *conn, const u8 *buf, u32 len);
int quic_handshake_get_tparams(struct quic_conn *conn, u8 *buf, u32 size);
void quic_handshake_apply_remote(struct quic_conn *conn);
void quic_handshake_freeze_tparams(struct quic_conn *conn, bool early);
void quic_handshake_confirm(struct quic_conn *conn);
void quic_handshake_discard_space(struct quic_conn *conn, u8 level);
bool quic_handshake_park(struct quic_conn *conn, struct sk_buff *skb, u8 level);

#endif /* _NET_QUIC_HANDSHAKE_H */
