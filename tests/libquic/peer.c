// SPDX-License-Identifier: GPL-2.0-or-later
/* A program written for the published interface: an echo server, or a client
 * of one. What it finds out goes to standard output, a line each.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/quic.h>

static struct {
	bool server, steps, early, own_session, events;
	bool request, inherit, no_list;
	int port, count;
	const char *address, *key, *cert, *host, *alpn, *ca, *saved;
} opt = { .address = "127.0.0.1", .count = 1 };

/* What a client keeps for its next connection. */
struct saved {
	struct quic_transport_param params;
	size_t size;
	unsigned char data[8192];
};

static struct saved saved;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void on_log(int level, const char *msg)
{
	printf("log %d %s\n", level, msg);
}

static void show_close(int sd)
{
	struct quic_connection_close close = { 0 };
	socklen_t len = sizeof(close);

	if (getsockopt(sd, SOL_QUIC, QUIC_SOCKOPT_CONNECTION_CLOSE, &close, &len))
		die("CONNECTION_CLOSE");
	printf("close %#x\n", close.errcode);
}

static void show_alpn(int sd)
{
	char alpn[128];
	socklen_t len = sizeof(alpn);

	if (getsockopt(sd, SOL_QUIC, QUIC_SOCKOPT_ALPN, alpn, &len))
		die("ALPN");
	printf("alpn %.*s\n", (int)len, alpn);
}

static void want_events(int sd)
{
	struct quic_event_option event = { .on = 1 };

	for (event.type = 1; event.type < QUIC_EVENT_MAX; event.type++)
		if (setsockopt(sd, SOL_QUIC, QUIC_SOCKOPT_EVENT, &event,
			       sizeof(event)))
			die("EVENT");
}

/* The system call of a step, on a non-blocking socket. */
static ssize_t call(int sd, struct quic_handshake_step *step)
{
	bool sending = step->op == QUIC_HANDSHAKE_STEP_OP_SENDMSG;
	struct pollfd fd = { .fd = sd, .events = sending ? POLLOUT : POLLIN };
	ssize_t ret;

	for (;;) {
		if (sending)
			ret = sendmsg(sd, step->s_sendmsg.msg,
				      step->s_sendmsg.flags);
		else
			ret = recvmsg(sd, step->s_recvmsg.msg,
				      step->s_recvmsg.flags);
		if (ret >= 0)
			return ret;
		if (errno != EAGAIN)
			return -errno;
		poll(&fd, 1, 100);
	}
}

static int handshake_by_steps(gnutls_session_t session, int sd)
{
	struct quic_handshake_step *step;
	int ret, sent = 0, got = 0;

	fcntl(sd, F_SETFL, O_NONBLOCK);
	ret = quic_handshake_init(session, &step);
	while (!ret && step) {
		ssize_t len = call(sd, step);

		switch (step->op) {
		case QUIC_HANDSHAKE_STEP_OP_SENDMSG:
			step->s_sendmsg.retval = len;
			sent++;
			break;
		case QUIC_HANDSHAKE_STEP_OP_RECVMSG:
			step->s_recvmsg.retval = len;
			got++;
			break;
		}
		ret = quic_handshake_step(session, &step);
	}
	quic_handshake_deinit(session);
	fcntl(sd, F_SETFL, 0);
	printf("steps %s\n", sent && got ? "both" : "missing");
	return ret;
}

/* 0-RTT: the server's limits of last time, and data before the handshake. */
static void send_early(int sd)
{
	saved.params.remote = 1;
	if (setsockopt(sd, SOL_QUIC, QUIC_SOCKOPT_TRANSPORT_PARAM,
		       &saved.params, sizeof(saved.params)))
		die("TRANSPORT_PARAM");
	if (quic_sendmsg(sd, "early", 5, 0,
			 MSG_QUIC_STREAM_NEW | MSG_QUIC_STREAM_FIN) != 5)
		die("early data");
}

static void load(gnutls_session_t session)
{
	FILE *file = fopen(opt.saved, "r");

	if (!file)
		return;
	if (fread(&saved, sizeof(saved), 1, file) != 1)
		die(opt.saved);
	fclose(file);
	printf("set_data %d\n",
	       quic_session_set_data(session, saved.data, saved.size));
}

