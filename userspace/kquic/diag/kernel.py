# SPDX-License-Identifier: GPL-2.0-or-later
"""What `kquic doctor` asks about the kernel and its modules: are they there, and do those of SMB and NFS know QUIC?"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from kquic.diag.finding import Finding, Verdict
from kquic.sock import IPPROTO_QUIC

PROC, SYS = Path("/proc"), Path("/sys")
UPDATES = "/updates/"
GET = "install kquic-dkms and this kernel's headers, or the package of finished modules for it"

ModInfo = Callable[..., str | None]


def modinfo(*words: str) -> str | None:
    """What modinfo says of a module for this kernel; None if there is no such module."""
    tool = shutil.which("modinfo") or shutil.which("modinfo", path="/usr/sbin:/sbin")
    if tool is None:
        return None
    done = subprocess.run([tool, *words], capture_output=True, text=True, check=False)
    return None if done.returncode else done.stdout.strip()


def transport(open_socket: Callable[[], socket.socket] | None = None, ask: ModInfo = modinfo) -> Finding:
    """Whether the kernel has QUIC sockets."""
    make = open_socket or (lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_QUIC))
    release = os.uname().release
    try:
        make().close()
    except OSError as error:
        words = f"{release} has no QUIC sockets ({error.strerror})"
        place = ask("-n", "quic")
        if place is None:
            return Finding(Verdict.BAD, "kernel", f"{words}: no module quic for it", GET)
        repair = "`modprobe quic` says why; with Secure Boot: `mokutil --import /var/lib/dkms/mok.pub`"
        return Finding(Verdict.BAD, "kernel", f"{words}: {place} is not loaded", repair)
    return Finding(Verdict.OK, "kernel", f"{release} has QUIC sockets")


def smb_client(proc: Path = PROC, ask: ModInfo = modinfo) -> Finding:
    """Whether the SMB client is there, and is one that knows QUIC."""
    what = "SMB client"
    if "cifs" in _file_systems(proc):
        data = proc / "fs" / "cifs" / "DebugData"
        features = [line for line in data.read_text().splitlines() if line.startswith("Features:")]
        if ",QUIC" in "".join(features):
            return Finding(Verdict.OK, what, "cifs is in the kernel, with QUIC")
        repair = "unmount all shares, then `modprobe -r cifs`, or reboot"
        return Finding(Verdict.BAD, what, "the cifs that is loaded does not know QUIC", repair)
    place = ask("-n", "cifs")
    if place is None:
        return Finding(Verdict.NOTE, what, "there is no module cifs for this kernel", f"{GET}, if you mount SMB")
    # Nothing that modinfo tells says what a module knows: cifs needs no symbol of quic.
    if UPDATES not in place:
        words = "module cifs is the kernel's own, which knows QUIC only if the kernel was patched"
        return Finding(Verdict.NOTE, what, words, f"{GET}; then `depmod`")
    return Finding(Verdict.OK, what, "module cifs is loaded when it is needed")


def nfs_client(proc: Path = PROC, sys: Path = SYS, ask: ModInfo = modinfo) -> Finding:
    """Whether the NFS client is there, and has the transport."""
    what = "NFS client"
    known = proc / "sys" / "sunrpc" / "transports"
    if known.exists():
        transports = {line.split()[0] for line in known.read_text().splitlines() if line}
        if "quic" in transports:
            return Finding(Verdict.OK, what, "RPC over QUIC is in the kernel")
    place = ask("-n", "rpcquic")
    if place is None:
        return Finding(Verdict.NOTE, what, "there is no module rpcquic for this kernel", f"{GET}, if you mount NFS")
    # A module from outside of the kernel's tree says so.
    loaded = sys / "module" / "sunrpc" / "taint"
    if UPDATES in place and loaded.exists() and "O" not in loaded.read_text():
        repair = "unmount NFS and `modprobe -r` nfs, nfsd and sunrpc, or reboot"
        return Finding(Verdict.BAD, what, "the sunrpc that is loaded does not know QUIC", repair)
    return Finding(Verdict.OK, what, "module rpcquic is loaded when it is needed")


def _file_systems(proc: Path) -> set[str]:
    return {line.split()[-1] for line in (proc / "filesystems").read_text().splitlines()}
