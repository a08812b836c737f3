# SPDX-License-Identifier: GPL-2.0-or-later
"""pynfs over QUIC: its server under the kernel's client, its test suites against knfsd.

PYNFS=FOLDER names a prepared tree; see docs/nfs.md.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from kquic.errors import CommandFailed
from kquic.lab.program import Program
from kquic.lab.topology import Network

from .conftest import SERVER_NAME

TREE = os.environ.get("PYNFS", "")
DIALLED = 20491
SERVED = 20492
EXPORT = "/b"
#: Without those that sleep through leases, make thousands of calls or a thousand clients.
SUITE_40 = ("all", "notimed", "noWRT15", "noCID5")

if not TREE:
    pytest.skip("PYNFS names no tree of pynfs", allow_module_level=True)


@pytest.fixture
def dialled(net: Network, nfsd, certs) -> Iterator[str]:
    """knfsd over QUIC, as a TCP server on an address of the client, where callbacks of NFSv4.0 find it, too."""
    argv = [sys.executable, "-m", "kquic.rpc.dial", "--listen", f"{Network.CLIENT_V4}:{DIALLED}"]
    argv += ["--to", f"{Network.SERVER_V4}:2049", "--name", SERVER_NAME, "--ca", str(certs.ca)]
    with Program(net.cli, argv, ready="ready"):
        yield f"{Network.CLIENT_V4}:{DIALLED}/export"


class Suite:
    """One of pynfs' test suites."""

    def __init__(self, net: Network, version: str, folder: Path) -> None:
        self._net, self._home, self._folder = net, Path(TREE, version), folder

    def run(self, export: str, *words: str) -> dict[str, str]:
        """Run the tests with these codes or flags; what became of each."""
        results = self._folder / "results"
        results.unlink(missing_ok=True)
        argv = [sys.executable, "testserver.py", export, "--maketree", f"--json={results}", *words]
        program = f"cd {self._home} && PYTHONPATH={TREE}:lib PYTHONDONTWRITEBYTECODE=1 exec {shlex.join(argv)}"
        said = self._net.cli.run("sh", "-c", program, timeout=900, check=False)
        assert results.exists(), said[-3000:]
        cases = json.loads(results.read_text())["testcase"]
        return {case["code"]: str(case.get("failure", "")) for case in cases if "skipped" not in case}

    def check(self, export: str, options: Sequence[str], tests: Sequence[str]) -> int:
        """Run tests over QUIC, and over TCP what failed: nothing may fail over QUIC alone. How many there were."""
        outcome = self.run(export, *options, *tests)
        failed = {code: said for code, said in outcome.items() if said}
        if failed:
            over_tcp = self.run(f"{Network.SERVER_V4}:2049/export", *options, *failed)
            failed = {code: said for code, said in failed.items() if not over_tcp.get(code)}
        assert not failed, json.dumps(failed, indent=1)
        return len(outcome)


def test_kernel_mounts_the_server(mounts, net: Network, certs) -> None:
    """Of a tree whose server runs under this Python; that of the year 2025 does not."""
    argv = [sys.executable, "-m", "kquic.cli", "serve", "pynfs", TREE, "--port", str(SERVED)]
    server = Program(net.srv, [*argv, "--cert", certs.server.cert, "--key", certs.server.key], ready="ready")
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(server)
        except CommandFailed:
            pytest.skip(f"pynfs' server does not run here: {server.output.splitlines()[-1]}")
        point = stack.enter_context(mounts.mounted("vers=4.1", f"port={SERVED}", path=EXPORT))
        (point / "file").write_text("over QUIC to pynfs")
        assert (point / "file").read_text() == "over QUIC to pynfs"


@pytest.mark.timeout(1000)
def test_suite_of_41(net: Network, dialled: str, tmp_path: Path) -> None:
    assert Suite(net, "nfs4.1", tmp_path).check(dialled, ["--minorversion=1"], ["all"]) > 150


@pytest.mark.timeout(1000)
def test_suite_of_40(net: Network, dialled: str, tmp_path: Path) -> None:
    assert Suite(net, "nfs4.0", tmp_path).check(dialled, [], SUITE_40) > 150
