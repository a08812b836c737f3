/* SPDX-License-Identifier: GPL-2.0-only */
/* Sent packets: the ledger's entries. One struct quic_sent_pkt says what has to
 * be done again if that packet is lost: kinds of frames and ranges of streams,
 * never bytes (RFC 9002, A.1.1; RFC 9000, 13.3).
 *
 * Owns:    struct quic_sent_pkt and the slab caches it comes from.
 * Guard:   the connection lock. An entry belongs to exactly one list: the
 *          space's ledger, or the caller's list of acknowledged or lost ones.
 * Callers: packet_build.c allocates and fills, loss.c moves them between
 *          lists, output.c and input_frame.c act on the frames and free them.
 */
#ifndef _NET_QUIC_SENT_H
#define _NET_QUIC_SENT_H

#include <linux/gfp_types.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/types.h>

#include "rate.h"

#define QUIC_SENT_FRAMES_SMALL	3	/* what the slab cache's objects hold */
#define QUIC_SENT_FRAMES_MAX	64	/* no packet records more */

/* What a frame needs remembered. Frame types are folded where the same has to
 * be done about them, hence not enum quic_frame_type.
 */
enum quic_sent_kind {
	QUIC_SENT_STREAM,		/* id, offset, len, fin */
	QUIC_SENT_CRYPTO,		/* id = level, offset, len */
	QUIC_SENT_ACK,			/* offset = largest acknowledged */
	QUIC_SENT_RESET_STREAM,		/* id */
	QUIC_SENT_STOP_SENDING,		/* id */
	QUIC_SENT_MAX_DATA,		/* offset = the limit */
	QUIC_SENT_MAX_STREAM_DATA,	/* id, offset = the limit */
	QUIC_SENT_MAX_STREAMS,		/* id = 0 bidi, 1 uni; offset = limit */
	QUIC_SENT_DATA_BLOCKED,		/* offset = the limit */
	QUIC_SENT_STREAM_DATA_BLOCKED,	/* id, offset = the limit */
	QUIC_SENT_STREAMS_BLOCKED,	/* id = 0 bidi, 1 uni; offset = limit */
	QUIC_SENT_NEW_CID,		/* id = sequence number */
	QUIC_SENT_RETIRE_CID,		/* id = sequence number */
	QUIC_SENT_NEW_TOKEN,
	QUIC_SENT_HANDSHAKE_DONE,
	QUIC_SENT_PATH_CHALLENGE,	/* id = path */
	QUIC_SENT_PATH_RESPONSE,	/* id = path */
	QUIC_SENT_PING,
	QUIC_SENT_DATAGRAM,		/* len; never sent again */
	QUIC_SENT_CLOSE,
	QUIC_SENT_MAX,
};

/**
 * struct quic_sent_frame - one thing a packet carried
 * @kind:   enum quic_sent_kind
 * @fin:    STREAM: the frame had the FIN bit
 * @len:    bytes of STREAM, CRYPTO or DATAGRAM data
 * @id:     stream ID, level, sequence number or direction, see the enum
 * @offset: stream offset, limit or largest acknowledged, see the enum
 */
struct quic_sent_frame {
	u8 kind;
	u8 fin;
	u32 len;
	u64 id;
	u64 offset;
};

/**
 * struct quic_sent_pkt - a packet that has been sent (RFC 9002, A.1.1)
 * @list:          place in the ledger, ascending by @pn, or in a caller's list
 * @pn:            packet number
 * @time_sent:     when it left
 * @path_gen:      quic_recovery.path_gen at that time; set by loss.c. Packets
 *                 of an earlier path say nothing about this path's congestion
 * @size:          bytes of the packet in its UDP datagram, incl. AEAD tag
 * @max_frames:    room in @frames
 * @nr_frames:     entries of @frames in use
 * @type:          enum quic_pkt_type: tells 0-RTT from 1-RTT packets
 * @ack_eliciting: has a frame other than ACK, PADDING, CONNECTION_CLOSE
 * @in_flight:     counts towards bytes in flight: ack-eliciting or padded
 * @mtu_probe:     its loss is no sign of congestion (RFC 9000, 14.4)
 * @ect:           left with an ECT codepoint in the IP header
 * @app_limited:   loss.c: the program had nothing more to send at that time
 * @after_ack:     loss.c: a packet between the ledger's previous entry and this
 *                 one was acknowledged (RFC 9002, 7.6.2)
 * @rate:          loss.c: what was delivered when it left
 * @frames:        what it carried, in order
 */
struct quic_sent_pkt {
	struct list_head list;
	u64 pn;
	ktime_t time_sent;
	u32 path_gen;
	u16 size;
	u8 max_frames;
	u8 nr_frames;
	u8 type;
	u8 ack_eliciting:1;
	u8 in_flight:1;
	u8 mtu_probe:1;
	u8 ect:1;
	u8 app_limited:1;
	u8 after_ack:1;
	struct quic_rate_pkt rate;
	struct quic_sent_frame frames[] __counted_by(max_frames);
};

int quic_sent_init(void);	/* module init */
void quic_sent_exit(void);

const char *quic_sent_kind_name(enum quic_sent_kind kind);
struct quic_sent_pkt *quic_sent_pkt_alloc(u8 max_frames, gfp_t gfp);
int quic_sent_pkt_record(struct quic_sent_pkt *pkt, enum quic_sent_kind kind,
			 u64 id, u64 offset, u32 len, bool fin);
u32 quic_sent_pkt_truesize(const struct quic_sent_pkt *pkt);
void quic_sent_pkt_free(struct quic_sent_pkt *pkt);
void quic_sent_list_free(struct list_head *list);

#endif /* _NET_QUIC_SENT_H */
