# SPDX-License-Identifier: GPL-2.0-or-later
"""The demonstration: an SMB share mounted over QUIC by the kernel's own client, files copied both ways.

Runs in the lab's guest (``kquic demo`` boots it), or as root on any machine
with the kernel, Samba and cifs-utils.
"""

from __future__ import annotations

import contextlib
import filecmp
import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kquic.errors import KquicError
from kquic.lab.program import Program
from kquic.lab.topology import Network, client_and_server
from kquic.servers.samba import Samba, TlsFiles
from kquic.tls.testca import TestCA

SERVER_NAME = "server.test"
FILE_SIZE = 16 << 20
CAPTURE, KEYS = "smb-over-quic.pcap", "smb-over-quic.keys"


class DemoFailed(KquicError):
    """Something that the demonstration claims did not happen."""


@dataclass
class Report:
    """The table that is printed at the end."""

    rows: list[tuple[str, str]] = field(default_factory=list)

    def add(self, name: str, value: str) -> None:
        """One more line."""
        self.rows.append((name, value))

    def __str__(self) -> str:
        width = max(len(name) for name, _ in self.rows)
        return "\n".join(f"  {name:{width}}  {value}" for name, value in self.rows)


def sha256(path: Path) -> str:
    """Digest of a file, read from where it lies."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def resolvable(name: str, address: str) -> Iterator[None]:
    """Let the machine's hosts file know a name for a while."""
    hosts = Path("/etc/hosts")
    before = hosts.read_text()
    hosts.write_text(f"{before}\n{address} {name}\n")
    try:
        yield
    finally:
        hosts.write_text(before)


@contextlib.contextmanager
def mounted(net: Network, server: Samba, target: Path) -> Iterator[None]:
    """The share, mounted on the client over QUIC."""
    target.mkdir()
    options = f"quic,username={server.user},password={server.password}"
    net.cli.run("mount", "-t", "cifs", f"//{SERVER_NAME}/share", target, "-o", options)
    try:
        yield
    finally:
        net.cli.run("umount", target)


def copy_file(source: Path, target: Path, check_at: Path) -> str:
    """Copy a file, and compare it where it has arrived; what to say about it."""
    began = time.monotonic()
    shutil.copyfile(source, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())
    seconds = time.monotonic() - began
    want, have = sha256(source), sha256(check_at)
    if want != have:
        raise DemoFailed(f"{source} and {check_at} differ: {want} {have}")
    size = source.stat().st_size / (1 << 20)
    return f"{size:.0f} MiB in {seconds:.2f} s, SHA-256 equal ({want[:16]}…)"


def copy_tree(source: Path, target: Path, check_at: Path) -> str:
    """Copy a folder of real files, and compare them where they have arrived."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    names = [str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()]
    _, differ, missing = filecmp.cmpfiles(source, check_at, names, shallow=False)
    if differ or missing or not names:
        raise DemoFailed(f"differ: {differ}, missing: {missing}")
    total = sum((check_at / name).stat().st_size for name in names)
    return f"{len(names)} files, {total / 1024:.0f} KiB, all equal"


def mount_line(target: Path) -> str:
    """What the kernel says about the mount."""
    for line in Path("/proc/mounts").read_text().splitlines():
        if line.split()[1] == str(target):
            return line
    raise DemoFailed(f"{target} is not mounted")


def describe_mount(report: Report, net: Network, target: Path) -> None:
    """The facts about the transport, from the kernel."""
    line = mount_line(target)
    transport = re.search(r"transport=(\w+)", line)
    if not transport or transport[1] != "quic":
        raise DemoFailed(f"the mount is not over QUIC: {line}")
    report.add("mounted", f"{line.split()[0]} on {target}, {line.split()[2]}")
    report.add("transport", f"{transport[1]}, {established(net)}")


def established(net: Network) -> str:
    """The connection as /proc/net/quic shows it."""
    conns = net.cli.run("cat", "/proc/net/quic/conns").splitlines()[1:]
    if not conns:
        raise DemoFailed("there is no QUIC connection")
    words = conns[0].split()
    return f"{words[2]} → {words[3]}"


def cipher_of(agent: Program) -> str:
    """The cipher, as the handshake agent reported it."""
    found = re.search(r"established, .*?\b((?:aes|chacha20)[\w-]+)", agent.output)
    if found is None:
        raise DemoFailed(f"the handshake agent did no handshake:\n{agent.output}")
    return found[1]


def run(folder: Path) -> Report:
    """Do it all; `folder` receives the capture and the keys."""
    report = Report()
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        net = stack.enter_context(client_and_server())
        stack.enter_context(resolvable(SERVER_NAME, net.SERVER_V4))
        authority = TestCA.create("kquic demo CA")
        ca = authority.write(work)
        keys = authority.server(SERVER_NAME).write(work, "server")
        server = stack.enter_context(Samba(net.srv, work / "samba", TlsFiles(keys.cert, keys.key, ca)))
        config = work / "handshaked.conf"
        config.write_text(f"[authenticate.client]\nx509.truststore = {ca}\n")
        agent_argv = [sys.executable, "-m", "kquic.handshaked", "-c", str(config), "--keylog", str(folder / KEYS)]
        agent = stack.enter_context(Program(net.cli, agent_argv, ready="ready"))
        capture = ["tcpdump", "-i", net.link.dev, "-U", "-s", "0", "-w", str(folder / CAPTURE), "udp port 443"]
        stack.enter_context(Program(net.cli, capture, ready="listening on"))
        target = work / "mnt"
        stack.enter_context(mounted(net, server, target))
        describe_mount(report, net, target)
        report.add("cipher", cipher_of(agent))

        local = work / "local"
        local.write_bytes(os.urandom(FILE_SIZE))
        report.add("to the server", copy_file(local, target / "up", server.path() / "up"))
        (server.path() / "down").write_bytes(os.urandom(FILE_SIZE))
        fetched = work / "fetched"
        report.add("from the server", copy_file(target / "down", fetched, fetched))
        stdlib = Path(sysconfig.get_paths()["stdlib"]) / "email"
        report.add("a folder there", copy_tree(stdlib, target / "tree", server.path() / "tree"))
        report.add("and back", copy_tree(target / "tree", work / "tree", work / "tree"))
    report.add("capture", f"{CAPTURE}, {(folder / CAPTURE).stat().st_size >> 10} KiB; keys in {KEYS}")
    return report


def main() -> int:
    """Run the demonstration and print its table."""
    folder = Path(os.environ.get("KQUIC_JOB", "."))
    try:
        print(run(folder))
    except (KquicError, OSError, subprocess.SubprocessError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
