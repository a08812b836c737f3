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

struct sock;

/* Bits of enum quic_pkt_type. */
#define show_quic_pkt_type(type)			\
	__print_symbolic(type,				\
			 { 0x01, "Initial" },		\
			 { 0x02, "0-RTT" },		\
			 { 0x04, "Handshake" },		\
			 { 0x08, "1-RTT" },		\
			 { 0x10, "Retry" },		\
			 { 0x20, "Version Negotiation" })

/* The drop counters of net/quic/mib.h, which trace.c includes first. */
TRACE_DEFINE_ENUM(QUIC_MIB_PKT_INV_HDR_DROP);
TRACE_DEFINE_ENUM(QUIC_MIB_PKT_INV_NUM_DROP);
TRACE_DEFINE_ENUM(QUIC_MIB_PKT_INV_FRM_DROP);
TRACE_DEFINE_ENUM(QUIC_MIB_PKT_RCV_DROP);
TRACE_DEFINE_ENUM(QUIC_MIB_PKT_DEC_DROP);
TRACE_DEFINE_ENUM(QUIC_MIB_FRM_RCV_BUF_DROP);

#define show_quic_drop(why)							\
	__print_symbolic(why,							\
			 { QUIC_MIB_PKT_INV_HDR_DROP, "header" },		\
			 { QUIC_MIB_PKT_INV_NUM_DROP, "duplicate" },		\
			 { QUIC_MIB_PKT_INV_FRM_DROP, "frame" },		\
			 { QUIC_MIB_PKT_RCV_DROP, "no taker or room" },		\
			 { QUIC_MIB_PKT_DEC_DROP, "not authentic" },		\
			 { QUIC_MIB_FRM_RCV_BUF_DROP, "receive buffer" })

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

	TP_printk("sk=%p %s pn=%llu len=%u", __entry->sk,
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

/* An acknowledgment was processed: what congestion control makes of it. */
TRACE_EVENT(quic_cwnd,

	TP_PROTO(const struct sock *sk, u64 cwnd, u64 bytes_in_flight,
		 u32 smoothed_rtt_us),

	TP_ARGS(sk, cwnd, bytes_in_flight, smoothed_rtt_us),

	TP_STRUCT__entry(
		__field(const void *, sk)
		__field(u64, cwnd)
		__field(u64, bytes_in_flight)
		__field(u32, smoothed_rtt_us)
	),

	TP_fast_assign(
		__entry->sk = sk;
		__entry->cwnd = cwnd;
		__entry->bytes_in_flight = bytes_in_flight;
		__entry->smoothed_rtt_us = smoothed_rtt_us;
	),

	TP_printk("sk=%p cwnd=%llu in_flight=%llu srtt=%uus", __entry->sk,
		  __entry->cwnd, __entry->bytes_in_flight,
		  __entry->smoothed_rtt_us)
);

/* The peer has moved the key phase (RFC 9001, 6). */
TRACE_EVENT(quic_key_update,

	TP_PROTO(const struct sock *sk, u8 phase),

	TP_ARGS(sk, phase),

	TP_STRUCT__entry(
		__field(const void *, sk)
		__field(u8, phase)
	),

	TP_fast_assign(
		__entry->sk = sk;
		__entry->phase = phase;
	),

	TP_printk("sk=%p phase=%u", __entry->sk, __entry->phase)
);

#endif /* _TRACE_QUIC_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
