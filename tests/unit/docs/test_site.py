# SPDX-License-Identifier: GPL-2.0-or-later
"""The site of the documentation: `kquic check` builds it, so here only that it would notice something."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kquic.lab import site
from kquic.lab.paths import REPO


def pages(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "conf.py").write_text((REPO / "docs" / "conf.py").read_text())
    (folder / "index.md").write_text(f"# One\n\n{text}\n")
    return folder


def test_a_page(tmp_path: Path) -> None:
    assert not site.complaints(tmp_path / "site", pages(tmp_path / "docs", "[here](#one)"))
    assert "kquic" in (tmp_path / "site" / "index.html").read_text()


@pytest.mark.parametrize("link", ["other.md", "#two", "../code.py"])
def test_a_link_to_nowhere(tmp_path: Path, link: str) -> None:
    assert link.lstrip("#") in site.complaints(tmp_path / "site", pages(tmp_path / "docs", f"[there]({link})"))


def test_links_of_the_front_page() -> None:
    """It is no page of the site."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (REPO / "README.md").read_text())
    assert len(links) > 10
    assert [link for link in links if not (REPO / link).exists()] == []
