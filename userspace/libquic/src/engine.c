// SPDX-License-Identifier: GPL-2.0-or-later
/* The handshake (RFC 9001, 4): TLS on one side, the socket on the other. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "libquic.h"

#define TOKEN_SIZE	128
#define READ_WAIT	1000	/* milliseconds */
#define WRITE_WAIT	100	/* POLLOUT may not tell of room for TLS */

/* In a ClientHello: header 4, version 2, random 32 */
#define SESSION_ID_OFFSET	38

#define NO_EARLY_DATA_LIMIT	0xffffffff	/* RFC 9001, 4.6.1 */

/* Tells the peer why, unless the connection is over already. */
static void tell_peer(struct quic_engine *engine, unsigned int errcode,
		      const char *why)
{
	struct quic_connection_close close = { .errcode = errcode };
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);

	if (getpeername(engine->sd, (struct sockaddr *)&peer, &len))
		return;
	strncpy((char *)close.phrase, why, sizeof(close.phrase) - 1);
	setsockopt(engine->sd, SOL_QUIC, QUIC_SOCKOPT_CONNECTION_CLOSE, &close,
		   sizeof(close));
	shutdown(engine->sd, SHUT_RDWR);
}

/* The alert for an error of TLS, where we know better than GnuTLS. */
static unsigned int alert_for(gnutls_session_t session,
			      const struct quic_engine *engine, int code)
{
	const struct quic_tls *tls = quic_tls_find(session);
	int level, alert;

	if (tls->alert)
		return (unsigned int)tls->alert;
	if (engine->is_server && (code == GNUTLS_E_NO_CERTIFICATE_FOUND ||
				  code == GNUTLS_E_CERTIFICATE_REQUIRED))
		return GNUTLS_A_CERTIFICATE_REQUIRED;
	if (tls->psk_unknown)
		return GNUTLS_A_UNKNOWN_PSK_IDENTITY;
	if (tls->psk_asked && code == GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER)
		return GNUTLS_A_DECRYPT_ERROR;
	alert = gnutls_error_to_alert(code, &level);
	return alert < 0 ? GNUTLS_A_INTERNAL_ERROR : (unsigned int)alert;
}

/* The handshake failed here. */
static int tls_failed(gnutls_session_t session, struct quic_engine *engine,
		      int code)
{
	unsigned int alert;

	if (engine->error) {
		tell_peer(engine, engine->errcode, "");
		return engine->error;
	}
	alert = alert_for(session, engine, code);
	quic_log(LOG_ERR, "handshake failed: %s (alert %u)",
		 gnutls_strerror(code), alert);
	tell_peer(engine, QUIC_TRANSPORT_ERROR_CRYPTO + alert,
		  gnutls_strerror(code));
	switch (alert) {
	case GNUTLS_A_UNKNOWN_PSK_IDENTITY:
	case GNUTLS_A_DECRYPT_ERROR:
	case GNUTLS_A_CERTIFICATE_REQUIRED:
		return -EKEYREJECTED;
	default:
		return quic_tls_errno(code);
	}
}

/* A call on the socket failed. */
static int socket_failed(struct quic_engine *engine, const char *what,
			 int error)
{
	struct quic_connection_close close = { 0 };
	socklen_t len = sizeof(close), cause_len = sizeof(int);
	int cause = 0;

	/* Of a dead connection, what the network had said. */
	if (!getsockopt(engine->sd, SOL_SOCKET, SO_ERROR, &cause, &cause_len) &&
	    cause)
		error = -cause;
	quic_log(LOG_ERR, "%s: %s", what, strerror(-error));
	if ((error == -ENOTCONN || error == -EPIPE) &&
	    !getsockopt(engine->sd, SOL_QUIC, QUIC_SOCKOPT_CONNECTION_CLOSE,
			&close, &len) && close.errcode)
		quic_log(LOG_ERR, "the connection was closed: error %#x %.*s",
			 close.errcode, (int)sizeof(close.phrase),
			 (const char *)close.phrase);
	return error;
}

/* Lets TLS go on with what it has. */
static int advance(gnutls_session_t session, struct quic_engine *engine)
{
	int ret;

	do {
		ret = gnutls_handshake(session);
	} while (ret < 0 && ret != GNUTLS_E_AGAIN && !engine->error &&
		 !gnutls_error_is_fatal(ret));
	if (engine->error)
		return tls_failed(session, engine, ret);
	if (ret == GNUTLS_E_AGAIN)
		return 0;
	if (ret < 0)
		return tls_failed(session, engine, ret);
	engine->done = true;
	/* Without a ticket key, or with tickets sent already, this does nothing. */
	if (engine->is_server && !engine->ticket_made)
		gnutls_session_ticket_send(session, 1, 0);
	return 0;
}

/* A ClientHello must not ask for compatibility mode: RFC 9001, 8.4. */
static bool has_session_id(struct quic_engine *engine, const uint8_t *data,
			   size_t len)
{
	size_t before = engine->hello_len;

	engine->hello_len += len;
	return before <= SESSION_ID_OFFSET &&
	       engine->hello_len > SESSION_ID_OFFSET &&
	       data[SESSION_ID_OFFSET - before];
}

