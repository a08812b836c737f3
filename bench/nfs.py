# SPDX-License-Identifier: GPL-2.0-or-later
"""NFS over QUIC beside NFS over TCP, with TLS and without, through a router that loses packets.

The hosts cut what they send into packets themselves: a device that lost whole batches of 64 KiB would make losses rare
for whoever has a large window, so that luck decided how a round went.

``./kquic lab run --timeout 1800 -- python3 -m bench.nfs [--loss 0 0.1 1 3] [--rounds 3]``
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from kquic.interop.link import Routed, routed
from kquic.lab.program import Program
from kquic.lab.topology import Host, Impairment
from kquic.servers.nfsd import Nfsd
from kquic.tls.testca import TestCA

NAME = "server.test"
DELAY_MS = 10.0
#: Configurations of the agents.
CLIENT, AES_CLIENT, SERVER = "client.conf", "aes-client.conf", "server.conf"
WAYS = {
    "quic": "proto=quic,streams=1",
    "quic, 8 streams": "proto=quic,streams=8",
    "tcp with tls": "proto=tcp,xprtsec=tls",
    "tcp": "proto=tcp",
}
#: Sequential reads of large blocks; and many readers of small ones, each of which waits for its answer.
WORK = {
    "bulk": "--rw=read --bs=256k --numjobs=4 --size=2m",
    "small": "--rw=randread --bs=4k --numjobs=16 --size=256k --norandommap --number_ios=40",
}
FIO = "fio --name=bench --direct=1 --ioengine=psync --group_reporting --output-format=json --filename_format=$jobnum"


@dataclass(frozen=True, slots=True)
class Measured:
    """One piece of work: what it moved in a second, and how long answers took.

    Attributes:
        median_ms, late_ms: of the time a read took, the median and the 99th percentile.
    """

    way: str
    work: str
    loss: float
    mib_per_s: float
    reads_per_s: float
    median_ms: float
    late_ms: float


@contextmanager
def agents(cli: Host, srv: Host, folder: Path, way: str, client: str = CLIENT) -> Iterator[None]:
    """Who does the handshakes: ours, or ktls-utils' tlshd for TLS over TCP, which takes requests from one another.

    `client` is the configuration of the client's.
    """
    argv = ["tlshd", "-s", "-c"] if "tls" in way else [sys.executable, "-m", "kquic.handshaked", "-c"]
    with ExitStack() as stack:
        for host, config in ((cli, folder / client), (srv, folder / SERVER)):
            stack.enter_context(Program(host, [*argv, config], ready=None if "tls" in way else "ready"))
        if "tls" in way:
            time.sleep(1)  # tlshd does not say when it listens
        yield


def configure(folder: Path) -> None:
    """Certificates, and the agents' configurations."""
    ca = TestCA.create()
    trust, own = ca.write(folder), ca.server(NAME).write(folder, "server")
    believed = f"[authenticate.client]\nx509.truststore = {trust}\n"
    (folder / CLIENT).write_text(believed)
    (folder / AES_CLIENT).write_text(f"[authenticate]\nciphers = AES-256-GCM\n{believed}")
    (folder / SERVER).write_text(
        f"[authenticate.server]\nx509.truststore = {trust}\n"
        f"x509.certificate = {own.cert}\nx509.private_key = {own.key}\n"
    )


@contextmanager
def mounted(host: Host, folder: Path, options: str, server: str, client: str) -> Iterator[Path]:
    """The export of the server with this address, on a client with that one, for as long as the context lasts."""
    point = folder / "mnt"
    point.mkdir(exist_ok=True)
    given = f"vers=4.2,addr={server},clientaddr={client},{options}"
    host.run("mount", "-i", "-t", "nfs", "-o", given, f"{NAME}:/export", point)
    try:
        yield point
    finally:
        host.run("umount", point)


def measure(net: Routed, folder: Path, way: str, work: str, loss: float) -> Measured:
    """Mount, do the work, unmount."""
    net.impair(Impairment(delay_ms=DELAY_MS))
    with (
        agents(net.cli, net.srv, folder, way),
        mounted(net.cli, folder, WAYS[way], Routed.SERVER, Routed.CLIENT) as point,
    ):
        net.impair(Impairment(delay_ms=DELAY_MS, loss_percent=loss))
        argv = net.cli.argv([*FIO.split(), *WORK[work].split(), f"--directory={point}"])
        said = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=600).stdout
        net.impair(None)
    read = json.loads(said)["jobs"][0]["read"]
    times = read["clat_ns"]["percentile"]
    rate = read["bw_bytes"] / (1 << 20)
    print(f"{way}, {work}, {loss} %: {rate:.2f} MiB/s", file=sys.stderr, flush=True)
    return Measured(way, work, loss, rate, read["iops"], times["50.000000"] / 1e6, times["99.000000"] / 1e6)


def middle(rounds: list[Measured]) -> Measured:
    """The round whose rate is the median."""
    return sorted(rounds, key=lambda measured: measured.mib_per_s)[len(rounds) // 2]


def show(rounds: list[list[Measured]]) -> None:
    """A table of the middle rounds, with the ratios to TLS over TCP in the same round."""
    print(f"{'work':6} {'loss %':>6} {'way':16} {'MiB/s':>7} {'reads/s':>8} {'median':>8} {'99 %':>8}   ratios")
    of_tls = {(same[0].work, same[0].loss): rates(same) for same in rounds if same[0].way == "tcp with tls"}
    for same in rounds:
        r = middle(same)
        pairs = zip(rates(same), of_tls[r.work, r.loss], strict=True)
        ratios = " ".join(f"{own / other:.2f}" for own, other in pairs)
        line = f"{r.work:6} {r.loss:6} {r.way:16} {r.mib_per_s:7.2f} {r.reads_per_s:8.0f}"
        print(f"{line} {r.median_ms:5.0f} ms {r.late_ms:5.0f} ms   {ratios}")


def rates(rounds: list[Measured]) -> list[float]:
    """MiB/s of each round."""
    return [measured.mib_per_s for measured in rounds]


def main() -> None:
    """Everything in turns, so that all ways see the same machine."""
    parser = argparse.ArgumentParser(prog="bench.nfs", description=__doc__)
    parser.add_argument("--loss", type=float, nargs="+", default=[0, 0.1, 1, 3])
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with TemporaryDirectory() as name, routed() as net:
        folder = Path(name)
        with Path("/etc/hosts").open("a") as hosts:
            hosts.write(f"{Routed.SERVER} {NAME}\n")
        configure(folder)
        results: list[list[Measured]] = []
        with Nfsd(net.srv, folder / "nfsd", ("quic 2049", "tcp 2049")) as server:
            for number in range(16):
                (server.path("export") / str(number)).write_bytes(os.urandom(2 << 20))
            for loss in args.loss:
                for work in WORK:
                    rounds = [[measure(net, folder, way, work, loss) for way in WAYS] for _ in range(args.rounds)]
                    results += [list(of_way) for of_way in zip(*rounds, strict=True)]
        show(results)
    if job := os.environ.get("KQUIC_JOB"):
        found = [asdict(measured) for rounds in results for measured in rounds]
        (Path(job) / "bench-nfs.json").write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
