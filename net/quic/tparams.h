/* SPDX-License-Identifier: GPL-2.0-only */
/* Transport parameters: the values, their defaults and limits, the body of TLS
 * extension 0x39 (RFC 9000, 18; RFC 9221, 3; RFC 9287, 3; RFC 9368, 3) and the
 * socket option's form of them.
 *
 * Owns:    struct quic_tparams, one for each side of a connection.
 * Guard:   whatever guards the struct's owner, here the connection lock.
 * Callers: conn.c, handshake.c, sockopt.c.
 */
#ifndef _NET_QUIC_TPARAMS_H
#define _NET_QUIC_TPARAMS_H

#include "types.h"

#define QUIC_TPARAMS_MAX_LEN	512	/* of a peer's extension body */
#define QUIC_TPARAMS_BUF_LEN	256	/* programs read ours into this much */

/* What programs may set, and what is made of a peer's values. */
#define QUIC_TPARAMS_STREAMS_MAX	4096
#define QUIC_TPARAMS_CID_LIMIT_MIN	2	/* RFC 9000, 18.2 */
#define QUIC_TPARAMS_CID_LIMIT_MAX	8
#define QUIC_TPARAMS_ACK_EXPONENT	3	/* default, RFC 9000, 18.2 */
#define QUIC_TPARAMS_ACK_EXPONENT_MAX	20	/* RFC 9000, 18.2 */
#define QUIC_TPARAMS_ACK_DELAY_US	25000	/* default, RFC 9000, 18.2 */
#define QUIC_TPARAMS_ACK_DELAY_END_US	16384000 /* RFC 9000, 18.2 */
#define QUIC_TPARAMS_IDLE_MIN_US	1000000
#define QUIC_TPARAMS_DATAGRAM_MIN	1200
#define QUIC_TPARAMS_DATAGRAM_MAX	65535
#define QUIC_TPARAMS_WINDOW_MIN		1200
#define QUIC_TPARAMS_DATA_MAX		(S32_MAX / 4)
#define QUIC_TPARAMS_STREAM_DATA_MAX	(S32_MAX / 8)

#define QUIC_TPARAMS_VERSIONS_MAX	3	/* those we know, and a reserved one */
#define QUIC_TPARAMS_GREASE_MAX		4	/* bytes of a reserved parameter */

/**
 * struct quic_preferred_addr - preferred_address (RFC 9000, 18.2)
 * @v4:		 IPv4 address and port, port 0 if there is none
 * @v6:		 IPv6 address and port, port 0 if there is none
 * @cid:	 connection ID with sequence number 1
 * @reset_token: its stateless reset token
 */
struct quic_preferred_addr {
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct quic_cid cid;
	u8 reset_token[QUIC_RESET_TOKEN_LEN];
};

/**
 * struct quic_version_info - version_information (RFC 9368, 3)
 * @chosen:	    Chosen Version, 0 if the parameter is absent
 * @chosen_offered: a peer's: @chosen is among its Available Versions
 * @nr_listed:	    a peer's: how many versions it lists, known or not
 * @nr_available:   entries of @available
 * @available:	    Available Versions in the sender's order; of a peer's only
 *		    those that we know, each once
 */
struct quic_version_info {
	u32 chosen;
	bool chosen_offered;
	u16 nr_listed;
	u8 nr_available;
	u32 available[QUIC_TPARAMS_VERSIONS_MAX];
};

/**
 * struct quic_tparams - transport parameters of one side
 * @max_idle_timeout_us:   0: none
 * @max_udp_payload_size:  1200 to 65527
 * @initial_max_data:	   as the names below, at most QUIC_VARINT_MAX
 * @initial_max_stream_data_bidi_local:  streams that the sender of the
 *					 parameters opens
 * @initial_max_stream_data_bidi_remote: streams that the receiver opens
 * @initial_max_stream_data_uni:	 unidirectional ones
 * @initial_max_streams_bidi: at most QUIC_TPARAMS_STREAMS_MAX
 * @initial_max_streams_uni:  likewise
 * @max_ack_delay_us:	   in whole milliseconds on the wire
 * @max_datagram_frame_size: 0: no DATAGRAM frames, else at most 65535
 * @ack_delay_exponent:	   at most 20
 * @active_connection_id_limit: 2 to 8
 * @disable_active_migration: present
 * @grease_quic_bit:	   present
 * @disable_1rtt_encryption: present
 * @disable_compatible_version: own: do not send version_information; peer's:
 *			   it sent none
 * @stateless_reset:	   own: announce @stateless_reset_token; peer's: it is
 *			   present
 * @has_original_dcid:	   @original_dcid is present
 * @has_initial_scid:	   @initial_scid is present
 * @has_retry_scid:	   @retry_scid is present
 * @has_preferred_addr:	   @preferred_addr is present
 * @original_dcid:	   original_destination_connection_id
 * @initial_scid:	   initial_source_connection_id
 * @retry_scid:		   retry_source_connection_id
 * @stateless_reset_token: of the connection ID used in the handshake
 * @preferred_addr:	   preferred_address
 * @version_info:	   version_information
 * @grease_id:		   own: a reserved parameter (RFC 9000, 18.1), 0 for none
 * @grease_len:		   bytes of it
 * @grease:		   its value, which means nothing
 */
struct quic_tparams {
	u64 max_idle_timeout_us;
	u64 max_udp_payload_size;
	u64 initial_max_data;
	u64 initial_max_stream_data_bidi_local;
	u64 initial_max_stream_data_bidi_remote;
	u64 initial_max_stream_data_uni;
	u64 initial_max_streams_bidi;
	u64 initial_max_streams_uni;
	u64 max_ack_delay_us;
	u64 max_datagram_frame_size;
	u64 ack_delay_exponent;
	u64 active_connection_id_limit;
	bool disable_active_migration;
	bool grease_quic_bit;
	bool disable_1rtt_encryption;
	bool disable_compatible_version;
	bool stateless_reset;
	bool has_original_dcid;
	bool has_initial_scid;
	bool has_retry_scid;
	bool has_preferred_addr;
	struct quic_cid original_dcid;
	struct quic_cid initial_scid;
	struct quic_cid retry_scid;
	u8 stateless_reset_token[QUIC_RESET_TOKEN_LEN];
	struct quic_preferred_addr preferred_addr;
	struct quic_version_info version_info;
	u16 grease_id;
	u8 grease_len;
	u8 grease[QUIC_TPARAMS_GREASE_MAX];
};

void quic_tparams_default(struct quic_tparams *tp);
void quic_tparams_to_uapi(const struct quic_tparams *tp, bool remote,
			  struct quic_transport_param *param);
int quic_tparams_from_uapi(struct quic_tparams *tp,
			   const struct quic_transport_param *param);
u64 quic_tparams_idle_timeout_us(const struct quic_tparams *local,
				 const struct quic_tparams *remote);

/* tparams_codec.c: the extension body */
void quic_tparams_absent(struct quic_tparams *tp);
int quic_tparams_encode(const struct quic_tparams *tp, bool is_server,
			u8 *buf, u32 size);
int quic_tparams_decode(struct quic_tparams *tp, bool sender_is_server,
			const u8 *buf, u32 len);

#endif /* _NET_QUIC_TPARAMS_H */
