// SPDX-License-Identifier: GPL-2.0-only
#include <linux/random.h>
#include <linux/scatterlist.h>
#include <linux/skbuff.h>
#include <linux/slab.h>

#include "endpoint.h"
#include "first.h"
#include "frame.h"
#include "header.h"
#include "net_ns.h"
#include "udp_rx.h"
#include "udp_tx.h"
#include "varint.h"

/* Length of packet numbers here: the longest, for nothing is acknowledged. */
#define QUIC_FIRST_PN_LEN	4
/* Room for our long header, without a token, and for our only frame. */
#define QUIC_FIRST_HEADER_MAX	(16 + QUIC_CID_MAX_LEN + QUIC_CID_LEN)
#define QUIC_FIRST_FRAME_MAX	96

/**
 * quic_first_alloc - be ready for a client's ClientHello
 * @version: QUIC version of its Initial packets
 * @dcid:    their Destination Connection ID
 *
 * Return: the object, or NULL for lack of memory.
 */
struct quic_first *quic_first_alloc(u32 version, const struct quic_cid *dcid)
{
	struct quic_first *first;

	first = kzalloc_obj(*first);
	if (!first)
		return NULL;
	first->version = version;
	quic_pnspace_init(&first->space, QUIC_SPACE_INITIAL);
	first->said.scid.len = QUIC_CID_LEN;
	get_random_bytes(first->said.scid.data, QUIC_CID_LEN);
	quic_key_initial(&first->tx, &first->rx, version, dcid, true);
	quic_range_set_init(&first->have, QUIC_FIRST_MAX_RANGES,
			    QUIC_RANGE_REFUSE);
	return first;
}

/**
 * quic_first_free - the ClientHello is not needed any more
 * @first: the object, or NULL
 */
void quic_first_free(struct quic_first *first)
{
	if (!first)
		return;
	quic_key_clear(&first->rx);
	quic_key_clear(&first->tx);
	quic_pnspace_destroy(&first->space);
	quic_range_set_destroy(&first->have);
	kfree(first->data);
	kfree(first);
}

static int quic_first_grow(struct quic_first *first, u32 size)
{
	u8 *data;

	if (size <= first->size)
		return 0;
	size = roundup_pow_of_two(size);
	data = krealloc(first->data, size, GFP_KERNEL);
	if (!data)
		return -ENOMEM;
	first->data = data;
	first->size = size;
	return 0;
}

/* What has come first counts; a client that sends other bytes for the same
 * offset gets no connection (RFC 9000, 2.2).
 */
static int quic_first_crypto(struct quic_first *first,
			     const struct quic_frame_crypto *frame)
{
	u64 end = frame->offset + frame->len;
	const struct quic_range *r;
	u64 from, to;
	int err;

	if (end > QUIC_CLIENT_HELLO_MAX_LEN)
		return -EINVAL;
	if (!frame->len)
		return 0;
	err = quic_first_grow(first, end);
	if (err)
		return err;
	quic_range_set_for_each(r, &first->have) {
		from = max(r->start, frame->offset);
		to = min(r->end, end);
		if (from < to && memcmp(first->data + from,
					frame->data + (from - frame->offset),
					to - from))
			return -EINVAL;
	}
	err = quic_range_set_insert(&first->have, frame->offset, end,
				    GFP_KERNEL);
	if (!err)
		memcpy(first->data + frame->offset, frame->data, frame->len);
	return err;
}

static int quic_first_frames(struct quic_first *first, const u8 *pos,
			     const u8 *end, bool *eliciting)
{
	const struct quic_frame_info *info;
	struct quic_frame frame;
	int err;

	while (pos < end) {
		if (quic_frame_parse(&pos, end, &frame))
			return -EINVAL;
		info = quic_frame_info(frame.type);
		if (!info || !(info->pkts & QUIC_PKT_INITIAL))
			return -EINVAL;
		if (info->flags & QUIC_FRAME_ACK_ELICITING)
			*eliciting = true;
		/* A client that gives up at once. */
		if (frame.type == QUIC_FRAME_CONNECTION_CLOSE)
			return -ECONNRESET;
		if (frame.type != QUIC_FRAME_CRYPTO)
			continue;
		err = quic_first_crypto(first, &frame.crypto);
		if (err)
			return err;
	}
	return 0;
}

