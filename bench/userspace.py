# SPDX-License-Identifier: GPL-2.0-or-later
"""Bulk by way of QUIC in user space: ngtcp2's example programs, and aioquic.

They encrypt with the instructions that the processor has for it, the lab's kernel in generic C: ratios say less here
than where both sides use the same ciphers. Each of their downloads is a program that begins, with a handshake.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from kquic.interop.peers import PROGRAMS
from kquic.lab.program import Program
from kquic.lab.topology import Network
from kquic.tls.testca import KeyFiles, TestCA

from .compare import Comparison
from .ends import NAME, WAYS
from .work import bulk

MIB = 1 << 20
PORT = 4433
_NGTCP2 = Path("/opt/ngtcp2/usr")
_LIBRARIES = ["env", f"LD_LIBRARY_PATH={_NGTCP2}/lib/x86_64-linux-gnu"]
_CIPHERS = {"aes128": "AES-128-GCM", "chacha": "CHACHA20-POLY1305"}
Download = Callable[[], float]
"""Does one; bytes per second."""


@contextlib.contextmanager
def ours(cipher: str, size: int, net: Network) -> Iterator[Download]:
    """The same bytes over a pair of sockets."""
    with WAYS[f"quic-{cipher}"](net) as ends:
        yield lambda: bulk(ends, size)


@contextlib.contextmanager
def _site(size: int) -> Iterator[tuple[Path, Path, KeyFiles]]:
    """A folder with a file, the authority, and the server's keys."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ca = TestCA.create()
        (folder / "file").write_bytes(os.urandom(size))
        yield folder, ca.write(folder), ca.server(NAME, Network.SERVER_V4).write(folder, "server")


def _fetch(net: Network, argv: list[str], got: Path, size: int) -> float:
    """One run of a client."""
    got.unlink(missing_ok=True)
    began = time.perf_counter()
    subprocess.run(net.cli.argv(argv), check=True, stdout=subprocess.DEVNULL, timeout=300)
    took = time.perf_counter() - began
    if got.stat().st_size != size:
        raise EOFError(f"{got.stat().st_size} bytes instead of {size}")
    return size / took


@contextlib.contextmanager
def ngtcp2(cipher: str, size: int, net: Network) -> Iterator[Download]:
    """Its server and its client, HTTP/3."""
    only = f"--ciphers=NORMAL:-CIPHER-ALL:+{_CIPHERS[cipher]}"
    with _site(size) as (folder, _, keys):
        where = [net.SERVER_V4, str(PORT)]
        server = [*_LIBRARIES, str(_NGTCP2 / "sbin/gtlsserver"), "-q", only, "-d", str(folder), *where]
        client = [*_LIBRARIES, str(_NGTCP2 / "bin/gtlsclient"), "-q", only, "--exit-on-all-streams-close"]
        client += [f"--download={folder}/got", *where, f"https://{NAME}:{PORT}/file"]
        (folder / "got").mkdir()
        with Program(net.srv, [*server, str(keys.key), str(keys.cert)]):
            _bound(net)
            yield partial(_fetch, net, client, folder / "got/file", size)


@contextlib.contextmanager
def aioquic(size: int, net: Network) -> Iterator[Download]:
    """The small programs around it of the interop matrix, HTTP/0.9."""
    program = [sys.executable, str(PROGRAMS / "aioquic_web.py")]
    with _site(size) as (folder, authority, keys):
        where = ["--address", net.SERVER_V4, "--port", str(PORT)]
        server = [*program, "server", *where, "--cert", str(keys.cert), "--key", str(keys.key), "--root", str(folder)]
        (folder / "got").mkdir()
        client = [*program, "client", *where, "--ca", str(authority), "--name", NAME, "--out", f"{folder}/got", "/file"]
        with Program(net.srv, server, ready="ready"):
            yield partial(_fetch, net, client, folder / "got/file", size)


def _bound(net: Network) -> None:
    deadline = time.monotonic() + 20
    while not net.srv.run("ss", "-Hlun", f"sport = :{PORT}").strip():
        if time.monotonic() > deadline:
            raise TimeoutError("the server does not listen")
        time.sleep(0.05)


def _run(download: Download) -> float:
    return download()


def comparisons() -> Iterator[Comparison[Download]]:
    """Our sockets beside them."""
    for cipher in _CIPHERS:
        mine, theirs = partial(ours, cipher, 64 * MIB), partial(ngtcp2, cipher, 64 * MIB)
        yield Comparison(f"bulk {cipher}, ngtcp2 in user space", mine, theirs, _run, rounds=3)
    mine, theirs = partial(ours, "aes128", 8 * MIB), partial(aioquic, 8 * MIB)
    yield Comparison("bulk aes128, aioquic in user space", mine, theirs, _run, rounds=3)
