// SPDX-License-Identifier: GPL-2.0-only
#include <crypto/aead.h>
#include <crypto/aes.h>
#include <linux/atomic.h>
#include <linux/bottom_half.h>
#include <linux/percpu.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "gcm_api.h"
#include "types.h"

/* For both directions of a connection, and some luck with others. */
#define QUIC_GCM_WAYS	4

/**
 * struct quic_gcm_way - a transform, and whose key it has
 * @lock: guards the rest
 * @id:	  quic_gcm_key.id; 0 is none. Read without the lock by who forgets
 * @req:  request of the transform
 */
struct quic_gcm_way {
	spinlock_t lock;	/* guards the rest */
	u64 id;
	struct aead_request *req;
};

struct quic_gcm_cpu {
	struct quic_gcm_way ways[QUIC_GCM_WAYS];
};

static struct quic_gcm_cpu __percpu *quic_gcm_cpus;
static atomic64_t quic_gcm_last_id;

DEFINE_STATIC_KEY_FALSE(quic_gcm_api_used);

static struct quic_gcm_way *quic_gcm_way(int cpu, u64 number)
{
	return &per_cpu_ptr(quic_gcm_cpus, cpu)->ways[number % QUIC_GCM_WAYS];
}

static void quic_gcm_way_free(struct quic_gcm_way *way)
{
	struct crypto_aead *tfm;

	if (!way->req)
		return;
	tfm = crypto_aead_reqtfm(way->req);
	aead_request_free(way->req);
	crypto_free_aead(tfm);
	way->req = NULL;
}

static int quic_gcm_way_init(struct quic_gcm_way *way)
{
	struct crypto_aead *tfm;
	int err;

	spin_lock_init(&way->lock);
	/* What is used in softirq neither waits nor allocates. */
	tfm = crypto_alloc_aead("gcm(aes)", 0, CRYPTO_ALG_ASYNC |
					       CRYPTO_ALG_ALLOCATES_MEMORY);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	err = crypto_aead_setauthsize(tfm, QUIC_TAG_LEN);
	if (err)
		goto err_free;
	way->req = aead_request_alloc(tfm, GFP_KERNEL);
	err = -ENOMEM;
	if (!way->req)
		goto err_free;
	aead_request_set_callback(way->req, 0, NULL, NULL);
	return 0;

err_free:
	crypto_free_aead(tfm);
	return err;
}

static void quic_gcm_free(void)
{
	int cpu, i;

	for_each_possible_cpu(cpu)
		for (i = 0; i < QUIC_GCM_WAYS; i++)
			quic_gcm_way_free(quic_gcm_way(cpu, i));
	free_percpu(quic_gcm_cpus);
	quic_gcm_cpus = NULL;
}

/**
 * quic_gcm_api_start - use the crypto API from now on
 *
 * Context: process.
 * Return: 0; -EALREADY; -ENOMEM, or what crypto_alloc_aead() says.
 */
int quic_gcm_api_start(void)
{
	int cpu, i, err;

	if (quic_gcm_cpus)
		return -EALREADY;
	quic_gcm_cpus = alloc_percpu(struct quic_gcm_cpu);
	if (!quic_gcm_cpus)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		for (i = 0; i < QUIC_GCM_WAYS; i++) {
			err = quic_gcm_way_init(quic_gcm_way(cpu, i));
			if (err) {
				quic_gcm_free();
				return err;
			}
		}
	static_branch_enable(&quic_gcm_api_used);
	return 0;
}

/**
 * quic_gcm_api_stop - do without the crypto API
 *
 * Context: process; nobody encrypts.
 */
void quic_gcm_api_stop(void)
{
	if (!quic_gcm_cpus)
		return;
	static_branch_disable(&quic_gcm_api_used);
	quic_gcm_free();
}

/**
 * quic_gcm_api_driver - who does the work
 *
 * Return: the name of the algorithm's driver; NULL if the API is not used.
 */
const char *quic_gcm_api_driver(void)
{
	struct crypto_aead *tfm;

	if (!static_key_enabled(&quic_gcm_api_used))
		return NULL;
	tfm = crypto_aead_reqtfm(quic_gcm_way(raw_smp_processor_id(), 0)->req);
	return crypto_tfm_alg_driver_name(crypto_aead_tfm(tfm));
}

/**
 * quic_gcm_key_set - prepare a key
 * @key: what to fill; what it was before is forgotten
 * @raw: the key
 * @len: its length
 */
