// SPDX-License-Identifier: GPL-2.0-only

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/slab.h>
#include <uapi/linux/tls.h>

#include "settings.h"

#define QUIC_CONFIG_RTT_MIN_US		1000
#define QUIC_CONFIG_RTT_MAX_US		6000000
#define QUIC_CONFIG_RTT_US		333000	/* RFC 9002, 6.2.2 */
#define QUIC_CONFIG_PROBE_MIN_US	5000000
#define QUIC_CONFIG_PROBE_MAX_US	(U32_MAX / 30)
#define QUIC_CONFIG_KEEPALIVE_MIN_US	1500000

/**
 * quic_settings_init - set the defaults of a new socket
 * @s: settings
 */
void quic_settings_init(struct quic_settings *s)
{
	memset(s, 0, sizeof(*s));
	s->config.initial_smoothed_rtt = QUIC_CONFIG_RTT_US;
	quic_token_secret_init(&s->secret);
}

/**
 * quic_settings_inherit - give an accepted socket what its listener has
 * @s: settings of the accepted socket, initialised
 * @listener: settings of the listener
 *
 * Everything but the session ticket and the close reason.
 */
void quic_settings_inherit(struct quic_settings *s,
			   const struct quic_settings *listener)
{
	s->config = listener->config;
	s->alpn = listener->alpn;
	s->secret = listener->secret;
	s->events = listener->events;
	s->kernel |= listener->kernel;
	s->windows_named = listener->windows_named;
}

/**
 * quic_settings_destroy - release and wipe
 * @s: settings
 */
void quic_settings_destroy(struct quic_settings *s)
{
	quic_blob_clear(&s->token);
	quic_blob_clear(&s->ticket);
	memzero_explicit(&s->secret, sizeof(s->secret));
}

static bool quic_config_valid(const struct quic_config *c)
{
	if (c->plpmtud_probe_interval &&
	    (c->plpmtud_probe_interval < QUIC_CONFIG_PROBE_MIN_US ||
	     c->plpmtud_probe_interval > QUIC_CONFIG_PROBE_MAX_US))
		return false;
	if (c->initial_smoothed_rtt &&
	    (c->initial_smoothed_rtt < QUIC_CONFIG_RTT_MIN_US ||
	     c->initial_smoothed_rtt > QUIC_CONFIG_RTT_MAX_US))
		return false;
	if (c->payload_cipher_type &&
	    (c->payload_cipher_type < TLS_CIPHER_AES_GCM_128 ||
	     c->payload_cipher_type > TLS_CIPHER_CHACHA20_POLY1305))
		return false;
	if (c->keepalive_probe_interval &&
	    c->keepalive_probe_interval < QUIC_CONFIG_KEEPALIVE_MIN_US)
		return false;
	return c->congestion_control_algo < QUIC_CONG_ALG_MAX;
}

/**
 * quic_settings_set_config - store a configuration
 * @s: settings
 * @config: what to store; a field of zero leaves the old value
 *
 * Return: 0, or -EINVAL when a field is out of range; nothing changes then.
 */
int quic_settings_set_config(struct quic_settings *s,
			     const struct quic_config *config)
{
	struct quic_config *c = &s->config;

	if (!quic_config_valid(config))
		return -EINVAL;

	c->version = config->version ?: c->version;
	c->plpmtud_probe_interval = config->plpmtud_probe_interval ?:
				    c->plpmtud_probe_interval;
	c->initial_smoothed_rtt = config->initial_smoothed_rtt ?:
				  c->initial_smoothed_rtt;
	c->payload_cipher_type = config->payload_cipher_type ?:
				 c->payload_cipher_type;
	c->congestion_control_algo = config->congestion_control_algo ?:
				     c->congestion_control_algo;
	c->validate_peer_address |= !!config->validate_peer_address;
	c->stream_data_nodelay |= !!config->stream_data_nodelay;
	c->receive_session_ticket = config->receive_session_ticket ?:
				    c->receive_session_ticket;
	c->certificate_request = config->certificate_request ?:
				 c->certificate_request;
	c->keepalive_probe_interval = config->keepalive_probe_interval ?:
				      c->keepalive_probe_interval;
	return 0;
}

/**
 * quic_settings_set_event - switch the reports of an event on or off
 * @s: settings
 * @opt: which, and how
 *
 * Return: 0, or -EINVAL for an unknown event.
 */
int quic_settings_set_event(struct quic_settings *s,
			    const struct quic_event_option *opt)
{
	if (opt->type == QUIC_EVENT_NONE || opt->type >= QUIC_EVENT_MAX)
		return -EINVAL;
	if (opt->on)
		s->events |= BIT(opt->type);
	else
		s->events &= ~BIT(opt->type);
	return 0;
}

