// SPDX-License-Identifier: GPL-2.0-only

#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/unaligned.h>
#include "header.h"
#include "tparams.h"
#include "varint.h"

/* RFC 9000, 18.2; RFC 9368, 3; RFC 9221, 3; RFC 9287, 3. The last one is in no
 * RFC: peers that both send it leave 1-RTT packets in the clear.
 */
enum quic_tparam_id {
	QUIC_TP_ORIGINAL_DCID			= 0x00,
	QUIC_TP_MAX_IDLE_TIMEOUT		= 0x01,
	QUIC_TP_STATELESS_RESET_TOKEN		= 0x02,
	QUIC_TP_MAX_UDP_PAYLOAD_SIZE		= 0x03,
	QUIC_TP_INITIAL_MAX_DATA		= 0x04,
	QUIC_TP_INITIAL_MAX_DATA_BIDI_LOCAL	= 0x05,
	QUIC_TP_INITIAL_MAX_DATA_BIDI_REMOTE	= 0x06,
	QUIC_TP_INITIAL_MAX_DATA_UNI		= 0x07,
	QUIC_TP_INITIAL_MAX_STREAMS_BIDI	= 0x08,
	QUIC_TP_INITIAL_MAX_STREAMS_UNI		= 0x09,
	QUIC_TP_ACK_DELAY_EXPONENT		= 0x0a,
	QUIC_TP_MAX_ACK_DELAY			= 0x0b,
	QUIC_TP_DISABLE_ACTIVE_MIGRATION	= 0x0c,
	QUIC_TP_PREFERRED_ADDRESS		= 0x0d,
	QUIC_TP_ACTIVE_CONNECTION_ID_LIMIT	= 0x0e,
	QUIC_TP_INITIAL_SCID			= 0x0f,
	QUIC_TP_RETRY_SCID			= 0x10,
	QUIC_TP_VERSION_INFORMATION		= 0x11,
	QUIC_TP_MAX_DATAGRAM_FRAME_SIZE		= 0x20,
	QUIC_TP_GREASE_QUIC_BIT			= 0x2ab2,
	QUIC_TP_DISABLE_1RTT_ENCRYPTION		= 0xbaad,
};

#define QUIC_TP_MS		1000	/* wire has milliseconds, we microseconds */

/* preferred_address without its connection ID */
#define QUIC_TP_PREFERRED_LEN	(4 + 2 + 16 + 2 + 1 + QUIC_RESET_TOKEN_LEN)

/* Where encoding has got to. */
struct quic_tparams_writer {
	u8 *pos;
	u8 *end;
	bool overflow;
};

/**
 * struct quic_tparam - how one parameter is read and written
 * @id:		 enum quic_tparam_id
 * @offset:	 of the value in struct quic_tparams
 * @has_offset:	 of the bool there that tells whether the value is present
 * @server_only: a client must not send it
 * @parse:	 reads the value, whose length is given; -EINVAL if it is bad
 * @put:	 writes the whole parameter, or nothing if it is to be left out
 * @scale:	 integer: units of ours in one on the wire
 * @absent:	 integer: what its absence means, on the wire
 * @min:	 integer: smaller is an error, except 0 if that means absence
 * @max:	 integer: larger is an error
 * @ceil:	 integer: larger is lowered to this
 */
struct quic_tparam {
	u16 id;
	u16 offset;
	u16 has_offset;
	bool server_only;
	int (*parse)(const struct quic_tparam *desc, struct quic_tparams *tp,
		     const u8 *data, u32 len);
	void (*put)(const struct quic_tparam *desc,
		    const struct quic_tparams *tp,
		    struct quic_tparams_writer *w);
	u32 scale;
	u32 absent;
	u32 min;
	u64 max;
	u64 ceil;
};

static void *quic_tparam_value(const struct quic_tparam *desc,
			       struct quic_tparams *tp)
{
	return (void *)tp + desc->offset;
}

static const void *quic_tparam_const(const struct quic_tparam *desc,
				     const struct quic_tparams *tp)
{
	return (const void *)tp + desc->offset;
}

static void quic_tparam_set_has(const struct quic_tparam *desc,
				struct quic_tparams *tp)
{
	*(bool *)((void *)tp + desc->has_offset) = true;
}

