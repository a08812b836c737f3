# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs in a guest of the lab that is joined to the machines of tests/qemu: serves the one, and mounts of the other.

            vec0  10.9.1.1 ── 10.9.1.2  server
lab.test    vec1  10.9.2.1 ── 10.9.2.2  client
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from kquic.install.qemuimage import LAB
from kquic.lab.program import Program
from kquic.lab.topology import Machine
from kquic.servers.nfsd import Nfsd
from kquic.servers.samba import Samba, TlsFiles

JOB = Path(os.environ["KQUIC_JOB"])
KEYS = Path("/tmp/keys")
SERVER = "server.test"
SMB, NFS = Path("/mnt/smb"), Path("/mnt/nfs")
CONFIG = f"""\
[authenticate.client]
x509.truststore = {KEYS}/ca.pem

[authenticate.server]
x509.certificate = {KEYS}/server.pem
x509.private_key = {KEYS}/server.key
"""


def run(*words: object) -> None:
    subprocess.run(list(map(str, words)), check=True, timeout=300)


def say(name: str, text: str = "") -> None:
    """Leave a file for the test, complete from the beginning."""
    (JOB / f".{name}").write_text(text)
    (JOB / f".{name}").rename(JOB / name)


def wait_for(name: str) -> None:
    while not (JOB / name).exists():
        time.sleep(0.1)


def set_up() -> None:
    """Addresses, names, keys that nobody else reads."""
    for number, address in enumerate(LAB.values()):
        run("ip", "addr", "add", f"{address}/24", "dev", f"vec{number}")
        run("ip", "link", "set", f"vec{number}", "up")
    with Path("/etc/hosts").open("a") as hosts:
        hosts.write(f"10.9.1.2 {SERVER}\n{LAB['client']} lab.test\n")
    run("cp", "-r", JOB / "keys", KEYS)
    run("chmod", "-R", "go=", KEYS)


def mount_of_the_machine() -> dict[str, str]:
    """Both file systems of the server, a file through each: what /proc/mounts and the files say."""
    found = {}
    for point in (SMB, NFS):
        point.mkdir()
    run("mount", "-t", "cifs", f"//{SERVER}/share", SMB, "-o", "quic,username=me,password=sesame-7")
    run("mount", "-t", "nfs", f"{SERVER}:/", NFS, "-o", "quic,vers=4.2")
    lines = {line.split()[1]: line for line in Path("/proc/mounts").read_text().splitlines()}
    for point in (SMB, NFS):
        data = os.urandom(2_000_000)
        (point / "lab.up").write_bytes(data)
        found[point.name] = hashlib.sha256(data).hexdigest()
        found[f"{point.name} options"] = lines[str(point)]
        run("umount", point)
    return found


def main() -> None:
    set_up()
    host = Machine()
    (Path("/tmp") / "agent.conf").write_text(CONFIG)
    (Path("/tmp") / "samba").mkdir()
    with ExitStack() as stack:
        agent = [sys.executable, "-m", "kquic.handshaked", "-c", "/tmp/agent.conf"]
        stack.enter_context(Program(host, agent, ready="ready"))
        tls = TlsFiles(KEYS / "server.pem", KEYS / "server.key", KEYS / "ca.pem")
        samba = stack.enter_context(Samba(host, Path("/tmp/samba"), tls))
        nfsd = stack.enter_context(Nfsd(host, Path("/tmp/nfsd")))
        say("ready", json.dumps({"user": samba.user, "password": samba.password}))
        say("mounted", json.dumps(mount_of_the_machine()))
        wait_for("written")
        for name, folder in (("smb", samba.path("share")), ("nfs", nfsd.path("export"))):
            say(name, hashlib.sha256((folder / "lab.down").read_bytes()).hexdigest())
        wait_for("end")


if __name__ == "__main__":
    main()