/**
 * quic_blob_set - store a byte string in place of the old one
 * @blob: where
 * @data: the bytes
 * @len: how many; 0 clears
 * @gfp: how to allocate
 *
 * Return: 0 or -ENOMEM, after which the old string is still there.
 */
int quic_blob_set(struct quic_blob *blob, const u8 *data, u32 len, gfp_t gfp)
{
	u8 *copy = NULL;

	if (len) {
		copy = kmemdup(data, len, gfp);
		if (!copy)
			return -ENOMEM;
	}
	quic_blob_clear(blob);
	blob->data = copy;
	blob->len = len;
	return 0;
}

/**
 * quic_blob_clear - wipe and free a byte string
 * @blob: the string, empty afterwards
 */
void quic_blob_clear(struct quic_blob *blob)
{
	kfree_sensitive(blob->data);
	blob->data = NULL;
	blob->len = 0;
}

/**
 * quic_alpn_parse - read a comma-separated list
 * @alpn: set to the list, untouched on error
 * @str: the string, not terminated
 * @len: its length
 *
 * Spaces before a name do not belong to it. Everything else does, also a NUL.
 *
 * Return: 0, or -EINVAL when the string is empty, too long or has an empty name
 *	   (RFC 7301, 3.1).
 */
int quic_alpn_parse(struct quic_alpn *alpn, const u8 *str, u32 len)
{
	struct quic_alpn list = {};
	u8 *name_len;
	u32 i = 0;

	if (!len || len > QUIC_ALPN_MAX)
		return -EINVAL;

	while (i <= len) {
		name_len = &list.data[list.len++];
		while (i < len && str[i] == ' ')
			i++;
		for (; i < len && str[i] != ','; i++) {
			list.data[list.len++] = str[i];
			(*name_len)++;
		}
		if (!*name_len)
			return -EINVAL;
		i++;	/* the comma */
	}
	*alpn = list;
	return 0;
}

/**
 * quic_alpn_format - write a list comma-separated
 * @alpn: the list
 * @str: where to; not terminated
 *
 * Return: length of the string, 0 for no list.
 */
u32 quic_alpn_format(const struct quic_alpn *alpn, u8 str[QUIC_ALPN_MAX])
{
	struct quic_alpn_name name;
	struct quic_alpn_iter it;
	u32 len = 0;

	quic_alpn_iter_init(&it, alpn->data, alpn->len);
	while (quic_alpn_iter_next(&it, &name)) {
		if (len)
			str[len++] = ',';
		memcpy(str + len, name.data, name.len);
		len += name.len;
	}
	return len;
}

/**
 * quic_alpn_equal - compare two lists
 * @a: one
 * @b: the other
 *
 * Return: whether they have the same names in the same order, or none at all.
 */
bool quic_alpn_equal(const struct quic_alpn *a, const struct quic_alpn *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

/**
 * quic_alpn_contains - look for a name
 * @alpn: the list
 * @name: the name
 * @len: its length
 *
 * Return: whether the list has it.
 */
bool quic_alpn_contains(const struct quic_alpn *alpn, const u8 *name, u8 len)
{
	struct quic_alpn_name own;
	struct quic_alpn_iter it;

	quic_alpn_iter_init(&it, alpn->data, alpn->len);
	while (quic_alpn_iter_next(&it, &own))
		if (own.len == len && !memcmp(own.data, name, len))
			return true;
	return false;
}

/**
 * quic_alpn_overlap - look for a common name
 * @a: one list
 * @b: the other
 *
 * Return: whether both have a name.
 */
bool quic_alpn_overlap(const struct quic_alpn *a, const struct quic_alpn *b)
{
	struct quic_alpn_name name;
	struct quic_alpn_iter it;

	quic_alpn_iter_init(&it, a->data, a->len);
	while (quic_alpn_iter_next(&it, &name))
		if (quic_alpn_contains(b, name.data, name.len))
			return true;
	return false;
}

/**
 * quic_alpn_iter_init - begin to walk a list
 * @it: the iterator
 * @list: names, each behind its length; need not be well-formed
 * @len: length of the list in bytes
 */
void quic_alpn_iter_init(struct quic_alpn_iter *it, const u8 *list, u32 len)
{
	it->pos = list;
	it->end = list + len;
}

/**
 * quic_alpn_iter_next - take the next name
 * @it: the iterator
 * @name: set to the name
 *
 * Return: false at the end, or where a name would exceed the list.
 */
bool quic_alpn_iter_next(struct quic_alpn_iter *it,
			 struct quic_alpn_name *name)
{
	u32 left = it->end - it->pos;

	if (!left || *it->pos > left - 1)
		return false;
	name->len = *it->pos++;
	name->data = it->pos;
	it->pos += name->len;
	return true;
}
