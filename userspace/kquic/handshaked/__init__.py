# SPDX-License-Identifier: GPL-2.0-or-later
"""kquic-handshaked: does TLS handshakes for kernel users of QUIC.

The kernel hands a socket over through net/handshake; this agent does the
handshake on it and reports the outcome. Run it with `python3 -m kquic.handshaked`.
"""
