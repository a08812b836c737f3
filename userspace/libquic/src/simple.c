// SPDX-License-Identifier: GPL-2.0-or-later
/* Handshakes with nothing but a socket and files. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/tls.h>

#include "libquic.h"

#define ALPN_SIZE	256
#define TICKET_KEY_SIZE	64
#define PRIORITY_SIZE	320

/* What one handshake needs and is freed after it. */
struct simple {
	gnutls_session_t session;
	struct quic_tls *tls;
	struct quic_psk_list psks;
	gnutls_certificate_credentials_t certificates;
	gnutls_psk_client_credentials_t psk_client;
	gnutls_psk_server_credentials_t psk_server;
};

static void simple_free(struct simple *simple)
{
	if (simple->session)
		gnutls_deinit(simple->session);
	if (simple->certificates)
		gnutls_certificate_free_credentials(simple->certificates);
	if (simple->psk_client)
		gnutls_psk_free_client_credentials(simple->psk_client);
	if (simple->psk_server)
		gnutls_psk_free_server_credentials(simple->psk_server);
	quic_psk_free(&simple->psks);
}

static int failed(const char *what, int code)
{
	quic_log(LOG_ERR, "%s: %s", what, gnutls_strerror(code));
	return quic_tls_errno(code);
}

/* Whether a file is PEM: a private key, not pre-shared ones. */
static int is_pem(const char *path)
{
	FILE *file = fopen(path, "re");
	size_t size = 0;
	char *line = NULL;
	int found = 0;

	if (!file) {
		found = -errno;
		quic_log(LOG_ERR, "%s: %m", path);
		return found;
	}
	while (!found && getline(&line, &size, file) >= 0)
		found = !strncmp(line, "-----BEGIN ", 11);
	if (line)
		explicit_bzero(line, size);
	free(line);
	fclose(file);
	return found;
}

static void add_cipher(char *priority, unsigned int type)
{
	static const char *const names[] = {
		[TLS_CIPHER_AES_GCM_128] = "AES-128-GCM",
		[TLS_CIPHER_AES_GCM_256] = "AES-256-GCM",
		[TLS_CIPHER_AES_CCM_128] = "AES-128-CCM",
		[TLS_CIPHER_CHACHA20_POLY1305] = "CHACHA20-POLY1305",
	};
	size_t len = strlen(priority);

	if (type < sizeof(names) / sizeof(names[0]) && names[type])
		snprintf(priority + len, PRIORITY_SIZE - len, ":+%s",
			 names[type]);
}

/* All ciphers, in the order in which the kernel has found them to be fast; but
 * AES-CCM last, whose keys do not last as long (RFC 9001, B.2).
 */
static void add_measured(char *priority)
{
	FILE *file = fopen("/proc/net/quic/ciphers", "re");
	unsigned int type;
	char line[80];

	if (!file) {
		strcpy(priority, QUIC_PRIORITY);
		return;
	}
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%u", &type) == 1 &&
		    type != TLS_CIPHER_AES_CCM_128)
			add_cipher(priority, type);
	fclose(file);
	add_cipher(priority, TLS_CIPHER_AES_CCM_128);
}

/* QUIC_PRIORITY, narrowed to the cipher that the socket is configured for. */
static int set_priority(gnutls_session_t session,
			const struct quic_config *config)
{
	char priority[PRIORITY_SIZE] = QUIC_PRIORITY ":-CIPHER-ALL";
	int ret;

	if (config->payload_cipher_type)
		add_cipher(priority, config->payload_cipher_type);
	else
		add_measured(priority);
	/* For a cipher that QUIC lacks. */
	if (!strchr(priority + sizeof(QUIC_PRIORITY), '+'))
		strcpy(priority, QUIC_PRIORITY);
	ret = gnutls_priority_set_direct(session, priority, NULL);
	return ret < 0 ? failed("priorities", ret) : 0;
}

/* The protocols given; without them those of the socket, if it has some. */
static int set_alpn(gnutls_session_t session, int sd, const char *alpns)
{
	char list[ALPN_SIZE] = "";
	socklen_t len = sizeof(list) - 1;
	int ret;

	if (!alpns) {
		if (getsockopt(sd, SOL_QUIC, QUIC_SOCKOPT_ALPN, list, &len))
			return 0;
		list[len] = '\0';
		alpns = list;
	}
	if (!*alpns)
		return 0;
	ret = quic_session_set_alpn(session, alpns, strlen(alpns));
	if (ret)
		quic_log(LOG_ERR, "not a list of protocols: %s", alpns);
	return ret;
}

