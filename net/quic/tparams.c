// SPDX-License-Identifier: GPL-2.0-only

#include <linux/errno.h>
#include <linux/minmax.h>
#include "tparams.h"

#define QUIC_TP_WINDOW		65535	/* unit of the default limits */
#define QUIC_TP_STREAMS		100
#define QUIC_TP_CID_LIMIT	7
#define QUIC_TP_IDLE_US		30000000

/**
 * quic_tparams_default - what a new socket announces unless told otherwise
 * @tp: parameters to set up
 */
void quic_tparams_default(struct quic_tparams *tp)
{
	memset(tp, 0, sizeof(*tp));
	tp->max_idle_timeout_us = QUIC_TP_IDLE_US;
	tp->max_udp_payload_size = QUIC_MAX_UDP_PAYLOAD;
	tp->initial_max_data = QUIC_TP_WINDOW * 32;
	tp->initial_max_stream_data_bidi_local = QUIC_TP_WINDOW * 16;
	tp->initial_max_stream_data_bidi_remote = QUIC_TP_WINDOW * 16;
	tp->initial_max_stream_data_uni = QUIC_TP_WINDOW * 16;
	tp->initial_max_streams_bidi = QUIC_TP_STREAMS;
	tp->initial_max_streams_uni = QUIC_TP_STREAMS;
	tp->ack_delay_exponent = QUIC_TPARAMS_ACK_EXPONENT;
	tp->max_ack_delay_us = QUIC_TPARAMS_ACK_DELAY_US;
	tp->active_connection_id_limit = QUIC_TP_CID_LIMIT;
}

/**
 * quic_tparams_to_uapi - the socket option's form of parameters
 * @tp:	    parameters
 * @remote: they are the peer's
 * @param:  receives them
 */
void quic_tparams_to_uapi(const struct quic_tparams *tp, bool remote,
			  struct quic_transport_param *param)
{
	*param = (struct quic_transport_param) {
		.remote			= remote,
		.disable_active_migration = tp->disable_active_migration,
		.grease_quic_bit	= tp->grease_quic_bit,
		.stateless_reset	= tp->stateless_reset,
		.disable_1rtt_encryption = tp->disable_1rtt_encryption,
		.disable_compatible_version = tp->disable_compatible_version,
		.active_connection_id_limit = tp->active_connection_id_limit,
		.ack_delay_exponent	= tp->ack_delay_exponent,
		.max_datagram_frame_size = tp->max_datagram_frame_size,
		.max_udp_payload_size	= tp->max_udp_payload_size,
		.max_idle_timeout	= tp->max_idle_timeout_us,
		.max_ack_delay		= tp->max_ack_delay_us,
		.max_streams_bidi	= tp->initial_max_streams_bidi,
		.max_streams_uni	= tp->initial_max_streams_uni,
		.max_data		= tp->initial_max_data,
		.max_stream_data_bidi_local =
			tp->initial_max_stream_data_bidi_local,
		.max_stream_data_bidi_remote =
			tp->initial_max_stream_data_bidi_remote,
		.max_stream_data_uni	= tp->initial_max_stream_data_uni,
	};
}

/* Zero leaves a value as it is. */
static bool quic_param_bad(u64 val, u64 min, u64 max)
{
	return val && (val < min || val > max);
}

static bool quic_param_bad_common(const struct quic_transport_param *p)
{
	return quic_param_bad(p->max_udp_payload_size, QUIC_MIN_UDP_PAYLOAD,
			      QUIC_MAX_UDP_PAYLOAD) ||
	       quic_param_bad(p->ack_delay_exponent, 1,
			      QUIC_TPARAMS_ACK_EXPONENT_MAX) ||
	       quic_param_bad(p->max_ack_delay, 1,
			      QUIC_TPARAMS_ACK_DELAY_END_US - 1) ||
	       quic_param_bad(p->active_connection_id_limit,
			      QUIC_TPARAMS_CID_LIMIT_MIN,
			      QUIC_TPARAMS_CID_LIMIT_MAX) ||
	       quic_param_bad(p->max_idle_timeout, QUIC_TPARAMS_IDLE_MIN_US,
			      U32_MAX);
}

/* What a program may ask of us. A peer's values are only remembered from an
 * earlier connection, where they were whatever the peer liked.
 */
