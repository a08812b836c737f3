# SPDX-License-Identifier: GPL-2.0-or-later
"""What the programs of one cell are told, and the words they understand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Role = Literal["client", "server"]

#: Words of a case that a server's program has to know; the others are the client's.
SERVER_WORDS = frozenset({"retry", "early", "v2", "upload"})
CLIENT_WORDS = frozenset({"chacha20", "v2", "resume", "early", "keyupdate", "each", "migrate", "upload"})


@dataclass(frozen=True, slots=True)
class Task:
    """One client, one server, some files.

    Attributes:
        words: what is special: retry, chacha20, v2, resume, early, keyupdate, each (a connection for every path),
            migrate, upload (the client sends the files, and the server keeps them in `out`).
        folder: of this cell, for configuration and what is fetched.
        elsewhere: another address of the client, to migrate to.
    """

    words: frozenset[str]
    alpn: str
    address: str
    port: int
    name: str
    paths: tuple[str, ...]
    ca: Path
    cert: Path
    key: Path
    root: Path
    folder: Path
    elsewhere: str

    @property
    def out(self) -> Path:
        """Where what is fetched, or uploaded, is to lie, by its name."""
        return self.folder / "out"

    def urls(self) -> list[str]:
        """The paths as addresses of pages."""
        return [f"https://{self.name}:{self.port}{path}" for path in self.paths]

    def options(self, role: Role) -> list[str]:
        """The options that our own small programs have in common."""
        where = ["--address", self.address, "--port", str(self.port), "--alpn", self.alpn]
        if role == "server":
            files = {"cert": self.cert, "key": self.key, "root": self.root}
            return [role, *where, *_named(files), *self._switches(role)]
        told = {"ca": self.ca, "name": self.name, "out": self.out}
        return [role, *where, *_named(told), *self._switches(role), *self.paths]

    def _switches(self, role: Role) -> list[str]:
        known = SERVER_WORDS if role == "server" else CLIENT_WORDS
        valued = {"chacha20": ["--cipher", "chacha20"], "migrate": ["--migrate", self.elsewhere]}
        valued["upload"] = ["--keep", str(self.out)] if role == "server" else ["--send", str(self.root)]
        return [switch for word in sorted(self.words & known) for switch in valued.get(word, [f"--{word}"])]


def _named(values: Mapping[str, object]) -> list[str]:
    return [word for name, value in values.items() for word in (f"--{name}", str(value))]
