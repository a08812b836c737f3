# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs in the two guests of tests/lab/test_suspend.py, one of which is stopped as if it slept."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from kquic.lab.program import Program
from kquic.lab.topology import Machine
from kquic.servers.smb import Security, SmbServer
from kquic.tls import KeyPair, ServerSettings, X509Credentials

JOB = Path(os.environ["KQUIC_JOB"])
KEYS, WORK = JOB / "keys", Path("/tmp/work")
ADDRESSES = {"server": "10.9.3.1", "client": "10.9.3.2"}
NAME = "server.test"
PORTS = {"quic": 8443, "tcp": 8445}
ACCOUNT = Security(users_file=Path("/tmp/users"))
IDLE = 4.0
KINDS = [(transport, how) for transport in PORTS for how in ("soft", "hard")]


def run(*words: object) -> None:
    subprocess.run(list(map(str, words)), check=True, timeout=120)


def say(name: str, what: object) -> None:
    """Leave a file for the test, complete from the beginning."""
    (JOB / f".{name}").write_text(json.dumps(what))
    (JOB / f".{name}").rename(JOB / name)


def ended() -> bool:
    return (JOB / "end").exists()


def serve() -> None:
    """The Python server, whose QUIC gives silent clients up soon."""
    own = KeyPair.load(KEYS / "server.pem", KEYS / "server.key")
    with SmbServer({"share": WORK}, ACCOUNT) as server:
        server.listen_tcp("0.0.0.0", PORTS["tcp"])
        settings = ServerSettings(X509Credentials(own=own), ("smb",))
        server.listen_quic("0.0.0.0", PORTS["quic"], settings, idle_timeout=IDLE)
        say("ready", {})
        while not ended():
            time.sleep(0.1)
        say("files", {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in WORK.iterdir()})


class Copy:
    """Writes blocks to a mount, each of them until that has worked, until the test ends."""

    def __init__(self, transport: str, how: str) -> None:
        self.name, self.written, self.digest = f"{transport}-{how}", 0, ""
        self.errors, self.unflushed = list[int](), list[int]()
        self.point = Path(f"/mnt/{self.name}")
        self.point.mkdir()
        options = f"transport={transport},port={PORTS[transport]},{how},echo_interval=1,cache=none,nosharesock"
        account = f"username={ACCOUNT.user},password={ACCOUNT.password}"
        run("mount", "-t", "cifs", f"//{NAME}/share", self.point, "-o", f"{options},{account}")
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not ended():
            data = hashlib.sha256(b"%d" % self.written).digest() * 2048
            try:
                with (self.point / self.name).open("wb", buffering=0) as file:
                    file.write(data)
                    flushed = self._flush(file.fileno())
            except OSError as error:
                self.errors.append(error.errno or 0)
                time.sleep(0.1)
            else:
                self.digest = hashlib.sha256(data).hexdigest()
                self.written += flushed

    def _flush(self, descriptor: int) -> bool:
        try:
            os.fsync(descriptor)
        except OSError as error:
            self.unflushed.append(error.errno or 0)
            return False
        return True

    @property
    def state(self) -> dict[str, object]:
        """What the test is told."""
        return {"written": self.written, "errors": self.errors, "unflushed": self.unflushed, "digest": self.digest}


def made() -> dict[str, list[str]]:
    """How often each connection was made, by transport."""
    found: dict[str, list[str]] = {"quic": [], "tcp": []}
    for server in Path("/proc/fs/cifs/DebugData").read_text().split("ConnectionId:")[1:]:
        instance = re.search(r"Instance: (\d+)", server)
        found["quic" if "Transport: QUIC" in server else "tcp"] += [instance[1]] if instance else []
    return found


def copy() -> None:
    """Mounts over either transport, soft and hard, in use."""
    with Path("/etc/hosts").open("a") as hosts:
        hosts.write(f"{ADDRESSES['server']} {NAME}\n")
    (WORK / "agent.conf").write_text(f"[authenticate.client]\nx509.truststore = {KEYS}/ca.pem\n")
    agent = [sys.executable, "-m", "kquic.handshaked", "-c", str(WORK / "agent.conf")]
    with ExitStack() as stack:
        stack.enter_context(Program(Machine(), agent, ready="ready"))
        copies = [Copy(*kind) for kind in KINDS]
        for one in copies:
            one.thread.start()
        while not ended():
            say("progress", {"made": made(), **{one.name: one.state for one in copies}})
            time.sleep(0.1)
        for one in copies:
            one.thread.join(60)
        say("result", {one.name: one.state for one in copies})
        for one in copies:
            run("umount", one.point)


def main() -> None:
    role = sys.argv[1]
    WORK.mkdir()
    run("ip", "addr", "add", f"{ADDRESSES[role]}/24", "dev", "vec0")
    run("ip", "link", "set", "vec0", "up")
    {"server": serve, "client": copy}[role]()


if __name__ == "__main__":
    main()
