/* SPDX-License-Identifier: GPL-2.0-only */
/* The TLS 1.3 ClientHello (RFC 8446, 4.1.2), read only as far as a listener has
 * to: the protocols offered (RFC 7301) and the server name (RFC 6066, 3).
 * TLS itself lives in user space and reads the message again.
 *
 * Owns:    no state. Results point into the caller's reassembled bytes.
 * Guard:   none needed, pure functions on bytes.
 * Callers: listen.c, with the Initial level's CRYPTO bytes from offset 0.
 */
#ifndef _NET_QUIC_CLIENT_HELLO_H
#define _NET_QUIC_CLIENT_HELLO_H

#include "types.h"

#define QUIC_CLIENT_HELLO_HDR_LEN	4	/* msg_type and 24-bit length */
#define QUIC_CLIENT_HELLO_MAX_LEN	16384	/* longer ones are refused */
#define QUIC_CLIENT_HELLO_MAX_EXTS	128
#define QUIC_CLIENT_HELLO_MAX_ALPN	129	/* of what QUIC_SOCKOPT_ALPN can set */

/**
 * struct quic_client_hello - what a listener wants to know of a ClientHello
 * @msg_len:  length of the whole message with its header, valid as soon as the
 *	      header was there, also when the rest is still missing
 * @has_alpn: the ALPN extension is present
 * @alpn:     its protocol names, each behind a length byte, well formed
 * @alpn_len: bytes at @alpn
 * @sni:      host_name without a final NUL, NULL if absent
 * @sni_len:  bytes at @sni
 */
struct quic_client_hello {
	u32 msg_len;
	bool has_alpn;
	const u8 *alpn;
	u32 alpn_len;
	const u8 *sni;
	u32 sni_len;
};

int quic_client_hello_parse(const u8 *data, u32 len,
			    struct quic_client_hello *ch);

#endif /* _NET_QUIC_CLIENT_HELLO_H */
