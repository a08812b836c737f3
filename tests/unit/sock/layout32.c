// SPDX-License-Identifier: GPL-2.0-or-later
/* What programs of 32 bits on x86 make of the header: u64 is aligned to four
 * bytes there, so that two structures end without padding. No field has another
 * place.
 */
#include <stddef.h>

#include <linux/quic.h>

#define SIZE(type, bytes)						\
	_Static_assert(sizeof(type) == (bytes), #type)
#define OFFSET(type, field, bytes)					\
	_Static_assert(offsetof(type, field) == (bytes), #type "." #field)

SIZE(struct quic_stream_info, 12);
SIZE(struct quic_errinfo, 12);

SIZE(struct quic_handshake_info, 1);
SIZE(struct quic_transport_param, 56);
SIZE(struct quic_config, 28);
SIZE(struct quic_crypto_secret, 56);
SIZE(struct quic_connection_id_info, 12);
SIZE(struct quic_event_option, 2);
SIZE(struct quic_stream_update, 24);
SIZE(struct quic_stream_max_data, 16);
SIZE(struct quic_connection_close, 72);
SIZE(union quic_event, 72);

OFFSET(struct quic_stream_info, stream_flags, 8);
OFFSET(struct quic_errinfo, errcode, 8);
OFFSET(struct quic_transport_param, max_data, 24);
OFFSET(struct quic_transport_param, max_stream_data_uni, 48);
OFFSET(struct quic_config, keepalive_probe_interval, 24);
OFFSET(struct quic_crypto_secret, secret, 8);
OFFSET(struct quic_stream_update, errcode, 12);
OFFSET(struct quic_stream_update, finalsz, 16);
OFFSET(struct quic_stream_max_data, max_data, 8);
OFFSET(struct quic_connection_close, phrase, 8);
