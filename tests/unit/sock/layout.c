// SPDX-License-Identifier: GPL-2.0-or-later
/* The layout that programs were built for: what the compiler makes of the
 * header, against numbers that were written down independently of it.
 */
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>

#include <linux/quic.h>

static int errors;

static void expect(const char *what, size_t is, size_t wanted)
{
	if (is == wanted)
		return;
	printf("%s is %zu, not %zu\n", what, is, wanted);
	errors++;
}

#define SIZE(type, bytes)	expect("sizeof " #type, sizeof(type), bytes)
#define FIELD(s, field, offset, bytes)					\
do {									\
	expect("offset of " #s "." #field, offsetof(struct s, field), offset); \
	expect("size of " #s "." #field, sizeof(((struct s *)0)->field), bytes); \
} while (0)
#define ALIAS(name, value)	expect(#name, name, value)

static void ancillary(void)
{
	SIZE(struct quic_handshake_info, 1);
	FIELD(quic_handshake_info, crypto_level, 0, 1);
	expect("CMSG_LEN(1)", CMSG_LEN(sizeof(struct quic_handshake_info)), 17);
	expect("CMSG_SPACE(1)", CMSG_SPACE(sizeof(struct quic_handshake_info)),
	       24);

	SIZE(struct quic_stream_info, 16);
	FIELD(quic_stream_info, stream_id, 0, 8);
	FIELD(quic_stream_info, stream_flags, 8, 4);
	expect("CMSG_LEN(16)", CMSG_LEN(sizeof(struct quic_stream_info)), 32);
	expect("CMSG_SPACE(16)", CMSG_SPACE(sizeof(struct quic_stream_info)),
	       32);
}

static void transport_param(void)
{
	SIZE(struct quic_transport_param, 56);
	FIELD(quic_transport_param, remote, 0, 1);
	FIELD(quic_transport_param, disable_active_migration, 1, 1);
	FIELD(quic_transport_param, grease_quic_bit, 2, 1);
	FIELD(quic_transport_param, stateless_reset, 3, 1);
	FIELD(quic_transport_param, disable_1rtt_encryption, 4, 1);
	FIELD(quic_transport_param, disable_compatible_version, 5, 1);
	FIELD(quic_transport_param, active_connection_id_limit, 6, 1);
	FIELD(quic_transport_param, ack_delay_exponent, 7, 1);
	FIELD(quic_transport_param, max_datagram_frame_size, 8, 2);
	FIELD(quic_transport_param, max_udp_payload_size, 10, 2);
	FIELD(quic_transport_param, max_idle_timeout, 12, 4);
	FIELD(quic_transport_param, max_ack_delay, 16, 4);
	FIELD(quic_transport_param, max_streams_bidi, 20, 2);
	FIELD(quic_transport_param, max_streams_uni, 22, 2);
	FIELD(quic_transport_param, max_data, 24, 8);
	FIELD(quic_transport_param, max_stream_data_bidi_local, 32, 8);
	FIELD(quic_transport_param, max_stream_data_bidi_remote, 40, 8);
	FIELD(quic_transport_param, max_stream_data_uni, 48, 8);
}

static void config(void)
{
	SIZE(struct quic_config, 28);
	FIELD(quic_config, version, 0, 4);
	FIELD(quic_config, plpmtud_probe_interval, 4, 4);
	FIELD(quic_config, initial_smoothed_rtt, 8, 4);
	FIELD(quic_config, payload_cipher_type, 12, 4);
	FIELD(quic_config, congestion_control_algo, 16, 1);
	FIELD(quic_config, validate_peer_address, 17, 1);
	FIELD(quic_config, stream_data_nodelay, 18, 1);
	FIELD(quic_config, receive_session_ticket, 19, 1);
	FIELD(quic_config, certificate_request, 20, 1);
	FIELD(quic_config, keepalive_probe_interval, 24, 4);
}

static void small(void)
{
	SIZE(struct quic_crypto_secret, 56);
	FIELD(quic_crypto_secret, send, 0, 1);
	FIELD(quic_crypto_secret, level, 1, 1);
	FIELD(quic_crypto_secret, type, 4, 4);
	FIELD(quic_crypto_secret, secret, 8, 48);

	SIZE(struct quic_errinfo, 16);
	FIELD(quic_errinfo, stream_id, 0, 8);
	FIELD(quic_errinfo, errcode, 8, 4);

	SIZE(struct quic_connection_id_info, 12);
	FIELD(quic_connection_id_info, dest, 0, 1);
	FIELD(quic_connection_id_info, active, 4, 4);
	FIELD(quic_connection_id_info, prior_to, 8, 4);

	SIZE(struct quic_event_option, 2);
	FIELD(quic_event_option, type, 0, 1);
	FIELD(quic_event_option, on, 1, 1);
}

static void events(void)
{
	SIZE(struct quic_stream_update, 24);
	FIELD(quic_stream_update, id, 0, 8);
	FIELD(quic_stream_update, state, 8, 1);
	FIELD(quic_stream_update, errcode, 12, 4);
	FIELD(quic_stream_update, finalsz, 16, 8);

	SIZE(struct quic_stream_max_data, 16);
	FIELD(quic_stream_max_data, id, 0, 8);
	FIELD(quic_stream_max_data, max_data, 8, 8);

	SIZE(struct quic_connection_close, 72);
	FIELD(quic_connection_close, errcode, 0, 4);
	FIELD(quic_connection_close, frame, 4, 1);
	FIELD(quic_connection_close, phrase, 8, 64);

	SIZE(union quic_event, 72);
}

/* The flags are bits of MSG_* that C libraries know, or the kernel does. */
static void flags(void)
{
	ALIAS(MSG_QUIC_STREAM_NEW, MSG_SYN);
	ALIAS(MSG_QUIC_STREAM_FIN, MSG_FIN);
	ALIAS(MSG_QUIC_STREAM_UNI, MSG_CONFIRM);
	ALIAS(MSG_QUIC_STREAM_DONTWAIT, MSG_WAITFORONE);
	ALIAS(MSG_QUIC_STREAM_SNDBLOCK, MSG_ERRQUEUE);
	ALIAS(MSG_QUIC_DATAGRAM, MSG_RST);
	ALIAS(MSG_QUIC_NOTIFICATION, MSG_MORE);
	ALIAS(IPPROTO_QUIC, 261);
	ALIAS(SOL_QUIC, 288);
}

int main(void)
{
	ancillary();
	transport_param();
	config();
	small();
	events();
	flags();
	return !!errors;
}
