// SPDX-License-Identifier: GPL-2.0-only
#include <net/inet_ecn.h>
#include <trace/events/quic.h>

#include "conn.h"
#include "frame.h"
#include "net_ns.h"
#include "outcome.h"
#include "output.h"
#include "packet_build.h"
#include "probe.h"
#include "stream_output.h"

/* Long header packets travel before the path's size is known to work. */
#define QUIC_HANDSHAKE_PAYLOAD	QUIC_MIN_UDP_PAYLOAD

/* Room in a datagram that is worth another packet. */
#define QUIC_OUTPUT_MIN_PACKET	128

/* When to try again after memory was short. */
#define QUIC_OUTPUT_RETRY_US	1000

/* Levels in the order in which their packets are coalesced. */
static const struct quic_output_level {
	u8 level;
	enum quic_pkt_type type;
} quic_output_levels[] = {
	{ QUIC_CRYPTO_INITIAL,	 QUIC_PKT_INITIAL },
	{ QUIC_CRYPTO_EARLY,	 QUIC_PKT_0RTT },
	{ QUIC_CRYPTO_HANDSHAKE, QUIC_PKT_HANDSHAKE },
	{ QUIC_CRYPTO_APP,	 QUIC_PKT_1RTT },
};

/**
 * struct quic_output - one run of quic_output()
 * @conn:	the connection
 * @now:	when it began
 * @data_ok:	congestion window and pacer let ack-eliciting packets leave
 * @ecn:	codepoint of the batch under construction
 * @eliciting:	the datagram under construction elicits an acknowledgment
 * @sent_eliciting: one that does was sent
 * @stalled:	there was no memory for a packet
 * @sealed:	packets made
 */
struct quic_output {
	struct quic_conn *conn;
	ktime_t now;
	bool data_ok;
	u8 ecn;
	bool eliciting;
	bool sent_eliciting;
	bool stalled;
	u32 sealed;
};

/* Frames of the Application Data space other than CRYPTO and ACK. */
static bool quic_output_app_pending(struct quic_conn *conn)
{
	return conn->hs.done_pending || conn->ping_pending ||
	       quic_cids_pending(conn) || quic_new_token_pending(conn) ||
	       quic_dgrams_pending(conn) ||
	       quic_streams_pending(conn);
}

static bool quic_output_data_pending(struct quic_conn *conn, u8 level)
{
	if (level == QUIC_CRYPTO_EARLY)
		return quic_early_wanted(conn);
	if (quic_crypto_pending(conn, level))
		return true;
	return level == QUIC_CRYPTO_APP && quic_output_app_pending(conn);
}

/* TLS may give a server its 1-RTT key before the ServerHello has left, without
 * which no client can read them.
 */
static bool quic_output_level_usable(struct quic_conn *conn, u8 level)
{
	if (!quic_keys_tx(&conn->keys, level))
		return false;
	return level != QUIC_CRYPTO_APP || !conn->is_server ||
	       conn->hs.complete || conn->crypto[QUIC_CRYPTO_INITIAL].out.next ||
	       quic_crypto_pending(conn, QUIC_CRYPTO_INITIAL);
}

static bool quic_output_wanted(struct quic_output *out, u8 level)
{
	struct quic_conn *conn = out->conn;
	enum quic_space_id id = quic_level_space(level);
	struct quic_pnspace *space = &conn->spaces[id];

	if (space->discarded || !quic_output_level_usable(conn, level))
		return false;
	if (conn->pto_probes[id])
		return true;
	if (level != QUIC_CRYPTO_EARLY && quic_pnspace_ack_due(space, out->now))
		return true;
	return out->data_ok && quic_output_data_pending(conn, level);
}

/* Which ranges have fitted is known best to the frame itself. */
static void quic_output_trace_ack(const struct quic_pkt_builder *b,
				  const u8 *pos, u32 len, u64 delay_us)
{
	const u8 *end = pos + len;
	struct quic_frame frame;
	struct quic_ack_iter it;
	u64 smallest, largest;

	if (quic_frame_parse(&pos, end, &frame))
		return;
	quic_ack_iter_init(&it, &frame.ack);
	while (quic_ack_iter_next(&it, &smallest, &largest))
		trace_quic_ack_sent(quic_conn_sk(b->conn), b->type, b->pn,
				    smallest, largest, delay_us);
}

/* Silence may mean that our last ACK was lost, which nobody repeats: a peer
 * whose probes are mere PINGs only sends its half of the handshake again once it
 * hears what has arrived since.
 */
