// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bvec.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <net/sock.h>

#include "packet_build.h"
#include "send_buf.h"

#define QUIC_CHUNK_FRAGS	13	/* as many as fit into 256 bytes */
#define QUIC_SPLICE_PAGES	8

/* Acknowledged or lost ranges that one buffer keeps apart. */
#define QUIC_SEND_RANGES	1024

/**
 * struct quic_send_chunk - consecutive bytes in several fragments
 * @list:   place in quic_send_buf.chunks
 * @turn:   when they were written (quic_send_buf.turn)
 * @offset: of the first byte of frags[@first]
 * @len:    bytes from there on
 * @first:  fragments below it have been released
 * @nr:     fragments ever used
 * @frags:  pages, each with a reference
 */
struct quic_send_chunk {
	struct list_head list;
	u64 turn;
	u64 offset;
	u32 len;
	u16 first;
	u16 nr;
	struct bio_vec frags[QUIC_CHUNK_FRAGS];
};

/* A position in the buffer and what is there in one piece. */
struct quic_send_pos {
	struct quic_send_chunk *chunk;
	u16 frag;
	u32 skip;
};

static void quic_send_buf_charge(struct sock *sk, u32 len)
{
	sk_wmem_queued_add(sk, len);
	sk_mem_charge(sk, len);
}

/* The socket keeps the memory until quic_send_buf_reclaim(). */
static void quic_send_buf_uncharge(struct sock *sk, u32 len)
{
	sk_wmem_queued_add(sk, -(int)len);
	sk_forward_alloc_add(sk, len);
}

/**
 * quic_send_buf_reclaim - give memory back that acknowledged bytes have freed
 * @sk: socket that was charged
 *
 * Once for all frames that one ACK frame is about.
 *
 * Context: connection lock held.
 */
void quic_send_buf_reclaim(struct sock *sk)
{
	sk_mem_reclaim(sk);
}

static void quic_send_chunk_free(struct quic_send_buf *buf, struct sock *sk,
				 struct quic_send_chunk *chunk)
{
	u16 i;

	for (i = chunk->first; i < chunk->nr; i++)
		put_page(chunk->frags[i].bv_page);
	quic_send_buf_uncharge(sk, sizeof(*chunk));
	if (buf->cursor == chunk)
		buf->cursor = NULL;
	list_del(&chunk->list);
	kfree(chunk);
}

/**
 * quic_send_buf_init - start with nothing
 * @buf: buffer
 */
void quic_send_buf_init(struct quic_send_buf *buf)
{
	INIT_LIST_HEAD(&buf->chunks);
	buf->cursor = NULL;
	buf->turn = 0;
	buf->start = 0;
	buf->next = 0;
	buf->end = 0;
	quic_range_set_init(&buf->lost, QUIC_SEND_RANGES, QUIC_RANGE_REFUSE);
	quic_range_set_init(&buf->acked, QUIC_SEND_RANGES, QUIC_RANGE_REFUSE);
}

static struct quic_send_chunk *quic_send_buf_tail(struct quic_send_buf *buf)
{
	return list_last_entry(&buf->chunks, struct quic_send_chunk, list);
}

/* The last chunk, if what is written now may join what is in it. */
static struct quic_send_chunk *quic_send_buf_open(struct quic_send_buf *buf)
{
	struct quic_send_chunk *chunk;

	if (list_empty(&buf->chunks))
		return NULL;
	chunk = quic_send_buf_tail(buf);
	return chunk->turn == buf->turn ? chunk : NULL;
}

/* A chunk with a free fragment, at the end of the buffer. */
static struct quic_send_chunk *quic_send_buf_extend(struct quic_send_buf *buf,
						    struct sock *sk)
{
	struct quic_send_chunk *chunk = quic_send_buf_open(buf);

	if (chunk && chunk->nr < QUIC_CHUNK_FRAGS)
		return chunk;
	if (!sk_wmem_schedule(sk, sizeof(*chunk)))
		return NULL;
	chunk = kmalloc_obj(*chunk, sk->sk_allocation);
	if (!chunk)
		return NULL;
	chunk->turn = buf->turn;
	chunk->offset = buf->end;
	chunk->len = 0;
	chunk->first = 0;
	chunk->nr = 0;
	list_add_tail(&chunk->list, &buf->chunks);
	quic_send_buf_charge(sk, sizeof(*chunk));
	return chunk;
}

