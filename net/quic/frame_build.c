// SPDX-License-Identifier: GPL-2.0-only

#include <linux/errno.h>
#include "frame.h"
#include "range.h"

/* Every type that we know is encoded in one byte. */
#define QUIC_FRAME_TYPE_LEN	1

static u8 *quic_put_type(u8 *p, enum quic_frame_type type)
{
	*p++ = type;
	return p;
}

/* Frames that are a type and one, two or three integers. */
static u32 quic_len_ints1(u64 a)
{
	return QUIC_FRAME_TYPE_LEN + quic_varint_len(a);
}

static u32 quic_len_ints2(u64 a, u64 b)
{
	return quic_len_ints1(a) + quic_varint_len(b);
}

static u32 quic_len_ints3(u64 a, u64 b, u64 c)
{
	return quic_len_ints2(a, b) + quic_varint_len(c);
}

static u8 *quic_put_ints1(u8 *p, enum quic_frame_type type, u64 a)
{
	return quic_varint_put(quic_put_type(p, type), a);
}

static u8 *quic_put_ints2(u8 *p, enum quic_frame_type type, u64 a, u64 b)
{
	return quic_varint_put(quic_put_ints1(p, type, a), b);
}

static u8 *quic_put_ints3(u8 *p, enum quic_frame_type type, u64 a, u64 b, u64 c)
{
	return quic_varint_put(quic_put_ints2(p, type, a, b), c);
}

/* How much data, up to @len bytes, fits into @room behind @hdr bytes of header
 * and a Length field, whose own length depends on the answer.
 */
static int quic_fit(u32 room, u32 hdr, u32 len)
{
	u32 fit;

	if (room <= hdr)
		return -ENOSPC;
	room -= hdr;
	fit = min(len, room - 1);
	while (quic_varint_len(fit) + fit > room)
		fit--;
	return fit || !len ? fit : -ENOSPC;
}

/* ACK. Ranges of a set are half-open, those on the wire are not. */

/**
 * struct quic_ack_plan - how much of a range set goes into an ACK
 * @delay:	 ACK Delay field
 * @first_range: First ACK Range field
 * @range_count: ACK Range Count field
 * @len:	 bytes of the frame
 */
struct quic_ack_plan {
	u64 delay;
	u64 first_range;
	u32 range_count;
	u32 len;
};

static u64 quic_ack_range_len(const struct quic_range *r)
{
	return r->end - r->start - 1;
}

/* @above is the next higher range; at least one number lies between them. */
static u64 quic_ack_gap(const struct quic_range *above,
			const struct quic_range *r)
{
	return above->start - r->end - 1;
}

static u32 quic_ack_len_ecn(const u64 *ecn)
{
	if (!ecn)
		return 0;
	return quic_varint_len(ecn[0]) + quic_varint_len(ecn[1]) +
	       quic_varint_len(ecn[2]);
}

/* The lowest ranges, which matter least, are left out if room is short. */
static bool quic_ack_plan(struct quic_ack_plan *plan, u32 room,
			  const struct quic_range_set *received,
			  u64 delay_us, u8 ack_delay_exponent, const u64 *ecn)
{
	const struct quic_range *r = quic_range_set_last(received);
	const struct quic_range *first = quic_range_set_first(received);
	u32 len, more;

	if (!r)
		return false;
	plan->delay = delay_us >> ack_delay_exponent;
	plan->first_range = quic_ack_range_len(r);
	plan->range_count = 0;
	len = quic_len_ints3(r->end - 1, plan->delay, plan->first_range) +
	      quic_ack_len_ecn(ecn);

	while (r > first) {
		r--;
		more = quic_varint_len(quic_ack_gap(r + 1, r)) +
		       quic_varint_len(quic_ack_range_len(r));
		if (len + more + quic_varint_len(plan->range_count + 1) > room)
			break;
		len += more;
		plan->range_count++;
	}
	plan->len = len + quic_varint_len(plan->range_count);
	return plan->len <= room;
}

/**
 * quic_frame_len_ack - length of the ACK frame that fits
 * @room:		bytes that are left
 * @received:		packet numbers to acknowledge
 * @delay_us:		time since the largest one arrived
 * @ack_delay_exponent: our transport parameter
 * @ecn:		ECT0, ECT1 and ECN-CE counts, or NULL for none
 *
 * Return: bytes that quic_frame_put_ack() writes for the same arguments, 0 if
 * not even the highest range fits, or if there is none.
 */
u32 quic_frame_len_ack(u32 room, const struct quic_range_set *received,
		       u64 delay_us, u8 ack_delay_exponent, const u64 *ecn)
{
	struct quic_ack_plan plan;

	if (!quic_ack_plan(&plan, room, received, delay_us, ack_delay_exponent,
			   ecn))
		return 0;
	return plan.len;
}

/**
 * quic_frame_put_ack - write an ACK with as many ranges as fit
 * @p:			where to write
 * @room:		bytes that are left there
 * @received:		packet numbers to acknowledge
 * @delay_us:		time since the largest one arrived
 * @ack_delay_exponent: our transport parameter
 * @ecn:		ECT0, ECT1 and ECN-CE counts, or NULL for none
 *
 * Return: the end of the frame, @p itself if nothing was written.
 */
