// SPDX-License-Identifier: GPL-2.0-only

#include <kunit/test.h>
#include <linux/limits.h>

#include "../settings.h"

struct quic_alpn_case {
	const char *name;
	const char *str;
	u32 len;
	int err;
	const char *out;
};

static const struct quic_alpn_case quic_alpn_cases[] = {
	{ "one",		"smb",		3,	0,	"smb" },
	{ "two",		"h3,h3-29",	8,	0,	"h3,h3-29" },
	{ "spaces before",	"  h3,  h3-29",	13,	0,	"h3,h3-29" },
	{ "spaces behind",	"h3 ,x",	5,	0,	"h3 ,x" },
	{ "NUL is a byte",	"h3, h3-29",	10,	0,	"h3,h3-29" },
	{ "empty",		"",		0,	-EINVAL },
	{ "only spaces",	"  ",		2,	-EINVAL },
	{ "comma first",	",a",		2,	-EINVAL },
	{ "comma last",		"a,",		2,	-EINVAL },
	{ "two commas",		"a,,b",		4,	-EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(quic_alpn, quic_alpn_cases, name);

static void quic_settings_test_alpn_text(struct kunit *test)
{
	const struct quic_alpn_case *c = test->param_value;
	struct quic_alpn alpn = { .len = 2, .data = { 1, 'x' } };
	u8 out[QUIC_ALPN_MAX];
	u32 len;

	KUNIT_EXPECT_EQ(test, quic_alpn_parse(&alpn, c->str, c->len), c->err);
	len = quic_alpn_format(&alpn, out);
	if (c->err) {
		KUNIT_EXPECT_EQ(test, len, 1U);
		KUNIT_EXPECT_EQ(test, out[0], 'x');
		return;
	}
	KUNIT_EXPECT_GE(test, len, (u32)strlen(c->out));
	KUNIT_EXPECT_MEMEQ(test, out, c->out, strlen(c->out));
	if (len > strlen(c->out))
		KUNIT_EXPECT_EQ(test, out[strlen(c->out)], 0);
}

static void quic_settings_test_alpn_limits(struct kunit *test)
{
	u8 str[QUIC_ALPN_MAX + 1], out[QUIC_ALPN_MAX];
	struct quic_alpn alpn;
	u32 i;

	memset(str, 'a', sizeof(str));
	KUNIT_EXPECT_EQ(test, quic_alpn_parse(&alpn, str, QUIC_ALPN_MAX), 0);
	KUNIT_EXPECT_EQ(test, quic_alpn_format(&alpn, out),
			(u32)QUIC_ALPN_MAX);
	KUNIT_EXPECT_MEMEQ(test, out, str, QUIC_ALPN_MAX);
	KUNIT_EXPECT_EQ(test, quic_alpn_parse(&alpn, str, QUIC_ALPN_MAX + 1),
			-EINVAL);

	/* as many names as there can be */
	for (i = 1; i < QUIC_ALPN_MAX - 1; i += 2)
		str[i] = ',';
	KUNIT_EXPECT_EQ(test, quic_alpn_parse(&alpn, str, QUIC_ALPN_MAX - 1),
			0);
	KUNIT_EXPECT_EQ(test, alpn.len, QUIC_ALPN_MAX);
	KUNIT_EXPECT_EQ(test, quic_alpn_format(&alpn, out),
			(u32)QUIC_ALPN_MAX - 1);
	KUNIT_EXPECT_MEMEQ(test, out, str, QUIC_ALPN_MAX - 1);
}

static struct quic_alpn quic_test_alpn(struct kunit *test, const char *str)
{
	struct quic_alpn alpn = {};

	if (*str)
		KUNIT_EXPECT_EQ(test, quic_alpn_parse(&alpn, str, strlen(str)),
				0);
	return alpn;
}

static void quic_settings_test_alpn_compare(struct kunit *test)
{
	struct quic_alpn ab = quic_test_alpn(test, "a,bb");
	struct quic_alpn ba = quic_test_alpn(test, "bb,a");
	struct quic_alpn bc = quic_test_alpn(test, "bb,c");
	struct quic_alpn b = quic_test_alpn(test, "b,ab");
	struct quic_alpn none = quic_test_alpn(test, "");

	KUNIT_EXPECT_TRUE(test, quic_alpn_equal(&ab, &ab));
	KUNIT_EXPECT_TRUE(test, quic_alpn_equal(&none, &none));
	KUNIT_EXPECT_FALSE(test, quic_alpn_equal(&ab, &ba));
	KUNIT_EXPECT_FALSE(test, quic_alpn_equal(&ab, &none));
	KUNIT_EXPECT_TRUE(test, quic_alpn_overlap(&ab, &bc));
	KUNIT_EXPECT_TRUE(test, quic_alpn_overlap(&ab, &ba));
	KUNIT_EXPECT_FALSE(test, quic_alpn_overlap(&ab, &b));
	KUNIT_EXPECT_FALSE(test, quic_alpn_overlap(&ab, &none));
	KUNIT_EXPECT_FALSE(test, quic_alpn_overlap(&none, &none));
	KUNIT_EXPECT_TRUE(test, quic_alpn_contains(&ab, "bb", 2));
	KUNIT_EXPECT_FALSE(test, quic_alpn_contains(&ab, "b", 1));
}

/* A list that ends within a name ends before it. */
static void quic_settings_test_alpn_iter(struct kunit *test)
{
	static const u8 list[] = { 1, 'a', 3, 'b', 'b' };
	struct quic_alpn_name name;
	struct quic_alpn_iter it;

	quic_alpn_iter_init(&it, list, sizeof(list));
	KUNIT_EXPECT_TRUE(test, quic_alpn_iter_next(&it, &name));
	KUNIT_EXPECT_EQ(test, name.len, 1);
	KUNIT_EXPECT_PTR_EQ(test, name.data, list + 1);
	KUNIT_EXPECT_FALSE(test, quic_alpn_iter_next(&it, &name));
	quic_alpn_iter_init(&it, list, 0);
	KUNIT_EXPECT_FALSE(test, quic_alpn_iter_next(&it, &name));
}

struct quic_config_case {
	const char *name;
	struct quic_config config;
	int err;
};

static const struct quic_config_case quic_config_cases[] = {
	{ "nothing",		{}, 0 },
	{ "probe low",		{ .plpmtud_probe_interval = 4999999 }, -EINVAL },
	{ "probe lowest",	{ .plpmtud_probe_interval = 5000000 }, 0 },
	{ "probe highest",	{ .plpmtud_probe_interval = U32_MAX / 30 }, 0 },
	{ "probe high",		{ .plpmtud_probe_interval = U32_MAX / 30 + 1 },
	  -EINVAL },
	{ "RTT low",		{ .initial_smoothed_rtt = 999 }, -EINVAL },
	{ "RTT lowest",		{ .initial_smoothed_rtt = 1000 }, 0 },
	{ "RTT highest",	{ .initial_smoothed_rtt = 6000000 }, 0 },
	{ "RTT high",		{ .initial_smoothed_rtt = 6000001 }, -EINVAL },
	{ "cipher 50",		{ .payload_cipher_type = 50 }, -EINVAL },
	{ "cipher 51",		{ .payload_cipher_type = 51 }, 0 },
	{ "cipher 54",		{ .payload_cipher_type = 54 }, 0 },
	{ "cipher 55",		{ .payload_cipher_type = 55 }, -EINVAL },
	{ "CUBIC",		{ .congestion_control_algo = 1 }, 0 },
	{ "no congestion control", { .congestion_control_algo = 2 }, -EINVAL },
	{ "keep-alive low",	{ .keepalive_probe_interval = 1499999 },
	  -EINVAL },
	{ "keep-alive lowest",	{ .keepalive_probe_interval = 1500000 }, 0 },
	{ "any version",	{ .version = 0xbabababa }, 0 },
};

KUNIT_ARRAY_PARAM_DESC(quic_config, quic_config_cases, name);

static void quic_settings_test_config(struct kunit *test)
{
	const struct quic_config_case *c = test->param_value;
	struct quic_settings s;
	struct quic_config before;

	quic_settings_init(&s);
	before = s.config;
	KUNIT_EXPECT_EQ(test, before.initial_smoothed_rtt, 333000U);
	KUNIT_EXPECT_EQ(test, quic_settings_set_config(&s, &c->config), c->err);
	if (c->err)
		KUNIT_EXPECT_MEMEQ(test, &s.config, &before, sizeof(before));

	/* what was read can be written back */
	before = s.config;
	KUNIT_EXPECT_EQ(test, quic_settings_set_config(&s, &before), 0);
	KUNIT_EXPECT_MEMEQ(test, &s.config, &before, sizeof(before));
	quic_settings_destroy(&s);
}

static void quic_settings_test_config_unchanged(struct kunit *test)
{
	struct quic_config all = {
		.version			= QUIC_VERSION_V2,
		.plpmtud_probe_interval		= 6000000,
		.initial_smoothed_rtt		= 50000,
		.payload_cipher_type		= 54,
		.congestion_control_algo	= QUIC_CONG_ALG_CUBIC,
		.validate_peer_address		= 1,
		.stream_data_nodelay		= 1,
		.receive_session_ticket		= 3,
		.certificate_request		= 2,
		.keepalive_probe_interval	= 2000000,
	};
	struct quic_config none = {};
	struct quic_settings s;

	quic_settings_init(&s);
	KUNIT_EXPECT_EQ(test, quic_settings_set_config(&s, &all), 0);
	KUNIT_EXPECT_MEMEQ(test, &s.config, &all, sizeof(all));
	KUNIT_EXPECT_EQ(test, quic_settings_set_config(&s, &none), 0);
	KUNIT_EXPECT_MEMEQ(test, &s.config, &all, sizeof(all));
	quic_settings_destroy(&s);
}

static void quic_settings_test_events(struct kunit *test)
{
	struct quic_event_option opt = { .on = 7 };
	struct quic_settings s;

	quic_settings_init(&s);
	KUNIT_EXPECT_EQ(test, quic_settings_set_event(&s, &opt), -EINVAL);
	opt.type = QUIC_EVENT_MAX;
	KUNIT_EXPECT_EQ(test, quic_settings_set_event(&s, &opt), -EINVAL);
	for (opt.type = 1; opt.type < QUIC_EVENT_MAX; opt.type++) {
		KUNIT_EXPECT_FALSE(test, quic_settings_event_on(&s, opt.type));
		KUNIT_EXPECT_EQ(test, quic_settings_set_event(&s, &opt), 0);
		KUNIT_EXPECT_TRUE(test, quic_settings_event_on(&s, opt.type));
	}
	opt.type = QUIC_EVENT_KEY_UPDATE;
	opt.on = 0;
	KUNIT_EXPECT_EQ(test, quic_settings_set_event(&s, &opt), 0);
	KUNIT_EXPECT_FALSE(test, quic_settings_event_on(&s, opt.type));
	quic_settings_destroy(&s);
}

static void quic_settings_test_inherit(struct kunit *test)
{
	struct quic_event_option opt = { QUIC_EVENT_NEW_TOKEN, 1 };
	struct quic_settings listener, s;

	quic_settings_init(&listener);
	quic_settings_init(&s);
	KUNIT_EXPECT_MEMNEQ(test, &s.secret, &listener.secret,
			    sizeof(s.secret));
	listener.alpn = quic_test_alpn(test, "smb");
	listener.config.stream_data_nodelay = 1;
	listener.close.errcode = 5;
	KUNIT_EXPECT_EQ(test, quic_settings_set_event(&listener, &opt), 0);
	KUNIT_EXPECT_EQ(test, quic_blob_set(&listener.ticket, "x", 1,
					    GFP_KERNEL), 0);

	quic_settings_inherit(&s, &listener);
	KUNIT_EXPECT_TRUE(test, quic_alpn_equal(&s.alpn, &listener.alpn));
	KUNIT_EXPECT_EQ(test, s.config.stream_data_nodelay, 1);
	KUNIT_EXPECT_TRUE(test, quic_settings_event_on(&s,
						       QUIC_EVENT_NEW_TOKEN));
	KUNIT_EXPECT_MEMEQ(test, &s.secret, &listener.secret,
			   sizeof(s.secret));
	KUNIT_EXPECT_EQ(test, s.close.errcode, 0U);
	KUNIT_EXPECT_EQ(test, s.ticket.len, 0U);
	quic_settings_destroy(&s);
	quic_settings_destroy(&listener);
}

static void quic_settings_test_blob(struct kunit *test)
{
	struct quic_blob blob = {};

	KUNIT_EXPECT_EQ(test, quic_blob_set(&blob, "abc", 3, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, blob.len, 3U);
	KUNIT_EXPECT_MEMEQ(test, blob.data, "abc", 3);
	/* a string may be replaced by a part of itself */
	KUNIT_EXPECT_EQ(test, quic_blob_set(&blob, blob.data + 1, 2,
					    GFP_KERNEL), 0);
	KUNIT_EXPECT_MEMEQ(test, blob.data, "bc", 2);
	KUNIT_EXPECT_EQ(test, quic_blob_set(&blob, NULL, 0, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, blob.len, 0U);
	KUNIT_EXPECT_NULL(test, blob.data);
}

static struct kunit_case quic_settings_cases[] = {
	KUNIT_CASE_PARAM(quic_settings_test_alpn_text, quic_alpn_gen_params),
	KUNIT_CASE(quic_settings_test_alpn_limits),
	KUNIT_CASE(quic_settings_test_alpn_compare),
	KUNIT_CASE(quic_settings_test_alpn_iter),
	KUNIT_CASE_PARAM(quic_settings_test_config, quic_config_gen_params),
	KUNIT_CASE(quic_settings_test_config_unchanged),
	KUNIT_CASE(quic_settings_test_events),
	KUNIT_CASE(quic_settings_test_inherit),
	KUNIT_CASE(quic_settings_test_blob),
	{}
};

static struct kunit_suite quic_settings_suite = {
	.name		= "quic_settings",
	.test_cases	= quic_settings_cases,
};

kunit_test_suite(quic_settings_suite);
