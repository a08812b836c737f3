# SPDX-License-Identifier: GPL-2.0-or-later
"""A QUIC front for servers that speak TCP only: each stream of a client becomes a TCP connection."""

from __future__ import annotations
