// SPDX-License-Identifier: GPL-2.0-only

#include <linux/errno.h>
#include <linux/slab.h>

#include "keys.h"

/* RFC 9001, 6.5: keys of the phase before stay three times the PTO, and the next
 * update comes no sooner, so that the peer has as long to get rid of its own.
 */
#define QUIC_KEYS_PREV_PTOS	3

/* An idle connection has four keys, of a size that kmalloc() rounds up a lot. */
static struct kmem_cache *quic_key_cache;

/**
 * quic_keys_setup - make the slab cache of keys
 *
 * Return: 0 or -ENOMEM.
 */
int __init quic_keys_setup(void)
{
	quic_key_cache = KMEM_CACHE(quic_key, 0);
	return quic_key_cache ? 0 : -ENOMEM;
}

/**
 * quic_keys_exit - release the slab cache; no key is left
 */
void quic_keys_exit(void)
{
	kmem_cache_destroy(quic_key_cache);
}

/**
 * quic_keys_init - start without any key
 * @keys: what to initialise
 */
void quic_keys_init(struct quic_keys *keys)
{
	memset(keys, 0, sizeof(*keys));
}

static void quic_keys_free(struct quic_key **slot)
{
	if (!*slot)
		return;
	quic_key_clear(*slot);
	kmem_cache_free(quic_key_cache, *slot);
	*slot = NULL;
}

/* Memory of a key that is about to be made; an existing one is reused. */
static int quic_keys_alloc(struct quic_key **slot, gfp_t gfp)
{
	if (!*slot)
		*slot = kmem_cache_zalloc(quic_key_cache, gfp);
	return *slot ? 0 : -ENOMEM;
}

/**
 * quic_keys_initial - make the keys of Initial packets
 * @keys: keys of the connection
 * @version: QUIC version
 * @dcid: Destination Connection ID of the client's first Initial packet, or of
 *	  the first after a Retry
 * @is_server: on which side this is
 * @gfp: how to allocate
 *
 * May be called again after a Retry or a change of version: RFC 9001, 5.2.
 *
 * Return: 0 or -ENOMEM, after which nothing has changed.
 */
int quic_keys_initial(struct quic_keys *keys, u32 version,
		      const struct quic_cid *dcid, bool is_server, gfp_t gfp)
{
	if (quic_keys_alloc(&keys->tx[QUIC_CRYPTO_INITIAL], gfp))
		return -ENOMEM;
	if (quic_keys_alloc(&keys->rx[QUIC_CRYPTO_INITIAL], gfp)) {
		quic_keys_free(&keys->tx[QUIC_CRYPTO_INITIAL]);
		return -ENOMEM;
	}
	quic_key_initial(keys->tx[QUIC_CRYPTO_INITIAL],
			 keys->rx[QUIC_CRYPTO_INITIAL], version, dcid,
			 is_server);
	return 0;
}

/**
 * quic_keys_initial_other - open Initial packets of a second version, too
 * @keys: keys of the connection
 * @version: the version, not that of quic_keys_initial()
 * @dcid: as in quic_keys_initial()
 * @is_server: on which side this is
 * @gfp: how to allocate
 *
 * RFC 9369, 4.1: until both sides know which version is negotiated.
 *
 * Return: 0 or -ENOMEM, after which nothing has changed.
 */
int quic_keys_initial_other(struct quic_keys *keys, u32 version,
			    const struct quic_cid *dcid, bool is_server,
			    gfp_t gfp)
{
	if (keys->rx_other && keys->rx_other->version == version)
		return 0;
	if (quic_keys_alloc(&keys->rx_other, gfp))
		return -ENOMEM;
	quic_key_initial(NULL, keys->rx_other, version, dcid, is_server);
	return 0;
}

/**
 * quic_keys_drop_other - Initial packets of a second version are over
 * @keys: keys of the connection
 */
void quic_keys_drop_other(struct quic_keys *keys)
{
	quic_keys_free(&keys->rx_other);
}

/* RFC 9001, 6.3: the receive keys of the next phase are made ahead of time, so
 * that the time which a packet takes does not show that it updates keys.
 */
