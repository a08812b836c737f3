/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints of QUIC: the story of one connection, a line for each decision.
 * The socket's address tells connections apart. Changes of state are reported
 * by inet_sock_set_state of <trace/events/sock.h>.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM quic

#if !defined(_TRACE_QUIC_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_QUIC_H

#include <linux/tracepoint.h>

struct quic_cid;
struct quic_recovery;
struct sock;
union quic_addr;

/* Bits of enum quic_pkt_type. */
#define show_quic_pkt_type(type)			\
	__print_symbolic(type,				\
			 { 0x01, "Initial" },		\
			 { 0x02, "0-RTT" },		\
			 { 0x04, "Handshake" },		\
			 { 0x08, "1-RTT" },		\
			 { 0x10, "Retry" },		\
			 { 0x20, "Version-Negotiation" })

/* The reasons of net/quic/drop.h. */
TRACE_DEFINE_ENUM(QUIC_DROP_HEADER);
TRACE_DEFINE_ENUM(QUIC_DROP_NO_CONN);
TRACE_DEFINE_ENUM(QUIC_DROP_NO_LISTENER);
TRACE_DEFINE_ENUM(QUIC_DROP_NOT_FIRST);
TRACE_DEFINE_ENUM(QUIC_DROP_TOKEN);
TRACE_DEFINE_ENUM(QUIC_DROP_HELLO);
TRACE_DEFINE_ENUM(QUIC_DROP_BUSY);
TRACE_DEFINE_ENUM(QUIC_DROP_BACKLOG);
TRACE_DEFINE_ENUM(QUIC_DROP_RCVBUF);
TRACE_DEFINE_ENUM(QUIC_DROP_PATH);
TRACE_DEFINE_ENUM(QUIC_DROP_CLOSED);
TRACE_DEFINE_ENUM(QUIC_DROP_NO_KEY);
TRACE_DEFINE_ENUM(QUIC_DROP_AUTH);
TRACE_DEFINE_ENUM(QUIC_DROP_DUPLICATE);
TRACE_DEFINE_ENUM(QUIC_DROP_FRAME);
TRACE_DEFINE_ENUM(QUIC_DROP_NOMEM);

#define show_quic_drop(why)					\
	__print_symbolic(why,					\
			 { QUIC_DROP_HEADER, "HEADER" },	\
			 { QUIC_DROP_NO_CONN, "NO_CONN" },	\
			 { QUIC_DROP_NO_LISTENER, "NO_LISTENER" },	\
			 { QUIC_DROP_NOT_FIRST, "NOT_FIRST" },	\
			 { QUIC_DROP_TOKEN, "TOKEN" },		\
			 { QUIC_DROP_HELLO, "HELLO" },		\
			 { QUIC_DROP_BUSY, "BUSY" },		\
			 { QUIC_DROP_BACKLOG, "BACKLOG" },	\
			 { QUIC_DROP_RCVBUF, "RCVBUF" },	\
			 { QUIC_DROP_PATH, "PATH" },		\
			 { QUIC_DROP_CLOSED, "CLOSED" },	\
			 { QUIC_DROP_NO_KEY, "NO_KEY" },	\
			 { QUIC_DROP_AUTH, "AUTH" },		\
			 { QUIC_DROP_DUPLICATE, "DUPLICATE" },	\
			 { QUIC_DROP_FRAME, "FRAME" },		\
			 { QUIC_DROP_NOMEM, "NOMEM" })

/* A connection begins: connect() or accept(). */
TRACE_EVENT(quic_conn_new,

	TP_PROTO(const struct sock *sk, bool is_server, u32 version,
		 const struct quic_cid *odcid, const union quic_addr *local,
		 const union quic_addr *peer),

	TP_ARGS(sk, is_server, version, odcid, local, peer),

	TP_STRUCT__entry(
		__field(const void *, sk)
		__field(u32, version)
		__field(bool, is_server)
		__array(u8, local, sizeof(struct sockaddr_in6))
		__array(u8, peer, sizeof(struct sockaddr_in6))
		__field(u8, odcid_len)
		__array(u8, odcid, QUIC_CID_MAX_LEN)
	),

	TP_fast_assign(
		__entry->sk = sk;
		__entry->version = version;
		__entry->is_server = is_server;
		memcpy(__entry->local, local, sizeof(struct sockaddr_in6));
		memcpy(__entry->peer, peer, sizeof(struct sockaddr_in6));
		__entry->odcid_len = odcid->len;
		memcpy(__entry->odcid, odcid->data, odcid->len);
	),

	TP_printk("sk=%p server=%u version=0x%x odcid=%s local=%pISpc peer=%pISpc",
		  __entry->sk, __entry->is_server, __entry->version,
		  __print_hex_str(__entry->odcid, __entry->odcid_len),
		  __entry->local, __entry->peer)
);

