/* SPDX-License-Identifier: GPL-2.0-only */
/* A connection for tests of what hangs off it: a real socket, established as
 * far as its state and limits go, that no packet ever reaches or leaves; frames
 * are handed to it, and what it wants to send is read from a packet builder.
 */
#ifndef _NET_QUIC_TESTS_CONN_H
#define _NET_QUIC_TESTS_CONN_H

#include <kunit/test.h>
#include <linux/net.h>
#include <linux/uio.h>
#include <net/net_namespace.h>

#include "../conn.h"
#include "../frame.h"
#include "../packet_build.h"
#include "../rcvq.h"
#include "../reasm.h"
#include "../stream_input.h"
#include "../stream_output.h"

#define QUIC_TEST_WINDOW	100000	/* of the connection */
#define QUIC_TEST_STREAM	60000	/* of a stream */
#define QUIC_TEST_STREAMS	10	/* of each type */
#define QUIC_TEST_PACKET	1200
#define QUIC_TEST_RTT_US	1000

struct quic_test_conn {
	struct socket *sock;
	struct quic_conn *conn;
	struct quic_peer_cid cid;
};

static inline void quic_test_tparams(struct quic_tparams *tp)
{
	tp->initial_max_data = QUIC_TEST_WINDOW;
	tp->initial_max_stream_data_bidi_local = QUIC_TEST_STREAM;
	tp->initial_max_stream_data_bidi_remote = QUIC_TEST_STREAM;
	tp->initial_max_stream_data_uni = QUIC_TEST_STREAM;
	tp->initial_max_streams_bidi = QUIC_TEST_STREAMS;
	tp->initial_max_streams_uni = QUIC_TEST_STREAMS;
}

/* Suite init: test->priv is the connection, locked, a client. */
static inline int quic_test_conn_init(struct kunit *test)
{
	struct quic_test_conn *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	struct quic_conn *conn;

	KUNIT_ASSERT_NOT_NULL(test, t);
	KUNIT_ASSERT_EQ(test, 0, sock_create_kern(&init_net, AF_INET,
						  SOCK_STREAM, IPPROTO_QUIC,
						  &t->sock));
	conn = quic_conn(t->sock->sk);
	t->conn = conn;
	lock_sock(t->sock->sk);
	inet_sk_state_store(t->sock->sk, TCP_ESTABLISHED);
	conn->cids.active = &t->cid;
	t->cid.cid.len = 8;
	conn->path.max_payload = QUIC_TEST_PACKET;
	conn->rec.rtt.smoothed_us = QUIC_TEST_RTT_US;
	conn->settings.events = ~0;
	quic_test_tparams(&conn->local);
	quic_test_tparams(&conn->remote);
	quic_streams_apply_local(conn);
	quic_streams_apply_remote(conn);
	test->priv = t;
	return 0;
}

static inline void quic_test_conn_exit(struct kunit *test)
{
	struct quic_test_conn *t = test->priv;

	if (!t)
		return;
	t->conn->cids.active = NULL;
	inet_sk_state_store(t->sock->sk, TCP_CLOSE);
	release_sock(t->sock->sk);
	sock_release(t->sock);
}

static inline struct quic_conn *quic_test_conn(struct kunit *test)
{
	struct quic_test_conn *t = test->priv;

	return t->conn;
}

/* What stands at an offset of every byte string that tests send. */
static inline u8 quic_test_byte(u64 offset)
{
	return offset * 7 + (offset >> 8) * 13;
}

static inline void quic_test_fill(u8 *p, u64 offset, u32 len)
{
	while (len--)
		*p++ = quic_test_byte(offset++);
}

static inline bool quic_test_matches(const u8 *p, u64 offset, u32 len)
{
	for (; len; len--)
		if (*p++ != quic_test_byte(offset++))
			return false;
	return true;
}

