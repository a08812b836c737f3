# SPDX-License-Identifier: GPL-2.0-or-later
"""An export is mounted over QUIC, seen as such, and unmounted."""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from kquic.lab.topology import Host, Network

MESSAGES = ("xprt_quic_send", "xprt_quic_recv", "svc_quic_send", "svc_quic_recv")


def connections(host: Host) -> list[str]:
    """The QUIC connections of a host, without the header line."""
    return host.run("cat", "/proc/net/quic/conns").splitlines()[1:]


def mount_options(point: Path) -> dict[str, str]:
    """The options that /proc/mounts shows."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, _, options, *_ = line.split()
        if where == str(point):
            return dict(option.partition("=")[::2] for option in options.split(","))
    raise AssertionError(f"{point} is not mounted")


def transport_stats(point: Path) -> list[list[str]]:
    """The `xprt:` lines of a mount in /proc/self/mountstats, as words."""
    text = Path("/proc/self/mountstats").read_text()
    (mount,) = [part for part in text.split("\ndevice ") if f" mounted on {point} " in part]
    return [line.split()[1:] for line in mount.splitlines() if line.strip().startswith("xprt:")]


class Tracing:
    """The events of rpcquic and others, in an instance of tracefs of their own."""

    def __init__(self, *others: str) -> None:
        self._folder = Path("/sys/kernel/tracing/instances/rpcquic-test")
        self._events = ("rpcquic", *others)

    def __enter__(self) -> Self:
        self._folder.mkdir()
        for event in self._events:
            (self._folder / "events" / event / "enable").write_text("1")
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.rmdir()

    def text(self) -> str:
        """What has been recorded."""
        return (self._folder / "trace").read_text()


@pytest.mark.smoke
def test_mount_is_over_quic_and_says_so(mounts, nfsd) -> None:
    with mounts.mounted() as point:
        (point / "hello").write_text("over QUIC")
        assert (nfsd.path("export") / "hello").read_text() == "over QUIC"
        options = mount_options(point)
        assert options["proto"] == "quic"
        assert options["vers"] == "4.2"


@contextlib.contextmanager
def without_netids() -> Iterator[None]:
    """The files of mount.nfs as the distribution has them."""
    files = {path: path.read_text() for path in (Path("/etc/netconfig"), Path("/etc/protocols"))}
    for path, text in files.items():
        path.write_text("".join(line for line in text.splitlines(keepends=True) if not line.startswith("quic")))
    try:
        yield
    finally:
        for path, text in files.items():
            path.write_text(text)


@pytest.mark.parametrize("server", ["server.test", "server6.test"])
def test_the_option_quic_needs_no_netids(mounts, server: str) -> None:
    """mount.nfs looks proto= up, and passes words that it does not know on to the kernel."""
    point = mounts.point()
    argv = mounts.argv(point, server=server)
    with without_netids():
        refused = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
        subprocess.run([word.replace("proto=quic", "quic") for word in argv], check=True, timeout=60)
    assert refused.returncode
    try:
        assert mount_options(point)["proto"] == ("quic6" if "6" in server else "quic")
    finally:
        subprocess.run(["umount", str(point)], check=True, timeout=60)


@pytest.mark.smoke
def test_nothing_but_udp_2049_is_used(mounts, net: Network) -> None:
    with mounts.mounted() as point:
        list(point.iterdir())
        assert ":2049" not in net.cli.run("ss", "-tn")
        (connection,) = connections(net.cli)
        assert f"{Network.SERVER_V4}:2049" in connection


def test_source_port_is_reserved_unless_told_otherwise(mounts, net: Network) -> None:
    for options, reserved in ((), True), (("noresvport",), False):
        with mounts.mounted(*options):
            (connection,) = connections(net.cli)
            found = re.search(rf"{re.escape(Network.CLIENT_V4)}:(\d+)", connection)
            assert found
            assert (int(found[1]) < 1024) == reserved


@pytest.mark.smoke
def test_unmount_is_quick_and_leaves_nothing(mounts, net: Network) -> None:
    with mounts.mounted():
        assert connections(net.cli)
        started = time.monotonic()
    assert time.monotonic() - started < 5
    deadline = time.monotonic() + 5
    while connections(net.cli) + connections(net.srv) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not connections(net.cli)
    assert not connections(net.srv), "the server was not told"


def test_mountstats(mounts) -> None:
    with mounts.mounted() as point:
        (point / "file").write_text("counted")
        (words,) = transport_stats(point)
        assert words[0] == "quic"
        sends, receives, bad_xids, streams = int(words[6]), int(words[7]), int(words[8]), int(words[14])
        assert sends >= receives > 5
        assert bad_xids == 0
        assert streams >= 1


def test_trace_events(mounts) -> None:
    """Of both ends; all hosts are in one kernel."""
    with Tracing() as trace:
        with mounts.mounted() as point:
            (point / "file").write_text("traced")
        text = trace.text()
    well = set(re.findall(r"(\w+): peer=\S+ status=0", text))
    assert well >= {"xprt_quic_handshake", "xprt_quic_connect", "svc_quic_handshake"}
    moved = {kind: set(re.findall(rf"{kind}: peer=\S+ (stream=\d+ xid=\w+)", text)) for kind in MESSAGES}
    assert moved["xprt_quic_send"]
    for kind in MESSAGES:
        assert moved["xprt_quic_send"] <= moved[kind], "a call and its reply are on one stream"
    assert "xprt_quic_close: " in text


@pytest.mark.parametrize("streams", [1, 5, 16])
def test_number_of_streams(mounts, nfsd, streams: int) -> None:
    with mounts.mounted(f"streams={streams}", "nconnect=2") as point:
        (point / "file").write_text("on several streams")
        assert mount_options(point)["streams"] == str(streams)
        assert [int(words[14]) for words in transport_stats(point)] == [streams, streams]
        nfsd.stop()
        nfsd.start()
        (point / "file").write_text("on as many after a reconnect")
        assert int(transport_stats(point)[0][14]) == streams


def test_number_of_streams_of_mounts_that_do_not_say(mounts) -> None:
    parameter = Path("/sys/module/rpcquic/parameters/streams")
    parameter.write_text("3")
    try:
        with mounts.mounted() as point:
            assert "streams" not in mount_options(point)
            (words,) = transport_stats(point)
            assert int(words[14]) == 3
    finally:
        parameter.write_text("0")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("proto=quic,streams=0", "NFS: Value for 'streams' out of range"),
        ("proto=quic,streams=17", "NFS: Value for 'streams' out of range"),
        ("proto=tcp,streams=2", "NFS: Option 'streams' needs proto=quic"),
    ],
)
def test_numbers_of_streams_that_are_refused(mounts, net: Network, options: str, message: str) -> None:
    """The helper of nfs-utils has no words for it; mount(8) itself passes on what the kernel says."""
    assert "incorrect mount option" in mounts.failure(*options.split(","))
    given = f"addr={Network.SERVER_V4},vers=4.2,{options}"
    argv = net.cli.argv(["mount", "-i", "-t", "nfs", "-o", given, "server.test:/export", str(mounts.point())])
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode
    assert message in done.stderr


def test_ipv6(mounts, net: Network) -> None:
    with mounts.mounted("proto=quic6", server="server6.test") as point:
        (point / "six").write_text("6")
        assert mount_options(point)["proto"] == "quic6"
        (connection,) = connections(net.cli)
        assert f"{Network.SERVER_V6}:2049" in connection


def test_by_address_if_the_certificate_has_it(mounts) -> None:
    with mounts.mounted(server=Network.SERVER_V4) as point:
        list(point.iterdir())


@pytest.mark.parametrize("version", ["4.1", "4.0"])
def test_other_versions(mounts, nfsd, version: str) -> None:
    with mounts.mounted(f"vers={version}") as point:
        (point / "hello").write_text(version)
        assert (nfsd.path("export") / "hello").read_text() == version
        assert mount_options(point)["vers"] == version


def test_several_connections(mounts, net: Network) -> None:
    with mounts.mounted("nconnect=3") as point:
        for number in range(10):
            (point / f"file{number}").write_text("x" * 10000)
        assert len(transport_stats(point)) == 3
        assert len(connections(net.cli)) == 3


def test_second_mount_shares_the_connection(mounts, net: Network) -> None:
    with mounts.mounted() as one, mounts.mounted() as two:
        (one / "shared").write_text("both")
        assert (two / "shared").read_text() == "both"
        assert len(connections(net.cli)) == 1


def test_no_helper_is_needed(mounts, net: Network) -> None:
    """`mount -i` asks the kernel itself, which needs the address."""
    point = mounts.point()
    options = f"addr={Network.SERVER_V4},proto=quic,vers=4.2"
    net.cli.run("mount", "-i", "-t", "nfs", "-o", options, "server.test:/export", point)
    try:
        assert mount_options(point)["proto"] == "quic"
    finally:
        net.cli.run("umount", point)
