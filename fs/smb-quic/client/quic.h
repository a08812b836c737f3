/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SMB over QUIC, client side.
 *
 * A server connection with transport=quic sends its messages, each behind the
 * four bytes of length known from direct TCP, on one bidirectional stream of
 * one in-kernel QUIC connection. The TLS handshake is done by the user agent
 * behind net/handshake, which also verifies the server's certificate. Unless
 * the mount option is transport=auto there is no fallback to another transport,
 * and once a mount has a transport it keeps it.
 *
 * quic.c connects, quic_error.c explains why not. quic_security.c negotiates
 * whether SMB has to encrypt as well. quic_options.c has what the user chooses
 * and sees: mount options, which of them must agree for a connection to be
 * shared, and what /proc shows. It is built without CONFIG_CIFS_QUIC too, so
 * that a mount which asks for QUIC is told why it is refused.
 */
#ifndef _CIFS_QUIC_H
#define _CIFS_QUIC_H

#include <linux/key.h>
#include <linux/types.h>

struct cifs_ses;
struct fs_context;
struct seq_file;
struct smb2_neg_context;
struct smb3_fs_context;
struct socket;
struct TCP_Server_Info;

#define SMB_QUIC_PORT			443
#define CIFS_QUIC_ALPN			"smb"

#define CIFS_QUIC_HANDSHAKE_TIMEOUT	10	/* seconds */
#define CIFS_QUIC_HANDSHAKE_TIMEOUT_MAX	300

enum cifs_transport {
	CIFS_TRANSPORT_UNSPECIFIED,	/* no option given: TCP, or RDMA */
	CIFS_TRANSPORT_TCP,
	CIFS_TRANSPORT_QUIC,
	CIFS_TRANSPORT_AUTO,		/* until the mount has tried QUIC */
};

/**
 * struct cifs_quic_opts - mount options of a QUIC connection
 * @peername:	name the server's certificate must be good for, or NULL for the
 *		host name in the UNC
 * @keyring:	serial number of a keyring which the agent is to use, or 0
 * @mtls:	the client proves who it is, too
 * @cert:	serial number of the key with the client's certificate, or 0 for
 *		the one which the agent is configured with
 * @privkey:	serial number of the key with its private key, or 0
 * @timeout:	seconds which a handshake may take, 0 if not given
 * @seal:	SMB is to encrypt, too
 */
struct cifs_quic_opts {
	char		*peername;
	key_serial_t	keyring;
	bool		mtls;
	key_serial_t	cert;
	key_serial_t	privkey;
	unsigned int	timeout;
	bool		seal;
};

/**
 * struct cifs_quic - the QUIC side of a server connection
 * @opts:	options of the mount which made the connection; never change
 * @verified:	there is a connection, and the agent accepted the certificate
 * @peer_key:	key with the server's identity, if the agent named one
 * @offered:	the server was told that it need not encrypt SMB
 * @waived:	it agreed: QUIC alone protects this connection
 * @last_error:	result of the last attempt to connect, so that a server which
 *		stays away is logged once and not at each attempt
 * @refusal:	the error for a TLS alert with which the server has ended a
 *		connection, until somebody asks
 * @close_told:	the log has said why this connection ended; with srv_mutex held
 *
 * Only the task that connects or negotiates writes all but the first: the
 * mounting task before the server is on cifs_tcp_ses_list, then cifsd; and who
 * negotiates on a connection, while nobody else can use it. Readers take no
 * lock.
 */
struct cifs_quic {
	struct cifs_quic_opts	opts;
	bool			verified;
	key_serial_t		peer_key;
	bool			offered;
	bool			waived;
	int			last_error;
	int			refusal;
	bool			close_told;
};

#define cifs_quic_enabled(server) \
	(IS_ENABLED(CONFIG_CIFS_QUIC) && (server)->quic)

/* quic.c */
int cifs_quic_connect(struct TCP_Server_Info *server);
int cifs_quic_getsockopt(struct socket *sock, int optname, void *val, int len);

/* quic_error.c */
int cifs_quic_connect_error(struct socket *sock, int status);
void cifs_quic_log_error(struct TCP_Server_Info *server, int error);
void cifs_quic_log_close(struct TCP_Server_Info *server);
int cifs_quic_refusal(struct TCP_Server_Info *server, int error);

/* quic_security.c */
#ifdef CONFIG_CIFS_QUIC
unsigned int cifs_quic_offer_waiver(struct TCP_Server_Info *server, void *to,
				    unsigned int room);
void cifs_quic_accept_waiver(struct TCP_Server_Info *server,
			     const struct smb2_neg_context *context);
bool cifs_quic_encryption_waived(struct cifs_ses *ses);
#else
static inline unsigned int
cifs_quic_offer_waiver(struct TCP_Server_Info *server, void *to,
		       unsigned int room)
{
	return 0;
}

static inline void
cifs_quic_accept_waiver(struct TCP_Server_Info *server,
			const struct smb2_neg_context *context)
{
}

static inline bool cifs_quic_encryption_waived(struct cifs_ses *ses)
{
	return false;
}
#endif

/* quic_options.c */
struct TCP_Server_Info *cifs_quic_auto(struct smb3_fs_context *ctx);
int cifs_quic_check_key(struct fs_context *fc, const char *option, int serial);
int cifs_quic_validate(struct fs_context *fc, struct smb3_fs_context *ctx);
int cifs_quic_verify_remount(struct fs_context *fc,
			     const struct smb3_fs_context *new_ctx,
			     const struct smb3_fs_context *old_ctx);
void cifs_quic_inherit(struct smb3_fs_context *new_ctx,
		       struct smb3_fs_context *old_ctx);
int cifs_quic_init(struct TCP_Server_Info *server,
		   const struct smb3_fs_context *ctx);
void cifs_quic_free(struct TCP_Server_Info *server);
u16 cifs_quic_port(const struct TCP_Server_Info *server);
void cifs_quic_copy_opts(struct smb3_fs_context *ctx,
			 const struct TCP_Server_Info *server);
bool cifs_quic_match(const struct TCP_Server_Info *server,
		     const struct smb3_fs_context *ctx);
void cifs_quic_show_options(struct seq_file *m,
			    const struct TCP_Server_Info *server);
void cifs_quic_debug_show(struct seq_file *m, struct TCP_Server_Info *server,
			  const char *indent);

#endif /* _CIFS_QUIC_H */