static bool quic_output_repeats_ack(const struct quic_conn *conn,
				    const struct quic_pnspace *space)
{
	return space->id != QUIC_SPACE_APP && conn->pto_probes[space->id] &&
	       !quic_range_set_empty(&space->received);
}

static void quic_output_put_ack(struct quic_output *out,
				struct quic_pkt_builder *b)
{
	struct quic_conn *conn = out->conn;
	struct quic_pnspace *space = &conn->spaces[b->space];
	u8 exponent = conn->local.ack_delay_exponent;
	const u64 *ecn = NULL;
	u32 room, len;
	u64 delay;
	u8 *pos;

	if (!quic_pnspace_ack_useful(space) &&
	    !quic_output_repeats_ack(conn, space))
		return;
	if (quic_pnspace_has_ecn(space))
		ecn = space->ecn_rcvd;
	/* What does not fit in half a packet is old and was reported before. */
	room = quic_pkt_room(b) / 2;
	delay = quic_pnspace_ack_delay_us(space, out->now);
	len = quic_frame_len_ack(room, &space->received, delay, exponent, ecn);
	if (!len || !quic_pkt_records_left(b))
		return;
	pos = quic_pkt_put(b, len);
	quic_frame_put_ack(pos, len, &space->received, delay, exponent, ecn);
	if (trace_quic_ack_sent_enabled())
		quic_output_trace_ack(b, pos, len, delay);
	quic_pkt_record(b, QUIC_SENT_ACK, 0, space->largest_rcvd, 0, false);
	quic_pnspace_on_ack_sent(space);
}

static void quic_output_put_simple(struct quic_pkt_builder *b,
				   enum quic_sent_kind kind, bool *pending)
{
	if (!*pending || !quic_pkt_room(b) || !quic_pkt_records_left(b))
		return;
	if (kind == QUIC_SENT_PING)
		quic_frame_put_ping(quic_pkt_put(b, 1));
	else
		quic_frame_put_handshake_done(quic_pkt_put(b, 1));
	quic_pkt_record(b, kind, 0, 0, 0, false);
	*pending = false;
}

static void quic_output_put_data(struct quic_output *out,
				 struct quic_pkt_builder *b)
{
	struct quic_conn *conn = out->conn;

	if (b->level < QUIC_CRYPTO_STREAMS)
		quic_crypto_put_frames(conn, b->level, b);
	if (b->level == QUIC_CRYPTO_APP) {
		quic_output_put_simple(b, QUIC_SENT_HANDSHAKE_DONE,
				       &conn->hs.done_pending);
		quic_cids_put_frames(conn, b);
		quic_new_token_put_frames(conn, b);
	}
	if (b->space != QUIC_SPACE_APP)
		return;
	quic_dgrams_put_frames(conn, b);
	quic_streams_put_frames(conn, b);
	quic_output_put_simple(b, QUIC_SENT_PING, &conn->ping_pending);
}

static void quic_output_put_frames(struct quic_output *out,
				   struct quic_pkt_builder *b)
{
	struct quic_conn *conn = out->conn;
	struct quic_pnspace *space = &conn->spaces[b->space];
	bool ping;

	/* RFC 9000, 12.5: there is no ACK in 0-RTT packets. */
	if (b->level != QUIC_CRYPTO_EARLY)
		quic_output_put_ack(out, b);
	if (out->data_ok || conn->pto_probes[b->space])
		quic_output_put_data(out, b);
	/* A probe has to elicit an answer (RFC 9002, 6.2.4), and so has one ACK
	 * among many, so that old ranges can be forgotten (RFC 9000, 13.2.4).
	 */
	ping = !b->sent->ack_eliciting &&
	       (conn->pto_probes[b->space] || quic_pnspace_wants_ping(space));
	quic_output_put_simple(b, QUIC_SENT_PING, &ping);
	if (conn->pto_probes[b->space])
		conn->pto_probes[b->space]--;
}

/* Any probe may be the one that arrives. In a handshake there are even servers
 * that refuse a first packet without the ClientHello.
 */
static void quic_output_fill_probe(struct quic_conn *conn, u8 level, u32 size)
{
	enum quic_space_id id = quic_level_space(level);

	if (conn->pto_probes[id] && !quic_output_data_pending(conn, level))
		quic_outcome_repeat(conn, id, size);
}

/* Returns the bytes of the packet at @buf, 0 if there is none. Only the last
 * packet can fill the datagram up: @more says that another one may follow.
 */
