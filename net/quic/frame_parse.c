// SPDX-License-Identifier: GPL-2.0-only

#include <linux/errno.h>
#include <linux/string.h>
#include "frame.h"

/* Reads the fields of one type, the Type field being behind @pos already. */
typedef int (*quic_frame_parser)(const u8 **pos, const u8 *end,
				 struct quic_frame *frame);

static int quic_get_bytes(const u8 **pos, const u8 *end, u8 *data, u32 len)
{
	if (end - *pos < len)
		return -EINVAL;
	memcpy(data, *pos, len);
	*pos += len;
	return 0;
}

/* A Length field and as many bytes. */
static int quic_get_string(const u8 **pos, const u8 *end,
			   const u8 **data, u32 *len)
{
	u64 val;

	if (quic_varint_get(pos, end, &val) || val > end - *pos)
		return -EINVAL;
	*data = *pos;
	*len = val;
	*pos += val;
	return 0;
}

static void quic_get_rest(const u8 **pos, const u8 *end,
			  const u8 **data, u32 *len)
{
	*data = *pos;
	*len = end - *pos;
	*pos = end;
}

static int quic_parse_padding(const u8 **pos, const u8 *end,
			      struct quic_frame *frame)
{
	const u8 *first = *pos - 1;
	const u8 *other = memchr_inv(*pos, QUIC_FRAME_PADDING, end - *pos);

	*pos = other ? other : end;
	frame->padding.len = *pos - first;
	return 0;
}

static int quic_parse_empty(const u8 **pos, const u8 *end,
			    struct quic_frame *frame)
{
	return 0;
}

static int quic_parse_ack_ecn(const u8 **pos, const u8 *end,
			      struct quic_frame_ack *ack)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ack->ecn); i++)
		if (quic_varint_get(pos, end, &ack->ecn[i]))
			return -EINVAL;
	return 0;
}

/* Walks down all ranges, so that whoever uses them later needs no check; no
 * packet number may come out below 0 (RFC 9000, 19.3.1).
 */
static int quic_parse_ack_ranges(const u8 **pos, const u8 *end,
				 struct quic_frame_ack *ack)
{
	u64 smallest = ack->largest_acked - ack->first_range;
	u64 gap, len, i;

	ack->data = *pos;
	for (i = 0; i < ack->range_count; i++) {
		if (quic_varint_get(pos, end, &gap) ||
		    quic_varint_get(pos, end, &len))
			return -EINVAL;
		if (smallest < gap + 2 || smallest - gap - 2 < len)
			return -EINVAL;
		smallest -= gap + 2 + len;
	}
	ack->len = *pos - ack->data;
	return 0;
}

static int quic_parse_ack(const u8 **pos, const u8 *end,
			  struct quic_frame *frame)
{
	struct quic_frame_ack *ack = &frame->ack;

	ack->has_ecn = frame->type == QUIC_FRAME_ACK_ECN;
	if (quic_varint_get(pos, end, &ack->largest_acked) ||
	    quic_varint_get(pos, end, &ack->ack_delay) ||
	    quic_varint_get(pos, end, &ack->range_count) ||
	    quic_varint_get(pos, end, &ack->first_range) ||
	    ack->first_range > ack->largest_acked ||
	    quic_parse_ack_ranges(pos, end, ack))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	if (ack->has_ecn && quic_parse_ack_ecn(pos, end, ack))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	return 0;
}

static int quic_parse_reset_stream(const u8 **pos, const u8 *end,
				   struct quic_frame *frame)
{
	struct quic_frame_reset_stream *f = &frame->reset_stream;

	if (quic_varint_get(pos, end, &f->stream_id) ||
	    quic_varint_get(pos, end, &f->error_code) ||
	    quic_varint_get(pos, end, &f->final_size))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	return 0;
}

static int quic_parse_stop_sending(const u8 **pos, const u8 *end,
				   struct quic_frame *frame)
{
	struct quic_frame_stop_sending *f = &frame->stop_sending;

