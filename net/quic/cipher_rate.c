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
 */
struct quic_cipher_rate {
	u32 cipher;
	const char *name;
	u32 rate;
};

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

static int __init quic_cipher_rate_faster(const void *a, const void *b)
{
	const struct quic_cipher_rate *x = a, *y = b;

	return x->rate < y->rate ? 1 : -1;
}

/**
 * quic_cipher_rate_measure - fill the table
 *
 * Takes a few milliseconds where all ciphers are slow. Without memory the table
 * stays as it is: an order that suits most machines, and no rates.
 */
void __init quic_cipher_rate_measure(void)
{
	struct quic_key *key = kzalloc_obj(*key);
	u8 secret[QUIC_SECRET_MAX] = {};
	u8 *pkt;
	int i;

	pkt = kzalloc(QUIC_RATE_HEADER + QUIC_RATE_PAYLOAD + QUIC_TAG_LEN,
		      GFP_KERNEL);
	if (!key || !pkt)
		goto out;
	for (i = 0; i < ARRAY_SIZE(quic_cipher_rates); i++) {
		quic_key_install(key, quic_cipher_rates[i].cipher,
				 QUIC_VERSION_V1, secret);
		quic_cipher_rates[i].rate = quic_cipher_rate_of(key, pkt);
	}
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

	seq_puts(seq, "CIPHER\tNAME\tMB_PER_S\n");
	for (i = 0; i < ARRAY_SIZE(quic_cipher_rates); i++) {
		r = &quic_cipher_rates[i];
		seq_printf(seq, "%u\t%s\t%u\n", r->cipher, r->name, r->rate);
	}
}
