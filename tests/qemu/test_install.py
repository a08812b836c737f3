# SPDX-License-Identifier: GPL-2.0-or-later
"""A stock Debian with our packages mounts SMB and NFS over QUIC, now and after it was booted again."""

from __future__ import annotations

import hashlib
import json

import pytest

from qemu_pair import Lab, Pair

pytestmark = pytest.mark.timeout(3600)

MODULES = "quic quic_diag cifs ksmbd sunrpc lockd nfs nfsv4 nfsd rpcquic"
OUT_OF_TREE, UNSIGNED = 1 << 12, 1 << 13
KCORE = """\
python3 - <<'END'
import struct
names = {"have_aes", "have_pclmul", "have_pclmul_avx"}
found = {}
for line in open("/proc/kallsyms"):
    words = line.split()
    if len(words) == 3 and words[2] in names:
        found[words[2]] = int(words[0], 16)
with open("/proc/kcore", "rb") as core:
    head = core.read(64)
    start, size, count = struct.unpack_from("<Q", head, 32)[0], *struct.unpack_from("<HH", head, 54)
    core.seek(start)
    table = [struct.unpack_from("<IIQQQQQQ", core.read(size)) for _ in range(count)]
    for name, address in sorted(found.items()):
        for kind, _, offset, virtual, _, length, _, _ in table:
            if kind == 1 and virtual <= address < virtual + length:
                core.seek(offset + address - virtual)
                print(name, struct.unpack("<i", core.read(4))[0])
END
"""
SERVE = """\
mkdir -p /srv/smb /srv/nfs /etc/systemd/system/nfs-server.service.d
chmod 777 /srv/smb /srv/nfs
echo 'options ksmbd quic_port=443' >/etc/modprobe.d/kquic-server.conf
cat >/etc/ksmbd/ksmbd.conf <<'END'
[global]
workgroup = KQUIC
[share]
path = /srv/smb
read only = no
force user = root
END
ksmbd.adduser -a -p sesame-7 me
echo '/srv/nfs *(rw,no_root_squash,insecure,no_subtree_check,fsid=0)' >/etc/exports
cat >/etc/systemd/system/nfs-server.service.d/quic.conf <<'END'
[Service]
ExecStartPost=/bin/sh -c 'echo quic 2049 >/proc/fs/nfsd/portlist'
END
systemctl daemon-reload
systemctl stop ksmbd
modprobe -r ksmbd
systemctl enable ksmbd nfs-server
systemctl restart ksmbd nfs-server
"""
FSTAB = """\
mkdir -p /fs/smb /fs/nfs /auto/smb
printf 'username=me\\npassword=sesame-7\\n' >/etc/kquic/credentials
chmod 600 /etc/kquic/credentials
cat >>/etc/fstab <<'END'
//server.test/share /fs/smb cifs quic,credentials=/etc/kquic/credentials,_netdev 0 0
server.test:/ /fs/nfs nfs quic,vers=4.2,_netdev 0 0
//server.test/share /auto/smb cifs quic,credentials=/etc/kquic/credentials,_netdev,noauto,x-systemd.automount 0 0
END
echo '/indirect /etc/auto.quic' >/etc/auto.master.d/quic.autofs
echo 'nfs -fstype=nfs4,quic,vers=4.2 server.test:/' >/etc/auto.quic
systemctl enable autofs
"""
#: Documents and lists that the image is made without, and what the fixture configures.
LEFT_OUT = " (/usr/share/(doc|locale|info|icons)|/var/cache/apt|/etc/kquic)/"


def transport(pair: Pair, folder: str) -> str:
    """The line of /proc/mounts about a mount."""
    lines = pair.client.run("cat /proc/mounts").splitlines()
    return next(line for line in reversed(lines) if line.split()[1] == folder)


def check_both_ways(pair: Pair, mounted: str, served: str, name: str) -> None:
    """A file written through the mount is the same on the server, and the other way round."""
    up = pair.client.run(f"head -c 2000000 /dev/urandom >{mounted}/{name}.up; sync; sha256sum <{mounted}/{name}.up")
    assert pair.server.run(f"sha256sum <{served}/{name}.up") == up
    down = pair.server.run(f"head -c 2000000 /dev/urandom >{served}/{name}.down; sha256sum <{served}/{name}.down")
    assert pair.client.run(f"sha256sum <{mounted}/{name}.down") == down
    assert up.split()[0] != hashlib.sha256(b"").hexdigest()


def test_modules_are_ours_and_the_rest_is_not_touched(pair: Pair) -> None:
    for guest in (pair.server, pair.client):
        changed = guest.run(f"dpkg --verify | grep -v -E '{LEFT_OUT}' || true")
        assert changed == ""
        places = guest.run(f"for module in {MODULES}; do modinfo -n $module; done").splitlines()
        assert len(places) == len(MODULES.split())
        assert all("/updates/kquic/" in place for place in places)


def test_modules_load(pair: Pair) -> None:
    for guest in (pair.server, pair.client):
        guest.run(f"modprobe -a {MODULES}")
        assert int(guest.run("cat /proc/sys/kernel/tainted")) & ~(OUT_OF_TREE | UNSIGNED) == 0


def test_instructions_for_aes_gcm_are_in_use(pair: Pair) -> None:
    flags = pair.client.run("grep -m1 ^flags /proc/cpuinfo").split()
    assert {"aes", "pclmulqdq"} <= set(flags)
    keys = dict(line.split() for line in pair.client.run(KCORE).splitlines())
    assert keys["have_aes"] == "1"
    assert keys["have_pclmul"] == "1"