static int quic_first_packet(struct quic_first *first, u8 *pkt,
			     const struct quic_header *hdr, u8 ecn)
{
	struct quic_pnspace *space = &first->space;
	u32 pn_len, truncated, hdr_len;
	bool eliciting = false;
	u64 pn;
	int err;

	if (quic_crypto_unprotect(&first->rx, pkt, hdr->pkt_len, hdr->pn_off,
				  &pn_len, &truncated))
		return 0;
	pn = quic_pn_expand(space->largest_rcvd, truncated, pn_len);
	hdr_len = hdr->pn_off + pn_len;
	if (quic_crypto_open(&first->rx, pn, pkt, hdr_len, hdr->pkt_len))
		return 0;
	if (pkt[0] & QUIC_HDR_LONG_RSVD)
		return -EINVAL;
	first->opened = true;
	if (quic_pnspace_check_dup(space, pn))
		return 0;
	err = quic_first_frames(first, pkt + hdr_len,
				pkt + hdr->pkt_len - QUIC_TAG_LEN, &eliciting);
	if (!err)
		quic_pnspace_on_received(space, pn, eliciting, ecn, ktime_get(),
					 0, true);
	return err;
}

/**
 * quic_first_datagram - look into a datagram for pieces of the ClientHello
 * @first: what there is of it
 * @skb:   datagram that begins with an Initial packet; stays as it is, for the
 *	   connection opens it again
 *
 * Return: 0; a negative errno when no connection can come of it. Packets that
 * are not authentic count for nothing.
 */