/* Tells who looks at a server's socket which protocol was chosen. */
static void keep_alpn(gnutls_session_t session, int sd)
{
	char alpn[ALPN_SIZE];
	size_t size = sizeof(alpn);

	if (!quic_session_get_alpn(session, alpn, &size))
		setsockopt(sd, SOL_QUIC, QUIC_SOCKOPT_ALPN, alpn,
			   (socklen_t)size);
}

static int open_session(struct simple *simple, int sd, const char *alpns,
			const struct quic_config *config, unsigned int flags)
{
	int ret;

	ret = gnutls_init(&simple->session, flags | GNUTLS_NONBLOCK |
			  GNUTLS_NO_SIGNAL | GNUTLS_NO_AUTO_SEND_TICKET |
			  GNUTLS_NO_END_OF_EARLY_DATA);
	if (ret < 0)
		return failed("session", ret);
	gnutls_transport_set_int(simple->session, sd);
	ret = quic_tls_get(simple->session, &simple->tls);
	if (!ret)
		ret = set_priority(simple->session, config);
	if (!ret)
		ret = set_alpn(simple->session, sd, alpns);
	return ret;
}

static int load_psks(struct simple *simple, const char *path)
{
	int ret = quic_psk_load(path, &simple->psks);

	if (ret)
		quic_log(LOG_ERR, "%s: %s", path, ret == -EINVAL ?
			 "not lines of NAME:KEY-IN-HEX" : strerror(-ret));
	simple->tls->psks = &simple->psks;
	return ret;
}

/* Certificates: own ones from files, if there are any, and whom to believe. */
static int use_certificates(struct simple *simple, const char *cert,
			    const char *key)
{
	gnutls_certificate_credentials_t *credentials = &simple->certificates;
	int ret;

	ret = gnutls_certificate_allocate_credentials(credentials);
	if (ret < 0)
		return failed("credentials", ret);
	ret = gnutls_certificate_set_x509_system_trust(*credentials);
	if (ret < 0)
		quic_log(LOG_WARNING, "trust store: %s", gnutls_strerror(ret));
	if (cert) {
		ret = gnutls_certificate_set_x509_key_file(*credentials, cert,
							   key,
							   GNUTLS_X509_FMT_PEM);
		if (ret < 0) {
			quic_log(LOG_ERR, "%s, %s: %s", cert, key,
				 gnutls_strerror(ret));
			return ret == GNUTLS_E_FILE_ERROR ? -ENOENT : -EINVAL;
		}
	}
	ret = gnutls_credentials_set(simple->session, GNUTLS_CRD_CERTIFICATE,
				     *credentials);
	return ret < 0 ? failed("credentials", ret) : 0;
}

static int use_client_psk(struct simple *simple, const char *path)
{
	int ret = load_psks(simple, path);

	if (ret)
		return ret;
	ret = gnutls_psk_allocate_client_credentials(&simple->psk_client);
	if (!ret)
		ret = gnutls_psk_set_client_credentials2(simple->psk_client,
				&simple->psks.psk[0].name,
				&simple->psks.psk[0].key, GNUTLS_PSK_KEY_RAW);
	if (!ret)
		ret = gnutls_credentials_set(simple->session, GNUTLS_CRD_PSK,
					     simple->psk_client);
	return ret < 0 ? failed("pre-shared key", ret) : 0;
}

/* A client names a pre-shared key. */
static int find_psk(gnutls_session_t session, const gnutls_datum_t *name,
		    gnutls_datum_t *key)
{
	struct quic_tls *tls = quic_tls_find(session);
	const struct quic_psk *psk = quic_psk_find(tls->psks, name);

	tls->psk_asked = true;
	tls->psk_unknown = !psk;
	if (!psk)
		return -1;
	key->data = gnutls_malloc(psk->key.size);
	if (!key->data)
		return -1;
	memcpy(key->data, psk->key.data, psk->key.size);
	key->size = psk->key.size;
	return 0;
}

static int use_server_psks(struct simple *simple, const char *path)
{
	int ret = load_psks(simple, path);

	if (ret)
		return ret;
	ret = gnutls_psk_allocate_server_credentials(&simple->psk_server);
	if (!ret) {
		gnutls_psk_set_server_credentials_function2(simple->psk_server,
							    find_psk);
		ret = gnutls_credentials_set(simple->session, GNUTLS_CRD_PSK,
					     simple->psk_server);
	}
	return ret < 0 ? failed("pre-shared keys", ret) : 0;
}

