// SPDX-License-Identifier: GPL-2.0-or-later
/* Both ends in one process and no kernel: the steps' messages are carried by
 * hand, and the socket options answered here. For valgrind, and for what a
 * peer can do that our own never does.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/quic.h>

enum { CLIENT = 1000, SERVER = 1001 };

/* One end's socket, as far as the library asks for it. */
struct end {
	int sd;
	gnutls_session_t session;
	struct quic_handshake_step *step;
	struct message *inbox;
	struct quic_crypto_secret secrets[8];
	int secret_count;
	unsigned int errcode;
	bool down;
	unsigned char ticket[4096];
	size_t ticket_len;
};

struct message {
	struct message *next;
	unsigned char level;
	size_t len;
	unsigned char data[];
};

static struct end ends[2];
static const char *no_parameters;

static struct end *end_of(int sd)
{
	return &ends[sd - CLIENT];
}

/* In place of the C library's: the sockets are not real. */
int getsockopt(int sd, int level, int name, void *value, socklen_t *len)
{
	struct end *end = end_of(sd);

	if (level != SOL_QUIC || (name == QUIC_SOCKOPT_TOKEN && sd == SERVER)) {
		errno = EINVAL;
		return -1;
	}
	switch (name) {
	case QUIC_SOCKOPT_TRANSPORT_PARAM_EXT:
		*len = 3;
		memcpy(value, "\x0f\x01\x2a", 3);
		break;
	case QUIC_SOCKOPT_SESSION_TICKET:
		*len = (socklen_t)end->ticket_len;
		memcpy(value, end->ticket, end->ticket_len);
		break;
	default:
		memset(value, 0, *len);
		if (name == QUIC_SOCKOPT_TOKEN)
			*len = 0;
	}
	return 0;
}

int setsockopt(int sd, int level, int name, const void *value, socklen_t len)
{
	struct end *end = end_of(sd);

	(void)level;
	if (name == QUIC_SOCKOPT_CRYPTO_SECRET) {
		memcpy(&end->secrets[end->secret_count], value, len);
		end->secret_count += (int)(len / sizeof(end->secrets[0]));
	} else if (name == QUIC_SOCKOPT_CONNECTION_CLOSE) {
		end->errcode = ((const struct quic_connection_close *)value)->errcode;
	} else if (name == QUIC_SOCKOPT_TRANSPORT_PARAM_EXT && no_parameters) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

int getpeername(int sd, struct sockaddr *addr, socklen_t *len)
{
	(void)addr;
	(void)len;
	return end_of(sd)->down ? -1 : 0;
}

int shutdown(int sd, int how)
{
	(void)how;
	end_of(sd)->down = true;
	return 0;
}

static void expect(bool holds, const char *what)
{
	if (holds)
		return;
	printf("failed: %s\n", what);
	exit(1);
}

/* A client's ticket is kept for it by its kernel. */
static void deliver(struct end *to, unsigned char level, const void *data,
		    size_t len)
{
	struct message *message, **last = &to->inbox;

	if (level == QUIC_CRYPTO_APP) {
		memcpy(to->ticket + to->ticket_len, data, len);
		to->ticket_len += len;
		return;
	}
	message = malloc(sizeof(*message) + len);
	expect(message, "memory");
	*message = (struct message){ .level = level, .len = len };
	memcpy(message->data, data, len);
	while (*last)
		last = &(*last)->next;
	*last = message;
}

/* Takes @at_most bytes of what an end wants to send. */
static ssize_t carry(struct end *from, const struct msghdr *msg, size_t at_most)
{
	struct end *to = &ends[from == &ends[0]];
	size_t len = msg->msg_iov->iov_len;

	if (len > at_most)
		len = at_most;
	deliver(to, *CMSG_DATA(CMSG_FIRSTHDR(msg)), msg->msg_iov->iov_base, len);
	return (ssize_t)len;
}

static ssize_t hand_over(struct end *to, struct msghdr *msg)
{
	struct message *message = to->inbox;
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
	ssize_t len;

	if (!message)
		return -EAGAIN;
	to->inbox = message->next;
	cmsg->cmsg_level = SOL_QUIC;
	cmsg->cmsg_type = QUIC_HANDSHAKE_INFO;
	cmsg->cmsg_len = CMSG_LEN(1);
	*CMSG_DATA(cmsg) = message->level;
	memcpy(msg->msg_iov->iov_base, message->data, message->len);
	len = (ssize_t)message->len;
	free(message);
	return len;
}

static int turn(struct end *end, size_t piece)
{
	if (end->step->op == QUIC_HANDSHAKE_STEP_OP_SENDMSG)
		end->step->s_sendmsg.retval =
			carry(end, end->step->s_sendmsg.msg, piece);
	else
		end->step->s_recvmsg.retval =
			hand_over(end, end->step->s_recvmsg.msg);
	return quic_handshake_step(end->session, &end->step);
}

static gnutls_session_t open_session(int sd, unsigned int flags, void *cred)
{
	gnutls_session_t session;

	expect(!gnutls_init(&session, flags), "init");
	expect(!gnutls_priority_set_direct(session, QUIC_PRIORITY, NULL), "priority");
	expect(!gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, cred),
	       "credentials");
	gnutls_transport_set_int(session, sd);
	return session;
}

