/* SPDX-License-Identifier: GPL-2.0-only */
/* Keys of a connection: which levels and directions exist, the key phase and
 * its updates, how often a key was used (RFC 9001, 4.9, 6 and 6.6).
 *
 * Owns:    struct quic_keys and the memory of its keys, wiped when discarded.
 * Guard:   the connection lock, always.
 * Callers: handshake.c installs and discards, input.c opens, packet_build.c
 *          seals, sockopt.c asks for updates, timer.c wipes old keys.
 */
#ifndef _NET_QUIC_KEYS_H
#define _NET_QUIC_KEYS_H

#include <linux/ktime.h>

#include "crypto.h"

struct quic_keys {
	struct quic_key *tx[QUIC_CRYPTO_MAX];
	struct quic_key *rx[QUIC_CRYPTO_MAX];
	struct quic_key *rx_other;	/* Initial, of a second version */
	struct quic_key *rx_prev;	/* 1-RTT, phase before; may be cleared */
	struct quic_key *rx_next;	/* 1-RTT, made in advance */
	ktime_t rx_prev_expiry;
	ktime_t early_expiry;		/* of 0-RTT, or 0 while undecided */
	ktime_t update_after;		/* no update of ours before */
	u64 tx_first_pn;		/* first packet of our phase */
	u64 rx_first_pn;		/* lowest packet of the peer's phase */
	u64 sealed;			/* packets with the present tx key */
	u64 forged;			/* packets that failed to open */
	u8 tx_phase : 1;
	u8 rx_phase : 1;		/* differs while our update is unanswered */
	u8 tx_used : 1;			/* tx_first_pn is valid */
	u8 tx_acked : 1;		/* the peer has seen our phase */
	u8 updated : 1;			/* an update has happened */
	u8 update_ours : 1;		/* and the last one was our idea */
	u8 update_wanted : 1;		/* asked for, not yet allowed */
	u8 hs_confirmed : 1;		/* updates are allowed */
};

/* A received packet with its header protection removed. */
struct quic_open {
	u8 *pkt;
	u32 hdr_len;		/* up to and with the packet number */
	u32 len;		/* of the whole packet, tag included */
	u64 pn;			/* expanded */
	u8 level;
	u32 version;		/* of a packet with a long header */
	bool key_phase;		/* of a 1-RTT packet */
	bool peer_updated;	/* out: the peer has initiated a key update */
	ktime_t now;
	u32 pto_us;
};

int quic_keys_setup(void);
void quic_keys_exit(void);

void quic_keys_init(struct quic_keys *keys);
int quic_keys_initial(struct quic_keys *keys, u32 version,
		      const struct quic_cid *dcid, bool is_server, gfp_t gfp);
int quic_keys_initial_other(struct quic_keys *keys, u32 version,
			    const struct quic_cid *dcid, bool is_server,
			    gfp_t gfp);
void quic_keys_drop_other(struct quic_keys *keys);
int quic_keys_install(struct quic_keys *keys, u8 level, bool send, u32 cipher,
		      u32 version, const u8 *secret, gfp_t gfp);
void quic_keys_waive(struct quic_keys *keys);
void quic_keys_discard(struct quic_keys *keys, u8 level);
void quic_keys_destroy(struct quic_keys *keys);

/* NULL when absent: not yet installed, or discarded. */
static inline const struct quic_key *quic_keys_tx(const struct quic_keys *keys,
						  u8 level)
{
	return keys->tx[level];
}

static inline const struct quic_key *quic_keys_rx(const struct quic_keys *keys,
						  u8 level)
{
	return keys->rx[level];
}

/* The same, for a packet of a version. */
static inline const struct quic_key *
quic_keys_rx_for(const struct quic_keys *keys, u8 level, u32 version)
{
	if (level == QUIC_CRYPTO_INITIAL && keys->rx_other &&
	    keys->rx_other->version == version)
		return keys->rx_other;
	return keys->rx[level];
}

/* Key Phase bit of the next 1-RTT packet. */
static inline bool quic_keys_phase(const struct quic_keys *keys)
{
	return keys->tx_phase;
}

/* Our side has moved its phase and no packet has told the peer so far. */
static inline bool quic_keys_update_pending(const struct quic_keys *keys)
{
	return keys->tx_phase != keys->rx_phase && !keys->tx_used;
}

/* The next 1-RTT packet is the first after an update of ours. */
static inline bool quic_keys_update_begins(const struct quic_keys *keys)
{
	return keys->update_ours && !keys->tx_used;
}

int quic_keys_seal(struct quic_keys *keys, u8 level, u64 pn,
		   struct scatterlist *src, u8 *dst, u32 hdr_len,
		   u32 payload_len);
int quic_keys_open(struct quic_keys *keys, struct quic_open *o);

/* Key update (RFC 9001, 6) */
int quic_keys_update(struct quic_keys *keys, ktime_t now);
void quic_keys_on_confirmed(struct quic_keys *keys, ktime_t now);
int quic_keys_on_ack(struct quic_keys *keys, u64 largest_acked, ktime_t now,
		     u32 pto_us);
void quic_keys_expire(struct quic_keys *keys, ktime_t now);

/* Nothing but time may be in the way of an update that is wanted. */
static inline bool quic_keys_may_update(const struct quic_keys *keys)
{
	return keys->update_wanted && keys->hs_confirmed && keys->tx_acked &&
	       keys->tx[QUIC_CRYPTO_APP];
}

/* When quic_keys_expire() has something to do, or KTIME_MAX. */
static inline ktime_t quic_keys_expiry(const struct quic_keys *keys)
{
	ktime_t expiry = KTIME_MAX;

	if (keys->rx_prev && keys->rx_prev->cipher)
		expiry = keys->rx_prev_expiry;
	if (keys->early_expiry)
		expiry = min(expiry, keys->early_expiry);
	if (quic_keys_may_update(keys))
		expiry = min(expiry, keys->update_after);
	return expiry;
}

#endif /* _NET_QUIC_KEYS_H */