/* Bytes that continue the last fragment need no fragment of their own. */
static bool quic_send_buf_merge(struct quic_send_buf *buf, struct page *page,
				u32 off, u32 len)
{
	struct quic_send_chunk *chunk = quic_send_buf_open(buf);
	struct bio_vec *frag;

	if (!chunk || chunk->first == chunk->nr)
		return false;
	frag = &chunk->frags[chunk->nr - 1];
	if (frag->bv_page != page || frag->bv_offset + frag->bv_len != off)
		return false;
	frag->bv_len += len;
	return true;
}

/* Takes a reference of the page; memory was scheduled by the caller. */
static int quic_send_buf_add(struct quic_send_buf *buf, struct sock *sk,
			     struct page *page, u32 off, u32 len)
{
	struct quic_send_chunk *chunk;

	if (!quic_send_buf_merge(buf, page, off, len)) {
		chunk = quic_send_buf_extend(buf, sk);
		if (!chunk)
			return -ENOMEM;
		get_page(page);
		bvec_set_page(&chunk->frags[chunk->nr++], page, len, off);
	}
	quic_send_buf_tail(buf)->len += len;
	buf->end += len;
	quic_send_buf_charge(sk, len);
	return 0;
}

static int quic_send_buf_copy(struct quic_send_buf *buf, struct sock *sk,
			      struct iov_iter *from, u32 len)
{
	struct page_frag *pfrag = sk_page_frag(sk);
	size_t copied;
	int err;

	if (!sk_page_frag_refill(sk, pfrag))
		return -ENOMEM;
	len = min_t(u32, len, pfrag->size - pfrag->offset);
	if (!sk_wmem_schedule(sk, len))
		return -ENOMEM;
	copied = copy_page_from_iter(pfrag->page, pfrag->offset, len, from);
	if (!copied)
		return -EFAULT;
	err = quic_send_buf_add(buf, sk, pfrag->page, pfrag->offset, copied);
	if (err) {
		iov_iter_revert(from, copied);
		return err;
	}
	pfrag->offset += copied;
	return copied;
}

/* Pages that may not be referred to are left to quic_send_buf_copy(). */
static int quic_send_buf_splice(struct quic_send_buf *buf, struct sock *sk,
				struct iov_iter *from, u32 len)
{
	struct page *pages[QUIC_SPLICE_PAGES], **ppages = pages;
	ssize_t left;
	size_t off;
	int i, done = 0, err = -EOPNOTSUPP;

	left = iov_iter_extract_pages(from, &ppages, len, QUIC_SPLICE_PAGES, 0,
				      &off);
	if (left <= 0)
		return left ?: -EFAULT;

	for (i = 0; left; i++) {
		u32 part = min_t(size_t, PAGE_SIZE - off, left);

		if (!sendpage_ok(pages[i]))
			break;
		err = -ENOMEM;
		if (!sk_wmem_schedule(sk, part) ||
		    quic_send_buf_add(buf, sk, pages[i], off, part))
			break;
		done += part;
		left -= part;
		off = 0;
	}
	iov_iter_revert(from, left);
	return done ?: err;
}

/**
 * quic_send_buf_append - take bytes from a program
 * @buf:    buffer
 * @sk:     socket that is charged
 * @from:   the bytes; advanced by what was taken
 * @len:    how many at most
 * @splice: refer to the iterator's pages instead of copying
 *
 * Context: connection lock held, process context.
 * Return: number of bytes taken, above 0; or -ENOMEM, -EFAULT.
 */
int quic_send_buf_append(struct quic_send_buf *buf, struct sock *sk,
			 struct iov_iter *from, u32 len, bool splice)
{
	int done = 0;
	int n;

	while (done < len) {
		n = -EOPNOTSUPP;
		if (splice)
			n = quic_send_buf_splice(buf, sk, from, len - done);
		if (n == -EOPNOTSUPP)
			n = quic_send_buf_copy(buf, sk, from,
					       min_t(u32, len - done, splice ?
						     PAGE_SIZE : U32_MAX));
		if (n < 0)
			return done ?: n;
		done += n;
	}
	return done;
}

/* The chunk with the byte at @offset, which is in the buffer. */
static struct quic_send_chunk *quic_send_buf_find(struct quic_send_buf *buf,
						  u64 offset)
{
	struct quic_send_chunk *chunk = buf->cursor;

	if (!chunk || chunk->offset > offset)
		chunk = list_first_entry(&buf->chunks, struct quic_send_chunk,
					 list);
	while (chunk->offset + chunk->len <= offset)
		chunk = list_next_entry(chunk, list);
	buf->cursor = chunk;
	return chunk;
}

