# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic doctor`: what of kernel, modules, agent and certificates is not as it has to be, and what to do."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509

from kquic.diag import kernel
from kquic.diag.finding import Finding, Verdict
from kquic.diag.probe import ProbeError, probe, split
from kquic.errors import KquicError
from kquic.handshaked import config as configuration
from kquic.handshaked import materials

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

PROC = Path("/proc")
AGENTS = ("kquic-handshaked", "kquic.handshaked", "tlshd")
TRUST = Path("/etc/ssl/certs/ca-certificates.crt")
SOON = dt.timedelta(days=14)


def add_doctor(verbs: Subparsers) -> None:
    """Add `doctor` to the command line."""
    parser = verbs.add_parser("doctor", help="what is wrong with QUIC on this machine, and how to repair it")
    parser.add_argument("-c", "--config", type=Path, help="configuration file of the agent")
    parser.add_argument("server", nargs="*", metavar="HOST[:PORT]", help="servers that have to be reachable")
    parser.set_defaults(call=cmd_doctor)


def cmd_doctor(args: argparse.Namespace) -> int:
    """Look at everything; 1 if something is bad."""
    bad = False
    for finding in examine(args.config, args.server):
        print(finding, flush=True)
        bad |= finding.verdict is Verdict.BAD
    return 1 if bad else 0


def examine(config: Path | None, servers: list[str]) -> Iterator[Finding]:
    """All findings, in the order in which things depend on each other."""
    yield kernel.transport()
    yield kernel.smb_client()
    yield kernel.nfs_client()
    yield agent(agents())
    yield from settings(config)
    yield trust(TRUST)
    for server in servers:
        yield reach(server)


def agents(proc: Path = PROC) -> list[str]:
    """The handshake agents that run."""
    found = []
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        names = {word.decode(errors="replace").rpartition("/")[2] for word in words[:4]}
        found += [f"{agent} (process {entry.name})" for agent in AGENTS if agent in names]
    return found


def agent(running: list[str]) -> Finding:
    """Whether exactly one agent does handshakes for the kernel."""
    if not running:
        repair = "`systemctl enable --now kquic-handshaked`"
        return Finding(Verdict.BAD, "agent", "none runs: mounts over QUIC end with ESRCH", repair)
    if len(running) > 1:
        words = f"several run: {', '.join(running)}; each request goes to one of them"
        return Finding(Verdict.NOTE, "agent", words, "stop all but one, unless they serve different network namespaces")
    return Finding(Verdict.OK, "agent", running[0])


def settings(given: Path | None) -> Iterator[Finding]:
    """The agent's configuration and everything that it names."""
    path = given or next((p for p in configuration.DEFAULT_PATHS if p.exists()), None)
    if path is None:
        yield Finding(Verdict.NOTE, "configuration", "no file: a client needs none, a server does")
        return
    try:
        config = configuration.load(path)
        loaded = materials.load(config)
    except KquicError as error:
        yield Finding(Verdict.BAD, "configuration", str(error), "correct that line or that file")
        return
    for warning in (*config.warnings, *loaded.warnings):
        yield Finding(Verdict.NOTE, "configuration", warning)
    yield Finding(Verdict.OK, "configuration", str(path))
    for side, name in ((config.server, "server"), (config.client, "client")):
        if side.certificate and Path(side.certificate).exists():
            yield certificate(f"{name} certificate", Path(side.certificate), dt.datetime.now(dt.UTC))


def certificate(what: str, path: Path, now: dt.datetime) -> Finding:
    """Whether a certificate is valid, and for how long."""
    try:
        cert = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        return Finding(Verdict.BAD, what, f"{path}: {error}", "a PEM certificate is needed")
    end = cert.not_valid_after_utc
    if now < cert.not_valid_before_utc:
        return Finding(Verdict.BAD, what, f"{path} is not valid yet", "look at this machine's clock")
    if end < now:
        return Finding(Verdict.BAD, what, f"{path} expired on {end:%Y-%m-%d}", "renew it, then reload the agent")
    if end - now < SOON:
        return Finding(Verdict.NOTE, what, f"{path} expires on {end:%Y-%m-%d}", "renew it")
    return Finding(Verdict.OK, what, f"{path}, until {end:%Y-%m-%d}")


def trust(store: Path) -> Finding:
    """Whether the system trusts anybody."""
    count = store.read_bytes().count(b"BEGIN CERTIFICATE") if store.exists() else 0
    if not count:
        repair = "install ca-certificates, or name your authority in x509.truststore"
        return Finding(Verdict.NOTE, "trust store", f"{store} has no authority", repair)
    return Finding(Verdict.OK, "trust store", f"{count} authorities")


def reach(server: str) -> Finding:
    """Whether a server answers, speaks SMB or RPC, and has a certificate that is believed."""
    what = f"server {server}"
    try:
        host, port = split(server)
        report = probe(host, port, ("smb", "sunrpc"), None, 5.0)
    except (ProbeError, OSError) as error:
        return Finding(Verdict.BAD, what, str(error), "look at the name and at DNS")
    if report.versions is None:
        return Finding(Verdict.BAD, what, "no answer", f"let UDP port {port} through, and see that the server runs")
    if not report.usable:
        words = "; ".join(f"{answer.alpn}: {answer.words}" for answer in report.answers)
        return Finding(Verdict.BAD, what, words, "switch SMB or NFS over QUIC on at the server")
    if report.certificate and not report.certificate.trusted:
        repair = "trust its authority, or mount by a name that the certificate has"
        return Finding(Verdict.BAD, what, f"certificate: {report.certificate.why_not}", repair)
    return Finding(Verdict.OK, what, ", ".join(answer.alpn for answer in report.answers if answer.accepted))
