# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic tree --save`: edits made in the kernel tree go back to the repository."""

from __future__ import annotations

from kquic.lab.overlay import Overlay
from kquic.lab.source import Source


def save(source: Source, overlay: Overlay) -> None:
    raise NotImplementedError
