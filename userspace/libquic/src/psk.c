// SPDX-License-Identifier: GPL-2.0-or-later
/* Files with pre-shared keys: lines of NAME:KEY with the key in hexadecimal,
 * as psktool(1) writes them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libquic.h"

void quic_psk_free(struct quic_psk_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		explicit_bzero(list->psk[i].key.data, list->psk[i].key.size);
		gnutls_free(list->psk[i].key.data);
		free(list->psk[i].name.data);
	}
	free(list->psk);
	*list = (struct quic_psk_list){ 0 };
}

const struct quic_psk *quic_psk_find(const struct quic_psk_list *list,
				     const gnutls_datum_t *name)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (list->psk[i].name.size == name->size &&
		    !memcmp(list->psk[i].name.data, name->data, name->size))
			return &list->psk[i];
	return NULL;
}

static int add_line(struct quic_psk_list *list, char *line)
{
	char *colon = strrchr(line, ':');
	struct quic_psk *more, psk;
	gnutls_datum_t hex;

	if (!colon || colon == line)
		return -EINVAL;
	hex.data = (unsigned char *)colon + 1;
	hex.size = (unsigned int)strlen(colon + 1);
	if (!hex.size || gnutls_hex_decode2(&hex, &psk.key) < 0)
		return -EINVAL;
	psk.name.size = (unsigned int)(colon - line);
	psk.name.data = (unsigned char *)strndup(line, psk.name.size);
	more = reallocarray(list->psk, list->count + 1, sizeof(*more));
	if (more)
		list->psk = more;
	if (!more || !psk.name.data) {
		free(psk.name.data);
		explicit_bzero(psk.key.data, psk.key.size);
		gnutls_free(psk.key.data);
		return -ENOMEM;
	}
	list->psk[list->count++] = psk;
	return 0;
}

int quic_psk_load(const char *path, struct quic_psk_list *list)
{
	FILE *file = fopen(path, "re");
	size_t size = 0;
	char *line = NULL;
	int ret = 0;

	*list = (struct quic_psk_list){ 0 };
	if (!file)
		return -errno;
	while (!ret && getline(&line, &size, file) >= 0) {
		line[strcspn(line, "\r\n")] = '\0';
		if (*line)
			ret = add_line(list, line);
	}
	if (!ret && ferror(file))
		ret = -EIO;
	if (!ret && !list->count)
		ret = -EINVAL;
	if (line)
		explicit_bzero(line, size);
	free(line);
	fclose(file);
	if (ret)
		quic_psk_free(list);
	return ret;
}
