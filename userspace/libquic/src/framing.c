// SPDX-License-Identifier: GPL-2.0-or-later
/* The headers of TLS messages (RFC 8446, 4) in the bytes of one level. */
#include "libquic.h"

void quic_framing_init(struct quic_framing *framing)
{
	*framing = (struct quic_framing){ .last_type = -1 };
}

void quic_framing_feed(struct quic_framing *framing, const uint8_t *data,
		       size_t len)
{
	while (len) {
		size_t taken = 1;

		if (framing->header_len < sizeof(framing->header)) {
			framing->header[framing->header_len++] = *data;
			framing->missing = framing->missing << 8 | *data;
			/* The type, which is not part of the length. */
			if (framing->header_len == 1)
				framing->missing = 0;
		} else {
			taken = framing->missing < len ? framing->missing : len;
			framing->missing -= taken;
		}
		if (framing->header_len == sizeof(framing->header) &&
		    !framing->missing) {
			framing->last_type = framing->header[0];
			framing->header_len = 0;
		}
		data += taken;
		len -= taken;
	}
}
