/* SPDX-License-Identifier: GPL-2.0-only */
/* Range sets: sorted, disjoint, bounded sets of u64 intervals. They remember
 * which packet numbers have arrived, which stream offsets have arrived, and
 * which stream offsets are acknowledged or lost.
 *
 * Ranges are HALF-OPEN everywhere: [start, end), never empty. Touching ranges
 * are merged, so that a set has the fewest ranges that describe it. Values stay
 * below 2^62 (RFC 9000, 16), so that end never overflows.
 *
 * Owns:    struct quic_range_set and the array behind it.
 * Guard:   whatever guards the object it is embedded in (the connection lock).
 * Callers: pnspace.c, frame_build.c, stream_send.c, stream_recv.c,
 *          crypto_stream.c.
 */
#ifndef _NET_QUIC_RANGE_H
#define _NET_QUIC_RANGE_H

#include <linux/gfp_types.h>
#include <linux/types.h>

/* Ranges kept in the set itself; most sets never need more. */
#define QUIC_RANGE_INLINE	3

/**
 * struct quic_range - an interval of packet numbers or stream offsets
 * @start: first value inside
 * @end:   first value behind it, above @start
 */
struct quic_range {
	u64 start;
	u64 end;
};

/* What happens when one more range would exceed the bound. */
enum quic_range_policy {
	QUIC_RANGE_REFUSE,	/* -ENOSPC, the set stays as it was */
	QUIC_RANGE_FORGET,	/* the lowest range is dropped */
};

/**
 * struct quic_range_set - sorted set of disjoint ranges
 * @heap:     array of @size ranges, or NULL while @inl suffices
 * @nr:       ranges in use
 * @size:     ranges that fit without another allocation
 * @max:      bound that @nr never exceeds
 * @policy:   enum quic_range_policy
 * @inl:      the first few ranges, in place
 *
 * The struct holds no pointer into itself: it may be moved.
 */
struct quic_range_set {
	struct quic_range *heap;
	u16 nr;
	u16 size;
	u16 max;
	u8 policy;
	struct quic_range inl[QUIC_RANGE_INLINE];
};

void quic_range_set_init(struct quic_range_set *set, u16 max,
			 enum quic_range_policy policy);
int quic_range_set_insert(struct quic_range_set *set, u64 start, u64 end,
			  gfp_t gfp);
int quic_range_set_remove(struct quic_range_set *set, u64 start, u64 end,
			  gfp_t gfp);
void quic_range_set_remove_below(struct quic_range_set *set, u64 limit);
bool quic_range_set_contains(const struct quic_range_set *set, u64 start,
			     u64 end);
bool quic_range_set_overlaps(const struct quic_range_set *set, u64 start,
			     u64 end);
const struct quic_range *
quic_range_set_next(const struct quic_range_set *set, u64 from);
u64 quic_range_set_next_missing(const struct quic_range_set *set, u64 from);
void quic_range_set_destroy(struct quic_range_set *set);

static inline const struct quic_range *
quic_range_set_array(const struct quic_range_set *set)
{
	return set->heap ? set->heap : set->inl;
}

static inline bool quic_range_set_empty(const struct quic_range_set *set)
{
	return !set->nr;
}

static inline u32 quic_range_set_count(const struct quic_range_set *set)
{
	return set->nr;
}

/* The i-th range from below, i < quic_range_set_count(). */
static inline const struct quic_range *
quic_range_set_at(const struct quic_range_set *set, u32 i)
{
	return &quic_range_set_array(set)[i];
}

/* Lowest range or NULL. */
static inline const struct quic_range *
quic_range_set_first(const struct quic_range_set *set)
{
	return set->nr ? quic_range_set_array(set) : NULL;
}

/* Highest range or NULL. */
static inline const struct quic_range *
quic_range_set_last(const struct quic_range_set *set)
{
	return set->nr ? &quic_range_set_array(set)[set->nr - 1] : NULL;
}

static inline bool quic_range_set_has(const struct quic_range_set *set,
				      u64 value)
{
	return quic_range_set_contains(set, value, value + 1);
}

/* Upwards and downwards; the set must not be changed meanwhile. */
#define quic_range_set_for_each(r, set)					\
	for ((r) = quic_range_set_array(set);				\
	     (r) < quic_range_set_array(set) + (set)->nr; (r)++)

#define quic_range_set_for_each_reverse(r, set)				\
	for ((r) = quic_range_set_array(set) + (set)->nr - 1;		\
	     (r) >= quic_range_set_array(set); (r)--)

#endif /* _NET_QUIC_RANGE_H */
