// SPDX-License-Identifier: GPL-2.0-only
#include <linux/random.h>

#include "addr.h"
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

/* Never below what every QUIC path must carry (RFC 9000, 14), nor above what
 * the peer accepts (18.2, max_udp_payload_size).
 */
static u32 quic_path_mtu_limit(struct quic_conn *conn, struct quic_path *path)
{
	u32 size = min_t(u64, quic_udp_mtu(conn, path),
			 conn->remote.max_udp_payload_size);

	return max_t(u32, size, QUIC_MIN_UDP_PAYLOAD);
}

static void quic_path_set_mtu(struct quic_conn *conn, struct quic_path *path,
			      u32 size)
{
	path->max_payload = size;
	quic_recovery_set_mtu(&conn->rec, size);
}

/**
 * quic_path_update_mtu - let packets grow or shrink to what the route carries
 * @conn: the connection
 * @path: the path in use
 *
 * With option CONFIG's plpmtud_probe_interval, or after a black hole, what the
 * route says is only where a search ends.
 *
 * Context: connection lock held.
 */
void quic_path_update_mtu(struct quic_conn *conn, struct quic_path *path)
{
	u32 limit = quic_path_mtu_limit(conn, path);
	ktime_t now = ktime_get();

	if (path->mtud.on)
		quic_mtud_set_limit(&path->mtud, limit, now);
	else if (conn->settings.config.plpmtud_probe_interval)
		quic_mtud_start(&path->mtud, QUIC_MIN_UDP_PAYLOAD, limit, now);
	quic_path_set_mtu(conn, path, path->mtud.on ? path->mtud.floor : limit);
}

/**
 * quic_path_mtu_answer - what has become of a probe for the packet size
 * @conn: the connection
 * @size: bytes of the probe
 * @lost: it did not get through
 *
 * Context: connection lock held.
 */
void quic_path_mtu_answer(struct quic_conn *conn, u16 size, bool lost)
{
	u64 raise_us = conn->settings.config.plpmtud_probe_interval;
	struct quic_mtud *mtud = &conn->path.mtud;
	ktime_t now = ktime_get();

	raise_us = raise_us ?: QUIC_MTUD_RAISE_US;
	if (lost)
		quic_mtud_on_lost(mtud, size, raise_us, now);
	else
		quic_mtud_on_acked(mtud, size, raise_us, now);
	if (mtud->on && mtud->floor != conn->path.max_payload)
		quic_path_set_mtu(conn, &conn->path, mtud->floor);
}

/**
 * quic_path_on_pto - the peer has not answered in time
 * @conn: the connection
 *
 * Several times in a row: perhaps it is only full-sized packets that do not get
 * through, and nobody tells (RFC 8899, 4.3). Smaller ones will; how large they
 * may be is found out again.
 *
 * Context: connection lock held.
 */
