// SPDX-License-Identifier: GPL-2.0-only
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "encrypted_ext.h"

#define QUIC_EE_MESSAGE		8	/* RFC 8446, 4 */
#define QUIC_EE_EARLY_DATA	42	/* RFC 8446, 4.2 */
#define QUIC_EE_EXT_HDR		4

/* Bytes of the field that each state gathers. */
static const u8 quic_encrypted_ext_want[] = {
	[QUIC_EE_HEADER]	= 4,
	[QUIC_EE_LENGTH]	= 2,
	[QUIC_EE_EXTENSION]	= QUIC_EE_EXT_HDR,
};

/**
 * quic_encrypted_ext_init - begin before the first byte of Handshake level
 * @ee: the reader
 */
void quic_encrypted_ext_init(struct quic_encrypted_ext *ee)
{
	memset(ee, 0, sizeof(*ee));
}

static void quic_encrypted_ext_next(struct quic_encrypted_ext *ee)
{
	ee->state = ee->left >= QUIC_EE_EXT_HDR ? QUIC_EE_EXTENSION :
						  QUIC_EE_DONE;
}

static void quic_encrypted_ext_extension(struct quic_encrypted_ext *ee)
{
	ee->early_data = get_unaligned_be16(ee->field) == QUIC_EE_EARLY_DATA;
	ee->skip = get_unaligned_be16(ee->field + 2);
	ee->left -= QUIC_EE_EXT_HDR;
	/* What is malformed is for TLS to complain about. */
	if (ee->early_data || ee->skip > ee->left) {
		ee->state = QUIC_EE_DONE;
		return;
	}
	ee->left -= ee->skip;
	ee->state = QUIC_EE_BODY;
	if (!ee->skip)
		quic_encrypted_ext_next(ee);
}

static void quic_encrypted_ext_field(struct quic_encrypted_ext *ee)
{
	ee->have = 0;
	switch (ee->state) {
	case QUIC_EE_HEADER:
		ee->state = ee->field[0] == QUIC_EE_MESSAGE ? QUIC_EE_LENGTH :
							      QUIC_EE_DONE;
		break;
	case QUIC_EE_LENGTH:
		ee->left = get_unaligned_be16(ee->field);
		quic_encrypted_ext_next(ee);
		break;
	default:
		quic_encrypted_ext_extension(ee);
		break;
	}
}

/**
 * quic_encrypted_ext_feed - read on
 * @ee:	  the reader
 * @data: next bytes of the server's CRYPTO data of Handshake level
 * @len:  how many, as few or many as have come
 *
 * Return: whether the answer is there, in @ee->early_data.
 */
bool quic_encrypted_ext_feed(struct quic_encrypted_ext *ee, const u8 *data,
			     u32 len)
{
	u32 part;

	while (len && ee->state != QUIC_EE_DONE) {
		if (ee->state == QUIC_EE_BODY) {
			part = min(len, ee->skip);
			ee->skip -= part;
			data += part;
			len -= part;
			if (!ee->skip)
				quic_encrypted_ext_next(ee);
			continue;
		}
		ee->field[ee->have++] = *data++;
		len--;
		if (ee->have == quic_encrypted_ext_want[ee->state])
			quic_encrypted_ext_field(ee);
	}
	return ee->state == QUIC_EE_DONE;
}
