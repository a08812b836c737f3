# SPDX-License-Identifier: GPL-2.0-or-later
"""The real key retention service of whatever kernel this runs on."""

from __future__ import annotations

import pytest

from kquic.handshaked import keyring
from kquic.handshaked.keyring import PROCESS_KEYRING, KeyringError

try:
    keyring.prepare()
except KeyringError as error:
    pytest.skip(f"no kernel keyring here: {error}", allow_module_level=True)


def test_add_read_describe_search() -> None:
    serial = keyring.add("user", "kquic-test", b"\0payload\xff")
    assert keyring.read(serial) == b"\0payload\xff"
    assert keyring.describe(serial) == ("user", "kquic-test")
    assert keyring.search(PROCESS_KEYRING, "user", "kquic-test") == serial
    assert keyring.search(PROCESS_KEYRING, "user", "kquic-other") is None


def test_adding_again_renews_the_key() -> None:
    first = keyring.add("user", "kquic-test-again", b"one")
    assert keyring.add("user", "kquic-test-again", b"two") == first
    assert keyring.read(first) == b"two"


def test_description_with_a_semicolon() -> None:
    serial = keyring.add("user", "a;b;c", b"x")
    assert keyring.describe(serial) == ("user", "a;b;c")


def test_missing_key_is_named() -> None:
    with pytest.raises(KeyringError, match="key 1: "):
        keyring.read(1)


def test_missing_keyring_is_named() -> None:
    with pytest.raises(KeyringError, match="no-such-keyring"):
        keyring.link_keyring("no-such-keyring")
