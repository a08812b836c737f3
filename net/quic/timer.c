// SPDX-License-Identifier: GPL-2.0-only
#include "close.h"
#include "conn.h"
#include "output.h"
#include "timer.h"

#define QUIC_TIMERS_DEFERRED	0

/* What waits for a deadline has to be there then: an end of the connection may
 * come long after that of its file.
 */
static void quic_timers_hold(struct quic_conn *conn)
{
	if (conn->timers.held)
		return;
	conn->timers.held = true;
	sock_hold(quic_conn_sk(conn));
}

/* The caller has a reference of its own. */
static void quic_timers_put(struct quic_conn *conn)
{
	if (!conn->timers.held)
		return;
	conn->timers.held = false;
	__sock_put(quic_conn_sk(conn));
}

static void quic_timers_arm(struct quic_conn *conn, ktime_t when, u64 slack_ns)
{
	struct quic_timers *timers = &conn->timers;

	quic_timers_hold(conn);
	timers->armed = when;
	hrtimer_start_range_ns(&timers->hrtimer, when, slack_ns,
			       HRTIMER_MODE_ABS_SOFT);
}

static ktime_t quic_timers_earliest(const struct quic_timers *timers)
{
	ktime_t first = KTIME_MAX;
	int i;

	for (i = 0; i < QUIC_TIMER_MAX; i++)
		first = min(first, timers->deadline[i]);
	return first;
}

static void quic_timer_expire(struct quic_conn *conn, enum quic_timer_id id,
			      ktime_t now)
{
	switch (id) {
	case QUIC_TIMER_LOSS:
		quic_output_loss_timeout(conn, now);
		break;
	case QUIC_TIMER_IDLE:
		quic_close_on_idle(conn);
		break;
	case QUIC_TIMER_HANDSHAKE:
		quic_close_on_slow_handshake(conn);
		break;
	case QUIC_TIMER_KEEPALIVE:
		conn->ping_pending = true;
		break;
	case QUIC_TIMER_KEYS:
		quic_keys_expire(&conn->keys, now);
		quic_timer_set(conn, QUIC_TIMER_KEYS,
			       quic_keys_expiry(&conn->keys));
		break;
	case QUIC_TIMER_PATH:
		quic_migrate_timeout(conn, now);
		break;
	case QUIC_TIMER_ROAM:
		quic_roam_kick(conn);
		break;
	case QUIC_TIMER_CLOSE:
		quic_close_timeout(conn);
		break;
	default:
		/* ACK, PACE: quic_output() looks at the clock by itself. */
		break;
	}
}

static void quic_timers_run(struct quic_conn *conn)
{
	struct quic_timers *timers = &conn->timers;
	ktime_t now = ktime_get();
	bool due = false;
	ktime_t next;
	int i;

	timers->armed = KTIME_MAX;
	for (i = 0; i < QUIC_TIMER_MAX; i++) {
		if (timers->deadline[i] > now)
			continue;
		timers->deadline[i] = KTIME_MAX;
		quic_timer_expire(conn, i, now);
		due = true;
	}
	if (due)
		quic_output(conn);
	next = quic_timers_earliest(timers);
	if (next < timers->armed)
		quic_timers_arm(conn, next, 0);
	else if (next == KTIME_MAX)
		quic_timers_put(conn);
}

/* A reference cannot belong to the queued timer, since nobody is told whether
 * hrtimer_start() has found it queued while the handler runs. So the handler
 * may come after the last reference has gone, but not after the memory: that
 * stays for a grace period and until quic_timers_destroy().
 */
static enum hrtimer_restart quic_timers_handler(struct hrtimer *hrtimer)
{
	struct quic_timers *timers;
	struct quic_conn *conn;
	struct sock *sk;

	timers = container_of(hrtimer, struct quic_timers, hrtimer);
	conn = container_of(timers, struct quic_conn, timers);
	sk = quic_conn_sk(conn);