/* Runs both ends until both are done or one has failed. */
static int run(size_t piece)
{
	int i, ret = 0;

	for (i = 0; i < 2 && !ret; i++)
		ret = quic_handshake_init(ends[i].session, &ends[i].step);
	while (!ret && (ends[0].step || ends[1].step))
		for (i = 0; i < 2 && !ret; i++)
			if (ends[i].step)
				ret = turn(&ends[i], piece);
	for (i = 0; i < 2; i++)
		quic_handshake_deinit(ends[i].session);
	return ret;
}

static void open_ends(void *client, void *server)
{
	memset(ends, 0, sizeof(ends));
	ends[0].sd = CLIENT;
	ends[0].session = open_session(CLIENT, GNUTLS_CLIENT, client);
	ends[1].sd = SERVER;
	ends[1].session = open_session(SERVER, GNUTLS_SERVER |
				       GNUTLS_NO_AUTO_SEND_TICKET, server);
}

static void close_ends(void)
{
	struct message *message;
	int i;

	for (i = 0; i < 2; i++) {
		while ((message = ends[i].inbox)) {
			ends[i].inbox = message->next;
			free(message);
		}
		gnutls_deinit(ends[i].session);
	}
}

static void set_alpn(int which, const char *list)
{
	expect(!quic_session_set_alpn(ends[which].session, list, strlen(list)),
	       "quic_session_set_alpn");
}

/* Each key of one end is the other's. */
static void same_keys(void)
{
	int i, j;

	expect(ends[0].secret_count == 4 && ends[1].secret_count == 4, "4 keys");
	for (i = 0; i < 4; i++) {
		const struct quic_crypto_secret *one = &ends[0].secrets[i];
		int found = 0;

		for (j = 0; j < 4; j++) {
			const struct quic_crypto_secret *other = &ends[1].secrets[j];

			found += one->level == other->level &&
				 one->send != other->send &&
				 one->type == other->type &&
				 !memcmp(one->secret, other->secret, 48);
		}
		expect(found == 1, "the same keys");
	}
}

static void success(void *client, void *server, size_t piece)
{
	unsigned char data[8192];
	gnutls_datum_t key;
	size_t size = sizeof(data), again;
	char alpn[16];

	expect(!gnutls_session_ticket_key_generate(&key), "ticket key");
	open_ends(client, server);
	expect(!gnutls_session_ticket_enable_server(ends[1].session, &key), "tickets");
	set_alpn(0, "smb, echo");
	set_alpn(1, "echo");
	expect(!run(piece), "handshake");
	same_keys();
	again = sizeof(alpn);
	expect(!quic_session_get_alpn(ends[0].session, alpn, &again) &&
	       again == 4 && !strcmp(alpn, "echo"), "ALPN");
	again = 3;
	expect(quic_session_get_alpn(ends[0].session, alpn, &again) == -ENOBUFS &&
	       again == 4, "ALPN that has no room");
	expect(!quic_session_get_data(ends[0].session, data, &size) && size,
	       "session data");
	close_ends();

	open_ends(client, server);
	expect(!gnutls_session_ticket_enable_server(ends[1].session, &key), "tickets");
	expect(!quic_session_set_data(ends[0].session, data, size), "set data");
	expect(!run(piece), "second handshake");
	expect(gnutls_session_is_resumed(ends[0].session), "resumption");
	close_ends();
	gnutls_free(key.data);
}