static bool quic_tparam_has(const struct quic_tparam *desc,
			    const struct quic_tparams *tp)
{
	return *(const bool *)((const void *)tp + desc->has_offset);
}

/* Begins a parameter. Returns where its @len bytes of value go, or NULL. */
static u8 *quic_tparam_begin(struct quic_tparams_writer *w, u16 id, u32 len)
{
	u32 hdr = quic_varint_len(id) + quic_varint_len(len);
	u8 *p;

	if (w->end - w->pos < hdr + len) {
		w->overflow = true;
		return NULL;
	}
	p = quic_varint_put(quic_varint_put(w->pos, id), len);
	w->pos = p + len;
	return p;
}

static int quic_tparam_parse_int(const struct quic_tparam *desc,
				 struct quic_tparams *tp,
				 const u8 *data, u32 len)
{
	const u8 *end = data + len;
	u64 val;

	if (quic_varint_get(&data, end, &val) || data != end)
		return -EINVAL;
	if (val > desc->max)
		return -EINVAL;
	if (val < desc->min && (val || desc->absent))
		return -EINVAL;
	*(u64 *)quic_tparam_value(desc, tp) = min(val, desc->ceil) * desc->scale;
	return 0;
}

/* Durations are rounded up, as what they promise must not be broken. */
static void quic_tparam_put_int(const struct quic_tparam *desc,
				const struct quic_tparams *tp,
				struct quic_tparams_writer *w)
{
	u64 val = *(const u64 *)quic_tparam_const(desc, tp);
	u8 *p;

	val = min(DIV64_U64_ROUND_UP(val, desc->scale), desc->ceil);
	if (val == desc->absent)
		return;
	p = quic_tparam_begin(w, desc->id, quic_varint_len(val));
	if (p)
		quic_varint_put(p, val);
}

static int quic_tparam_parse_flag(const struct quic_tparam *desc,
				  struct quic_tparams *tp,
				  const u8 *data, u32 len)
{
	if (len)
		return -EINVAL;
	*(bool *)quic_tparam_value(desc, tp) = true;
	return 0;
}

static void quic_tparam_put_flag(const struct quic_tparam *desc,
				 const struct quic_tparams *tp,
				 struct quic_tparams_writer *w)
{
	if (*(const bool *)quic_tparam_const(desc, tp))
		quic_tparam_begin(w, desc->id, 0);
}

static int quic_tparam_parse_cid(const struct quic_tparam *desc,
				 struct quic_tparams *tp,
				 const u8 *data, u32 len)
{
	struct quic_cid *cid = quic_tparam_value(desc, tp);

	if (len > QUIC_CID_MAX_LEN)
		return -EINVAL;
	cid->len = len;
	memcpy(cid->data, data, len);
	quic_tparam_set_has(desc, tp);
	return 0;
}

static void quic_tparam_put_cid(const struct quic_tparam *desc,
				const struct quic_tparams *tp,
				struct quic_tparams_writer *w)
{
	const struct quic_cid *cid = quic_tparam_const(desc, tp);
	u8 *p;

	if (!quic_tparam_has(desc, tp))
		return;
	p = quic_tparam_begin(w, desc->id, cid->len);
	if (p)
		quic_put_bytes(p, cid->data, cid->len);
}

static int quic_tparam_parse_token(const struct quic_tparam *desc,
				   struct quic_tparams *tp,
				   const u8 *data, u32 len)
{
	if (len != QUIC_RESET_TOKEN_LEN)
		return -EINVAL;
	memcpy(quic_tparam_value(desc, tp), data, len);
	quic_tparam_set_has(desc, tp);
	return 0;
}

static void quic_tparam_put_token(const struct quic_tparam *desc,
				  const struct quic_tparams *tp,
				  struct quic_tparams_writer *w)
{
	u8 *p;

	if (!quic_tparam_has(desc, tp))
		return;
	p = quic_tparam_begin(w, desc->id, QUIC_RESET_TOKEN_LEN);
	if (p)
		quic_put_bytes(p, quic_tparam_const(desc, tp),
			       QUIC_RESET_TOKEN_LEN);
}

