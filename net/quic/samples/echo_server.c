// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/file.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/quic.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <net/handshake.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "echo.h"

#define QUIC_ECHO_BACKLOG	16

/**
 * struct quic_echo_server - one listener and its connections
 * @list:   place in quic_echo_servers
 * @net:    network namespace, not held: its end is the server's end
 * @sock:   the listener
 * @accept: takes new connections
 * @wq:     where @accept and all connections are at work
 * @lock:   guards @conns and @closing
 * @conns:  struct quic_echo_conn
 * @closing: take no more connections
 */
struct quic_echo_server {
	struct list_head list;
	struct net *net;
	struct socket *sock;
	struct work_struct accept;
	struct workqueue_struct *wq;
	struct mutex lock;	/* see above */
	struct list_head conns;
	bool closing;
};

/* One connection; it owns @file and thereby the socket. */
struct quic_echo_conn {
	struct list_head list;
	struct quic_echo_server *server;
	struct socket *sock;
	struct file *file;
	struct work_struct work;
	struct quic_echo_handshake handshake;
};

static DEFINE_MUTEX(quic_echo_mutex);	/* guards quic_echo_servers */
static LIST_HEAD(quic_echo_servers);

static int quic_echo_server_hello(struct quic_echo_conn *conn)
{
	/* The agent has a certificate. */
	struct tls_handshake_args args = {
		.ta_sock	= conn->sock,
		.ta_done	= quic_echo_done,
		.ta_data	= &conn->handshake,
		.ta_timeout_ms	= QUIC_ECHO_TIMEOUT_MS,
	};
	int err;

	init_completion(&conn->handshake.done);
	err = quic_handshake_request(tls_server_hello_x509, &args);
	if (err)
		return err;
	return quic_echo_wait(conn->sock, &conn->handshake);
}

static void quic_echo_serve(struct socket *sock, u8 *buf)
{
	bool fin;
	s64 id;
	int n;

	do {
		n = quic_echo_recv(sock, &id, buf, QUIC_ECHO_CHUNK, &fin);
		if (n < 0)
			return;
		/* There is no way back on a unidirectional stream. */
		if (id & QUIC_STREAM_TYPE_UNI_MASK)
			continue;
	} while (!quic_echo_send(sock, id, buf, n, fin));
}

static void quic_echo_conn_work(struct work_struct *work)
{
	struct quic_echo_conn *conn;
	u8 *buf;

	conn = container_of(work, struct quic_echo_conn, work);
	buf = kmalloc(QUIC_ECHO_CHUNK, GFP_KERNEL);
	if (buf && !quic_echo_server_hello(conn))
		quic_echo_serve(conn->sock, buf);
	kfree(buf);
	mutex_lock(&conn->server->lock);
	list_del(&conn->list);
	mutex_unlock(&conn->server->lock);
	fput(conn->file);
	kfree(conn);
}

static void quic_echo_new_conn(struct quic_echo_server *server,
			       struct socket *sock)
{
	struct quic_echo_conn *conn;
	struct file *file;

	file = quic_echo_file(sock);
	if (IS_ERR(file))
		return;
	conn = kzalloc_obj(*conn);
	if (!conn) {
		fput(file);
		return;
	}
	conn->server = server;
	conn->sock = sock;
	conn->file = file;
	INIT_WORK(&conn->work, quic_echo_conn_work);
	mutex_lock(&server->lock);
	if (!server->closing) {
		list_add(&conn->list, &server->conns);
		queue_work(server->wq, &conn->work);
		conn = NULL;
	}
	mutex_unlock(&server->lock);
	if (conn) {
		fput(file);
		kfree(conn);
	}
}

static void quic_echo_accept_work(struct work_struct *work)
{
	struct quic_echo_server *server;
	struct socket *sock;

	server = container_of(work, struct quic_echo_server, accept);
	/* Accepted before the handshake, as soon as a ClientHello is there. */
	while (!kernel_accept(server->sock, &sock, O_NONBLOCK))
		quic_echo_new_conn(server, sock);
}

