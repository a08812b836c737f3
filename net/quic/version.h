/* SPDX-License-Identifier: GPL-2.0-only */
/* Which version of QUIC a connection speaks: the client's choice, Version
 * Negotiation packets, compatible negotiation, and the defence against being
 * talked out of a version (RFC 9000, 6; RFC 9368; RFC 9369, 4).
 *
 * Versions 1 and 2 are compatible with each other, so a server that prefers the
 * other one goes on in it after the client's first flight.
 *
 * Owns:    struct quic_versions.
 * Guard:   the connection lock.
 * Callers: conn.c begins, input.c asks about packets, input_frame.c settles,
 *          handshake.c exchanges version_information, packet_build.c.
 */
#ifndef _NET_QUIC_VERSION_H
#define _NET_QUIC_VERSION_H

#include "types.h"

struct quic_conn;
struct quic_header;
struct quic_tparams;

/**
 * struct quic_versions - how the version in use was found
 * @original: version of the client's Initial packets, which 0-RTT and Retry
 *	      keep to; quic_conn.version is the one that is negotiated
 * @refused:  client: what it has tried before a Version Negotiation packet, or
 *	      0; it acts on one only
 * @settled:  client: the server has shown which version it goes on in
 */
struct quic_versions {
	u32 original;
	u32 refused;
	bool settled;
};

void quic_version_begin(struct quic_conn *conn, u32 version);

/* Version Negotiation packets */
bool quic_version_on_negotiation(struct quic_conn *conn,
				 const struct quic_header *hdr);

/* Compatible negotiation */
bool quic_version_expected(struct quic_conn *conn,
			   const struct quic_header *hdr);
int quic_version_on_packet(struct quic_conn *conn,
			   const struct quic_header *hdr);
void quic_version_on_crypto(struct quic_conn *conn, u8 level);

/* version_information */
void quic_version_fill(struct quic_conn *conn, struct quic_tparams *tp);
int quic_version_check(struct quic_conn *conn, const struct quic_tparams *tp);

#endif /* _NET_QUIC_VERSION_H */