/* A received datagram of @size bytes. */
static inline struct sk_buff *quic_test_datagram(struct kunit *test, u32 size)
{
	struct sk_buff *skb = alloc_skb(size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_put(skb, size);
	return skb;
}

/* The peer sends bytes of the pattern in a STREAM frame. */
static inline int quic_test_recv(struct kunit *test, u64 id, u64 offset,
				 u32 len, bool fin)
{
	struct sk_buff *skb = quic_test_datagram(test, len + 20);
	struct quic_frame_stream frame = {
		.stream_id = id,
		.offset = offset,
		.data = skb->data + 10,
		.len = len,
		.fin = fin,
	};
	int err;

	quic_test_fill(skb->data + 10, offset, len);
	err = quic_streams_recv_data(quic_test_conn(test), &frame, skb);
	kfree_skb(skb);
	return err;
}

/* An iterator over @len bytes of the pattern. */
static inline void quic_test_iter(struct kunit *test, struct iov_iter *iter,
				  struct kvec *kvec, u64 offset, u32 len)
{
	kvec->iov_base = kunit_kmalloc(test, len, GFP_KERNEL);
	kvec->iov_len = len;
	KUNIT_ASSERT_NOT_NULL(test, kvec->iov_base);
	quic_test_fill(kvec->iov_base, offset, len);
	iov_iter_kvec(iter, ITER_SOURCE, kvec, 1, len);
}

/**
 * struct quic_test_pkt - a packet as the builder makes it, not encrypted
 * @b:     builder
 * @buf:   what is written directly
 * @plain: the plaintext, after quic_test_pkt_end()
 * @pos:   next frame of @plain
 */
struct quic_test_pkt {
	struct quic_pkt_builder b;
	u8 buf[QUIC_TEST_PACKET];
	u8 plain[QUIC_TEST_PACKET];
	const u8 *pos;
};

static inline struct quic_test_pkt *quic_test_pkt_begin(struct kunit *test)
{
	struct quic_test_pkt *pkt = kunit_kzalloc(test, sizeof(*pkt), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pkt);
	pkt->b.conn = quic_test_conn(test);
	pkt->b.type = QUIC_PKT_1RTT;
	pkt->b.buf = pkt->buf;
	pkt->b.size = sizeof(pkt->buf);
	pkt->b.max_frames = 16;
	sg_init_table(pkt->b.sg, QUIC_PKT_MAX_SG);
	pkt->b.sent = quic_sent_pkt_alloc(16, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pkt->b.sent);
	return pkt;
}

static inline void quic_test_pkt_end(struct quic_test_pkt *pkt)
{
	struct quic_pkt_builder *b = &pkt->b;
	u32 done = 0, i;

	for (i = 0; i < b->nr_sg; i++) {
		memcpy(pkt->plain + done, sg_virt(&b->sg[i]), b->sg[i].length);
		done += b->sg[i].length;
	}
	memcpy(pkt->plain + b->run, b->buf + b->hdr_len + b->run,
	       b->len - b->run);
	pkt->pos = pkt->plain;
}

/* The next frame of a packet; false behind the last. */
static inline bool quic_test_pkt_next(struct kunit *test,
				      struct quic_test_pkt *pkt,
				      struct quic_frame *frame)
{
	const u8 *end = pkt->plain + pkt->b.len;

	if (pkt->pos == end)
		return false;
	KUNIT_ASSERT_EQ(test, 0, quic_frame_parse(&pkt->pos, end, frame));
	return true;
}

/* A packet with what streams want to send, or NULL if they want nothing. */
static inline struct quic_test_pkt *quic_test_send(struct kunit *test)
{
	struct quic_test_pkt *pkt = quic_test_pkt_begin(test);

	if (!quic_streams_put_frames(quic_test_conn(test), &pkt->b)) {
		quic_sent_pkt_free(pkt->b.sent);
		return NULL;
	}
	quic_test_pkt_end(pkt);
	return pkt;
}

/* All frames of a packet have arrived, or are lost. */
static inline void quic_test_done(struct kunit *test, struct quic_test_pkt *pkt,
				  bool acked)
{
	struct quic_sent_pkt *sent = pkt->b.sent;
	u8 i;

	for (i = 0; i < sent->nr_frames; i++) {
		if (acked)
			quic_streams_frame_acked(pkt->b.conn, &sent->frames[i]);
		else
			quic_streams_frame_lost(pkt->b.conn, &sent->frames[i]);
	}
	quic_sent_pkt_free(sent);
}

/* Send one packet that consists of exactly one frame, which has arrived. */
static inline void quic_test_send_one(struct kunit *test, bool acked,
				      struct quic_frame *frame)
{
	struct quic_test_pkt *pkt = quic_test_send(test);
	struct quic_frame more;

	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_ASSERT_TRUE(test, quic_test_pkt_next(test, pkt, frame));
	KUNIT_EXPECT_FALSE(test, quic_test_pkt_next(test, pkt, &more));
	quic_test_done(test, pkt, acked);
}

/* The next notification must be of a stream and a state. */
static inline void quic_test_expect_update(struct kunit *test, u64 id, u8 state,
					   u64 errcode, u64 final_size)
{
	struct quic_conn *conn = quic_test_conn(test);
	struct sk_buff *skb = __skb_dequeue(&conn->events.queue);
	struct quic_stream_update update;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, skb->len, 1 + sizeof(update));
	KUNIT_EXPECT_EQ(test, skb->data[0], QUIC_EVENT_STREAM_UPDATE);
	memcpy(&update, skb->data + 1, sizeof(update));
	kfree_skb(skb);
	KUNIT_EXPECT_EQ(test, update.id, id);
	KUNIT_EXPECT_EQ(test, update.state, state);
	KUNIT_EXPECT_EQ(test, update.errcode, errcode);
	KUNIT_EXPECT_EQ(test, update.finalsz, final_size);
}

static inline void quic_test_drop_events(struct kunit *test)
{
	__skb_queue_purge(&quic_test_conn(test)->events.queue);
}

#endif /* _NET_QUIC_TESTS_CONN_H */
