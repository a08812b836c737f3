# SPDX-License-Identifier: GPL-2.0-or-later
"""nfs-ganesha, an NFS server that shares nothing with knfsd and knows TCP only, on a host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kquic.lab.program import Program
from kquic.lab.topology import Host

CONFIG = """\
NFS_CORE_PARAM {{
    NFS_Port = {port};
    Protocols = 4;
    Enable_UDP = false;
    Enable_NLM = false;
    Enable_RQUOTA = false;
    Bind_addr = 127.0.0.1;
}}
NFSv4 {{
    Graceless = true;
    Minor_Versions = 0, 1, 2;
    RecoveryRoot = "{folder}/recovery";
    Only_Numeric_Owners = true;
}}
EXPORT {{
    Export_Id = 1;
    Path = "{folder}/export";
    Pseudo = "/export";
    Access_Type = RW;
    Squash = No_Root_Squash;
    SecType = sys;
    Protocols = 4;
    Transports = TCP;
    FSAL {{ Name = VFS; }}
}}
"""
SIZE = 64 << 20
READY = "NFS SERVER INITIALIZED"


@contextmanager
def ganesha(host: Host, folder: Path, port: int) -> Iterator[Path]:
    """The server for as long as the context lasts, and the folder that it serves as /export."""
    export, image, config = folder / "export", folder / "image", folder / "ganesha.conf"
    for path in (export, folder / "recovery"):
        path.mkdir()
    config.write_text(CONFIG.format(port=port, folder=folder))
    # Where it looks for file systems, of which it takes no tmpfs.
    if not Path("/etc/mtab").exists():
        Path("/etc/mtab").symlink_to("/proc/self/mounts")
    with image.open("wb") as file:
        file.truncate(SIZE)
    host.run("mkfs.ext4", "-q", image)
    host.run("mount", "-o", "loop", image, export)
    argv = ["ganesha.nfsd", "-F", "-L", "STDOUT", "-f", config, "-p", folder / "pid", "-N", "EVENT"]
    try:
        with Program(host, argv, ready=READY):
            yield export
    finally:
        host.run("umount", export)