def test_serve(pair: Pair) -> None:
    pair.server.run(SERVE)
    assert "quic 2049" in pair.server.run("cat /proc/fs/nfsd/portlist")
    eps = pair.server.run("cat /proc/net/quic/eps")
    assert ":443" in eps
    assert ":2049" in eps


def test_smb(pair: Pair) -> None:
    pair.client.run(
        "mkdir -p /mnt/smb; mount -t cifs //server.test/share /mnt/smb -o quic,username=me,password=sesame-7"
    )
    assert "transport=quic" in transport(pair, "/mnt/smb")
    check_both_ways(pair, "/mnt/smb", "/srv/smb", "smb")
    pair.client.run("umount /mnt/smb")


def test_nfs(pair: Pair) -> None:
    pair.client.run("mkdir -p /mnt/nfs; mount -t nfs server.test:/ /mnt/nfs -o quic,vers=4.2")
    assert "proto=quic" in transport(pair, "/mnt/nfs")
    check_both_ways(pair, "/mnt/nfs", "/srv/nfs", "nfs")
    pair.client.run("umount /mnt/nfs")


def test_tools_and_manuals(pair: Pair) -> None:
    pair.client.run("kquic ss; kquic stats; ls /usr/share/man/man1/kquic.1.gz /usr/share/man/man7/quic.7.gz")
    assert "checkout of the sources" in pair.client.attempt("kquic deb").output
    report = pair.client.run("kquic probe server.test --alpn smb").splitlines()
    assert any(line.split()[:2] == ["smb", "accepted,"] for line in report)


def test_doctor(pair: Pair) -> None:
    """A machine that is set up is well; what is taken away is missed."""
    well = pair.client.run("kquic doctor server.test").splitlines()
    assert {line.split()[0] for line in well} <= {"ok", "note"}, well
    for what in ("kernel", "SMB client", "NFS client", "agent", "configuration", "server server.test"):
        assert any(line.startswith(f"ok    {what}:") for line in well), well
    pair.client.run("systemctl stop kquic-handshaked")
    ill = pair.client.attempt("kquic doctor server.test:9")
    pair.client.run("systemctl start kquic-handshaked")
    assert ill.status == 1
    bad = [line for line in ill.output.splitlines() if line.startswith("BAD")]
    assert [line.split(":")[0] for line in bad] == ["BAD   agent", "BAD   server server.test"]
    assert all(" -> " in line for line in bad)


def test_lab_and_machines_mount_each_other(pair: Pair, lab: Lab) -> None:
    """A patched kernel in User-Mode Linux with Samba and nfsd, and stock kernels with modules."""
    user = json.loads(lab.wait_for("ready"))
    options = f"quic,username={user['user']},password={user['password']}"
    pair.client.run("mkdir -p /mnt/lab-smb /mnt/lab-nfs")
    pair.client.run(f"mount -t cifs //lab.test/share /mnt/lab-smb -o {options}")
    pair.client.run("mount -t nfs lab.test:/export /mnt/lab-nfs -o quic,vers=4.2")
    assert "transport=quic" in transport(pair, "/mnt/lab-smb")
    assert "proto=quic" in transport(pair, "/mnt/lab-nfs")
    written = {
        name: pair.client.run(
            f"head -c 2000000 /dev/urandom >/mnt/lab-{name}/lab.down; sync; sha256sum </mnt/lab-{name}/lab.down"
        ).split()[0]
        for name in ("smb", "nfs")
    }
    pair.client.run("umount /mnt/lab-smb /mnt/lab-nfs")
    mounted = json.loads(lab.wait_for("mounted"))
    lab.tell("written")
    assert {name: lab.wait_for(name) for name in written} == written
    assert "transport=quic" in mounted["smb options"]
    assert "proto=quic" in mounted["nfs options"]
    for name in ("smb", "nfs"):
        assert pair.server.run(f"sha256sum </srv/{name}/lab.up").split()[0] == mounted[name]
    ended = lab.end()
    assert (ended.status, ended.troubles) == (0, []), lab.output


def test_mounts_of_fstab_after_a_reboot(pair: Pair) -> None:
    pair.client.run(FSTAB)
    pair.client.reboot()
    state = pair.client.attempt("systemctl is-system-running --wait; systemctl --failed --no-legend", timeout=900)
    assert "transport=quic" in transport(pair, "/fs/smb"), state.output
    assert "proto=quic" in transport(pair, "/fs/nfs"), state.output
    check_both_ways(pair, "/fs/smb", "/srv/smb", "smb-fstab")
    check_both_ways(pair, "/fs/nfs", "/srv/nfs", "nfs-fstab")


def test_systemd_automount(pair: Pair) -> None:
    assert "autofs" in transport(pair, "/auto/smb")
    pair.client.run("ls /auto/smb/smb-fstab.up")
    assert "transport=quic" in transport(pair, "/auto/smb")


def test_autofs(pair: Pair) -> None:
    pair.client.run("ls /indirect/nfs/nfs-fstab.up")
    assert "proto=quic" in transport(pair, "/indirect/nfs")


def test_no_trace_is_left(pair: Pair) -> None:
    pair.client.run("umount -a -t cifs,nfs4,nfs; systemctl stop autofs")
    pair.client.run("dpkg --purge $(dpkg-query -W -f '${Package} ' 'kquic*' 'libquic*')")
    assert pair.client.run("modinfo -n cifs").startswith("/lib/modules/")
    assert "/kernel/fs/smb/" in pair.client.run("modinfo -n cifs")
    assert (
        pair.client.run("find / -xdev -path /packages -prune -o -name '*kquic*' -print | grep -v ^/run || true") == ""
    )


def test_kernels_are_content(pair: Pair) -> None:
    for guest in (pair.server, pair.client):
        for bad in ("WARNING:", "BUG:", "Oops", "Call Trace"):
            assert bad not in guest.console()
