# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's SMB server, ksmbd, over TCP and QUIC; its user space half and all files in one folder.

    with Ksmbd(machine, folder) as server:
        ...  # //name/share, user server.user, password server.password

There is one ksmbd, and it serves the initial network namespace. A handshake agent with the server's certificate
has to run there before the first client comes over QUIC.
"""

from __future__ import annotations

import contextlib
import getpass
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kquic.errors import KquicError
from kquic.lab.program import Program
from kquic.lab.topology import Machine

TOOLS = Path("/opt/ksmbd/usr/sbin")
MODULE = Path("/sys/module/ksmbd/parameters")
PARAMETERS = {"quic_port": "443", "quic_client_cert": "N", "quic_only_shares": "\n"}
CONTROL = Path("/sys/class/ksmbd-control/kill_server")
START_TIMEOUT = 30.0
POLL = 0.05

GLOBAL_SECTION = """\
[global]
workgroup = KQUIC
netbios name = KSMBD
"""

SHARE_SECTION = """
[{name}]
path = {path}
read only = no
force user = root
"""


class KsmbdFailed(KquicError):
    """ksmbd did not start; the message has what its user space half said."""


@dataclass
class Ksmbd:
    """ksmbd with its daemon. `options` and `share_options` are further lines, as for Samba.

    `parameters` are those of the module; `quic_port` of 0 is for none.
    """

    host: Machine
    folder: Path
    shares: tuple[str, ...] = ("share",)
    options: tuple[str, ...] = ()
    share_options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=lambda: dict(PARAMETERS))
    user: str = field(default_factory=getpass.getuser)
    password: str = "sesame-7"
    dns_name: str = "ksmbd.test"
    _program: Program | None = field(default=None, init=False)

    def __enter__(self) -> Ksmbd:
        self.write()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether it was started, and not stopped since."""
        return self._program is not None

    def path(self, share: str = "share") -> Path:
        """Where the files of a share lie."""
        return self.folder / "shares" / share

    def write(self) -> None:
        """Write the configuration, make the shares and the user."""
        for share in self.shares:
            self.path(share).mkdir(parents=True, exist_ok=True)
        (self.folder / "ksmbd.conf").write_text(self._config())
        if (self.folder / "passwords").exists():
            return
        (self.folder / "passwords").touch()
        self.host.run(TOOLS / "ksmbd.adduser", *self._files(), "-a", "-p", self.password, self.user)

    def start(self) -> None:
        """Start it, and wait until it listens."""
        for name, value in self.parameters.items():
            (MODULE / name).write_text(value)
        self._program = Program(self.host, [TOOLS / "ksmbd.mountd", "-n", *self._files()])
        self._program.__enter__()
        deadline = time.monotonic() + START_TIMEOUT
        while not self.listens():
            if time.monotonic() > deadline:
                log = self.log()
                self.stop()
                raise KsmbdFailed(f"ksmbd does not listen\n{log}")
            time.sleep(POLL)

    def stop(self) -> None:
        """Stop it as an administrator does; its clients are told."""
        if self._program is not None:
            CONTROL.write_text("hard")
            self._program.stop()
            self._program = None

    @contextlib.contextmanager
    def restarted(self, **parameters: str) -> Iterator[None]:
        """Run it with other parameters of the module for a while."""
        before = self.parameters
        self.stop()
        self.parameters = {**before, **parameters}
        try:
            self.start()
            yield
        finally:
            self.stop()
            self.parameters = before

    def listens(self) -> bool:
        """Whether it listens on all of its ports."""
        if ":445 " not in self.host.run("ss", "-ltnH"):
            return False
        words, port = self.host.run("cat", "/proc/net/quic/eps").split(), self.parameters["quic_port"]
        return port == "0" or any(word.endswith(f":{port}") for word in words)

    def log(self) -> str:
        """What its user space half had to say."""
        return self._program.output if self._program is not None else ""

    def _files(self) -> list[str]:
        return ["-C", str(self.folder / "ksmbd.conf"), "-P", str(self.folder / "passwords")]

    def _config(self) -> str:
        text = GLOBAL_SECTION + "".join(f"{line}\n" for line in self.options)
        for name in self.shares:
            text += SHARE_SECTION.format(name=name, path=self.path(name))
            text += "".join(f"{line}\n" for line in self.share_options.get(name, ()))
        return text
