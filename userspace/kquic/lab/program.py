# SPDX-License-Identifier: GPL-2.0-or-later
"""A program that runs beside a test: started on a host, waited for, ended for sure."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from kquic.errors import CommandFailed
from kquic.lab.topology import Host


class Program:
    """A child process on a host, with everything it prints kept for the failure report.

    Args:
        host: where it runs.
        argv: command line.
        ready: text that it prints once it can be used; None if it is usable at once.
        env: variables to add to the environment.
    """

    def __init__(
        self, host: Host, argv: Sequence[str | Path], *, ready: str | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self.name = Path(str(argv[0])).name if len(argv) == 1 else " ".join(map(str, argv[:4]))
        self._argv, self._ready = host.argv(argv), ready
        self._env = {**os.environ, **(env or {}), "PYTHONUNBUFFERED": "1"}
        self._lines: list[str] = []

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=self._env,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()
        if self._ready is not None:
            try:
                self.wait_for(self._ready)
            except BaseException:
                self.stop()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _collect(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)

    @property
    def output(self) -> str:
        """What it has printed so far, both streams."""
        return "".join(self._lines)

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Process ID."""
        return self._process.pid

    def wait_for(self, text: str, timeout: float = 120.0) -> None:
        """Wait until it has printed `text`.

        Raises:
            CommandFailed: it ended, or `timeout` seconds passed, without.
        """
        self._wait(lambda: text in self.output, f"no {text!r}", timeout)

    def _wait(self, reached: Callable[[], bool], problem: str, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not reached():
            status = self._process.poll()
            if status is not None:
                self._reader.join(5)
                if reached():
                    return
                raise CommandFailed(self.name, status, f"{problem}\n{self.output}")
            if time.monotonic() > deadline:
                raise CommandFailed(self.name, -1, f"{problem} within {timeout:g} s\n{self.output}")
            time.sleep(0.02)

    def finish(self, timeout: float = 60.0) -> str:
        """Wait for its own end and return what it printed.

        Raises:
            CommandFailed: it exited with an error.
            subprocess.TimeoutExpired: it went on for longer than `timeout` seconds.
        """
        status = self._process.wait(timeout)
        self._reader.join(5)
        if status:
            raise CommandFailed(self.name, status, self.output)
        return self.output

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole process group."""
        os.killpg(self._process.pid, number)

    def stop(self, grace: float = 5.0) -> None:
        """End it: SIGTERM, and SIGKILL if that is not heard.

        Raises:
            CommandFailed: not even that ended it: it waits in the kernel.
        """
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is not None:
                break
            self.signal(number)
            try:
                self._process.wait(grace)
            except subprocess.TimeoutExpired:
                continue
        self._reader.join(5)
        if self._reader.is_alive():
            # To close the pipe would be to wait for the reader, and so for the program.
            raise CommandFailed(self.name, -1, f"still there after SIGKILL\n{self.output}")
        if self._process.stdout is not None:
            self._process.stdout.close()
