# SPDX-License-Identifier: GPL-2.0-or-later
"""Message boundaries in a CRYPTO stream."""

from __future__ import annotations

import pytest

from kquic.tls.framing import Framing

STREAM = b"\x02\0\0\x03abc" + b"\x08\0\0\0" + b"\x0b\0\x01\0" + bytes(256) + b"\x14\0\0\x01x"
ENDS = {7: 2, 11: 8, 271: 11, 276: 20}


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 100, len(STREAM)])
def test_any_cut(chunk: int) -> None:
    framing, fed = Framing(), 0
    for start in range(0, len(STREAM), chunk):
        piece = STREAM[start : start + chunk]
        framing.feed(piece)
        fed += len(piece)
        whole = [end for end in ENDS if end <= fed]
        assert framing.last_type == (ENDS[whole[-1]] if whole else None)
        assert framing.partial == (fed not in ENDS)


def test_nothing() -> None:
    framing = Framing()
    framing.feed(b"")
    assert not framing.partial
    assert framing.last_type is None