static const u8 *quic_get_v4(const u8 *p, struct sockaddr_in *v4)
{
	v4->sin_family = AF_INET;
	memcpy(&v4->sin_addr, p, sizeof(v4->sin_addr));
	memcpy(&v4->sin_port, p + sizeof(v4->sin_addr), sizeof(v4->sin_port));
	if (!v4->sin_addr.s_addr)
		v4->sin_port = 0;
	return p + sizeof(v4->sin_addr) + sizeof(v4->sin_port);
}

static const u8 *quic_get_v6(const u8 *p, struct sockaddr_in6 *v6)
{
	static const struct in6_addr none = {};

	v6->sin6_family = AF_INET6;
	memcpy(&v6->sin6_addr, p, sizeof(v6->sin6_addr));
	memcpy(&v6->sin6_port, p + sizeof(v6->sin6_addr),
	       sizeof(v6->sin6_port));
	if (!memcmp(&v6->sin6_addr, &none, sizeof(none)))
		v6->sin6_port = 0;
	return p + sizeof(v6->sin6_addr) + sizeof(v6->sin6_port);
}

static u8 *quic_put_v4(u8 *p, const struct sockaddr_in *v4)
{
	p = quic_put_bytes(p, (const u8 *)&v4->sin_addr, sizeof(v4->sin_addr));
	return quic_put_bytes(p, (const u8 *)&v4->sin_port,
			      sizeof(v4->sin_port));
}

static u8 *quic_put_v6(u8 *p, const struct sockaddr_in6 *v6)
{
	p = quic_put_bytes(p, (const u8 *)&v6->sin6_addr,
			   sizeof(v6->sin6_addr));
	return quic_put_bytes(p, (const u8 *)&v6->sin6_port,
			      sizeof(v6->sin6_port));
}

/* RFC 9000, 18.2, Figure 22; the connection ID must not be empty. */
static int quic_tparam_parse_preferred(const struct quic_tparam *desc,
				       struct quic_tparams *tp,
				       const u8 *data, u32 len)
{
	struct quic_preferred_addr *addr = quic_tparam_value(desc, tp);

	if (len < QUIC_TP_PREFERRED_LEN)
		return -EINVAL;
	data = quic_get_v4(data, &addr->v4);
	data = quic_get_v6(data, &addr->v6);
	addr->cid.len = *data++;
	if (!addr->cid.len || addr->cid.len > QUIC_CID_MAX_LEN ||
	    len != QUIC_TP_PREFERRED_LEN + addr->cid.len)
		return -EINVAL;
	memcpy(addr->cid.data, data, addr->cid.len);
	memcpy(addr->reset_token, data + addr->cid.len, QUIC_RESET_TOKEN_LEN);
	quic_tparam_set_has(desc, tp);
	return 0;
}

static void quic_tparam_put_preferred(const struct quic_tparam *desc,
				      const struct quic_tparams *tp,
				      struct quic_tparams_writer *w)
{
	const struct quic_preferred_addr *addr = quic_tparam_const(desc, tp);
	u8 *p;

	if (!quic_tparam_has(desc, tp))
		return;
	p = quic_tparam_begin(w, desc->id,
			      QUIC_TP_PREFERRED_LEN + addr->cid.len);
	if (!p)
		return;
	p = quic_put_v4(p, &addr->v4);
	p = quic_put_v6(p, &addr->v6);
	*p++ = addr->cid.len;
	p = quic_put_bytes(p, addr->cid.data, addr->cid.len);
	quic_put_bytes(p, addr->reset_token, QUIC_RESET_TOKEN_LEN);
}

/* Versions that we do not know can never be agreed on, and the list of a peer
 * may be long: they are left out.
 */
static void quic_version_info_add(struct quic_version_info *info, u32 version)
{
	u32 i;

	if (!quic_version_known(version))
		return;
	for (i = 0; i < info->nr_available; i++)
		if (info->available[i] == version)
			return;
	info->available[info->nr_available++] = version;
}

