# SPDX-License-Identifier: GPL-2.0-or-later
"""Running helper programs: output kept, failures told with it, locks between processes."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from kquic.errors import CommandFailed

TAIL = 60


def say(text: str) -> None:
    """One line of progress on standard error."""
    print(f"kquic: {text}", file=sys.stderr, flush=True)


def tail(text: str, lines: int = TAIL) -> str:
    """The last lines of an output."""
    return "\n".join(text.rstrip().splitlines()[-lines:])


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our environment with fixed messages, and what the caller adds."""
    return {**os.environ, "LC_ALL": "C.UTF-8", **(extra or {})}


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | bytes = b"",
    timeout: float = 1800,
) -> str:
    """Run a program to its end and return its output, or raise with it."""
    words = [str(word) for word in command]
    data = stdin.encode() if isinstance(stdin, str) else stdin
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env=environment(env),
            input=data,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise CommandFailed(words[0], 127, str(error)) from error
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(words[0], 124, f"not done within {timeout:.0f} s") from error
    out, err = (raw.decode(errors="replace") for raw in (done.stdout, done.stderr))
    if done.returncode:
        raise CommandFailed(" ".join(words[:6]), done.returncode, tail(out + err))
    return out


def attempt(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 3600,
) -> tuple[int, str]:
    """Run a program that may well fail: its exit status, and all it printed."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
    )
    return done.returncode, done.stdout.strip()


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock file; says so when it has to wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another kquic that holds {path}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
