# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of implementations: how each is started, and what it cannot do.

Programs are in the guest image, in the root that `root.py` makes (mounted at `ROOT`), or in tests/peers. A peer
without a function for a role does not have that role.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kquic.lab.paths import REPO

from . import configs
from .task import Role, Task

ROOT = Path("/opt/peers")
PROGRAMS = REPO / "tests" / "peers"
#: Where `PROGRAMS` are in the peers' root.
INSIDE = Path("/mnt")

Argv = list[str]
Server = Callable[[Task], Argv]
Client = Callable[[Task], list[Argv]]


@dataclass(frozen=True, slots=True)
class Peer:
    """One implementation.

    Attributes:
        version: command that prints the version.
        server, client: command lines for a task; a client's run one after the other.
        alpn: protocols it speaks, the preferred one first.
        ready: text that the server prints when it listens; empty if it prints none.
        needs: file without which it is not there.
        starts_key_update: whether its client changes the keys when told to.
        cannot: why not, by case, or by role and case ("client ecn").
    """

    name: str
    version: Argv
    server: Server | None = None
    client: Client | None = None
    alpn: tuple[str, ...] = ("hq-interop", "h3")
    ready: str = ""
    needs: Path | None = None
    starts_key_update: bool = False
    cannot: Mapping[str, str] = field(default_factory=dict)

    def roles(self) -> tuple[Role, ...]:
        """The roles it has."""
        return tuple(role for role, found in (("client", self.client), ("server", self.server)) if found)  # type: ignore[misc]

    def reason(self, role: Role, case: str) -> str:
        """Why it cannot do a case; empty if it can."""
        return self.cannot.get(f"{role} {case}") or self.cannot.get(case, "")


def uniform(*program: str | Path) -> tuple[Server, Client]:
    """A program with the options of `Task.options`."""
    words = [str(word) for word in program]
    return lambda task: [*words, *task.options("server")], lambda task: [[*words, *task.options("client")]]


def inside(*words: str | Path) -> Argv:
    """A command in the peers' root."""
    return ["chroot", str(ROOT), *map(str, words)]


def ours() -> tuple[Server, Client]:
    """Our end."""
    return uniform(sys.executable, PROGRAMS / "kquic_web.py")


def _python(name: str, library: str, folder: Path | None = None) -> Peer:
    prefix = ["env", f"PYTHONPATH={folder}"] if folder else []
    server, client = uniform(*prefix, sys.executable, PROGRAMS / "aioquic_web.py", "--library", library)
    version = [*prefix, sys.executable, "-c", f"from importlib.metadata import version; print(version({library!r}))"]
    return Peer(
        name,
        version,
        server,
        client,
        ready="ready",
        needs=folder,
        starts_key_update=True,
        cannot={"ecn": "it marks no packets"},
    )


NGTCP2 = Path("/opt/ngtcp2/usr")
_LIBRARIES = ["env", f"LD_LIBRARY_PATH={NGTCP2}/lib/x86_64-linux-gnu"]


def _gtlsclient(task: Task) -> list[Argv]:
    switches = {
        "chacha20": ["--ciphers=NORMAL:-CIPHER-ALL:+CHACHA20-POLY1305"],
        "keyupdate": ["--key-update=1ms"],
        "migrate": ["--change-local-addr=600ms"],
        "v2": ["-v", "0x6b3343cf"],
    }
    argv = [*_LIBRARIES, str(NGTCP2 / "bin/gtlsclient"), "-q", "--exit-on-all-streams-close"]
    argv += [] if "upload" in task.words else [f"--download={task.out}"]
    argv += [word for known, words in switches.items() if known in task.words for word in words]
    where = [task.address, str(task.port)]
    if "upload" in task.words:
        sent = zip(task.paths, task.urls(), strict=True)
        return [[*argv, "-m", "PUT", "-d", f"{task.root}{path}", *where, url] for path, url in sent]
    if task.words & {"resume", "early"}:
        argv += [f"--{name}={task.folder / name}" for name in ("session-file", "tp-file", "token-file")]
        argv += [] if "early" in task.words else ["--disable-early-data"]
        first, *others = task.urls()
        return [[*argv, "--wait-for-ticket", *where, first], [*argv, *where, *others]]
    if "each" in task.words:
        return [[*argv, *where, url] for url in task.urls()]
    return [[*argv, *where, *task.urls()]]


