# SPDX-License-Identifier: GPL-2.0-or-later
"""A stock Debian with our packages mounts SMB and NFS over QUIC, now and after it was booted again."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from kquic.install.guestlink import Guest
from kquic.install.qemuimage import LIST
from qemu_pair import SET_UP, Lab, Pair

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
COUNT = """\
python3 - <<'END'
import ctypes
import os
import struct
import subprocess
import sys

OPEN, BREAKPOINT, EXECUTED, SIZE = 298, 5, 4, 72
libc = ctypes.CDLL(None, use_errno=True)
addresses = {words[2]: int(words[0], 16) for words in map(str.split, open("/proc/kallsyms"))}


def watch(name):
    # Type, size, nothing that is sampled; what ends an access, and where.
    attributes = struct.pack("<II5QIIQQ", BREAKPOINT, SIZE, 0, 0, 0, 0, 0, 0, EXECUTED, addresses[name], 8)
    counter = libc.syscall(OPEN, attributes, -1, 0, -1, 0)
    if counter < 0:
        sys.exit(f"{name}: {os.strerror(ctypes.get_errno())}")
    return counter


counters = {name: watch(name) for name in NAMES}
subprocess.run(SCRIPT, shell=True, check=True)
for name, counter in counters.items():
    print(name, struct.unpack("<Q", os.read(counter, 8))[0])
END
"""
"""The processor counts how often it comes to a function: no kprobe may be put on functions of assembler."""
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
"""
SECRETS = "/run/kquic/secrets"
SENTENCE = "a sentence that is to be seen by nobody"
UNDO = """\
systemctl stop 'auto-*.automount'
umount -a -t cifs,nfs4,nfs
systemctl stop autofs
rm -rf /etc/auto.master.d/quic.autofs /etc/auto.quic /etc/kquic/*.pem /etc/kquic/*.key /etc/kquic/credentials
rm -rf /root/*.pcap /root/.config /root/.local /fs /auto /indirect
sed -i '/server.test/d' /etc/fstab
cp -p /var/tmp/ca-certificates.crt /etc/ssl/certs/
systemctl daemon-reload
rmdir /mnt/*
"""
#: Documents and lists that the image is made without, and what the fixture configures.
LEFT_OUT = " (/usr/share/(doc|locale|info|icons)|/var/cache/apt|/etc/kquic)/"
#: What a Debian has that was booted, and has not that was not.
OF_THE_SYSTEM = re.compile(
    r"(dev|lost\+found|packages|proc|run|sys|tmp|var/cache|var/log|var/tmp"
    r"|var/lib/(apt|autofs|dpkg|nfs|private|systemd|ucf))\b"
    r"|(\w{64}  )?etc/(ksmbd/ksmbd\.subauth|machine-id|resolv\.conf|\.updated|\.pwd\.lock)( |$)|var/\.updated "
)


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


def changed_files(guest: Guest) -> str:
    """Files of packages that are not as they were delivered."""
    return guest.run(f"dpkg --verify | grep -v -E '{LEFT_OUT}' || true")


def test_modules_are_ours_and_the_rest_is_not_touched(pair: Pair) -> None:
    for guest in (pair.server, pair.client):
        assert changed_files(guest) == ""
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


def count(names: tuple[str, ...], script: str) -> str:
    """A script that tells how often the kernel called functions while another script ran."""
    return COUNT.replace("NAMES", repr(names)).replace("SCRIPT", repr(script))


def test_a_transfer_is_encrypted_by_instructions(pair: Pair) -> None:
    """The function that has AES-NI, PCLMULQDQ and wide vectors together is called for all packets."""
    size = 200_000
    table = [line.split("\t") for line in pair.client.run("cat /proc/net/quic/ciphers").splitlines()[1:]]
    drivers = {name: driver for _, name, _, driver in table}
    driver = drivers["TLS_AES_128_GCM_SHA256"]
    assert driver.startswith("generic-gcm-"), table
    assert drivers["TLS_CHACHA20_POLY1305_SHA256"] == "lib"
    prefer = "sed -i '1i [authenticate]\\nciphers = AES-128-GCM' /etc/kquic/handshaked.conf"
    pair.client.run(f"{prefer}; systemctl reload kquic-handshaked")
    pair.client.run("mount -t cifs //server.test/share /mnt/smb -o quic,username=me,password=sesame-7")
    assert "AES128-GCM" in pair.client.run("kquic ss")
    seal = "aes_gcm_enc_update_" + driver.removeprefix("generic-gcm-").replace("-", "_")
    write = f"head -c {size} /dev/urandom >/mnt/smb/counted; sync /mnt/smb/counted"
    output = pair.client.run(count((seal,), write))
    found = {name: int(number) for name, number in map(str.split, output.splitlines())}
    pair.client.run("umount /mnt/smb; sed -i 1,2d /etc/kquic/handshaked.conf; systemctl reload kquic-handshaked")
    assert found[seal] >= size // 1500


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


