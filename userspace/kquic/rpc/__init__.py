# SPDX-License-Identifier: GPL-2.0-or-later
"""RPC over QUIC in user space, for programs that speak ONC RPC over TCP and know nothing of streams."""

from __future__ import annotations