/* RFC 9368, 4: no version may be 0. */
static int quic_tparam_parse_versions(const struct quic_tparam *desc,
				      struct quic_tparams *tp,
				      const u8 *data, u32 len)
{
	struct quic_version_info *info = quic_tparam_value(desc, tp);
	u32 version, off;

	if (len < sizeof(version) || len % sizeof(version))
		return -EINVAL;
	info->chosen = get_unaligned_be32(data);
	if (!info->chosen)
		return -EINVAL;
	for (off = sizeof(version); off < len; off += sizeof(version)) {
		version = get_unaligned_be32(data + off);
		if (!version)
			return -EINVAL;
		info->chosen_offered |= version == info->chosen;
		info->nr_listed++;
		quic_version_info_add(info, version);
	}
	tp->disable_compatible_version = false;
	return 0;
}

static void quic_tparam_put_versions(const struct quic_tparam *desc,
				     const struct quic_tparams *tp,
				     struct quic_tparams_writer *w)
{
	const struct quic_version_info *info = quic_tparam_const(desc, tp);
	u32 i;
	u8 *p;

	if (tp->disable_compatible_version || !info->chosen)
		return;
	p = quic_tparam_begin(w, desc->id,
			      (1 + info->nr_available) * sizeof(u32));
	if (!p)
		return;
	put_unaligned_be32(info->chosen, p);
	for (i = 0; i < info->nr_available; i++)
		put_unaligned_be32(info->available[i], p += sizeof(u32));
}

#define QUIC_TP_FIELD(_id, _kind, _field)				\
	.id	= (_id),						\
	.parse	= quic_tparam_parse_##_kind,				\
	.put	= quic_tparam_put_##_kind,				\
	.offset	= offsetof(struct quic_tparams, _field)

#define QUIC_TP_HAS(_field)						\
	.has_offset = offsetof(struct quic_tparams, _field)

/* An integer for which every value is good. */
#define QUIC_TP_ANY_INT(_id, _field) {					\
	QUIC_TP_FIELD(_id, int, _field),				\
	.scale	= 1,							\
	.max	= QUIC_VARINT_MAX,					\
	.ceil	= QUIC_VARINT_MAX,					\
}

#define QUIC_TP_STREAM_LIMIT(_id, _field) {				\
	QUIC_TP_FIELD(_id, int, _field),				\
	.scale	= 1,							\
	.max	= BIT_ULL(60),	/* RFC 9000, 4.6 */			\
	.ceil	= QUIC_TPARAMS_STREAMS_MAX,				\
}