u8 *quic_frame_put_ack(u8 *p, u32 room, const struct quic_range_set *received,
		       u64 delay_us, u8 ack_delay_exponent, const u64 *ecn)
{
	const struct quic_range *r = quic_range_set_last(received);
	struct quic_ack_plan plan;
	u32 i;

	if (!quic_ack_plan(&plan, room, received, delay_us, ack_delay_exponent,
			   ecn))
		return p;

	p = quic_put_ints3(p, ecn ? QUIC_FRAME_ACK_ECN : QUIC_FRAME_ACK,
			   r->end - 1, plan.delay, plan.range_count);
	p = quic_varint_put(p, plan.first_range);
	for (i = 0; i < plan.range_count; i++) {
		r--;
		p = quic_varint_put(p, quic_ack_gap(r + 1, r));
		p = quic_varint_put(p, quic_ack_range_len(r));
	}
	for (i = 0; ecn && i < 3; i++)
		p = quic_varint_put(p, ecn[i]);
	return p;
}

/* Streams */

u32 quic_frame_len_reset_stream(u64 stream_id, u64 error_code, u64 final_size)
{
	return quic_len_ints3(stream_id, error_code, final_size);
}

u8 *quic_frame_put_reset_stream(u8 *p, u64 stream_id, u64 error_code,
				u64 final_size)
{
	return quic_put_ints3(p, QUIC_FRAME_RESET_STREAM, stream_id, error_code,
			      final_size);
}

u32 quic_frame_len_stop_sending(u64 stream_id, u64 error_code)
{
	return quic_len_ints2(stream_id, error_code);
}

u8 *quic_frame_put_stop_sending(u8 *p, u64 stream_id, u64 error_code)
{
	return quic_put_ints2(p, QUIC_FRAME_STOP_SENDING, stream_id,
			      error_code);
}

static u32 quic_len_stream_ids(u64 stream_id, u64 offset)
{
	return offset ? quic_len_ints2(stream_id, offset) :
			quic_len_ints1(stream_id);
}

/* Header only; an offset of 0 is left out (RFC 9000, 19.8). */
u32 quic_frame_len_stream(u64 stream_id, u64 offset, u32 len)
{
	return quic_len_stream_ids(stream_id, offset) + quic_varint_len(len);
}

/**
 * quic_frame_put_stream - write the header of a STREAM frame
 * @p:	       where to write
 * @stream_id: stream
 * @offset:    stream offset of the data
 * @len:       bytes of data that the caller puts behind the header
 * @fin:       the data ends the stream
 *
 * Return: where the data goes.
 */
u8 *quic_frame_put_stream(u8 *p, u64 stream_id, u64 offset, u32 len, bool fin)
{
	u8 type = QUIC_FRAME_STREAM | QUIC_STREAM_BIT_LEN;

	if (fin)
		type |= QUIC_STREAM_BIT_FIN;
	if (offset)
		type |= QUIC_STREAM_BIT_OFF;
	p = quic_put_ints1(p, type, stream_id);
	if (offset)
		p = quic_varint_put(p, offset);
	return quic_varint_put(p, len);
}

/**
 * quic_frame_fit_stream - how much data a STREAM frame can carry
 * @room:      bytes that are left
 * @stream_id: stream
 * @offset:    stream offset of the data
 * @len:       bytes that wait; 0 asks whether a frame with only FIN fits
 *
 * Return: at most @len, or -ENOSPC if the header leaves room for no data.
 */
int quic_frame_fit_stream(u32 room, u64 stream_id, u64 offset, u32 len)
{
	return quic_fit(room, quic_len_stream_ids(stream_id, offset), len);
}

/* Handshake */

/* Header only. */
u32 quic_frame_len_crypto(u64 offset, u32 len)
{
	return quic_len_ints2(offset, len);
}

u8 *quic_frame_put_crypto(u8 *p, u64 offset, u32 len)
{
	return quic_put_ints2(p, QUIC_FRAME_CRYPTO, offset, len);
}

/**
 * quic_frame_fit_crypto - how much data a CRYPTO frame can carry
 * @room:   bytes that are left
 * @offset: offset of the data
 * @len:    bytes that wait, above 0
 *
 * Return: at most @len, or -ENOSPC if the header leaves room for no data.
 */
int quic_frame_fit_crypto(u32 room, u64 offset, u32 len)
{
	return quic_fit(room, quic_len_ints1(offset), len);
}

u32 quic_frame_len_new_token(u32 len)
{
	return quic_len_ints1(len) + len;
}

u8 *quic_frame_put_new_token(u8 *p, const u8 *token, u32 len)
{
	return quic_put_bytes(quic_put_ints1(p, QUIC_FRAME_NEW_TOKEN, len),
			      token, len);
}

/* Flow control */

u32 quic_frame_len_max_data(u64 max_data)
{
	return quic_len_ints1(max_data);
}

