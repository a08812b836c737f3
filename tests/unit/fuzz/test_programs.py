# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs: as text, at random, changed."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from kquic.fuzz import corpus, journal, program
from kquic.fuzz.command import TARGETS as NAMES
from kquic.fuzz.corpus import Corpus
from kquic.fuzz.grammar import KINDS
from kquic.fuzz.program import Op
from kquic.fuzz.targets import MOST_OPS, TARGETS

CORPUS = Path(__file__).parents[2] / "fuzz"
ONE = (Op("server", (4, 0)), Op("packet", (3, -1), b"\x01\xff"))


def test_text_and_back() -> None:
    other = (Op("hear"),)
    assert program.text([ONE]) == "server 4 0\npacket 3 -1 = 01ff\n"
    assert list(program.parse("# a remark\n\n" + program.text([ONE, other]))) == [ONE, other]


def test_a_remark_does_not_end_a_program() -> None:
    assert list(program.parse("server 4 0 # why\n# and this\npacket 3 -1 = 01ff\n")) == [ONE]


def test_the_command_line_knows_the_targets() -> None:
    assert set(NAMES) == set(TARGETS)


@pytest.mark.parametrize("name", list(TARGETS))
def test_targets_name_operations_that_exist(name: str) -> None:
    target = TARGETS[name]
    assert set(target.weights) <= set(KINDS)
    assert {opening for opening, _ in target.openings} <= set(KINDS)


@pytest.mark.parametrize("name", list(TARGETS))
def test_random_programs_survive_as_text(name: str) -> None:
    rng, target = Random(7), TARGETS[name]
    programs = [target.fresh(rng) for _ in range(20)]
    for _ in range(300):
        programs.append(target.mutate(rng, rng.choice(programs), programs))
    assert list(program.parse(program.text(programs))) == programs
    assert max(map(len, programs)) <= MOST_OPS


def test_only_what_is_new_is_kept() -> None:
    kept = Corpus()
    assert kept.add(ONE, frozenset({1, 2}))
    assert not kept.add(ONE, frozenset({2}))
    assert kept.add(ONE, frozenset({2, 3}))
    assert kept.known == {1, 2, 3}


def test_the_smallest_corpus_walks_the_same_edges() -> None:
    kept, small, large = Corpus(), (Op("hear"),), (Op("raw", (0,), bytes(100)),)
    kept.add(small, frozenset({1}))
    kept.add(large, frozenset({1, 2}))
    kept.add(ONE, frozenset({1, 2, 3}))
    assert kept.smallest(10_000) == [small, ONE]
    assert kept.smallest(10) == [small]


def test_the_journal_keeps_the_last_ones(tmp_path: Path) -> None:
    notes = journal.Journal(tmp_path / "journal")
    programs = [(Op("rest", (number,)),) for number in range(journal.SLOTS + 5)]
    for each in programs:
        notes.note(each)
    assert journal.read(tmp_path / "journal") == notes.last() == programs[-journal.SLOTS :]


def test_nothing_is_found_in_a_journal_that_is_not_there(tmp_path: Path) -> None:
    assert journal.read(tmp_path / "journal") == []
    assert corpus.load([tmp_path / "corpus"]) == []


@pytest.mark.parametrize("file", sorted(CORPUS.glob("*/*.txt")), ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_the_corpus_in_the_repository_is_small_and_known(file: Path) -> None:
    programs = corpus.load([file])
    assert programs
    assert {op.name for each in programs for op in each} <= set(KINDS)
    assert file.stat().st_size < 16_000