static int quic_keys_alloc_phases(struct quic_keys *keys, gfp_t gfp)
{
	if (quic_keys_alloc(&keys->rx_next, gfp) ||
	    quic_keys_alloc(&keys->rx_prev, gfp))
		return -ENOMEM;
	return 0;
}

/**
 * quic_keys_install - make a key from a secret of TLS
 * @keys: keys of the connection
 * @level: QUIC_CRYPTO_HANDSHAKE, QUIC_CRYPTO_APP or QUIC_CRYPTO_EARLY
 * @send: whether it is for sending
 * @cipher: TLS_CIPHER_*
 * @version: QUIC version
 * @secret: traffic secret, as long as quic_cipher_secret_len() says
 * @gfp: how to allocate
 *
 * Return: 0, -EINVAL for an unknown cipher, -ENOMEM.
 */
int quic_keys_install(struct quic_keys *keys, u8 level, bool send, u32 cipher,
		      u32 version, const u8 *secret, gfp_t gfp)
{
	struct quic_key **slot = send ? &keys->tx[level] : &keys->rx[level];
	bool phases = level == QUIC_CRYPTO_APP && !send;
	struct quic_key *key;

	if (!quic_cipher_secret_len(cipher))
		return -EINVAL;
	if (phases && quic_keys_alloc_phases(keys, gfp))
		return -ENOMEM;

	/* Published only when complete: NULL means that there is no key. */
	key = *slot;
	if (quic_keys_alloc(&key, gfp))
		return -ENOMEM;
	quic_key_install(key, cipher, version, secret);
	if (phases)
		quic_key_next(keys->rx_next, key);
	*slot = key;
	return 0;
}

/**
 * quic_keys_waive - 1-RTT packets go without protection, both ways
 * @keys: keys of the connection, those of 1-RTT not used yet
 *
 * For keys that come later it has to be called again. Phases and limits stay as
 * they are, so that nothing else has to know.
 */
void quic_keys_waive(struct quic_keys *keys)
{
	if (keys->tx[QUIC_CRYPTO_APP])
		keys->tx[QUIC_CRYPTO_APP]->waived = true;
	if (keys->rx[QUIC_CRYPTO_APP]) {
		keys->rx[QUIC_CRYPTO_APP]->waived = true;
		keys->rx_next->waived = true;
	}
}

/**
 * quic_keys_discard - wipe the keys of a level (RFC 9001, 4.9)
 * @keys: keys of the connection
 * @level: encryption level
 */
void quic_keys_discard(struct quic_keys *keys, u8 level)
{
	quic_keys_free(&keys->tx[level]);
	quic_keys_free(&keys->rx[level]);
	if (level == QUIC_CRYPTO_INITIAL)
		quic_keys_drop_other(keys);
	if (level == QUIC_CRYPTO_APP) {
		quic_keys_free(&keys->rx_prev);
		quic_keys_free(&keys->rx_next);
	}
}

/**
 * quic_keys_destroy - wipe all keys
 * @keys: keys of the connection
 */
void quic_keys_destroy(struct quic_keys *keys)
{
	u8 level;

	for (level = 0; level < QUIC_CRYPTO_MAX; level++)
		quic_keys_discard(keys, level);
}

/* Moves our own phase. The peer follows when it sees the new phase bit. */
static void quic_keys_update_tx(struct quic_keys *keys, bool ours)
{
	struct quic_key *tx = keys->tx[QUIC_CRYPTO_APP];

	quic_key_next(tx, tx);
	keys->tx_phase ^= 1;
	keys->tx_used = 0;
	keys->tx_acked = 0;
	keys->updated = 1;
	keys->update_ours = ours;
	keys->update_wanted = 0;
	keys->sealed = 0;
}

/* RFC 9001, 6.1: not before the handshake is confirmed, and then once per
 * acknowledged phase.
 */
static void quic_keys_try_update(struct quic_keys *keys, ktime_t now)
{
	if (quic_keys_may_update(keys) &&
	    !ktime_before(now, keys->update_after))
		quic_keys_update_tx(keys, true);
}

