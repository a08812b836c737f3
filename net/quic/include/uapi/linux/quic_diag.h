/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/* What NETLINK_SOCK_DIAG tells of a QUIC socket.
 *
 * A request is a struct inet_diag_req_v2 as for TCP. IPPROTO_QUIC does not fit
 * into its sdiag_protocol, so that the number goes into an attribute
 * INET_DIAG_REQ_PROTOCOL (u32). If INET_DIAG_INFO is asked for, the answer has
 * an attribute of that type with struct quic_diag_info.
 *
 * Fields are only ever added at the end: a reader takes as many bytes as it
 * knows and the attribute has.
 */
#ifndef _UAPI_LINUX_QUIC_DIAG_H
#define _UAPI_LINUX_QUIC_DIAG_H

#include <linux/types.h>

/* quic_diag_info.flags */
#define QUIC_DIAG_SERVER	0x001	/* the socket came from accept() */
#define QUIC_DIAG_COMPLETE	0x002	/* both 1-RTT keys are there */
#define QUIC_DIAG_CONFIRMED	0x004	/* RFC 9001, 4.1.2 */
#define QUIC_DIAG_RETRY		0x008	/* address validated by Retry */
#define QUIC_DIAG_VALIDATED	0x010	/* the peer's address is validated */
#define QUIC_DIAG_KEY_PHASE	0x020	/* Key Phase bit that we send */
#define QUIC_DIAG_ECN		0x040	/* the path carries ECN marks */
#define QUIC_DIAG_SLOW_START	0x080	/* congestion control is in slow start */

#define QUIC_DIAG_ALPN_MAX	128

/**
 * struct quic_diag_streams - streams of one type, since the beginning
 * @opened: how many were opened
 * @max:    how many may have been opened (MAX_STREAMS)
 * @open:   how many have not ended
 * @pad:    0
 */
struct quic_diag_streams {
	__u64	opened;
	__u64	max;
	__u32	open;
	__u32	pad;
};

/**
 * struct quic_diag_info - one QUIC socket
 * @version:	 QUIC version in use, 0 for a listener
 * @cipher:	 TLS_CIPHER_* of 1-RTT packets, 0 while there is no key
 * @flags:	 QUIC_DIAG_*
 * @pto_count:	 probe timeouts since the last progress
 * @latest_rtt:	 microseconds, as all times here
 * @smoothed_rtt: RFC 9002, 5.3
 * @rttvar:	 RFC 9002, 5.3
 * @min_rtt:	 0 until there is a sample
 * @pto:	 current probe timeout
 * @mtu:	 largest UDP payload that is sent
 * @cwnd:	 bytes, as all sizes here
 * @ssthresh:	 all bits set until the first congestion event; with BBR until
 *		 the bandwidth is found, and then 0
 * @bytes_in_flight: RFC 9002
 * @pacing_rate: per second
 * @pkts_sent:	 packets
 * @pkts_received: packets that were opened and new
 * @pkts_dropped: packets received and discarded
 * @pkts_lost:	 packets declared lost
 * @pkts_spurious: packets of @pkts_lost that have arrived after all
 * @bytes_sent:	 of @pkts_sent, headers included
 * @bytes_received: of @pkts_received
 * @bytes_acked: of packets that the peer has acknowledged
 * @bytes_lost:	 of @pkts_lost
 * @bytes_retrans: stream and handshake data that was sent, or has to be sent,
 *		 more than once
 * @ptos:	 probe timeouts since the beginning
 * @migrations:	 changes of the path in use
 * @idle_timeout: effective max_idle_timeout, 0 for none
 * @data_sent:	 stream data that programs have handed over
 * @data_sent_max: the peer's limit for it (MAX_DATA)
 * @data_received: stream data that has come, up to the highest offsets
 * @data_received_max: our limit for it
 * @data_read:	 stream data of it that programs have read or thrown away
 * @data_unacked: stream data that the peer has not acknowledged
 * @streams:	 by type, the two lowest bits of a stream ID (RFC 9000, 2.1)
 * @local_cids:	 connection IDs of ours that the peer may use
 * @peer_cids:	 connection IDs of the peer that we may use
 * @alpn_len:	 bytes of @alpn
 * @pad:	 0
 * @alpn:	 protocol in use, or the list, separated by commas
 */
struct quic_diag_info {
	__u32	version;
	__u32	cipher;
	__u32	flags;
	__u32	pto_count;

	__u32	latest_rtt;
	__u32	smoothed_rtt;
	__u32	rttvar;
	__u32	min_rtt;
	__u32	pto;
	__u32	mtu;
	__u64	cwnd;
	__u64	ssthresh;
	__u64	bytes_in_flight;
	__u64	pacing_rate;

	__u64	pkts_sent;
	__u64	pkts_received;
	__u64	pkts_dropped;
	__u64	pkts_lost;
	__u64	pkts_spurious;
	__u64	bytes_sent;
	__u64	bytes_received;
	__u64	bytes_acked;
	__u64	bytes_lost;
	__u64	bytes_retrans;
	__u32	ptos;
	__u32	migrations;

	__u64	idle_timeout;
	__u64	data_sent;
	__u64	data_sent_max;
	__u64	data_received;
	__u64	data_received_max;
	__u64	data_read;
	__u64	data_unacked;
	struct quic_diag_streams streams[4];

	__u8	local_cids;
	__u8	peer_cids;
	__u8	alpn_len;
	__u8	pad[5];
	__u8	alpn[QUIC_DIAG_ALPN_MAX];
};

#endif /* _UAPI_LINUX_QUIC_DIAG_H */