def _gtlsserver(task: Task) -> Argv:
    argv = [*_LIBRARIES, str(NGTCP2 / "sbin/gtlsserver"), "-q", *(["-V"] if "retry" in task.words else [])]
    return [*argv, "-d", str(task.root), task.address, str(task.port), str(task.key), str(task.cert)]


def _s_client(*prefix: str) -> Client:
    return lambda task: _s_client_commands(prefix, task)


def _s_client_commands(prefix: Sequence[str], task: Task) -> list[Argv]:
    """One file each; what is received goes to standard output."""
    session = task.folder / "session"
    argv = [
        *prefix,
        "openssl",
        "s_client",
        "-quic",
        "-quiet",
        "-no_ign_eof",
        "-alpn",
        task.alpn,
        "-servername",
        task.name,
    ]
    argv += ["-CAfile", str(task.ca), "-verify_return_error", "-connect", _host_port(task)]
    argv += ["-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"] if "chacha20" in task.words else []
    commands = []
    for number, path in enumerate(task.paths):
        saved = ["-sess_in" if number else "-sess_out", str(session)] if "resume" in task.words else []
        got, size = shlex.quote(f"{task.out}{path}"), (task.root / path.lstrip("/")).stat().st_size
        # It does not end with the stream, but with its input.
        wait = f"while [ $(stat -c %s {got}) -lt {size} ]; do sleep 0.1; done"
        said = f"printf 'GET {path}\\r\\n'; {wait}"
        commands.append(["sh", "-c", f": >{got}; ({said}) | {shlex.join([*argv, *saved])} >{got}"])
    return commands


def _host_port(task: Task) -> str:
    host = f"[{task.address}]" if ":" in task.address else task.address
    return f"{host}:{task.port}"


def _curl(*prefix: str) -> Client:
    def client(task: Task) -> list[Argv]:
        host = _host_port(task).rpartition(":")[0]
        argv = [*prefix, "curl", "-sS", "--fail", "--http3-only", "--max-time", "220", "--cacert", str(task.ca)]
        argv += ["--resolve", f"{task.name}:{task.port}:{host}"]
        if "upload" in task.words:
            sent = zip(task.paths, task.urls(), strict=True)
            return [[*argv, *(word for path, url in sent for word in ("-T", f"{task.root}{path}", url))]]
        argv += ["--output-dir", str(task.out), "--remote-name-all"]
        argv += ["--tls13-ciphers", "TLS_CHACHA20_POLY1305_SHA256"] if "chacha20" in task.words else []
        argv += ["--parallel"] if len(task.paths) > 1 and not task.words & {"each", "resume", "early"} else []
        if "each" in task.words:
            return [[*argv, url] for url in task.urls()]
        return [[*argv, *task.urls()]]

    return client


def _configured(prefix: Sequence[str], program: Sequence[str], name: str, text: Callable[[Task], str]) -> Server:
    """A server with a configuration file, whose path is appended."""

    def server(task: Task) -> Argv:
        path = task.folder / name
        path.write_text(text(task))
        return [*prefix, *program, str(path)]

    return server


def _haproxy(*prefix: str) -> Server:
    """With a small HTTP server behind it, which has the files."""
    front = _configured(prefix, ["haproxy", "-f"], "haproxy.cfg", configs.haproxy)

    def server(task: Task) -> Argv:
        (task.folder / "both.pem").write_text(task.cert.read_text() + task.key.read_text())
        back = ["busybox", "httpd", "-p", f"127.0.0.1:{configs.BEHIND}", "-h", str(task.root), "-f"]
        return _before(_keeper(task) if "upload" in task.words else back, front(task))

    return server


def _keeper(task: Task) -> Argv:
    """A server that keeps what is uploaded, behind one that only passes it on."""
    return [sys.executable, str(PROGRAMS / "keeper.py"), str(configs.BEHIND), str(task.out)]


def _before(back: Argv, front: Argv) -> Argv:
    return ["sh", "-c", f"{shlex.join(back)} & exec {shlex.join(front)}"]


def _caddy(*prefix: str) -> Server:
    """It serves files by itself, and keeps none."""
    front = _configured(prefix, ["env", "HOME=/tmp", "caddy", "run", "--config"], "caddy.json", configs.caddy)

    def server(task: Task) -> Argv:
        return _before(_keeper(task), front(task)) if "upload" in task.words else front(task)

    return server


