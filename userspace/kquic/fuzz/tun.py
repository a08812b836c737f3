# SPDX-License-Identifier: GPL-2.0-or-later
"""The network: a TUN device. What is written to it goes up the kernel's stack within the call."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

from .coverage import Courier

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI, IFF_VNET_HDR = 0x0001, 0x1000, 0x4000
NEEDS_CSUM, GSO_NONE, GSO_UDP_L4 = 1, 0, 5
VNET_HDR = struct.Struct("<BBHHHH")
UDP, ICMP, ICMPV6 = 17, 1, 58
NAME = "fuzz0"
#: The victim's addresses, and the peers' networks.
HOST = {4: "10.9.0.1", 6: "fd09::1"}
SECOND = {4: "10.9.0.250", 6: "fd09::250"}
PEER_NET = {4: bytes([10, 9]), 6: socket.inet_pton(socket.AF_INET6, "fd09::")[:14]}


@dataclass(frozen=True, slots=True)
class Flow:
    """Addresses and ports as a peer sees them: its own first."""

    version: int
    peer: bytes
    peer_port: int
    host: bytes
    host_port: int


@dataclass(frozen=True, slots=True)
class Heard:
    """A datagram of the victim's."""

    flow: Flow
    data: bytes
    packet: bytes


def packed(address: str) -> bytes:
    """An address as bytes."""
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def peer_address(version: int, number: int) -> bytes:
    """The address of a peer; numbers from 2 on."""
    return PEER_NET[version] + struct.pack(">H", number)


def checksum(data: bytes) -> int:
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


class Tun:
    """The device, and packets to and from it."""

    def __init__(self) -> None:
        self._fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        request = struct.pack("16sH22x", NAME.encode(), IFF_TUN | IFF_NO_PI | IFF_VNET_HDR)
        fcntl.ioctl(self._fd, TUNSETIFF, request)
        for words in (
            f"addr add {HOST[4]}/16 dev {NAME}",
            f"addr add {HOST[6]}/64 dev {NAME} nodad",
            f"link set {NAME} up txqueuelen 10000",
        ):
            subprocess.run(["ip", *words.split()], check=True, timeout=10)
        #: The longest time that the kernel has taken for a packet, in seconds.
        self.slowest = 0.0
        #: Packets are of the kind that a listener leaves to a worker.
        self.first = False
        self.courier = Courier(self._fd)

    def second_address(self, come: bool, version: int) -> None:
        """The victim's host gets another address, or loses it; to lose what is not there does no harm."""
        address, size = (SECOND[version], 16 if version == 4 else 64)
        what = "add" if come else "del"
        words = f"ip -{version} addr {what} {address}/{size} dev {NAME}"
        subprocess.run(words.split(), check=False, timeout=10, stderr=subprocess.DEVNULL)

    def close(self) -> None:
        """The device goes."""
        os.close(self._fd)

    def send(self, flow: Flow, data: bytes, tos: int = 0, segment: int = 0) -> None:
        """A datagram from a peer; with a segment size it is a batch of them, as GRO makes them."""
        head = 8 + (20 if flow.version == 4 else 40)
        kind = GSO_UDP_L4 if segment else GSO_NONE
        vnet = VNET_HDR.pack(NEEDS_CSUM, kind, head, segment, head - 8, 6)
        # The checksum is said to be still outstanding, but IPv6 refuses a zero even so.
        udp = struct.pack(">HHHH", flow.peer_port, flow.host_port, 8 + len(data), 1)
        self.write(vnet + ip_header(flow, UDP, 8 + len(data), tos) + udp + data)

    def unreachable(self, heard: Heard, kind: int, code: int, info: int, quoted: int) -> None:
        """An ICMP error that quotes a datagram of the victim's."""
        flow = heard.flow
        body = struct.pack(">BBHI", kind, code, 0, info) + heard.packet[:quoted]
        if flow.version == 4:
            total = checksum(body)
        else:
            total = checksum(flow.peer + flow.host + struct.pack(">II", len(body), ICMPV6) + body)
        body = body[:2] + struct.pack(">H", total) + body[4:]
        protocol = ICMP if flow.version == 4 else ICMPV6
        self.write(bytes(VNET_HDR.size) + ip_header(flow, protocol, len(body)) + body)

    def write(self, frame: bytes) -> None:
        """Anything; what the device itself refuses has not been sent."""
        begin = time.perf_counter()
        if self.first:
            self.courier.write(frame)
        else:
            with contextlib.suppress(OSError):
                os.write(self._fd, frame)
        self.slowest = max(self.slowest, time.perf_counter() - begin)

    def heard(self) -> Iterator[Heard]:
        """What the victim has sent since."""
        while True:
            try:
                frame = os.read(self._fd, 70000)
            except BlockingIOError:
                return
            if found := parse(frame[VNET_HDR.size :]):
                yield found


def ip_header(flow: Flow, protocol: int, size: int, tos: int = 0) -> bytes:
    """An IP header without options, from the peer to the victim."""
    if flow.version == 6:
        return struct.pack(">IHBB", 6 << 28 | tos << 20, size, protocol, 64) + flow.peer + flow.host
    head = struct.pack(">BBHHHBBH", 0x45, tos, 20 + size, 0, 0x4000, 64, protocol, 0) + flow.peer + flow.host
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:]


def parse(packet: bytes) -> Heard | None:
    """A UDP datagram of the victim's; other packets are of no interest."""
    version = packet[0] >> 4
    start, protocol = (20, packet[9]) if version == 4 else (40, packet[6])
    if protocol != UDP:
        return None
    source, target = (packet[12:16], packet[16:20]) if version == 4 else (packet[8:24], packet[24:40])
    host_port, peer_port, size = struct.unpack_from(">HHH", packet, start)
    return Heard(Flow(version, target, peer_port, source, host_port), packet[start + 8 : start + size], packet)
