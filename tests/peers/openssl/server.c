// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * OpenSSL's QUIC server in the interop matrix: HTTP/0.9 (hq-interop).
 *
 *     server --address A --port P --alpn NAME --cert C --key K --root DIR [--retry]
 *
 * Non-blocking: a connection or a stream that stalls must not stop the others.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/quic.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_STREAMS 256
#define MAX_CONNECTIONS 64

struct stream {
	SSL *ssl;
	char line[256];
	size_t have;
	int file;
	char buffer[16384];
	size_t filled, sent;
};

struct connection {
	SSL *ssl;
	int shaken, count;
	struct stream *streams[MAX_STREAMS];
};

static unsigned char protocols[64];
static unsigned int protocols_len;
static const char *root;

static const char *option(int argc, char **argv, const char *name)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return i + 1 < argc ? argv[i + 1] : "";
	return NULL;
}

static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
			   unsigned int in_len, void *arg)
{
	int found;

	(void)ssl;
	(void)arg;
	found = SSL_select_next_proto((unsigned char **)out, out_len, protocols, protocols_len, in, in_len);
	return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int die(const char *what)
{
	perror(what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static int bound_socket(const char *address, int port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
	int is_six = inet_pton(AF_INET6, address, &six.sin6_addr) == 1;
	int fd = socket(is_six ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
	int failed;

	if (!is_six && inet_pton(AF_INET, address, &four.sin_addr) != 1)
		die(address);
	failed = is_six ? bind(fd, (void *)&six, sizeof(six)) : bind(fd, (void *)&four, sizeof(four));
	if (failed || fcntl(fd, F_SETFL, O_NONBLOCK))
		die("bind");
	return fd;
}

/* The request line; 0 while it is not whole. */
static int read_line(struct stream *stream)
{
	char path[300];
	size_t got;

	while (SSL_read_ex(stream->ssl, stream->line + stream->have, sizeof(stream->line) - 1 - stream->have, &got))
		stream->have += got;
	stream->line[stream->have] = 0;
	if (!strchr(stream->line, '\n') && SSL_get_stream_read_state(stream->ssl) == SSL_STREAM_STATE_OK)
		return 0;
	snprintf(path, sizeof(path), "%s%s", root, strtok(stream->line + 4, "\r\n") ?: "");
	stream->file = open(path, O_RDONLY);
	return 1;
}

/* Returns 1 when the stream is done with. */
static int serve_stream(struct stream *stream)
{
	size_t sent;
	ssize_t got;

	if (stream->file < 0 && !read_line(stream))
		return 0;
	if (stream->file < 0)
		return 1;
	for (;;) {
		if (stream->sent == stream->filled) {
			got = read(stream->file, stream->buffer, sizeof(stream->buffer));
			if (got <= 0) {
				SSL_stream_conclude(stream->ssl, 0);
				close(stream->file);
				return 1;
			}
			stream->filled = got;
			stream->sent = 0;
		}
		if (!SSL_write_ex(stream->ssl, stream->buffer + stream->sent, stream->filled - stream->sent, &sent))
			return SSL_get_error(stream->ssl, 0) != SSL_ERROR_WANT_WRITE;
		stream->sent += sent;
	}
}

/* Returns 1 when the connection is over. */
static int serve(struct connection *connection)
{
	SSL_CONN_CLOSE_INFO why;
	SSL *opened;

	SSL_handle_events(connection->ssl);
	if (SSL_get_conn_close_info(connection->ssl, &why, sizeof(why)))
		return 1;
	if (!connection->shaken && SSL_is_init_finished(connection->ssl)) {
		connection->shaken = 1;
		printf("handshake %s resumed %d\n", SSL_get_cipher(connection->ssl),
		       SSL_session_reused(connection->ssl));
		fflush(stdout);
	}
	while (connection->count < MAX_STREAMS &&
	       (opened = SSL_accept_stream(connection->ssl, SSL_ACCEPT_STREAM_NO_BLOCK))) {
		struct stream *stream = calloc(1, sizeof(*stream));

		stream->ssl = opened;
		stream->file = -1;
		connection->streams[connection->count++] = stream;
	}
	for (int i = connection->count - 1; i >= 0; i--) {
		struct stream *stream = connection->streams[i];

		if (serve_stream(stream)) {
			SSL_free(stream->ssl);
			free(stream);
			connection->streams[i] = connection->streams[--connection->count];
		}
	}
	return 0;
}

static void end(struct connection *connection)
{
	while (connection->count) {
		struct stream *stream = connection->streams[--connection->count];

		SSL_free(stream->ssl);
		free(stream);
	}
	SSL_free(connection->ssl);
	free(connection);
}

static struct connection *begin(SSL *ssl)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	connection->ssl = ssl;
	SSL_set_incoming_stream_policy(ssl, SSL_INCOMING_STREAM_POLICY_ACCEPT, 0);
	SSL_set_default_stream_mode(ssl, SSL_DEFAULT_STREAM_MODE_NONE);
	SSL_set_blocking_mode(ssl, 0);
	return connection;
}

static void serve_all(SSL *listener, int fd)
{
	static struct connection *connections[MAX_CONNECTIONS];
	int count = 0;
	SSL *accepted;

	for (;;) {
		struct pollfd event = { .fd = fd, .events = POLLIN };

		/* OpenSSL's timers are looked after at least this often. */
		poll(&event, 1, 10);
		SSL_handle_events(listener);
		while (count < MAX_CONNECTIONS &&
		       (accepted = SSL_accept_connection(listener, SSL_ACCEPT_CONNECTION_NO_BLOCK)))
			connections[count++] = begin(accepted);
		for (int i = count - 1; i >= 0; i--) {
			if (serve(connections[i])) {
				end(connections[i]);
				connections[i] = connections[--count];
			}
		}
	}
}

int main(int argc, char **argv)
{
	SSL_CTX *context = SSL_CTX_new(OSSL_QUIC_server_method());
	const char *alpn = option(argc, argv, "--alpn");
	SSL *listener;
	int fd, flags;

	protocols[0] = strlen(alpn);
	protocols_len = 1 + protocols[0];
	memcpy(protocols + 1, alpn, protocols[0]);
	root = option(argc, argv, "--root");
	if (SSL_CTX_use_certificate_chain_file(context, option(argc, argv, "--cert")) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, option(argc, argv, "--key"), SSL_FILETYPE_PEM) != 1)
		die("certificate");
	SSL_CTX_set_alpn_select_cb(context, select_protocol, NULL);
	fd = bound_socket(option(argc, argv, "--address"), atoi(option(argc, argv, "--port")));
	/* Retry is OpenSSL's habit; with this flag it believes addresses at first sight. */
	flags = option(argc, argv, "--retry") ? 0 : SSL_LISTENER_FLAG_NO_VALIDATE;
	listener = SSL_new_listener(context, flags);
	if (!listener || !SSL_set_fd(listener, fd) || !SSL_set_blocking_mode(listener, 0) || !SSL_listen(listener))
		die("listen");
	puts("ready");
	fflush(stdout);
	serve_all(listener, fd);
}