	rcu_read_lock();
	if (!refcount_inc_not_zero(&sk->sk_refcnt))
		goto out;
	bh_lock_sock(sk);
	if (sock_owned_by_user(sk))
		set_bit(QUIC_TIMERS_DEFERRED, &timers->deferred);
	else
		quic_timers_run(conn);
	bh_unlock_sock(sk);
	sock_put(sk);
out:
	rcu_read_unlock();
	return HRTIMER_NORESTART;
}

/**
 * quic_timers_init - set up the timer of a new socket
 * @conn: the connection
 */
void quic_timers_init(struct quic_conn *conn)
{
	struct quic_timers *timers = &conn->timers;
	int i;

	hrtimer_setup(&timers->hrtimer, quic_timers_handler, CLOCK_MONOTONIC,
		      HRTIMER_MODE_ABS_SOFT);
	timers->armed = KTIME_MAX;
	for (i = 0; i < QUIC_TIMER_MAX; i++)
		timers->deadline[i] = KTIME_MAX;
}

/**
 * quic_timers_destroy - no handler runs any more
 * @conn: a connection that nobody has a reference to, a grace period later
 */
void quic_timers_destroy(struct quic_conn *conn)
{
	hrtimer_cancel(&conn->timers.hrtimer);
}

/**
 * quic_timer_set - set or move a deadline
 * @conn:     the connection
 * @id:	      which one
 * @deadline: monotonic time, or KTIME_MAX for never
 *
 * Context: connection lock held.
 */
void quic_timer_set(struct quic_conn *conn, enum quic_timer_id id,
		    ktime_t deadline)
{
	struct quic_timers *timers = &conn->timers;

	quic_conn_assert_held(conn);
	timers->deadline[id] = deadline;
	if (deadline < timers->armed)
		quic_timers_arm(conn, deadline, 0);
}

/**
 * quic_timer_set_only - forget all deadlines but one
 * @conn:     the connection
 * @id:	      which one
 * @deadline: monotonic time
 * @slack_ns: how much later will do
 *
 * The timer is moved, though it might fire in vain at the earliest of those
 * forgotten: of connections that have ended there may be many, and where their
 * slack overlaps one interrupt serves them all.
 *
 * Context: connection lock held.
 */
void quic_timer_set_only(struct quic_conn *conn, enum quic_timer_id id,
			 ktime_t deadline, u64 slack_ns)
{
	struct quic_timers *timers = &conn->timers;
	int i;

	quic_conn_assert_held(conn);
	for (i = 0; i < QUIC_TIMER_MAX; i++)
		timers->deadline[i] = KTIME_MAX;
	timers->deadline[id] = deadline;
	quic_timers_arm(conn, deadline, slack_ns);
}

/**
 * quic_timer_clear - forget a deadline
 * @conn: the connection
 * @id:	  which one
 *
 * Context: connection lock held.
 */
void quic_timer_clear(struct quic_conn *conn, enum quic_timer_id id)
{
	conn->timers.deadline[id] = KTIME_MAX;
}

/**
 * quic_timers_stop - forget every deadline and give their reference back
 * @conn: the connection
 *
 * Context: connection lock held, and a reference.
 */
void quic_timers_stop(struct quic_conn *conn)
{
	struct quic_timers *timers = &conn->timers;
	int i;

	for (i = 0; i < QUIC_TIMER_MAX; i++)
		timers->deadline[i] = KTIME_MAX;
	timers->armed = KTIME_MAX;
	hrtimer_try_to_cancel(&timers->hrtimer);
	quic_timers_put(conn);
}

/**
 * quic_timer_release_cb - run what expired while a process owned the socket
 * @sk: the socket, about to be released
 *
 * Context: called by release_sock() with the socket lock held.
 */
void quic_timer_release_cb(struct sock *sk)
{
	struct quic_conn *conn = quic_conn(sk);

	if (test_and_clear_bit(QUIC_TIMERS_DEFERRED, &conn->timers.deferred))
		quic_timers_run(conn);
}
