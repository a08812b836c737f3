# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's NFS server on a host, with listeners of any transport.

    with Nfsd(host, folder) as server:
        ...  # files of server.path() are host:/ by NFSv4

A handshake agent has to run on the host for listeners of QUIC. One host at a
time: nfsd's control files are mounted where nfs-utils looks for them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kquic.errors import KquicError
from kquic.lab.program import Program
from kquic.lab.topology import Host

QUIC = "quic 2049"
TCP = "tcp 2049"

_CONTROL = Path("/proc/fs/nfsd")
_PIPEFS = Path("/run/rpc_pipefs")
_STATE = Path("/var/lib/nfs")
_START_TIMEOUT = 10.0
_LEASE = 10  # seconds, the shortest that nfsd takes
_OPTIONS = "rw,no_root_squash,insecure,no_subtree_check,fsid=0"


@dataclass
class Nfsd:
    """One kernel NFS server.

    Attributes:
        listeners: what is written to nfsd's `portlist`, in this order.
        options: of the export.
        nfsv3: serve NFSv3 too, with MOUNT and NLM; needs rpcbind on the host.
    """

    host: Host
    folder: Path
    listeners: Sequence[str] = (QUIC,)
    options: str = _OPTIONS
    nfsv3: bool = False
    threads: int = 4
    _helpers: list[Program] = field(default_factory=list, init=False)

    def __enter__(self) -> Nfsd:
        self.path("export").mkdir(parents=True, exist_ok=True)
        self._mount_control_files()
        try:
            self._start_helpers()
            self.export(self.options)
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.host.run("exportfs", "-ua")
        while self._helpers:
            self._helpers.pop().stop()
        self.host.run("umount", _CONTROL, _PIPEFS)

    def path(self, name: str = "") -> Path:
        """Where the files lie; the root of the export without a name."""
        return self.folder / "root" / name

    def start(self) -> None:
        """Open the listeners and start the threads."""
        self._write("versions", "+3" if self.nfsv3 else "-3")
        for listener in self.listeners:
            self._write("portlist", listener)
        self._write("threads", str(self.threads))

    def stop(self) -> None:
        """End all threads; listeners and connections are closed."""
        self._write("threads", "0")

    @property
    def running(self) -> bool:
        """Whether there are threads."""
        return self._read("threads").strip() != "0"

    def export(self, options: str) -> None:
        """Export with these options, and none of before."""
        self.host.run("exportfs", "-ua")
        self.host.run("exportfs", "-i", "-o", options, f"*:{self.path()}")

    def read(self, name: str) -> str:
        """The contents of a control file."""
        return self._read(name)

    def _mount_control_files(self) -> None:
        _PIPEFS.mkdir(exist_ok=True)
        (_STATE / "nfsdcld").mkdir(parents=True, exist_ok=True)
        for name in ("etab", "rmtab"):
            (_STATE / name).write_text("")
        self.host.run("mount", "-t", "nfsd", "nfsd", _CONTROL)
        self.host.run("mount", "-t", "rpc_pipefs", "rpc_pipefs", _PIPEFS)
        self._write("nfsv4leasetime", str(_LEASE))
        self._write("nfsv4gracetime", str(_LEASE))

    def _wait_for_rpcbind(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT
        while "portmapper" not in self.host.run("rpcinfo", "-p", check=False):
            if time.monotonic() > deadline:
                raise KquicError(f"no rpcbind answers on {self.host.name}, which NFSv3 needs")
            time.sleep(0.05)

    def _start_helpers(self) -> None:
        if self.nfsv3:
            self._wait_for_rpcbind()
        self._run(["nfsdcld", "-F", "-p", _PIPEFS, "-s", _STATE / "nfsdcld"])
        self._run(["rpc.mountd", "-F", *([] if self.nfsv3 else ["-N", "3"])])

    def _run(self, argv: list[str | Path]) -> None:
        program = Program(self.host, argv)
        program.__enter__()
        self._helpers.append(program)

    def _read(self, name: str) -> str:
        return self.host.run("cat", _CONTROL / name)

    def _write(self, name: str, text: str) -> None:
        self.host.run("sh", "-c", f"echo '{text}' > {_CONTROL / name}")