static const struct quic_tparam quic_tparam_table[] = {
	{
		QUIC_TP_FIELD(QUIC_TP_ORIGINAL_DCID, cid, original_dcid),
		QUIC_TP_HAS(has_original_dcid),
		.server_only = true,
	}, {
		QUIC_TP_FIELD(QUIC_TP_MAX_IDLE_TIMEOUT, int,
			      max_idle_timeout_us),
		.scale	= QUIC_TP_MS,
		.min	= QUIC_TPARAMS_IDLE_MIN_US / QUIC_TP_MS,
		.max	= QUIC_VARINT_MAX,
		.ceil	= U32_MAX / QUIC_TP_MS,
	}, {
		QUIC_TP_FIELD(QUIC_TP_STATELESS_RESET_TOKEN, token,
			      stateless_reset_token),
		QUIC_TP_HAS(stateless_reset),
		.server_only = true,
	}, {
		QUIC_TP_FIELD(QUIC_TP_MAX_UDP_PAYLOAD_SIZE, int,
			      max_udp_payload_size),
		.scale	= 1,
		.absent	= QUIC_MAX_UDP_PAYLOAD,
		.min	= QUIC_MIN_UDP_PAYLOAD,
		.max	= QUIC_VARINT_MAX,
		.ceil	= QUIC_MAX_UDP_PAYLOAD,
	},
	QUIC_TP_ANY_INT(QUIC_TP_INITIAL_MAX_DATA, initial_max_data),
	QUIC_TP_ANY_INT(QUIC_TP_INITIAL_MAX_DATA_BIDI_LOCAL,
			initial_max_stream_data_bidi_local),
	QUIC_TP_ANY_INT(QUIC_TP_INITIAL_MAX_DATA_BIDI_REMOTE,
			initial_max_stream_data_bidi_remote),
	QUIC_TP_ANY_INT(QUIC_TP_INITIAL_MAX_DATA_UNI,
			initial_max_stream_data_uni),
	QUIC_TP_STREAM_LIMIT(QUIC_TP_INITIAL_MAX_STREAMS_BIDI,
			     initial_max_streams_bidi),
	QUIC_TP_STREAM_LIMIT(QUIC_TP_INITIAL_MAX_STREAMS_UNI,
			     initial_max_streams_uni),
	{
		QUIC_TP_FIELD(QUIC_TP_ACK_DELAY_EXPONENT, int,
			      ack_delay_exponent),
		.scale	= 1,
		.absent	= QUIC_TPARAMS_ACK_EXPONENT,
		.max	= QUIC_TPARAMS_ACK_EXPONENT_MAX,
		.ceil	= QUIC_TPARAMS_ACK_EXPONENT_MAX,
	}, {
		QUIC_TP_FIELD(QUIC_TP_MAX_ACK_DELAY, int, max_ack_delay_us),
		.scale	= QUIC_TP_MS,
		.absent	= QUIC_TPARAMS_ACK_DELAY_US / QUIC_TP_MS,
		.max	= QUIC_TPARAMS_ACK_DELAY_END_US / QUIC_TP_MS - 1,
		.ceil	= QUIC_TPARAMS_ACK_DELAY_END_US / QUIC_TP_MS - 1,
	},
	{
		QUIC_TP_FIELD(QUIC_TP_DISABLE_ACTIVE_MIGRATION, flag,
			      disable_active_migration),
	}, {
		QUIC_TP_FIELD(QUIC_TP_PREFERRED_ADDRESS, preferred,
			      preferred_addr),
		QUIC_TP_HAS(has_preferred_addr),
		.server_only = true,
	}, {
		QUIC_TP_FIELD(QUIC_TP_ACTIVE_CONNECTION_ID_LIMIT, int,
			      active_connection_id_limit),
		.scale	= 1,
		.absent	= QUIC_TPARAMS_CID_LIMIT_MIN,
		.min	= QUIC_TPARAMS_CID_LIMIT_MIN,
		.max	= QUIC_VARINT_MAX,
		.ceil	= QUIC_TPARAMS_CID_LIMIT_MAX,
	}, {
		QUIC_TP_FIELD(QUIC_TP_INITIAL_SCID, cid, initial_scid),
		QUIC_TP_HAS(has_initial_scid),
	}, {
		QUIC_TP_FIELD(QUIC_TP_RETRY_SCID, cid, retry_scid),
		QUIC_TP_HAS(has_retry_scid),
		.server_only = true,
	}, {
		QUIC_TP_FIELD(QUIC_TP_VERSION_INFORMATION, versions,
			      version_info),
	}, {
		QUIC_TP_FIELD(QUIC_TP_MAX_DATAGRAM_FRAME_SIZE, int,
			      max_datagram_frame_size),
		.scale	= 1,
		.max	= QUIC_VARINT_MAX,
		.ceil	= QUIC_TPARAMS_DATAGRAM_MAX,
	}, {
		QUIC_TP_FIELD(QUIC_TP_GREASE_QUIC_BIT, flag, grease_quic_bit),
	}, {
		QUIC_TP_FIELD(QUIC_TP_DISABLE_1RTT_ENCRYPTION, flag,
			      disable_1rtt_encryption),
	},
};

/**
 * quic_tparams_absent - what holds for a peer that has sent no parameter
 * @tp: parameters to set up
 *
 * RFC 9000, 18.2: the value that each one has by not being there.
 */
void quic_tparams_absent(struct quic_tparams *tp)
{
	const struct quic_tparam *desc;
	u32 i;

	memset(tp, 0, sizeof(*tp));
	tp->disable_compatible_version = true;
	for (i = 0; i < ARRAY_SIZE(quic_tparam_table); i++) {
		desc = &quic_tparam_table[i];
		if (desc->absent)
			*(u64 *)quic_tparam_value(desc, tp) =
				(u64)desc->absent * desc->scale;
	}
}

/* RFC 9000, 18.1: one that is to be ignored, so that it can be. */
static void quic_tparams_put_grease(const struct quic_tparams *tp,
				    struct quic_tparams_writer *w)
{
	u8 *p;

