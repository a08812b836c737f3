# SPDX-License-Identifier: GPL-2.0-or-later
"""The manual's pictures of terminals show the tools as they are today; tests/tools/test_pictures.py makes them anew."""

from __future__ import annotations

import re

import pytest

from kquic.diag import probe, table, top
from kquic.lab.paths import REPO
from terminal import drawn

DOCS = REPO / "docs"


def lines(name: str) -> list[str]:
    return drawn((DOCS / f"{name}.svg").read_text())


def words(headings: tuple[str, ...]) -> list[str]:
    return " ".join(headings).split()


def test_top() -> None:
    first, heading, *rows, keys = lines("top")
    assert re.match(r"\d+ connections, \S+/s sent, \S+/s received, by \w+$", first)
    assert heading.split() == words(top.HEADINGS)
    assert keys == top.HELP
    assert any("smb" in row.split() for row in rows)


def test_ss() -> None:
    command, heading, *rows = lines("ss")
    assert command == "$ kquic ss"
    assert heading.split() == words(table.HEADINGS)
    assert rows


def test_probe() -> None:
    command, *rows = lines("probe")
    assert command.startswith("$ kquic probe ")
    asked = {row.split()[0] for row in rows if not row.startswith(" ")}
    assert asked == {"server", "versions", "certificate", *probe.PROTOCOLS}


def test_doctor() -> None:
    command, *rows = lines("doctor")
    assert command.startswith("$ kquic doctor ")
    looked_at = {re.sub(r"^(ok|note|BAD) +", "", row).split(":")[0].split(" server")[0] for row in rows}
    assert {"kernel", "SMB client", "NFS client", "agent", "configuration", "trust store"} <= looked_at


@pytest.mark.parametrize("picture", sorted(DOCS.glob("*.svg")), ids=lambda path: path.stem)
def test_every_picture_is_on_a_page(picture) -> None:
    assert any(f"]({picture.name})" in page.read_text() for page in DOCS.glob("*.md"))
