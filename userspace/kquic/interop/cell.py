# SPDX-License-Identifier: GPL-2.0-or-later
"""One cell of the matrix: one peer, one role, one case."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyroute2.netlink.exceptions import NetlinkError

from kquic.errors import CommandFailed, KquicError
from kquic.lab.program import Program
from kquic.tls.keylog import ENVIRONMENT

from .cases import FILES, Case, Seen
from .link import FAR, PORT, Routed
from .peers import Peer, ours
from .site import NAME, Site
from .task import Role, Task

PASS, FAIL, CANNOT, ABSENT = "pass", "fail", "peer cannot", "not available"
LIMIT = 240.0
_OURS_SERVER, _OURS_CLIENT = ours()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a cell came to; `note` is the reason, or what was measured."""

    peer: str
    role: Role
    case: str
    verdict: str
    note: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Stage:
    """Where cells are played: the network, the files, a folder for what is left behind."""

    net: Routed
    site: Site
    folder: Path


def play(stage: Stage, peer: Peer, role: Role, case: Case) -> Outcome:
    """Run a cell; `role` is the peer's."""
    if peer.needs and not peer.needs.exists():
        return Outcome(peer.name, role, case.name, ABSENT, _missing(peer))
    if case.alpn and case.alpn not in peer.alpn:
        return Outcome(peer.name, role, case.name, CANNOT, peer.reason(role, case.name) or f"no {case.alpn}")
    if reason := peer.reason(role, case.name):
        return Outcome(peer.name, role, case.name, CANNOT, reason)
    began = time.monotonic()
    try:
        note, took = _Cell(stage, peer, role, case).run()
    except (KquicError, subprocess.SubprocessError, OSError, NetlinkError) as error:
        lines = str(error).strip().splitlines()
        return Outcome(peer.name, role, case.name, FAIL, (lines or [repr(error)])[0], _since(began))
    verdict = FAIL if note else PASS
    if case.measure and not note:
        note = f"{sum(FILES[path.lstrip('/')] for path in case.paths) * 8 / took / 1e6:.1f} Mbit/s"
    return Outcome(peer.name, role, case.name, verdict, note, _since(began))


def _since(began: float) -> float:
    return round(time.monotonic() - began, 1)


def _missing(peer: Peer) -> str:
    """What went wrong when it was built, if that is known."""
    assert peer.needs is not None
    told = peer.needs.parent / f"{peer.needs.name}.failed"
    return told.read_text().strip() if told.exists() else "it was not built: see kquic interop"


