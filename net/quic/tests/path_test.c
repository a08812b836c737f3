// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>

#include "../endpoint.h"
#include "../frame.h"
#include "../packet_build.h"
#include "../path.h"
#include "../roam.h"

#define PTO_US	10000
#define FAIL_US	300000

/**
 * struct path_story - a path, and a packet that leaves on it
 * @endpoint: nothing is sent through it
 * @path:     the path
 * @b:	      the packet
 * @buf:      its bytes
 */
struct path_story {
	struct quic_endpoint endpoint;
	struct quic_path path;
	struct quic_pkt_builder b;
	u8 buf[QUIC_MIN_UDP_PAYLOAD];
};

static union quic_addr v4(u32 host, u16 port)
{
	union quic_addr addr = {};

	addr.v4.sin_family = AF_INET;
	addr.v4.sin_addr.s_addr = htonl(host);
	addr.v4.sin_port = htons(port);
	return addr;
}

static union quic_addr v6(u32 first, u32 last, u16 port)
{
	union quic_addr addr = {};

	addr.v6.sin6_family = AF_INET6;
	addr.v6.sin6_addr.s6_addr32[0] = htonl(first);
	addr.v6.sin6_addr.s6_addr32[3] = htonl(last);
	addr.v6.sin6_port = htons(port);
	return addr;
}

static void new_packet(struct path_story *s, u32 size)
{
	quic_sent_pkt_free(s->b.sent);
	s->b = (struct quic_pkt_builder) {
		.buf	    = s->buf,
		.size	    = size,
		.max_frames = 8,
		.sent	    = quic_sent_pkt_alloc(8, GFP_KERNEL),
	};
}

static int path_init(struct kunit *test)
{
	union quic_addr local = v4(0x0a000001, 1000);
	union quic_addr peer = v4(0x0a000002, 2000);
	struct path_story *s;

	s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	quic_path_init(&s->path, &s->endpoint, &local, &peer);
	new_packet(s, QUIC_MIN_UDP_PAYLOAD);
	test->priv = s;
	return 0;
}

static void path_exit(struct kunit *test)
{
	struct path_story *s = test->priv;

	if (s)
		quic_sent_pkt_free(s->b.sent);
}

/* Sends a challenge of a datagram of @size, and returns its data. */
static const u8 *challenge(struct path_story *s, u32 size, ktime_t now)
{
	new_packet(s, size);
	quic_path_put_challenge(&s->path, &s->b, now);
	return s->buf + 1;
}

static void start(struct path_story *s)
{
	quic_path_check_start(&s->path, PTO_US, FAIL_US, 0);
}

static void three_times_what_came(struct kunit *test)
{
	struct path_story *s = test->priv;

	KUNIT_EXPECT_EQ(test, quic_path_amp_credit(&s->path), 0);
	s->path.rx_bytes = 100;
	KUNIT_EXPECT_EQ(test, quic_path_amp_credit(&s->path), 300);
	s->path.tx_bytes = 250;
	KUNIT_EXPECT_EQ(test, quic_path_amp_credit(&s->path), 50);
	s->path.tx_bytes = 400;
	KUNIT_EXPECT_EQ(test, quic_path_amp_credit(&s->path), 0);
	s->path.validated = true;
	KUNIT_EXPECT_EQ(test, quic_path_amp_credit(&s->path), U64_MAX);
}

static void a_path_is_a_pair_of_addresses(struct kunit *test)
{
	struct path_story *s = test->priv;
	union quic_addr local = s->path.local, peer = s->path.peer;
	union quic_addr other = v4(0x0a000002, 2001);
	struct quic_path b = s->path;

	KUNIT_EXPECT_TRUE(test, quic_path_is(&s->path, &local, &peer));
	KUNIT_EXPECT_FALSE(test, quic_path_is(&s->path, &peer, &local));
	KUNIT_EXPECT_FALSE(test, quic_path_is(&s->path, &local, &other));
	b.peer = other;
	KUNIT_EXPECT_TRUE(test, quic_path_same_hosts(&s->path, &b));
	b.peer = v4(0x0a000003, 2000);
	KUNIT_EXPECT_FALSE(test, quic_path_same_hosts(&s->path, &b));
	s->path.endpoint = NULL;
	KUNIT_EXPECT_FALSE(test, quic_path_is(&s->path, &local, &peer));
}

