# SPDX-License-Identifier: GPL-2.0-or-later
"""Tracing while something runs, in an instance of tracefs of our own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from kquic.qlog.trace import Line, TraceError, parse

TRACEFS = Path("/sys/kernel/tracing")


class Recorder:
    """Records the QUIC events of the whole machine between entry and exit.

    Args:
        buffer_kib: memory for each CPU; a transfer of 10 MiB takes about 8 MiB.
    """

    def __init__(self, buffer_kib: int = 16384) -> None:
        self._size = buffer_kib
        self._folder = TRACEFS / "instances" / f"kquic-{os.getpid()}"

    def __enter__(self) -> Self:
        try:
            self._folder.mkdir()
        except PermissionError as error:
            raise TraceError("only root may trace") from error
        except FileNotFoundError as error:
            raise TraceError(f"no tracefs at {TRACEFS}") from error
        try:
            self._set("trace_clock", "mono")
            self._set("buffer_size_kb", str(self._size))
            self._set("events/quic/enable", "1")
        except FileNotFoundError as error:
            self.close()
            raise TraceError("this kernel has no QUIC, or its module is not loaded") from error
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _set(self, name: str, value: str) -> None:
        (self._folder / name).write_text(value)

    def lines(self) -> Iterator[Line]:
        """What has been recorded so far."""
        self._set("tracing_on", "0")
        with (self._folder / "trace").open(errors="replace") as text:
            yield from parse(text)

    def close(self) -> None:
        """Forget it all."""
        with contextlib.suppress(FileNotFoundError):
            self._folder.rmdir()