def capture(pair: Pair, name: str) -> None:
    """A mount in which a file is written, with its packets recorded on the client."""
    options = "quic,username=me,password=sesame-7"
    pair.client.run(
        f"tcpdump -Z root -U -i any -w /root/{name}.pcap udp port 443 2>/run/tcpdump & recorder=$!; "
        "until grep -q listening /run/tcpdump; do sleep 0.2; done; "
        f"mkdir -p /mnt/smb; mount -t cifs //server.test/share /mnt/smb -o {options}; "
        f"echo '{SENTENCE}' >/mnt/smb/{name}.txt; umount /mnt/smb; sleep 1; kill $recorder; wait; rm /run/tcpdump"
    )


def test_secrets_are_written_only_where_root_asks_for_it(pair: Pair) -> None:
    """And then Wireshark reads what was encrypted."""
    client = pair.client
    assert client.run("stat -c '%a %U' /run/kquic; ls -A /run/kquic") == "700 root"
    capture(pair, "closed")
    client.run(f"sed -i 's|^.authenticate.client.$|[debug]\\nkeylog = {SECRETS}\\n\\n&|' /etc/kquic/handshaked.conf")
    client.run(f"systemctl reload kquic-handshaked; until [ -f {SECRETS} ]; do sleep 0.2; done")
    capture(pair, "open")
    assert client.run(f"stat -c '%a %U %F' {SECRETS}") == "600 root regular file"
    assert client.run("runuser -u nobody -- cat /run/kquic/secrets 2>&1 || true").endswith("Permission denied")
    for name, readable in (("closed", False), ("open", True)):
        assert client.attempt(f"grep -q '{SENTENCE}' /root/{name}.pcap").status == 1
        command = f"tshark -r /root/{name}.pcap -o tls.keylog_file:{SECRETS} -Y smb2 -T fields -e smb2.filename"
        found = client.run(f"{command} 2>/dev/null")
        assert (f"{name}.txt" in found.split()) == readable, found
    client.run("sed -i '/^keylog/d' /etc/kquic/handshaked.conf; systemctl restart kquic-handshaked")
    assert client.run("ls -A /run/kquic") == ""


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
    """The machine has the files that it had before, with the same owners, and as much as is known what was in them."""
    pair.client.run(UNDO)
    pair.client.run("kquic uninstall")
    assert "/kernel/fs/smb/" in pair.client.run("modinfo -n cifs")
    assert pair.client.run("systemctl list-units --all --no-legend '*kquic*' | grep -v not-found || true") == ""
    assert changed_files(pair.client) == ""
    now = pair.client.run(f"cd /; ({LIST})").splitlines()
    before = pair.client.run("cat /packages/before").splitlines()
    assert sorted(line for line in set(before) ^ set(now) if not OF_THE_SYSTEM.match(line)) == []
    pair.client.run("modprobe -r cifs; modprobe cifs")
    assert pair.client.run("cat /sys/module/cifs/taint") == ""


def test_installed_on_a_machine_that_runs(pair: Pair) -> None:
    """As an administrator does it, from files."""
    pair.client.run("apt-get -y install /packages/*.deb")
    pair.client.run(SET_UP)
    pair.client.run("modprobe -r cifs")
    test_smb(pair)


def test_kernels_are_content(pair: Pair) -> None:
    for guest in (pair.server, pair.client):
        for bad in ("WARNING:", "BUG:", "Oops", "Call Trace"):
            assert bad not in guest.console()
