// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/unaligned.h>

#include "conn.h"

#define INITIAL		QUIC_CRYPTO_INITIAL
#define HANDSHAKE	QUIC_CRYPTO_HANDSHAKE
#define APP		QUIC_CRYPTO_APP

static int recv_bytes(struct kunit *test, u8 level, u64 offset, const u8 *data,
		      u32 len)
{
	struct sk_buff *skb = quic_test_datagram(test, len);
	struct quic_frame_crypto frame = {
		.offset = offset, .data = skb->data, .len = len,
	};
	int err;

	memcpy(skb->data, data, len);
	err = quic_crypto_recv(quic_test_conn(test), level, &frame, skb);
	kfree_skb(skb);
	return err;
}

static int recv(struct kunit *test, u8 level, u64 offset, u32 len)
{
	u8 *data = kunit_kmalloc(test, len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, data);
	quic_test_fill(data, offset, len);
	return recv_bytes(test, level, offset, data, len);
}

static void read_piece(struct kunit *test, u8 level, u64 offset, u32 len)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct sk_buff *skb = __skb_dequeue(&conn->crypto[level].pieces);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, quic_item(skb)->kind, QUIC_ITEM_HANDSHAKE);
	KUNIT_EXPECT_EQ(test, quic_item(skb)->level, level);
	KUNIT_EXPECT_EQ(test, skb->len, len);
	KUNIT_EXPECT_TRUE(test, quic_test_matches(skb->data, offset, skb->len));
	quic_crypto_consume(conn, level, skb->len);
	kfree_skb(skb);
}

static void crypto_pieces_in_order(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, recv(test, INITIAL, 100, 100), 0);
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&quic_test_conn(test)->crypto[INITIAL].pieces));
	KUNIT_EXPECT_EQ(test, recv(test, HANDSHAKE, 0, 30), 0);
	KUNIT_EXPECT_EQ(test, recv(test, INITIAL, 0, 150), 0);
	KUNIT_EXPECT_EQ(test, recv(test, INITIAL, 0, 150), 0);
	read_piece(test, INITIAL, 0, 100);
	read_piece(test, INITIAL, 100, 100);
	read_piece(test, HANDSHAKE, 0, 30);
	KUNIT_EXPECT_EQ(test, quic_test_conn(test)->crypto[INITIAL].unread, 0);
}

static void crypto_buffer_is_bounded(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, recv(test, INITIAL, QUIC_CRYPTO_BUF_MAX, 1),
			QUIC_TRANSPORT_ERROR_CRYPTO_BUF_EXCEEDED);
	KUNIT_EXPECT_EQ(test, recv(test, INITIAL, QUIC_CRYPTO_BUF_MAX - 1, 1), 0);
	KUNIT_EXPECT_EQ(test, recv(test, INITIAL, 0, 1000), 0);
	/* What nobody has read counts. */
	KUNIT_EXPECT_EQ(test, recv(test, INITIAL, QUIC_CRYPTO_BUF_MAX, 1),
			QUIC_TRANSPORT_ERROR_CRYPTO_BUF_EXCEEDED);
	read_piece(test, INITIAL, 0, 1000);
	KUNIT_EXPECT_EQ(test, recv(test, INITIAL, QUIC_CRYPTO_BUF_MAX, 1), 0);
}

static void crypto_pieces_are_bounded(struct kunit *test)
{
	u32 i;

	for (i = 0; i < QUIC_CRYPTO_PIECES_MAX; i++)
		KUNIT_EXPECT_EQ(test, recv(test, INITIAL, 1 + 2 * i, 1), 0);
	KUNIT_EXPECT_EQ(test, recv(test, INITIAL, 1 + 2 * i, 1),
			QUIC_TRANSPORT_ERROR_CRYPTO_BUF_EXCEEDED);
}

/* TLS message header: type and length (RFC 8446, 4). */
static u8 *message(struct kunit *test, u8 type, u32 len)
{
	u8 *msg = kunit_kzalloc(test, 4 + len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, msg);
	msg[0] = type;
	put_unaligned_be24(len, &msg[1]);
	quic_test_fill(msg + 4, 0, len);
	return msg;
}

