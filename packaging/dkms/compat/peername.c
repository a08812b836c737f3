// SPDX-License-Identifier: GPL-2.0-only
/* Kernels without "net/handshake: Copy the peer name into the request" read
 * the name of the peer when an agent accepts the request, which may be after
 * the request was cancelled. So they are given a copy of the name that stays:
 * one of each name, until the machine is rebooted. There are as many as
 * servers that were mounted.
 *
 * kquic_peernames_lock guards the list; entries never change or go.
 */

#include <linux/err.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "peername.h"

#undef tls_client_hello_anon
#undef tls_client_hello_x509

/* A DNS name has at most 253 characters, a printed address fewer */
#define KQUIC_PEERNAME_SIZE	256

struct kquic_peername {
	struct list_head	list;
	char			name[];
};

static LIST_HEAD(kquic_peernames);
static DEFINE_MUTEX(kquic_peernames_lock);

static const char *kquic_peername_find(const char *name)
{
	struct kquic_peername *entry;

	list_for_each_entry(entry, &kquic_peernames, list)
		if (!strcmp(entry->name, name))
			return entry->name;
	return NULL;
}

static const char *kquic_peername_add(const char *name, gfp_t flags)
{
	size_t size = strnlen(name, KQUIC_PEERNAME_SIZE) + 1;
	struct kquic_peername *entry;

	if (size > KQUIC_PEERNAME_SIZE)
		return ERR_PTR(-ENAMETOOLONG);
	entry = kzalloc(struct_size(entry, name, size), flags);
	if (!entry)
		return ERR_PTR(-ENOMEM);
	memcpy(entry->name, name, size - 1);
	list_add(&entry->list, &kquic_peernames);
	return entry->name;
}

static int kquic_peername_keep(struct tls_handshake_args *args, gfp_t flags)
{
	const char *name = args->ta_peername, *kept;

	if (!name)
		return 0;
	mutex_lock(&kquic_peernames_lock);
	kept = kquic_peername_find(name) ?: kquic_peername_add(name, flags);
	mutex_unlock(&kquic_peernames_lock);
	if (IS_ERR(kept))
		return PTR_ERR(kept);
	args->ta_peername = kept;
	return 0;
}

int kquic_client_hello_anon(const struct tls_handshake_args *args, gfp_t flags)
{
	struct tls_handshake_args copy = *args;
	int err;

	err = kquic_peername_keep(&copy, flags);
	return err ?: tls_client_hello_anon(&copy, flags);
}

int kquic_client_hello_x509(const struct tls_handshake_args *args, gfp_t flags)
{
	struct tls_handshake_args copy = *args;
	int err;

	err = kquic_peername_keep(&copy, flags);
	return err ?: tls_client_hello_x509(&copy, flags);
}