/**
 * quic_keys_update - ask for a key update
 * @keys: keys of the connection
 * @now: current time
 *
 * It happens at once, or as soon as the handshake is confirmed, the peer has
 * acknowledged a 1-RTT packet, and the last update was long enough ago;
 * quic_keys_expiry() tells when to look.
 *
 * Return: 0, or -EINVAL while an earlier one is not confirmed by the peer.
 */
int quic_keys_update(struct quic_keys *keys, ktime_t now)
{
	if (keys->update_wanted || (keys->updated && !keys->tx_acked))
		return -EINVAL;
	keys->update_wanted = 1;
	quic_keys_try_update(keys, now);
	return 0;
}

/**
 * quic_keys_on_confirmed - the handshake is confirmed (RFC 9001, 4.1.2)
 * @keys: keys of the connection
 * @now: current time
 */
void quic_keys_on_confirmed(struct quic_keys *keys, ktime_t now)
{
	keys->hs_confirmed = 1;
	quic_keys_try_update(keys, now);
}

/**
 * quic_keys_on_ack - a 1-RTT packet has acknowledged packets
 * @keys: keys of the connection
 * @largest_acked: largest packet number that it newly acknowledges
 * @now: current time
 * @pto_us: probe timeout
 *
 * Return: 0, or QUIC_TRANSPORT_ERROR_KEY_UPDATE when the peer acknowledges our
 *	   new keys under its old ones (RFC 9001, 6.2).
 */
int quic_keys_on_ack(struct quic_keys *keys, u64 largest_acked, ktime_t now,
		     u32 pto_us)
{
	if (!keys->tx_used || largest_acked < keys->tx_first_pn)
		return 0;
	if (keys->tx_phase != keys->rx_phase)
		return QUIC_TRANSPORT_ERROR_KEY_UPDATE;
	if (keys->updated && !keys->tx_acked)
		keys->update_after = ktime_add_us(now, (u64)pto_us *
						       QUIC_KEYS_PREV_PTOS);
	keys->tx_acked = 1;
	quic_keys_try_update(keys, now);
	return 0;
}

/**
 * quic_keys_expire - do what time brings
 * @keys: keys of the connection
 * @now: current time
 *
 * Keys of the phase before and of 0-RTT are wiped (RFC 9001, 6.5 and 4.9.3), and
 * an update that was asked for too soon happens. Opening a packet does it, too;
 * a quiet connection needs a timer.
 */
void quic_keys_expire(struct quic_keys *keys, ktime_t now)
{
	if (keys->rx_prev && keys->rx_prev->cipher &&
	    !ktime_before(now, keys->rx_prev_expiry))
		quic_key_clear(keys->rx_prev);
	if (keys->early_expiry && !ktime_before(now, keys->early_expiry)) {
		quic_keys_free(&keys->rx[QUIC_CRYPTO_EARLY]);
		keys->early_expiry = 0;
	}
	quic_keys_try_update(keys, now);
}

/* RFC 9001, 4.9.3: 0-RTT packets may still be on the way for a while after the
 * first 1-RTT packet.
 */
static void quic_keys_end_early(struct quic_keys *keys,
				const struct quic_open *o)
{
	u64 keep_us = (u64)o->pto_us * QUIC_KEYS_PREV_PTOS;

	if (keys->rx[QUIC_CRYPTO_EARLY] && !keys->early_expiry)
		keys->early_expiry = ktime_add_us(o->now, keep_us);
}

/**
 * quic_keys_seal - seal a packet and count it
 * @keys: keys of the connection
 * @level: encryption level; its key exists
 * @pn: packet number
 * @src: plaintext, see quic_crypto_seal()
 * @dst: the packet, beginning with its header
 * @hdr_len: length of the header, packet number included
 * @payload_len: length of the payload
 *
 * Does not move the key phase, so that the headers of a batch stay valid.
 *
 * Return: 0, or -EKEYEXPIRED when the key is worn out and the peer has not let
 *	   us update it; the connection has to be closed with
 *	   AEAD_LIMIT_REACHED (RFC 9001, 6.6).
 */