/* Wherever frames cut it. */
static void crypto_ticket_is_gathered(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	const struct quic_blob *ticket = &conn->settings.ticket;
	u8 *msg = message(test, 4, 200);
	u32 cut;

	for (cut = 1; cut < 204; cut++) {
		quic_crypto_destroy(conn);
		quic_crypto_init(conn);
		quic_blob_clear(&conn->settings.ticket);
		quic_test_drop_events(test);
		KUNIT_EXPECT_EQ(test, recv_bytes(test, APP, 0, msg, cut), 0);
		KUNIT_EXPECT_EQ(test, ticket->len, 0);
		KUNIT_EXPECT_EQ(test, recv_bytes(test, APP, cut, msg + cut,
						 204 - cut), 0);
		KUNIT_ASSERT_EQ(test, ticket->len, 204);
		KUNIT_EXPECT_MEMEQ(test, ticket->data, msg, 204);
	}
	KUNIT_EXPECT_EQ(test, skb_queue_len(&conn->events.queue), 1);
}

static void crypto_only_the_first_ticket_counts(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	const struct quic_blob *ticket = &conn->settings.ticket;

	KUNIT_EXPECT_EQ(test, recv_bytes(test, APP, 0, message(test, 4, 100),
					 104), 0);
	KUNIT_EXPECT_EQ(test, recv_bytes(test, APP, 104, message(test, 4, 200),
					 204), 0);
	KUNIT_EXPECT_EQ(test, ticket->len, 104);
	KUNIT_EXPECT_EQ(test, conn->crypto[APP].in.next, 308);
}

static void crypto_large_tickets_pass_by(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	u8 *msg = message(test, 4, QUIC_TICKET_MAX - 3);

	KUNIT_EXPECT_EQ(test, recv_bytes(test, APP, 0, msg,
					 QUIC_TICKET_MAX + 1), 0);
	KUNIT_EXPECT_EQ(test, conn->settings.ticket.len, 0);
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&conn->events.queue));
}

/* RFC 9001, 6 */
static void crypto_key_update_message_is_an_error(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, recv_bytes(test, APP, 0, message(test, 4, 50),
					 54), 0);
	KUNIT_EXPECT_EQ(test, recv_bytes(test, APP, 54, message(test, 24, 1),
					 5), QUIC_TRANSPORT_ERROR_CRYPTO + 10);
}

static void append(struct kunit *test, u8 level, u32 len, bool more)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct iov_iter iter;
	struct kvec kvec;

	quic_test_iter(test, &iter, &kvec, conn->crypto[level].out.end, len);
	KUNIT_ASSERT_EQ(test, len, quic_crypto_append(conn, level, &iter, len));
	quic_crypto_cork(conn, level, more);
}

static void crypto_flight_leaves_together(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);

	append(test, INITIAL, 90, true);
	append(test, HANDSHAKE, 900, true);
	KUNIT_EXPECT_FALSE(test, quic_crypto_pending(conn, INITIAL));
	KUNIT_EXPECT_FALSE(test, quic_crypto_pending(conn, HANDSHAKE));
	append(test, HANDSHAKE, 50, false);
	KUNIT_EXPECT_TRUE(test, quic_crypto_pending(conn, INITIAL));
	KUNIT_EXPECT_TRUE(test, quic_crypto_pending(conn, HANDSHAKE));
}

