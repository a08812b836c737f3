# SPDX-License-Identifier: GPL-2.0-or-later
"""Which words of checkpatch, gcc and sparse count."""

from __future__ import annotations

from pathlib import Path

from kquic.lab import checkpatch, sparse

OURS = ["net/quic/range.c", "net/quic/range.h", "fs/smb/client/quic.c"]


def test_complaints_about_our_files_count_once() -> None:
    lines = [
        "/cache/linux/net/quic/range.c:10:5: warning: symbol 'x' was not declared. Should it be static?",
        "../linux/net/quic/range.h:3:1: error: expected ';'",
        "/cache/linux/net/quic/range.c:10:5: warning: symbol 'x' was not declared. Should it be static?",
        "/cache/linux/include/net/sock.h:1:1: warning: someone else's",
        "/cache/linux/other/net/quic/orange.c:1:1: warning: not ours either",
        "  CC      net/quic/range.o",
    ]
    assert sparse.complaints(lines, OURS) == lines[:2]


def test_only_module_macros_may_be_bad_constants(tmp_path: Path) -> None:
    path = tmp_path / "net" / "quic" / "range.c"
    path.parent.mkdir(parents=True)
    path.write_text('MODULE_LICENSE("GPL");\nint array[strlen("x")];\n')
    lines = [f"{path}:{line}:1: error: bad constant expression" for line in (1, 2)]
    assert sparse.complaints(lines, OURS) == lines[1:]


def test_iterators_may_use_their_arguments_again() -> None:
    said = "net/quic/range.h:1: CHECK:MACRO_ARG_REUSE: Macro argument reuse 'r'\n+#define "
    iterator, other = f"{said}quic_for_each(r)\t\\\n+\tx", f"{said}quic_max(r)\t\\\n+\tx"
    assert checkpatch.complaints(f"{iterator}\n\n{other}\n") == other


def test_a_patch_is_excused_by_the_files_it_touches(tmp_path: Path) -> None:
    path = tmp_path / "0001-x.patch"
    path.write_text("diff --git a/include/uapi/linux/in.h b/include/uapi/linux/in.h\n")
    words = " ".join(checkpatch.Subject(path, path.name, patch=True).options())
    assert "LEADING_SPACE" in words
    assert "MISSING_SIGN_OFF" in words
    words = " ".join(checkpatch.Subject(path, "net/quic/range.c", patch=False).options())
    assert "--ignore" not in words
