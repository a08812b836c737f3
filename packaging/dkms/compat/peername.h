/* SPDX-License-Identifier: GPL-2.0-only */
/* Replaces the requests for handshakes in a file that includes this first. */
#ifndef _KQUIC_COMPAT_PEERNAME_H
#define _KQUIC_COMPAT_PEERNAME_H

#include <linux/key.h>
#include <linux/types.h>
#include <net/sock.h>
#include <net/handshake.h>

int kquic_client_hello_anon(const struct tls_handshake_args *args, gfp_t flags);
int kquic_client_hello_x509(const struct tls_handshake_args *args, gfp_t flags);

#define tls_client_hello_anon kquic_client_hello_anon
#define tls_client_hello_x509 kquic_client_hello_x509

#endif /* _KQUIC_COMPAT_PEERNAME_H */
