// SPDX-License-Identifier: GPL-2.0-only
/*
 * SMB over QUIC: mount options, connection sharing, /proc.
 *
 * The options decide whom the client trusts. Two rules follow. A connection is
 * shared only by mounts that agree in all of them. And they are for life: a
 * remount, a DFS referral and a further channel inherit them.
 */
#include <linux/fs_context.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/key.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "cifsglob.h"
#include "cifsproto.h"
#include "cifs_debug.h"
#include "fs_context.h"
#include "quic.h"

/**
 * cifs_quic_check_key - check a key's serial number given as mount option
 * @fc:		mount
 * @option:	name of the option
 * @serial:	its value
 *
 * The agent uses the key later and under its own rights. Checking here gives
 * the message to whom mistyped the number.
 *
 * Return: 0, or a negative errno if there is no such key.
 */
int cifs_quic_check_key(struct fs_context *fc, const char *option, int serial)
{
	struct key *key = key_lookup(serial);
	int rc = 0;

	if (IS_ERR(key)) {
		errorf(fc, "cifs: %s=%d: there is no such key", option, serial);
		return PTR_ERR(key);
	}
	if (test_bit(KEY_FLAG_REVOKED, &key->flags) ||
	    test_bit(KEY_FLAG_INVALIDATED, &key->flags)) {
		errorf(fc, "cifs: %s=%d: the key is revoked", option, serial);
		rc = -EKEYREVOKED;
	}
	key_put(key);
	return rc;
}

static bool cifs_quic_has_opts(const struct cifs_quic_opts *opts)
{
	return opts->peername || opts->keyring || opts->mtls || opts->cert ||
	       opts->privkey || opts->timeout;
}

/* NULL, or the option that makes no sense over QUIC. */
static const char *cifs_quic_conflict(const struct smb3_fs_context *ctx)
{
	if (ctx->rdma)
		return "rdma";
	if (ctx->rootfs)
		return "rootfs";	/* no agent runs that early */
	if (ctx->witness)
		return "witness";
	if (ctx->rfc1001_sessinit == 1)
		return "nbsessinit";
	if (ctx->port == RFC1001_PORT)
		return "port=139";
	if (ctx->got_version &&
	    ctx->vals != &smb311_values && ctx->vals != &smb3any_values &&
	    ctx->vals != &smbdefault_values)
		return "vers= below 3.1.1";
	return NULL;
}

/* Servers accept SMB over QUIC from 3.1.1 on: offer nothing less. */
static void cifs_quic_complete(struct smb3_fs_context *ctx)
{
	ctx->ops = &smb311_operations;
	ctx->vals = &smb311_values;
	ctx->got_version = true;
	if (!ctx->port)
		ctx->port = SMB_QUIC_PORT;
}

/**
 * cifs_quic_validate - check the options of a mount, and complete them
 * @fc:		mount
 * @ctx:	its options
 *
 * Return: 0, -EINVAL for options that do not go together, -EPROTONOSUPPORT in a
 * kernel without SMB over QUIC.
 */
int cifs_quic_validate(struct fs_context *fc, struct smb3_fs_context *ctx)
{
	const char *conflict;

	if (ctx->transport != CIFS_TRANSPORT_QUIC &&
	    ctx->transport != CIFS_TRANSPORT_AUTO) {
		if (!cifs_quic_has_opts(&ctx->quic))
			return 0;
		return invalf(fc, "cifs: options for TLS are given, but not transport=quic");
	}

	if (!IS_ENABLED(CONFIG_CIFS_QUIC)) {
		if (ctx->transport == CIFS_TRANSPORT_AUTO)
			return 0;
		errorf(fc, "cifs: this kernel is built without SMB over QUIC (CONFIG_CIFS_QUIC)");
		return -EPROTONOSUPPORT;
	}

	conflict = cifs_quic_conflict(ctx);
	if (conflict)
		return invalf(fc, "cifs: QUIC cannot be used with %s", conflict);

	if (!ctx->quic.cert != !ctx->quic.privkey)
		return invalf(fc, "cifs: cert_serial and privkey_serial must be given together");

	if (ctx->quic.cert)
		ctx->quic.mtls = true;
	ctx->quic.seal = ctx->seal;

	if (ctx->transport == CIFS_TRANSPORT_QUIC)
		cifs_quic_complete(ctx);
	return 0;
}

/*
 * Nobody speaks SMB over QUIC there, or this side cannot. Not: somebody does
 * whom the client does not trust.
 */
