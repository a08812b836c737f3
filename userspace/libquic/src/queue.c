// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages to send, in the order in which TLS has them, and secrets to install. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libquic.h"

int quic_queue_message(struct quic_queue *queue, uint8_t level,
		       const void *data, size_t len)
{
	struct quic_message *message;

	if (!len)
		return 0;
	message = calloc(1, sizeof(*message) + len);
	if (!message)
		return -ENOMEM;
	message->level = level;
	message->len = len;
	memcpy(message->data, data, len);
	if (queue->tail)
		queue->tail->next = message;
	else
		queue->head = message;
	queue->tail = message;
	return 0;
}

int quic_queue_secret(struct quic_queue *queue,
		      const struct quic_crypto_secret *secret)
{
	if (queue->secret_count == QUIC_SECRETS_MAX)
		return -ENOSPC;
	queue->secrets[queue->secret_count++] = *secret;
	return 0;
}

void quic_queue_forget_secrets(struct quic_queue *queue)
{
	explicit_bzero(queue->secrets, sizeof(queue->secrets));
	queue->secret_count = 0;
}

/* Whether the first message needs one of the secrets. */
bool quic_queue_needs_secrets(const struct quic_queue *queue)
{
	unsigned int i;

	for (i = 0; i < queue->secret_count; i++)
		if (queue->secrets[i].send &&
		    queue->secrets[i].level == queue->head->level)
			return true;
	return false;
}

void quic_queue_pop(struct quic_queue *queue)
{
	struct quic_message *head = queue->head;

	queue->head = head->next;
	if (!queue->head)
		queue->tail = NULL;
	free(head);
}

void quic_queue_purge(struct quic_queue *queue)
{
	while (queue->head)
		quic_queue_pop(queue);
	quic_queue_forget_secrets(queue);
}
