# SPDX-License-Identifier: GPL-2.0-or-later
"""Inputs as text: a program is some lines, one operation each: a name, numbers, and bytes behind "="."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Op:
    """One operation; which numbers and bytes it has says `grammar`."""

    name: str
    numbers: tuple[int, ...] = ()
    data: bytes = b""

    def __str__(self) -> str:
        words = [self.name, *map(str, self.numbers)]
        return " ".join([*words, "=", self.data.hex()] if self.data else words)


Program = tuple[Op, ...]


def parse_op(line: str) -> Op:
    """An operation from its line."""
    head, _, data = line.partition("=")
    name, *numbers = head.split()
    return Op(name, tuple(map(int, numbers)), bytes.fromhex(data))


def parse(text: str) -> Iterator[Program]:
    """The programs of a file: empty lines stand between them, "#" begins a comment."""
    ops: list[Op] = []
    for line in [*text.splitlines(), ""]:
        bare = line.partition("#")[0].strip()
        if bare:
            ops.append(parse_op(bare))
        elif ops and not line.strip():
            yield tuple(ops)
            ops = []


def text(programs: Iterable[Program]) -> str:
    """The contents of a file with these programs."""
    return "\n".join("".join(f"{op}\n" for op in program) for program in programs)


def size(program: Program) -> int:
    """What counts when two programs do the same."""
    return sum(len(str(op)) + 1 for op in program)
