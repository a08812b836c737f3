// SPDX-License-Identifier: GPL-2.0-only
#include <linux/minmax.h>

#include "flow.h"
#include "types.h"

/**
 * quic_flow_tx_raise - the peer has announced a limit
 * @tx:  sending direction
 * @max: its limit
 *
 * Limits only grow; a smaller one is old (RFC 9000, 4.1).
 *
 * Return: whether the limit has grown.
 */
bool quic_flow_tx_raise(struct quic_flow_tx *tx, u64 max)
{
	if (max <= tx->max)
		return false;
	tx->max = max;
	return true;
}

/**
 * quic_flow_rx_init - start with a window
 * @rx:     receiving direction, nothing received yet
 * @window: bytes that the peer may send ahead of the reader
 */
void quic_flow_rx_init(struct quic_flow_rx *rx, u64 window)
{
	rx->max = window;
	rx->received = 0;
	rx->consumed = 0;
	rx->window = window;
	rx->given = 0;
	rx->before = 0;
}

/**
 * quic_flow_rx_check - may the peer have sent this much?
 * @rx:   receiving direction
 * @more: bytes by which quic_flow_rx.received is to grow
 *
 * Return: 0 or QUIC_TRANSPORT_ERROR_FLOW_CONTROL.
 */
int quic_flow_rx_check(const struct quic_flow_rx *rx, u64 more)
{
	/* Both sides stay below 2^63: frame_parse.c bounds every offset. */
	if (rx->received + more > rx->max)
		return QUIC_TRANSPORT_ERROR_FLOW_CONTROL;
	return 0;
}

/**
 * quic_flow_rx_consume - bytes were read or will never be
 * @rx:  receiving direction
 * @len: number of bytes
 */
void quic_flow_rx_consume(struct quic_flow_rx *rx, u64 len)
{
	rx->consumed += len;
}

/**
 * quic_flow_rx_update_due - is it time to tell the peer a new limit?
 * @rx:     receiving direction
 * @window: bytes that the peer may now send ahead of the reader
 *
 * Half a window at a time, so that a reader of single bytes does not cause a
 * frame for each of them.
 *
 * Return: whether a MAX_DATA or MAX_STREAM_DATA frame is worth sending.
 */
bool quic_flow_rx_update_due(const struct quic_flow_rx *rx, u64 window)
{
	return rx->consumed + window >= rx->max + max(window / 2, 1);
}

/**
 * quic_flow_rx_is_narrow - is the window what holds the peer up?
 * @rx:     receiving direction, to which credit is given now
 * @now:    current time
 * @rtt_us: round-trip time
 *
 * Credit is given by halves. A peer without other limits uses one up at once, so
 * that the next is due a round trip later, or sooner, if it has two to use. Once
 * it takes twice as long, the window is wide enough. A reader that catches up
 * with what has come long ago looks fast as well, and does not count.
 *
 * Return: whether more would have come in a larger one.
 */
bool quic_flow_rx_is_narrow(struct quic_flow_rx *rx, ktime_t now, u64 rtt_us)
{
	bool fast = rx->given && ktime_us_delta(now, rx->given) < 2 * rtt_us &&
		    rx->received - rx->before >= rx->window / 4;

	rx->given = now;
	rx->before = rx->received;
	return fast;
}

/**
 * quic_flow_rx_advance - give all credit that can be given
 * @rx:     receiving direction
 * @window: bytes that the peer may now send ahead of the reader
 *
 * What it was once given stays (RFC 9000, 4.1), so that a window that has
 * shrunk shows as soon as the peer has used that up.
 *
 * Return: the limit to announce.
 */
u64 quic_flow_rx_advance(struct quic_flow_rx *rx, u64 window)
{
	rx->max = max(rx->max, min(rx->consumed + window, QUIC_VARINT_MAX));
	return rx->max;
}