/* The handshake has got on: "complete" or "confirmed" (RFC 9001, 4.1). */
TRACE_EVENT(quic_conn_state,

	TP_PROTO(const struct sock *sk, const char *state),

	TP_ARGS(sk, state),

	TP_STRUCT__entry(
		__field(const void *, sk)
		__string(state, state)
	),

	TP_fast_assign(
		__entry->sk = sk;
		__assign_str(state);
	),

	TP_printk("sk=%p state=%s", __entry->sk, __get_str(state))
);

/* The version has changed by negotiation (RFC 9368). */
TRACE_EVENT(quic_conn_version,

	TP_PROTO(const struct sock *sk, u32 version),

	TP_ARGS(sk, version),

	TP_STRUCT__entry(
		__field(const void *, sk)
		__field(u32, version)
	),

	TP_fast_assign(
		__entry->sk = sk;
		__entry->version = version;
	),

	TP_printk("sk=%p version=0x%x", __entry->sk, __entry->version)
);

/* Another path is in use (RFC 9000, 9). */
TRACE_EVENT(quic_conn_moved,

	TP_PROTO(const struct sock *sk, const union quic_addr *local,
		 const union quic_addr *peer),

	TP_ARGS(sk, local, peer),

	TP_STRUCT__entry(
		__field(const void *, sk)
		__array(u8, local, sizeof(struct sockaddr_in6))
		__array(u8, peer, sizeof(struct sockaddr_in6))
	),

	TP_fast_assign(
		__entry->sk = sk;
		memcpy(__entry->local, local, sizeof(struct sockaddr_in6));
		memcpy(__entry->peer, peer, sizeof(struct sockaddr_in6));
	),

	TP_printk("sk=%p local=%pISpc peer=%pISpc", __entry->sk,
		  __entry->local, __entry->peer)
);

/* It ends for programs. By whom: us, the peer, or nobody (idle, reset). */
TRACE_EVENT(quic_conn_closed,

	TP_PROTO(const struct sock *sk, const char *by, bool app, u64 code),

	TP_ARGS(sk, by, app, code),

	TP_STRUCT__entry(
		__field(const void *, sk)
		__field(u64, code)
		__field(bool, app)
		__string(by, by)
	),

	TP_fast_assign(
		__entry->sk = sk;
		__entry->code = code;
		__entry->app = app;
		__assign_str(by);
	),

	TP_printk("sk=%p by=%s app=%u code=0x%llx", __entry->sk,
		  __get_str(by), __entry->app, __entry->code)
);

DECLARE_EVENT_CLASS(quic_pkt,

	TP_PROTO(const struct sock *sk, u8 type, u64 pn, u32 len),

	TP_ARGS(sk, type, pn, len),

	TP_STRUCT__entry(
		__field(const void *, sk)
		__field(u64, pn)
		__field(u32, len)
		__field(u8, type)
	),

	TP_fast_assign(
		__entry->sk = sk;
		__entry->pn = pn;
		__entry->len = len;
		__entry->type = type;
	),

	TP_printk("sk=%p type=%s pn=%llu len=%u", __entry->sk,
		  show_quic_pkt_type(__entry->type), __entry->pn, __entry->len)
);

/* A packet was sealed for the next batch. */
DEFINE_EVENT(quic_pkt, quic_pkt_sent,
	TP_PROTO(const struct sock *sk, u8 type, u64 pn, u32 len),
	TP_ARGS(sk, type, pn, len)
);

/* A packet was opened and is new. */
DEFINE_EVENT(quic_pkt, quic_pkt_rcvd,
	TP_PROTO(const struct sock *sk, u8 type, u64 pn, u32 len),
	TP_ARGS(sk, type, pn, len)
);

/* A packet was declared lost (RFC 9002, 6). */
DEFINE_EVENT(quic_pkt, quic_pkt_lost,
	TP_PROTO(const struct sock *sk, u8 type, u64 pn, u32 len),
	TP_ARGS(sk, type, pn, len)
);

/* A received packet was discarded. */
TRACE_EVENT(quic_pkt_dropped,

	TP_PROTO(const struct sock *sk, int why),

	TP_ARGS(sk, why),

	TP_STRUCT__entry(
		__field(const void *, sk)
		__field(int, why)
	),

	TP_fast_assign(
		__entry->sk = sk;
		__entry->why = why;
	),

	TP_printk("sk=%p why=%s", __entry->sk,
		  show_quic_drop(__entry->why))
);

DECLARE_EVENT_CLASS(quic_frame,

	TP_PROTO(const struct sock *sk, u8 type, u64 pn, const char *frame,
		 u64 id, u64 offset, u32 len, bool fin),

	TP_ARGS(sk, type, pn, frame, id, offset, len, fin),

	TP_STRUCT__entry(
		__field(const void *, sk)
		__field(u64, pn)
		__field(u64, id)
		__field(u64, offset)
		__field(u32, len)
		__field(u8, type)
		__field(bool, fin)
		__string(frame, frame)
	),

	TP_fast_assign(
		__entry->sk = sk;
		__entry->pn = pn;
		__entry->id = id;
		__entry->offset = offset;
		__entry->len = len;
		__entry->type = type;
		__entry->fin = fin;
		__assign_str(frame);
	),

	TP_printk("sk=%p type=%s pn=%llu frame=%s id=%llu offset=%llu len=%u fin=%u",
		  __entry->sk, show_quic_pkt_type(__entry->type), __entry->pn,
		  __get_str(frame), __entry->id, __entry->offset,
		  __entry->len, __entry->fin)
);