static int violation(struct quic_engine *engine, const char *why)
{
	quic_log(LOG_ERR, "handshake failed: %s", why);
	tell_peer(engine, QUIC_TRANSPORT_ERROR_PROTOCOL_VIOLATION, why);
	return -EPROTO;
}

/* TLS bytes that have arrived. */
static int receive(gnutls_session_t session, struct quic_engine *engine,
		   uint8_t level, const uint8_t *data, size_t len)
{
	int ret;

	if (level != engine->read_level)
		return violation(engine, "TLS bytes at the wrong level");
	if (engine->is_server && level == QUIC_CRYPTO_INITIAL &&
	    has_session_id(engine, data, len))
		return violation(engine, "ClientHello with legacy_session_id");
	quic_framing_feed(&engine->framing, data, len);
	ret = gnutls_handshake_write(session, level == QUIC_CRYPTO_INITIAL ?
				     GNUTLS_ENCRYPTION_LEVEL_INITIAL :
				     GNUTLS_ENCRYPTION_LEVEL_HANDSHAKE,
				     data, len);
	if (engine->error ||
	    (ret < 0 && ret != GNUTLS_E_AGAIN && gnutls_error_is_fatal(ret)))
		return tls_failed(session, engine, ret);
	return advance(session, engine);
}

/* What recvmsg() has brought. */
static int received(gnutls_session_t session, struct quic_engine *engine,
		    ssize_t len)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&engine->msg);
	struct quic_handshake_info info;

	if (engine->msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return socket_failed(engine, "recvmsg", -EMSGSIZE);
	/* An event that the program has asked for too early. */
	if (engine->msg.msg_flags & MSG_QUIC_NOTIFICATION)
		return 0;
	if (!cmsg || cmsg->cmsg_level != SOL_QUIC ||
	    cmsg->cmsg_type != QUIC_HANDSHAKE_INFO ||
	    cmsg->cmsg_len != CMSG_LEN(sizeof(info)))
		return socket_failed(engine, "recvmsg", -EBADMSG);
	memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
	return receive(session, engine, info.crypto_level, engine->buffer,
		       (size_t)len);
}

/* Takes the result of the system call that the last step was about. */
static int finish_step(gnutls_session_t session, struct quic_engine *engine)
{
	bool sending = engine->step.op == QUIC_HANDSHAKE_STEP_OP_SENDMSG;
	struct quic_message *head = engine->queue.head;
	ssize_t ret;

	ret = sending ? engine->step.s_sendmsg.retval :
			engine->step.s_recvmsg.retval;
	if (ret == -EAGAIN || ret == -EINTR)
		return 0;
	if (ret <= 0)
		return socket_failed(engine, sending ? "sendmsg" : "recvmsg",
				     ret ? (int)ret : -ECONNRESET);
	if (!sending)
		return (size_t)ret > sizeof(engine->buffer) ? -EINVAL :
		       received(session, engine, ret);
	if ((size_t)ret > head->len - head->done)
		return -EINVAL;
	head->done += (size_t)ret;
	if (head->done == head->len)
		quic_queue_pop(&engine->queue);
	return 0;
}

/* Secrets come before messages, in one call. Only those that complete the
 * handshake are behind messages that can do without them, which then leave
 * together with what the kernel has to say in that moment.
 */
static int install_secrets(struct quic_engine *engine)
{
	struct quic_queue *queue = &engine->queue;
	int ret = 0;

	if (!queue->secret_count ||
	    (engine->done && queue->head && !quic_queue_needs_secrets(queue)))
		return 0;
	if (setsockopt(engine->sd, SOL_QUIC, QUIC_SOCKOPT_CRYPTO_SECRET,
		       queue->secrets,
		       queue->secret_count * sizeof(queue->secrets[0])))
		ret = socket_failed(engine, "secrets", -errno);
	quic_queue_forget_secrets(queue);
	return ret;
}

static void send_step(struct quic_engine *engine)
{
	struct quic_message *head = engine->queue.head;
	struct quic_handshake_info info = { .crypto_level = head->level };
	struct cmsghdr *cmsg;

	engine->iov.iov_base = head->data + head->done;
	engine->iov.iov_len = head->len - head->done;
	engine->msg.msg_controllen = sizeof(engine->control.room);
	cmsg = CMSG_FIRSTHDR(&engine->msg);
	cmsg->cmsg_level = SOL_QUIC;
	cmsg->cmsg_type = QUIC_HANDSHAKE_INFO;
	cmsg->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
	engine->step.op = QUIC_HANDSHAKE_STEP_OP_SENDMSG;
	engine->step.s_sendmsg.msg = &engine->msg;
	engine->step.s_sendmsg.flags = MSG_NOSIGNAL;
	/* What belongs together shares packets. */
	if (head->next || engine->queue.secret_count)
		engine->step.s_sendmsg.flags |= MSG_MORE;
	engine->step.s_sendmsg.retval = -EAGAIN;
}

