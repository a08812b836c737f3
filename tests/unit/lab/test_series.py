# SPDX-License-Identifier: GPL-2.0-or-later
"""The series as they would be sent: order, cover letters, and which lines a commit answers for."""

from __future__ import annotations

from pathlib import Path

import pytest

from kquic.lab import overlay, series
from kquic.lab.paths import REPO
from kquic.lab.verify import added_lines, always_built, in_tree, readers
from unit.lab.bench import Bench, write

EARLY = """\
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: Some Body <some@body.example>
Date: Mon, 5 Jan 2026 10:00:00 +0000
Subject: [PATCH] in: add a number

QUIC needs one.
---
diff --git a/include/linux/in.h b/include/linux/in.h
--- a/include/linux/in.h
+++ b/include/linux/in.h
@@ -1 +1 @@
-enum { TCP = 6 };
+enum { TCP = 6, QUIC = 261 };
"""


def prepare(bench: Bench) -> list[series.Commit]:
    write(bench.repo, {"net/quic/patches/0000-in.patch": EARLY})
    write(bench.repo, {"net/quic/patches/cover-letter": "net: QUIC\n\nA transport.\n"})
    return series.chain(bench.source, overlay.load(bench.repo))


def test_whole_files_come_before_the_patch_that_builds_them(bench: Bench) -> None:
    commits = prepare(bench)
    names = [commit.name for commit in commits]
    assert names[0] == "0000-in.patch"
    assert set(names[1:3]) == {"files of net/quic", "files of include"}
    assert len(names) == 4
    assert set(commits[3].folders) == {"net/quic", "include"}
    assert [commit.parent for commit in commits[1:]] == [commit.commit for commit in commits[:-1]]


def test_the_end_is_the_tree(bench: Bench) -> None:
    bench.sync()
    last = prepare(bench)[-1].commit
    bench.sync()
    repo = bench.source.repo
    assert repo.git("rev-parse", f"{last}^{{tree}}") == repo.git("rev-parse", "HEAD^{tree}")


def test_series_in_mail_form(bench: Bench, tmp_path: Path) -> None:
    commits = prepare(bench)
    (folder,) = series.write(bench.source, overlay.load(bench.repo), commits, tmp_path)
    letter, *patches = sorted(folder.glob("*.patch"))
    assert len(patches) == 4
    assert "Subject: [PATCH 0/4] net: QUIC\n" in letter.read_text()
    assert "A transport.\n" in letter.read_text()
    assert "From: kquic <kquic@example.org>\n" in letter.read_text()
    assert "***" not in letter.read_text()


def test_every_series_has_a_cover_letter() -> None:
    for one in overlay.load().series:
        subject, _, body = (REPO / one.source / series.COVER).read_text().partition("\n\n")
        assert 0 < len(subject) <= 60
        assert body
        assert max(map(len, body.splitlines())) <= 75


def test_added_lines() -> None:
    diff = "--- a/x.c\n+++ b/x.c\n@@ -3 +3,2 @@ int f\n-a\n+b\n+c\n@@ -9,2 +11,0 @@\n-d\n-e\n"
    diff += "--- a/y.c\n+++ b/y.c\n@@ -0,0 +1 @@\n+z\n"
    assert added_lines(diff) == {"x.c": {3, 4}, "y.c": {1}}


MAKEFILE = """\
obj-y := route.o udp.o \\
\t udp_offload.o
obj-$(CONFIG_NETPOLL) += netpoll.o
sunrpc-y += clnt.o
"""


def test_what_a_makefile_always_builds() -> None:
    assert always_built(MAKEFILE) == {"route.o", "udp.o", "udp_offload.o", "clnt.o"}


def test_readers_of_a_header_are_files_that_are_built(tmp_path: Path) -> None:
    """A file that the configuration leaves out does not compile."""
    reading = "#include <linux/udp.h>\n"
    write(tmp_path, {f"net/{name}/Makefile": MAKEFILE for name in ("core", "ipv4", "sunrpc")})
    write(tmp_path, {"net/core/netpoll.c": reading, "net/ipv4/udp.c": reading, "net/ipv4/route.c": "int x;\n"})
    assert readers(tmp_path, "include/linux/udp.h") == ["net/ipv4/udp.o"]
    assert readers(tmp_path, "include/linux/tcp.h") == []
    assert readers(tmp_path, "net/core/dev.h") == []


@pytest.mark.parametrize("named", ["/tree/linux/net/quic/a.h", "../linux/net/quic/a.h", "./../linux/net/quic/a.h"])
def test_files_that_complaints_name(named: str) -> None:
    assert in_tree(named, Path("/tree/build"), Path("/tree/linux")) == "net/quic/a.h"