static void save(gnutls_session_t session, int sd)
{
	socklen_t len = sizeof(saved.params);
	FILE *file;
	int ret, tries = 0;

	do {
		saved.size = sizeof(saved.data);
		ret = quic_session_get_data(session, saved.data, &saved.size);
		if (!ret && !saved.size)
			usleep(20000);
	} while (!ret && !saved.size && ++tries < 500);
	printf("get_data %d %s\n", ret, saved.size ? "some" : "none");
	saved.params.remote = 1;
	if (getsockopt(sd, SOL_QUIC, QUIC_SOCKOPT_TRANSPORT_PARAM,
		       &saved.params, &len))
		die("TRANSPORT_PARAM");
	file = fopen(opt.saved, "w");
	if (!file || fwrite(&saved, sizeof(saved), 1, file) != 1)
		die(opt.saved);
	fclose(file);
}

static void check(int code, const char *what)
{
	if (code >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, gnutls_strerror(code));
	exit(2);
}

/* A session as a program sets it up that knows nothing of QUIC but this API. */
static gnutls_session_t open_session(int sd,
				     gnutls_certificate_credentials_t cred)
{
	unsigned int flags = opt.server ? GNUTLS_SERVER : GNUTLS_CLIENT;
	gnutls_session_t session;

	if (opt.early)
		flags |= GNUTLS_ENABLE_EARLY_DATA | GNUTLS_NO_END_OF_EARLY_DATA;
	check(gnutls_init(&session, flags), "init");
	check(gnutls_priority_set_direct(session, QUIC_PRIORITY, NULL), "priority");
	if (opt.ca)
		check(gnutls_certificate_set_x509_trust_file(cred, opt.ca,
					GNUTLS_X509_FMT_PEM), "trust");
	if (opt.cert)
		check(gnutls_certificate_set_x509_key_file(cred, opt.cert,
					opt.key, GNUTLS_X509_FMT_PEM), "key");
	check(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, cred),
	      "credentials");
	if (opt.host) {
		check(gnutls_server_name_set(session, GNUTLS_NAME_DNS, opt.host,
					     strlen(opt.host)), "name");
		gnutls_session_set_verify_cert(session, opt.host, 0);
	}
	if (opt.alpn)
		check(quic_session_set_alpn(session, opt.alpn,
					    strlen(opt.alpn)), "alpn");
	gnutls_transport_set_int(session, sd);
	return session;
}

static int own_handshake(int sd)
{
	gnutls_certificate_credentials_t cred;
	gnutls_session_t session;
	char alpn[64];
	size_t size = sizeof(alpn);
	int ret;

	check(gnutls_certificate_allocate_credentials(&cred), "credentials");
	session = open_session(sd, cred);
	if (opt.saved)
		load(session);
	if (opt.early && saved.size)
		send_early(sd);
	ret = opt.steps ? handshake_by_steps(session, sd) :
			  quic_handshake(session);
	if (!ret) {
		if (!quic_session_get_alpn(session, alpn, &size))
			printf("alpn %.*s\n", (int)size, alpn);
		printf("resumed %d\n", gnutls_session_is_resumed(session));
		printf("early %d\n", !!(gnutls_session_get_flags(session) &
					GNUTLS_SFLAGS_EARLY_DATA));
		if (opt.saved)
			save(session, sd);
	}
	gnutls_deinit(session);
	gnutls_certificate_free_credentials(cred);
	return ret;
}

static int handshake(int sd)
{
	int ret;

	if (opt.own_session)
		ret = own_handshake(sd);
	else if (opt.server)
		ret = quic_server_handshake(sd, opt.key, opt.cert,
					    opt.inherit ? NULL : opt.alpn);
	else
		ret = quic_client_handshake(sd, opt.key, opt.host, opt.alpn);
	printf("handshake %d %s\n", ret, ret ? strerrorname_np(-ret) : "OK");
	if (ret)
		show_close(sd);
	else if (opt.inherit)
		show_alpn(sd);
	return ret;
}

/* Every stream is sent back, its end with it. */
static void echo(int sd)
{
	static char data[65536];

	for (;;) {
		int64_t sid = -1;
		uint32_t flags = 0;
		ssize_t len, done = 0;

		len = quic_recvmsg(sd, data, sizeof(data), &sid, &flags);
		if (len < 0)
			break;
		flags &= MSG_QUIC_STREAM_FIN;
		do {
			ssize_t ret = quic_sendmsg(sd, data + done,
						   (size_t)(len - done), sid,
						   flags);

			if (ret < 0)
				die("echo");
			done += ret;
		} while (done < len);
	}
	printf("end %s\n", strerrorname_np(errno));
}

