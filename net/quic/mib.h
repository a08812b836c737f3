/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters of a network namespace, shown in /proc/net/quic/snmp.
 *
 * Owns:    enum quic_mib_item, struct quic_mib.
 * Guard:   per-CPU counters; none needed.
 * Callers: everybody, by QUIC_INC_STATS() and QUIC_DEC_STATS(), which need
 *          "net_ns.h".
 */
#ifndef _NET_QUIC_MIB_H
#define _NET_QUIC_MIB_H

#include <net/snmp.h>

struct seq_file;

/* "Fastpath" is work done in softirq on arrival, "backlog" is work done by a
 * process that has held the socket.
 */
enum quic_mib_item {
	QUIC_MIB_NUM = 0,
	QUIC_MIB_CONN_CURRENT_ESTABS,	/* now in state ESTABLISHED */
	QUIC_MIB_CONN_PASSIVE_ESTABS,	/* established by accept() */
	QUIC_MIB_CONN_ACTIVE_ESTABS,	/* established by connect() */
	QUIC_MIB_PKT_RCV_FASTPATHS,	/* datagrams handled on arrival */
	QUIC_MIB_PKT_DEC_FASTPATHS,	/* packets opened */
	QUIC_MIB_PKT_ENC_FASTPATHS,	/* packets sealed */
	QUIC_MIB_PKT_RCV_BACKLOGS,	/* datagrams left in a backlog */
	QUIC_MIB_PKT_DEC_BACKLOGS,	/* packets parked until a key came */
	QUIC_MIB_PKT_ENC_BACKLOGS,	/* always 0: ciphers are synchronous */
	QUIC_MIB_PKT_INV_HDR_DROP,	/* header malformed */
	QUIC_MIB_PKT_INV_NUM_DROP,	/* packet number received before */
	QUIC_MIB_PKT_INV_FRM_DROP,	/* frame malformed or not allowed */
	QUIC_MIB_PKT_RCV_DROP,		/* no taker, or no room */
	QUIC_MIB_PKT_DEC_DROP,		/* did not open */
	QUIC_MIB_PKT_ENC_DROP,		/* could not be built or sent */
	QUIC_MIB_FRM_RCV_BUF_DROP,	/* no room in the receive buffer */
	QUIC_MIB_FRM_RETRANS,		/* frames declared lost and sent anew */
	QUIC_MIB_FRM_OUT_CLOSES,	/* CONNECTION_CLOSE sent */
	QUIC_MIB_FRM_IN_CLOSES,		/* CONNECTION_CLOSE received */
	QUIC_MIB_OUT_RETRIES,		/* Retry packets sent */
	QUIC_MIB_OUT_RESETS,		/* stateless resets sent */
	QUIC_MIB_OUT_VERSION_NEGS,	/* Version Negotiation packets sent */
	QUIC_MIB_LISTEN_REFUSED,	/* clients refused, backlog full */
	QUIC_MIB_LISTEN_DROPS,		/* first packets without a taker */
	QUIC_MIB_SESSIONS_OFFERED,	/* kernel users' sessions, to servers */
	QUIC_MIB_SESSIONS_KEPT,		/* left by kernel users' connections */
	QUIC_MIB_PKT_RCV_STEERED,	/* datagrams left to another processor */
	QUIC_MIB_OUT_BATCHES,		/* skbs sent, each with one datagram or more */
	QUIC_MIB_WAKE_READERS,		/* readers told that there is something */
	QUIC_MIB_WAKE_WRITERS,		/* writers told that there is room */
	QUIC_MIB_MAX,
};

struct quic_mib {
	unsigned long mibs[QUIC_MIB_MAX];
};

#define QUIC_INC_STATS(net, item) \
	SNMP_INC_STATS(quic_net(net)->mib, QUIC_MIB_##item)
#define QUIC_DEC_STATS(net, item) \
	SNMP_DEC_STATS(quic_net(net)->mib, QUIC_MIB_##item)
#define QUIC_ADD_STATS(net, item, n) \
	SNMP_ADD_STATS(quic_net(net)->mib, QUIC_MIB_##item, n)

void quic_mib_show(struct seq_file *seq, struct quic_mib __percpu *mib);

#endif /* _NET_QUIC_MIB_H */
