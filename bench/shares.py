# SPDX-License-Identifier: GPL-2.0-or-later
"""A share of Debian's smbd, mounted over QUIC or over TCP, and what is done on it while the clock runs."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kquic.demo import SERVER_NAME, resolvable
from kquic.lab.program import Program
from kquic.lab.topology import Network
from kquic.servers.samba import Samba, TlsFiles
from kquic.tls.testca import TestCA

from .compare import Comparison

FILE_SIZE = 64 << 20
FILES = 200
_BLOCK = 1 << 20
_PASSWORD = "sesame-7"
_ROOT = "root"


@dataclass(frozen=True, slots=True)
class Mounted:
    """A share that is mounted at `folder`."""

    folder: Path

    def write(self) -> float:
        """A new file, until fsync() returns: bytes per second."""
        block = os.urandom(_BLOCK)
        began = time.perf_counter()
        with (self.folder / "written").open("wb", buffering=0) as file:
            for _ in range(FILE_SIZE // _BLOCK):
                file.write(block)
            os.fsync(file.fileno())
        return FILE_SIZE / (time.perf_counter() - began)

    def read(self) -> float:
        """The file that the server has, which the client has not cached: bytes per second."""
        buffer = bytearray(_BLOCK)
        left = FILE_SIZE
        began = time.perf_counter()
        with (self.folder / "served").open("rb", buffering=0) as file:
            while got := file.readinto(buffer):
                left -= got
        if left:
            raise EOFError(f"{left} bytes are missing")
        return FILE_SIZE / (time.perf_counter() - began)

    def change(self) -> float:
        """Small files created, looked at and removed: files per second."""
        began = time.perf_counter()
        for number in range(FILES):
            path = self.folder / f"small{number}"
            path.write_bytes(b"x" * 100)
            path.stat()
            path.unlink()
        return FILES / (time.perf_counter() - began)


@contextlib.contextmanager
def served(net: Network) -> Iterator[None]:
    """smbd with a share, and the client's handshake agent."""
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(resolvable(SERVER_NAME, net.SERVER_V4))
        authority = TestCA.create()
        ca, keys = authority.write(work), authority.server(SERVER_NAME).write(work, "server")
        server = Samba(net.srv, work / "samba", TlsFiles(keys.cert, keys.key, ca), user=_ROOT, password=_PASSWORD)
        stack.enter_context(server)
        (server.path() / "served").write_bytes(os.urandom(FILE_SIZE))
        config = work / "handshaked.conf"
        config.write_text(f"[authenticate.client]\nx509.truststore = {ca}\n")
        argv = [sys.executable, "-m", "kquic.handshaked", "-c", str(config)]
        stack.enter_context(Program(net.cli, argv, ready="ready"))
        yield


@contextlib.contextmanager
def mounted(options: str, net: Network) -> Iterator[Mounted]:
    """The share, with nothing of it cached."""
    with tempfile.TemporaryDirectory() as folder:
        given = f"{options},vers=3.1.1,username={_ROOT},password={_PASSWORD}"
        net.cli.run("mount", "-t", "cifs", f"//{SERVER_NAME}/share", folder, "-o", given)
        try:
            yield Mounted(Path(folder))
        finally:
            net.cli.run("umount", folder)


def comparisons() -> Iterator[Comparison[Mounted]]:
    """A mount over QUIC beside one over TCP that encrypts, and one that does not."""
    over_quic = partial(mounted, "transport=quic")
    for name, options in (("seal", "transport=tcp,seal"), ("TCP", "transport=tcp")):
        over_tcp = partial(mounted, options)
        for what, work in (("write", Mounted.write), ("read", Mounted.read)):
            yield Comparison(f"SMB {what} against {name}", over_quic, over_tcp, work, setting=served, rounds=3)
        yield Comparison(
            f"SMB small files against {name}", over_quic, over_tcp, Mounted.change, "per s", 1, setting=served, rounds=3
        )
