/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames (RFC 9000, 19; RFC 9221, 4): a struct for each, bytes to struct,
 * struct to bytes, and what Table 3 of RFC 9000 says about each type.
 *
 * Owns:    no state. Byte strings of a parsed frame point into the packet.
 * Guard:   none needed, pure functions on bytes.
 * Callers: input_frame.c parses; the owners of connection state build, into
 *          the room that packet_build.c gives them.
 */
#ifndef _NET_QUIC_FRAME_H
#define _NET_QUIC_FRAME_H

#include <linux/bits.h>
#include "types.h"
#include "varint.h"

struct quic_range_set;

enum quic_frame_type {
	QUIC_FRAME_PADDING		= 0x00,
	QUIC_FRAME_PING			= 0x01,
	QUIC_FRAME_ACK			= 0x02,
	QUIC_FRAME_ACK_ECN		= 0x03,
	QUIC_FRAME_RESET_STREAM		= 0x04,
	QUIC_FRAME_STOP_SENDING		= 0x05,
	QUIC_FRAME_CRYPTO		= 0x06,
	QUIC_FRAME_NEW_TOKEN		= 0x07,
	QUIC_FRAME_STREAM		= 0x08,	/* with the bits below */
	QUIC_FRAME_STREAM_LAST		= 0x0f,
	QUIC_FRAME_MAX_DATA		= 0x10,
	QUIC_FRAME_MAX_STREAM_DATA	= 0x11,
	QUIC_FRAME_MAX_STREAMS_BIDI	= 0x12,
	QUIC_FRAME_MAX_STREAMS_UNI	= 0x13,
	QUIC_FRAME_DATA_BLOCKED		= 0x14,
	QUIC_FRAME_STREAM_DATA_BLOCKED	= 0x15,
	QUIC_FRAME_STREAMS_BLOCKED_BIDI	= 0x16,
	QUIC_FRAME_STREAMS_BLOCKED_UNI	= 0x17,
	QUIC_FRAME_NEW_CONNECTION_ID	= 0x18,
	QUIC_FRAME_RETIRE_CONNECTION_ID	= 0x19,
	QUIC_FRAME_PATH_CHALLENGE	= 0x1a,
	QUIC_FRAME_PATH_RESPONSE	= 0x1b,
	QUIC_FRAME_CONNECTION_CLOSE	= 0x1c,
	QUIC_FRAME_CONNECTION_CLOSE_APP	= 0x1d,
	QUIC_FRAME_HANDSHAKE_DONE	= 0x1e,
	QUIC_FRAME_DATAGRAM		= 0x30,
	QUIC_FRAME_DATAGRAM_LEN		= 0x31,
	QUIC_FRAME_TYPES		= 0x32,	/* one more than the last */
};

#define QUIC_STREAM_BIT_FIN	0x01	/* RFC 9000, 19.8 */
#define QUIC_STREAM_BIT_LEN	0x02
#define QUIC_STREAM_BIT_OFF	0x04

#define QUIC_MAX_STREAMS	BIT_ULL(60)	/* RFC 9000, 4.6 */
#define QUIC_PATH_DATA_LEN	8		/* RFC 9000, 19.17 */

/* A run of PADDING is one frame here, so that its cost is not per byte. */
struct quic_frame_padding {
	u32 len;
};

/**
 * struct quic_frame_ack - ACK, all its ranges checked (RFC 9000, 19.3)
 * @largest_acked: Largest Acknowledged
 * @ack_delay:	   ACK Delay as sent, see quic_frame_ack_delay_us()
 * @first_range:   First ACK Range
 * @range_count:   ranges that follow the first, all within @data
 * @data:	   Gap and ACK Range Length fields, read by struct quic_ack_iter
 * @len:	   bytes at @data
 * @has_ecn:	   ECN Counts are present
 * @ecn:	   ECT0, ECT1 and ECN-CE counts
 */
struct quic_frame_ack {
	u64 largest_acked;
	u64 ack_delay;
	u64 first_range;
	u64 range_count;
	const u8 *data;
	u32 len;
	bool has_ecn;
	u64 ecn[3];
};

struct quic_frame_reset_stream {
	u64 stream_id;
	u64 error_code;
	u64 final_size;
};

struct quic_frame_stop_sending {
	u64 stream_id;
	u64 error_code;
};

/* offset + len never exceeds QUIC_VARINT_MAX. */
struct quic_frame_crypto {
	u64 offset;
	const u8 *data;
	u32 len;
};

struct quic_frame_new_token {
	const u8 *data;
	u32 len;
};

