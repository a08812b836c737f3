/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of the configuration that the kernel's own headers lack; see Kbuild. */
#ifndef _KQUIC_COMPAT_CONFIG_H
#define _KQUIC_COMPAT_CONFIG_H

#define CONFIG_IP_QUIC_MODULE 1
#define CONFIG_INET_QUIC_DIAG_MODULE 1
#define CONFIG_CIFS_QUIC 1
#define CONFIG_SMB_SERVER_QUIC 1
#define CONFIG_SUNRPC_XPRT_QUIC_MODULE 1

#endif /* _KQUIC_COMPAT_CONFIG_H */
