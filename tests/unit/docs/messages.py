# SPDX-License-Identifier: GPL-2.0-or-later
"""The messages that users of this project can see, taken from its sources; what varies in them is an ellipsis."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from kquic.tls import access, verify

REPO = Path(__file__).parents[3]
PACKAGE = REPO / "userspace/kquic"
#: Programs that print their messages to whoever runs them. The lab, the demo and the test servers are for developers.
PROGRAMS = ("handshaked", "tls", "diag", "qlog", "gateway", "install")
BESIDE = ("lab/packages.py",)
FOR_TESTS = ("install/guestlink.py",)
GAP = "…"

_LITERAL = r'"((?:[^"\\]|\\.)*)"'
_LITERALS = rf"{_LITERAL}(?:\s*{_LITERAL})*"
_KERNEL = re.compile(
    rf"\b(?:pr_(?:err|warn|notice|info)\w*|net_\w+_ratelimited|cifs_(?:server_)?dbg|errorf|(?:nfs_)?invalf)"
    rf"\((?:VFS,\s*|fc,\s*)?({_LITERALS})",
    re.S,
)
_LIBRARY = re.compile(rf"\b(?:quic_log\(LOG_\w+,|violation\(engine,|failed\()\s*({_LITERALS})", re.S)
_ADVICE = re.compile(rf"\{{\s*-?E[A-Z]+,\s*({_LITERALS})", re.S)
_FALLBACK = re.compile(rf"\breturn ({_LITERAL});")
_SPECIFIER = re.compile(r"%[-#0.*]*\d*(?:p[A-Za-z]*|(?:ll|l|z|h)?[a-zA-Z%])")


def c_messages(text: str) -> Iterator[str]:
    """Of kernel code and of libquic."""
    for pattern in (_KERNEL, _LIBRARY, _ADVICE, _FALLBACK):
        for call in pattern.finditer(text):
            joined = "".join(re.findall(_LITERAL, call[1]))
            yield _SPECIFIER.sub(GAP, joined.replace("\\n", "").replace('\\"', '"'))


def python_messages(tree: ast.AST) -> Iterator[str]:
    """What is logged as a warning or worse, and what is raised."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_log(node.func):
            yield from map(_of_percent, _texts(node))
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield from _texts(node.exc)


def _is_log(func: ast.expr) -> bool:
    return (
        isinstance(func, ast.Attribute)
        and isinstance(func.value, ast.Name)
        and func.value.id == "log"
        and func.attr in ("warning", "error", "critical")
    )


def _of_percent(text: str) -> str:
    return _SPECIFIER.sub(GAP, text)


def _texts(call: ast.Call) -> Iterator[str]:
    for argument in call.args:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value
        elif isinstance(argument, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else GAP for part in argument.values)


def says_something(message: str) -> bool:
    """Not only placeholders around the words of something else."""
    return len(re.findall(r"[A-Za-z]{2,}", message)) >= 2


def sources() -> Iterator[Path]:
    """C code that ends up in a kernel or in the library; patches count as far as they add."""
    for folder in ("net/quic", "fs", "userspace/libquic"):
        for path in sorted((REPO / folder).rglob("*")):
            is_test = "tests" in path.parts or "samples" in path.parts
            if path.suffix in (".c", ".h", ".patch") and not is_test:
                yield path


def added(patch: str) -> str:
    """The lines that a patch adds."""
    return "\n".join(line[1:] for line in patch.splitlines() if line.startswith("+") and not line.startswith("+++"))


def messages() -> dict[str, set[str]]:
    """Every message, and the files that have it."""
    found: dict[str, set[str]] = {}

    def note(texts: Iterator[str], path: Path) -> None:
        for text in texts:
            # Alike, however many things vary next to each other.
            message = re.sub(rf"{GAP}+", GAP, text.strip())
            if says_something(message):
                found.setdefault(message, set()).add(str(path.relative_to(REPO)))

    for path in sources():
        text = path.read_text()
        note(c_messages(added(text) if path.suffix == ".patch" else text), path)
    programs = [path for program in PROGRAMS for path in sorted((PACKAGE / program).rglob("*.py"))]
    programs += [PACKAGE / name for name in BESIDE]
    for path in programs:
        if str(path.relative_to(PACKAGE)) not in FOR_TESTS:
            note(python_messages(ast.parse(path.read_text())), path)
    note((words for _, _, words in verify._REASONS), Path(verify.__file__))
    note(iter(access.REASONS), Path(access.__file__))
    return found