static int quic_output_packet(struct quic_output *out, enum quic_pkt_type type,
			      u8 *buf, u32 size, u32 pad_to, bool more)
{
	struct quic_conn *conn = out->conn;
	struct quic_pkt_builder b;
	int len;

	quic_output_fill_probe(conn, quic_pkt_level(type), size);
	if (quic_pkt_begin(&b, conn, type, buf, size))
		return 0;
	quic_output_put_frames(out, &b);
	out->eliciting |= b.sent->ack_eliciting;
	/* A client pads every datagram with an Initial packet, a server those
	 * that elicit an acknowledgment (RFC 9000, 14.1).
	 */
	if ((!conn->is_server || out->eliciting) &&
	    (!more || quic_pkt_room(&b) < QUIC_OUTPUT_MIN_PACKET))
		quic_pkt_pad(&b, min(pad_to, size));
	if (!b.len) {
		quic_pkt_abort(&b);
		return 0;
	}
	b.sent->ect = out->ecn == INET_ECN_ECT_0;
	len = quic_pkt_finish(&b, out->now);
	if (len < 0) {
		QUIC_INC_STATS(quic_conn_net(conn), PKT_ENC_DROP);
		quic_close_transport(conn,
				     QUIC_TRANSPORT_ERROR_AEAD_LIMIT_REACHED,
				     0, "no more packets with this key");
		return 0;
	}
	out->sealed++;
	return len;
}

static u32 quic_output_pad_to(u8 levels, u32 done)
{
	if (!(levels & BIT(QUIC_CRYPTO_INITIAL)) ||
	    done >= QUIC_MIN_UDP_PAYLOAD)
		return 0;
	return QUIC_MIN_UDP_PAYLOAD - done;
}

static u32 quic_output_coalesce(struct quic_output *out, u8 levels, u8 *buf,
				u32 size)
{
	struct quic_conn *conn = out->conn;
	const struct quic_output_level *lv;
	u8 left = levels;
	u32 done = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(quic_output_levels); i++) {
		lv = &quic_output_levels[i];
		if (!(left & BIT(lv->level)))
			continue;
		left &= ~BIT(lv->level);
		done += quic_output_packet(out, lv->type, buf + done,
					   size - done,
					   quic_output_pad_to(levels, done),
					   left);
		if (conn->close.state != QUIC_CLOSE_NONE &&
		    conn->close.state != QUIC_CLOSE_LINGER)
			return 0;
	}
	return done;
}

static u8 quic_output_wanted_levels(struct quic_output *out)
{
	u8 levels = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(quic_output_levels); i++)
		if (quic_output_wanted(out, quic_output_levels[i].level))
			levels |= BIT(quic_output_levels[i].level);
	return levels;
}

static u32 quic_output_datagram_size(struct quic_conn *conn, u8 levels)
{
	u32 size = conn->path.max_payload;

	if (levels & ~(BIT(QUIC_CRYPTO_APP) | BIT(QUIC_CRYPTO_EARLY)))
		return min_t(u32, size, QUIC_HANDSHAKE_PAYLOAD);
	return min_t(u64, size, quic_path_amp_credit(&conn->path));
}

/* Datagrams of the handshake are padded (RFC 9000, 14.1). */
static u32 quic_output_min_credit(const struct quic_conn *conn)
{
	return conn->hs.confirmed ? QUIC_PATH_MIN_CREDIT : QUIC_MIN_UDP_PAYLOAD;
}

static void quic_output_check_credit(struct quic_output *out)
{
	struct quic_conn *conn = out->conn;
	struct quic_recovery *rec = &conn->rec;
	u32 size = conn->path.max_payload;

	out->data_ok = quic_recovery_can_send(rec, size) &&
		       quic_pacer_budget(&rec->pacer, out->now) >= size;
	rec->amp_blocked = quic_path_amp_credit(&conn->path) <
			   quic_output_min_credit(conn);
}

static void quic_output_flush(struct quic_output *out)
{
	struct quic_conn *conn = out->conn;
	int err;

	if (quic_batch_empty(&conn->batch))
		return;
	err = quic_batch_flush(conn, &conn->path, out->ecn);
	if (err)
		quic_roam_on_send_error(conn, err);
}

/* Room for a datagram of up to @size in the batch, which is sent when what it
 * holds does not go with that size or mark.
 */
