// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/file.h>
#include <linux/net.h>
#include <linux/quic.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/sockptr.h>
#include <net/handshake.h>
#include <net/sock.h>

#include "echo.h"

/* What the default windows let both sides send without any reader. */
#define QUIC_ECHO_BYTES_MAX	SZ_1M

static int quic_echo_client_hello(struct socket *sock, const char *name)
{
	struct quic_echo_handshake handshake = {};
	struct tls_handshake_args args = {
		.ta_sock	= sock,
		.ta_done	= quic_echo_done,
		.ta_data	= &handshake,
		.ta_peername	= name,
		.ta_timeout_ms	= QUIC_ECHO_TIMEOUT_MS,
	};
	int err;

	err = quic_session_resume(sock->sk, &args, false);
	if (err)
		return err;
	init_completion(&handshake.done);
	err = quic_handshake_request(tls_client_hello_anon, &args);
	if (err)
		return err;
	return quic_echo_wait(sock, &handshake);
}

static int quic_echo_open_stream(struct socket *sock, s64 *id)
{
	struct quic_stream_info info = { .stream_id = -1 };
	int err, len = sizeof(info);

	err = quic_do_getsockopt(sock->sk, QUIC_SOCKOPT_STREAM_OPEN,
				 KERNEL_SOCKPTR(&info), KERNEL_SOCKPTR(&len));
	if (!err)
		*id = info.stream_id;
	return err;
}

static u8 quic_echo_pattern(u32 pos)
{
	return pos * 31 + (pos >> 8);
}

static int quic_echo_send_pattern(struct socket *sock, s64 id, u8 *buf,
				  u32 bytes)
{
	u32 pos = 0, len, i;
	int err;

	do {
		len = min_t(u32, bytes - pos, QUIC_ECHO_CHUNK);
		for (i = 0; i < len; i++)
			buf[i] = quic_echo_pattern(pos + i);
		pos += len;
		err = quic_echo_send(sock, id, buf, len, pos == bytes);
	} while (!err && pos < bytes);
	return err;
}

/* -EBADMSG: something else has come back. */
static int quic_echo_recv_pattern(struct socket *sock, s64 want, u8 *buf,
				  u32 bytes)
{
	bool fin = false;
	u32 pos = 0, i;
	s64 id;
	int n;

	while (!fin) {
		n = quic_echo_recv(sock, &id, buf, QUIC_ECHO_CHUNK, &fin);
		if (n < 0)
			return n;
		if (id != want || n > bytes - pos)
			return -EBADMSG;
		for (i = 0; i < n; i++)
			if (buf[i] != quic_echo_pattern(pos + i))
				return -EBADMSG;
		pos += n;
	}
	return pos == bytes ? 0 : -EBADMSG;
}

static int quic_echo_exchange(struct socket *sock, u32 bytes)
{
	u8 *buf;
	s64 id;
	int err;

	err = quic_echo_open_stream(sock, &id);
	if (err)
		return err;
	buf = kmalloc(QUIC_ECHO_CHUNK, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	err = quic_echo_send_pattern(sock, id, buf, bytes);
	if (!err)
		err = quic_echo_recv_pattern(sock, id, buf, bytes);
	kfree(buf);
	return err;
}

/**
 * quic_echo_connect - send bytes to an echo server and compare what comes back
 * @net:   network namespace
 * @addr:  the server
 * @name:  what its certificate has to say
 * @bytes: how many
 *
 * Return: 0 or a negative errno.
 */
int quic_echo_connect(struct net *net, const struct sockaddr_storage *addr,
		      const char *name, u32 bytes)
{
	struct socket *sock;
	struct file *file;
	int err;

	if (bytes > QUIC_ECHO_BYTES_MAX)
		return -EMSGSIZE;
	err = quic_echo_socket(net, addr, &sock);
	if (err)
		return err;
	file = quic_echo_file(sock);
	if (IS_ERR(file))
		return PTR_ERR(file);
	/* Chooses addresses; nothing is sent before the agent's ClientHello. */
	err = kernel_connect(sock, (struct sockaddr_unsized *)addr,
			     sizeof(*addr), 0);
	if (!err)
		err = quic_echo_client_hello(sock, name);
	if (!err)
		err = quic_echo_exchange(sock, bytes);
	fput(file);
	return err;
}