/* A frame was put into a packet, which quic_pkt_sent follows. What the numbers
 * mean is said at enum quic_sent_kind.
 */
DEFINE_EVENT(quic_frame, quic_frame_sent,
	TP_PROTO(const struct sock *sk, u8 type, u64 pn, const char *frame,
		 u64 id, u64 offset, u32 len, bool fin),
	TP_ARGS(sk, type, pn, frame, id, offset, len, fin)
);

/* A frame of a packet that quic_pkt_rcvd has told of. */
DEFINE_EVENT(quic_frame, quic_frame_rcvd,
	TP_PROTO(const struct sock *sk, u8 type, u64 pn, const char *frame,
		 u64 id, u64 offset, u32 len, bool fin),
	TP_ARGS(sk, type, pn, frame, id, offset, len, fin)
);

DECLARE_EVENT_CLASS(quic_ack,

	TP_PROTO(const struct sock *sk, u8 type, u64 pn, u64 smallest,
		 u64 largest, u64 delay_us),

	TP_ARGS(sk, type, pn, smallest, largest, delay_us),

	TP_STRUCT__entry(
		__field(const void *, sk)
		__field(u64, pn)
		__field(u64, smallest)
		__field(u64, largest)
		__field(u64, delay_us)
		__field(u8, type)
	),

	TP_fast_assign(
		__entry->sk = sk;
		__entry->pn = pn;
		__entry->smallest = smallest;
		__entry->largest = largest;
		__entry->delay_us = delay_us;
		__entry->type = type;
	),

	TP_printk("sk=%p type=%s pn=%llu smallest=%llu largest=%llu delay_us=%llu",
		  __entry->sk, show_quic_pkt_type(__entry->type), __entry->pn,
		  __entry->smallest, __entry->largest, __entry->delay_us)
);

/* One range of an ACK frame that we send, the largest first. */
DEFINE_EVENT(quic_ack, quic_ack_sent,
	TP_PROTO(const struct sock *sk, u8 type, u64 pn, u64 smallest,
		 u64 largest, u64 delay_us),
	TP_ARGS(sk, type, pn, smallest, largest, delay_us)
);

/* One range of an ACK frame that has come, the largest first. */
DEFINE_EVENT(quic_ack, quic_ack_rcvd,
	TP_PROTO(const struct sock *sk, u8 type, u64 pn, u64 smallest,
		 u64 largest, u64 delay_us),
	TP_ARGS(sk, type, pn, smallest, largest, delay_us)
);

/* What recovery and congestion control make of an acknowledgment, or of its
 * absence.
 */
TRACE_EVENT(quic_metrics,

	TP_PROTO(const struct sock *sk, const struct quic_recovery *rec),

	TP_ARGS(sk, rec),

	TP_STRUCT__entry(
		__field(const void *, sk)
		__field(u64, cwnd)
		__field(u64, ssthresh)
		__field(u64, bytes_in_flight)
		__field(u32, smoothed_us)
		__field(u32, rttvar_us)
		__field(u32, min_us)
		__field(u32, latest_us)
		__field(u32, pto_count)
	),

	TP_fast_assign(
		__entry->sk = sk;
		__entry->cwnd = rec->cc.cwnd;
		__entry->ssthresh = rec->cc.ssthresh;
		__entry->bytes_in_flight = rec->cc.bytes_in_flight;
		__entry->smoothed_us = rec->rtt.smoothed_us;
		__entry->rttvar_us = rec->rtt.rttvar_us;
		__entry->min_us = rec->rtt.min_us;
		__entry->latest_us = rec->rtt.latest_us;
		__entry->pto_count = rec->pto_count;
	),

	TP_printk("sk=%p cwnd=%llu ssthresh=%llu in_flight=%llu srtt_us=%u rttvar_us=%u min_rtt_us=%u latest_rtt_us=%u pto_count=%u",
		  __entry->sk, __entry->cwnd, __entry->ssthresh,
		  __entry->bytes_in_flight, __entry->smoothed_us,
		  __entry->rttvar_us, __entry->min_us, __entry->latest_us,
		  __entry->pto_count)
);

/* One end has moved the key phase (RFC 9001, 6): its first packet under the new
 * keys leaves or has come. The other end follows, which is not told.
 */
TRACE_EVENT(quic_key_update,

	TP_PROTO(const struct sock *sk, const char *by, u8 phase),

	TP_ARGS(sk, by, phase),

	TP_STRUCT__entry(
		__field(const void *, sk)
		__field(u8, phase)
		__string(by, by)
	),

	TP_fast_assign(
		__entry->sk = sk;
		__entry->phase = phase;
		__assign_str(by);
	),

	TP_printk("sk=%p by=%s phase=%u", __entry->sk, __get_str(by),
		  __entry->phase)
);

#endif /* _TRACE_QUIC_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
