/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/* QUIC sockets: socket(AF_INET or AF_INET6, SOCK_STREAM or SOCK_DGRAM,
 * IPPROTO_QUIC).
 *
 * A socket is one connection (RFC 9000) or one listener. TLS runs in user
 * space: its messages travel as ancillary-data-tagged sendmsg() and recvmsg()
 * calls, its secrets and the transport parameters as socket options.
 */
#ifndef _UAPI_LINUX_QUIC_H
#define _UAPI_LINUX_QUIC_H

#include <linux/types.h>

/* For C libraries that do not know them yet; the kernel has them in
 * <linux/in.h> and <linux/socket.h>. Include the library's headers first.
 */
#ifndef __KERNEL__
#ifndef IPPROTO_QUIC
#define IPPROTO_QUIC	261
#endif
#ifndef SOL_QUIC
#define SOL_QUIC	288
#endif
#endif

/* Protocol versions (RFC 9000, RFC 9369), for struct quic_config. */
#define QUIC_VERSION_V1			0x00000001
#define QUIC_VERSION_V2			0x6b3343cf

/* Bits of a stream ID (RFC 9000, 2.1). */
#define QUIC_STREAM_TYPE_SERVER_MASK	0x01
#define QUIC_STREAM_TYPE_UNI_MASK	0x02
#define QUIC_STREAM_TYPE_MASK		0x03

/* Ancillary data of level SOL_QUIC. */
enum quic_cmsg_type {
	QUIC_STREAM_INFO,	/* struct quic_stream_info */
	QUIC_HANDSHAKE_INFO,	/* struct quic_handshake_info */
};

/* Flags of a stream: in quic_stream_info.stream_flags, or, without that
 * ancillary data, in the flags argument of sendmsg() and in msg_flags after
 * recvmsg(). They share their bits with MSG_SYN, MSG_FIN, MSG_CONFIRM,
 * MSG_WAITFORONE and MSG_ERRQUEUE.
 */
#define MSG_QUIC_STREAM_FIN		0x200	/* last byte of the stream */
#define MSG_QUIC_STREAM_NEW		0x400	/* open the stream and send */
#define MSG_QUIC_STREAM_UNI		0x800	/* next unidirectional ID */
#define MSG_QUIC_STREAM_SNDBLOCK	0x2000	/* send *_BLOCKED when waiting */
#define MSG_QUIC_STREAM_DONTWAIT	0x10000	/* no wait for a stream ID */

/* Flags of a message, bits of MSG_RST and MSG_MORE. */
#define MSG_QUIC_DATAGRAM		0x1000	/* RFC 9221, both directions */
#define MSG_QUIC_NOTIFICATION		0x8000	/* received message is an event */

/* Encryption levels (RFC 9001, 2.1). */
enum quic_crypto_level {
	QUIC_CRYPTO_APP,
	QUIC_CRYPTO_INITIAL,
	QUIC_CRYPTO_HANDSHAKE,
	QUIC_CRYPTO_EARLY,
	QUIC_CRYPTO_MAX,
};

/* Payload of the ancillary data QUIC_HANDSHAKE_INFO. */
struct quic_handshake_info {
	__u8	crypto_level;
};

/* Payload of the ancillary data QUIC_STREAM_INFO and of
 * QUIC_SOCKOPT_STREAM_OPEN. A stream_id of -1 selects the active stream.
 */
struct quic_stream_info {
	__s64	stream_id;
	__u32	stream_flags;
};

/* Socket options of level SOL_QUIC. */
#define QUIC_SOCKOPT_EVENT			0
#define QUIC_SOCKOPT_STREAM_OPEN		1
#define QUIC_SOCKOPT_STREAM_RESET		2
#define QUIC_SOCKOPT_STREAM_STOP_SENDING	3
#define QUIC_SOCKOPT_CONNECTION_ID		4
#define QUIC_SOCKOPT_CONNECTION_CLOSE		5
#define QUIC_SOCKOPT_CONNECTION_MIGRATION	6
#define QUIC_SOCKOPT_KEY_UPDATE			7
#define QUIC_SOCKOPT_TRANSPORT_PARAM		8
#define QUIC_SOCKOPT_CONFIG			9
#define QUIC_SOCKOPT_TOKEN			10
#define QUIC_SOCKOPT_ALPN			11
#define QUIC_SOCKOPT_SESSION_TICKET		12
#define QUIC_SOCKOPT_CRYPTO_SECRET		13
#define QUIC_SOCKOPT_TRANSPORT_PARAM_EXT	14

