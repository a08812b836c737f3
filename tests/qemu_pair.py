# SPDX-License-Identifier: GPL-2.0-or-later
"""The two machines of tests/qemu."""

from __future__ import annotations

from dataclasses import dataclass

from kquic.install.guestlink import Guest


@dataclass(frozen=True, slots=True)
class Pair:
    """A server and a client, joined by a cable."""

    server: Guest
    client: Guest
