# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's Samba as an SMB server over TCP and QUIC, all its files in one folder.

    with Samba(host, folder, TlsFiles(cert, key, ca)) as server:
        ...  # //server's name/share, user server.user, password server.password

smbd listens on the addresses which the host has when it starts.
"""

from __future__ import annotations

import getpass
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kquic.errors import KquicError
from kquic.lab.program import Program
from kquic.lab.topology import Host

QUIC_PORT = 443
START_TIMEOUT = 30.0
POLL = 0.05
LOG_LINES = 20

GLOBAL_SECTION = """\
[global]
server role = standalone server
workgroup = KQUIC
netbios name = KQUIC
disable netbios = yes
server smb transports = tcp, quic
tls enabled = yes
tls certfile = {cert}
tls keyfile = {key}
tls cafile = {ca}
passdb backend = tdbsam:{folder}/passdb.tdb
private dir = {folder}/private
state directory = {folder}/state
cache directory = {folder}/cache
lock directory = {folder}/lock
pid directory = {folder}/pid
ncalrpc dir = {folder}/ncalrpc
usershare path =
load printers = no
printing = bsd
printcap name = /dev/null
log file = {folder}/log.%m
max log size = 0
"""

SHARE_SECTION = """
[{name}]
path = {path}
read only = no
"""


class SambaFailed(KquicError):
    """smbd did not start; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files. smbd refuses a key that others can read."""

    cert: Path
    key: Path
    ca: Path


@dataclass
class Samba:
    """One smbd. `options` are further lines of the [global] section, such as "log level = 3".

    `share_options` are further lines of shares, by the share's name.
    """

    host: Host
    folder: Path
    tls: TlsFiles
    shares: tuple[str, ...] = ("share",)
    options: tuple[str, ...] = ()
    share_options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    user: str = field(default_factory=getpass.getuser)
    password: str = "sesame-7"
    dns_name: str = "server.test"
    _program: Program | None = field(default=None, init=False)

    def __enter__(self) -> Samba:
        self.write()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def config(self) -> Path:
        """Samba's configuration file."""
        return self.folder / "smb.conf"

    @property
    def running(self) -> bool:
        """Whether smbd was started, and not stopped since."""
        return self._program is not None

    def path(self, share: str = "share") -> Path:
        """Where the files of a share lie."""
        return self.folder / "shares" / share

    def write(self) -> None:
        """Write the configuration, make the shares and the user."""
        for name in ("private", "state", "cache", "lock", "pid", "ncalrpc"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "private").chmod(0o700)
        for share in self.shares:
            self.path(share).mkdir(parents=True, exist_ok=True)
        self.config.write_text(self._config())
        self._add_user()

    def start(self) -> None:
        """Start smbd, and wait until it listens."""
        argv = ["smbd", "--foreground", "--no-process-group", "-s", str(self.config)]
        self._program = Program(self.host, argv)
        self._program.__enter__()
        deadline = time.monotonic() + START_TIMEOUT
        while not self.listens():
            if time.monotonic() > deadline:
                self.stop()
                raise SambaFailed(f"smbd does not listen on UDP port {QUIC_PORT}\n{self.log()}")
            time.sleep(POLL)

    def stop(self) -> None:
        """Stop smbd as an administrator does; its clients are told."""
        if self._program is not None:
            self._program.stop()
            self._program = None

    def kill(self) -> None:
        """End all of smbd's processes at once, as in a crash."""
        if self._program is not None:
            self._program.signal(signal.SIGKILL)
        self.stop()

    def listens(self) -> bool:
        """Whether something on the host listens on the port of SMB over QUIC."""
        listeners = self.host.run("cat", "/proc/net/quic/eps", check=False)
        return any(word.endswith(f":{QUIC_PORT}") for word in listeners.split())

    def log(self) -> str:
        """The last lines of what smbd had to say."""
        texts = [path.read_text(errors="replace") for path in sorted(self.folder.glob("log.*"))]
        if self._program is not None:
            texts.append(self._program.output)
        return "\n".join("".join(texts).splitlines()[-LOG_LINES:])

    def _config(self) -> str:
        tls = self.tls
        text = GLOBAL_SECTION.format(folder=self.folder, cert=tls.cert, key=tls.key, ca=tls.ca)
        text += "".join(f"{line}\n" for line in self.options)
        for name in self.shares:
            text += SHARE_SECTION.format(name=name, path=self.path(name))
            text += "".join(f"{line}\n" for line in self.share_options.get(name, ()))
        return text

    def _add_user(self) -> None:
        words = ["smbpasswd", "-c", str(self.config), "-s", "-a", self.user]
        answers = f"{self.password}\n{self.password}\n"
        done = subprocess.run(words, input=answers, text=True, capture_output=True, check=False, timeout=30)
        if done.returncode:
            raise SambaFailed(f"smbpasswd: {done.stdout}{done.stderr}")
