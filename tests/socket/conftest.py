# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests of the socket interface are given."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from quic_pair import Pair, established


@pytest.fixture
def pair() -> Iterator[Pair]:
    """An established connection."""
    with established() as made:
        yield made
