# SPDX-License-Identifier: GPL-2.0-or-later
"""A small kernel tree and a small repository on top of it, both real git work trees."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from kquic.lab import overlay, tree
from kquic.lab.gitrepo import GitRepo
from kquic.lab.source import TAG, Source

OVERLAY = """\
[[folder]]
from = "net/quic"
to = "net/quic"
except = ["include", "patches"]

[[folder]]
from = "net/quic/include"
to = "include"

[[series]]
from = "net/quic/patches"
paths = ["net", "include"]

[[series]]
from = "fs/smb-quic/patches"
paths = ["fs/smb"]
"""

KERNEL = {
    "net/Makefile": "".join(f"obj-y += part{n}.o\n" for n in range(30)),
    "net/Kconfig": "menu net\nendmenu\n",
    "fs/smb/client/connect.c": "".join(f"int line{n};\n" for n in range(40)),
    "include/linux/in.h": "enum { TCP = 6 };\n",
}

HOOK = """\
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: Some Body <some@body.example>
Date: Mon, 5 Jan 2026 10:00:00 +0000
Subject: [PATCH] net: build quic

It has to be built.
---
diff --git a/net/Makefile b/net/Makefile
--- a/net/Makefile
+++ b/net/Makefile
@@ -28,3 +28,4 @@ obj-y += part26.o
 obj-y += part27.o
 obj-y += part28.o
 obj-y += part29.o
+obj-y += quic/
"""


def write(top: Path, files: dict[str, str]) -> None:
    """Write files below a directory."""
    for name, text in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


@dataclass
class Bench:
    """A kernel tree and a repository."""

    source: Source
    repo: Path

    def sync(self, *, force: bool = False) -> str:
        """Apply the repository."""
        return tree.sync(self.source, overlay.load(self.repo), force=force)

    def times(self) -> dict[str, int]:
        """When each file of the tree was written."""
        files = (path for path in self.source.tree.rglob("*") if path.is_file() and ".git" not in path.parts)
        return {path.relative_to(self.source.tree).as_posix(): path.stat().st_mtime_ns for path in files}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A tree without, and a repository with, a transport of one file, a header and a patch."""
    source = Source("small", tmp_path, tmp_path / "linux")
    write(source.tree, KERNEL)
    GitRepo(source.tree).import_all("Linux", TAG)
    repo = tmp_path / "repo"
    write(
        repo,
        {
            "overlay.toml": OVERLAY,
            "net/quic/varint.c": "int varint;\n",
            "net/quic/include/linux/quic.h": "int quic;\n",
            "net/quic/patches/0001-net-build-quic.patch": HOOK,
        },
    )
    return Bench(source, repo)
