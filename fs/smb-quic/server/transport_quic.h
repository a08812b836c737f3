/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SMB over QUIC, server side.
 *
 * Each interface that ksmbd listens on has a listener for QUIC beside the one
 * for TCP, if the module parameter quic_port says so. A connection is one
 * bidirectional stream that its client opens, with the framing of direct TCP.
 * The TLS handshake is done by the user agent behind net/handshake, in the
 * initial network namespace, with the certificate the agent is configured with.
 */
#ifndef __KSMBD_TRANSPORT_QUIC_H__
#define __KSMBD_TRANSPORT_QUIC_H__

struct ksmbd_quic_listener;
struct ksmbd_transport;

#ifdef CONFIG_SMB_SERVER_QUIC
int ksmbd_quic_init(void);
void ksmbd_quic_destroy(void);
struct ksmbd_quic_listener *ksmbd_quic_listen(const char *ifname);
void ksmbd_quic_stop_listening(struct ksmbd_quic_listener *l);
bool ksmbd_quic_transport(const struct ksmbd_transport *kt);
bool ksmbd_quic_refuses_share(const struct ksmbd_transport *kt,
			      const char *share);
#else
static inline int ksmbd_quic_init(void) { return 0; }
static inline void ksmbd_quic_destroy(void) { }
static inline struct ksmbd_quic_listener *ksmbd_quic_listen(const char *ifname) { return NULL; }
static inline void ksmbd_quic_stop_listening(struct ksmbd_quic_listener *l) { }
static inline bool ksmbd_quic_transport(const struct ksmbd_transport *kt) { return false; }
static inline bool ksmbd_quic_refuses_share(const struct ksmbd_transport *kt,
					    const char *share) { return false; }
#endif

#endif /* __KSMBD_TRANSPORT_QUIC_H__ */
