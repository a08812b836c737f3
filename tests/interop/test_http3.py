# SPDX-License-Identifier: GPL-2.0-or-later
"""HTTP/3 with programs that have nothing in common with us: curl, nginx, HAProxy, ngtcp2's client and server."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kquic.lab.program import Program
from kquic.lab.topology import Impairment, Network

V1, V2 = "0x1", "0x6b3343cf"
HTTP3 = Path(__file__).parents[1] / "peers" / "kquic_http3.py"
NGTCP2 = Path("/opt/ngtcp2/usr")
LIBRARIES = f"LD_LIBRARY_PATH={NGTCP2}/lib/x86_64-linux-gnu"
ADDRESS, PORT, NAME = Network.SERVER_V4, 4433, "server.test"
BIG = 10 << 20
PREFERRED = "10.0.0.9"

NGINX = """\
daemon off; user root; pid {dir}/pid; error_log stderr notice; worker_processes 1;
events {{ }}
http {{
    access_log off; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi; uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
    server {{
        listen {address}:{port} quic; http3 on; quic_gso on; {more}
        ssl_certificate {cert}; ssl_certificate_key {key}; root {root};
    }}
}}
"""
HAPROXY = """\
global
    limited-quic
defaults
    mode http
    timeout client 10s
    timeout server 10s
    timeout connect 10s
frontend all
    bind quic4@{address}:{port} ssl crt {pem} alpn h3 {more}
    http-request return status 200 content-type text/plain file {file}
"""

#: Cases by the names of the QUIC interop runner: the client's switches, and what our server then reports.
NGTCP2_CASES = {
    "transfer": ((), "alpn='h3'"),
    "chacha20": (("--ciphers=NORMAL:-CIPHER-ALL:+CHACHA20-POLY1305",), "CHACHA20_POLY1305"),
    "aes-ccm": (("--ciphers=NORMAL:-CIPHER-ALL:+AES-128-CCM", "--key-update=1ms"), "AES_CCM_128"),
    "keyupdate": (("--key-update=1ms",), "KeyUpdated"),
    "connectionmigration": (("--change-local-addr=300ms",), "ConnectionMigrated(local=False)"),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a page and a large file."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "page").write_text("a page\n")
    (folder / "big").write_bytes(os.urandom(BIG))
    for path in (folder, folder.parent, folder.parent.parent):
        path.chmod(0o755)
    return folder


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def ours(net: Network, certs, site: Path) -> Iterator[Program]:
    """Our server of the site."""
    argv = [sys.executable, str(HTTP3), "server", "--address", ADDRESS, "--port", str(PORT), "--root", str(site)]
    keys = ["--cert", str(certs.server.cert), "--key", str(certs.server.key)]
    with Program(net.srv, [*argv, *keys], ready="ready") as server:
        yield server


def fetch(net: Network, certs, *paths: str) -> str:
    """What our client says."""
    argv = [sys.executable, str(HTTP3), "client", "--address", ADDRESS, "--port", str(PORT)]
    return net.cli.run(*argv, "--ca", certs.ca, "--name", NAME, *paths, timeout=60)


def wait_for_port(net: Network, *, bound: bool) -> None:
    """Until a UDP socket has the server's port, or none has."""
    deadline = time.monotonic() + 20
    while bool(net.srv.run("ss", "-Hlun", f"sport = :{PORT}").strip()) != bound:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def listening(net: Network, *argv: str | Path) -> Iterator[Program]:
    """A server that says nothing when it is ready; connections of the one before it may still be closing."""
    wait_for_port(net, bound=False)
    with Program(net.srv, argv) as server:
        wait_for_port(net, bound=True)
        yield server