class _Cell:
    """The work of one cell."""

    def __init__(self, stage: Stage, peer: Peer, role: Role, case: Case) -> None:
        self.stage, self.peer, self.role, self.case = stage, peer, role, case
        self.net = stage.net
        self.folder = stage.folder / f"{peer.name}-{role}-{case.name}"
        self.task = self._task()

    def _task(self) -> Task:
        site, case = self.stage.site, self.case
        keys = site.chain if case.chain else site.keys
        return Task(
            words=case.words,
            alpn=case.alpn or self.peer.alpn[0],
            address=Routed.SERVER_V6 if case.six else Routed.SERVER,
            port=PORT,
            name=NAME,
            paths=case.paths,
            ca=site.ca,
            cert=keys.cert,
            key=keys.key,
            root=site.root,
            folder=self.folder,
            elsewhere=Routed.ELSEWHERE,
        )

    def run(self) -> tuple[str, float]:
        """What is missing, the empty string for nothing; and how long the client took."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.task.out.mkdir(parents=True)
        self.folder.chmod(0o777)
        self.task.out.chmod(0o777)
        said: dict[str, str] = {"client": "", "server": ""}
        try:
            with self._network(), self._capturing(), self._serving(said):
                seconds = self._fetch(said)
        finally:
            for name, text in said.items():
                (self.folder / f"{name}.log").write_text(text)
        note = self._judge(said, seconds)
        if not note:
            shutil.rmtree(self.folder)
        return note, seconds

    @contextlib.contextmanager
    def _network(self) -> Iterator[None]:
        self.net.rules(self.case.rules)
        self.net.impair(self.case.link)
        try:
            self.case.prepare(self.net)
            yield
        finally:
            self.net.impair(None)
            self.net.rules("")

    @contextlib.contextmanager
    def _capturing(self) -> Iterator[None]:
        argv = [
            "tcpdump",
            "-i",
            FAR,
            "-U",
            "--immediate-mode",
            "-s",
            "0",
            "-w",
            str(self.folder / "pcap"),
            f"udp port {PORT}",
        ]
        with Program(self.net.rtr, argv, ready="listening on"):
            yield

    @contextlib.contextmanager
    def _serving(self, said: dict[str, str]) -> Iterator[None]:
        if self.role == "server":
            assert self.peer.server
            argv, ready, env = self.peer.server(self.task), self.peer.ready, {}
        else:
            argv, ready, env = _OURS_SERVER(self.task), "ready", self._secrets()
            if "keyupdate" in self.task.words and not self.peer.starts_key_update:
                argv.append("--keyupdate")
        self._wait(lambda: not self._bound(), "somebody has the port still")
        server = Program(self.net.srv, argv, ready=ready or None, env=env)
        try:
            with server:
                self._listening(server)
                yield
                if self.role == "client":
                    _settle(server)
        finally:
            said["server"] = server.output

    def _secrets(self) -> dict[str, str]:
        """Our end writes its secrets beside the capture, which then can be read."""
        return {ENVIRONMENT: str(self.folder / "keys")}

    def _bound(self) -> bool:
        """Whether anything has the server's port; our connections have it until they have drained."""
        return bool(self.net.srv.run("ss", "-Hlun", f"sport = :{PORT}").strip())

    def _listening(self, server: Program) -> None:
        self._wait(lambda: self._bound() or not server.running, "does not listen")
        if not server.running:
            raise CommandFailed(self.peer.name, -1, server.output)

    def _wait(self, reached: Callable[[], bool], problem: str) -> None:
        deadline = time.monotonic() + LIMIT
        while not reached():
            if time.monotonic() > deadline:
                raise CommandFailed(self.peer.name, -1, problem)
            time.sleep(0.05)

    def _fetch(self, said: dict[str, str]) -> float:
        commands = self.peer.client(self.task) if self.role == "client" and self.peer.client else None
        env = {} if commands else self._secrets()
        began, trouble = time.monotonic(), self.case.trouble
        with self._beside():
            for argv in commands or _OURS_CLIENT(self.task):
                client = Program(self.net.cli, argv, env=env)
                try:
                    with client:
                        if trouble:
                            trouble(self.net, lambda client=client: client.running)  # type: ignore[misc]
                            trouble = None
                        client.finish(timeout=LIMIT)
                finally:
                    said["client"] += client.output
        return time.monotonic() - began

    @contextlib.contextmanager
    def _beside(self) -> Iterator[None]:
        """A TCP flow that takes its share of the link."""
        if not self.case.cross:
            yield
            return
        with (
            Program(self.net.srv, ["iperf3", "-s", "-1", "--forceflush"], ready="listening"),
            Program(self.net.cli, ["iperf3", "-c", self.task.address, "-R", "-t", "300"]),
        ):
            yield

    def _judge(self, said: dict[str, str], seconds: float) -> str:
        our_role = "server" if self.role == "client" else "client"
        if self.task.alpn != "doq" and (wrong := self._wrong_files()):
            return wrong
        seen = Seen(self.role, self.task, said[our_role], said[self.role], self.folder / "pcap", seconds)
        return self.case.check(seen)

    def _wrong_files(self) -> str:
        """Files that did not arrive, or not as they are."""
        wrong = []
        for path in self.task.paths:
            got = self.task.out / path.lstrip("/")
            if not got.exists() or got.read_bytes() != (self.task.root / path.lstrip("/")).read_bytes():
                wrong.append(path)
        return f"missing or different: {', '.join(wrong[:4])}" if wrong else ""


def _settle(server: Program) -> None:
    """Let our server say what it still has to say: its word comes after the client's end."""
    lines = -1
    while lines != len(server.output):
        lines = len(server.output)
        time.sleep(0.1)


def play_all(stage: Stage, cells: Sequence[tuple[Peer, Role, Case]]) -> Iterator[Outcome]:
    """Run many, telling of each."""
    for number, (peer, role, case) in enumerate(cells, 1):
        outcome = play(stage, peer, role, case)
        what = f"{outcome.verdict} {outcome.note}".strip()
        print(
            f"{number:4}/{len(cells)} {peer.name:10} {role:6} {case.name:20} {outcome.seconds:5.1f} s  {what}",
            flush=True,
        )
        yield outcome