static void the_newest_challenges_are_answered(struct kunit *test)
{
	static const u8 data[3][8] = { "first", "second", "third" };
	struct path_story *s = test->priv;
	int i;

	for (i = 0; i < 3; i++)
		quic_path_on_challenge(&s->path, data[i]);
	quic_path_put_responses(&s->path, &s->b);
	KUNIT_EXPECT_EQ(test, s->b.len, 2 * QUIC_FRAME_PATH_LEN);
	KUNIT_EXPECT_EQ(test, s->buf[0], QUIC_FRAME_PATH_RESPONSE);
	KUNIT_EXPECT_MEMEQ(test, s->buf + 1, data[1], 8);
	KUNIT_EXPECT_MEMEQ(test, s->buf + 10, data[2], 8);
	KUNIT_EXPECT_EQ(test, s->path.nr_responses, 0);
}

static void an_answer_stays_owed_without_room(struct kunit *test)
{
	struct path_story *s = test->priv;

	quic_path_on_challenge(&s->path, "question");
	new_packet(s, QUIC_TAG_LEN + QUIC_FRAME_PATH_LEN - 1);
	quic_path_put_responses(&s->path, &s->b);
	KUNIT_EXPECT_EQ(test, s->b.len, 0);
	KUNIT_EXPECT_EQ(test, s->path.nr_responses, 1);
}

static void every_challenge_differs_and_counts(struct kunit *test)
{
	struct path_story *s = test->priv;
	u8 data[QUIC_PATH_CHALLENGES][8];
	int i, j;

	start(s);
	for (i = 0; i < QUIC_PATH_CHALLENGES; i++)
		memcpy(data[i], challenge(s, QUIC_MIN_UDP_PAYLOAD, i), 8);
	for (i = 0; i < QUIC_PATH_CHALLENGES; i++) {
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_MEMNEQ(test, data[i], data[j], 8);
		KUNIT_EXPECT_EQ(test, quic_path_check_answer(&s->path, data[i]),
				QUIC_PATH_VALID);
	}
	/* One more takes the place of the first. */
	challenge(s, QUIC_MIN_UDP_PAYLOAD, i);
	KUNIT_EXPECT_EQ(test, quic_path_check_answer(&s->path, data[0]),
			QUIC_PATH_UNKNOWN);
	KUNIT_EXPECT_EQ(test, quic_path_check_answer(&s->path, data[1]),
			QUIC_PATH_VALID);
}

static void no_answer_without_a_challenge(struct kunit *test)
{
	static const u8 zero[8];
	struct path_story *s = test->priv;
	u8 data[8];

	KUNIT_EXPECT_EQ(test, quic_path_check_answer(&s->path, zero),
			QUIC_PATH_UNKNOWN);
	start(s);
	KUNIT_EXPECT_EQ(test, quic_path_check_answer(&s->path, zero),
			QUIC_PATH_UNKNOWN);
	memcpy(data, challenge(s, QUIC_MIN_UDP_PAYLOAD, 0), 8);
	quic_path_check_stop(&s->path);
	KUNIT_EXPECT_EQ(test, quic_path_check_answer(&s->path, data),
			QUIC_PATH_UNKNOWN);
}

static void a_small_challenge_shows_the_address_only(struct kunit *test)
{
	struct path_story *s = test->priv;
	u8 data[8];

	start(s);
	memcpy(data, challenge(s, 200, 0), 8);
	KUNIT_EXPECT_EQ(test, quic_path_check_answer(&s->path, data),
			QUIC_PATH_REACHED);
}

static void challenges_become_rarer_until_hope_is_lost(struct kunit *test)
{
	struct path_story *s = test->priv;
	ktime_t now = 0;
	u64 gap = PTO_US;

	start(s);
	for (; now < us_to_ktime(FAIL_US); gap *= 2) {
		KUNIT_EXPECT_TRUE(test, quic_path_check_due(&s->path, now));
		KUNIT_EXPECT_FALSE(test, quic_path_check_failed(&s->path, now));
		challenge(s, QUIC_MIN_UDP_PAYLOAD, now);
		KUNIT_EXPECT_FALSE(test, quic_path_check_due(&s->path, now));
		KUNIT_EXPECT_EQ(test, quic_path_check_deadline(&s->path),
				min(ktime_add_us(now, gap),
				    us_to_ktime(FAIL_US)));
		now = ktime_add_us(now, gap);
	}
	KUNIT_EXPECT_TRUE(test, quic_path_check_failed(&s->path, now));
	quic_path_check_stop(&s->path);
	KUNIT_EXPECT_FALSE(test, quic_path_check_failed(&s->path, now));
	KUNIT_EXPECT_EQ(test, quic_path_check_deadline(&s->path), KTIME_MAX);
}

