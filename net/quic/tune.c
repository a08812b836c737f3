// SPDX-License-Identifier: GPL-2.0-only
#include <net/proto_memory.h>
#include <net/sock.h>

#include "conn.h"
#include "flow.h"
#include "rcvq.h"
#include "sysctl.h"
#include "tune.h"

/* Within a short round trip, no more than so many bytes are ever on their way.
 * A congestion window that no loss has bounded says otherwise, and what waits
 * in a larger buffer has left the processor's cache when its turn comes.
 */
#define QUIC_TUNE_SHORT		1048576ULL

/**
 * quic_tune_sndbuf - let the send buffer follow the congestion window
 * @conn: connection
 *
 * What is sent stays in it until it is acknowledged, and while that is on its
 * way the program has to come up with as much again.
 *
 * Context: connection lock held.
 */
void quic_tune_sndbuf(struct quic_conn *conn)
{
	struct sock *sk = quic_conn_sk(conn);
	u64 want = min_t(u64, 2 * conn->rec.cc.cwnd,
			 READ_ONCE(quic_sysctl_wmem[2]));

	quic_conn_assert_held(conn);
	if (conn->rec.rtt.min_us < QUIC_PATH_SHORT_US)
		want = min(want, QUIC_TUNE_SHORT);
	if (want <= READ_ONCE(sk->sk_sndbuf) ||
	    sk->sk_userlocks & SOCK_SNDBUF_LOCK || sk_under_memory_pressure(sk))
		return;
	WRITE_ONCE(sk->sk_sndbuf, want);
}

/**
 * quic_tune_window - credit is about to be given
 * @conn: connection
 * @rx:   its own receiving direction, or that of one of its streams
 *
 * Doubles the window if it is what holds the peer up, as far as the
 * administrator and a receive buffer of the program's choice allow.
 *
 * Context: connection lock held.
 */
void quic_tune_window(struct quic_conn *conn, struct quic_flow_rx *rx)
{
	const struct quic_rtt *rtt = &conn->rec.rtt;
	struct sock *sk = quic_conn_sk(conn);
	int limit = min(READ_ONCE(quic_sysctl_rmem[2]),
			INT_MAX / QUIC_RCVQ_COST);

	quic_conn_assert_held(conn);
	if (conn->settings.windows_named)
		return;
	if (sk->sk_userlocks & SOCK_RCVBUF_LOCK)
		limit = min(limit, READ_ONCE(sk->sk_rcvbuf) / QUIC_RCVQ_COST);
	if (!quic_flow_rx_is_narrow(rx, ktime_get(), rtt->smoothed_us) ||
	    rx->window >= (u64)limit || sk_under_memory_pressure(sk))
		return;
	rx->window = min_t(u64, 2 * rx->window, limit);
	if (rx == &conn->flow.rx)
		quic_rcvq_make_room(conn, rx->window);
}
