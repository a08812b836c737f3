/* SPDX-License-Identifier: GPL-2.0-only */
/* Sample users of QUIC inside the kernel: an echo server and its client. They
 * show, in the order in which one needs it, what <linux/quic.h> describes.
 *
 * Writing to these files does it, in the network namespace of who writes:
 *
 *	/sys/kernel/debug/quic_echo/listen	"ADDRESS PORT"
 *	/sys/kernel/debug/quic_echo/unlisten	anything: all listeners close
 *	/sys/kernel/debug/quic_echo/connect	"ADDRESS PORT SERVERNAME BYTES"
 *
 * A write to "connect" returns when so many bytes have come back, or fails with
 * the errno that says why they have not. "servers" lists what there is.
 */
#ifndef _NET_QUIC_SAMPLES_ECHO_H
#define _NET_QUIC_SAMPLES_ECHO_H

#include <linux/completion.h>
#include <linux/key.h>
#include <linux/types.h>

#define QUIC_ECHO_ALPN		"echo"
#define QUIC_ECHO_CHUNK		16384
#define QUIC_ECHO_TIMEOUT_MS	10000

struct file;
struct net;
struct seq_file;
struct sockaddr_storage;
struct socket;

/* A handshake that somebody waits for. */
struct quic_echo_handshake {
	struct completion done;
	int status;
};

/* echo_socket.c: what both sides need */
int quic_echo_socket(struct net *net, const struct sockaddr_storage *addr,
		     struct socket **sockp);
struct file *quic_echo_file(struct socket *sock);
void quic_echo_done(void *data, int status, key_serial_t peer);
int quic_echo_wait(struct socket *sock, struct quic_echo_handshake *handshake);
int quic_echo_send(struct socket *sock, s64 id, const void *buf, size_t len,
		   bool fin);
int quic_echo_recv(struct socket *sock, s64 *id, void *buf, size_t len,
		   bool *fin);

/* echo_client.c */
int quic_echo_connect(struct net *net, const struct sockaddr_storage *addr,
		      const char *name, u32 bytes);

/* echo_server.c */
int quic_echo_listen(struct net *net, const struct sockaddr_storage *addr);
void quic_echo_unlisten(struct net *net);
void quic_echo_show(struct seq_file *seq);

#endif /* _NET_QUIC_SAMPLES_ECHO_H */