/* QUIC_SOCKOPT_TRANSPORT_PARAM (RFC 9000, 18.2). Durations are in
 * microseconds. In setsockopt() zero leaves a field as it is.
 */
struct quic_transport_param {
	__u8	remote;		/* 0: own values, else the peer's */
	__u8	disable_active_migration;
	__u8	grease_quic_bit;
	__u8	stateless_reset;
	__u8	disable_1rtt_encryption;
	__u8	disable_compatible_version;
	__u8	active_connection_id_limit;
	__u8	ack_delay_exponent;
	__u16	max_datagram_frame_size;
	__u16	max_udp_payload_size;
	__u32	max_idle_timeout;
	__u32	max_ack_delay;
	__u16	max_streams_bidi;
	__u16	max_streams_uni;
	__u64	max_data;
	__u64	max_stream_data_bidi_local;
	__u64	max_stream_data_bidi_remote;
	__u64	max_stream_data_uni;
};

enum quic_cong_algo {
	QUIC_CONG_ALG_RENO,
	QUIC_CONG_ALG_CUBIC,
	QUIC_CONG_ALG_MAX,
};

/* QUIC_SOCKOPT_CONFIG. Durations are in microseconds unless noted. In
 * setsockopt() zero leaves a field as it is.
 */
struct quic_config {
	__u32	version;
	__u32	plpmtud_probe_interval;		/* 0: off */
	__u32	initial_smoothed_rtt;
	__u32	payload_cipher_type;		/* TLS_CIPHER_*, 0: any */
	__u8	congestion_control_algo;	/* enum quic_cong_algo */
	__u8	validate_peer_address;		/* listener: send Retry */
	__u8	stream_data_nodelay;
	__u8	receive_session_ticket;		/* seconds to wait for one */
	__u8	certificate_request;
	__u8	reserved[3];
	__u32	keepalive_probe_interval;	/* 0: off */
};

#define QUIC_CRYPTO_SECRET_BUFFER_SIZE	48

/* QUIC_SOCKOPT_CRYPTO_SECRET. */
struct quic_crypto_secret {
	__u8	send;		/* 1: transmit secret, 0: receive secret */
	__u8	level;		/* enum quic_crypto_level */
	__u8	reserved[2];
	__u32	type;		/* TLS_CIPHER_* */
	__u8	secret[QUIC_CRYPTO_SECRET_BUFFER_SIZE];
};

/* QUIC_SOCKOPT_STREAM_RESET and QUIC_SOCKOPT_STREAM_STOP_SENDING. */
struct quic_errinfo {
	__s64	stream_id;
	__u32	errcode;
};

/* QUIC_SOCKOPT_CONNECTION_ID and the event of the same name. */
struct quic_connection_id_info {
	__u8	dest;		/* 0: own IDs, 1: the peer's */
	__u8	reserved[3];
	__u32	active;
	__u32	prior_to;
};

/* QUIC_SOCKOPT_EVENT. */
struct quic_event_option {
	__u8	type;		/* enum quic_event_type */
	__u8	on;
};

#define QUIC_CLOSE_PHRASE_BUFFER_SIZE	64

/* QUIC_SOCKOPT_CONNECTION_CLOSE and the event of the same name. */
struct quic_connection_close {
	__u32	errcode;
	__u8	frame;
	__u8	reserved[3];
	__u8	phrase[QUIC_CLOSE_PHRASE_BUFFER_SIZE];
};

/* First byte of a message that has MSG_QUIC_NOTIFICATION; the payload, named
 * on the right, follows unaligned.
 */
