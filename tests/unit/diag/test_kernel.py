# SPDX-License-Identifier: GPL-2.0-or-later
"""What `kquic doctor` says about kernels and modules of all kinds."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from kquic.diag import kernel
from kquic.diag.finding import Finding, Verdict
from kquic.diag.kernel import ModInfo

FEATURES = "CIFS Version 2.56\nFeatures: DFS,FSCACHE,SMB_DIRECT{0},STATS,DEBUG\nCIFSMaxBufSize: 16384\n"
OURS, THEIRS = "/lib/modules/7.3/updates/dkms/{}.ko.xz", "/lib/modules/7.3/kernel/net/{}.ko.xz"


def modules(place: str, *names: str) -> ModInfo:
    """A modinfo that finds these modules there."""

    def ask(*words: str) -> str | None:
        return place.format(words[-1]) if words[-1] in names else None

    return ask


def refuse() -> socket.socket:
    raise OSError(errno.EPROTONOSUPPORT, os.strerror(errno.EPROTONOSUPPORT))


def proc(folder: Path, cifs: str | None = None, transports: str | None = None, taint: str | None = None) -> Path:
    """As much of /proc, and of /sys, as is looked at."""
    files = {"filesystems": "nodev\tproc\n\text4\n" + ("nodev\tcifs\n" if cifs is not None else "")}
    if cifs is not None:
        files["fs/cifs/DebugData"] = FEATURES.format(cifs)
    if transports is not None:
        files["sys/sunrpc/transports"] = transports
    if taint is not None:
        files["module/sunrpc/taint"] = taint
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def judged(found: Finding) -> tuple[Verdict, str]:
    assert bool(found.repair) == (found.verdict is not Verdict.OK)
    return found.verdict, found.words


@pytest.mark.parametrize(
    ("ask", "words"), [(modules(OURS), "no module"), (modules(OURS, "quic"), "quic.ko.xz is not loaded")]
)
def test_no_sockets(ask: ModInfo, words: str) -> None:
    verdict, text = judged(kernel.transport(refuse, ask))
    assert (verdict, words in text) == (Verdict.BAD, True)


@pytest.mark.parametrize(
    ("cifs", "ask", "verdict", "words"),
    [
        (",QUIC", modules(OURS), Verdict.OK, "in the kernel, with QUIC"),
        ("", modules(OURS, "cifs"), Verdict.BAD, "the cifs that is loaded does not know"),
        (None, modules(OURS, "cifs"), Verdict.OK, "when it is needed"),
        (None, modules(THEIRS, "cifs"), Verdict.NOTE, "the kernel's own"),
        (None, modules(OURS), Verdict.NOTE, "no module cifs"),
    ],
)
def test_smb_client(tmp_path: Path, cifs: str | None, ask: ModInfo, verdict: Verdict, words: str) -> None:
    found, text = judged(kernel.smb_client(proc(tmp_path, cifs=cifs), ask))
    assert (found, words in text) == (verdict, True)


@pytest.mark.parametrize(
    ("transports", "taint", "ask", "verdict", "words"),
    [
        ("tcp 1048576\nquic 1048576\n", None, modules(OURS), Verdict.OK, "RPC over QUIC is in the kernel"),
        ("tcp 1048576\n", "", modules(OURS), Verdict.NOTE, "no module rpcquic"),
        ("tcp 1048576\n", "\n", modules(OURS, "rpcquic"), Verdict.BAD, "the sunrpc that is loaded"),
        ("tcp 1048576\n", "OE\n", modules(OURS, "rpcquic"), Verdict.OK, "when it is needed"),
        ("tcp 1048576\n", "\n", modules(THEIRS, "rpcquic"), Verdict.OK, "when it is needed"),
        (None, None, modules(OURS, "rpcquic"), Verdict.OK, "when it is needed"),
    ],
)
def test_nfs_client(
    tmp_path: Path, transports: str | None, taint: str | None, ask: ModInfo, verdict: Verdict, words: str
) -> None:
    place = proc(tmp_path, transports=transports, taint=taint)
    found, text = judged(kernel.nfs_client(place, place, ask))
    assert (found, words in text) == (verdict, True)


def test_modinfo() -> None:
    assert kernel.modinfo("-n", "no-such-module-anywhere") is None