static u8 *quic_output_reserve(struct quic_output *out, u32 size)
{
	struct quic_conn *conn = out->conn;
	u8 ecn = INET_ECN_NOT_ECT;

	if (quic_ecn_mark(&conn->rec.ecn))
		ecn = INET_ECN_ECT_0;
	if (ecn != out->ecn || !quic_batch_fits(&conn->batch, size))
		quic_output_flush(out);
	out->ecn = ecn;
	return quic_batch_reserve(conn, size);
}

/* Returns false when there is nothing (more) to send now. */
static bool quic_output_datagram(struct quic_output *out)
{
	struct quic_conn *conn = out->conn;
	u32 size, len;
	u8 levels;
	u8 *buf;

	quic_output_check_credit(out);
	levels = quic_output_wanted_levels(out);
	if (!levels || conn->rec.amp_blocked)
		return false;
	size = quic_output_datagram_size(conn, levels);
	buf = quic_output_reserve(out, size);
	if (!buf) {
		out->stalled = true;
		return false;
	}
	out->eliciting = false;
	len = quic_output_coalesce(out, levels, buf, size);
	quic_batch_commit(&conn->batch, len);
	if (!len)
		return false;
	out->sent_eliciting |= out->eliciting;
	conn->path.tx_bytes += len;
	if (quic_batch_full(&conn->batch))
		quic_output_flush(out);
	return true;
}

/* The client has no use for Initial keys once it has sent a Handshake packet
 * (RFC 9001, 4.9.1).
 */
static void quic_output_discard_initial(struct quic_conn *conn)
{
	if (!conn->is_server && !conn->spaces[QUIC_SPACE_INITIAL].discarded &&
	    conn->spaces[QUIC_SPACE_HANDSHAKE].next_pn)
		quic_handshake_discard_space(conn, QUIC_CRYPTO_INITIAL);
}

/* A deadline that cannot be met would expire for ever. */
static ktime_t quic_output_ack_deadline(struct quic_conn *conn)
{
	ktime_t first = KTIME_MAX;
	int i;

	if (conn->rec.amp_blocked)
		return first;
	for (i = 0; i < ARRAY_SIZE(quic_output_levels); i++) {
		u8 level = quic_output_levels[i].level;
		struct quic_pnspace *space;

		space = &conn->spaces[quic_level_space(level)];
		if (level != QUIC_CRYPTO_EARLY && !space->discarded &&
		    quic_output_level_usable(conn, level))
			first = min(first, space->ack_deadline);
	}
	return first;
}

static bool quic_output_any_data(struct quic_conn *conn)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(quic_output_levels); i++) {
		u8 level = quic_output_levels[i].level;

		if (quic_output_level_usable(conn, level) &&
		    quic_output_data_pending(conn, level))
			return true;
	}
	return false;
}

/* Until when small data is held back. Of two packets a peer acknowledges the
 * second one at once (RFC 9000, 13.2.2), which is looked at then: a timer for
 * each write of a large transfer would expire for nothing.
 */
static ktime_t quic_output_release(const struct quic_conn *conn)
{
	return conn->spaces[QUIC_SPACE_APP].nr_eliciting > 1 ?
	       KTIME_MAX : conn->streams.release;
}

static ktime_t quic_output_pace_deadline(struct quic_output *out)
{
	struct quic_conn *conn = out->conn;
	u32 size = conn->path.max_payload;

	if (conn->rec.amp_blocked)
		return KTIME_MAX;
	conn->streams.release = KTIME_MAX;	/* no key, no look at streams */
	if (!quic_output_any_data(conn))
		return quic_output_release(conn);
	if (out->stalled)
		return ktime_add_us(out->now, QUIC_OUTPUT_RETRY_US);
	/* What waits for credit is not for the pacer. */
	if (out->data_ok || !quic_recovery_can_send(&conn->rec, size))
		return KTIME_MAX;
	/* Asked for the whole window, it is the pacer that bounds the burst. */
	return quic_pacer_next_send(&conn->rec.pacer,
				    quic_recovery_window(&conn->rec), out->now);
}

static void quic_output_set_timers(struct quic_output *out)
{
	struct quic_conn *conn = out->conn;
	u64 keepalive = conn->settings.config.keepalive_probe_interval;
	ktime_t ack = quic_output_ack_deadline(conn);

	if (out->stalled)
		ack = max(ack, ktime_add_us(out->now, QUIC_OUTPUT_RETRY_US));
	quic_timer_set(conn, QUIC_TIMER_LOSS,
		       quic_loss_timer(&conn->rec, conn->spaces));
	quic_timer_set(conn, QUIC_TIMER_ACK, ack);
	quic_timer_set(conn, QUIC_TIMER_PATH,
		       min(quic_migrate_deadline(conn),
			   quic_probe_deadline(conn)));
	quic_timer_set(conn, QUIC_TIMER_PACE, quic_output_pace_deadline(out));
	if (!out->sent_eliciting)
		return;
	/* RFC 9000, 10.1: only the first since the peer was last heard. */
	if (!conn->idle_sent)
		quic_conn_idle_restart(conn, out->now);
	conn->idle_sent = true;
	if (keepalive && conn->hs.complete)
		quic_timer_set(conn, QUIC_TIMER_KEEPALIVE,
			       ktime_add_us(out->now, keepalive));
}