/* offset + len never exceeds QUIC_VARINT_MAX. */
struct quic_frame_stream {
	u64 stream_id;
	u64 offset;
	const u8 *data;
	u32 len;
	bool fin;
};

struct quic_frame_max_data {
	u64 max_data;
};

struct quic_frame_max_stream_data {
	u64 stream_id;
	u64 max_stream_data;
};

struct quic_frame_max_streams {
	u64 max_streams;
	bool uni;
};

struct quic_frame_data_blocked {
	u64 limit;
};

struct quic_frame_stream_data_blocked {
	u64 stream_id;
	u64 limit;
};

struct quic_frame_streams_blocked {
	u64 limit;
	bool uni;
};

/* retire_prior_to never exceeds seq; cid has 1 to 20 bytes. */
struct quic_frame_new_connection_id {
	u64 seq;
	u64 retire_prior_to;
	struct quic_cid cid;
	u8 reset_token[QUIC_RESET_TOKEN_LEN];
};

struct quic_frame_retire_connection_id {
	u64 seq;
};

struct quic_frame_path {
	u8 data[QUIC_PATH_DATA_LEN];
};

/* data is the Reason Phrase; frame_type is 0 in the application's variant. */
struct quic_frame_connection_close {
	u64 error_code;
	u64 frame_type;
	const u8 *data;
	u32 len;
	bool app;
};

/* size is that of the frame, which RFC 9221, 3 limits. */
struct quic_frame_datagram {
	const u8 *data;
	u32 len;
	u32 size;
};

/* One parsed frame. The type is the Type field as received, STREAM keeps its
 * three flag bits. The member of the union in use is the one named like the
 * type; PING and HANDSHAKE_DONE have none.
 */
struct quic_frame {
	u64 type;
	union {
		struct quic_frame_padding padding;
		struct quic_frame_ack ack;
		struct quic_frame_reset_stream reset_stream;
		struct quic_frame_stop_sending stop_sending;
		struct quic_frame_crypto crypto;
		struct quic_frame_new_token new_token;
		struct quic_frame_stream stream;
		struct quic_frame_max_data max_data;
		struct quic_frame_max_stream_data max_stream_data;
		struct quic_frame_max_streams max_streams;
		struct quic_frame_data_blocked data_blocked;
		struct quic_frame_stream_data_blocked stream_data_blocked;
		struct quic_frame_streams_blocked streams_blocked;
		struct quic_frame_new_connection_id new_connection_id;
		struct quic_frame_retire_connection_id retire_connection_id;
		struct quic_frame_path path_challenge;
		struct quic_frame_path path_response;
		struct quic_frame_connection_close connection_close;
		struct quic_frame_datagram datagram;
	};
};

/* frame_table.c: RFC 9000, Table 3 */

#define QUIC_FRAME_ACK_ELICITING	0x01	/* not marked N */
#define QUIC_FRAME_IN_FLIGHT		0x02	/* not marked C */
#define QUIC_FRAME_PROBING		0x04	/* marked P */
#define QUIC_FRAME_FLOW_CONTROLLED	0x08	/* marked F */
#define QUIC_FRAME_SERVER_ONLY		0x10	/* RFC 9000, 19.7 and 19.20 */

/**
 * struct quic_frame_info - what is the same for every frame of a type
 * @name:  as in the RFC
 * @pkts:  packet types that may carry it, bits of enum quic_pkt_type
 * @flags: QUIC_FRAME_ACK_ELICITING and so on
 */
struct quic_frame_info {
	const char *name;
	u8 pkts;
	u8 flags;
};

const struct quic_frame_info *quic_frame_info(u64 type);

/* frame_parse.c */

int quic_frame_parse(const u8 **pos, const u8 *end, struct quic_frame *frame);
u32 quic_frame_ack_delay_us(const struct quic_frame_ack *ack,
			    u8 ack_delay_exponent);

/**
 * struct quic_ack_iter - walks the ranges of an ACK from the largest downwards
 * @pos:      next Gap field
 * @end:      end of the fields
 * @smallest: smallest number of the range that the next call returns
 * @largest:  its largest number
 * @more:     there is one to return
 */
struct quic_ack_iter {
	const u8 *pos;
	const u8 *end;
	u64 smallest;
	u64 largest;
	bool more;
};

void quic_ack_iter_init(struct quic_ack_iter *it,
			const struct quic_frame_ack *ack);
bool quic_ack_iter_next(struct quic_ack_iter *it, u64 *smallest, u64 *largest);