static bool cifs_quic_may_fall_back(int error)
{
	switch (error) {
	case -EPROTONOSUPPORT:
	case -ESRCH:
	case -ENOPROTOOPT:
	case -ECONNREFUSED:
	case -EHOSTUNREACH:
	case -ENETUNREACH:
	case -ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

static void cifs_quic_set_port(struct smb3_fs_context *ctx, unsigned short port)
{
	ctx->port = port;
	cifs_set_port((struct sockaddr *)&ctx->dstaddr, port);
}

static struct TCP_Server_Info *cifs_quic_try(struct smb3_fs_context *ctx)
{
	if (!IS_ENABLED(CONFIG_CIFS_QUIC))
		return ERR_PTR(-EPROTONOSUPPORT);

	ctx->transport = CIFS_TRANSPORT_QUIC;
	cifs_quic_complete(ctx);
	cifs_quic_set_port(ctx, ctx->port);
	return cifs_get_tcp_session(ctx, NULL);
}

/**
 * cifs_quic_auto - connect a mount with transport=auto
 * @ctx: options of the mount; in the end they name the transport that was taken
 *
 * What is mounted below, or mounted again, starts from these options and stays
 * with that transport.
 *
 * Return: the connection, or an ERR_PTR.
 */
struct TCP_Server_Info *cifs_quic_auto(struct smb3_fs_context *ctx)
{
	struct smb_version_operations *ops = ctx->ops;
	struct smb_version_values *vals = ctx->vals;
	unsigned short port = ctx->port;
	struct TCP_Server_Info *server;
	int error;

	server = cifs_quic_try(ctx);
	if (!IS_ERR(server)) {
		cifs_info("%s: transport=auto has found QUIC\n", ctx->UNC);
		return server;
	}
	error = PTR_ERR(server);
	if (!cifs_quic_may_fall_back(error))
		return server;

	ctx->transport = CIFS_TRANSPORT_TCP;
	ctx->ops = ops;
	ctx->vals = vals;
	cifs_quic_set_port(ctx, port);
	server = cifs_get_tcp_session(ctx, NULL);
	if (IS_ERR(server))
		ctx->transport = CIFS_TRANSPORT_AUTO;
	else
		cifs_info("%s: transport=auto has found TCP, QUIC gave error %d\n",
			  ctx->UNC, error);
	return server;
}

/**
 * cifs_quic_verify_remount - refuse to change the transport of a mount
 * @fc:		remount
 * @new_ctx:	its options, of which those not given have no value
 * @old_ctx:	options of the mount
 *
 * Return: 0 or -EINVAL.
 */
int cifs_quic_verify_remount(struct fs_context *fc,
			     const struct smb3_fs_context *new_ctx,
			     const struct smb3_fs_context *old_ctx)
{
	bool was_quic = old_ctx->transport == CIFS_TRANSPORT_QUIC;
	bool is_quic = new_ctx->transport == CIFS_TRANSPORT_QUIC;
	const struct cifs_quic_opts *new = &new_ctx->quic;
	const struct cifs_quic_opts *old = &old_ctx->quic;

	if (new_ctx->transport != CIFS_TRANSPORT_UNSPECIFIED &&
	    new_ctx->transport != CIFS_TRANSPORT_AUTO &&
	    is_quic != was_quic)
		return invalf(fc, "cifs: can not change transport during remount");
	if ((new->peername && (!old->peername ||
			       strcasecmp(new->peername, old->peername))) ||
	    (new->keyring && new->keyring != old->keyring) ||
	    (new->mtls && !old->mtls) ||
	    (new->cert && new->cert != old->cert) ||
	    (new->privkey && new->privkey != old->privkey) ||
	    (new->timeout && new->timeout != old->timeout))
		return invalf(fc, "cifs: can not change options for TLS during remount");
	if (was_quic && new_ctx->port && new_ctx->port != old_ctx->port)
		return invalf(fc, "cifs: can not change port during remount");
	return 0;
}

/**
 * cifs_quic_inherit - keep the transport of a mount in a remount
 * @new_ctx:	options of the remount
 * @old_ctx:	options of the mount, which give up their strings
 *
 * DFS mounts below this one start from the new options, and would otherwise
 * silently fall back to TCP.
 */
void cifs_quic_inherit(struct smb3_fs_context *new_ctx,
		       struct smb3_fs_context *old_ctx)
{
	kfree(new_ctx->quic.peername);
	new_ctx->quic = old_ctx->quic;
	old_ctx->quic.peername = NULL;

	new_ctx->transport = old_ctx->transport;
	if (old_ctx->transport != CIFS_TRANSPORT_QUIC)
		return;

	new_ctx->port = old_ctx->port;
	new_ctx->ops = old_ctx->ops;
	new_ctx->vals = old_ctx->vals;
}

/**
 * cifs_quic_init - give a new server its transport
 * @server:	server that nobody else knows of
 * @ctx:	options of the mount it is for
 *
 * Return: 0, also if the transport is not QUIC, or -ENOMEM.
 */
int cifs_quic_init(struct TCP_Server_Info *server,
		   const struct smb3_fs_context *ctx)
{
	struct cifs_quic *quic;

	if (ctx->transport != CIFS_TRANSPORT_QUIC)
		return 0;

	quic = kzalloc_obj(*quic);
	if (!quic)
		return -ENOMEM;

	quic->opts = ctx->quic;
	if (ctx->quic.peername) {
		quic->opts.peername = kstrdup(ctx->quic.peername, GFP_KERNEL);
		if (!quic->opts.peername) {
			kfree(quic);
			return -ENOMEM;
		}
	}
	server->quic = quic;
	return 0;
}

/**
 * cifs_quic_free - undo cifs_quic_init()
 * @server: server without a socket
 */
void cifs_quic_free(struct TCP_Server_Info *server)
{
	if (!server->quic)
		return;

	kfree(server->quic->opts.peername);
	kfree(server->quic);
	server->quic = NULL;
}

/**
 * cifs_quic_port - the server's UDP port
 * @server: server
 *
 * Return: the port in host byte order.
 */
u16 cifs_quic_port(const struct TCP_Server_Info *server)
{
	const struct sockaddr_in6 *in6 = (const void *)&server->dstaddr;
	const struct sockaddr_in *in = (const void *)&server->dstaddr;

	return ntohs(server->dstaddr.ss_family == AF_INET6 ? in6->sin6_port :
							     in->sin_port);
}

/**
 * cifs_quic_copy_opts - let a further channel use the transport of the first
 * @ctx:	options of the channel; they borrow the strings
 * @server:	primary channel
 */
void cifs_quic_copy_opts(struct smb3_fs_context *ctx,
			 const struct TCP_Server_Info *server)
{
	if (!server->quic)
		return;

	ctx->transport = CIFS_TRANSPORT_QUIC;
	ctx->quic = server->quic->opts;
}

static bool cifs_quic_same_name(const char *a, const char *b)
{
	return a && b ? !strcasecmp(a, b) : a == b;
}

/**
 * cifs_quic_match - may a mount use the connection of another one?
 * @server:	connection
 * @ctx:	options of the mount
 *
 * Return: whether both mean the same transport and trust the same server.
 */
bool cifs_quic_match(const struct TCP_Server_Info *server,
		     const struct smb3_fs_context *ctx)
{
	const struct cifs_quic_opts *opts;

	if (!server->quic)
		return ctx->transport != CIFS_TRANSPORT_QUIC;
	if (ctx->transport != CIFS_TRANSPORT_QUIC)
		return false;

	opts = &server->quic->opts;
	return cifs_quic_same_name(opts->peername, ctx->quic.peername) &&
	       opts->keyring == ctx->quic.keyring &&
	       opts->mtls == ctx->quic.mtls &&
	       opts->cert == ctx->quic.cert &&
	       opts->privkey == ctx->quic.privkey &&
	       opts->timeout == ctx->quic.timeout &&
	       opts->seal == ctx->quic.seal;
}

/**
 * cifs_quic_show_options - print the transport as mount options
 * @m:		/proc/mounts
 * @server:	connection of the mount
 */
void cifs_quic_show_options(struct seq_file *m,
			    const struct TCP_Server_Info *server)
{
	const struct cifs_quic_opts *opts;
	u16 port;

	if (!server->quic)
		return;

	opts = &server->quic->opts;
	seq_puts(m, ",transport=quic");
	port = cifs_quic_port(server);
	if (port != SMB_QUIC_PORT)
		seq_printf(m, ",port=%u", port);
	if (opts->peername)
		seq_show_option(m, "tls_peername", opts->peername);
	if (opts->keyring)
		seq_printf(m, ",keyring_serial=%d", opts->keyring);
	if (opts->mtls)
		seq_puts(m, ",mtls");
	if (opts->cert)
		seq_printf(m, ",cert_serial=%d,privkey_serial=%d", opts->cert,
			   opts->privkey);
	if (opts->timeout)
		seq_printf(m, ",handshake_timeout=%u", opts->timeout);
}

/**
 * cifs_quic_debug_show - print the state of the transport
 * @m:		/proc/fs/cifs/DebugData
 * @server:	connection
 * @indent:	what to begin a line with
 */
void cifs_quic_debug_show(struct seq_file *m, struct TCP_Server_Info *server,
			  const char *indent)
{
	const struct cifs_quic *quic = server->quic;
	key_serial_t peer_key;

	if (!quic)
		return;

	seq_printf(m, "%sTransport: QUIC ALPN: %s UDP port: %u",
		   indent, CIFS_QUIC_ALPN, cifs_quic_port(server));
	/* Channels have the name of their session's first connection, and are
	 * shown with a lock held that is taken inside srv_lock.
	 */
	if (!SERVER_IS_CHAN(server)) {
		spin_lock(&server->srv_lock);
		seq_printf(m, " Peer name: %s",
			   quic->opts.peername ?: server->hostname);
		spin_unlock(&server->srv_lock);
	}
	if (READ_ONCE(quic->verified))
		seq_puts(m, " Certificate: verified");
	else
		seq_printf(m, " Certificate: none Last error: %d",
			   READ_ONCE(quic->last_error));
	seq_printf(m, " SMB encryption: %s",
		   READ_ONCE(quic->waived) ? "waived" : "as negotiated");
	peer_key = READ_ONCE(quic->peer_key);
	if (peer_key)
		seq_printf(m, " Peer key: %d", peer_key);
}