/* Send one packet of a level; returns the number of CRYPTO bytes in it. */
static u32 send(struct kunit *test, u8 level, bool acked, u64 offset)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_test_pkt *pkt = quic_test_pkt_begin(test);
	struct quic_frame frame;
	struct quic_sent_frame *sent = &pkt->b.sent->frames[0];

	KUNIT_ASSERT_TRUE(test, quic_crypto_put_frames(conn, level, &pkt->b));
	quic_test_pkt_end(pkt);
	KUNIT_ASSERT_TRUE(test, quic_test_pkt_next(test, pkt, &frame));
	KUNIT_EXPECT_EQ(test, frame.type, QUIC_FRAME_CRYPTO);
	KUNIT_EXPECT_EQ(test, frame.crypto.offset, offset);
	KUNIT_EXPECT_TRUE(test, quic_test_matches(frame.crypto.data, offset,
						  frame.crypto.len));
	KUNIT_EXPECT_EQ(test, sent->kind, QUIC_SENT_CRYPTO);
	KUNIT_EXPECT_EQ(test, sent->id, level);
	if (acked)
		quic_crypto_frame_acked(conn, sent);
	else
		quic_crypto_frame_lost(conn, sent);
	quic_sent_pkt_free(pkt->b.sent);
	return frame.crypto.len;
}

static void crypto_sends_until_acknowledged(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	u32 first;

	append(test, HANDSHAKE, 2000, false);
	first = send(test, HANDSHAKE, false, 0);
	KUNIT_EXPECT_EQ(test, send(test, HANDSHAKE, true, 0), first);
	KUNIT_EXPECT_EQ(test, send(test, HANDSHAKE, true, first), 2000 - first);
	KUNIT_EXPECT_FALSE(test, quic_crypto_pending(conn, HANDSHAKE));
	KUNIT_EXPECT_EQ(test, quic_conn_sk(conn)->sk_wmem_queued, 0);
}

/* RFC 9000, 17.2.5.3: a Retry has the client send its ClientHello again. */
static void crypto_restart_sends_everything_again(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct quic_test_pkt *pkt = quic_test_pkt_begin(test);

	append(test, INITIAL, 300, false);
	KUNIT_EXPECT_TRUE(test, quic_crypto_put_frames(conn, INITIAL, &pkt->b));
	quic_sent_pkt_free(pkt->b.sent);
	KUNIT_EXPECT_FALSE(test, quic_crypto_pending(conn, INITIAL));
	quic_crypto_restart(conn, INITIAL);
	KUNIT_EXPECT_EQ(test, send(test, INITIAL, true, 0), 300);
}

static void crypto_discard_keeps_what_can_be_read(struct kunit *test)
{
	struct quic_conn *conn = quic_test_conn(test);

	append(test, INITIAL, 300, false);
	KUNIT_EXPECT_EQ(test, recv(test, INITIAL, 0, 30), 0);
	KUNIT_EXPECT_EQ(test, recv(test, INITIAL, 60, 30), 0);
	quic_crypto_discard(conn, INITIAL);
	KUNIT_EXPECT_FALSE(test, quic_crypto_pending(conn, INITIAL));
	KUNIT_EXPECT_EQ(test, quic_conn_sk(conn)->sk_wmem_queued, 0);
	KUNIT_EXPECT_EQ(test, conn->crypto[INITIAL].in.nr, 0);
	read_piece(test, INITIAL, 0, 30);
}

static struct kunit_case quic_crypto_stream_cases[] = {
	KUNIT_CASE(crypto_pieces_in_order),
	KUNIT_CASE(crypto_buffer_is_bounded),
	KUNIT_CASE(crypto_pieces_are_bounded),
	KUNIT_CASE(crypto_ticket_is_gathered),
	KUNIT_CASE(crypto_only_the_first_ticket_counts),
	KUNIT_CASE(crypto_large_tickets_pass_by),
	KUNIT_CASE(crypto_key_update_message_is_an_error),
	KUNIT_CASE(crypto_flight_leaves_together),
	KUNIT_CASE(crypto_sends_until_acknowledged),
	KUNIT_CASE(crypto_restart_sends_everything_again),
	KUNIT_CASE(crypto_discard_keeps_what_can_be_read),
	{}
};

static struct kunit_suite quic_crypto_stream_suite = {
	.name		= "quic_crypto_stream",
	.init		= quic_test_conn_init,
	.exit		= quic_test_conn_exit,
	.test_cases	= quic_crypto_stream_cases,
};

kunit_test_suite(quic_crypto_stream_suite);
