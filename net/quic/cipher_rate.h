/* SPDX-License-Identifier: GPL-2.0-only */
/* How fast this machine seals packets with each cipher. TLS chooses the cipher,
 * in user space, where nobody knows which one the kernel is good at: AES is
 * many times slower without the processor's help, and faster with it. And
 * whether AES-GCM is for lib/crypto or for the crypto API.
 *
 * Owns:    the table of rates, written once.
 * Guard:   none; it does not change after init.
 * Callers: af_quic.c, proc.c.
 */
#ifndef _NET_QUIC_CIPHER_RATE_H
#define _NET_QUIC_CIPHER_RATE_H

struct seq_file;

void quic_cipher_rate_measure(void);
void quic_cipher_rate_show(struct seq_file *seq);

#endif /* _NET_QUIC_CIPHER_RATE_H */