/* May be called in softirq. */
static void quic_echo_data_ready(struct sock *sk)
{
	struct quic_echo_server *server;

	read_lock_bh(&sk->sk_callback_lock);
	server = sk->sk_user_data;
	if (server)
		queue_work(server->wq, &server->accept);
	read_unlock_bh(&sk->sk_callback_lock);
}

static void quic_echo_hook(struct quic_echo_server *server,
			   struct quic_echo_server *user_data)
{
	struct sock *sk = server->sock->sk;

	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_user_data = user_data;
	sk->sk_data_ready = quic_echo_data_ready;
	write_unlock_bh(&sk->sk_callback_lock);
}

/* Ends a server that nobody finds any more. Whatever waits for a connection
 * fails when that is shut down, and so the work of each comes to an end.
 */
static void quic_echo_stop(struct quic_echo_server *server)
{
	struct quic_echo_conn *conn;

	quic_echo_hook(server, NULL);
	cancel_work_sync(&server->accept);
	sock_release(server->sock);
	mutex_lock(&server->lock);
	server->closing = true;
	list_for_each_entry(conn, &server->conns, list) {
		if (tls_handshake_cancel(conn->sock->sk))
			quic_echo_done(&conn->handshake, -ECANCELED, 0);
		kernel_sock_shutdown(conn->sock, SHUT_RDWR);
	}
	mutex_unlock(&server->lock);
	destroy_workqueue(server->wq);
	kfree(server);
}

static int quic_echo_bind(struct quic_echo_server *server, struct net *net,
			  const struct sockaddr_storage *addr)
{
	int err;

	err = quic_echo_socket(net, addr, &server->sock);
	if (err)
		return err;
	err = kernel_bind(server->sock, (struct sockaddr_unsized *)addr,
			  sizeof(*addr));
	if (!err) {
		quic_echo_hook(server, server);
		err = kernel_listen(server->sock, QUIC_ECHO_BACKLOG);
	}
	if (err)
		sock_release(server->sock);
	return err;
}

/**
 * quic_echo_listen - start a server
 * @net:  network namespace
 * @addr: where it is to be found
 *
 * Return: 0 or a negative errno.
 */
int quic_echo_listen(struct net *net, const struct sockaddr_storage *addr)
{
	struct quic_echo_server *server;
	int err = -ENOMEM;

	server = kzalloc_obj(*server);
	if (!server)
		return -ENOMEM;
	server->net = net;
	mutex_init(&server->lock);
	INIT_LIST_HEAD(&server->conns);
	INIT_WORK(&server->accept, quic_echo_accept_work);
	server->wq = alloc_workqueue("quic_echo", WQ_UNBOUND, 0);
	if (!server->wq)
		goto err_free;
	err = quic_echo_bind(server, net, addr);
	if (err)
		goto err_wq;
	mutex_lock(&quic_echo_mutex);
	list_add(&server->list, &quic_echo_servers);
	mutex_unlock(&quic_echo_mutex);
	return 0;

err_wq:
	destroy_workqueue(server->wq);
err_free:
	kfree(server);
	return err;
}

/**
 * quic_echo_unlisten - end the servers of a network namespace
 * @net: the namespace, which may be about to go
 */
void quic_echo_unlisten(struct net *net)
{
	struct quic_echo_server *server, *next;
	LIST_HEAD(found);

	mutex_lock(&quic_echo_mutex);
	list_for_each_entry_safe(server, next, &quic_echo_servers, list)
		if (net_eq(server->net, net))
			list_move(&server->list, &found);
	mutex_unlock(&quic_echo_mutex);
	list_for_each_entry_safe(server, next, &found, list)
		quic_echo_stop(server);
}

/**
 * quic_echo_show - list servers, with the number of their connections
 * @seq: where to
 */
void quic_echo_show(struct seq_file *seq)
{
	struct quic_echo_server *server;

	mutex_lock(&quic_echo_mutex);
	list_for_each_entry(server, &quic_echo_servers, list) {
		mutex_lock(&server->lock);
		seq_printf(seq, "netns %u connections %zu\n",
			   server->net->ns.inum,
			   list_count_nodes(&server->conns));
		mutex_unlock(&server->lock);
	}
	mutex_unlock(&quic_echo_mutex);
}
