// SPDX-License-Identifier: GPL-2.0-only
#include <net/sock.h>

#include "rcvq.h"
#include "reasm.h"

/* Room of a small copy, so that its neighbours can be appended to it. */
#define QUIC_PIECE_ROOM		512

/* A piece shares the datagram's memory if it is this part of it at least. */
#define QUIC_PIECE_SHARE	4

/**
 * quic_piece_begin - keep a copy of data that more of it is to follow
 * @data: the data
 * @len:  its length
 * @room: what there is to be room for, @len included
 * @gfp:  how to allocate
 *
 * Return: an skb with @len bytes, or NULL.
 */
struct sk_buff *quic_piece_begin(const u8 *data, u32 len, u32 room, gfp_t gfp)
{
	struct sk_buff *piece = alloc_skb(room, gfp | __GFP_NOWARN);

	if (!piece)
		return NULL;
	skb_put_data(piece, data, len);
	memset(quic_item(piece), 0, sizeof(struct quic_item));
	return piece;
}

static struct sk_buff *quic_piece_clone(struct sk_buff *skb, const u8 *data,
					u32 len, gfp_t gfp)
{
	struct sk_buff *piece = skb_clone(skb, gfp);

	if (!piece)
		return NULL;
	skb_dst_drop(piece);
	skb_ext_reset(piece);
	nf_reset_ct(piece);
	piece->dev = NULL;
	piece->data = (unsigned char *)data;
	piece->len = len;
	skb_set_tail_pointer(piece, len);
	return piece;
}

/**
 * quic_piece_alloc - keep a part of a datagram
 * @skb:  the datagram, linear, that nobody writes to any more where @data is
 * @data: the part
 * @len:  its length, may be 0
 * @gfp:  how to allocate
 *
 * A small part of a large datagram is copied: else a peer could make one byte
 * of payload hold kilobytes of memory.
 *
 * Return: an skb of its own with @len bytes, or NULL.
 */
struct sk_buff *quic_piece_alloc(struct sk_buff *skb, const u8 *data, u32 len,
				 gfp_t gfp)
{
	struct sk_buff *piece;

	if (len * QUIC_PIECE_SHARE < skb->truesize &&
	    skb->truesize > SKB_TRUESIZE(QUIC_PIECE_ROOM))
		return quic_piece_begin(data, len,
					max_t(u32, len, QUIC_PIECE_ROOM), gfp);
	piece = quic_piece_clone(skb, data, len, gfp);
	if (piece)
		memset(quic_item(piece), 0, sizeof(struct quic_item));
	return piece;
}

/**
 * quic_piece_pull - drop bytes at the front
 * @piece: piece with its offset set
 * @len:   number of bytes
 */
void quic_piece_pull(struct sk_buff *piece, u32 len)
{
	__skb_pull(piece, len);
	quic_item(piece)->offset += len;
}

/**
 * quic_piece_end - offset behind a piece
 * @piece: piece with its offset set
 *
 * Return: the offset.
 */
u64 quic_piece_end(struct sk_buff *piece)
{
	return quic_item(piece)->offset + piece->len;
}

/**
 * quic_reasm_init - start at offset 0
 * @reasm: reassembly
 */
void quic_reasm_init(struct quic_reasm *reasm)
{
	reasm->tree = RB_ROOT;
	reasm->next = 0;
	reasm->nr = 0;
}

static void quic_reasm_drop(struct quic_reasm *reasm, struct sk_buff *piece)
{
	rb_erase(&piece->rbnode, &reasm->tree);
	reasm->nr--;
	kfree_skb(piece);
}

/* Make room for the tail of a piece that is in the tree: what it covers goes,
 * where it only overlaps it ends earlier. Either way a byte is kept once.
 */
static void quic_reasm_settle(struct quic_reasm *reasm, struct sk_buff *piece)
{
	struct sk_buff *next;

	while ((next = skb_rb_next(piece))) {
		if (quic_item(next)->offset >= quic_piece_end(piece))
			return;
		if (quic_piece_end(next) > quic_piece_end(piece)) {
			__skb_trim(piece, quic_item(next)->offset -
					  quic_item(piece)->offset);
			return;
		}
		quic_reasm_drop(reasm, next);
	}
}

/**
 * quic_reasm_insert - keep a piece until the gap before it is filled
 * @reasm: reassembly
 * @piece: piece with its offset set, at least one byte; ownership passes
 *
 * Of bytes that are there already one version is kept, never both.
 */
void quic_reasm_insert(struct quic_reasm *reasm, struct sk_buff *piece)
{
	struct rb_node **link = &reasm->tree.rb_node, *parent = NULL;
	struct sk_buff *at;

	while (*link) {
		parent = *link;
		at = rb_to_skb(parent);
		if (quic_item(piece)->offset < quic_item(at)->offset) {
			link = &parent->rb_left;
			continue;
		}
		if (quic_piece_end(piece) <= quic_piece_end(at)) {
			kfree_skb(piece);
			return;
		}
		if (quic_item(piece)->offset < quic_piece_end(at))
			quic_piece_pull(piece, quic_piece_end(at) -
					       quic_item(piece)->offset);
		link = &parent->rb_right;
	}
	rb_link_node(&piece->rbnode, parent, link);
	rb_insert_color(&piece->rbnode, &reasm->tree);
	reasm->nr++;
	quic_reasm_settle(reasm, piece);
}

/**
 * quic_reasm_pop - take the next piece in order
 * @reasm: reassembly
 *
 * Return: the piece that begins at quic_reasm.next, which moves behind it; or
 * NULL while there is a gap.
 */
struct sk_buff *quic_reasm_pop(struct quic_reasm *reasm)
{
	struct sk_buff *piece;

	while ((piece = skb_rb_first(&reasm->tree))) {
		if (quic_item(piece)->offset > reasm->next)
			return NULL;
		if (quic_piece_end(piece) <= reasm->next) {
			quic_reasm_drop(reasm, piece);
			continue;
		}
		rb_erase(&piece->rbnode, &reasm->tree);
		reasm->nr--;
		quic_piece_pull(piece, reasm->next - quic_item(piece)->offset);
		reasm->next = quic_piece_end(piece);
		return piece;
	}
	return NULL;
}

/**
 * quic_reasm_purge - drop all pieces
 * @reasm: reassembly; its position stays
 */
void quic_reasm_purge(struct quic_reasm *reasm)
{
	struct sk_buff *piece;

	while ((piece = skb_rb_first(&reasm->tree)))
		quic_reasm_drop(reasm, piece);
}