def _kdig(*prefix: str) -> Client:
    def client(task: Task) -> list[Argv]:
        argv = [*prefix, "kdig", "+quic", f"@{task.address}", "-p", str(task.port), f"+tls-ca={task.ca}"]
        argv += [f"+tls-host={task.name}", "+timeout=20", "a.test", "A"]
        once = f"{shlex.join(argv)} | tee /dev/stderr | grep -q 192.0.2.1"
        # A pause between two datagrams fails it (see docs/interop.md), and +retry does not cover that.
        line = f"for turn in $(seq 20); do {once} && exit; done; exit 1"
        return [["sh", "-c", line]] * (len(task.paths) if "each" in task.words else 1)

    return client


def _chromium(task: Task) -> list[Argv]:
    browser = shlex.join(inside("chromium-headless-shell"))
    argv = [sys.executable, str(PROGRAMS / "chromium_web.py"), "--browser", browser, "--address", task.address]
    argv += ["--port", str(task.port), "--name", task.name, "--cert", str(task.cert), "--out", str(task.out)]
    argv += [f"--{word}" for word in ("each", "upload") if word in task.words]
    return [[*argv, *task.paths]]


_NO_SWITCH = "it has no switch for it"
_NOT_IN_BINDING = "its binding for Node does not have it"
_SHORT = "it only has short messages"
_NO_MARKS = "it marks no packets"
_OLD_TLS = "not with this version's TLS"
_ONE_CONNECTION = "it keeps its connection from one file to the next"
_LONG_CASES = ("transfer", "blackhole", "transferloss", "transfercorruption", "goodput", "crosstraffic", "keyupdate")
_MOVES = ("rebind-port", "rebind-addr", "connectionmigration")
_RETURNS = ("resumption", "zerortt")
_V1 = {"v2": "version 1 only"}
_DNS = {**dict.fromkeys((*_LONG_CASES, *_MOVES, "multiplexing", "ecn"), _SHORT), "http3": "no HTTP/3", **_V1}
_ONE_FILE = dict.fromkeys(("transfer", "multiplexing", "goodput", "crosstraffic"), "one stream on a connection")
_OPENSSL = {**_V1, "http3": "no HTTP/3", "ecn": _NO_MARKS, "zerortt": "no 0-RTT with QUIC"}
_S_CLIENT = {**_ONE_FILE, "connectionmigration": _NO_SWITCH}
_CURL = {**dict.fromkeys(("connectionmigration", "v2"), _NO_SWITCH), **dict.fromkeys(_RETURNS, _ONE_CONNECTION)}
_CURL["ecn"] = _NO_MARKS
_FIRST_ADDRESS = "it goes on sending to the client's first address"
_HAPROXY = {"ecn": _NO_MARKS, **dict.fromkeys(_MOVES, _FIRST_ADDRESS)}
#: Of servers: the client may not move by its own decision, and a move that it does not know of is not seen.
_STAYS = {"server rebind-port": _FIRST_ADDRESS, "server rebind-addr": _FIRST_ADDRESS}
_STAYS["server connectionmigration"] = "it says disable_active_migration"
_QUICHE_MODULES = Path("/opt/quiche/node_modules")
_QUICHE = uniform(*inside("env", f"MODULES={_QUICHE_MODULES}", "node", INSIDE / "quiche/web.mjs"))
_QUIC_GO, _QUINN = uniform(*inside("/usr/local/bin/quic-go-web")), uniform(*inside("/usr/local/bin/quinn-web"))


def _nginx(*prefix: str) -> Server:
    return _configured(prefix, ["nginx", "-e", "stderr", "-c"], "nginx.conf", configs.nginx)


def _built(name: str) -> tuple[Argv, Path]:
    """Version and place of a program that was compiled in the peers' root."""
    return inside("cat", f"/usr/local/share/{name}.version"), ROOT / "usr/local/bin" / name