static bool is_address(const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, address) == 1 ||
	       inet_pton(AF_INET6, host, address) == 1;
}

/* Whom the client wants to talk to: indicated to it, and asked of it. */
static int expect_host(struct simple *simple, const char *host)
{
	int ret;

	if (!host) {
		if (simple->certificates)
			quic_log(LOG_INFO, "no host: the server is not verified");
		return 0;
	}
	simple->tls->host = host;
	if (simple->certificates)
		gnutls_session_set_verify_function(simple->session,
						   quic_verify);
	if (is_address(host))
		return 0;
	ret = gnutls_server_name_set(simple->session, GNUTLS_NAME_DNS, host,
				     strlen(host));
	return ret < 0 ? failed(host, ret) : 0;
}

static int set_up_client(struct simple *simple, const char *pkey_or_psk_file,
			 const char *host)
{
	int ret = pkey_or_psk_file ? is_pem(pkey_or_psk_file) : 1;

	if (ret < 0)
		return ret;
	if (ret)
		ret = use_certificates(simple, pkey_or_psk_file,
				       pkey_or_psk_file);
	else
		ret = use_client_psk(simple, pkey_or_psk_file);
	if (ret)
		return ret;
	return expect_host(simple, host);
}

/* What the socket is configured for; all zero if it is not a QUIC socket. */
static struct quic_config config_of(int sd)
{
	struct quic_config config = { 0 };
	socklen_t len = sizeof(config);

	if (getsockopt(sd, SOL_QUIC, QUIC_SOCKOPT_CONFIG, &config, &len))
		config = (struct quic_config){ 0 };
	return config;
}

int quic_client_handshake(int sd, const char *pkey_or_psk_file,
			  const char *host, const char *alpns)
{
	struct quic_config config = config_of(sd);
	struct simple simple = { 0 };
	int ret;

	ret = open_session(&simple, sd, alpns, &config, GNUTLS_CLIENT);
	if (!ret)
		ret = set_up_client(&simple, pkey_or_psk_file, host);
	if (!ret)
		ret = quic_handshake(simple.session);
	simple_free(&simple);
	return ret;
}

/* Tickets, by the key that the kernel derives for this client. */
static int enable_tickets(gnutls_session_t session, int sd)
{
	unsigned char bytes[TICKET_KEY_SIZE];
	gnutls_datum_t key = { .data = bytes };
	socklen_t len = sizeof(bytes);
	int ret;

	if (getsockopt(sd, SOL_QUIC, QUIC_SOCKOPT_SESSION_TICKET, bytes, &len))
		return -errno;
	key.size = len;
	ret = gnutls_session_ticket_enable_server(session, &key);
	explicit_bzero(bytes, sizeof(bytes));
	return ret < 0 ? failed("session ticket key", ret) : 0;
}

static int set_up_server(struct simple *simple, int sd,
			 const char *pkey_or_psk_file, const char *cert_file,
			 const struct quic_config *config)
{
	int ret;

	if (!pkey_or_psk_file)
		return -EINVAL;
	ret = enable_tickets(simple->session, sd);
	if (ret)
		return ret;
	if (!cert_file)
		return use_server_psks(simple, pkey_or_psk_file);
	ret = use_certificates(simple, cert_file, pkey_or_psk_file);
	if (ret || !config->certificate_request)
		return ret;
	gnutls_certificate_server_set_request(simple->session,
			config->certificate_request == GNUTLS_CERT_REQUIRE ?
			GNUTLS_CERT_REQUIRE : GNUTLS_CERT_REQUEST);
	/* Else a client keeps a certificate of another issuer to itself. */
	gnutls_certificate_send_x509_rdn_sequence(simple->session, 1);
	gnutls_session_set_verify_function(simple->session, quic_verify);
	return 0;
}

int quic_server_handshake(int sd, const char *pkey_or_psk_file,
			  const char *cert_file, const char *alpns)
{
	struct quic_config config = config_of(sd);
	struct simple simple = { 0 };
	int ret;

	ret = open_session(&simple, sd, alpns, &config, GNUTLS_SERVER);
	if (!ret)
		ret = set_up_server(&simple, sd, pkey_or_psk_file, cert_file,
				    &config);
	if (!ret)
		ret = quic_handshake(simple.session);
	if (!ret)
		keep_alpn(simple.session, sd);
	simple_free(&simple);
	return ret;
}