	if (!tp->grease_id)
		return;
	p = quic_tparam_begin(w, tp->grease_id, tp->grease_len);
	if (p)
		quic_put_bytes(p, tp->grease, tp->grease_len);
}

/**
 * quic_tparams_encode - write the body of TLS extension 0x39
 * @tp:	       our parameters
 * @is_server: we are the server; a client leaves out what only servers send
 * @buf:       where to write
 * @size:      bytes there; QUIC_TPARAMS_BUF_LEN is always enough
 *
 * Parameters that have the value of their absence are not written.
 *
 * Return: bytes written, or -EMSGSIZE if there is no room.
 */
int quic_tparams_encode(const struct quic_tparams *tp, bool is_server,
			u8 *buf, u32 size)
{
	struct quic_tparams_writer w = { .pos = buf, .end = buf + size };
	const struct quic_tparam *desc;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(quic_tparam_table); i++) {
		desc = &quic_tparam_table[i];
		if (is_server || !desc->server_only)
			desc->put(desc, tp, &w);
	}
	quic_tparams_put_grease(tp, &w);
	return w.overflow ? -EMSGSIZE : w.pos - buf;
}

static int quic_tparams_parse_one(struct quic_tparams *tp,
				  bool sender_is_server, u64 id,
				  const u8 *data, u32 len, u32 *seen)
{
	const struct quic_tparam *desc;
	u32 i;

	BUILD_BUG_ON(ARRAY_SIZE(quic_tparam_table) > BITS_PER_TYPE(*seen));
	for (i = 0; i < ARRAY_SIZE(quic_tparam_table); i++) {
		desc = &quic_tparam_table[i];
		if (desc->id != id)
			continue;
		if (*seen & BIT(i))
			return -EINVAL;
		*seen |= BIT(i);
		if (desc->server_only && !sender_is_server)
			return -EINVAL;
		return desc->parse(desc, tp, data, len);
	}
	return 0;	/* RFC 9000, 7.4.2: unknown ones are ignored */
}

/* What can be said about all of them together without the connection. */
static int quic_tparams_check(const struct quic_tparams *tp,
			      bool sender_is_server)
{
	/* RFC 9000, 7.3 */
	if (!tp->has_initial_scid)
		return -EINVAL;
	if (sender_is_server && !tp->has_original_dcid)
		return -EINVAL;
	/* RFC 9000, 18.2: only one who can tell paths apart may offer two */
	if (tp->has_preferred_addr && !tp->initial_scid.len)
		return -EINVAL;
	/* RFC 9368, 4 */
	if (!sender_is_server && tp->version_info.chosen &&
	    !tp->version_info.chosen_offered)
		return -EINVAL;
	return 0;
}

/**
 * quic_tparams_decode - read a peer's body of TLS extension 0x39
 * @tp:		      receives the parameters; not to be used after an error
 * @sender_is_server: the peer is the server
 * @buf:	      what TLS has received
 * @len:	      its length
 *
 * Checked is what can be checked without the connection. Left for the caller:
 * that the connection IDs are the right ones (RFC 9000, 7.3), and the versions
 * (RFC 9368, 4).
 *
 * Return: 0, or QUIC_TRANSPORT_ERROR_TRANSPORT_PARAM.
 */
int quic_tparams_decode(struct quic_tparams *tp, bool sender_is_server,
			const u8 *buf, u32 len)
{
	const u8 *end = buf + len;
	u64 id, val_len;
	u32 seen = 0;

	quic_tparams_absent(tp);
	while (buf < end) {
		if (quic_varint_get(&buf, end, &id) ||
		    quic_varint_get(&buf, end, &val_len) ||
		    val_len > end - buf)
			return QUIC_TRANSPORT_ERROR_TRANSPORT_PARAM;
		if (quic_tparams_parse_one(tp, sender_is_server, id, buf,
					   val_len, &seen))
			return QUIC_TRANSPORT_ERROR_TRANSPORT_PARAM;
		buf += val_len;
	}
	if (quic_tparams_check(tp, sender_is_server))
		return QUIC_TRANSPORT_ERROR_TRANSPORT_PARAM;
	return 0;
}
