/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of libquic know of each other. */
#ifndef LIBQUIC_H
#define LIBQUIC_H

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

#include <netinet/quic.h>

/* One pre-shared key of a file; the name is not terminated by a NUL. */
struct quic_psk {
	gnutls_datum_t name;
	gnutls_datum_t key;
};

struct quic_psk_list {
	struct quic_psk *psk;
	size_t count;
};

/* Two for each level that takes any. */
#define QUIC_SECRETS_MAX	6

/* queue.c: what TLS wants done */
struct quic_message {
	struct quic_message *next;
	uint8_t level;
	size_t len, done;
	unsigned char data[];
};

struct quic_queue {
	struct quic_message *head, *tail;
	struct quic_crypto_secret secrets[QUIC_SECRETS_MAX];
	unsigned int secret_count;
};

int quic_queue_message(struct quic_queue *queue, uint8_t level,
		       const void *data, size_t len);
int quic_queue_secret(struct quic_queue *queue,
		      const struct quic_crypto_secret *secret);
void quic_queue_forget_secrets(struct quic_queue *queue);
bool quic_queue_needs_secrets(const struct quic_queue *queue);
void quic_queue_pop(struct quic_queue *queue);
void quic_queue_purge(struct quic_queue *queue);

/* framing.c: where the messages of one encryption level end */
struct quic_framing {
	uint8_t header[4];
	unsigned int header_len;
	uint32_t missing;
	int last_type;			/* of a message that is whole, or -1 */
};

void quic_framing_init(struct quic_framing *framing);
void quic_framing_feed(struct quic_framing *framing, const uint8_t *data,
		       size_t len);

/* A handshake that is going on. */
struct quic_engine {
	int sd;
	bool is_server;
	bool done;			/* as far as TLS goes */
	bool parameters_seen;
	bool ticket_made;
	int error;			/* of a callback, 0 or negative */
	unsigned int errcode;		/* QUIC's, for the peer; 0: by @error */
	uint8_t read_level;
	struct quic_framing framing;
	size_t hello_len;		/* of the ClientHello so far */
	struct quic_queue queue;

	struct quic_handshake_step step;
	struct msghdr msg;
	struct iovec iov;
	union {
		struct cmsghdr align;
		unsigned char room[CMSG_SPACE(sizeof(struct quic_handshake_info))];
	} control;
	unsigned char buffer[65536];
};

/* What belongs to a session as long as it lives: the private data of its
 * quic_transport_parameters extension. @host and @psks are the caller's.
 */
struct quic_tls {
	struct quic_engine *engine;	/* while the handshake runs */
	bool wants_alpn;
	bool ticket_taken;
	bool psk_asked;
	bool psk_unknown;
	int alert;			/* why the peer was refused, 0: it was not */
	const char *host;		/* whom the certificate has to name */
	const struct quic_psk_list *psks;
};

/* session.c */
int quic_tls_get(gnutls_session_t session, struct quic_tls **tls);
struct quic_tls *quic_tls_find(gnutls_session_t session);
int quic_tls_errno(int code);

/* callbacks.c */
void quic_callbacks_set(gnutls_session_t session);
int quic_parameters_in(gnutls_session_t session, const unsigned char *data,
		       size_t len);
int quic_parameters_out(gnutls_session_t session, gnutls_buffer_t buffer);

/* psk.c */
int quic_psk_load(const char *file, struct quic_psk_list *list);
void quic_psk_free(struct quic_psk_list *list);
const struct quic_psk *quic_psk_find(const struct quic_psk_list *list,
				     const gnutls_datum_t *name);

/* verify.c */
int quic_verify(gnutls_session_t session);

/* log.c */
void quic_log(int level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* LIBQUIC_H */