enum quic_event_type {
	QUIC_EVENT_NONE,
	QUIC_EVENT_STREAM_UPDATE,	/* struct quic_stream_update */
	QUIC_EVENT_STREAM_MAX_DATA,	/* struct quic_stream_max_data */
	QUIC_EVENT_STREAM_MAX_STREAM,	/* __u64, highest ID now allowed */
	QUIC_EVENT_CONNECTION_ID,	/* struct quic_connection_id_info */
	QUIC_EVENT_CONNECTION_CLOSE,	/* struct quic_connection_close */
	QUIC_EVENT_CONNECTION_MIGRATION, /* __u8, 1: own address changed */
	QUIC_EVENT_KEY_UPDATE,		/* __u8, new key phase */
	QUIC_EVENT_NEW_TOKEN,		/* token */
	QUIC_EVENT_NEW_SESSION_TICKET,	/* TLS message with its header */
	QUIC_EVENT_MAX,
};

/* States of the two parts of a stream (RFC 9000, 3.1 and 3.2). */
enum quic_stream_state {
	QUIC_STREAM_SEND_STATE_READY,
	QUIC_STREAM_SEND_STATE_SEND,
	QUIC_STREAM_SEND_STATE_SENT,
	QUIC_STREAM_SEND_STATE_RECVD,
	QUIC_STREAM_SEND_STATE_RESET_SENT,
	QUIC_STREAM_SEND_STATE_RESET_RECVD,

	QUIC_STREAM_RECV_STATE_RECV,
	QUIC_STREAM_RECV_STATE_SIZE_KNOWN,
	QUIC_STREAM_RECV_STATE_RECVD,
	QUIC_STREAM_RECV_STATE_READ,
	QUIC_STREAM_RECV_STATE_RESET_RECVD,
	QUIC_STREAM_RECV_STATE_RESET_READ,
};

struct quic_stream_update {
	__s64	id;
	__u8	state;		/* enum quic_stream_state */
	__u8	reserved[3];
	__u32	errcode;
	__u64	finalsz;
};

struct quic_stream_max_data {
	__s64	id;
	__u64	max_data;
};

union quic_event {
	struct quic_stream_update	update;
	struct quic_stream_max_data	max_data;
	struct quic_connection_close	close;
	struct quic_connection_id_info	info;
	__u64	max_stream;
	__u8	local_migration;
	__u8	key_update_phase;
};

/* Transport errors (RFC 9000, 20.1; RFC 9368, 10.2). */
enum {
	QUIC_TRANSPORT_ERROR_NONE			= 0x00,
	QUIC_TRANSPORT_ERROR_INTERNAL			= 0x01,
	QUIC_TRANSPORT_ERROR_CONNECTION_REFUSED		= 0x02,
	QUIC_TRANSPORT_ERROR_FLOW_CONTROL		= 0x03,
	QUIC_TRANSPORT_ERROR_STREAM_LIMIT		= 0x04,
	QUIC_TRANSPORT_ERROR_STREAM_STATE		= 0x05,
	QUIC_TRANSPORT_ERROR_FINAL_SIZE			= 0x06,
	QUIC_TRANSPORT_ERROR_FRAME_ENCODING		= 0x07,
	QUIC_TRANSPORT_ERROR_TRANSPORT_PARAM		= 0x08,
	QUIC_TRANSPORT_ERROR_CONNECTION_ID_LIMIT	= 0x09,
	QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION		= 0x0a,
	QUIC_TRANSPORT_ERROR_INVALID_TOKEN		= 0x0b,
	QUIC_TRANSPORT_ERROR_APPLICATION		= 0x0c,
	QUIC_TRANSPORT_ERROR_CRYPTO_BUF_EXCEEDED	= 0x0d,
	QUIC_TRANSPORT_ERROR_KEY_UPDATE			= 0x0e,
	QUIC_TRANSPORT_ERROR_AEAD_LIMIT_REACHED		= 0x0f,
	QUIC_TRANSPORT_ERROR_NO_VIABLE_PATH		= 0x10,
	QUIC_TRANSPORT_ERROR_VERSION_NEGOTIATION	= 0x11,
	/* 256 codes for the TLS alerts (RFC 9001, 4.8) */
	QUIC_TRANSPORT_ERROR_CRYPTO			= 0x0100,
};

#endif /* _UAPI_LINUX_QUIC_H */
