# SPDX-License-Identifier: GPL-2.0-or-later
"""The sources of the modules as a folder of their own, which builds against the headers of an unpatched kernel."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kquic.lab import overlay, proc, source, tree
from kquic.lab.paths import REPO
from kquic.lab.source import TAG, Source

PACKAGING = REPO / "packaging" / "dkms"

PARTS = ("net/quic", "net/sunrpc", "fs/nfs_common", "fs/lockd", "fs/nfs", "fs/nfsd", "fs/smb")
"""Ours, what our patches change, and what shares structures with that."""
BESIDE = ("fs/nls/nls_ucs2_data.h", "fs/nls/nls_ucs2_utils.h")
SKIPPED = ("net/quic/tests/", "net/quic/samples/")
BUILT_IN = ("include/trace/events/sock.h",)
"""Patched headers that only the kernel itself reads."""


@dataclass(frozen=True, slots=True)
class Compat:
    """A file of packaging/dkms/compat that becomes a part of a module."""

    folder: str
    name: str
    makefile: str

    def apply(self, target: Path) -> None:
        """Copy it beside the module's files, and add it to their Makefile."""
        folder = target / self.folder
        for path in (PACKAGING / "compat").glob(f"{self.name}.[ch]"):
            shutil.copy(path, folder / (f"compat_{path.name}" if path.suffix == ".c" else path.name))
        with (folder / "Makefile").open("a") as makefile:
            makefile.write(f"\n# For kernels without our patches.\n{self.makefile}")


COMPAT = (
    Compat("net/quic", "inet", "quic-y += compat_inet.o\n"),
    Compat(
        "net/sunrpc/xprtquic",
        "peername",
        "rpcquic-y += compat_peername.o\nCFLAGS_connect.o += -include $(src)/peername.h\n",
    ),
    Compat("fs/smb/client", "peername", "cifs-y += compat_peername.o\nCFLAGS_quic.o += -include $(src)/peername.h\n"),
)


def write(target: Path) -> None:
    """Make the folder, or bring it up to date: files that stay the same keep their time."""
    origin = source.get()
    with proc.lock(origin.lock), tempfile.TemporaryDirectory(prefix="kquic-modules") as scratch:
        tree.sync(origin, overlay.load(kernel=origin.version))
        fresh = Path(scratch)
        for name in _names(origin):
            _copy(origin.tree / name, fresh / name)
        _compile_asn1(origin.tree, fresh)
        _add_packaging(fresh)
        update(fresh, target)


def _add_packaging(fresh: Path) -> None:
    shutil.copy(PACKAGING / "Kbuild", fresh)
    _copy(PACKAGING / "compat" / "config.h", fresh / "compat" / "config.h")
    for part in COMPAT:
        part.apply(fresh)


def _names(origin: Source) -> Iterator[str]:
    """The files to take from the kernel tree."""
    repo = origin.repo
    for name in repo.git("ls-files", "-z", *PARTS).split("\0"):
        if name and not name.startswith(SKIPPED) and not name.endswith(".gitignore"):
            yield name
    yield from BESIDE
    changed = repo.git("diff", "--name-only", "-z", TAG, "--", "include").split("\0")
    yield from (name for name in changed if name and name not in BUILT_IN)


def _copy(source_file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source_file, target)


def _compile_asn1(kernel: Path, folder: Path) -> None:
    """Kernel headers come without the compiler for .asn1 files, whose output is the same for all kernels."""
    with tempfile.TemporaryDirectory(prefix="kquic-asn1") as scratch:
        compiler = Path(scratch, "asn1_compiler")
        proc.run(["gcc", "-O1", "-I", kernel / "include", "-o", compiler, kernel / "scripts" / "asn1_compiler.c"])
        for path in sorted(folder.rglob("*.asn1")):
            # It writes the name that it is called with into its output.
            name = path.relative_to(folder)
            proc.run([compiler, name, f"{name}.c", f"{name}.h"], cwd=folder)
            path.unlink()


def update(fresh: Path, target: Path) -> None:
    """Make the target's sources equal to another folder's, without touching equal files or what was built."""
    wanted = {path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file()}
    record = target / ".sources"
    before = {Path(line) for line in record.read_text().splitlines()} if record.exists() else set()
    for name in before - wanted:
        (target / name).unlink(missing_ok=True)
    for name in sorted(wanted):
        old, new = target / name, fresh / name
        if not old.exists() or old.read_bytes() != new.read_bytes():
            _copy(new, old)
    record.write_text("".join(f"{name}\n" for name in sorted(wanted)))