void quic_gcm_key_set(struct quic_gcm_key *key, const u8 *raw, u8 len)
{
	quic_gcm_key_forget(key);
	key->id = atomic64_inc_return(&quic_gcm_last_id);
	key->len = len;
	memcpy(key->raw, raw, len);
}

static void quic_gcm_way_forget(struct quic_gcm_way *way, u64 id)
{
	static const u8 zero[AES_KEYSIZE_128];

	if (READ_ONCE(way->id) != id)
		return;
	spin_lock_bh(&way->lock);
	if (way->id == id) {
		crypto_aead_setkey(crypto_aead_reqtfm(way->req), zero,
				   sizeof(zero));
		WRITE_ONCE(way->id, 0);
	}
	spin_unlock_bh(&way->lock);
}

/**
 * quic_gcm_key_forget - no transform keeps the key
 * @key: a key that nobody uses any more
 */
void quic_gcm_key_forget(struct quic_gcm_key *key)
{
	int cpu;

	if (static_branch_unlikely(&quic_gcm_api_used) && key->id)
		for_each_possible_cpu(cpu)
			quic_gcm_way_forget(quic_gcm_way(cpu, key->id),
					    key->id);
	key->id = 0;
}

/* Softirqs are off until quic_gcm_way_put(). */
static struct quic_gcm_way *quic_gcm_way_get(const struct quic_gcm_key *key)
{
	struct quic_gcm_way *way;

	local_bh_disable();
	way = quic_gcm_way(smp_processor_id(), key->id);
	spin_lock(&way->lock);
	if (way->id != key->id) {
		WARN_ON_ONCE(crypto_aead_setkey(crypto_aead_reqtfm(way->req),
						key->raw, key->len));
		WRITE_ONCE(way->id, key->id);
	}
	return way;
}

static void quic_gcm_way_put(struct quic_gcm_way *way)
{
	spin_unlock(&way->lock);
	local_bh_enable();
}

static void quic_gcm_way_prepare(struct quic_gcm_way *way,
				 struct scatterlist *sg, const u8 *nonce,
				 u8 *pkt, u32 hdr_len, u32 len, u32 tag)
{
	u8 *iv = (u8 *)nonce;	/* AES-GCM does not write it */

	sg_init_one(sg, pkt, hdr_len + len + QUIC_TAG_LEN);
	aead_request_set_ad(way->req, hdr_len);
	aead_request_set_crypt(way->req, sg, sg, len + tag, iv);
}

/**
 * quic_gcm_api_seal - encrypt and authenticate in place
 * @key:     the key
 * @nonce:   QUIC_IV_LEN bytes
 * @pkt:     header and plaintext, directly mapped memory
 * @hdr_len: bytes that are authenticated only
 * @len:     length of the plaintext, behind which there is room for the tag
 *
 * Context: any but hard interrupt; quic_gcm_api_wanted().
 */
void quic_gcm_api_seal(const struct quic_gcm_key *key, const u8 *nonce,
		       u8 *pkt, u32 hdr_len, u32 len)
{
	struct quic_gcm_way *way = quic_gcm_way_get(key);
	struct scatterlist sg;

	quic_gcm_way_prepare(way, &sg, nonce, pkt, hdr_len, len, 0);
	/* Nothing of it may leave if that were possible. */
	if (WARN_ON_ONCE(crypto_aead_encrypt(way->req)))
		memset(pkt + hdr_len, 0, len + QUIC_TAG_LEN);
	quic_gcm_way_put(way);
}

/**
 * quic_gcm_api_open - authenticate and decrypt in place
 * @key:     the key
 * @nonce:   QUIC_IV_LEN bytes
 * @pkt:     header, ciphertext and tag, directly mapped memory
 * @hdr_len: bytes that are authenticated only
 * @len:     length of the ciphertext
 *
 * Context: any but hard interrupt; quic_gcm_api_wanted().
 * Return: 0 or -EBADMSG.
 */
int quic_gcm_api_open(const struct quic_gcm_key *key, const u8 *nonce,
		      u8 *pkt, u32 hdr_len, u32 len)
{
	struct quic_gcm_way *way = quic_gcm_way_get(key);
	struct scatterlist sg;
	int err;

	quic_gcm_way_prepare(way, &sg, nonce, pkt, hdr_len, len, QUIC_TAG_LEN);
	err = crypto_aead_decrypt(way->req);
	quic_gcm_way_put(way);
	return err ? -EBADMSG : 0;
}
