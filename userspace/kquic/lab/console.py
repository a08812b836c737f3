# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel said: finding trouble in a console log and in the state at the end of a job."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

TROUBLE = re.compile(
    r"WARNING: |BUG: |\bOops\b|Kernel panic|"
    r"INFO: (?:task|rcu|possible|suspicious|trying)|possible (?:recursive|circular) locking|"
    r"refcount_t: |UBSAN: |KASAN: |kmemleak: .*new suspected|soft lockup|workqueue lockup|"
    r"Unbalanced|\bleaked\b|unregister_netdevice: waiting|general protection fault|scheduling while atomic|"
    r"Freeing alive|attempt to release alive|ref_tracker: .*(?:leaked|reference already released)"
)
STAMP = re.compile(r"^\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?")
BEFORE = ("[ cut here ]", "=====")
END = "[ end trace"
LONGEST = 80

TAINTS = {
    0: "proprietary module",
    1: "forced module load",
    4: "machine check",
    5: "bad page",
    7: "died (oops or BUG)",
    9: "warning",
    14: "soft lockup",
    17: "randomised struct",
}
HARMLESS = 1 << 18
"""KUnit taints the kernel it runs on; that says nothing about the code."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One reason to fail a run, with what the kernel printed about it."""

    what: str
    trace: str = ""

    def __str__(self) -> str:
        return f"{self.what}\n{self.trace}".rstrip()


def clean(raw: str) -> list[str]:
    """Console lines without carriage returns."""
    return raw.replace("\r", "").split("\n")


def in_log(raw: str) -> list[Trouble]:
    """Every report in a console log, each with its trace."""
    return list(_reports(clean(raw)))


def _reports(lines: list[str]) -> Iterator[Trouble]:
    at = 0
    while at < len(lines):
        if not TROUBLE.search(lines[at]):
            at += 1
            continue
        end = _end(lines, at)
        start = at - 1 if at and any(mark in lines[at - 1] for mark in BEFORE) else at
        yield Trouble(STAMP.sub("", lines[at]).strip(), "\n".join(lines[start:end]))
        at = end


def _end(lines: list[str], start: int) -> int:
    """The line after the report that begins at a line."""
    limit = min(len(lines), start + LONGEST)
    for at in range(start + 1, limit):
        text = STAMP.sub("", lines[at])
        if END in text or text.startswith("=========="):
            return at + 1
        if not text.strip() and at > start + 12:
            return at
    return limit


def in_state(state: Mapping[str, str], *, lockdep: bool) -> list[Trouble]:
    """What the guest read from the kernel when the job was over."""
    found = []
    if taint := int(state.get("tainted", "0")) & ~HARMLESS:
        found.append(Trouble(f"the kernel is tainted: {describe_taint(taint)}"))
    if hung := int(state.get("hung_tasks", "0")):
        found.append(Trouble(f"{hung} task(s) hung"))
    if lockdep and state.get("debug_locks") != "1":
        found.append(Trouble("lockdep switched itself off, so this run proves nothing about locks"))
    return found


def describe_taint(taint: int) -> str:
    """The reasons behind a taint value, in words."""
    bits = [bit for bit in range(taint.bit_length()) if taint >> bit & 1]
    return ", ".join(TAINTS.get(bit, f"bit {bit}") for bit in bits) + f" ({taint})"


def parse_state(text: str) -> dict[str, str]:
    """The guest's state file: a name and a value per line."""
    pairs = (line.split(maxsplit=1) for line in text.splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