static bool quic_param_bad_local(const struct quic_transport_param *p)
{
	return quic_param_bad(p->max_datagram_frame_size,
			      QUIC_TPARAMS_DATAGRAM_MIN,
			      QUIC_TPARAMS_DATAGRAM_MAX) ||
	       quic_param_bad(p->max_streams_bidi, 1,
			      QUIC_TPARAMS_STREAMS_MAX) ||
	       quic_param_bad(p->max_streams_uni, 1,
			      QUIC_TPARAMS_STREAMS_MAX) ||
	       quic_param_bad(p->max_data, QUIC_TPARAMS_WINDOW_MIN,
			      QUIC_TPARAMS_DATA_MAX) ||
	       quic_param_bad(p->max_stream_data_bidi_local,
			      QUIC_TPARAMS_WINDOW_MIN,
			      QUIC_TPARAMS_STREAM_DATA_MAX) ||
	       quic_param_bad(p->max_stream_data_bidi_remote,
			      QUIC_TPARAMS_WINDOW_MIN,
			      QUIC_TPARAMS_STREAM_DATA_MAX) ||
	       quic_param_bad(p->max_stream_data_uni, QUIC_TPARAMS_WINDOW_MIN,
			      QUIC_TPARAMS_STREAM_DATA_MAX);
}

static void quic_param_set(u64 *field, u64 val, u64 ceil)
{
	if (val)
		*field = min(val, ceil);
}

static void quic_tparams_set_flags(struct quic_tparams *tp,
				   const struct quic_transport_param *p)
{
	tp->disable_active_migration |= !!p->disable_active_migration;
	tp->grease_quic_bit |= !!p->grease_quic_bit;
	tp->stateless_reset |= !!p->stateless_reset;
	tp->disable_1rtt_encryption |= !!p->disable_1rtt_encryption;
	tp->disable_compatible_version |= !!p->disable_compatible_version;
}

/**
 * quic_tparams_from_uapi - take over what a program has set
 * @tp:	   parameters of the side that @param->remote names; unchanged on error
 * @param: the socket option's value; what is zero in it stays as it is
 *
 * Return: 0, or -EINVAL if a value is out of range.
 */
int quic_tparams_from_uapi(struct quic_tparams *tp,
			   const struct quic_transport_param *param)
{
	if (quic_param_bad_common(param))
		return -EINVAL;
	if (!param->remote && quic_param_bad_local(param))
		return -EINVAL;

	quic_tparams_set_flags(tp, param);
	quic_param_set(&tp->max_idle_timeout_us, param->max_idle_timeout,
		       U32_MAX);
	quic_param_set(&tp->max_udp_payload_size, param->max_udp_payload_size,
		       QUIC_MAX_UDP_PAYLOAD);
	quic_param_set(&tp->initial_max_data, param->max_data, QUIC_VARINT_MAX);
	quic_param_set(&tp->initial_max_stream_data_bidi_local,
		       param->max_stream_data_bidi_local, QUIC_VARINT_MAX);
	quic_param_set(&tp->initial_max_stream_data_bidi_remote,
		       param->max_stream_data_bidi_remote, QUIC_VARINT_MAX);
	quic_param_set(&tp->initial_max_stream_data_uni,
		       param->max_stream_data_uni, QUIC_VARINT_MAX);
	quic_param_set(&tp->initial_max_streams_bidi, param->max_streams_bidi,
		       QUIC_TPARAMS_STREAMS_MAX);
	quic_param_set(&tp->initial_max_streams_uni, param->max_streams_uni,
		       QUIC_TPARAMS_STREAMS_MAX);
	quic_param_set(&tp->ack_delay_exponent, param->ack_delay_exponent,
		       QUIC_TPARAMS_ACK_EXPONENT_MAX);
	quic_param_set(&tp->max_ack_delay_us, param->max_ack_delay,
		       QUIC_TPARAMS_ACK_DELAY_END_US - 1);
	quic_param_set(&tp->active_connection_id_limit,
		       param->active_connection_id_limit,
		       QUIC_TPARAMS_CID_LIMIT_MAX);
	quic_param_set(&tp->max_datagram_frame_size,
		       param->max_datagram_frame_size,
		       QUIC_TPARAMS_DATAGRAM_MAX);
	return 0;
}

/**
 * quic_tparams_idle_timeout_us - idle timeout that is in effect
 * @local:  our parameters
 * @remote: the peer's
 *
 * RFC 9000, 10.1: the smaller of the two, if both sides have one.
 *
 * Return: microseconds, 0 for none.
 */
u64 quic_tparams_idle_timeout_us(const struct quic_tparams *local,
				 const struct quic_tparams *remote)
{
	return min_not_zero(local->max_idle_timeout_us,
			    remote->max_idle_timeout_us);
}
