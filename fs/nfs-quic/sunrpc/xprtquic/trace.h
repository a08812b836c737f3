/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RPC over QUIC: trace events. What happens to requests before and after the
 * transport is in the events of sunrpc; packets are in those of quic.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM rpcquic

#if !defined(_XPRTQUIC_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _XPRTQUIC_TRACE_H

#include <linux/sunrpc/svc_xprt.h>
#include <linux/sunrpc/xprt.h>
#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(rpcquic_peer,
	TP_PROTO(const char *peer, int status),
	TP_ARGS(peer, status),
	TP_STRUCT__entry(
		__string(peer, peer)
		__field(int, status)
	),
	TP_fast_assign(
		__assign_str(peer);
		__entry->status = status;
	),
	TP_printk("peer=%s status=%d", __get_str(peer), __entry->status)
);

#define DEFINE_RPCQUIC_PEER_EVENT(name)				\
	DEFINE_EVENT(rpcquic_peer, name,			\
		TP_PROTO(const char *peer, int status),		\
		TP_ARGS(peer, status))

DEFINE_RPCQUIC_PEER_EVENT(xprt_quic_handshake);
DEFINE_RPCQUIC_PEER_EVENT(xprt_quic_connect);
DEFINE_RPCQUIC_PEER_EVENT(svc_quic_handshake);

TRACE_EVENT(xprt_quic_close,
	TP_PROTO(const char *peer, u32 code),
	TP_ARGS(peer, code),
	TP_STRUCT__entry(
		__string(peer, peer)
		__field(u32, code)
	),
	TP_fast_assign(
		__assign_str(peer);
		__entry->code = code;
	),
	TP_printk("peer=%s code=%u", __get_str(peer), __entry->code)
);

DECLARE_EVENT_CLASS(rpcquic_message,
	TP_PROTO(const char *peer, s64 stream, __be32 xid, u32 len),
	TP_ARGS(peer, stream, xid, len),
	TP_STRUCT__entry(
		__string(peer, peer)
		__field(s64, stream)
		__field(u32, xid)
		__field(u32, len)
	),
	TP_fast_assign(
		__assign_str(peer);
		__entry->stream = stream;
		__entry->xid = be32_to_cpu(xid);
		__entry->len = len;
	),
	TP_printk("peer=%s stream=%lld xid=0x%08x len=%u", __get_str(peer),
		  __entry->stream, __entry->xid, __entry->len)
);

#define DEFINE_RPCQUIC_MESSAGE_EVENT(name)			\
	DEFINE_EVENT(rpcquic_message, name,			\
		TP_PROTO(const char *peer, s64 stream,		\
			 __be32 xid, u32 len),			\
		TP_ARGS(peer, stream, xid, len))

DEFINE_RPCQUIC_MESSAGE_EVENT(xprt_quic_send);
DEFINE_RPCQUIC_MESSAGE_EVENT(xprt_quic_recv);
DEFINE_RPCQUIC_MESSAGE_EVENT(xprt_quic_halt);
DEFINE_RPCQUIC_MESSAGE_EVENT(svc_quic_send);
DEFINE_RPCQUIC_MESSAGE_EVENT(svc_quic_recv);

#endif /* _XPRTQUIC_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

#include <trace/define_trace.h>