class TestOurServer:
    def curl(self, net: Network, certs, *options: str | Path) -> str:
        resolve = f"{NAME}:{PORT}:{ADDRESS}"
        argv = ["curl", "-sS", "--http3-only", "--max-time", "60", "--cacert", certs.ca, "--resolve", resolve]
        return net.cli.run(*argv, *options, timeout=70)

    def test_curl_fetches_a_page(self, net: Network, certs, ours: Program) -> None:
        assert self.curl(net, certs, f"https://{NAME}:{PORT}/page") == "a page\n"

    def test_curl_fetches_a_large_file(self, net: Network, certs, site: Path, ours: Program, tmp_path: Path) -> None:
        self.curl(net, certs, "-o", tmp_path / "got", f"https://{NAME}:{PORT}/big")
        assert digest(tmp_path / "got") == digest(site / "big")

    def test_curl_sends_a_large_file(self, net: Network, certs, site: Path, ours: Program) -> None:
        answer = self.curl(net, certs, "--data-binary", f"@{site / 'big'}", f"https://{NAME}:{PORT}/")
        assert answer == digest(site / "big")

    def test_curl_fetches_many(self, net: Network, certs, ours: Program) -> None:
        assert self.curl(net, certs, *[f"https://{NAME}:{PORT}/page"] * 20) == "a page\n" * 20

    def test_curl_is_told_what_is_not_there(self, net: Network, certs, ours: Program) -> None:
        assert self.curl(net, certs, "-o", "/dev/null", "-w", "%{http_code}", f"https://{NAME}:{PORT}/none") == "404"

    @pytest.mark.parametrize(("options", "evidence"), NGTCP2_CASES.values(), ids=NGTCP2_CASES.keys())
    def test_ngtcp2(
        self, net: Network, certs, site: Path, ours: Program, tmp_path: Path, options: tuple[str, ...], evidence: str
    ) -> None:
        """What the case is about has to have been seen by our end."""
        if "Migrated" in evidence:
            net.link.impair(Impairment(delay_ms=40))
        argv = ["env", LIBRARIES, str(NGTCP2 / "bin" / "gtlsclient"), "-q", "--exit-on-all-streams-close", *options]
        net.cli.run(*argv, f"--download={tmp_path}", ADDRESS, str(PORT), f"https://{NAME}/big", timeout=60)
        assert digest(tmp_path / "big") == digest(site / "big")
        ours.wait_for(evidence, timeout=5)

    def test_ngtcp2_rebind_port(self, net: Network, certs, site: Path, ours: Program, tmp_path: Path) -> None:
        """An upload: one who only waits for data sends nothing, and could never tell the server of its new port."""
        net.link.impair(Impairment(delay_ms=40))
        argv = ["env", LIBRARIES, str(NGTCP2 / "bin" / "gtlsclient"), "-q", "--exit-on-all-streams-close"]
        rebind = ["--change-local-addr=300ms", "--nat-rebinding"]
        upload = [
            "--http-method=POST",
            f"--data={site / 'big'}",
            f"--download={tmp_path}",
            ADDRESS,
            str(PORT),
            f"https://{NAME}/answer",
        ]
        net.cli.run(*argv, *rebind, *upload, timeout=60)
        assert (tmp_path / "answer").read_text() == digest(site / "big")
        ours.wait_for("ConnectionMigrated(local=False)", timeout=5)

    def test_ngtcp2_v2(self, net: Network, certs, ours: Program) -> None:
        argv = ["env", LIBRARIES, str(NGTCP2 / "bin" / "gtlsclient"), "--exit-on-all-streams-close"]
        said = net.cli.run(*argv, "-v", "0x6b3343cf", ADDRESS, str(PORT), f"https://{NAME}/page", timeout=60)
        assert "version=0x6b3343cf type=Handshake" in said
        assert "version=0x00000001" not in said

    def test_ngtcp2_compatible_version(self, net: Network, certs, site: Path) -> None:
        """It begins in version 1 and offers both; our server prefers version 2."""
        keys = ["--cert", str(certs.server.cert), "--key", str(certs.server.key)]
        argv = [sys.executable, str(HTTP3), "server", "--address", ADDRESS, "--port", str(PORT), "--root", str(site)]
        with Program(net.srv, [*argv, *keys, "--version", V2], ready="ready"):
            argv = ["env", LIBRARIES, str(NGTCP2 / "bin" / "gtlsclient"), "--exit-on-all-streams-close"]
            offer = f"--available-versions={V2},{V1}"
            said = net.cli.run(*argv, offer, ADDRESS, str(PORT), f"https://{NAME}/page", timeout=60)
        assert "version=0x6b3343cf type=Handshake" in said
        assert "version=0x00000001 type=Initial" in said
        assert "version=0x00000001 type=Handshake" not in said


