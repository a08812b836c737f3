/* SPDX-License-Identifier: GPL-2.0-only */
/* Settings: what a program has stored on a socket by options, without meaning
 * for the wire until some other part reads it: configuration, protocol list,
 * address validation token, session ticket, close reason, enabled events.
 *
 * Owns:    struct quic_settings and the memory of its byte strings.
 * Guard:   the socket lock of the socket that embeds it.
 * Callers: sockopt.c sets and gets, listen.c inherits, the owners of the
 *          mechanisms read the fields directly.
 */
#ifndef _NET_QUIC_SETTINGS_H
#define _NET_QUIC_SETTINGS_H

#include <linux/bits.h>
#include <linux/gfp_types.h>

#include "token.h"
#include "types.h"

#define QUIC_ALPN_MAX		128	/* of the comma-separated string */
#define QUIC_TICKET_MIN		64
#define QUIC_TICKET_MAX		4096

/* A byte string on the heap, wiped when it is replaced. */
struct quic_blob {
	u32 len;
	u8 *data;
};

/* ALPN protocols in the encoding of RFC 7301, 3.1 (each name behind its
 * length byte), which takes one byte more than the comma-separated string.
 */
struct quic_alpn {
	u8 len;				/* 0: no list */
	u8 data[QUIC_ALPN_MAX + 1];
};

struct quic_settings {
	struct quic_config config;
	struct quic_connection_close close; /* own, or the peer's once closed */
	struct quic_alpn alpn;
	struct quic_blob token;		/* client: for its first Initial */
	struct quic_blob ticket;	/* session data, or server's ticket key */
	struct quic_token_secret secret; /* server: of tokens, ticket keys */
	u32 events;			/* BIT(QUIC_EVENT_*) that are reported */
	bool kernel;			/* the user is inside the kernel */
	bool windows_named;		/* by the program: they stay as they are */
};

/* One protocol name, pointing into a list. */
struct quic_alpn_name {
	const u8 *data;
	u8 len;
};

/* Walks the names of a list. */
struct quic_alpn_iter {
	const u8 *pos;
	const u8 *end;
};

void quic_settings_init(struct quic_settings *s);
void quic_settings_inherit(struct quic_settings *s,
			   const struct quic_settings *listener);
void quic_settings_destroy(struct quic_settings *s);

int quic_settings_set_config(struct quic_settings *s,
			     const struct quic_config *config);
int quic_settings_set_event(struct quic_settings *s,
			    const struct quic_event_option *opt);

static inline bool quic_settings_event_on(const struct quic_settings *s,
					  u8 type)
{
	return s->events & BIT(type);
}

int quic_blob_set(struct quic_blob *blob, const u8 *data, u32 len, gfp_t gfp);
void quic_blob_clear(struct quic_blob *blob);

int quic_alpn_parse(struct quic_alpn *alpn, const u8 *str, u32 len);
u32 quic_alpn_format(const struct quic_alpn *alpn, u8 str[QUIC_ALPN_MAX]);
bool quic_alpn_equal(const struct quic_alpn *a, const struct quic_alpn *b);
bool quic_alpn_overlap(const struct quic_alpn *a, const struct quic_alpn *b);
bool quic_alpn_contains(const struct quic_alpn *alpn, const u8 *name, u8 len);

void quic_alpn_iter_init(struct quic_alpn_iter *it, const u8 *list, u32 len);
bool quic_alpn_iter_next(struct quic_alpn_iter *it,
			 struct quic_alpn_name *name);

#endif /* _NET_QUIC_SETTINGS_H */