/* Sends on a new stream, and reads until its end. */
static void ask(int sd, int64_t sid, const char *text)
{
	char answer[256];
	size_t got = 0;
	uint32_t flags;
	int64_t from;

	if (quic_sendmsg(sd, text, strlen(text), sid, MSG_QUIC_STREAM_NEW |
			 MSG_QUIC_STREAM_FIN) != (ssize_t)strlen(text))
		die("send");
	do {
		ssize_t len;

		flags = 0;
		from = -1;
		len = quic_recvmsg(sd, answer + got, sizeof(answer) - got,
				   &from, &flags);
		if (len < 0)
			die("receive");
		if (flags & MSG_QUIC_NOTIFICATION)
			continue;
		if (from != sid) {
			printf("stream %lld %.*s\n", (long long)from,
			       (int)len, answer + got);
			continue;
		}
		got += (size_t)len;
	} while (!(flags & MSG_QUIC_STREAM_FIN) || from != sid);
	printf("stream %lld %.*s\n", (long long)from, (int)got, answer);
}

static struct sockaddr_in address(void)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)opt.port),
	};

	inet_pton(AF_INET, opt.address, &sa.sin_addr);
	return sa;
}

static int serve(int sd)
{
	struct sockaddr_in sa = address();
	socklen_t len = sizeof(sa);
	struct quic_config config = { .certificate_request = 2 };
	int failures = 0;

	if (opt.request && setsockopt(sd, SOL_QUIC, QUIC_SOCKOPT_CONFIG,
				      &config, sizeof(config)))
		die("CONFIG");
	if (opt.alpn && !opt.no_list && setsockopt(sd, SOL_QUIC, QUIC_SOCKOPT_ALPN, opt.alpn,
				   (socklen_t)strlen(opt.alpn)))
		die("ALPN");
	if (bind(sd, (struct sockaddr *)&sa, len) || listen(sd, 8) ||
	    getsockname(sd, (struct sockaddr *)&sa, &len))
		die("listen");
	printf("port %d\n", ntohs(sa.sin_port));
	fflush(stdout);
	while (opt.count--) {
		int end = accept(sd, NULL, NULL);

		if (end < 0)
			die("accept");
		if (handshake(end))
			failures++;
		else
			echo(end);
		close(end);
	}
	return failures ? 1 : 0;
}

static int ask_server(int sd)
{
	struct sockaddr_in sa = address();

	if (connect(sd, (struct sockaddr *)&sa, sizeof(sa)))
		die("connect");
	if (opt.events)
		want_events(sd);
	if (handshake(sd))
		return 1;
	ask(sd, opt.early && saved.size ? 4 : 0, "hello");
	ask(sd, 8, "again");
	return 0;
}

int main(int argc, char **argv)
{
	int c, sd, ret;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((c = getopt(argc, argv, "la:p:k:c:n:A:C:or:esN:ERIL")) != -1) {
		switch (c) {
		case 'l': opt.server = true; break;
		case 'a': opt.address = optarg; break;
		case 'p': opt.port = atoi(optarg); break;
		case 'k': opt.key = optarg; break;
		case 'c': opt.cert = optarg; break;
		case 'n': opt.host = optarg; break;
		case 'A': opt.alpn = optarg; break;
		case 'C': opt.ca = optarg; break;
		case 'o': opt.own_session = true; break;
		case 'r': opt.saved = optarg; break;
		case 'e': opt.early = true; break;
		case 's': opt.steps = opt.own_session = true; break;
		case 'N': opt.count = atoi(optarg); break;
		case 'E': opt.events = true; break;
		case 'R': opt.request = true; break;
		case 'I': opt.inherit = true; break;
		case 'L': opt.no_list = true; break;
		default: return 2;
		}
	}
	quic_set_log_func(on_log);
	sd = socket(AF_INET, SOCK_DGRAM, IPPROTO_QUIC);
	if (sd < 0)
		die("socket");
	ret = opt.server ? serve(sd) : ask_server(sd);
	close(sd);
	return ret;
}
