// SPDX-License-Identifier: GPL-2.0-or-later
/* A program of 32 bits at both ends of a connection. It says what did not hold.
 *
 * It has no C library, which machines of 64 bits seldom have for it, and so no
 * TLS either: messages are made up, and secrets are constants, as nobody but TLS
 * looks at them.
 */
#include <asm/unistd.h>
#include <linux/in.h>
#include <linux/quic.h>
#include <linux/tls.h>

#define AF_INET		2
#define SOCK_STREAM	1
#define MSG_CTRUNC	0x08
#define EINVAL		22
#define ENOTCONN	107

typedef unsigned int u32;

static int client, server;

struct iovec32 {
	void *base;
	u32 len;
};

struct msghdr32 {
	void *name;
	u32 namelen;
	struct iovec32 *iov;
	u32 iovlen;
	void *control;
	u32 controllen;
	u32 flags;
};

struct stream_control {
	u32 len;
	int level;
	int type;
	struct quic_stream_info info;
};

struct handshake_control {
	u32 len;
	int level;
	int type;
	struct quic_handshake_info info;
	char padding[3];
};

static int call(int number, int a, const void *b, int c, const void *d, void *e)
{
	int result;

	__asm__ volatile ("int $0x80" : "=a" (result)
			  : "a" (number), "b" (a), "c" (b), "d" (c), "S" (d),
			    "D" (e) : "memory");
	return result;
}

static u32 length(const char *text)
{
	u32 n = 0;

	while (text[n])
		n++;
	return n;
}

static void leave(int status)
{
	for (;;)
		call(__NR_exit, status, 0, 0, 0, 0);
}

static void expect(int holds, const char *what)
{
	if (holds)
		return;
	call(__NR_write, 2, what, length(what), 0, 0);
	call(__NR_write, 2, "\n", 1, 0, 0);
	leave(1);
}

#define STRING(line)	#line
#define LINE(line)	STRING(line)
#define EXPECT(what)	expect(what, LINE(__LINE__) ": " #what)

static int set(int fd, int option, const void *value, u32 len)
{
	return call(__NR_setsockopt, fd, (void *)SOL_QUIC, option, value,
		    (void *)len);
}

static int get(int fd, int option, void *value, u32 *len)
{
	return call(__NR_getsockopt, fd, (void *)SOL_QUIC, option, value, len);
}

static int transfer(int number, int fd, struct msghdr32 *msg, void *data,
		    u32 len, void *control, u32 controllen, int flags)
{
	static struct iovec32 iov;

	iov.base = data;
	iov.len = len;
	msg->name = 0;
	msg->namelen = 0;
	msg->iov = &iov;
	msg->iovlen = 1;
	msg->control = control;
	msg->controllen = controllen;
	msg->flags = 0;
	return call(number, fd, msg, flags, 0, 0);
}

static int same(const void *data, const char *b, u32 n)
{
	const char *a = data;

	while (n && *a == *b) {
		a++;
		b++;
		n--;
	}
	return !n;
}

/* A TLS message. */
static int say(int fd, int level, const char *text, u32 len)
{
	struct handshake_control control = {};
	struct msghdr32 msg;

	control.len = sizeof(control) - sizeof(control.padding);
	control.level = SOL_QUIC;
	control.type = QUIC_HANDSHAKE_INFO;
	control.info.crypto_level = level;
	return transfer(__NR_sendmsg, fd, &msg, (void *)text, len, &control,
			sizeof(control), 0);
}

static void hear(int fd, int level, const char *text, u32 len)
{
	struct handshake_control control = {};
	struct msghdr32 msg;
	char room[64];

	EXPECT(transfer(__NR_recvmsg, fd, &msg, room, sizeof(room), &control,
			sizeof(control), 0) == (int)len);
	EXPECT(same(room, text, len));
	EXPECT(msg.controllen == sizeof(control));
	EXPECT(control.len == 13);
	EXPECT(control.level == SOL_QUIC);
	EXPECT(control.type == QUIC_HANDSHAKE_INFO);
	EXPECT(control.info.crypto_level == level);
}

static void install(int fd, int level, int send, char pattern)
{
	struct quic_crypto_secret secret = {
		.send = send,
		.level = level,
		.type = TLS_CIPHER_AES_GCM_128,
	};
	u32 i;

	for (i = 0; i < sizeof(secret.secret); i++)
		secret.secret[i] = pattern + level;
	EXPECT(set(fd, QUIC_SOCKOPT_CRYPTO_SECRET, &secret, sizeof(secret)) == 0);
}

