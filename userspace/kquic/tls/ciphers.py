# SPDX-License-Identifier: GPL-2.0-or-later
"""Names of ciphers, and which one this machine is best at.

The kernel encrypts, so what GnuTLS knows of the processor does not count: where the kernel does not use the processor's
instructions for AES, that is several times slower than ChaCha20.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from kquic.sock import Cipher

#: As GnuTLS calls them.
NAMES = {
    Cipher.AES_GCM_128: "AES-128-GCM",
    Cipher.AES_GCM_256: "AES-256-GCM",
    Cipher.CHACHA20_POLY1305: "CHACHA20-POLY1305",
    Cipher.AES_CCM_128: "AES-128-CCM",
}
#: The kernel has measured how fast it seals packets when the module was loaded.
MEASURED = Path("/proc/net/quic/ciphers")


def parse(text: str) -> tuple[Cipher, ...]:
    """The ciphers of `MEASURED`, which has the fastest one first; those that are not known here are left out.

    AES-CCM comes last: in generic C it is as fast as AES-GCM, but its keys last for fewer packets (RFC 9001, B.2).
    """
    numbers = (int(line.split("\t")[0]) for line in text.splitlines()[1:])
    found = [Cipher(number) for number in numbers if number in NAMES]
    return tuple(sorted(found, key=lambda cipher: cipher is Cipher.AES_CCM_128))


def fastest_first() -> tuple[Cipher, ...]:
    """All ciphers of QUIC, the preferred one first; without the module AES comes first."""
    try:
        return _measured(MEASURED)
    except OSError:
        return tuple(NAMES)


@cache
def _measured(path: Path) -> tuple[Cipher, ...]:
    return parse(path.read_text())


def named(words: Sequence[str]) -> tuple[Cipher, ...]:
    """Ciphers by their names in `NAMES`. Raises ValueError for a name that is not there."""
    known = {name: cipher for cipher, name in NAMES.items()}
    if unknown := [word for word in words if word.upper() not in known]:
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(known)}")
    return tuple(known[word.upper()] for word in words)