/* Find the byte at @offset, which is in the buffer. */
static void quic_send_buf_seek(struct quic_send_buf *buf, u64 offset,
			       struct quic_send_pos *pos)
{
	struct quic_send_chunk *chunk = quic_send_buf_find(buf, offset);
	u32 skip;

	skip = offset - chunk->offset;
	pos->chunk = chunk;
	pos->frag = chunk->first;
	while (skip >= chunk->frags[pos->frag].bv_len)
		skip -= chunk->frags[pos->frag++].bv_len;
	pos->skip = skip;
}

/* The piece at @pos, at most @len bytes long; @pos moves behind its fragment. */
static u32 quic_send_buf_piece(struct quic_send_pos *pos, u32 len,
			       struct bio_vec *piece)
{
	const struct bio_vec *frag;

	if (pos->frag == pos->chunk->nr) {
		pos->chunk = list_next_entry(pos->chunk, list);
		pos->frag = pos->chunk->first;
	}
	frag = &pos->chunk->frags[pos->frag++];
	len = min(len, frag->bv_len - pos->skip);
	bvec_set_page(piece, frag->bv_page, len, frag->bv_offset + pos->skip);
	pos->skip = 0;
	return len;
}

/**
 * quic_send_buf_next_lost - what has to be sent again first
 * @buf:   buffer
 * @range: the lowest lost range
 *
 * Return: whether there is one.
 */
bool quic_send_buf_next_lost(const struct quic_send_buf *buf,
			     struct quic_range *range)
{
	const struct quic_range *first = quic_range_set_first(&buf->lost);

	if (!first)
		return false;
	*range = *first;
	return true;
}

/**
 * quic_send_buf_next_turn - when was written what has to be sent next
 * @buf: buffer
 *
 * Return: the turn of the lowest lost byte, else of the first that was never
 * sent, else the last one, when the string may have been ended.
 */
u64 quic_send_buf_next_turn(struct quic_send_buf *buf)
{
	struct quic_range range = { .start = buf->next };

	if (!quic_send_buf_next_lost(buf, &range) && buf->next == buf->end)
		return buf->turn;
	return quic_send_buf_find(buf, range.start)->turn;
}

/* The end of what was written in one turn, from @chunk on; at most @end. */
static u64 quic_send_buf_turn_end(const struct quic_send_chunk *chunk, u64 end)
{
	const struct quic_send_chunk *next;

	while (chunk->offset + chunk->len < end) {
		next = list_next_entry(chunk, list);
		if (next->turn != chunk->turn)
			return next->offset;
		chunk = next;
	}
	return end;
}

/**
 * quic_send_buf_fit - how much of a range goes into one frame
 * @buf:    buffer
 * @b:      the packet
 * @offset: start of the range, which is in the buffer
 * @len:    its length
 *
 * Return: @len, or less when the packet would consist of too many pieces, or
 * when others have been written to in between.
 */
u32 quic_send_buf_fit(struct quic_send_buf *buf,
		      const struct quic_pkt_builder *b, u64 offset, u32 len)
{
	u32 pieces = quic_pkt_pages_left(b);
	struct quic_send_pos pos;
	struct bio_vec piece;
	u32 fit = 0;

	if (!len)
		return 0;
	quic_send_buf_seek(buf, offset, &pos);
	len = quic_send_buf_turn_end(pos.chunk, offset + len) - offset;
	for (; pieces && fit < len; pieces--)
		fit += quic_send_buf_piece(&pos, len - fit, &piece);
	return fit;
}

/**
 * quic_send_buf_put - let the next bytes of a packet be a range
 * @buf:    buffer
 * @b:      the packet
 * @offset: start of the range
 * @len:    its length, at most quic_send_buf_fit()
 *
 * Return: 0, or -ENOSPC when quic_send_buf_fit() was not asked.
 */
int quic_send_buf_put(struct quic_send_buf *buf, struct quic_pkt_builder *b,
		      u64 offset, u32 len)
{
	struct quic_send_pos pos;
	struct bio_vec piece;
	int err;

	if (!len)
		return 0;
	quic_send_buf_seek(buf, offset, &pos);
	while (len) {
		len -= quic_send_buf_piece(&pos, len, &piece);
		err = quic_pkt_put_page(b, piece.bv_page, piece.bv_offset,
					piece.bv_len);
		if (err)
			return err;
	}
	return 0;
}

/**
 * quic_send_buf_on_sent - a range is in a packet now
 * @buf:    buffer
 * @offset: start of the range
 * @len:    its length
 */