	if (quic_varint_get(pos, end, &f->stream_id) ||
	    quic_varint_get(pos, end, &f->error_code))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	return 0;
}

static int quic_parse_crypto(const u8 **pos, const u8 *end,
			     struct quic_frame *frame)
{
	struct quic_frame_crypto *f = &frame->crypto;

	if (quic_varint_get(pos, end, &f->offset) ||
	    quic_get_string(pos, end, &f->data, &f->len))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	if (f->offset + f->len > QUIC_VARINT_MAX)	/* RFC 9000, 19.6 */
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	return 0;
}

static int quic_parse_new_token(const u8 **pos, const u8 *end,
				struct quic_frame *frame)
{
	struct quic_frame_new_token *f = &frame->new_token;

	/* RFC 9000, 19.7: the token must not be empty. */
	if (quic_get_string(pos, end, &f->data, &f->len) || !f->len)
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	return 0;
}

static int quic_parse_stream(const u8 **pos, const u8 *end,
			     struct quic_frame *frame)
{
	struct quic_frame_stream *f = &frame->stream;

	f->fin = frame->type & QUIC_STREAM_BIT_FIN;
	f->offset = 0;
	if (quic_varint_get(pos, end, &f->stream_id))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	if ((frame->type & QUIC_STREAM_BIT_OFF) &&
	    quic_varint_get(pos, end, &f->offset))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;

	if (!(frame->type & QUIC_STREAM_BIT_LEN))
		quic_get_rest(pos, end, &f->data, &f->len);
	else if (quic_get_string(pos, end, &f->data, &f->len))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;

	if (f->offset + f->len > QUIC_VARINT_MAX)	/* RFC 9000, 19.8 */
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	return 0;
}

static int quic_parse_max_data(const u8 **pos, const u8 *end,
			       struct quic_frame *frame)
{
	if (quic_varint_get(pos, end, &frame->max_data.max_data))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	return 0;
}

static int quic_parse_max_stream_data(const u8 **pos, const u8 *end,
				      struct quic_frame *frame)
{
	struct quic_frame_max_stream_data *f = &frame->max_stream_data;

	if (quic_varint_get(pos, end, &f->stream_id) ||
	    quic_varint_get(pos, end, &f->max_stream_data))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	return 0;
}

static int quic_parse_max_streams(const u8 **pos, const u8 *end,
				  struct quic_frame *frame)
{
	struct quic_frame_max_streams *f = &frame->max_streams;

	f->uni = frame->type == QUIC_FRAME_MAX_STREAMS_UNI;
	if (quic_varint_get(pos, end, &f->max_streams) ||
	    f->max_streams > QUIC_MAX_STREAMS)	/* RFC 9000, 19.11 */
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	return 0;
}

static int quic_parse_data_blocked(const u8 **pos, const u8 *end,
				   struct quic_frame *frame)
{
	if (quic_varint_get(pos, end, &frame->data_blocked.limit))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	return 0;
}

static int quic_parse_stream_data_blocked(const u8 **pos, const u8 *end,
					  struct quic_frame *frame)
{
	struct quic_frame_stream_data_blocked *f = &frame->stream_data_blocked;

	if (quic_varint_get(pos, end, &f->stream_id) ||
	    quic_varint_get(pos, end, &f->limit))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	return 0;
}

static int quic_parse_streams_blocked(const u8 **pos, const u8 *end,
				      struct quic_frame *frame)
{
	struct quic_frame_streams_blocked *f = &frame->streams_blocked;

	f->uni = frame->type == QUIC_FRAME_STREAMS_BLOCKED_UNI;
	if (quic_varint_get(pos, end, &f->limit) ||
	    f->limit > QUIC_MAX_STREAMS)	/* RFC 9000, 19.14 */
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	return 0;
}

