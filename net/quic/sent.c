// SPDX-License-Identifier: GPL-2.0-only
#include <linux/slab.h>

#include "frame.h"
#include "sent.h"

/* Nearly every packet records an ACK and one or two more frames; those share a
 * cache. What needs more takes the larger size.
 */
static struct kmem_cache *quic_sent_cache;

/* One type of those that a kind stands for. */
static const u8 quic_sent_types[QUIC_SENT_MAX] = {
	[QUIC_SENT_STREAM]		= QUIC_FRAME_STREAM,
	[QUIC_SENT_CRYPTO]		= QUIC_FRAME_CRYPTO,
	[QUIC_SENT_ACK]			= QUIC_FRAME_ACK,
	[QUIC_SENT_RESET_STREAM]	= QUIC_FRAME_RESET_STREAM,
	[QUIC_SENT_STOP_SENDING]	= QUIC_FRAME_STOP_SENDING,
	[QUIC_SENT_MAX_DATA]		= QUIC_FRAME_MAX_DATA,
	[QUIC_SENT_MAX_STREAM_DATA]	= QUIC_FRAME_MAX_STREAM_DATA,
	[QUIC_SENT_MAX_STREAMS]		= QUIC_FRAME_MAX_STREAMS_BIDI,
	[QUIC_SENT_DATA_BLOCKED]	= QUIC_FRAME_DATA_BLOCKED,
	[QUIC_SENT_STREAM_DATA_BLOCKED]	= QUIC_FRAME_STREAM_DATA_BLOCKED,
	[QUIC_SENT_STREAMS_BLOCKED]	= QUIC_FRAME_STREAMS_BLOCKED_BIDI,
	[QUIC_SENT_NEW_CID]		= QUIC_FRAME_NEW_CONNECTION_ID,
	[QUIC_SENT_RETIRE_CID]		= QUIC_FRAME_RETIRE_CONNECTION_ID,
	[QUIC_SENT_NEW_TOKEN]		= QUIC_FRAME_NEW_TOKEN,
	[QUIC_SENT_HANDSHAKE_DONE]	= QUIC_FRAME_HANDSHAKE_DONE,
	[QUIC_SENT_PATH_CHALLENGE]	= QUIC_FRAME_PATH_CHALLENGE,
	[QUIC_SENT_PATH_RESPONSE]	= QUIC_FRAME_PATH_RESPONSE,
	[QUIC_SENT_PING]		= QUIC_FRAME_PING,
	[QUIC_SENT_DATAGRAM]		= QUIC_FRAME_DATAGRAM,
	[QUIC_SENT_CLOSE]		= QUIC_FRAME_CONNECTION_CLOSE,
};

/**
 * quic_sent_kind_name - a kind of frame in the words of RFC 9000
 * @kind: the kind
 *
 * Return: a constant string.
 */
const char *quic_sent_kind_name(enum quic_sent_kind kind)
{
	return quic_frame_info(quic_sent_types[kind])->name;
}

/**
 * quic_sent_init - make the slab cache
 *
 * Context: process, module initialisation.
 * Return: 0 or -ENOMEM.
 */
int __init quic_sent_init(void)
{
	size_t size = struct_size_t(struct quic_sent_pkt, frames,
				    QUIC_SENT_FRAMES_SMALL);

	quic_sent_cache = kmem_cache_create("quic_sent_pkt", size, 0, 0, NULL);
	return quic_sent_cache ? 0 : -ENOMEM;
}

/**
 * quic_sent_exit - release the slab cache; no entry is left
 *
 * Context: process, module exit.
 */
void quic_sent_exit(void)
{
	kmem_cache_destroy(quic_sent_cache);
}

/**
 * quic_sent_pkt_alloc - make a ledger entry
 * @max_frames: frames it has to have room for
 * @gfp:        how to allocate
 *
 * Context: any, as @gfp allows.
 * Return: a zeroed entry on no list, or NULL.
 */
struct quic_sent_pkt *quic_sent_pkt_alloc(u8 max_frames, gfp_t gfp)
{
	struct quic_sent_pkt *pkt;

	if (max_frames <= QUIC_SENT_FRAMES_SMALL) {
		max_frames = QUIC_SENT_FRAMES_SMALL;
		pkt = kmem_cache_zalloc(quic_sent_cache, gfp);
	} else {
		pkt = kzalloc_flex(*pkt, frames, max_frames, gfp);
	}
	if (!pkt)
		return NULL;
	pkt->max_frames = max_frames;
	INIT_LIST_HEAD(&pkt->list);
	return pkt;
}

/**
 * quic_sent_pkt_record - remember one more frame of a packet
 * @pkt:    ledger entry, not sent yet
 * @kind:   what it is
 * @id:     see enum quic_sent_kind, as the following
 * @offset: stream offset, limit or largest acknowledged
 * @len:    bytes of data
 * @fin:    STREAM: with FIN
 *
 * Context: connection lock held.
 * Return: 0, or -ENOSPC if the entry has no room.
 */
int quic_sent_pkt_record(struct quic_sent_pkt *pkt, enum quic_sent_kind kind,
			 u64 id, u64 offset, u32 len, bool fin)
{
	struct quic_sent_frame *frame;

	if (pkt->nr_frames == pkt->max_frames)
		return -ENOSPC;

	frame = &pkt->frames[pkt->nr_frames++];
	frame->kind = kind;
	frame->fin = fin;
	frame->len = len;
	frame->id = id;
	frame->offset = offset;
	return 0;
}

/**
 * quic_sent_pkt_truesize - memory that an entry occupies
 * @pkt: ledger entry
 *
 * Context: any.
 * Return: bytes, for accounting to the socket.
 */
u32 quic_sent_pkt_truesize(const struct quic_sent_pkt *pkt)
{
	return struct_size(pkt, frames, pkt->max_frames);
}

/**
 * quic_sent_pkt_free - release an entry
 * @pkt: ledger entry on no list, or NULL
 *
 * Context: any.
 */
void quic_sent_pkt_free(struct quic_sent_pkt *pkt)
{
	kfree(pkt);
}

/**
 * quic_sent_list_free - release all entries of a list
 * @list: the list; empty afterwards
 *
 * Context: any.
 */
void quic_sent_list_free(struct list_head *list)
{
	struct quic_sent_pkt *pkt, *next;

	list_for_each_entry_safe(pkt, next, list, list) {
		list_del(&pkt->list);
		quic_sent_pkt_free(pkt);
	}
}