static void install_both(int level)
{
	install(client, level, 1, 'c');
	install(client, level, 0, 's');
	install(server, level, 1, 's');
	install(server, level, 0, 'c');
}

static void reach(struct sockaddr_in *addr, int *listener)
{
	u32 len = sizeof(*addr);

	addr->sin_family = AF_INET;
	addr->sin_addr.s_addr = 0x0100007f;	/* 127.0.0.1 */
	*listener = call(__NR_socket, AF_INET, (void *)SOCK_STREAM,
			 IPPROTO_QUIC, 0, 0);
	EXPECT(*listener >= 0);
	EXPECT(call(__NR_bind, *listener, addr, len, 0, 0) == 0);
	EXPECT(call(__NR_listen, *listener, (void *)1, 0, 0, 0) == 0);
	EXPECT(call(__NR_getsockname, *listener, addr, (int)&len, 0, 0) == 0);
	EXPECT(len == sizeof(*addr));
	client = call(__NR_socket, AF_INET, (void *)SOCK_STREAM, IPPROTO_QUIC,
		      0, 0);
	EXPECT(client >= 0);
	EXPECT(call(__NR_connect, client, addr, sizeof(*addr), 0, 0) == 0);
}

/* The ClientHello claims to be longer than it is, so that nobody reads it. */
static void shake_hands(void)
{
	struct sockaddr_in addr = {};
	char params[256];
	int listener;
	u32 len;

	reach(&addr, &listener);
	len = sizeof(params);
	EXPECT(get(client, QUIC_SOCKOPT_TRANSPORT_PARAM_EXT, params, &len) == 0);
	EXPECT(say(client, QUIC_CRYPTO_INITIAL, "\1\0\2\0hello", 9) == 9);
	server = call(__NR_accept4, listener, 0, 0, 0, 0);
	EXPECT(server >= 0);
	hear(server, QUIC_CRYPTO_INITIAL, "\1\0\2\0hello", 9);
	EXPECT(set(server, QUIC_SOCKOPT_TRANSPORT_PARAM_EXT, params, len) == 0);
	len = sizeof(params);
	EXPECT(get(server, QUIC_SOCKOPT_TRANSPORT_PARAM_EXT, params, &len) == 0);
	EXPECT(say(server, QUIC_CRYPTO_INITIAL, "hello", 5) == 5);
	hear(client, QUIC_CRYPTO_INITIAL, "hello", 5);
	EXPECT(set(client, QUIC_SOCKOPT_TRANSPORT_PARAM_EXT, params, len) == 0);
	install_both(QUIC_CRYPTO_HANDSHAKE);
	EXPECT(say(client, QUIC_CRYPTO_HANDSHAKE, "finished", 8) == 8);
	hear(server, QUIC_CRYPTO_HANDSHAKE, "finished", 8);
	install_both(QUIC_CRYPTO_APP);
	EXPECT(call(__NR_close, listener, 0, 0, 0, 0) == 0);
}

/* Opened by the option, written and ended with ancillary data. */
static void streams(void)
{
	struct quic_stream_info info = { .stream_id = -1 };
	struct stream_control control = {};
	struct msghdr32 msg;
	u32 len = sizeof(info);
	char room[16];

	EXPECT(get(client, QUIC_SOCKOPT_STREAM_OPEN, &info, &len) == 0);
	EXPECT(len == 12);
	EXPECT(info.stream_id == 0);
	EXPECT(info.stream_flags == MSG_QUIC_STREAM_NEW);

	control.len = sizeof(control);
	control.level = SOL_QUIC;
	control.type = QUIC_STREAM_INFO;
	control.info.stream_flags = MSG_QUIC_STREAM_FIN;
	EXPECT(transfer(__NR_sendmsg, client, &msg, "hello", 5, &control,
			sizeof(control), 0) == 5);

	control = (struct stream_control){};
	EXPECT(transfer(__NR_recvmsg, server, &msg, room, sizeof(room),
			&control, sizeof(control), 0) == 5);
	EXPECT(same(room, "hello", 5));
	EXPECT(msg.controllen == sizeof(control));
	EXPECT(control.len == 24);
	EXPECT(control.level == SOL_QUIC);
	EXPECT(control.type == QUIC_STREAM_INFO);
	EXPECT(control.info.stream_id == 0);
	EXPECT(control.info.stream_flags == MSG_QUIC_STREAM_FIN);
	EXPECT(!(msg.flags & MSG_CTRUNC));

	/* The answer is read with less room than there should be. */
	EXPECT(transfer(__NR_sendmsg, server, &msg, "you", 3, 0, 0,
			MSG_QUIC_STREAM_FIN) == 3);
	EXPECT(transfer(__NR_recvmsg, client, &msg, room, sizeof(room),
			&control, 8, 0) == 3);
	EXPECT(same(room, "you", 3));
	EXPECT(msg.flags & MSG_CTRUNC);
	EXPECT(msg.flags & MSG_QUIC_STREAM_FIN);
}

