# SPDX-License-Identifier: GPL-2.0-or-later
"""Test results in the kernel's TAP: read into a tree, summed up, the failures told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

RESULT = re.compile(r"^(?P<indent> *)(?P<not>not )?ok (?P<number>\d+) ?(?:- )?(?P<name>[^#]*)(?:# ?(?P<note>.*))?$")
PLAN = re.compile(r"^(?P<indent> *)1\.\.(?P<count>\d+)$")


@dataclass(slots=True)
class Test:
    """A result, and the results below it."""

    name: str
    passed: bool
    skipped: bool = False
    notes: list[str] = field(default_factory=list)
    children: list[Test] = field(default_factory=list)

    def leaves(self, prefix: str = "") -> Iterator[tuple[str, Test]]:
        """Every result that has none below it, with its full name."""
        name = f"{prefix}{self.name}"
        if not self.children:
            yield name, self
        for child in self.children:
            yield from child.leaves(f"{name}.")


@dataclass(slots=True)
class Summary:
    """Counts over all results, and the failures by name."""

    passed: int = 0
    skipped: int = 0
    failed: list[tuple[str, Test]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Something ran, and nothing failed."""
        return self.passed > 0 and not self.failed and not self.broken

    def __str__(self) -> str:
        lines = [f"{self.passed} passed, {self.skipped} skipped, {len(self.failed)} failed"]
        for name, test in self.failed:
            lines += [f"FAILED {name}", *(f"    {note}" for note in test.notes)]
        return "\n".join([*lines, *self.broken])


def parse(text: str) -> tuple[list[Test], list[str]]:
    """The outermost results of a KTAP text, and what is wrong with the text itself."""
    levels: dict[int, list[Test]] = {}
    plans: dict[int, int] = {}
    notes: list[str] = []
    broken: list[str] = []
    for line in text.splitlines():
        if plan := PLAN.match(line):
            plans[len(plan["indent"])] = int(plan["count"])
        elif found := RESULT.match(line):
            depth = len(found["indent"])
            test = _test(found, notes)
            test.children = levels.pop(depth + 4, [])
            broken += _count(test.name, test.children, plans.pop(depth + 4, None))
            levels.setdefault(depth, []).append(test)
            notes = []
        elif line.strip().startswith("#"):
            notes.append(line.strip().lstrip("# "))
        elif line.strip() and "KTAP version" not in line:
            notes.append(line.strip())
    top = min(levels, default=0)
    broken += _count("the whole", levels.get(top, []), plans.pop(top, None))
    broken += [f"results at depth {depth} belong to nothing" for depth in levels if depth != top]
    return levels.get(top, []), broken


def _test(found: re.Match[str], notes: list[str]) -> Test:
    skipped = (found["note"] or "").strip().upper().startswith("SKIP")
    return Test(found["name"].strip(), not found["not"], skipped, [note for note in notes if "Subtest:" not in note])


def _count(name: str, tests: list[Test], planned: int | None) -> list[str]:
    if planned is None or planned == len(tests):
        return []
    return [f"{name}: {planned} results announced, {len(tests)} came"]


def summary(texts: dict[str, str]) -> Summary:
    """Sum up the KTAP texts of several suites."""
    total = Summary()
    for suite, text in sorted(texts.items()):
        tests, broken = parse(text)
        total.broken += [f"{suite}: {what}" for what in broken]
        if not tests:
            total.broken.append(f"{suite}: no results")
        for name, test in (leaf for top in tests for leaf in top.leaves()):
            _add(total, name, test)
    return total


def _add(total: Summary, name: str, test: Test) -> None:
    if test.skipped:
        total.skipped += 1
    elif test.passed:
        total.passed += 1
    else:
        total.failed.append((name, test))