int quic_first_datagram(struct quic_first *first, const struct sk_buff *skb)
{
	struct quic_header hdr;
	u32 off = 0;
	u8 *copy;
	int err = 0;

	copy = kmemdup(skb->data, skb->len, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	while (off < skb->len && !err) {
		if (quic_header_parse(copy + off, skb->len - off, QUIC_CID_LEN,
				      &hdr))
			break;
		if (hdr.type == QUIC_PKT_INITIAL &&
		    hdr.version == first->version)
			err = quic_first_packet(first, copy + off, &hdr,
						quic_skb_ecn(skb));
		off += hdr.pkt_len;
	}
	kfree(copy);
	return err;
}

/**
 * quic_first_hello - read the ClientHello as far as it is there
 * @first: what there is of it
 * @hello: result
 *
 * Return: as quic_client_hello_parse().
 */
int quic_first_hello(const struct quic_first *first,
		     struct quic_client_hello *hello)
{
	u64 len = quic_range_set_next_missing(&first->have, 0);

	return quic_client_hello_parse(first->data, len, hello);
}

/**
 * quic_first_send_retry - ask a client to prove its address
 * @ep:     endpoint that the datagram came in by
 * @skb:    the datagram
 * @hdr:    header of its Initial packet
 * @secret: of the listener, to recognise the token by
 *
 * RFC 9000, 8.1.2 and 17.2.5.
 */
void quic_first_send_retry(struct quic_endpoint *ep, const struct sk_buff *skb,
			   const struct quic_header *hdr,
			   const struct quic_token_secret *secret)
{
	struct quic_cid scid = { .len = QUIC_CID_LEN };
	union quic_addr local, peer;
	u8 token[QUIC_TOKEN_MAX];
	u8 *pkt, *end;
	u32 len;

	quic_skb_addrs(skb, &local, &peer);
	get_random_bytes(scid.data, scid.len);
	len = quic_token_retry(secret, hdr->version, &peer, &hdr->dcid, &scid,
			       ktime_get(), token);
	if (!len)
		return;
	pkt = kmalloc(quic_header_len_retry(&hdr->scid, &scid, len) +
		      QUIC_TAG_LEN, GFP_KERNEL);
	if (!pkt)
		return;
	end = quic_header_put_retry(pkt, hdr->version, &hdr->scid, &scid, token,
				    len, get_random_u8());
	quic_crypto_retry_tag(hdr->version, &hdr->dcid, pkt, end - pkt, end);
	if (!quic_udp_answer(ep, skb, pkt, end - pkt + QUIC_TAG_LEN))
		QUIC_INC_STATS(ep->net, OUT_RETRIES);
	kfree(pkt);
}

/* An Initial packet to whom sent the datagram @skb. */
static int quic_first_send(struct quic_first *first, struct quic_endpoint *ep,
			   const struct sk_buff *skb,
			   const struct quic_header *hdr, const u8 *frame,
			   u32 len)
{
	u8 pkt[QUIC_FIRST_HEADER_MAX + QUIC_FIRST_FRAME_MAX + QUIC_TAG_LEN];
	struct quic_first_said *said = &first->said;
	u64 pn = first->space.next_pn;
	u32 hdr_len;
	u8 *pos;
	int err;

	pos = quic_header_put_long(pkt, QUIC_PKT_INITIAL, first->version,
				   &hdr->scid, &said->scid, NULL, 0,
				   pn, QUIC_FIRST_PN_LEN);
	hdr_len = pos - pkt;
	memcpy(pos, frame, len);
	quic_header_set_length(pos - QUIC_FIRST_PN_LEN,
			       QUIC_FIRST_PN_LEN + len + QUIC_TAG_LEN);
	quic_crypto_seal(&first->tx, pn, NULL, pkt, hdr_len, len);
	quic_crypto_protect(&first->tx, pkt, hdr_len - QUIC_FIRST_PN_LEN,
			    QUIC_FIRST_PN_LEN);
	quic_pnspace_pn_used(&first->space);
	said->next_pn = first->space.next_pn;
	len += hdr_len + QUIC_TAG_LEN;
	err = quic_udp_answer(ep, skb, pkt, len);
	if (!err)
		said->bytes += len;
	return err;
}

/**
 * quic_first_send_ack - tell a client which packets have come
 * @first: what there is of its ClientHello
 * @ep:    endpoint that the datagram came in by
 * @skb:   the latest datagram
 * @hdr:   header of its Initial packet
 *
 * RFC 9000, 13.2.1: at once. A client that repeats what is known to be lost,
 * and nothing else, would wait for ever. The answer is far smaller than the
 * datagram.
 */
void quic_first_send_ack(struct quic_first *first, struct quic_endpoint *ep,
			 const struct sk_buff *skb,
			 const struct quic_header *hdr)
{
	struct quic_pnspace *space = &first->space;
	u8 frame[QUIC_FIRST_FRAME_MAX];
	const u64 *ecn = NULL;
	u32 len;

	if (!quic_pnspace_ack_due(space, ktime_get()))
		return;
	if (quic_pnspace_has_ecn(space))
		ecn = space->ecn_rcvd;
	len = quic_frame_len_ack(sizeof(frame), &space->received, 0, 0, ecn);
	quic_frame_put_ack(frame, len, &space->received, 0, 0, ecn);
	if (!quic_first_send(first, ep, skb, hdr, frame, len))
		quic_pnspace_on_ack_sent(space);
}

/**
 * quic_first_send_close - tell a client that there will be no connection
 * @first: what there is of its ClientHello
 * @ep:    endpoint that the datagram came in by
 * @skb:   the datagram
 * @hdr:   header of its Initial packet
 * @code:  QUIC_TRANSPORT_ERROR_*
 *
 * RFC 9000, 10.2.3. The answer is far smaller than the datagram.
 */
void quic_first_send_close(struct quic_first *first, struct quic_endpoint *ep,
			   const struct sk_buff *skb,
			   const struct quic_header *hdr, u32 code)
{
	u8 frame[QUIC_FIRST_FRAME_MAX];
	u8 *end;

	end = quic_frame_put_connection_close(frame, code, 0, NULL, 0);
	if (!quic_first_send(first, ep, skb, hdr, frame, end - frame))
		QUIC_INC_STATS(ep->net, FRM_OUT_CLOSES);
}
