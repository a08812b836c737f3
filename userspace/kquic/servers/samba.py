# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's Samba as an SMB server over TCP and QUIC, all its files in one folder.

    with Samba(folder, TlsFiles(cert, key, ca), netns="server") as server:
        ...  # //server's name/share, user server.user, password server.password

smbd listens on the addresses which the network namespace has at that moment.
"""

from __future__ import annotations

import getpass
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from kquic.errors import KquicError

QUIC_PORT = 443
START_TIMEOUT = 30.0
STOP_TIMEOUT = 10.0
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
    """One smbd. `options` are further lines of the [global] section, such as "log level = 3"."""

    folder: Path
    tls: TlsFiles
    netns: str | None = None
    shares: tuple[str, ...] = ("share",)
    options: tuple[str, ...] = ()
    user: str = field(default_factory=getpass.getuser)
    password: str = "open sesame"
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __enter__(self) -> Samba:
        self.write()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def config(self) -> Path:
        """Samba's configuration file."""
        return self.folder / "smb.conf"

    @property
    def running(self) -> bool:
        """Whether smbd runs."""
        return self._process is not None and self._process.poll() is None

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
        with (self.folder / "smbd.out").open("ab") as out:
            self._process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        deadline = time.monotonic() + START_TIMEOUT
        while not self._listens():
            if not self.running or time.monotonic() > deadline:
                self.kill()
                raise SambaFailed(f"smbd does not listen on UDP port {QUIC_PORT}\n{self.log()}")
            time.sleep(POLL)

    def stop(self) -> None:
        """Stop smbd as an administrator does; its clients are told."""
        self._signal(signal.SIGTERM)
        if self._process is not None:
            try:
                self._process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End all of smbd's processes at once."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def log(self) -> str:
        """The last lines of what smbd had to say."""
        files = [self.folder / "smbd.out", *sorted(self.folder.glob("log.*"))]
        texts = [path.read_text(errors="replace") for path in files if path.is_file()]
        return "\n".join("".join(texts).splitlines()[-LOG_LINES:])

    def _config(self) -> str:
        tls = self.tls
        text = GLOBAL_SECTION.format(folder=self.folder, cert=tls.cert, key=tls.key, ca=tls.ca)
        text += "".join(f"{line}\n" for line in self.options)
        return text + "".join(SHARE_SECTION.format(name=name, path=self.path(name)) for name in self.shares)

    def _add_user(self) -> None:
        words = ["smbpasswd", "-c", str(self.config), "-s", "-a", self.user]
        answers = f"{self.password}\n{self.password}\n"
        done = subprocess.run(words, input=answers, text=True, capture_output=True, check=False, timeout=30)
        if done.returncode:
            raise SambaFailed(f"smbpasswd: {done.stdout}{done.stderr}")

    def _inside(self, *words: str) -> list[str]:
        return ["ip", "netns", "exec", self.netns, *words] if self.netns else list(words)

    def _command(self) -> list[str]:
        return self._inside("smbd", "--foreground", "--no-process-group", "-s", str(self.config))

    def _listens(self) -> bool:
        words = self._inside("cat", "/proc/net/quic/eps")
        listeners = subprocess.run(words, text=True, capture_output=True, check=False, timeout=10).stdout
        return any(word.endswith(f":{QUIC_PORT}") for word in listeners.split())

    def _signal(self, number: signal.Signals) -> None:
        """To all processes of smbd, which are one session."""
        if self._process is None:
            return
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return