u8 *quic_frame_put_max_data(u8 *p, u64 max_data)
{
	return quic_put_ints1(p, QUIC_FRAME_MAX_DATA, max_data);
}

u32 quic_frame_len_max_stream_data(u64 stream_id, u64 max_stream_data)
{
	return quic_len_ints2(stream_id, max_stream_data);
}

u8 *quic_frame_put_max_stream_data(u8 *p, u64 stream_id, u64 max_stream_data)
{
	return quic_put_ints2(p, QUIC_FRAME_MAX_STREAM_DATA, stream_id,
			      max_stream_data);
}

u32 quic_frame_len_max_streams(u64 max_streams)
{
	return quic_len_ints1(max_streams);
}

u8 *quic_frame_put_max_streams(u8 *p, bool uni, u64 max_streams)
{
	return quic_put_ints1(p, uni ? QUIC_FRAME_MAX_STREAMS_UNI :
				       QUIC_FRAME_MAX_STREAMS_BIDI,
			      max_streams);
}

u32 quic_frame_len_data_blocked(u64 limit)
{
	return quic_len_ints1(limit);
}

u8 *quic_frame_put_data_blocked(u8 *p, u64 limit)
{
	return quic_put_ints1(p, QUIC_FRAME_DATA_BLOCKED, limit);
}

u32 quic_frame_len_stream_data_blocked(u64 stream_id, u64 limit)
{
	return quic_len_ints2(stream_id, limit);
}

u8 *quic_frame_put_stream_data_blocked(u8 *p, u64 stream_id, u64 limit)
{
	return quic_put_ints2(p, QUIC_FRAME_STREAM_DATA_BLOCKED, stream_id,
			      limit);
}

u32 quic_frame_len_streams_blocked(u64 limit)
{
	return quic_len_ints1(limit);
}

u8 *quic_frame_put_streams_blocked(u8 *p, bool uni, u64 limit)
{
	return quic_put_ints1(p, uni ? QUIC_FRAME_STREAMS_BLOCKED_UNI :
				       QUIC_FRAME_STREAMS_BLOCKED_BIDI,
			      limit);
}

/* Connection IDs and paths */

u32 quic_frame_len_new_connection_id(u64 seq, u64 retire_prior_to, u8 cid_len)
{
	return quic_len_ints2(seq, retire_prior_to) + 1 + cid_len +
	       QUIC_RESET_TOKEN_LEN;
}

u8 *quic_frame_put_new_connection_id(u8 *p, u64 seq, u64 retire_prior_to,
				     const struct quic_cid *cid,
				     const u8 *reset_token)
{
	p = quic_put_ints2(p, QUIC_FRAME_NEW_CONNECTION_ID, seq,
			   retire_prior_to);
	*p++ = cid->len;
	p = quic_put_bytes(p, cid->data, cid->len);
	return quic_put_bytes(p, reset_token, QUIC_RESET_TOKEN_LEN);
}

u32 quic_frame_len_retire_connection_id(u64 seq)
{
	return quic_len_ints1(seq);
}

u8 *quic_frame_put_retire_connection_id(u8 *p, u64 seq)
{
	return quic_put_ints1(p, QUIC_FRAME_RETIRE_CONNECTION_ID, seq);
}

u8 *quic_frame_put_path_challenge(u8 *p, const u8 *data)
{
	return quic_put_bytes(quic_put_type(p, QUIC_FRAME_PATH_CHALLENGE),
			      data, QUIC_PATH_DATA_LEN);
}

u8 *quic_frame_put_path_response(u8 *p, const u8 *data)
{
	return quic_put_bytes(quic_put_type(p, QUIC_FRAME_PATH_RESPONSE),
			      data, QUIC_PATH_DATA_LEN);
}

/* The end */

u32 quic_frame_len_connection_close(u64 error_code, u64 frame_type,
				    u32 reason_len)
{
	return quic_len_ints3(error_code, frame_type, reason_len) + reason_len;
}

u8 *quic_frame_put_connection_close(u8 *p, u64 error_code, u64 frame_type,
				    const u8 *reason, u32 reason_len)
{
	p = quic_put_ints3(p, QUIC_FRAME_CONNECTION_CLOSE, error_code,
			   frame_type, reason_len);
	return quic_put_bytes(p, reason, reason_len);
}

u32 quic_frame_len_connection_close_app(u64 error_code, u32 reason_len)
{
	return quic_len_ints2(error_code, reason_len) + reason_len;
}

u8 *quic_frame_put_connection_close_app(u8 *p, u64 error_code,
					const u8 *reason, u32 reason_len)
{
	p = quic_put_ints2(p, QUIC_FRAME_CONNECTION_CLOSE_APP, error_code,
			   reason_len);
	return quic_put_bytes(p, reason, reason_len);
}

/* Datagrams: header only. */

u32 quic_frame_len_datagram(u32 len)
{
	return quic_len_ints1(len);
}

u8 *quic_frame_put_datagram(u8 *p, u32 len)
{
	return quic_put_ints1(p, QUIC_FRAME_DATAGRAM_LEN, len);
}
