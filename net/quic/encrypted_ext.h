/* SPDX-License-Identifier: GPL-2.0-only */
/* Reader of a server's EncryptedExtensions (RFC 8446, 4.3.1), as far as it says
 * whether 0-RTT was accepted. TLS runs in user space, and nothing there tells
 * the kernel; the message passes by here anyway.
 *
 * Owns:    struct quic_encrypted_ext, part of struct quic_early.
 * Guard:   the owner's.
 * Callers: early.c.
 */
#ifndef _NET_QUIC_ENCRYPTED_EXT_H
#define _NET_QUIC_ENCRYPTED_EXT_H

#include <linux/types.h>

enum quic_encrypted_ext_state {
	QUIC_EE_HEADER,		/* message type and length */
	QUIC_EE_LENGTH,		/* length of all extensions */
	QUIC_EE_EXTENSION,	/* type and length of one */
	QUIC_EE_BODY,		/* its body, which is of no interest */
	QUIC_EE_DONE,
};

/**
 * struct quic_encrypted_ext - where reading has got to
 * @state:	enum quic_encrypted_ext_state
 * @have:	bytes of @field
 * @field:	header, length or extension header while it gathers
 * @left:	bytes of extensions to come
 * @skip:	bytes of the present extension's body to come
 * @early_data:	extension early_data was there
 */
struct quic_encrypted_ext {
	u8 state;
	u8 have;
	u8 field[4];
	u32 left;
	u32 skip;
	bool early_data;
};

void quic_encrypted_ext_init(struct quic_encrypted_ext *ee);
bool quic_encrypted_ext_feed(struct quic_encrypted_ext *ee, const u8 *data,
			     u32 len);

#endif /* _NET_QUIC_ENCRYPTED_EXT_H */
