# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading KTAP."""

from __future__ import annotations

from pathlib import Path

from kquic.lab import ktap, kunit

TEXT = (Path(__file__).parent / "data" / "ktap.txt").read_text()


def test_leaves_are_counted_once() -> None:
    total = ktap.summary({"quic_varint": TEXT})
    assert (total.passed, total.skipped, len(total.failed), total.broken) == (3, 1, 1, [])
    assert not total.ok


def test_a_failure_is_told_with_its_reason() -> None:
    text = str(ktap.summary({"quic_varint": TEXT}))
    assert "FAILED quic_varint.refuses_short_input" in text
    assert "EXPECTATION FAILED at net/quic/tests/varint_test.c:42" in text
    assert "left == 0 (0x0)" in text


def test_parameters_are_results_of_their_own() -> None:
    (suite,), _ = ktap.parse(TEXT)
    names = [name for name, _ in suite.leaves()]
    assert names[1:3] == ["quic_varint.round_trip.one byte", "quic_varint.round_trip.two bytes"]


def test_missing_results_are_noticed() -> None:
    cut = TEXT.replace("    ok 4 slow # SKIP only on request\n", "")
    total = ktap.summary({"quic_varint": cut.replace("not ok", "ok")})
    assert total.broken == ["quic_varint: quic_varint: 4 results announced, 3 came"]
    assert not total.ok


def test_a_suite_that_stopped_half_way_is_noticed() -> None:
    cut = TEXT[: TEXT.index("    # refuses_short_input")]
    assert ktap.summary({"quic_varint": cut}).broken


def test_no_results_are_no_success(tmp_path: Path) -> None:
    assert not ktap.summary({"quic_varint": ""}).ok
    assert not kunit.read(tmp_path).ok


def test_only_passes_are_a_success(tmp_path: Path) -> None:
    (tmp_path / "quic_varint.ktap").write_text(TEXT.replace("not ok", "ok"))
    total = kunit.read(tmp_path)
    assert total.ok
    assert total.passed == 4