/* A session without tickets, and without ALPN. */
static void bare(void *client, void *server)
{
	unsigned char data[64];
	size_t size = sizeof(data);

	open_ends(client, server);
	expect(!run(65536), "handshake");
	expect(quic_session_get_alpn(ends[0].session, data, &size) == -ENODATA,
	       "no ALPN");
	size = sizeof(data);
	expect(!quic_session_get_data(ends[0].session, data, &size) && !size,
	       "no ticket, no session data");
	close_ends();
}

static void refused(void *client, void *server)
{
	open_ends(client, server);
	set_alpn(0, "smb");
	set_alpn(1, "echo");
	expect(run(65536) == -ENOPROTOOPT, "no common protocol");
	expect(ends[1].errcode == 0x178 && ends[1].down, "the client is told");
	close_ends();

	no_parameters = "refused";
	open_ends(client, server);
	expect(run(65536) == -EINVAL, "transport parameters that are refused");
	close_ends();
	no_parameters = NULL;
}

/* One end is given bytes that the other has not sent. */
static int injected(void *client, void *server, unsigned char level,
		    const char *bytes, size_t len)
{
	int ret;

	open_ends(client, server);
	deliver(&ends[1], level, bytes, len);
	ret = quic_handshake_init(ends[1].session, &ends[1].step);
	while (!ret && ends[1].step && ends[1].inbox)
		ret = turn(&ends[1], 65536);
	quic_handshake_deinit(ends[1].session);
	return ret;
}

static void violations(void *client, void *server)
{
	char hello[64] = { 1, 0, 1, 0, 3, 3, [38] = 32 };

	expect(injected(client, server, QUIC_CRYPTO_HANDSHAKE, "\x01\0\0\0", 4) ==
	       -EPROTO && ends[1].errcode == 0xa, "bytes at the wrong level");
	close_ends();
	expect(injected(client, server, QUIC_CRYPTO_INITIAL, hello, 39) ==
	       -EPROTO && ends[1].errcode == 0xa, "legacy_session_id");
	close_ends();
	expect(injected(client, server, QUIC_CRYPTO_INITIAL, "\x14\0\0\x04" "abcd", 8) ==
	       -EPROTO && ends[1].errcode >= 0x100, "not a ClientHello");
	close_ends();
}

static void misuse(void *client, void *server)
{
	struct quic_handshake_step *step;
	gnutls_session_t session;

	open_ends(client, server);
	session = ends[0].session;
	expect(quic_handshake_step(session, &step) == -EINVAL, "step before init");
	expect(!quic_handshake_init(session, &step) && step, "init");
	expect(quic_handshake_init(session, &step) == -EALREADY, "init twice");
	quic_handshake_deinit(session);
	quic_handshake_deinit(session);
	expect(quic_session_set_alpn(session, ",", 1) == -EINVAL, "empty name");
	expect(quic_session_set_alpn(session, "a,b,c,d,e,f,g,h,i", 17) == -EINVAL,
	       "too many names");
	close_ends();
}

static void quiet(int level, const char *msg)
{
	(void)level;
	(void)msg;
}

int main(int argc, char **argv)
{
	gnutls_certificate_credentials_t client, server;

	if (argc != 3)
		return 2;
	quic_set_log_func(quiet);
	expect(!gnutls_certificate_allocate_credentials(&client), "memory");
	expect(!gnutls_certificate_allocate_credentials(&server), "memory");
	expect(!gnutls_certificate_set_x509_key_file(server, argv[1], argv[2],
						     GNUTLS_X509_FMT_PEM), "key");
	success(client, server, 65536);
	success(client, server, 7);
	bare(client, server);
	refused(client, server);
	violations(client, server);
	misuse(client, server);
	gnutls_certificate_free_credentials(client);
	gnutls_certificate_free_credentials(server);
	puts("all as expected");
	return 0;
}
