/* SPDX-License-Identifier: GPL-2.0-only */
/* Deadlines of a connection. All of them share one high-resolution timer that
 * is armed lazily for the earliest: moving a deadline later costs a store, and
 * millisecond deadlines hold at HZ=100.
 *
 * Owns:    struct quic_timers; the reference to a socket that has deadlines.
 * Guard:   the connection lock; an expiry that finds the socket owned by a
 *          process is run by quic_timer_release_cb() when it is released.
 * Callers: whoever has something to wait for.
 */
#ifndef _NET_QUIC_TIMER_H
#define _NET_QUIC_TIMER_H

#include <linux/hrtimer.h>
#include <linux/ktime.h>

struct quic_conn;
struct sock;

enum quic_timer_id {
	QUIC_TIMER_LOSS,	/* loss time threshold or PTO: RFC 9002, 6.2 */
	QUIC_TIMER_ACK,		/* max_ack_delay: RFC 9000, 13.2.1 */
	QUIC_TIMER_PACE,	/* next batch may leave: RFC 9002, 7.7, or small data */
	QUIC_TIMER_IDLE,	/* RFC 9000, 10.1 */
	QUIC_TIMER_HANDSHAKE,	/* server: the handshake takes too long */
	QUIC_TIMER_KEEPALIVE,	/* config.keepalive_probe_interval */
	QUIC_TIMER_KEYS,	/* drop old 1-RTT keys: RFC 9001, 6.5 */
	QUIC_TIMER_PATH,	/* path validation: RFC 9000, 8.2.4 */
	QUIC_TIMER_ROAM,	/* look for an address that leads to the peer */
	QUIC_TIMER_CLOSE,	/* end of lingering, closing or draining */
	QUIC_TIMER_MAX,
};

/**
 * struct quic_timers - deadlines and the timer that wakes up for them
 * @hrtimer:	fires at @armed
 * @armed:	when @hrtimer is due; KTIME_MAX when it is not queued
 * @deadline:	by enum quic_timer_id; KTIME_MAX when there is nothing to do
 * @deferred:	bit 0: an expiry has found the socket owned by a process
 * @held:	there is a reference to the socket for the deadlines' sake
 */
struct quic_timers {
	struct hrtimer hrtimer;
	ktime_t armed;
	ktime_t deadline[QUIC_TIMER_MAX];
	unsigned long deferred;
	bool held;
};

void quic_timers_init(struct quic_conn *conn);
void quic_timers_destroy(struct quic_conn *conn);
void quic_timer_set(struct quic_conn *conn, enum quic_timer_id id,
		    ktime_t deadline);
void quic_timer_set_only(struct quic_conn *conn, enum quic_timer_id id,
			 ktime_t deadline, u64 slack_ns);
void quic_timer_clear(struct quic_conn *conn, enum quic_timer_id id);
void quic_timers_stop(struct quic_conn *conn);
void quic_timer_release_cb(struct sock *sk);

#endif /* _NET_QUIC_TIMER_H */
