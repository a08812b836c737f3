// SPDX-License-Identifier: GPL-2.0-only

#include <linux/errno.h>
#include <linux/unaligned.h>
#include "client_hello.h"

#define QUIC_TLS_CLIENT_HELLO	1	/* msg_type, RFC 8446, 4 */
#define QUIC_TLS_FIXED_LEN	(2 + 32)	/* legacy_version, random */
#define QUIC_TLS_EXT_SNI	0	/* RFC 6066, 3 */
#define QUIC_TLS_EXT_ALPN	16	/* RFC 7301, 3.1 */
#define QUIC_TLS_HOST_NAME	0	/* name_type, RFC 6066, 3 */

/* Bytes that are still to be read. Reading never leaves them. */
struct quic_tls_reader {
	const u8 *pos;
	const u8 *end;
};

static bool quic_tls_done(const struct quic_tls_reader *r)
{
	return r->pos == r->end;
}

static bool quic_tls_skip(struct quic_tls_reader *r, u32 len)
{
	if (r->end - r->pos < len)
		return false;
	r->pos += len;
	return true;
}

static bool quic_tls_u8(struct quic_tls_reader *r, u8 *val)
{
	if (!quic_tls_skip(r, 1))
		return false;
	*val = r->pos[-1];
	return true;
}

static bool quic_tls_u16(struct quic_tls_reader *r, u16 *val)
{
	if (!quic_tls_skip(r, 2))
		return false;
	*val = get_unaligned_be16(r->pos - 2);
	return true;
}

/* A vector (RFC 8446, 3.4) behind one byte of length, to be read by @v. */
static bool quic_tls_vec8(struct quic_tls_reader *r, struct quic_tls_reader *v)
{
	u8 len;

	if (!quic_tls_u8(r, &len) || !quic_tls_skip(r, len))
		return false;
	v->pos = r->pos - len;
	v->end = r->pos;
	return true;
}

/* The same behind two bytes. */
static bool quic_tls_vec16(struct quic_tls_reader *r, struct quic_tls_reader *v)
{
	u16 len;

	if (!quic_tls_u16(r, &len) || !quic_tls_skip(r, len))
		return false;
	v->pos = r->pos - len;
	v->end = r->pos;
	return true;
}

static bool quic_parse_alpn(struct quic_tls_reader ext,
			    struct quic_client_hello *ch)
{
	struct quic_tls_reader list, name;

	if (ch->has_alpn)
		return false;
	if (!quic_tls_vec16(&ext, &list) || !quic_tls_done(&ext))
		return false;
	ch->has_alpn = true;
	ch->alpn = list.pos;
	ch->alpn_len = list.end - list.pos;
	if (!ch->alpn_len || ch->alpn_len > QUIC_CLIENT_HELLO_MAX_ALPN)
		return false;

	while (!quic_tls_done(&list))
		if (!quic_tls_vec8(&list, &name) || quic_tls_done(&name))
			return false;
	return true;
}

static bool quic_parse_sni(struct quic_tls_reader ext,
			   struct quic_client_hello *ch)
{
	struct quic_tls_reader list, name;
	u8 type;

	if (!quic_tls_vec16(&ext, &list) || !quic_tls_done(&ext) ||
	    quic_tls_done(&list))
		return false;
	while (!quic_tls_done(&list)) {
		if (!quic_tls_u8(&list, &type) ||
		    !quic_tls_vec16(&list, &name) || quic_tls_done(&name))
			return false;
		if (type != QUIC_TLS_HOST_NAME)
			continue;
		if (ch->sni)	/* one of a type at most: RFC 6066, 3 */
			return false;
		ch->sni = name.pos;
		ch->sni_len = name.end - name.pos;
	}
	return true;
}

static bool quic_parse_extensions(struct quic_tls_reader exts,
				  struct quic_client_hello *ch)
{
	struct quic_tls_reader ext;
	u32 nr = 0;
	u16 type;

	while (!quic_tls_done(&exts)) {
		if (++nr > QUIC_CLIENT_HELLO_MAX_EXTS)
			return false;
		if (!quic_tls_u16(&exts, &type) || !quic_tls_vec16(&exts, &ext))
			return false;
		if (type == QUIC_TLS_EXT_ALPN && !quic_parse_alpn(ext, ch))
			return false;
		if (type == QUIC_TLS_EXT_SNI && !quic_parse_sni(ext, ch))
			return false;
	}
	return true;
}

/* RFC 8446, 4.1.2. The session ID has to be empty, as QUIC knows no middlebox
 * compatibility (RFC 9001, 8.4).
 */
static bool quic_parse_body(struct quic_tls_reader body,
			    struct quic_client_hello *ch)
{
	struct quic_tls_reader session_id, ciphers, compression, exts;

	return quic_tls_skip(&body, QUIC_TLS_FIXED_LEN) &&
	       quic_tls_vec8(&body, &session_id) &&
	       quic_tls_done(&session_id) &&
	       quic_tls_vec16(&body, &ciphers) && !quic_tls_done(&ciphers) &&
	       quic_tls_vec8(&body, &compression) &&
	       !quic_tls_done(&compression) &&
	       quic_tls_vec16(&body, &exts) && quic_tls_done(&body) &&
	       quic_parse_extensions(exts, ch);
}

/**
 * quic_client_hello_parse - look into a TLS ClientHello
 * @data: CRYPTO bytes of a client's Initial level, from offset 0 without gaps
 * @len:  as many as have arrived
 * @ch:	  receives the result
 *
 * Return: 0; -EAGAIN if the message goes on behind @len; -EINVAL if this is no
 * ClientHello that a QUIC client may send, or one beyond our limits.
 */
int quic_client_hello_parse(const u8 *data, u32 len,
			    struct quic_client_hello *ch)
{
	struct quic_tls_reader body;

	memset(ch, 0, sizeof(*ch));
	if (len && *data != QUIC_TLS_CLIENT_HELLO)
		return -EINVAL;
	if (len < QUIC_CLIENT_HELLO_HDR_LEN)
		return -EAGAIN;
	ch->msg_len = QUIC_CLIENT_HELLO_HDR_LEN + get_unaligned_be24(data + 1);
	if (ch->msg_len > QUIC_CLIENT_HELLO_MAX_LEN)
		return -EINVAL;
	if (len < ch->msg_len)
		return -EAGAIN;

	body.pos = data + QUIC_CLIENT_HELLO_HDR_LEN;
	body.end = data + ch->msg_len;
	return quic_parse_body(body, ch) ? 0 : -EINVAL;
}
