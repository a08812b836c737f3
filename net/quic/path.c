// SPDX-License-Identifier: GPL-2.0-only
#include "conn.h"
#include "endpoint.h"
#include "frame.h"
#include "packet_build.h"
#include "path.h"
#include "udp_tx.h"

/**
 * quic_path_init - begin to use an address pair
 * @path:     what to initialise
 * @endpoint: UDP socket; the path takes the caller's reference over
 * @local:    our address
 * @peer:     the peer's address
 */
void quic_path_init(struct quic_path *path, struct quic_endpoint *endpoint,
		    const union quic_addr *local, const union quic_addr *peer)
{
	memset(path, 0, sizeof(*path));
	path->endpoint = endpoint;
	path->local = *local;
	path->peer = *peer;
	path->max_payload = QUIC_MIN_UDP_PAYLOAD;
}

/**
 * quic_path_release - give up the route and the endpoint
 * @path: the path; harmless if it was never set up
 */
void quic_path_release(struct quic_path *path)
{
	dst_release(path->dst);
	path->dst = NULL;
	if (path->endpoint)
		quic_endpoint_put(path->endpoint);
	path->endpoint = NULL;
}

/**
 * quic_path_update_mtu - let packets grow or shrink to what the route carries
 * @conn: the connection
 * @path: one of its paths
 *
 * The size is never below what every QUIC path must carry (RFC 9000, 14), nor
 * above what the peer accepts (18.2, max_udp_payload_size).
 *
 * Context: connection lock held.
 */
void quic_path_update_mtu(struct quic_conn *conn, struct quic_path *path)
{
	u32 size = quic_udp_mtu(conn, path);

	size = min_t(u64, size, conn->remote.max_udp_payload_size);
	path->max_payload = max_t(u32, size, QUIC_MIN_UDP_PAYLOAD);
	quic_recovery_set_mtu(&conn->rec, path->max_payload);
}

/**
 * quic_path_amp_credit - bytes that may be sent before the peer is validated
 * @path: the path
 *
 * Return: what is left of three times the bytes received (RFC 9000, 8.1);
 * U64_MAX once the address is validated.
 */
u64 quic_path_amp_credit(const struct quic_path *path)
{
	u64 limit = path->rx_bytes * 3;

	if (path->validated)
		return U64_MAX;
	return limit > path->tx_bytes ? limit - path->tx_bytes : 0;
}

/**
 * quic_path_on_challenge - owe the answer to a PATH_CHALLENGE
 * @path: path that it came on
 * @data: its 8 bytes
 *
 * Of more challenges than fit, the newest count (RFC 9000, 8.2.2).
 *
 * Context: connection lock held.
 */
void quic_path_on_challenge(struct quic_path *path, const u8 *data)
{
	if (path->nr_responses == QUIC_PATH_RESPONSES) {
		memmove(path->responses[0], path->responses[1],
			sizeof(path->responses) - sizeof(path->responses[0]));
		path->nr_responses--;
	}
	memcpy(path->responses[path->nr_responses++], data, QUIC_PATH_DATA_LEN);
}

/**
 * quic_path_pending - is a PATH_RESPONSE owed
 * @path: the path
 *
 * Return: whether quic_path_put_frames() has something to put.
 */
bool quic_path_pending(const struct quic_path *path)
{
	return path->nr_responses;
}

/**
 * quic_path_put_frames - put the PATH_RESPONSE frames that are owed
 * @path: the path
 * @b:	  1-RTT packet that leaves on it
 *
 * They are never sent again: the peer repeats its challenge instead
 * (RFC 9000, 13.3).
 *
 * Context: connection lock held.
 */
void quic_path_put_frames(struct quic_path *path, struct quic_pkt_builder *b)
{
	u8 i;

	for (i = 0; i < path->nr_responses; i++) {
		if (quic_pkt_room(b) < QUIC_FRAME_PATH_LEN ||
		    !quic_pkt_records_left(b))
			break;
		quic_frame_put_path_response(quic_pkt_put(b, QUIC_FRAME_PATH_LEN),
					     path->responses[i]);
		quic_pkt_record(b, QUIC_SENT_PATH_RESPONSE, 0, 0, 0, false);
	}
	path->nr_responses -= i;
	memmove(path->responses[0], path->responses[i],
		path->nr_responses * sizeof(path->responses[0]));
}
