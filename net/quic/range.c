// SPDX-License-Identifier: GPL-2.0-only
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "range.h"

static struct quic_range *quic_range_set_slots(struct quic_range_set *set)
{
	return set->heap ? set->heap : set->inl;
}

/**
 * quic_range_set_init - make a set empty
 * @set:    the set
 * @max:    most ranges it may hold, at least 1
 * @policy: what happens when a range beyond @max is needed
 *
 * Context: any.
 */
void quic_range_set_init(struct quic_range_set *set, u16 max,
			 enum quic_range_policy policy)
{
	set->heap = NULL;
	set->nr = 0;
	set->size = min_t(u16, max, QUIC_RANGE_INLINE);
	set->max = max;
	set->policy = policy;
}

/**
 * quic_range_set_destroy - release the memory of a set and make it empty
 * @set: the set; it may be used again
 *
 * Context: any.
 */
void quic_range_set_destroy(struct quic_range_set *set)
{
	kfree(set->heap);
	quic_range_set_init(set, set->max, set->policy);
}

/* Index of the lowest range whose end is at or above @value; most callers work
 * at the top, so look there first.
 */
static u32 quic_range_set_search(const struct quic_range_set *set, u64 value)
{
	const struct quic_range *r = quic_range_set_array(set);
	u32 lo = 0, hi = set->nr;

	if (hi && r[hi - 1].end < value)
		return hi;
	if (hi > 1 && r[hi - 2].end < value)
		return hi - 1;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (r[mid].end < value)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void quic_range_set_delete(struct quic_range_set *set, u32 at, u32 nr)
{
	struct quic_range *r = quic_range_set_slots(set);

	memmove(&r[at], &r[at + nr], (set->nr - at - nr) * sizeof(*r));
	set->nr -= nr;
}

static int quic_range_set_grow(struct quic_range_set *set, gfp_t gfp)
{
	u16 size = min_t(u32, set->max, set->size * 2);
	struct quic_range *heap;

	if (set->nr == set->max)
		return -ENOSPC;

	heap = kmalloc_objs(*heap, size, gfp);
	if (!heap)
		return -ENOMEM;
	memcpy(heap, quic_range_set_slots(set), set->nr * sizeof(*heap));
	kfree(set->heap);
	set->heap = heap;
	set->size = size;
	return 0;
}

/* Put a range before index @at. Without a slot for it, a forgetful set drops
 * whichever range is the lowest then: the bottom one or the new one.
 */
static int quic_range_set_add(struct quic_range_set *set, u32 at, u64 start,
			      u64 end, gfp_t gfp)
{
	struct quic_range *r;
	int err;

	if (set->nr == set->size) {
		err = quic_range_set_grow(set, gfp);
		if (err && set->policy != QUIC_RANGE_FORGET)
			return err;
		if (err && !at)
			return 0;
		if (err) {
			quic_range_set_delete(set, 0, 1);
			at--;
		}
	}

	r = quic_range_set_slots(set);
	memmove(&r[at + 1], &r[at], (set->nr - at) * sizeof(*r));
	r[at].start = start;
	r[at].end = end;
	set->nr++;
	return 0;
}

/**
 * quic_range_set_insert - add [start, end)
 * @set:   the set
 * @start: first value
 * @end:   first value behind, not below @start
 * @gfp:   for the array, when it has to grow
 *
 * Overlapping and touching ranges become one. An empty range changes nothing.
 *
 * Context: any, as @gfp allows.
 * Return: 0; or, for QUIC_RANGE_REFUSE only, -ENOSPC at the bound or -ENOMEM,
 * with the set unchanged.
 */
int quic_range_set_insert(struct quic_range_set *set, u64 start, u64 end,
			  gfp_t gfp)
{
	struct quic_range *r = quic_range_set_slots(set);
	u32 lo, hi;

	if (start >= end)
		return 0;

	lo = quic_range_set_search(set, start);
	for (hi = lo; hi < set->nr && r[hi].start <= end; hi++)
		;
	if (lo == hi)
		return quic_range_set_add(set, lo, start, end, gfp);

	r[lo].start = min(r[lo].start, start);
	r[lo].end = max(r[hi - 1].end, end);
	quic_range_set_delete(set, lo + 1, hi - lo - 1);
	return 0;
}

/**
 * quic_range_set_remove - take [start, end) away
 * @set:   the set
 * @start: first value
 * @end:   first value behind, not below @start
 * @gfp:   for the array: cutting a hole into a range makes two of one
 *
 * Context: any, as @gfp allows.
 * Return: 0; or, for QUIC_RANGE_REFUSE only, -ENOSPC at the bound or -ENOMEM,
 * with the set unchanged.
 */
int quic_range_set_remove(struct quic_range_set *set, u64 start, u64 end,
			  gfp_t gfp)
{
	struct quic_range *r = quic_range_set_slots(set);
	u32 lo, hi;
	int err;

	if (start >= end)
		return 0;

	lo = quic_range_set_search(set, start + 1);
	if (lo == set->nr || r[lo].start >= end)
		return 0;

	if (r[lo].start < start && r[lo].end > end) {
		u64 below = r[lo].start;

		r[lo].start = end;
		err = quic_range_set_add(set, lo, below, start, gfp);
		if (err)
			quic_range_set_slots(set)[lo].start = below;
		return err;
	}

	if (r[lo].start < start)
		r[lo++].end = start;
	for (hi = lo; hi < set->nr && r[hi].end <= end; hi++)
		;
	if (hi < set->nr && r[hi].start < end)
		r[hi].start = end;
	quic_range_set_delete(set, lo, hi - lo);
	return 0;
}

/**
 * quic_range_set_remove_below - take [0, limit) away
 * @set:   the set
 * @limit: lowest value that stays
 *
 * Context: any. Never needs memory.
 */
void quic_range_set_remove_below(struct quic_range_set *set, u64 limit)
{
	struct quic_range *r = quic_range_set_slots(set);
	u32 nr = 0;

	while (nr < set->nr && r[nr].end <= limit)
		nr++;
	if (nr < set->nr && r[nr].start < limit)
		r[nr].start = limit;
	quic_range_set_delete(set, 0, nr);
}

/**
 * quic_range_set_next - lowest range that ends above a value
 * @set:  the set
 * @from: the value
 *
 * The range contains @from or lies above it. With @from set to the end of what
 * was returned, it walks upwards although the set changes meanwhile.
 *
 * Context: any.
 * Return: the range, valid until the set changes, or NULL.
 */
const struct quic_range *
quic_range_set_next(const struct quic_range_set *set, u64 from)
{
	u32 at = quic_range_set_search(set, from + 1);

	return at < set->nr ? quic_range_set_at(set, at) : NULL;
}

/**
 * quic_range_set_next_missing - lowest value, from one upwards, not in the set
 * @set:  the set
 * @from: where to begin
 *
 * Context: any.
 * Return: @from itself, or the end of the range that contains it.
 */
u64 quic_range_set_next_missing(const struct quic_range_set *set, u64 from)
{
	const struct quic_range *r = quic_range_set_next(set, from);

	return r && r->start <= from ? r->end : from;
}

/**
 * quic_range_set_contains - tell whether all of [start, end) is in the set
 * @set:   the set
 * @start: first value
 * @end:   first value behind
 *
 * Context: any.
 * Return: true if so; an empty range always is.
 */
bool quic_range_set_contains(const struct quic_range_set *set, u64 start,
			     u64 end)
{
	return start >= end || quic_range_set_next_missing(set, start) >= end;
}

/**
 * quic_range_set_overlaps - tell whether any of [start, end) is in the set
 * @set:   the set
 * @start: first value
 * @end:   first value behind
 *
 * Context: any.
 * Return: true if so; an empty range never is.
 */
bool quic_range_set_overlaps(const struct quic_range_set *set, u64 start,
			     u64 end)
{
	const struct quic_range *r = quic_range_set_next(set, start);

	return start < end && r && r->start < end;
}