void quic_path_on_pto(struct quic_conn *conn)
{
	struct quic_path *path = &conn->path;
	ktime_t when;

	if (conn->rec.pto_count < QUIC_MTUD_HOLE_PTOS || !conn->hs.confirmed ||
	    path->max_payload == QUIC_MIN_UDP_PAYLOAD)
		return;
	when = ktime_add_us(ktime_get(), QUIC_MTUD_HOLE_US);
	quic_mtud_start(&path->mtud, QUIC_MIN_UDP_PAYLOAD,
			quic_path_mtu_limit(conn, path), when);
	quic_path_set_mtu(conn, path, QUIC_MIN_UDP_PAYLOAD);
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
 * quic_path_is - whether a path is between two addresses
 * @path:  the path
 * @local: ours
 * @peer:  the peer's
 *
 * Return: true if it is, ports included.
 */
bool quic_path_is(const struct quic_path *path, const union quic_addr *local,
		  const union quic_addr *peer)
{
	return path->endpoint && quic_addr_equal(&path->peer, peer) &&
	       quic_addr_equal(&path->local, local);
}

/**
 * quic_path_same_hosts - whether two paths differ in ports at the most
 * @a: one
 * @b: the other
 *
 * Return: true if they do; then one says much about the other (RFC 9000, 9.4).
 */
bool quic_path_same_hosts(const struct quic_path *a, const struct quic_path *b)
{
	return quic_addr_same_host(&a->local, &b->local) &&
	       quic_addr_same_host(&a->peer, &b->peer);
}

/**
 * quic_path_check_start - begin to validate a path
 * @path:    the path
 * @pto_us:  probe timeout: a challenge that is not answered is repeated then
 * @fail_us: when there is no hope left (RFC 9000, 8.2.4)
 * @now:     current time
 *
 * Context: connection lock held.
 */
void quic_path_check_start(struct quic_path *path, u64 pto_us, u64 fail_us,
			   ktime_t now)
{
	path->check = (struct quic_path_check) {
		.running = true,
		.next	 = now,
		.end	 = ktime_add_us(now, fail_us),
		.gap_us	 = pto_us,
	};
}

/**
 * quic_path_check_stop - end a validation
 * @path: the path
 */
void quic_path_check_stop(struct quic_path *path)
{
	path->check.running = false;
}

/**
 * quic_path_check_due - whether a challenge is to be sent now
 * @path: the path
 * @now:  current time
 *
 * Return: true if it is.
 */
bool quic_path_check_due(const struct quic_path *path, ktime_t now)
{
	return path->check.running && path->check.next <= now;
}

/**
 * quic_path_check_failed - whether a validation has found no answer
 * @path: the path
 * @now:  current time
 *
 * Return: true if it has.
 */
bool quic_path_check_failed(const struct quic_path *path, ktime_t now)
{
	return path->check.running && path->check.end <= now;
}

/**
 * quic_path_check_deadline - when something has to be done about a validation
 * @path: the path
 *
 * Return: monotonic time, or KTIME_MAX.
 */
ktime_t quic_path_check_deadline(const struct quic_path *path)
{
	if (!path->check.running)
		return KTIME_MAX;
	return min(path->check.next, path->check.end);
}

/**
 * quic_path_check_defer - let some time pass before the next challenge
 * @path: the path
 * @now:  current time
 *
 * Ever more, as Initial packets do (RFC 9000, 8.2.1).
 */
void quic_path_check_defer(struct quic_path *path, ktime_t now)
{
	path->check.next = ktime_add_us(now, path->check.gap_us);
	path->check.gap_us *= 2;
}

/**
 * quic_path_check_answer - what a PATH_RESPONSE says about a path
 * @path: the path
 * @data: QUIC_PATH_DATA_LEN bytes
 *
 * RFC 9000, 8.2.3: it does not matter on which path the answer came.
 *
 * Return: enum quic_path_answer.
 */
enum quic_path_answer quic_path_check_answer(const struct quic_path *path,
					     const u8 *data)
{
	const struct quic_path_check *check = &path->check;
	u32 i, nr = min(check->nr, QUIC_PATH_CHALLENGES);

	if (!path->endpoint || !check->running)
		return QUIC_PATH_UNKNOWN;
	for (i = 0; i < nr; i++)
		if (!memcmp(check->data[i], data, QUIC_PATH_DATA_LEN))
			return check->small[i] ? QUIC_PATH_REACHED :
						 QUIC_PATH_VALID;
	return QUIC_PATH_UNKNOWN;
}

/**
 * quic_path_put_responses - put the PATH_RESPONSE frames that are owed
 * @path: the path
 * @b:	  1-RTT packet that leaves on it
 *
 * They are never sent again: the peer repeats its challenge instead
 * (RFC 9000, 13.3).
 *
 * Context: connection lock held.
 */
void quic_path_put_responses(struct quic_path *path, struct quic_pkt_builder *b)
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

/**
 * quic_path_put_challenge - put a PATH_CHALLENGE that nobody can foresee
 * @path: the path
 * @b:	  1-RTT packet that leaves on it, with nothing to be put behind it but
 *	  PADDING up to the size given to quic_pkt_begin()
 * @now:  current time
 *
 * RFC 9000, 8.2.1: every one has data of its own.
 *
 * Context: connection lock held.
 */
void quic_path_put_challenge(struct quic_path *path, struct quic_pkt_builder *b,
			     ktime_t now)
{
	struct quic_path_check *check = &path->check;
	u32 i = check->nr % QUIC_PATH_CHALLENGES;

	if (quic_pkt_room(b) < QUIC_FRAME_PATH_LEN || !quic_pkt_records_left(b))
		return;
	get_random_bytes(check->data[i], QUIC_PATH_DATA_LEN);
	check->small[i] = b->size < QUIC_MIN_UDP_PAYLOAD;
	check->nr++;
	quic_frame_put_path_challenge(quic_pkt_put(b, QUIC_FRAME_PATH_LEN),
				      check->data[i]);
	quic_pkt_record(b, QUIC_SENT_PATH_CHALLENGE, 0, 0, 0, false);
	quic_path_check_defer(path, now);
}