static void a_preferred_address_reaches_as_far(struct kunit *test)
{
	union quic_addr world = v4(0x5db8d822, 443), own = v4(0x7f000001, 443);
	union quic_addr link = v6(0xfe800000, 1, 443);
	union quic_addr world6 = v6(0x20010db8, 1, 443);

	KUNIT_EXPECT_FALSE(test, quic_roam_preferred_ok(&world, &world));
	KUNIT_EXPECT_TRUE(test, quic_roam_preferred_ok(&world, &world6));
	KUNIT_EXPECT_FALSE(test, quic_roam_preferred_ok(&world, &own));
	KUNIT_EXPECT_FALSE(test, quic_roam_preferred_ok(&world, &link));
	KUNIT_EXPECT_FALSE(test, quic_roam_preferred_ok(&link, &own));
	KUNIT_EXPECT_TRUE(test, quic_roam_preferred_ok(&own, &world));
	KUNIT_EXPECT_TRUE(test, quic_roam_preferred_ok(&world6, &world));
	world.v4.sin_port = 0;
	KUNIT_EXPECT_FALSE(test, quic_roam_preferred_ok(&own, &world));
}

/* Somebody's own network: a server that is there may stay there, or leave it. */
static void a_preferred_address_behind_a_nat(struct kunit *test)
{
	union quic_addr world = v4(0x5db8d822, 443), inside[] = {
		v4(0x0a000001, 443), v4(0xac100001, 443), v4(0xac1fffff, 443),
		v4(0xc0a80001, 443), v4(0x64400001, 443),
		v6(0xfd030000, 1, 443), v6(0xfc000000, 1, 443),
		v6(0xfec00000, 1, 443),
	};
	union quic_addr outside[] = {
		v4(0x0b000001, 443), v4(0xac200001, 443), v4(0xc0a90001, 443),
		v4(0x64800001, 443), v6(0x2a000000, 1, 443),
	};
	union quic_addr link = v6(0xfe800000, 1, 443);
	int i;

	for (i = 0; i < ARRAY_SIZE(inside); i++) {
		KUNIT_EXPECT_FALSE(test, quic_roam_preferred_ok(&world,
								&inside[i]));
		KUNIT_EXPECT_TRUE(test, quic_roam_preferred_ok(&inside[i],
							       &world));
		KUNIT_EXPECT_TRUE(test, quic_roam_preferred_ok(&link,
							       &inside[i]));
		KUNIT_EXPECT_FALSE(test, quic_roam_preferred_ok(&inside[i],
								&link));
	}
	KUNIT_EXPECT_TRUE(test, quic_roam_preferred_ok(&inside[0], &inside[5]));
	for (i = 0; i < ARRAY_SIZE(outside); i++)
		KUNIT_EXPECT_TRUE(test, quic_roam_preferred_ok(&world,
							       &outside[i]));
}

static void a_preferred_address_is_of_one_host(struct kunit *test)
{
	union quic_addr now = v4(0x5db8d822, 443), to[] = {
		v4(INADDR_ANY, 443), v4(INADDR_BROADCAST, 443),
		v4(0xe0000001, 443), v6(0, 0, 443), v6(0xff020000, 1, 443),
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(to); i++)
		KUNIT_EXPECT_FALSE(test, quic_roam_preferred_ok(&now, &to[i]));
}

static struct kunit_case quic_path_cases[] = {
	KUNIT_CASE(three_times_what_came),
	KUNIT_CASE(a_path_is_a_pair_of_addresses),
	KUNIT_CASE(the_newest_challenges_are_answered),
	KUNIT_CASE(an_answer_stays_owed_without_room),
	KUNIT_CASE(every_challenge_differs_and_counts),
	KUNIT_CASE(no_answer_without_a_challenge),
	KUNIT_CASE(a_small_challenge_shows_the_address_only),
	KUNIT_CASE(challenges_become_rarer_until_hope_is_lost),
	KUNIT_CASE(a_preferred_address_reaches_as_far),
	KUNIT_CASE(a_preferred_address_behind_a_nat),
	KUNIT_CASE(a_preferred_address_is_of_one_host),
	{}
};

static struct kunit_suite quic_path_suite = {
	.name = "quic_path",
	.init = path_init,
	.exit = path_exit,
	.test_cases = quic_path_cases,
};

kunit_test_suite(quic_path_suite);
