// SPDX-License-Identifier: GPL-2.0-only
#include <linux/seq_file.h>
#include <net/ip.h>

#include "mib.h"

static const char * const quic_mib_names[QUIC_MIB_MAX] = {
	[QUIC_MIB_CONN_CURRENT_ESTABS]	= "QuicConnCurrentEstabs",
	[QUIC_MIB_CONN_PASSIVE_ESTABS]	= "QuicConnPassiveEstabs",
	[QUIC_MIB_CONN_ACTIVE_ESTABS]	= "QuicConnActiveEstabs",
	[QUIC_MIB_PKT_RCV_FASTPATHS]	= "QuicPktRcvFastpaths",
	[QUIC_MIB_PKT_DEC_FASTPATHS]	= "QuicPktDecFastpaths",
	[QUIC_MIB_PKT_ENC_FASTPATHS]	= "QuicPktEncFastpaths",
	[QUIC_MIB_PKT_RCV_BACKLOGS]	= "QuicPktRcvBacklogs",
	[QUIC_MIB_PKT_DEC_BACKLOGS]	= "QuicPktDecBacklogs",
	[QUIC_MIB_PKT_ENC_BACKLOGS]	= "QuicPktEncBacklogs",
	[QUIC_MIB_PKT_INV_HDR_DROP]	= "QuicPktInvHdrDrop",
	[QUIC_MIB_PKT_INV_NUM_DROP]	= "QuicPktInvNumDrop",
	[QUIC_MIB_PKT_INV_FRM_DROP]	= "QuicPktInvFrmDrop",
	[QUIC_MIB_PKT_RCV_DROP]		= "QuicPktRcvDrop",
	[QUIC_MIB_PKT_DEC_DROP]		= "QuicPktDecDrop",
	[QUIC_MIB_PKT_ENC_DROP]		= "QuicPktEncDrop",
	[QUIC_MIB_FRM_RCV_BUF_DROP]	= "QuicFrmRcvBufDrop",
	[QUIC_MIB_FRM_RETRANS]		= "QuicFrmRetrans",
	[QUIC_MIB_FRM_OUT_CLOSES]	= "QuicFrmOutCloses",
	[QUIC_MIB_FRM_IN_CLOSES]	= "QuicFrmInCloses",
	[QUIC_MIB_OUT_RETRIES]		= "QuicOutRetries",
	[QUIC_MIB_OUT_RESETS]		= "QuicOutResets",
	[QUIC_MIB_OUT_VERSION_NEGS]	= "QuicOutVersionNegs",
	[QUIC_MIB_LISTEN_REFUSED]	= "QuicListenRefused",
	[QUIC_MIB_LISTEN_DROPS]		= "QuicListenDrops",
	[QUIC_MIB_SESSIONS_OFFERED]	= "QuicSessionsOffered",
	[QUIC_MIB_SESSIONS_KEPT]	= "QuicSessionsKept",
	[QUIC_MIB_PKT_RCV_STEERED]	= "QuicPktRcvSteered",
	[QUIC_MIB_OUT_BATCHES]		= "QuicOutBatches",
	[QUIC_MIB_WAKE_READERS]		= "QuicWakeReaders",
	[QUIC_MIB_WAKE_WRITERS]		= "QuicWakeWriters",
};

/**
 * quic_mib_show - print every counter
 * @seq: file to print into
 * @mib: counters of a netns
 */
void quic_mib_show(struct seq_file *seq, struct quic_mib __percpu *mib)
{
	int i;

	for (i = QUIC_MIB_NUM + 1; i < QUIC_MIB_MAX; i++)
		seq_printf(seq, "%-32s\t%ld\n", quic_mib_names[i],
			   (long)snmp_fold_field(mib, i));
}
