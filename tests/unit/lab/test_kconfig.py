# SPDX-License-Identifier: GPL-2.0-or-later
"""Laying configuration fragments over each other."""

from __future__ import annotations

import pytest

from kquic.lab import kconfig


def test_the_last_fragment_decides() -> None:
    merged = kconfig.merge(["CONFIG_A=y\nCONFIG_B=y\n", "# CONFIG_A is not set\nCONFIG_C=3\n"])
    assert merged == {"B": "y", "A": "n", "C": "3"}


def test_strings_and_comments_survive() -> None:
    text = '# a comment\nCONFIG_NAME="-lab"\n\n# CONFIG_X is not set\n'
    assert kconfig.render(kconfig.parse(text)) == 'CONFIG_NAME="-lab"\n# CONFIG_X is not set\n'


def test_wishes_that_were_refused_are_named() -> None:
    config = "CONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\n"
    assert kconfig.refused("CONFIG_A=y\nCONFIG_B=y\n# CONFIG_D is not set\nCONFIG_E=y\n", config) == ["B=y", "E=y"]


@pytest.mark.parametrize("flavour", sorted(set(kconfig.FLAVOURS) - {"virtual"}))
def test_every_checking_flavour_has_the_transport_and_its_tests(flavour: str) -> None:
    wanted = kconfig.parse(kconfig.fragment(flavour))
    assert wanted["IP_QUIC"] == wanted["IP_QUIC_KUNIT_TEST"] == "y"
    assert wanted["CIFS_QUIC"] == ("n" if flavour == "fuzz" else "y")


def test_virtual_time_needs_one_processor() -> None:
    virtual = kconfig.parse(kconfig.fragment("virtual"))
    assert virtual["UML_TIME_TRAVEL_SUPPORT"] == virtual["IP_QUIC"] == "y"
    assert virtual["SMP"] == "n"


def test_the_flavours_check_what_their_names_say() -> None:
    fast, kasan, debug = (kconfig.parse(kconfig.fragment(name)) for name in ("fast", "kasan", "debug"))
    assert "KASAN" not in fast
    assert kasan["KASAN"] == debug["KASAN"] == "y"
    assert "PROVE_LOCKING" not in kasan
    assert debug["PROVE_LOCKING"] == debug["DEBUG_KMEMLEAK"] == debug["FAILSLAB"] == "y"
    assert fast["SMP"] == "y"
    assert debug["SMP"] == debug["MODULES"] == "n"


def test_fuzzing_sees_the_transport_and_memory_errors() -> None:
    fuzz = kconfig.parse(kconfig.fragment("fuzz"))
    assert fuzz["KASAN"] == fuzz["KCOV"] == fuzz["IP_QUIC_KCOV"] == fuzz["FAILSLAB"] == "y"
    assert fuzz["KCOV_INSTRUMENT_ALL"] == fuzz["SMP"] == "n"
