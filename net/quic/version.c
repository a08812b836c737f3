// SPDX-License-Identifier: GPL-2.0-only
#include <linux/random.h>
#include <trace/events/quic.h>

#include "conn.h"
#include "header.h"
#include "version.h"

static const u32 quic_versions_known[] = { QUIC_VERSION_V1, QUIC_VERSION_V2 };

/**
 * quic_version_begin - a connection begins in a version
 * @conn:    the connection, without keys
 * @version: version of the client's first Initial packet, one that we know
 */
void quic_version_begin(struct quic_conn *conn, u32 version)
{
	conn->version = version;
	conn->versions.original = version;
}

/* Initial keys of every version come from this ID (RFC 9369, 4.1). */
static const struct quic_cid *quic_version_dcid(const struct quic_conn *conn)
{
	return conn->hs.retry_used ? &conn->hs.retry_scid : &conn->hs.odcid;
}

/* What a Version Negotiation packet leaves us: 0 for nothing, or the version in
 * use, which the server then cannot have refused.
 */
static u32 quic_version_pick(const struct quic_conn *conn,
			     const struct quic_header *hdr)
{
	u32 i, version, pick = 0;

	for (i = 0; i < hdr->nr_versions; i++) {
		version = quic_header_version(hdr, i);
		if (version == conn->version)
			return conn->version;
		if (!pick && quic_version_known(version))
			pick = version;
	}
	return pick;
}

/**
 * quic_version_on_negotiation - a Version Negotiation packet has come
 * @conn: the connection
 * @hdr:  the packet
 *
 * RFC 9000, 6.2; RFC 9368, 4: it counts for a client that has not heard from
 * the server otherwise, once, and only if it does not list what was tried.
 *
 * Context: connection lock held.
 * Return: whether to begin anew in another version.
 */
bool quic_version_on_negotiation(struct quic_conn *conn,
				 const struct quic_header *hdr)
{
	struct quic_versions *v = &conn->versions;
	u32 version;

	quic_conn_assert_held(conn);
	if (conn->is_server || conn->hs.any_rcvd || v->refused ||
	    conn->hs.retry_used ||
	    !quic_cid_equal(&hdr->scid, &conn->hs.odcid) ||
	    !quic_cid_equal(&hdr->dcid, quic_cid_first_local(conn)))
		return false;
	version = quic_version_pick(conn, hdr);
	if (version == conn->version)
		return false;
	if (!version) {
		quic_close_on_refused(conn, EPROTONOSUPPORT);
		return false;
	}
	if (quic_keys_initial(&conn->keys, version, &conn->hs.odcid, false,
			      GFP_ATOMIC))
		return false;
	v->refused = conn->version;
	quic_version_begin(conn, version);
	trace_quic_conn_version(quic_conn_sk(conn), version);
	return true;
}

/* Whether the server may still turn out to have chosen another version. */
static bool quic_version_open(const struct quic_conn *conn)
{
	return !conn->is_server && !conn->versions.settled &&
	       conn->local.version_info.chosen &&
	       !conn->local.disable_compatible_version;
}

/* An Initial packet of the version that is not in use, from a peer who may. */
static bool quic_version_expected_initial(struct quic_conn *conn, u32 version)
{
	if (conn->is_server)
		return version == conn->versions.original;
	return quic_version_open(conn) &&
	       !quic_keys_initial_other(&conn->keys, version,
					quic_version_dcid(conn), false,
					GFP_ATOMIC);
}

/**
 * quic_version_expected - whether a packet may be of its version
 * @conn: the connection
 * @hdr:  header of the packet, with a known version
 *
 * RFC 9369, 4.1: a server goes on taking Initial packets of the original
 * version until it has seen a Handshake packet of the negotiated one. To a
 * client that does not know the latter yet, any may come; its Handshake packets
 * wait for their keys.
 *
 * Context: connection lock held.
 * Return: true, and then keys of Initial packets of that version are there.
 */
bool quic_version_expected(struct quic_conn *conn,
			   const struct quic_header *hdr)
{
	if (!hdr->long_form)
		return true;
	if (hdr->type == QUIC_PKT_0RTT)
		return hdr->version == conn->versions.original;
	if (hdr->version == conn->version)
		return true;
	if (hdr->type == QUIC_PKT_INITIAL)
		return quic_version_expected_initial(conn, hdr->version);
	return hdr->type == QUIC_PKT_HANDSHAKE && quic_version_open(conn);
}

/**
 * quic_version_on_packet - an authentic packet has come
 * @conn: the connection
 * @hdr:  its header
 *
 * RFC 9369, 4.1: a client learns from the first Initial packet of another
 * version that the server has negotiated this.
 *
 * Context: connection lock held.
 * Return: 0 or -ENOMEM.
 */
int quic_version_on_packet(struct quic_conn *conn,
			   const struct quic_header *hdr)
{
	int err;

	quic_conn_assert_held(conn);
	if (conn->is_server || hdr->type != QUIC_PKT_INITIAL ||
	    hdr->version == conn->version)
		return 0;
	err = quic_keys_initial(&conn->keys, hdr->version,
				quic_version_dcid(conn), false, GFP_ATOMIC);
	if (err)
		return err;
	quic_keys_drop_other(&conn->keys);
	conn->version = hdr->version;
	conn->versions.settled = true;
	trace_quic_conn_version(quic_conn_sk(conn), conn->version);
	return 0;
}

