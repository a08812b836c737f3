// SPDX-License-Identifier: GPL-2.0-only
#include <linux/minmax.h>

#include "mtud.h"

/* All that the route carries is the likeliest; what is between is halved. */
static void quic_mtud_pick(struct quic_mtud *mtud, u64 raise_us, ktime_t now)
{
	mtud->tries = 0;
	mtud->next = now;
	if (mtud->floor + QUIC_MTUD_STEP > mtud->limit ||
	    mtud->floor + QUIC_MTUD_STEP > mtud->ceiling) {
		mtud->size = 0;
		mtud->next = ktime_add_us(now, raise_us);
	} else if (mtud->ceiling > mtud->limit) {
		mtud->size = mtud->limit;
	} else {
		mtud->size = (mtud->floor + mtud->ceiling) / 2;
	}
}

/**
 * quic_mtud_start - begin a search
 * @mtud:  search
 * @floor: size that every path carries, or that is known to get through
 * @limit: largest size to try
 * @when:  when to send the first probe
 *
 * Context: connection lock held.
 */
void quic_mtud_start(struct quic_mtud *mtud, u16 floor, u16 limit, ktime_t when)
{
	*mtud = (struct quic_mtud) {
		.on	 = true,
		.floor	 = floor,
		.limit	 = limit,
		.ceiling = limit + 1,
	};
	quic_mtud_pick(mtud, QUIC_MTUD_RAISE_US, when);
}

/**
 * quic_mtud_set_limit - the route or the peer allows another size
 * @mtud:  search
 * @limit: the size; what is known of smaller ones holds
 * @now:   current time
 *
 * Context: connection lock held.
 */
void quic_mtud_set_limit(struct quic_mtud *mtud, u16 limit, ktime_t now)
{
	if (limit != mtud->limit)
		quic_mtud_start(mtud, min(mtud->floor, limit), limit, now);
}

/**
 * quic_mtud_due - size of the probe that is to be sent now
 * @mtud: search
 * @now:  current time
 *
 * Return: bytes of UDP payload, 0 for none.
 */
u16 quic_mtud_due(const struct quic_mtud *mtud, ktime_t now)
{
	if (!mtud->on || mtud->in_flight || mtud->next > now)
		return 0;
	return mtud->size ? mtud->size : mtud->limit;
}

/**
 * quic_mtud_on_sent - the probe that was due has left
 * @mtud: search
 *
 * Context: connection lock held.
 */
void quic_mtud_on_sent(struct quic_mtud *mtud)
{
	/* Time to see whether larger packets get through by now. */
	if (!mtud->size) {
		mtud->ceiling = mtud->limit + 1;
		mtud->size = mtud->limit;
	}
	mtud->in_flight = true;
}

/**
 * quic_mtud_defer - the probe that is due cannot leave
 * @mtud: search
 * @when: when to try again
 *
 * Context: connection lock held.
 */
void quic_mtud_defer(struct quic_mtud *mtud, ktime_t when)
{
	mtud->next = when;
}

/**
 * quic_mtud_on_acked - a probe has got through
 * @mtud:     search
 * @size:     its size
 * @raise_us: pause after a complete search
 * @now:      current time
 *
 * Context: connection lock held.
 */
void quic_mtud_on_acked(struct quic_mtud *mtud, u16 size, u64 raise_us,
			ktime_t now)
{
	if (!mtud->on || !mtud->in_flight || size != mtud->size)
		return;
	mtud->in_flight = false;
	mtud->floor = size;
	quic_mtud_pick(mtud, raise_us, now);
}

/**
 * quic_mtud_on_lost - a probe was lost
 * @mtud:     search
 * @size:     its size
 * @raise_us: pause after a complete search
 * @now:      current time
 *
 * Context: connection lock held.
 */
void quic_mtud_on_lost(struct quic_mtud *mtud, u16 size, u64 raise_us,
		       ktime_t now)
{
	if (!mtud->on || !mtud->in_flight || size != mtud->size)
		return;
	mtud->in_flight = false;
	if (++mtud->tries < QUIC_MTUD_PROBES)
		return;
	mtud->ceiling = size;
	quic_mtud_pick(mtud, raise_us, now);
}

/**
 * quic_mtud_deadline - when a probe is due
 * @mtud: search
 *
 * Return: monotonic time, or KTIME_MAX.
 */
ktime_t quic_mtud_deadline(const struct quic_mtud *mtud)
{
	if (!mtud->on || mtud->in_flight ||
	    (!mtud->size && mtud->floor + QUIC_MTUD_STEP > mtud->limit))
		return KTIME_MAX;
	return mtud->next;
}
