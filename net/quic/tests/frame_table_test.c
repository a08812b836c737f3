// SPDX-License-Identifier: GPL-2.0-only

#include <kunit/test.h>
#include "../frame.h"

/* A row as it is printed: packet types I, H, 0 and 1; markings N, C, P and F. */
struct table_row {
	u64 first;
	u64 last;
	const char *name;
	const char *pkts;
	const char *spec;
};

/* RFC 9000, Table 3. CONNECTION_CLOSE has one row there and a note about 0x1d
 * (12.5: not in Initial and Handshake packets). RFC 9221, 4 and 5.
 */
static const struct table_row table_rows[] = {
	{ 0x00, 0x00, "PADDING",		"IH01", "NP" },
	{ 0x01, 0x01, "PING",			"IH01", "" },
	{ 0x02, 0x03, "ACK",			"IH_1", "NC" },
	{ 0x04, 0x04, "RESET_STREAM",		"__01", "" },
	{ 0x05, 0x05, "STOP_SENDING",		"__01", "" },
	{ 0x06, 0x06, "CRYPTO",			"IH_1", "" },
	{ 0x07, 0x07, "NEW_TOKEN",		"___1", "" },
	{ 0x08, 0x0f, "STREAM",			"__01", "F" },
	{ 0x10, 0x10, "MAX_DATA",		"__01", "" },
	{ 0x11, 0x11, "MAX_STREAM_DATA",	"__01", "" },
	{ 0x12, 0x13, "MAX_STREAMS",		"__01", "" },
	{ 0x14, 0x14, "DATA_BLOCKED",		"__01", "" },
	{ 0x15, 0x15, "STREAM_DATA_BLOCKED",	"__01", "" },
	{ 0x16, 0x17, "STREAMS_BLOCKED",	"__01", "" },
	{ 0x18, 0x18, "NEW_CONNECTION_ID",	"__01", "P" },
	{ 0x19, 0x19, "RETIRE_CONNECTION_ID",	"__01", "" },
	{ 0x1a, 0x1a, "PATH_CHALLENGE",		"__01", "P" },
	{ 0x1b, 0x1b, "PATH_RESPONSE",		"___1", "P" },
	{ 0x1c, 0x1c, "CONNECTION_CLOSE",	"IH01", "N" },
	{ 0x1d, 0x1d, "CONNECTION_CLOSE",	"__01", "N" },
	{ 0x1e, 0x1e, "HANDSHAKE_DONE",		"___1", "" },
	{ 0x30, 0x31, "DATAGRAM",		"__01", "" },
};

static void table_row_to_desc(const struct table_row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "0x%02llx %s", row->first,
		 row->name);
}

KUNIT_ARRAY_PARAM(table_row, table_rows, table_row_to_desc);

static u8 row_pkts(const struct table_row *row)
{
	u8 pkts = 0;

	pkts |= strchr(row->pkts, 'I') ? QUIC_PKT_INITIAL : 0;
	pkts |= strchr(row->pkts, 'H') ? QUIC_PKT_HANDSHAKE : 0;
	pkts |= strchr(row->pkts, '0') ? QUIC_PKT_0RTT : 0;
	pkts |= strchr(row->pkts, '1') ? QUIC_PKT_1RTT : 0;
	return pkts;
}

static u8 row_flags(const struct table_row *row)
{
	u8 flags = 0;

	flags |= strchr(row->spec, 'N') ? 0 : QUIC_FRAME_ACK_ELICITING;
	flags |= strchr(row->spec, 'C') ? 0 : QUIC_FRAME_IN_FLIGHT;
	flags |= strchr(row->spec, 'P') ? QUIC_FRAME_PROBING : 0;
	flags |= strchr(row->spec, 'F') ? QUIC_FRAME_FLOW_CONTROLLED : 0;
	return flags;
}

static void frame_table_row(struct kunit *test)
{
	const struct table_row *row = test->param_value;
	const struct quic_frame_info *info;
	u64 type;

	for (type = row->first; type <= row->last; type++) {
		info = quic_frame_info(type);
		KUNIT_ASSERT_NOT_NULL(test, info);
		KUNIT_EXPECT_STREQ(test, info->name, row->name);
		KUNIT_EXPECT_EQ(test, info->pkts, row_pkts(row));
		KUNIT_EXPECT_EQ(test, info->flags & ~QUIC_FRAME_SERVER_ONLY,
				row_flags(row));
	}
}

/* RFC 9000, 19.7 and 19.20 */
static void frame_table_server_only(struct kunit *test)
{
	const struct quic_frame_info *info;
	u64 type;

	for (type = 0; type < QUIC_FRAME_TYPES; type++) {
		info = quic_frame_info(type);
		if (!info)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, !!(info->flags & QUIC_FRAME_SERVER_ONLY),
				    type == 0x07 || type == 0x1e, "type %llu",
				    type);
	}
}

static void frame_table_unknown(struct kunit *test)
{
	static const u64 first = 0x1f, last = 0x2f;
	u64 type;

	for (type = first; type <= last; type++)
		KUNIT_EXPECT_NULL(test, quic_frame_info(type));
	KUNIT_EXPECT_NULL(test, quic_frame_info(0x32));
	KUNIT_EXPECT_NULL(test, quic_frame_info(0x40));
	KUNIT_EXPECT_NULL(test, quic_frame_info(0x100000001ULL));
	KUNIT_EXPECT_NULL(test, quic_frame_info(QUIC_VARINT_MAX));
}

static struct kunit_case frame_table_cases[] = {
	KUNIT_CASE_PARAM(frame_table_row, table_row_gen_params),
	KUNIT_CASE(frame_table_server_only),
	KUNIT_CASE(frame_table_unknown),
	{}
};

static struct kunit_suite frame_table_suite = {
	.name = "quic_frame_table",
	.test_cases = frame_table_cases,
};

kunit_test_suite(frame_table_suite);
