// SPDX-License-Identifier: GPL-2.0-only

#include <kunit/test.h>
#include <linux/net.h>
#include <linux/quic.h>
#include <net/net_namespace.h>
#include "../tparams.h"

static void option_default(struct kunit *test)
{
	static const struct quic_transport_param expected = {
		.active_connection_id_limit	= 7,
		.ack_delay_exponent		= 3,
		.max_udp_payload_size		= 65527,
		.max_idle_timeout		= 30000000,
		.max_ack_delay			= 25000,
		.max_streams_bidi		= 100,
		.max_streams_uni		= 100,
		.max_data			= 2097120,
		.max_stream_data_bidi_local	= 1048560,
		.max_stream_data_bidi_remote	= 1048560,
		.max_stream_data_uni		= 1048560,
	};
	struct quic_transport_param param;
	struct quic_tparams tp;

	KUNIT_EXPECT_EQ(test, sizeof(param), 56);
	quic_tparams_default(&tp);
	quic_tparams_to_uapi(&tp, false, &param);
	KUNIT_EXPECT_MEMEQ(test, &param, &expected, sizeof(param));
}

/**
 * struct option_case - a field at and behind the ends of its range
 * @name:   the field
 * @local:  what may be set of ours
 * @remote: what may be remembered of a peer's
 * @param:  value with only this field
 */
struct option_case {
	const char *name;
	bool local;
	bool remote;
	struct quic_transport_param param;
};

