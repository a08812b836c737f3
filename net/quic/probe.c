// SPDX-License-Identifier: GPL-2.0-only
#include <net/inet_ecn.h>

#include "conn.h"
#include "frame.h"
#include "net_ns.h"
#include "packet_build.h"
#include "probe.h"
#include "udp_tx.h"

/* Answers obey the congestion window of the path in use. On another path there
 * is at most one for each datagram that has come by it. A challenge is one
 * packet, repeated ever more rarely.
 */
static bool quic_probe_wanted(struct quic_conn *conn, struct quic_path *path,
			      ktime_t now)
{
	if (quic_path_check_due(path, now))
		return true;
	if (!path->nr_responses)
		return false;
	return path != &conn->path ||
	       quic_recovery_can_send(&conn->rec, QUIC_MIN_UDP_PAYLOAD);
}

static int quic_probe_build(struct quic_conn *conn, struct quic_path *path,
			    const struct quic_peer_cid *to, u8 *buf, u32 size,
			    ktime_t now)
{
	struct quic_pkt_builder b;

	if (quic_pkt_begin_to(&b, conn, to, QUIC_PKT_1RTT, buf, size))
		return 0;
	quic_path_put_responses(path, &b);
	if (quic_path_check_due(path, now))
		quic_path_put_challenge(path, &b, now);
	if (!b.len) {
		quic_pkt_abort(&b);
		return 0;
	}
	/* RFC 9000, 8.2.1 and 8.2.2 */
	quic_pkt_pad(&b, size);
	/* What another path loses says nothing about the one in use. */
	if (path != &conn->path)
		b.sent->in_flight = false;
	return quic_pkt_finish(&b, now);
}

/* One datagram of full size, or of what the path has credit for. */
static bool quic_probe_send(struct quic_conn *conn, struct quic_path *path,
			    const struct quic_peer_cid *to, ktime_t now)
{
	u64 credit = quic_path_amp_credit(path);
	u32 size = min_t(u64, credit, QUIC_MIN_UDP_PAYLOAD);
	int len;
	u8 *buf;

	if (size < QUIC_PATH_MIN_CREDIT)
		return false;
	buf = quic_batch_reserve(conn, size);
	if (!buf)
		return false;
	len = quic_probe_build(conn, path, to, buf, size, now);
	quic_batch_commit(&conn->batch, max(len, 0));
	if (len <= 0)
		return false;
	path->tx_bytes += len;
	quic_batch_flush(conn, path, INET_ECN_NOT_ECT);
	return true;
}

static void quic_probe_path(struct quic_conn *conn, struct quic_path *path,
			    const struct quic_peer_cid *to, ktime_t now)
{
	if (!path->endpoint || !quic_probe_wanted(conn, path, now))
		return;
	if (to && quic_probe_send(conn, path, to, now))
		return;
	if (quic_path_check_due(path, now))
		quic_path_check_defer(path, now);
}

static int quic_probe_build_mtu(struct quic_conn *conn, u8 *buf, u32 size,
				ktime_t now)
{
	struct quic_pkt_builder b;

	if (quic_pkt_begin(&b, conn, QUIC_PKT_1RTT, buf, size))
		return 0;
	quic_frame_put_ping(quic_pkt_put(&b, 1));
	quic_pkt_record(&b, QUIC_SENT_PING, 0, 0, 0, false);
	quic_pkt_pad(&b, size);
	b.sent->mtu_probe = true;
	return quic_pkt_finish(&b, now);
}

/* Waits for its turn as any other packet does, and for an acknowledgment of one
 * before it, so that nobody takes its loss for silence of the peer.
 */
static bool quic_probe_mtu_ready(struct quic_conn *conn, u32 size)
{
	return conn->hs.confirmed && conn->path.validated &&
	       !conn->rec.pto_count &&
	       quic_recovery_can_send(&conn->rec, size);
}

static void quic_probe_mtu(struct quic_conn *conn, ktime_t now)
{
	struct quic_path *path = &conn->path;
	u16 size = quic_mtud_due(&path->mtud, now);
	u8 *buf = NULL;
	int len = 0;

	if (!size)
		return;
	if (quic_probe_mtu_ready(conn, size))
		buf = quic_batch_reserve(conn, size);
	if (buf) {
		len = quic_probe_build_mtu(conn, buf, size, now);
		quic_batch_commit(&conn->batch, max(len, 0));
	}
	if (len <= 0) {
		quic_mtud_defer(&path->mtud,
				ktime_add_us(now,
					     quic_recovery_pto_us(&conn->rec)));
		return;
	}
	quic_mtud_on_sent(&path->mtud);
	path->tx_bytes += len;
	quic_batch_flush(conn, path, INET_ECN_NOT_ECT);
}

/**
 * quic_probe_deadline - when a probe for the packet size is due
 * @conn: the connection
 *
 * Context: connection lock held.
 * Return: monotonic time, or KTIME_MAX.
 */
ktime_t quic_probe_deadline(const struct quic_conn *conn)
{
	if (!conn->hs.confirmed)
		return KTIME_MAX;
	return quic_mtud_deadline(&conn->path.mtud);
}

/**
 * quic_probe_output - send what is owed for the validation of paths
 * @conn: the connection
 * @now:  current time
 *
 * Context: connection lock held; the batch is empty.
 */
void quic_probe_output(struct quic_conn *conn, ktime_t now)
{
	quic_conn_assert_held(conn);
	/* A server may challenge a client that has not been told yet that the
	 * handshake is confirmed.
	 */
	if (!conn->hs.complete)
		return;
	if (conn->alt.endpoint && !conn->cids.other &&
	    quic_probe_wanted(conn, &conn->alt, now))
		quic_cid_take_other(conn);
	quic_probe_path(conn, &conn->path, conn->cids.active, now);
	quic_probe_path(conn, &conn->alt, conn->cids.other, now);
	quic_probe_mtu(conn, now);
}
