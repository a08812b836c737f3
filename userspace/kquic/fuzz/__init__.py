# SPDX-License-Identifier: GPL-2.0-or-later
"""Coverage-guided fuzzing of net/quic: see docs/fuzzing.md.

`command` is the host's part. All the rest runs in a guest, in one process, which is user of the sockets, agent of
their handshakes, and the network with all peers at once.
"""
