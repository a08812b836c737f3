# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/troubleshooting.md knows every message, and no message that is gone."""

from __future__ import annotations

import re

import pytest

from .messages import GAP, REPO, added, c_messages, messages, says_something

PAGE = (REPO / "docs/troubleshooting.md").read_text()


@pytest.mark.parametrize("message", sorted(messages()))
def test_every_message_is_explained(message: str) -> None:
    assert any(message in line for line in PAGE.splitlines()), f"not in troubleshooting.md: {message}"


def test_no_message_is_invented() -> None:
    """What the tables quote, some source says."""
    known = "\n".join(messages())
    quoted = [cell for line in PAGE.splitlines() for cell in re.findall(r"^\| `([^`]+)` \|", line)]
    assert len(quoted) > 50
    assert not [cell for cell in quoted if cell not in known and says_something(cell)]


def test_messages_are_found_where_they_are() -> None:
    """One of each kind, so that the search itself is known to work."""
    found = messages()
    for message, place in {
        "no TLS handshake agent: start kquic-handshaked or tlshd": "fs/smb-quic/server/transport_quic.c",
        "the server's certificate has been revoked": "fs/nfs-quic/sunrpc/xprtquic/error.c",
        f"cifs: handshake_timeout must be 1 to {GAP} seconds": "fs/smb-quic/patches/",
        f"handshake failed: {GAP} (alert {GAP})": "userspace/libquic/src/engine.c",
        f"the configuration stays as it was: {GAP}": "userspace/kquic/handshaked/service.py",
        "it is revoked": "userspace/kquic/tls/verify.py",
    }.items():
        assert any(path.startswith(place) for path in found[message]), message


def test_extraction() -> None:
    code = 'pr_err("no %s here"\n       " (%pISpc): %u\\n", a);'
    assert list(c_messages(code)) == [f"no {GAP} here ({GAP}): {GAP}"]
    assert added("+++ b/x\n-old\n+new\n same") == "new"
