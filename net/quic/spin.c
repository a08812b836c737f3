// SPDX-License-Identifier: GPL-2.0-only
#include <linux/random.h>

#include "spin.h"

/* Of so many connection IDs one does not spin, so that those of administrators
 * who do not want it are not the only ones.
 */
#define QUIC_SPIN_ONE_IN	16

/**
 * quic_spin_init - begin with a new connection ID
 * @spin:    its spin bit
 * @allowed: the administrator wants it to spin
 *
 * Where it does not, its value is random, the same for all packets of the ID.
 */
void quic_spin_init(struct quic_spin *spin, bool allowed)
{
	spin->on = allowed && get_random_u32_below(QUIC_SPIN_ONE_IN);
	spin->value = !spin->on && get_random_u8() & 1;
}

/**
 * quic_spin_on_packet - follow the peer's
 * @spin:      the spin bit of our packets on the path
 * @is_server: servers reflect it, clients turn it around
 * @rcvd:      that of the packet with the highest number
 */
void quic_spin_on_packet(struct quic_spin *spin, bool is_server, bool rcvd)
{
	if (spin->on)
		spin->value = is_server ? rcvd : !rcvd;
}