#define OPTION(_field, _value, _local, _remote)				\
	{ #_field " " #_value, _local, _remote, { ._field = (_value) } }

static const struct option_case option_ranges[] = {
	OPTION(max_udp_payload_size, 1199, false, false),
	OPTION(max_udp_payload_size, 1200, true, true),
	OPTION(max_udp_payload_size, 65527, true, true),
	OPTION(max_udp_payload_size, 65528, false, false),
	OPTION(ack_delay_exponent, 1, true, true),
	OPTION(ack_delay_exponent, 20, true, true),
	OPTION(ack_delay_exponent, 21, false, false),
	OPTION(max_ack_delay, 1, true, true),
	OPTION(max_ack_delay, 16383999, true, true),
	OPTION(max_ack_delay, 16384000, false, false),
	OPTION(active_connection_id_limit, 1, false, false),
	OPTION(active_connection_id_limit, 2, true, true),
	OPTION(active_connection_id_limit, 8, true, true),
	OPTION(active_connection_id_limit, 9, false, false),
	OPTION(max_idle_timeout, 999999, false, false),
	OPTION(max_idle_timeout, 1000000, true, true),
	OPTION(max_idle_timeout, U32_MAX, true, true),
	OPTION(max_datagram_frame_size, 1, false, true),
	OPTION(max_datagram_frame_size, 1199, false, true),
	OPTION(max_datagram_frame_size, 1200, true, true),
	OPTION(max_datagram_frame_size, 65535, true, true),
	OPTION(max_streams_bidi, 1, true, true),
	OPTION(max_streams_bidi, 4096, true, true),
	OPTION(max_streams_bidi, 4097, false, true),
	OPTION(max_streams_uni, 4096, true, true),
	OPTION(max_streams_uni, 4097, false, true),
	OPTION(max_data, 1199, false, true),
	OPTION(max_data, 1200, true, true),
	OPTION(max_data, 536870911, true, true),
	OPTION(max_data, 536870912, false, true),
	OPTION(max_data, U64_MAX, false, true),
	OPTION(max_stream_data_bidi_local, 1199, false, true),
	OPTION(max_stream_data_bidi_local, 1200, true, true),
	OPTION(max_stream_data_bidi_local, 268435455, true, true),
	OPTION(max_stream_data_bidi_local, 268435456, false, true),
	OPTION(max_stream_data_bidi_remote, 1199, false, true),
	OPTION(max_stream_data_bidi_remote, 268435455, true, true),
	OPTION(max_stream_data_bidi_remote, 268435456, false, true),
	OPTION(max_stream_data_uni, 1199, false, true),
	OPTION(max_stream_data_uni, 268435455, true, true),
	OPTION(max_stream_data_uni, 268435456, false, true),
};

KUNIT_ARRAY_PARAM_DESC(option_range, option_ranges, name);

/* A value is taken over, or nothing changes. */
static void option_range_one(struct kunit *test,
			     struct quic_transport_param param, bool good)
{
	struct quic_transport_param now;
	struct quic_tparams tp, before;

	quic_tparams_default(&tp);
	before = tp;
	KUNIT_EXPECT_EQ(test, quic_tparams_from_uapi(&tp, &param),
			good ? 0 : -EINVAL);
	if (!good) {
		KUNIT_EXPECT_MEMEQ(test, &tp, &before, sizeof(tp));
		return;
	}
	/* Set back, the values that were got are good ones. */
	quic_tparams_to_uapi(&tp, param.remote, &now);
	KUNIT_EXPECT_EQ(test, now.remote, param.remote);
	before = tp;
	KUNIT_EXPECT_EQ(test, quic_tparams_from_uapi(&tp, &now), 0);
	KUNIT_EXPECT_MEMEQ(test, &tp, &before, sizeof(tp));
}

static void option_range(struct kunit *test)
{
	const struct option_case *c = test->param_value;
	struct quic_transport_param param = c->param;

	option_range_one(test, param, c->local);
	param.remote = 1;
	option_range_one(test, param, c->remote);
}

/* Each field goes where it belongs and nowhere else. */
static void option_fields(struct kunit *test)
{
	static const struct quic_transport_param param = {
		.active_connection_id_limit	= 4,
		.ack_delay_exponent		= 5,
		.max_datagram_frame_size	= 1301,
		.max_udp_payload_size		= 1302,
		.max_idle_timeout		= 2000003,
		.max_ack_delay			= 30004,
		.max_streams_bidi		= 11,
		.max_streams_uni		= 12,
		.max_data			= 100001,
		.max_stream_data_bidi_local	= 100002,
		.max_stream_data_bidi_remote	= 100003,
		.max_stream_data_uni		= 100004,
	};
	struct quic_transport_param back;
	struct quic_tparams tp;

	quic_tparams_default(&tp);
	KUNIT_ASSERT_EQ(test, quic_tparams_from_uapi(&tp, &param), 0);
	KUNIT_EXPECT_EQ(test, tp.active_connection_id_limit, 4);
	KUNIT_EXPECT_EQ(test, tp.ack_delay_exponent, 5);
	KUNIT_EXPECT_EQ(test, tp.max_datagram_frame_size, 1301);
	KUNIT_EXPECT_EQ(test, tp.max_udp_payload_size, 1302);
	KUNIT_EXPECT_EQ(test, tp.max_idle_timeout_us, 2000003);
	KUNIT_EXPECT_EQ(test, tp.max_ack_delay_us, 30004);
	KUNIT_EXPECT_EQ(test, tp.initial_max_streams_bidi, 11);
	KUNIT_EXPECT_EQ(test, tp.initial_max_streams_uni, 12);
	KUNIT_EXPECT_EQ(test, tp.initial_max_data, 100001);
	KUNIT_EXPECT_EQ(test, tp.initial_max_stream_data_bidi_local, 100002);
	KUNIT_EXPECT_EQ(test, tp.initial_max_stream_data_bidi_remote, 100003);
	KUNIT_EXPECT_EQ(test, tp.initial_max_stream_data_uni, 100004);
	quic_tparams_to_uapi(&tp, false, &back);
	KUNIT_EXPECT_MEMEQ(test, &back, &param, sizeof(back));
}

/* Zero changes nothing, and flags can only be turned on. */
static void option_zero(struct kunit *test)
{
	static const struct quic_transport_param flags = {
		.disable_active_migration	= 1,
		.grease_quic_bit		= 2,
		.stateless_reset		= 0x80,
		.disable_1rtt_encryption	= 0xff,
		.disable_compatible_version	= 1,
	};
	static const struct quic_transport_param zero;
	struct quic_tparams tp, before;

	quic_tparams_default(&tp);
	before = tp;
	KUNIT_EXPECT_EQ(test, quic_tparams_from_uapi(&tp, &zero), 0);
	KUNIT_EXPECT_MEMEQ(test, &tp, &before, sizeof(tp));

	KUNIT_EXPECT_EQ(test, quic_tparams_from_uapi(&tp, &flags), 0);
	before.disable_active_migration = true;
	before.grease_quic_bit = true;
	before.stateless_reset = true;
	before.disable_1rtt_encryption = true;
	before.disable_compatible_version = true;
	KUNIT_EXPECT_MEMEQ(test, &tp, &before, sizeof(tp));
	KUNIT_EXPECT_EQ(test, quic_tparams_from_uapi(&tp, &zero), 0);
	KUNIT_EXPECT_MEMEQ(test, &tp, &before, sizeof(tp));
}

/* What is remembered of a peer stays within what a peer can have said. */
static void option_remote_limits(struct kunit *test)
{
	struct quic_transport_param param = {
		.remote			= 1,
		.max_streams_bidi	= 65535,
		.max_streams_uni	= 4097,
		.max_data		= U64_MAX,
		.max_stream_data_uni	= QUIC_VARINT_MAX + 1,
	};
	struct quic_tparams tp;

	quic_tparams_absent(&tp);
	KUNIT_ASSERT_EQ(test, quic_tparams_from_uapi(&tp, &param), 0);
	KUNIT_EXPECT_EQ(test, tp.initial_max_streams_bidi, 4096);
	KUNIT_EXPECT_EQ(test, tp.initial_max_streams_uni, 4096);
	KUNIT_EXPECT_EQ(test, tp.initial_max_data, QUIC_VARINT_MAX);
	KUNIT_EXPECT_EQ(test, tp.initial_max_stream_data_uni, QUIC_VARINT_MAX);
}

/* A user inside the kernel cannot even ask for packets in the clear. */
static void option_waiver_in_kernel(struct kunit *test)
{
	struct quic_transport_param param = { .disable_1rtt_encryption = 1 };
	struct socket *sock;

	KUNIT_ASSERT_EQ(test, 0, sock_create_kern(&init_net, AF_INET,
						  SOCK_STREAM, IPPROTO_QUIC,
						  &sock));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			quic_do_setsockopt(sock->sk,
					   QUIC_SOCKOPT_TRANSPORT_PARAM,
					   KERNEL_SOCKPTR(&param),
					   sizeof(param)));
	param.disable_1rtt_encryption = 0;
	KUNIT_EXPECT_EQ(test, 0,
			quic_do_setsockopt(sock->sk,
					   QUIC_SOCKOPT_TRANSPORT_PARAM,
					   KERNEL_SOCKPTR(&param),
					   sizeof(param)));
	sock_release(sock);
}

static struct kunit_case option_cases[] = {
	KUNIT_CASE(option_default),
	KUNIT_CASE_PARAM(option_range, option_range_gen_params),
	KUNIT_CASE(option_fields),
	KUNIT_CASE(option_zero),
	KUNIT_CASE(option_remote_limits),
	KUNIT_CASE(option_waiver_in_kernel),
	{}
};

static struct kunit_suite option_suite = {
	.name = "quic_tparams_option",
	.test_cases = option_cases,
};

kunit_test_suite(option_suite);
