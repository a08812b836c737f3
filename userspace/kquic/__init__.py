# SPDX-License-Identifier: GPL-2.0-or-later
"""kquic: QUIC as a native Linux transport, its user space and its lab."""

__version__ = "0.1.0"