/**
 * quic_version_on_crypto - a CRYPTO frame has come
 * @conn:  the connection
 * @level: encryption level
 *
 * RFC 9369, 4.1: a server sends them in the negotiated version only.
 *
 * Context: connection lock held.
 */
void quic_version_on_crypto(struct quic_conn *conn, u8 level)
{
	if (conn->is_server || level != QUIC_CRYPTO_INITIAL ||
	    conn->versions.settled)
		return;
	conn->versions.settled = true;
	quic_keys_drop_other(&conn->keys);
}

/**
 * quic_version_fill - what our version_information says
 * @conn: the connection
 * @tp:   our transport parameters
 *
 * A client has told its choice by its first ClientHello, which stays as it is
 * when the version changes; the version that it prefers is the one it tries.
 * Behind what we know comes a reserved version (RFC 9000, 6.3).
 *
 * Context: connection lock held.
 */
void quic_version_fill(struct quic_conn *conn, struct quic_tparams *tp)
{
	struct quic_version_info *info = &tp->version_info;
	u32 i;

	BUILD_BUG_ON(ARRAY_SIZE(quic_versions_known) + 1 >
		     ARRAY_SIZE(info->available));
	quic_conn_assert_held(conn);
	if (!conn->is_server && info->chosen)
		return;
	info->chosen = conn->version;
	info->nr_available = 0;
	info->available[info->nr_available++] = info->chosen;
	for (i = 0; i < ARRAY_SIZE(quic_versions_known); i++)
		if (quic_versions_known[i] != info->chosen)
			info->available[info->nr_available++] =
				quic_versions_known[i];
	info->available[info->nr_available++] =
		quic_version_reserved(get_random_u32());
}

static bool quic_version_available(const struct quic_version_info *info,
				   u32 version)
{
	u32 i;

	for (i = 0; i < info->nr_available; i++)
		if (info->available[i] == version)
			return true;
	return false;
}

/* A server that was told to prefer a version goes on in it if the client can,
 * and still opens what the client sends before it knows.
 */
static void quic_version_upgrade(struct quic_conn *conn,
				 const struct quic_version_info *info)
{
	u32 version = conn->settings.config.version;
	const struct quic_cid *dcid = quic_version_dcid(conn);
	struct quic_keys *keys = &conn->keys;

	if (!quic_version_known(version) || version == conn->version ||
	    conn->local.disable_compatible_version ||
	    !quic_version_available(info, version) ||
	    !quic_keys_rx(keys, QUIC_CRYPTO_INITIAL) ||
	    quic_keys_tx(keys, QUIC_CRYPTO_HANDSHAKE) ||
	    quic_keys_rx(keys, QUIC_CRYPTO_HANDSHAKE))
		return;
	/* Without memory it stays with what the client has chosen. */
	if (quic_keys_initial_other(keys, conn->version, dcid, true,
				    GFP_KERNEL) ||
	    quic_keys_initial(keys, version, dcid, true, GFP_KERNEL))
		return;
	conn->version = version;
	trace_quic_conn_version(quic_conn_sk(conn), version);
}

static int quic_version_check_client(struct quic_conn *conn,
				     const struct quic_version_info *info)
{
	if (!info->chosen)
		return 0;
	if (info->chosen != conn->versions.original)
		return QUIC_TRANSPORT_ERROR_VERSION_NEGOTIATION;
	quic_version_upgrade(conn, info);
	return 0;
}

/* Nothing but the handshake proves that a Version Negotiation packet was the
 * server's: with what the server says now, we would have tried the same.
 */
static int quic_version_check_server(const struct quic_conn *conn,
				     const struct quic_version_info *info)
{
	const struct quic_versions *v = &conn->versions;

	/* RFC 9368, 8: a server of version 1 need not know of all this. */
	if (!info->chosen && conn->version == v->original &&
	    (!v->refused || conn->version == QUIC_VERSION_V1))
		return 0;
	if (info->chosen != conn->version)
		return QUIC_TRANSPORT_ERROR_VERSION_NEGOTIATION;
	if (v->refused && (!info->nr_listed ||
			   quic_version_available(info, v->refused)))
		return QUIC_TRANSPORT_ERROR_VERSION_NEGOTIATION;
	return 0;
}

/**
 * quic_version_check - the peer's version_information has come, or has not
 * @conn: the connection
 * @tp:   the peer's transport parameters
 *
 * RFC 9368, 4: what it says is authenticated, unlike all that was seen before.
 * On a server this is when the version is negotiated.
 *
 * Context: connection lock held, process.
 * Return: 0 or QUIC_TRANSPORT_ERROR_VERSION_NEGOTIATION.
 */
int quic_version_check(struct quic_conn *conn, const struct quic_tparams *tp)
{
	quic_conn_assert_held(conn);
	if (conn->is_server)
		return quic_version_check_client(conn, &tp->version_info);
	return quic_version_check_server(conn, &tp->version_info);
}
