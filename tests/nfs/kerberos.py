# SPDX-License-Identifier: GPL-2.0-or-later
"""A Kerberos realm: its KDC, and what NFS needs of it on both hosts."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kquic.lab.program import Program
from kquic.lab.topology import Host, Network

REALM = "LAB.TEST"
#: Where both hosts' kernels and programs meet; the server's pipes are mounted by `Nfsd`.
CLIENT_PIPES = Path("/run/rpc_pipefs_cli")

KRB5_CONF = f"""\
[libdefaults]
    default_realm = {REALM}
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
    default_ccache_name = FILE:/tmp/krb5cc_%{{uid}}
[realms]
    {REALM} = {{
        kdc = {Network.SERVER_V4}
    }}
[domain_realm]
    .test = {REALM}
[logging]
    kdc = STDERR
"""

KDC_CONF = """\
[realms]
    {realm} = {{
        database_name = {folder}/principal
        key_stash_file = {folder}/stash
    }}
"""

IDMAPD_CONF = f"""\
[General]
Domain = lab.test
Local-Realms = {REALM}
[Translation]
Method = nsswitch
"""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with an account on both hosts, and a principal of that name."""

    name: str
    uid: int

    def argv(self, *command: str | Path) -> list[str]:
        """The command line that runs a command as this user."""
        ids = [f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups"]
        return ["setpriv", *ids, *map(str, command)]


#: With a ticket, and without.
ALICE, BOB = User("alice", 3001), User("bob", 3002)


@contextmanager
def written(files: dict[Path, str]) -> Iterator[None]:
    """Text at the end of files, until the context is left."""
    before = {path: path.read_bytes() if path.exists() else None for path in files}
    for path, text in files.items():
        path.write_bytes((before[path] or b"") + text.encode())
    yield
    for path, data in before.items():
        path.unlink() if data is None else path.write_bytes(data)


@dataclass
class Realm:
    """The realm, served from the server's host."""

    net: Network
    folder: Path
    _stack: ExitStack = field(default_factory=ExitStack, init=False)

    def __enter__(self) -> Realm:
        with contextlib.ExitStack() as stack:
            stack.enter_context(written(self._files()))
            self._fill()
            kdc = Program(self.net.srv, ["krb5kdc", "-n"], env=self._env, ready="commencing operation")
            stack.enter_context(kdc)
            self._start_server(stack)
            self._start_client(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def ticket(self, user: User) -> None:
        """Let a user of the client's host have a ticket."""
        cache = Path(f"/tmp/krb5cc_{user.uid}")
        self.net.cli.run("kinit", "-c", f"FILE:{cache}", "-k", "-t", self._keytab(user.name), user.name)
        os.chown(cache, user.uid, user.uid)

    @property
    def _env(self) -> dict[str, str]:
        return {"KRB5_KDC_PROFILE": str(self.folder / "kdc.conf")}

    def _files(self) -> dict[Path, str]:
        users = "".join(f"{user.name}:x:{user.uid}:{user.uid}::/:/bin/sh\n" for user in (ALICE, BOB))
        (self.folder / "kdc.conf").write_text(KDC_CONF.format(realm=REALM, folder=self.folder))
        # A package may have left files with other contents.
        for path in (Path("/etc/krb5.conf"), Path("/etc/idmapd.conf")):
            path.unlink(missing_ok=True)
        return {
            Path("/etc/krb5.conf"): KRB5_CONF,
            Path("/etc/idmapd.conf"): IDMAPD_CONF,
            Path("/etc/passwd"): users,
        }

    def _keytab(self, name: str) -> Path:
        return self.folder / f"{name}.keytab"

    def _fill(self) -> None:
        """The database, and everybody's keys."""
        self._admin("kdb5_util", "create", "-s", "-r", REALM, "-P", "secret")
        for name, principal in {"server": "nfs/server.test", "client": "host/client.test", "alice": "alice"}.items():
            self._admin("kadmin.local", "addprinc", "-randkey", principal)
            self._admin("kadmin.local", "ktadd", "-k", self._keytab(name), principal)

    def _admin(self, *command: str | Path) -> None:
        self.net.srv.run("env", *(f"{name}={value}" for name, value in self._env.items()), *command)

    def _start_server(self, stack: ExitStack) -> None:
        argv = ["rpc.svcgssd", "-f", "-v", "-p", "nfs/server.test"]
        stack.enter_context(Program(self.net.srv, argv, env={"KRB5_KTNAME": str(self._keytab("server"))}))

    def _start_client(self, stack: ExitStack) -> None:
        CLIENT_PIPES.mkdir(exist_ok=True)
        self.net.cli.run("mount", "-t", "rpc_pipefs", "rpc_pipefs", CLIENT_PIPES)
        stack.callback(self.net.cli.run, "umount", CLIENT_PIPES)
        argv = ["rpc.gssd", "-f", "-v", "-p", CLIENT_PIPES, "-k", self._keytab("client"), "-T", "30"]
        self.gssd = stack.enter_context(Program(self.net.cli, argv))


def gssd_listens(gssd: Program, host: Host) -> bool:
    """Whether the client's kernel would find somebody at the other end of its pipe."""
    return "/gssd/" in host.run("sh", "-c", f"ls -l /proc/{gssd.pid}/fd", check=False)
