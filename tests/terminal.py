# SPDX-License-Identifier: GPL-2.0-or-later
"""A program on a pseudo terminal, as over ssh; and the lines of a picture of one."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from kquic.diag.picture import CELL_WIDTH, MARGIN


class Terminal:
    """Keys go in, and what the program writes to the screen comes out."""

    def __init__(self, argv: Sequence[str | Path], *, columns: int = 80, lines: int = 24) -> None:
        self._argv, self._text = argv, ""
        self._env = {**os.environ, "TERM": "xterm", "LINES": str(lines), "COLUMNS": str(columns)}

    def __enter__(self) -> Self:
        self._fd, theirs = pty.openpty()
        ends = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        self._program = subprocess.Popen(self._argv, **ends, env=self._env, start_new_session=True)
        os.close(theirs)
        return self

    def __exit__(self, *_: object) -> None:
        self._program.kill()
        self._program.wait()
        os.close(self._fd)

    def press(self, keys: str) -> None:
        """Type something; what was written before does not count any more."""
        self._text = ""
        os.write(self._fd, keys.encode())

    def wait_for(self, words: str) -> None:
        """Until these have been written."""
        deadline = time.monotonic() + 60
        while words not in self._text:
            assert time.monotonic() < deadline, self._text
            if select.select([self._fd], [], [], 1)[0]:
                self._text += os.read(self._fd, 65536).decode(errors="replace")

    def end(self) -> int:
        """The exit status, once it has ended."""
        return self._program.wait(60)


def drawn(picture: str) -> list[str]:
    """The lines of a picture by `kquic.diag.picture`, from above; those without text are left out."""
    rows: defaultdict[int, str] = defaultdict(str)
    for text in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text"):
        column = (int(text.attrib["x"]) - MARGIN) // CELL_WIDTH
        row = int(text.attrib["y"])
        rows[row] = rows[row].ljust(column) + (text.text or "")
    return [rows[row].rstrip() for row in sorted(rows)]
