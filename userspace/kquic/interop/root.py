# SPDX-License-Identifier: GPL-2.0-or-later
"""The peers' root: a second file system for the guest with implementations that its image does not have.

Debian's unstable suite has the newest of most of them. Two are libraries (quic-go, quinn), and OpenSSL has no server:
small programs of ours (tests/peers) are compiled against them inside. What does not compile is missed by the matrix
as "not available", with the compiler's last words; so is quiche where the host has no npm to fetch it with.
"""

from __future__ import annotations

import hashlib
import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from kquic.errors import CommandFailed
from kquic.lab import apt, image, proc, progress
from kquic.lab.paths import REPO, cache_dir

SUITE = "sid"
SIZE = "4G"
RUN = (
    *("ca-certificates", "caddy", "chromium-headless-shell", "curl", "haproxy", "knot", "knot-dnsutils", "nginx-light"),
    *("nodejs", "openssl"),
)
COMPILE = (
    *("cargo", "gcc", "golang-github-lucas-clemente-quic-go-dev", "golang-go", "libc6-dev", "libssl-dev"),
    *("librust-quinn-dev", "librust-rustls-pemfile-dev", "librust-tokio-dev"),
)
WHEELS = ("qh3==2.1.0",)
#: quiche, compiled, as a module of Node.
NODE_MODULES = ("@matrixai/quic@2.0.9",)
SOURCES = ("openssl/server.c", "quic-go/main.go", "quinn/Cargo.toml", "quinn/src/main.rs")
#: What only the compilers need.
UNWANTED = ("share/gocode", "lib/go*", "lib/rustlib", "share/cargo", "lib/gcc", "libexec/gcc", "share/go*", "include")

BUILD = """\
cd /build
export HOME=/tmp/home
mkdir -p $HOME quinn/.cargo
make() {
	name=$1; package=$2; shift 2
	if "$@" >/tmp/said 2>&1; then
		dpkg-query -W -f '${Version}\\n' $package >/usr/local/share/$name.version
	else
		tail -n 1 /tmp/said >/usr/local/bin/$name.failed
		cat /tmp/said
	fi
}
printf '[source.crates-io]\\nreplace-with = "debian"\\n[source.debian]\\ndirectory = "/usr/share/cargo/registry"\\n' \
	>quinn/.cargo/config.toml
make openssl-web openssl gcc -O2 -o /usr/local/bin/openssl-web openssl/server.c -lssl -lcrypto
make quic-go-web golang-github-lucas-clemente-quic-go-dev env GOROOT=/usr/lib/go GO111MODULE=off \
	GOPATH=/usr/share/gocode GOPROXY=off go build -o /usr/local/bin/quic-go-web quic-go/main.go
make quinn-web librust-quinn-dev sh -c \
	'cd quinn && cargo build --offline --target-dir /tmp/quinn && cp /tmp/quinn/debug/quinn-web /usr/local/bin'
rm -rf /build /tmp/* $HOME
"""

FORMAT = """\
set -e
tar -C {root} --exclude='./dev/*' -xpf {archive}
mke2fs -q -F -t ext4 -O ^has_journal -m 0 -d {root} {image} {size}
"""


def build() -> Path:
    """The file system image; made if this recipe was not used before."""
    folder = cache_dir("peers")
    with proc.lock(folder / "lock"):
        key = _key()
        made = folder / f"{key}.img"
        if not made.exists():
            _make(folder / f"work-{key}", made)
        for old in folder.glob("*.img"):
            if old != made:
                old.unlink()
        for left in folder.glob("work-*"):
            shutil.rmtree(left)
    return made


def _sources() -> dict[str, Path]:
    return {name: REPO / "tests" / "peers" / name for name in SOURCES}


def _key() -> str:
    recipe = (SUITE, SIZE, BUILD, FORMAT, *RUN, *COMPILE, *WHEELS, *NODE_MODULES, *UNWANTED)
    parts = [*recipe, *(path.read_text() for path in _sources().values())]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _make(work: Path, made: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)
    for name, path in _sources().items():
        target = work / "build" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    (work / "build" / "build.sh").write_text(BUILD)
    modules = (_python_modules(work / "qh3"), _node_modules(work / "quiche"))
    archive = work / "root.tar"
    progress.follow("peers' root", _mmdebstrap(work, modules, archive), made.with_suffix(".log"), quiet_errors=True)
    (work / "root").mkdir()
    partial = made.with_suffix(".new")
    names = {"root": work / "root", "archive": archive, "image": partial}
    quoted = {name: shlex.quote(str(path)) for name, path in names.items()}
    proc.run(["fakeroot", "sh", "-c", FORMAT.format(size=SIZE, **quoted)])
    shutil.rmtree(work)
    partial.rename(made)


def _python_modules(folder: Path) -> Path:
    """Python packages for the guest's Python."""
    platforms = [word for name in image.PLATFORMS for word in ("--platform", f"{name}_x86_64")]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--no-deps", "--only-binary=:all:"]
    proc.run([*pip, "--python-version", image.PYTHON, *platforms, "--target", str(folder), *WHEELS])
    return folder


def _node_modules(folder: Path) -> Path:
    """Packages for Node; an empty folder, with the reason, if they cannot be had."""
    folder.mkdir()
    try:
        proc.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *NODE_MODULES])
    except (CommandFailed, FileNotFoundError) as error:
        (folder / "node_modules.failed").write_text(str(error).strip().splitlines()[-1] + "\n")
    return folder


def _mmdebstrap(work: Path, modules: Iterable[Path], archive: Path) -> list[str]:
    hooks = [
        f"copy-in {shlex.quote(str(work / 'build'))} /",
        *(f"copy-in {shlex.quote(str(each))} /opt" for each in modules),
        'chroot "$1" sh /build/build.sh',
        f'cd "$1"/usr && rm -rf {" ".join(UNWANTED)} ../var/cache/apt ../var/lib/apt/lists/*',
    ]
    options = ["--variant=minbase", f"--include={','.join((*RUN, *COMPILE))}"]
    options += ['--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=APT::Install-Recommends "false"']
    options += [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in image.UNWANTED]
    options += [f"--customize-hook={hook}" for hook in hooks]
    source = f"deb [signed-by={apt.KEYRING}] {apt.mirror()} {SUITE} main"
    return ["mmdebstrap", *options, SUITE, str(archive), source]
