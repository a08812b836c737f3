// SPDX-License-Identifier: GPL-2.0-or-later
/* Echo over QUIC with libquic.
 *
 *     cc -o echo echo.c $(pkg-config --cflags --libs libquic)
 *     ./echo server 127.0.0.1 4433 server.key server.pem
 *     ./echo client 127.0.0.1 4433 server.example.org 'hello'
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/quic.h>

#define ALPN	"echo"

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in address_of(const char *host, const char *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((unsigned short)atoi(port)),
	};

	if (inet_pton(AF_INET, host, &address.sin_addr) != 1) {
		fprintf(stderr, "%s: not an IPv4 address\n", host);
		exit(1);
	}
	return address;
}

/* Sends back what comes, on the stream that it came on. */
static void echo(int sd)
{
	char data[4096];
	uint32_t flags = 0;
	int64_t sid;
	ssize_t len;

	while ((len = quic_recvmsg(sd, data, sizeof(data), &sid, &flags)) >= 0) {
		quic_sendmsg(sd, data, (size_t)len, sid,
			     flags & MSG_QUIC_STREAM_FIN);
		flags = 0;
	}
}

static void server(int sd, struct sockaddr_in address, const char *key,
		   const char *cert)
{
	/* The kernel gives a client to the listener that speaks its protocol. */
	if (setsockopt(sd, SOL_QUIC, QUIC_SOCKOPT_ALPN, ALPN, strlen(ALPN)) ||
	    bind(sd, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(sd, 16))
		die("listen");
	puts("ready");
	fflush(stdout);
	for (;;) {
		int client = accept(sd, NULL, NULL);

		if (client < 0)
			die("accept");
		/* What has gone wrong is on standard error, and told to the client. */
		if (!quic_server_handshake(client, key, cert, ALPN))
			echo(client);
		close(client);
	}
}

static void client(int sd, struct sockaddr_in address, const char *name,
		   const char *text)
{
	char answer[4096];
	uint32_t flags = 0;
	ssize_t len;

	if (connect(sd, (struct sockaddr *)&address, sizeof(address)))
		die("connect");
	if (quic_client_handshake(sd, NULL, name, ALPN))
		exit(1);
	/* A new stream, which ends with its first bytes. */
	if (quic_sendmsg(sd, text, strlen(text), -1,
			 MSG_QUIC_STREAM_NEW | MSG_QUIC_STREAM_FIN) < 0)
		die("send");
	while (!(flags & MSG_QUIC_STREAM_FIN)) {
		flags = 0;
		len = quic_recvmsg(sd, answer, sizeof(answer), NULL, &flags);
		if (len < 0)
			die("receive");
		fwrite(answer, 1, (size_t)len, stdout);
	}
	putchar('\n');
}

int main(int argc, char **argv)
{
	int sd = socket(AF_INET, SOCK_STREAM, IPPROTO_QUIC);

	if (sd < 0)
		die("this kernel has no QUIC");
	if (argc == 6 && !strcmp(argv[1], "server"))
		server(sd, address_of(argv[2], argv[3]), argv[4], argv[5]);
	else if (argc == 6 && !strcmp(argv[1], "client"))
		client(sd, address_of(argv[2], argv[3]), argv[4], argv[5]);
	else
		fputs("echo server ADDRESS PORT KEY CERT\n"
		      "echo client ADDRESS PORT NAME TEXT\n", stderr);
	return close(sd);
}
