# SPDX-License-Identifier: GPL-2.0-or-later
"""The line to a machine: what its agent says, and how QEMU is called."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from kquic.install.guestlink import Answer, command, parse
from kquic.install.qemuimage import ADDRESSES, Image


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("done 0 " + base64.b64encode(b"one\ntwo\n").decode(), Answer(0, "one\ntwo\n")),
        ("done 3 " + base64.b64encode("Grüße".encode()).decode(), Answer(3, "Grüße")),
        ("done 1", Answer(1, "")),
        ("ready 0ee0b3b2", None),
        ("", None),
    ],
)
def test_parse(line: str, answer: Answer | None) -> None:
    assert parse(line) == answer


def test_the_image_is_not_written_to() -> None:
    words = command(Image(Path("/image")), "client", Path("/run"), [Path("/packages")], ["server=off"])
    drives = [word for word in words if word.startswith("file=")]
    assert len(drives) == 2
    assert "snapshot=on" in drives[0]
    assert "readonly=on" in drives[1]


def test_machines_have_addresses_of_their_own() -> None:
    cards = [
        word.partition("mac=")[2]
        for name in ("server", "client")
        for word in command(Image(Path("/image")), name, Path("/run"), [], ["x"], wire=7)
        if "mac=" in word
    ]
    assert len(set(cards)) == 4
    assert set(cards) == set(ADDRESSES)


def test_a_wire_is_a_descriptor() -> None:
    words = command(Image(Path("/image")), "client", Path("/run"), [], [], wire=7)
    assert "dgram,id=lab,local.type=fd,local.str=7" in words