static int quic_parse_new_connection_id(const u8 **pos, const u8 *end,
					struct quic_frame *frame)
{
	struct quic_frame_new_connection_id *f = &frame->new_connection_id;

	if (quic_varint_get(pos, end, &f->seq) ||
	    quic_varint_get(pos, end, &f->retire_prior_to) ||
	    f->retire_prior_to > f->seq ||
	    quic_get_bytes(pos, end, &f->cid.len, 1) ||
	    !f->cid.len || f->cid.len > QUIC_CID_MAX_LEN ||
	    quic_get_bytes(pos, end, f->cid.data, f->cid.len) ||
	    quic_get_bytes(pos, end, f->reset_token, QUIC_RESET_TOKEN_LEN))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING; /* 19.15 */
	return 0;
}

static int quic_parse_retire_connection_id(const u8 **pos, const u8 *end,
					   struct quic_frame *frame)
{
	if (quic_varint_get(pos, end, &frame->retire_connection_id.seq))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	return 0;
}

static int quic_parse_path_challenge(const u8 **pos, const u8 *end,
				     struct quic_frame *frame)
{
	if (quic_get_bytes(pos, end, frame->path_challenge.data,
			   QUIC_PATH_DATA_LEN))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	return 0;
}

static int quic_parse_path_response(const u8 **pos, const u8 *end,
				    struct quic_frame *frame)
{
	if (quic_get_bytes(pos, end, frame->path_response.data,
			   QUIC_PATH_DATA_LEN))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	return 0;
}

static int quic_parse_connection_close(const u8 **pos, const u8 *end,
				       struct quic_frame *frame)
{
	struct quic_frame_connection_close *f = &frame->connection_close;

	f->app = frame->type == QUIC_FRAME_CONNECTION_CLOSE_APP;
	f->frame_type = 0;
	if (quic_varint_get(pos, end, &f->error_code))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	if (!f->app && quic_varint_get(pos, end, &f->frame_type))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	if (quic_get_string(pos, end, &f->data, &f->len))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	return 0;
}

static int quic_parse_datagram(const u8 **pos, const u8 *end,
			       struct quic_frame *frame)
{
	struct quic_frame_datagram *f = &frame->datagram;
	const u8 *type = *pos - 1;

	if (frame->type == QUIC_FRAME_DATAGRAM)
		quic_get_rest(pos, end, &f->data, &f->len);
	else if (quic_get_string(pos, end, &f->data, &f->len))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	f->size = *pos - type;
	return 0;
}

static const quic_frame_parser quic_frame_parsers[QUIC_FRAME_TYPES] = {
	[QUIC_FRAME_PADDING]		= quic_parse_padding,
	[QUIC_FRAME_PING]		= quic_parse_empty,
	[QUIC_FRAME_ACK ... QUIC_FRAME_ACK_ECN] = quic_parse_ack,
	[QUIC_FRAME_RESET_STREAM]	= quic_parse_reset_stream,
	[QUIC_FRAME_STOP_SENDING]	= quic_parse_stop_sending,
	[QUIC_FRAME_CRYPTO]		= quic_parse_crypto,
	[QUIC_FRAME_NEW_TOKEN]		= quic_parse_new_token,
	[QUIC_FRAME_STREAM ... QUIC_FRAME_STREAM_LAST] = quic_parse_stream,
	[QUIC_FRAME_MAX_DATA]		= quic_parse_max_data,
	[QUIC_FRAME_MAX_STREAM_DATA]	= quic_parse_max_stream_data,
	[QUIC_FRAME_MAX_STREAMS_BIDI ... QUIC_FRAME_MAX_STREAMS_UNI] =
		quic_parse_max_streams,
	[QUIC_FRAME_DATA_BLOCKED]	= quic_parse_data_blocked,
	[QUIC_FRAME_STREAM_DATA_BLOCKED] = quic_parse_stream_data_blocked,
	[QUIC_FRAME_STREAMS_BLOCKED_BIDI ... QUIC_FRAME_STREAMS_BLOCKED_UNI] =
		quic_parse_streams_blocked,
	[QUIC_FRAME_NEW_CONNECTION_ID]	= quic_parse_new_connection_id,
	[QUIC_FRAME_RETIRE_CONNECTION_ID] = quic_parse_retire_connection_id,
	[QUIC_FRAME_PATH_CHALLENGE]	= quic_parse_path_challenge,
	[QUIC_FRAME_PATH_RESPONSE]	= quic_parse_path_response,
	[QUIC_FRAME_CONNECTION_CLOSE ... QUIC_FRAME_CONNECTION_CLOSE_APP] =
		quic_parse_connection_close,
	[QUIC_FRAME_HANDSHAKE_DONE]	= quic_parse_empty,
	[QUIC_FRAME_DATAGRAM ... QUIC_FRAME_DATAGRAM_LEN] = quic_parse_datagram,
};