int quic_keys_seal(struct quic_keys *keys, u8 level, u64 pn,
		   struct scatterlist *src, u8 *dst, u32 hdr_len,
		   u32 payload_len)
{
	const struct quic_key *key = keys->tx[level];
	u64 limit = quic_key_seal_limit(key);

	if (level == QUIC_CRYPTO_APP) {
		if (keys->sealed >= limit)
			return -EKEYEXPIRED;
		if (!keys->tx_used) {
			keys->tx_used = 1;
			keys->tx_first_pn = pn;
		}
		if (++keys->sealed >= limit / 2)
			keys->update_wanted = 1;
	}
	quic_crypto_seal(key, pn, src, dst, hdr_len, payload_len);
	return 0;
}

/* Counts a packet that did not open (RFC 9001, 6.6). */
static int quic_keys_forged(struct quic_keys *keys, const struct quic_key *key)
{
	if (++keys->forged >= quic_key_open_limit(key))
		return QUIC_TRANSPORT_ERROR_AEAD_LIMIT_REACHED;
	return -EBADMSG;
}

/* RFC 9001, 6.5: a packet of the other phase is older than the first of this
 * one, or begins the next.
 */
static struct quic_key *quic_keys_select_1rtt(struct quic_keys *keys,
					      const struct quic_open *o)
{
	quic_keys_expire(keys, o->now);
	if (o->key_phase == keys->rx_phase)
		return keys->rx[QUIC_CRYPTO_APP];
	if (keys->rx_prev->cipher && o->pn < keys->rx_first_pn)
		return keys->rx_prev;
	return keys->rx_next;
}

/* The peer has moved its phase; follow, unless it follows us. */
static int quic_keys_update_rx(struct quic_keys *keys, struct quic_open *o)
{
	struct quic_key *old = keys->rx_prev;
	u64 keep_us = (u64)o->pto_us * QUIC_KEYS_PREV_PTOS;

	o->peer_updated = keys->tx_phase == keys->rx_phase;
	/* RFC 9001, 6.2: the peer has not seen us follow its update before. */
	if (o->peer_updated && !keys->tx_used)
		return QUIC_TRANSPORT_ERROR_KEY_UPDATE;

	keys->rx_prev = keys->rx[QUIC_CRYPTO_APP];
	keys->rx_prev_expiry = ktime_add_us(o->now, keep_us);
	keys->rx[QUIC_CRYPTO_APP] = keys->rx_next;
	keys->rx_next = old;
	quic_key_next(keys->rx_next, keys->rx[QUIC_CRYPTO_APP]);
	keys->rx_phase ^= 1;
	keys->rx_first_pn = o->pn;
	if (o->peer_updated)
		quic_keys_update_tx(keys, false);
	return 0;
}

static int quic_keys_open_1rtt(struct quic_keys *keys, struct quic_open *o)
{
	struct quic_key *key = quic_keys_select_1rtt(keys, o);

	if (quic_crypto_open(key, o->pn, o->pkt, o->hdr_len, o->len))
		return quic_keys_forged(keys, key);
	quic_keys_end_early(keys, o);
	if (key == keys->rx_next)
		return quic_keys_update_rx(keys, o);
	if (key == keys->rx[QUIC_CRYPTO_APP] && o->pn < keys->rx_first_pn)
		keys->rx_first_pn = o->pn;
	return 0;
}

/**
 * quic_keys_open - open a packet in place
 * @keys: keys of the connection
 * @o: the packet
 *
 * A 1-RTT packet may bring a key update of the peer: both directions have then
 * moved on.
 *
 * Return: 0; -ENOKEY when the level has no key; -EBADMSG when the packet is not
 *	   authentic; else the transport error to close with.
 */
int quic_keys_open(struct quic_keys *keys, struct quic_open *o)
{
	const struct quic_key *key;

	key = quic_keys_rx_for(keys, o->level, o->version);
	o->peer_updated = false;
	if (!key)
		return -ENOKEY;
	if (o->level == QUIC_CRYPTO_APP)
		return quic_keys_open_1rtt(keys, o);
	if (quic_crypto_open(key, o->pn, o->pkt, o->hdr_len, o->len))
		return quic_keys_forged(keys, key);
	return 0;
}