/* Structures with 64-bit members, in and out. */
static void options(void)
{
	struct quic_event_option on = { .type = QUIC_EVENT_STREAM_UPDATE, .on = 1 };
	struct quic_errinfo reset = { .stream_id = 4, .errcode = 77 };
	struct quic_stream_info info = { .stream_id = 4 };
	struct quic_transport_param param = { .remote = 1 };
	struct quic_config config;
	struct msghdr32 msg;
	union quic_event event;
	char room[40];
	u32 len, i;

	len = sizeof(param);
	EXPECT(get(client, QUIC_SOCKOPT_TRANSPORT_PARAM, &param, &len) == 0);
	EXPECT(len == sizeof(param));
	EXPECT(param.max_data == 65535 * 32);
	EXPECT(param.max_stream_data_uni == 65535 * 16);
	len = sizeof(config);
	EXPECT(get(client, QUIC_SOCKOPT_CONFIG, &config, &len) == 0);
	EXPECT(len == sizeof(config));
	EXPECT(config.initial_smoothed_rtt == 333000);

	EXPECT(set(server, QUIC_SOCKOPT_EVENT, &on, sizeof(on)) == 0);
	len = sizeof(info);
	EXPECT(get(client, QUIC_SOCKOPT_STREAM_OPEN, &info, &len) == 0);
	EXPECT(set(client, QUIC_SOCKOPT_STREAM_RESET, &reset, sizeof(reset)) == 0);
	EXPECT(transfer(__NR_recvmsg, server, &msg, room, sizeof(room), 0, 0,
			0) == 1 + (int)sizeof(event.update));
	EXPECT(msg.flags & MSG_QUIC_NOTIFICATION);
	EXPECT(room[0] == QUIC_EVENT_STREAM_UPDATE);
	for (i = 0; i < sizeof(event.update); i++)
		((char *)&event.update)[i] = room[1 + i];
	EXPECT(event.update.id == 4);
	EXPECT(event.update.state == QUIC_STREAM_RECV_STATE_RESET_RECVD);
	EXPECT(event.update.errcode == 77);
	EXPECT(event.update.finalsz == 0);
}

/* TLS goes on after the handshake, with session tickets for example. */
static void messages(void)
{
	EXPECT(say(server, QUIC_CRYPTO_APP, "\4\0\0\1x", 5) == 5);
	EXPECT(say(server, QUIC_CRYPTO_EARLY, "x", 1) == -EINVAL);
}

static void end(void)
{
	struct quic_connection_close close = { .errcode = 9, .phrase = "bye" };
	u32 len = sizeof(close);
	struct msghdr32 msg;
	char room[8];
	int n;

	EXPECT(set(client, QUIC_SOCKOPT_CONNECTION_CLOSE, &close, len) == 0);
	EXPECT(call(__NR_close, client, 0, 0, 0, 0) == 0);
	do {
		n = transfer(__NR_recvmsg, server, &msg, room, sizeof(room), 0,
			     0, 0);
	} while (n >= 0);
	EXPECT(n == -ENOTCONN);
	close = (struct quic_connection_close){};
	EXPECT(get(server, QUIC_SOCKOPT_CONNECTION_CLOSE, &close, &len) == 0);
	EXPECT(len == 72);
	EXPECT(close.errcode == 9);
	EXPECT(same(close.phrase, "bye", 4));
}

void _start(void)
{
	shake_hands();
	streams();
	options();
	messages();
	end();
	leave(0);
}
