// SPDX-License-Identifier: GPL-2.0-only
#include <linux/init.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <uapi/linux/tls.h>

#include "cipher_rate.h"
#include "crypto.h"
#include "gcm_api.h"

#define QUIC_RATE_HEADER	11
#define QUIC_RATE_PAYLOAD	1400
/* Packets between two looks at the clock, and how often that is done: the
 * fastest counts, since interrupts and hypervisors only make it slower.
 */
#define QUIC_RATE_PACKETS	4
#define QUIC_RATE_ROUNDS	8

/**
 * struct quic_cipher_rate - a line of the table
 * @cipher: TLS_CIPHER_*
 * @name:   the suite in RFC 8446, B.4
 * @rate:   bytes per microsecond, that is MB/s
 * @by:     driver of the crypto API; NULL for lib/crypto
 */
struct quic_cipher_rate {
	u32 cipher;
	const char *name;
	u32 rate;
	const char *by;
};

/* AES-GCM comes first: see quic_cipher_rate_try_api(). */
static struct quic_cipher_rate quic_cipher_rates[] __ro_after_init = {
	{ TLS_CIPHER_AES_GCM_128, "TLS_AES_128_GCM_SHA256" },
	{ TLS_CIPHER_AES_GCM_256, "TLS_AES_256_GCM_SHA384" },
	{ TLS_CIPHER_CHACHA20_POLY1305, "TLS_CHACHA20_POLY1305_SHA256" },
	{ TLS_CIPHER_AES_CCM_128, "TLS_AES_128_CCM_SHA256" },
};

static u32 __init quic_cipher_rate_of(const struct quic_key *key, u8 *pkt)
{
	u64 bytes = QUIC_RATE_PACKETS * QUIC_RATE_PAYLOAD * NSEC_PER_USEC;
	u64 begin, best = U64_MAX;
	int i, j;

	for (i = 0; i < QUIC_RATE_ROUNDS; i++) {
		begin = ktime_get_ns();
		for (j = 0; j < QUIC_RATE_PACKETS; j++)
			quic_crypto_seal(key, j, NULL, pkt, QUIC_RATE_HEADER,
					 QUIC_RATE_PAYLOAD);
		best = min(best, ktime_get_ns() - begin);
	}
	return div64_u64(bytes, max(best, 1));
}

static void __init quic_cipher_rate_measure_one(struct quic_cipher_rate *r,
						struct quic_key *key, u8 *pkt)
{
	static const u8 secret[QUIC_SECRET_MAX];

	quic_key_install(key, r->cipher, QUIC_VERSION_V1, secret);
	r->rate = quic_cipher_rate_of(key, pkt);
	r->by = quic_crypto_driver(key);
	quic_key_clear(key);
}

/* The crypto API costs something for each packet, and transforms: it has to be
 * better by a quarter.
 */
static void __init quic_cipher_rate_try_api(struct quic_key *key, u8 *pkt)
{
	struct quic_cipher_rate *r = quic_cipher_rates;
	u32 lib = r[0].rate;

	if (quic_gcm_api_start())
		return;
	quic_cipher_rate_measure_one(&r[0], key, pkt);
	if (r[0].rate / 5 >= lib / 4) {
		quic_cipher_rate_measure_one(&r[1], key, pkt);
		return;
	}
	quic_gcm_api_stop();
	r[0].rate = lib;
	r[0].by = NULL;
}

static int __init quic_cipher_rate_faster(const void *a, const void *b)
{
	const struct quic_cipher_rate *x = a, *y = b;

	return x->rate < y->rate ? 1 : -1;
}

/**
 * quic_cipher_rate_measure - fill the table
 *
 * Takes a few milliseconds where all ciphers are slow. Without memory the table
 * stays as it is: an order that suits most machines, and no rates. What is
 * chosen for AES-GCM stays until quic_gcm_api_stop().
 */
void __init quic_cipher_rate_measure(void)
{
	struct quic_key *key = kzalloc_obj(*key);
	u8 *pkt;
	int i;

	pkt = kzalloc(QUIC_RATE_HEADER + QUIC_RATE_PAYLOAD + QUIC_TAG_LEN,
		      GFP_KERNEL);
	if (!key || !pkt)
		goto out;
	for (i = 0; i < ARRAY_SIZE(quic_cipher_rates); i++)
		quic_cipher_rate_measure_one(&quic_cipher_rates[i], key, pkt);
	quic_cipher_rate_try_api(key, pkt);
	sort(quic_cipher_rates, ARRAY_SIZE(quic_cipher_rates),
	     sizeof(quic_cipher_rates[0]), quic_cipher_rate_faster, NULL);
out:
	kfree(pkt);
	kfree(key);
}

/**
 * quic_cipher_rate_show - print the table, the fastest cipher first
 * @seq: where
 */
void quic_cipher_rate_show(struct seq_file *seq)
{
	const struct quic_cipher_rate *r;
	int i;

	seq_puts(seq, "CIPHER\tNAME\tMB_PER_S\tDRIVER\n");
	for (i = 0; i < ARRAY_SIZE(quic_cipher_rates); i++) {
		r = &quic_cipher_rates[i];
		seq_printf(seq, "%u\t%s\t%u\t%s\n", r->cipher, r->name, r->rate,
			   r->by ?: "lib");
	}
}