class TestOurClient:
    @pytest.mark.parametrize("more", ["", "quic_retry on;"], ids=["transfer", "retry"])
    def test_nginx(self, net: Network, certs, site: Path, tmp_path: Path, more: str) -> None:
        keys = certs.server
        text = NGINX.format(
            dir=tmp_path, address=ADDRESS, port=PORT, cert=keys.cert, key=keys.key, root=site, more=more
        )
        (tmp_path / "nginx.conf").write_text(text)
        with listening(net, "nginx", "-e", "stderr", "-c", tmp_path / "nginx.conf"):
            said = fetch(net, certs, "/page", "/big")
        assert digest(site / "page") in said
        assert digest(site / "big") in said

    def test_ngtcp2_aes_ccm(self, net: Network, certs, site: Path) -> None:
        only = "--ciphers=NORMAL:-CIPHER-ALL:+AES-128-CCM"
        argv = ["env", LIBRARIES, NGTCP2 / "sbin" / "gtlsserver", "-q", only, "-d", site, ADDRESS, str(PORT)]
        with listening(net, *argv, certs.server.key, certs.server.cert):
            said = fetch(net, certs, "/big")
        assert digest(site / "big") in said
        assert "AES_CCM_128" in said

    @pytest.mark.parametrize("options", [(), ("-V",)], ids=["transfer", "retry"])
    def test_ngtcp2(self, net: Network, certs, site: Path, options: tuple[str, ...]) -> None:
        argv = ["env", LIBRARIES, NGTCP2 / "sbin" / "gtlsserver", "-q", *options, "-d", site, ADDRESS, str(PORT)]
        with listening(net, *argv, certs.server.key, certs.server.cert):
            assert digest(site / "big") in fetch(net, certs, "/big")

    @pytest.mark.parametrize("options", [(), ("-V",)], ids=["plain", "retry"])
    def test_ngtcp2_compatible_version(self, net: Network, certs, site: Path, options: tuple[str, ...]) -> None:
        """We begin in version 1; it prefers version 2."""
        argv = ["env", LIBRARIES, NGTCP2 / "sbin" / "gtlsserver", *options, f"--preferred-versions={V2}", "-d", site]
        with listening(net, *argv, ADDRESS, str(PORT), certs.server.key, certs.server.cert) as server:
            assert digest(site / "page") in fetch(net, certs, "/page")
            server.wait_for("version=0x6b3343cf type=Handshake", timeout=10)
            assert "version=0x00000001 type=Initial" in server.output
            assert "version=0x00000001 type=Handshake" not in server.output

    def test_ngtcp2_preferred_address(self, net: Network, certs, site: Path) -> None:
        """It would rather be spoken to at another address (RFC 9000, 9.6), and there our client goes."""
        net.srv.run("ip", "address", "add", f"{PREFERRED}/24", "dev", net.link.dev)
        argv = ["env", LIBRARIES, NGTCP2 / "sbin" / "gtlsserver", "-q", "-d", site]
        where = [f"--preferred-ipv4-addr={PREFERRED}:{PORT}", ADDRESS, str(PORT)]
        seen = ["tcpdump", "-ni", net.link.dev, "-l", f"udp and src host {PREFERRED}"]
        try:
            with (
                listening(net, *argv, *where, certs.server.key, certs.server.cert),
                Program(net.cli, seen, ready="listening on") as capture,
            ):
                said = fetch(net, certs, "/page", "/big")
                capture.wait_for(f"{PREFERRED}.{PORT} >", timeout=10)
        finally:
            net.srv.run("ip", "address", "del", f"{PREFERRED}/24", "dev", net.link.dev)
        assert "ConnectionMigrated(local=False)" in said
        assert digest(site / "big") in said

    @pytest.mark.parametrize("more", ["", "quic-force-retry"], ids=["transfer", "retry"])
    def test_haproxy(self, net: Network, certs, site: Path, tmp_path: Path, more: str) -> None:
        pem = tmp_path / "both.pem"
        pem.write_text(Path(certs.server.cert).read_text() + Path(certs.server.key).read_text())
        text = HAPROXY.format(address=ADDRESS, port=PORT, pem=pem, file=site / "page", more=more)
        (tmp_path / "haproxy.cfg").write_text(text)
        with listening(net, "haproxy", "-f", tmp_path / "haproxy.cfg"):
            assert digest(site / "page") in fetch(net, certs, "/page")
