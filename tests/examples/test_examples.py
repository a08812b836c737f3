# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs of examples/ do what they say."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from file_content import sha256, write_random
from kquic.lab.program import Program
from kquic.lab.topology import Network

if TYPE_CHECKING:
    from tests.conftest import Certificates

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = Path(os.environ.get("KQUIC_PROGRAMS", "/nonexistent"))
STORE = Path("/etc/ssl/certs/ca-certificates.crt")
NAME = "server.test"


def example(name: str, *words: str | Path) -> list[str]:
    return [sys.executable, str(EXAMPLES / name), *map(str, words)]


@contextmanager
def believed(authority: Path) -> Iterator[None]:
    """The system's trust store has this authority."""
    before = STORE.read_bytes()
    STORE.write_bytes(before + b"\n" + authority.read_bytes())
    yield
    STORE.write_bytes(before)


def test_echo(network: Network, certs: Certificates) -> None:
    keys, address = certs.server, Network.SERVER_V4
    server = [str(PROGRAMS / "echo"), "server", address, "4433", str(keys.key), str(keys.cert)]
    client = [str(PROGRAMS / "echo"), "client", address, "4433", NAME]
    with Program(network.srv, server, ready="ready"), believed(certs.ca):
        for text in ("hello", "x" * 20_000):
            assert network.cli.run(*client, text) == text + "\n"


def test_file_transfer(network: Network, certs: Certificates, tmp_path: Path) -> None:
    keys, into = certs.server, tmp_path / "into"
    into.mkdir()
    hashes = {name: write_random(tmp_path / name, size << 20) for name, size in (("small", 0), ("large", 3))}
    server = example("file_transfer.py", "receive", "--cert", keys.cert, "--key", keys.key, "--into", into)
    client = example("file_transfer.py", "send", Network.SERVER_V4, "--name", NAME, "--ca", certs.ca)
    with Program(network.srv, server, ready="ready") as receiver:
        output = network.cli.run(*client, *(tmp_path / name for name in hashes))
        receiver.wait_for("received large")
    assert output.splitlines() == ["sent small", "sent large"]
    assert {path.name: sha256(path) for path in into.iterdir()} == hashes


def test_file_transfer_stays_in_its_folder(network: Network, certs: Certificates, tmp_path: Path) -> None:
    """A name with a path in it loses the path; one that is no name at all is refused."""
    keys, into = certs.server, tmp_path / "into"
    into.mkdir()
    server = example("file_transfer.py", "receive", "--cert", keys.cert, "--key", keys.key, "--into", into)
    client = [sys.executable, "-c", NAUGHTY, str(certs.ca), Network.SERVER_V4]
    with Program(network.srv, server, ready="ready") as receiver:
        assert network.cli.run(*client).splitlines() == ["stored", "refused", "refused"]
        receiver.wait_for("received evil")
    assert [path.name for path in into.iterdir()] == ["evil"]
    assert not (tmp_path / "evil").exists()


NAUGHTY = """
import sys
from pathlib import Path
from kquic.sock import Streams, connect, StreamReset
from kquic.tls import ClientSettings, X509Credentials, client_handshake
from kquic.sock import EventType
credentials = X509Credentials(trust=Path(sys.argv[1]).read_bytes())
with connect(sys.argv[2], 4433) as connection:
    client_handshake(connection, ClientSettings(credentials, "server.test", ("file-transfer",)))
    connection.enable_event(EventType.STREAM_UPDATE)
    for name in (b"../evil", b"..", b"/"):
        stream = Streams(connection).open()
        stream.send(name + b"\\ndata", fin=True)
        try:
            print("stored" if len(stream.read()) == 32 else "strange")
        except StreamReset:
            print("refused")
"""


def test_http3_page(network: Network, certs: Certificates, tmp_path: Path) -> None:
    """Debian's curl is the browser."""
    page = tmp_path / "page.html"
    page.write_text("<p>Seen.</p>\n" * 20_000)
    keys, address, port = certs.server, Network.SERVER_V4, "4433"
    server = example("http3_page.py", "--port", port, "--cert", keys.cert, "--key", keys.key, page)
    curl = ["curl", "-sS", "--http3-only", "--max-time", "60", "--cacert", certs.ca]
    curl += ["--resolve", f"{NAME}:{port}:{address}", "-w", "%{http_code} %{http_version} %{content_type}"]
    url = f"https://{NAME}:{port}/"
    with Program(network.srv, server, ready="ready"):
        assert network.cli.run(*curl, url, timeout=70) == f"{page.read_text()}200 3 text/html"
        assert network.cli.run(*curl, "--head", "-o", "/dev/null", url, timeout=70) == "200 3 text/html"
        assert network.cli.run(*curl, f"{url}else", timeout=70).endswith("404 3 text/plain")
        assert network.cli.run(*curl, "-d", "x", url, timeout=70).endswith("405 3 text/plain")


def test_asyncio_server(network: Network, certs: Certificates) -> None:
    """A client with a stream that it does not end, and one that asks meanwhile."""
    server = example("asyncio_server.py", "--cert", certs.server.cert, "--key", certs.server.key)
    client = [sys.executable, "-c", ASK, str(certs.ca), Network.SERVER_V4]
    with Program(network.srv, server, ready="ready"):
        assert network.cli.run(*client).split() == ["HELLO", "AGAIN", "SLOW"]


ASK = """
import sys
from pathlib import Path
from kquic.sock import Streams, connect
from kquic.tls import ClientSettings, X509Credentials, client_handshake
settings = ClientSettings(X509Credentials(trust=Path(sys.argv[1]).read_bytes()), "server.test", ("capitals",))
with connect(sys.argv[2], 4433) as waiting, connect(sys.argv[2], 4433) as asking:
    for connection in (waiting, asking):
        client_handshake(connection, settings)
    slow = Streams(waiting).open()
    slow.send(b"sl")
    streams = Streams(asking)
    for text in (b"hello", b"again"):
        stream = streams.open()
        stream.send(text, fin=True)
        print(stream.read().decode())
    slow.send(b"ow", fin=True)
    print(slow.read().decode())
"""
