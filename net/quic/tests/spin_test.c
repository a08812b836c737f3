// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>

#include "../spin.h"

#define SPIN_IDS	8000

static void spin_server_reflects(struct kunit *test)
{
	struct quic_spin spin = { .on = true };

	quic_spin_on_packet(&spin, true, true);
	KUNIT_EXPECT_TRUE(test, spin.value);
	quic_spin_on_packet(&spin, true, true);
	KUNIT_EXPECT_TRUE(test, spin.value);
	quic_spin_on_packet(&spin, true, false);
	KUNIT_EXPECT_FALSE(test, spin.value);
}

static void spin_client_turns_it_around(struct kunit *test)
{
	struct quic_spin spin = { .on = true };

	quic_spin_on_packet(&spin, false, false);
	KUNIT_EXPECT_TRUE(test, spin.value);
	quic_spin_on_packet(&spin, false, false);
	KUNIT_EXPECT_TRUE(test, spin.value);
	quic_spin_on_packet(&spin, false, true);
	KUNIT_EXPECT_FALSE(test, spin.value);
}

static void spin_that_is_off_stays(struct kunit *test)
{
	struct quic_spin spin = { .value = true };

	quic_spin_on_packet(&spin, true, false);
	KUNIT_EXPECT_TRUE(test, spin.value);
	quic_spin_on_packet(&spin, false, true);
	KUNIT_EXPECT_TRUE(test, spin.value);
}

static u32 spin_count_on(bool allowed, u32 *ones)
{
	struct quic_spin spin;
	u32 i, on = 0;

	for (i = 0; i < SPIN_IDS; i++) {
		quic_spin_init(&spin, allowed);
		on += spin.on;
		*ones += spin.value;
	}
	return on;
}

/* RFC 9000, 17.4: one of 16 even where it is allowed. 500 are expected not to
 * spin, and half of these to be ones; either with eight standard deviations.
 */
static void spin_not_on_every_id(struct kunit *test)
{
	u32 ones = 0, on = spin_count_on(true, &ones);

	KUNIT_EXPECT_GT(test, SPIN_IDS - on, 325);
	KUNIT_EXPECT_LT(test, SPIN_IDS - on, 675);
	KUNIT_EXPECT_LT(test, ones, SPIN_IDS - on);
}

static void spin_nowhere_if_not_allowed(struct kunit *test)
{
	u32 ones = 0;

	KUNIT_EXPECT_EQ(test, spin_count_on(false, &ones), 0);
	KUNIT_EXPECT_GT(test, ones, SPIN_IDS / 2 - 360);
	KUNIT_EXPECT_LT(test, ones, SPIN_IDS / 2 + 360);
}

static struct kunit_case quic_spin_cases[] = {
	KUNIT_CASE(spin_server_reflects),
	KUNIT_CASE(spin_client_turns_it_around),
	KUNIT_CASE(spin_that_is_off_stays),
	KUNIT_CASE(spin_not_on_every_id),
	KUNIT_CASE(spin_nowhere_if_not_allowed),
	{}
};

static struct kunit_suite quic_spin_suite = {
	.name		= "quic_spin",
	.test_cases	= quic_spin_cases,
};

kunit_test_suite(quic_spin_suite);
