# SPDX-License-Identifier: GPL-2.0-or-later
"""Following a long program: a moving line on a terminal, a line now and then elsewhere, all of it in a log."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Thread
from typing import IO

from kquic.errors import CommandFailed
from kquic.lab import proc

EVERY = 20.0


class Meter:
    """Counts lines and shows the last one."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.start = time.monotonic()
        self.shown = self.start if not sys.stderr.isatty() else 0.0
        self.count = 0

    def line(self, text: str) -> None:
        """Take one line of output."""
        self.count += 1
        now = time.monotonic()
        if now - self.shown < (0.2 if sys.stderr.isatty() else EVERY):
            return
        self.shown = now
        minutes, seconds = divmod(int(now - self.start), 60)
        status = f"{self.title}: {minutes}:{seconds:02d}, {self.count} steps, {text.strip()[:50]}"
        end = "\x1b[K\r" if sys.stderr.isatty() else "\n"
        print(f"kquic: {status}", end=end, file=sys.stderr, flush=True)

    def done(self) -> None:
        """Say how long it took."""
        clear = "\x1b[K" if sys.stderr.isatty() else ""
        print(f"{clear}kquic: {self.title}: done in {time.monotonic() - self.start:.0f} s", file=sys.stderr)


def follow(
    title: str,
    command: Sequence[str | Path],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    quiet_errors: bool = False,
) -> None:
    """Run a program with its progress shown; its diagnostics appear as they come unless told otherwise."""
    meter = Meter(title)
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w", buffering=1) as record,
        subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env=proc.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as child,
    ):
        assert child.stdout and child.stderr
        reader = Thread(target=_errors, args=(child.stderr, record, meter, quiet_errors))
        reader.start()
        try:
            for line in child.stdout:
                record.write(line)
                meter.line(line)
        except KeyboardInterrupt:
            child.terminate()  # make and its like end what they have started
            raise
        finally:
            reader.join()
        status = child.wait()
    if status:
        shown = proc.tail(log.read_text(), 30) if quiet_errors else ""
        raise CommandFailed(title, status, f"{shown}\nall of its output: {log}".lstrip())
    meter.done()


def _errors(stream: IO[str], record: IO[str], meter: Meter, quiet: bool) -> None:
    clear = "\x1b[K" if sys.stderr.isatty() else ""
    for line in stream:
        record.write(line)
        if quiet:
            meter.line(line)
        else:
            print(f"{clear}{line}", end="", file=sys.stderr, flush=True)