/**
 * quic_frame_parse - read one frame of a decrypted packet
 * @pos:   start of the frame, moved behind it on success
 * @end:   end of the packet's payload
 * @frame: receives the frame; its type is set on failure too, for the Frame
 *	   Type field of CONNECTION_CLOSE
 *
 * Every rule that needs no more than the frame itself has been checked after
 * success. Whether the packet may carry the type is for quic_frame_info().
 *
 * Return: 0, or the transport error that the peer has earned.
 */
int quic_frame_parse(const u8 **pos, const u8 *end, struct quic_frame *frame)
{
	const u8 *start = *pos;
	u64 type = 0;
	int err;

	err = quic_varint_get(pos, end, &type);
	frame->type = type;
	if (err)
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	/* RFC 9000, 12.4: only the shortest encoding of a type is right. */
	if (*pos - start != quic_varint_len(type))
		return QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION;
	if (!quic_frame_info(type))
		return QUIC_TRANSPORT_ERROR_FRAME_ENCODING;
	return quic_frame_parsers[type](pos, end, frame);
}

/**
 * quic_frame_ack_delay_us - ACK Delay of a frame in microseconds
 * @ack:		parsed frame
 * @ack_delay_exponent: the sender's transport parameter, at most 20
 *
 * Return: the delay, or U32_MAX if it is longer than that.
 */
u32 quic_frame_ack_delay_us(const struct quic_frame_ack *ack,
			    u8 ack_delay_exponent)
{
	if (ack->ack_delay > U32_MAX >> ack_delay_exponent)
		return U32_MAX;
	return ack->ack_delay << ack_delay_exponent;
}

/**
 * quic_ack_iter_init - begin with the largest range of an ACK
 * @it:  iterator
 * @ack: parsed frame, whose packet must stay where it is
 */
void quic_ack_iter_init(struct quic_ack_iter *it,
			const struct quic_frame_ack *ack)
{
	it->pos = ack->data;
	it->end = ack->data + ack->len;
	it->largest = ack->largest_acked;
	it->smallest = ack->largest_acked - ack->first_range;
	it->more = true;
}

static void quic_ack_iter_advance(struct quic_ack_iter *it)
{
	u64 gap, len;

	it->more = !quic_varint_get(&it->pos, it->end, &gap) &&
		   !quic_varint_get(&it->pos, it->end, &len);
	if (!it->more)
		return;
	it->largest = it->smallest - gap - 2;
	it->smallest = it->largest - len;
}

/**
 * quic_ack_iter_next - the next lower range of an ACK
 * @it:	      iterator
 * @smallest: receives the smallest packet number of the range
 * @largest:  receives the largest, part of the range too
 *
 * Return: false if there was no range left.
 */
bool quic_ack_iter_next(struct quic_ack_iter *it, u64 *smallest, u64 *largest)
{
	if (!it->more)
		return false;
	*smallest = it->smallest;
	*largest = it->largest;
	quic_ack_iter_advance(it);
	return true;
}