static void receive_step(struct quic_engine *engine)
{
	engine->iov.iov_base = engine->buffer;
	engine->iov.iov_len = sizeof(engine->buffer);
	engine->msg.msg_controllen = sizeof(engine->control.room);
	engine->step.op = QUIC_HANDSHAKE_STEP_OP_RECVMSG;
	engine->step.s_recvmsg.msg = &engine->msg;
	engine->step.s_recvmsg.flags = 0;
	engine->step.s_recvmsg.retval = -EAGAIN;
}

/* What has to be done next; a NULL step if nothing has. */
static int next_step(struct quic_engine *engine,
		     struct quic_handshake_step **step)
{
	int ret = install_secrets(engine);

	*step = NULL;
	if (ret || (engine->done && !engine->queue.head))
		return ret;
	memset(&engine->control, 0, sizeof(engine->control));
	memset(&engine->msg, 0, sizeof(engine->msg));
	engine->msg.msg_iov = &engine->iov;
	engine->msg.msg_iovlen = 1;
	engine->msg.msg_control = &engine->control;
	if (engine->queue.head)
		send_step(engine);
	else
		receive_step(engine);
	*step = &engine->step;
	return 0;
}

static struct quic_engine *engine_new(int sd)
{
	struct quic_engine *engine = calloc(1, sizeof(*engine));
	unsigned char token[TOKEN_SIZE];
	socklen_t len = sizeof(token);

	if (!engine)
		return NULL;
	engine->sd = sd;
	/* The socket knows which side it is: only a client has a token. */
	engine->is_server = getsockopt(sd, SOL_QUIC, QUIC_SOCKOPT_TOKEN, token,
				       &len) < 0;
	engine->read_level = QUIC_CRYPTO_INITIAL;
	quic_framing_init(&engine->framing);
	return engine;
}

int quic_handshake_init(gnutls_session_t session,
			struct quic_handshake_step **step)
{
	struct quic_tls *tls;
	int ret;

	*step = NULL;
	ret = quic_tls_get(session, &tls);
	if (ret)
		return ret;
	if (tls->engine)
		return -EALREADY;
	tls->engine = engine_new(gnutls_transport_get_int(session));
	if (!tls->engine)
		return -ENOMEM;
	quic_callbacks_set(session);
	if (tls->engine->is_server)
		gnutls_record_set_max_early_data_size(session,
						      NO_EARLY_DATA_LIMIT);
	else
		ret = advance(session, tls->engine);
	if (!ret)
		ret = next_step(tls->engine, step);
	if (ret)
		quic_handshake_deinit(session);
	return ret;
}

int quic_handshake_step(gnutls_session_t session,
			struct quic_handshake_step **step)
{
	struct quic_tls *tls = quic_tls_find(session);
	int ret;

	*step = NULL;
	if (!tls || !tls->engine)
		return -EINVAL;
	ret = finish_step(session, tls->engine);
	if (ret)
		return ret;
	return next_step(tls->engine, step);
}

void quic_handshake_deinit(gnutls_session_t session)
{
	struct quic_tls *tls = quic_tls_find(session);

	if (!tls || !tls->engine)
		return;
	quic_queue_purge(&tls->engine->queue);
	free(tls->engine);
	tls->engine = NULL;
}

static void wait_for(int sd, short events, int milliseconds)
{
	struct pollfd fd = { .fd = sd, .events = events };

	poll(&fd, 1, milliseconds);
}

/* Does the system call of a step, waiting as long as it takes. */
static void do_step(int sd, struct quic_handshake_step *step)
{
	ssize_t ret;

	for (;;) {
		if (step->op == QUIC_HANDSHAKE_STEP_OP_SENDMSG)
			ret = sendmsg(sd, step->s_sendmsg.msg,
				      step->s_sendmsg.flags | MSG_DONTWAIT);
		else
			ret = recvmsg(sd, step->s_recvmsg.msg,
				      step->s_recvmsg.flags | MSG_DONTWAIT);
		if (ret >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
		if (step->op == QUIC_HANDSHAKE_STEP_OP_SENDMSG)
			wait_for(sd, POLLOUT, WRITE_WAIT);
		else
			wait_for(sd, POLLIN, READ_WAIT);
	}
	if (ret < 0)
		ret = -errno;
	if (step->op == QUIC_HANDSHAKE_STEP_OP_SENDMSG)
		step->s_sendmsg.retval = ret;
	else
		step->s_recvmsg.retval = ret;
}

int quic_handshake(gnutls_session_t session)
{
	int ret, sd = gnutls_transport_get_int(session);
	struct quic_handshake_step *step;

	ret = quic_handshake_init(session, &step);
	while (!ret && step) {
		do_step(sd, step);
		ret = quic_handshake_step(session, &step);
	}
	quic_handshake_deinit(session);
	return ret;
}