_IN_IMAGE = (
    _python("aioquic", "aioquic"),
    Peer(
        "ngtcp2",
        ["sh", "-c", f"zcat {NGTCP2}/share/doc/libngtcp2-16/changelog.Debian.gz | sed 's/;.*//;q'"],
        _gtlsserver,
        _gtlsclient,
        alpn=("h3",),
        starts_key_update=True,
        cannot={"server upload": "it throws away what is sent to it"},
    ),
    Peer("openssl", ["openssl", "version"], client=_s_client(), alpn=("hq-interop",), cannot={**_OPENSSL, **_S_CLIENT}),
    Peer("curl", ["curl", "--version"], client=_curl(), alpn=("h3",), cannot=_CURL),
    Peer("nginx", ["nginx", "-v"], _nginx(), cannot={**_V1, "zerortt": _OLD_TLS, "ecn": _NO_MARKS}),
    Peer("haproxy", ["haproxy", "-v"], _haproxy(), alpn=("h3",), cannot={**_HAPROXY, "zerortt": _OLD_TLS}),
    Peer(
        "kdig",
        ["kdig", "-V"],
        client=_kdig(),
        alpn=("doq",),
        cannot={**_DNS, "chacha20": _NO_SWITCH, **dict.fromkeys(_RETURNS, _NO_SWITCH)},
    ),
)
_IN_ROOT = (
    Peer(
        "quic-go",
        _built("quic-go-web")[0],
        *_QUIC_GO,
        ready="ready",
        needs=_built("quic-go-web")[1],
        cannot={"client chacha20": "Go chooses the ciphers of TLS 1.3 itself"},
    ),
    Peer(
        "quinn",
        _built("quinn-web")[0],
        *_QUINN,
        alpn=("hq-interop",),
        ready="ready",
        needs=_built("quinn-web")[1],
        starts_key_update=True,
        cannot={**_V1, "http3": "no HTTP/3"},
    ),
    Peer(
        "openssl-sid",
        inside("openssl", "version"),
        uniform(*inside("/usr/local/bin/openssl-web"))[0],
        _s_client(*inside()),
        alpn=("hq-interop",),
        ready="",
        needs=_built("openssl-web")[1],
        cannot={**_OPENSSL, **_STAYS, **{f"client {case}": why for case, why in _S_CLIENT.items()}},
    ),
    _python("qh3", "qh3", ROOT / "opt/qh3"),
    Peer(
        "quiche",
        inside("node", "-p", f"'binding for Node ' + require('{_QUICHE_MODULES}/@matrixai/quic/package.json').version"),
        *_QUICHE,
        alpn=("hq-interop",),
        ready="ready",
        needs=ROOT / _QUICHE_MODULES.relative_to("/"),
        cannot={
            **_V1,
            **dict.fromkeys(("chacha20", "connectionmigration", "http3", *_RETURNS), _NOT_IN_BINDING),
            "ecn": _NO_MARKS,
            "server amplificationlimit": "it always sends Retry, so the address is proved before the certificates",
        },
    ),
    Peer(
        "chromium",
        inside("chromium-headless-shell", "--version"),
        client=_chromium,
        alpn=("h3",),
        needs=ROOT / "usr/bin/chromium-headless-shell",
        cannot={
            **dict.fromkeys(("chacha20", "connectionmigration", "v2"), _NO_SWITCH),
            "ecn": _NO_MARKS,
            "amplificationlimit": "it gives up before the second packet of its ClientHello is let through",
            **dict.fromkeys(_RETURNS, "it keeps its connection as long as it runs, and no session longer"),
        },
    ),
    Peer("curl-sid", inside("curl", "--version"), client=_curl(*inside()), alpn=("h3",), needs=ROOT, cannot=_CURL),
    Peer("nginx-sid", inside("nginx", "-v"), _nginx(*inside()), needs=ROOT, cannot={**_V1, "ecn": _NO_MARKS}),
    Peer(
        "haproxy-sid",
        inside("haproxy", "-v"),
        _haproxy(*inside()),
        alpn=("h3",),
        needs=ROOT,
        cannot={"ecn": _NO_MARKS, **_STAYS},
    ),
    Peer(
        "caddy",
        inside("caddy", "version"),
        _caddy(*inside()),
        alpn=("h3",),
        needs=ROOT,
        cannot={"retry": _NO_SWITCH, "zerortt": _NO_SWITCH},
    ),
    Peer(
        "knotd",
        inside("knotd", "--version"),
        _configured(inside(), ["knotd", "-c"], "knot.conf", configs.knot),
        alpn=("doq",),
        needs=ROOT,
        cannot={**_DNS, "retry": _NO_SWITCH},
    ),
)
PEERS = {peer.name: peer for peer in (*_IN_IMAGE, *_IN_ROOT)}