void quic_send_buf_on_sent(struct quic_send_buf *buf, u64 offset, u32 len)
{
	u64 end = offset + len;

	if (!len)
		return;
	/* A failure leaves the range to be sent once more: harmless. */
	quic_range_set_remove(&buf->lost, offset, end, GFP_ATOMIC);
	buf->next = max(buf->next, end);
}

/* Release what lies before quic_send_buf.start. */
static void quic_send_buf_trim(struct quic_send_buf *buf, struct sock *sk)
{
	struct quic_send_chunk *chunk, *tmp;
	struct bio_vec *frag;

	list_for_each_entry_safe(chunk, tmp, &buf->chunks, list) {
		if (chunk->offset + chunk->len <= buf->start) {
			quic_send_chunk_free(buf, sk, chunk);
			continue;
		}
		frag = &chunk->frags[chunk->first];
		while (chunk->offset + frag->bv_len <= buf->start) {
			put_page(frag->bv_page);
			chunk->offset += frag->bv_len;
			chunk->len -= frag->bv_len;
			chunk->first++;
			frag++;
		}
		return;
	}
}

/**
 * quic_send_buf_on_acked - a range has arrived
 * @buf:    buffer
 * @sk:     socket that is charged
 * @offset: start of the range
 * @len:    its length
 *
 * Ranges may be reported more than once, and after having been lost.
 */
void quic_send_buf_on_acked(struct quic_send_buf *buf, struct sock *sk,
			    u64 offset, u32 len)
{
	u64 end = min(offset + len, buf->next);
	const struct quic_range *first;
	u64 start = buf->start;

	if (end <= max(offset, start))
		return;
	quic_range_set_remove(&buf->lost, offset, end, GFP_ATOMIC);
	if (offset > start) {
		/* One that cannot be remembered is sent again instead. */
		if (quic_range_set_insert(&buf->acked, offset, end, GFP_ATOMIC))
			quic_send_buf_on_lost(buf, offset, len);
		return;
	}

	first = quic_range_set_first(&buf->acked);
	if (first && first->start <= end)
		end = max(end, first->end);
	buf->start = end;
	quic_range_set_remove_below(&buf->acked, end);
	quic_range_set_remove_below(&buf->lost, end);
	quic_send_buf_uncharge(sk, end - start);
	quic_send_buf_trim(buf, sk);
}

/**
 * quic_send_buf_on_lost - a range has to be sent again
 * @buf:    buffer
 * @offset: start of the range
 * @len:    its length
 *
 * What has arrived by other packets meanwhile is left out.
 */
void quic_send_buf_on_lost(struct quic_send_buf *buf, u64 offset, u32 len)
{
	u64 end = min(offset + len, buf->next);
	const struct quic_range *r;
	u64 pos = max(offset, buf->start);

	while (pos < end) {
		u64 stop = end;

		r = quic_range_set_next(&buf->acked, pos);
		if (r && r->start <= pos) {
			pos = r->end;
			continue;
		}
		if (r)
			stop = min(stop, r->start);
		if (quic_range_set_insert(&buf->lost, pos, stop, GFP_ATOMIC)) {
			/* Too many gaps to remember: all of it once more. */
			quic_range_set_remove_below(&buf->lost, QUIC_VARINT_MAX);
			quic_range_set_insert(&buf->lost, buf->start, buf->next,
					      GFP_ATOMIC);
			return;
		}
		pos = stop;
	}
}

/**
 * quic_send_buf_rewind - nothing that was sent counts as sent
 * @buf: buffer of which nothing was acknowledged
 */
void quic_send_buf_rewind(struct quic_send_buf *buf)
{
	buf->next = buf->start;
	quic_range_set_destroy(&buf->lost);
}

/**
 * quic_send_buf_purge - forget all bytes, sent or not
 * @buf: buffer
 * @sk:  socket that is charged
 *
 * quic_send_buf.next stays what it was: the number of bytes ever sent.
 */
void quic_send_buf_purge(struct quic_send_buf *buf, struct sock *sk)
{
	struct quic_send_chunk *chunk, *tmp;

	list_for_each_entry_safe(chunk, tmp, &buf->chunks, list)
		quic_send_chunk_free(buf, sk, chunk);
	quic_send_buf_uncharge(sk, buf->end - buf->start);
	buf->start = buf->next;
	buf->end = buf->next;
	quic_range_set_destroy(&buf->lost);
	quic_range_set_destroy(&buf->acked);
	quic_send_buf_reclaim(sk);
}
