// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages to send and secrets to install, in the order in which TLS has
 * them: 0-RTT packets must not leave before the ClientHello does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libquic.h"

static int append(struct quic_queue *queue, struct quic_action *action)
{
	if (queue->tail)
		queue->tail->next = action;
	else
		queue->head = action;
	queue->tail = action;
	return 0;
}

int quic_queue_message(struct quic_queue *queue, uint8_t level,
		       const void *data, size_t len)
{
	struct quic_action *action;

	if (!len)
		return 0;
	action = calloc(1, sizeof(*action) + len);
	if (!action)
		return -ENOMEM;
	action->level = level;
	action->len = len;
	memcpy(action->data, data, len);
	return append(queue, action);
}

int quic_queue_secret(struct quic_queue *queue,
		      const struct quic_crypto_secret *secret)
{
	struct quic_action *action = calloc(1, sizeof(*action));

	if (!action)
		return -ENOMEM;
	action->is_secret = true;
	action->secret = *secret;
	return append(queue, action);
}

/* Whether the head is followed by a message, which may share its packet. */
bool quic_queue_has_more(const struct quic_queue *queue)
{
	const struct quic_action *action;

	for (action = queue->head->next; action; action = action->next)
		if (!action->is_secret)
			return true;
	return false;
}

void quic_queue_pop(struct quic_queue *queue)
{
	struct quic_action *head = queue->head;

	queue->head = head->next;
	if (!queue->head)
		queue->tail = NULL;
	explicit_bzero(&head->secret, sizeof(head->secret));
	free(head);
}

void quic_queue_purge(struct quic_queue *queue)
{
	while (queue->head)
		quic_queue_pop(queue);
}