/* frame_build.c: quic_frame_len_X() is the exact number of bytes that
 * quic_frame_put_X() writes for the same arguments; put returns the end.
 * STREAM, CRYPTO and DATAGRAM are put without their data, which follows by
 * other means; the Length field is always present.
 */

u32 quic_frame_len_ack(u32 room, const struct quic_range_set *received,
		       u64 delay_us, u8 ack_delay_exponent, const u64 *ecn);
u8 *quic_frame_put_ack(u8 *p, u32 room, const struct quic_range_set *received,
		       u64 delay_us, u8 ack_delay_exponent, const u64 *ecn);

u32 quic_frame_len_reset_stream(u64 stream_id, u64 error_code, u64 final_size);
u8 *quic_frame_put_reset_stream(u8 *p, u64 stream_id, u64 error_code,
				u64 final_size);
u32 quic_frame_len_stop_sending(u64 stream_id, u64 error_code);
u8 *quic_frame_put_stop_sending(u8 *p, u64 stream_id, u64 error_code);

u32 quic_frame_len_crypto(u64 offset, u32 len);
u8 *quic_frame_put_crypto(u8 *p, u64 offset, u32 len);
int quic_frame_fit_crypto(u32 room, u64 offset, u32 len);

u32 quic_frame_len_new_token(u32 len);
u8 *quic_frame_put_new_token(u8 *p, const u8 *token, u32 len);

u32 quic_frame_len_stream(u64 stream_id, u64 offset, u32 len);
u8 *quic_frame_put_stream(u8 *p, u64 stream_id, u64 offset, u32 len, bool fin);
int quic_frame_fit_stream(u32 room, u64 stream_id, u64 offset, u32 len);

u32 quic_frame_len_max_data(u64 max_data);
u8 *quic_frame_put_max_data(u8 *p, u64 max_data);
u32 quic_frame_len_max_stream_data(u64 stream_id, u64 max_stream_data);
u8 *quic_frame_put_max_stream_data(u8 *p, u64 stream_id, u64 max_stream_data);
u32 quic_frame_len_max_streams(u64 max_streams);
u8 *quic_frame_put_max_streams(u8 *p, bool uni, u64 max_streams);

u32 quic_frame_len_data_blocked(u64 limit);
u8 *quic_frame_put_data_blocked(u8 *p, u64 limit);
u32 quic_frame_len_stream_data_blocked(u64 stream_id, u64 limit);
u8 *quic_frame_put_stream_data_blocked(u8 *p, u64 stream_id, u64 limit);
u32 quic_frame_len_streams_blocked(u64 limit);
u8 *quic_frame_put_streams_blocked(u8 *p, bool uni, u64 limit);

u32 quic_frame_len_new_connection_id(u64 seq, u64 retire_prior_to, u8 cid_len);
u8 *quic_frame_put_new_connection_id(u8 *p, u64 seq, u64 retire_prior_to,
				     const struct quic_cid *cid,
				     const u8 *reset_token);
u32 quic_frame_len_retire_connection_id(u64 seq);
u8 *quic_frame_put_retire_connection_id(u8 *p, u64 seq);

#define QUIC_FRAME_PATH_LEN	(1 + QUIC_PATH_DATA_LEN)
u8 *quic_frame_put_path_challenge(u8 *p, const u8 *data);
u8 *quic_frame_put_path_response(u8 *p, const u8 *data);

u32 quic_frame_len_connection_close(u64 error_code, u64 frame_type,
				    u32 reason_len);
u8 *quic_frame_put_connection_close(u8 *p, u64 error_code, u64 frame_type,
				    const u8 *reason, u32 reason_len);
u32 quic_frame_len_connection_close_app(u64 error_code, u32 reason_len);
u8 *quic_frame_put_connection_close_app(u8 *p, u64 error_code,
					const u8 *reason, u32 reason_len);

u32 quic_frame_len_datagram(u32 len);
u8 *quic_frame_put_datagram(u8 *p, u32 len);

/* PADDING of any length, PING and HANDSHAKE_DONE have no fields. */
static inline u8 *quic_frame_put_padding(u8 *p, u32 len)
{
	memset(p, QUIC_FRAME_PADDING, len);
	return p + len;
}

static inline u8 *quic_frame_put_ping(u8 *p)
{
	*p++ = QUIC_FRAME_PING;
	return p;
}

static inline u8 *quic_frame_put_handshake_done(u8 *p)
{
	*p++ = QUIC_FRAME_HANDSHAKE_DONE;
	return p;
}

#endif /* _NET_QUIC_FRAME_H */