/* Entries come and go where nobody knows the socket; it is charged for the sum.
 * What cannot be had now is a debt that its next allocation settles.
 */
static void quic_output_charge_ledger(struct quic_conn *conn)
{
	int more = conn->rec.sent_mem - conn->ledger_mem;
	struct sock *sk = quic_conn_sk(conn);

	if (more > 0) {
		sk_wmem_schedule(sk, more);
		sk_mem_charge(sk, more);
	} else if (more < 0) {
		sk_mem_uncharge(sk, -more);
	}
	conn->ledger_mem += more;
}

/* What is sent next will tell how fast the program is, not the network. */
static void quic_output_check_app_limited(struct quic_conn *conn)
{
	struct quic_cc *cc = &conn->rec.cc;

	if (quic_recovery_can_send(&conn->rec, conn->path.max_payload) &&
	    !quic_output_any_data(conn))
		quic_rate_app_limited(&cc->rate, cc->bytes_in_flight);
}

/* SO_MAX_PACING_RATE, which may be set at any time. */
static void quic_output_bound_pace(struct quic_conn *conn)
{
	unsigned long rate = READ_ONCE(quic_conn_sk(conn)->sk_max_pacing_rate);

	quic_recovery_set_max_rate(&conn->rec, rate == ~0UL ?
				   QUIC_PACE_UNLIMITED : rate);
}

/* Once for many packets: per-CPU counters cost system calls on some platforms. */
static void quic_output_count_opened(struct quic_conn *conn)
{
	if (!conn->stats.opened)
		return;
	QUIC_ADD_STATS(quic_conn_net(conn), PKT_DEC_FASTPATHS,
		       conn->stats.opened);
	conn->stats.opened = 0;
}

/**
 * quic_output - send whatever may be sent now, and set the timers for the rest
 * @conn: the connection
 *
 * Context: connection lock held.
 */
void quic_output(struct quic_conn *conn)
{
	struct quic_output out = {
		.conn	= conn,
		.now	= ktime_get(),
		.ecn	= INET_ECN_NOT_ECT,
	};

	quic_conn_assert_held(conn);
	quic_output_count_opened(conn);
	if (conn->in_output || !conn->path.endpoint || !conn->cids.active ||
	    (conn->close.state != QUIC_CLOSE_NONE &&
	     conn->close.state != QUIC_CLOSE_LINGER))
		return;
	/* Let the peer answer a key update even if there is no data for it. */
	if (quic_keys_update_pending(&conn->keys))
		conn->ping_pending = true;
	quic_output_bound_pace(conn);
	conn->streams.now = out.now;
	conn->in_output = true;
	quic_probe_output(conn, out.now);
	while (quic_output_datagram(&out))
		;
	quic_output_flush(&out);
	conn->in_output = false;
	if (out.sealed)
		QUIC_ADD_STATS(quic_conn_net(conn), PKT_ENC_FASTPATHS,
			       out.sealed);
	if (conn->close.state != QUIC_CLOSE_NONE &&
	    conn->close.state != QUIC_CLOSE_LINGER)
		return;
	quic_output_discard_initial(conn);
	quic_output_charge_ledger(conn);
	quic_output_check_app_limited(conn);
	quic_output_set_timers(&out);
	quic_close_linger_check(conn);
}

static void quic_output_put_close(struct quic_conn *conn,
				  struct quic_pkt_builder *b)
{
	const struct quic_close *close = &conn->close;
	const u8 *reason = conn->settings.close.phrase;
	u32 reason_len = strnlen(reason, QUIC_CLOSE_PHRASE_BUFFER_SIZE);
	u64 code = close->code;
	bool app = close->app;
	u32 len;

	/* RFC 9000, 10.2.3: what the application says is not for packets that
	 * anybody can read.
	 */
	if (app && b->level != QUIC_CRYPTO_APP) {
		app = false;
		code = QUIC_TRANSPORT_ERROR_APPLICATION;
		reason_len = 0;
	}
	len = app ? quic_frame_len_connection_close_app(code, reason_len) :
		    quic_frame_len_connection_close(code, close->frame_type,
						    reason_len);
	if (len > quic_pkt_room(b))
		return;
	if (app)
		quic_frame_put_connection_close_app(quic_pkt_put(b, len), code,
						    reason, reason_len);
	else
		quic_frame_put_connection_close(quic_pkt_put(b, len), code,
						close->frame_type, reason,
						reason_len);
	quic_pkt_record(b, QUIC_SENT_CLOSE, 0, 0, 0, false);
}

/* Levels that the peer may be able to read (RFC 9000, 10.2.3). */
static u8 quic_output_close_levels(struct quic_conn *conn)
{
	u8 levels = 0;
	int i;

	if (conn->hs.confirmed)
		return BIT(QUIC_CRYPTO_APP);
	for (i = 0; i < ARRAY_SIZE(quic_output_levels); i++)
		if (quic_output_levels[i].level != QUIC_CRYPTO_EARLY &&
		    quic_keys_tx(&conn->keys, quic_output_levels[i].level))
			levels |= BIT(quic_output_levels[i].level);
	return levels;
}

/**
 * quic_output_close - send one datagram with CONNECTION_CLOSE
 * @conn: the connection, with quic_close filled in
 *
 * Neither congestion window nor pacer are asked: it is one packet, and the last
 * one. The anti-amplification limit is kept.
 *
 * Context: connection lock held.
 */
void quic_output_close(struct quic_conn *conn)
{
	u32 size = min_t(u64, QUIC_MIN_UDP_PAYLOAD,
			 quic_path_amp_credit(&conn->path));
	u8 levels = quic_output_close_levels(conn);
	struct quic_pkt_builder b;
	ktime_t now = ktime_get();
	u32 done = 0;
	u8 *buf;
	int i, len;

	if (!conn->path.endpoint || !conn->cids.active || !levels)
		return;
	if (!quic_batch_empty(&conn->batch))
		quic_batch_flush(conn, &conn->path, INET_ECN_NOT_ECT);
	buf = quic_batch_reserve(conn, size);
	if (!buf)
		return;
	for (i = 0; i < ARRAY_SIZE(quic_output_levels); i++) {
		if (!(levels & BIT(quic_output_levels[i].level)) ||
		    quic_pkt_begin(&b, conn, quic_output_levels[i].type,
				   buf + done, size - done))
			continue;
		levels &= ~BIT(b.level);
		quic_output_put_close(conn, &b);
		if (!levels && done + b.hdr_len + b.len < size &&
		    !conn->spaces[QUIC_SPACE_INITIAL].discarded)
			quic_pkt_pad(&b, size - done);
		if (!b.len) {
			quic_pkt_abort(&b);
			continue;
		}
		len = quic_pkt_finish(&b, now);
		if (len > 0)
			done += len;
	}
	quic_batch_commit(&conn->batch, done);
	if (!done)
		return;
	conn->path.tx_bytes += done;
	quic_batch_flush(conn, &conn->path, INET_ECN_NOT_ECT);
	QUIC_INC_STATS(quic_conn_net(conn), FRM_OUT_CLOSES);
}

static void quic_output_owe_probes(struct quic_conn *conn,
				   enum quic_space_id id, u8 nr)
{
	quic_outcome_repeat(conn, id, nr * conn->path.max_payload);
	conn->pto_probes[id] = nr;
}

/**
 * quic_output_loss_timeout - the loss timer has expired
 * @conn: the connection
 * @now:  current time
 *
 * Context: connection lock held; quic_output() follows.
 */
void quic_output_loss_timeout(struct quic_conn *conn, ktime_t now)
{
	struct quic_loss_verdict verdict;
	LIST_HEAD(lost);
	int i;

	quic_loss_on_timeout(&conn->rec, conn->spaces, now, &lost, &verdict);
	quic_outcome_lost(conn, &lost);
	trace_quic_metrics(quic_conn_sk(conn), &conn->rec);
	if (!verdict.nr_probes)
		return;
	conn->stats.ptos++;
	quic_path_on_pto(conn);
	quic_roam_on_pto(conn);
	quic_output_owe_probes(conn, verdict.space, verdict.nr_probes);
	for (i = 0; i < QUIC_SPACE_MAX; i++)
		if (verdict.others & BIT(i))
			quic_output_owe_probes(conn, i, 1);
}
