# SPDX-License-Identifier: GPL-2.0-or-later
"""One program at work: the victim's descriptors, its peer, and what lies between them."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass, field, replace

from kquic.sock import SOL_QUIC, Cipher, Config, CryptoSecret, SockOpt, TransportParams
from kquic.sock._abi import HandshakeInfo, StreamInfo

from . import frames, libc, tparams
from .hello import CLIENT_HELLO
from .keys import NUMBERS, V1, V2, Level, secret
from .peer import Peer
from .tun import Flow, Heard, peer_address
from .world import FIRST_PORT, PATIENCE, VALIDATING, World, host, sockaddr

FULL = 1200
STREAM_INFO, HANDSHAKE_INFO = 0, 1
#: What the victim announces.
_LOCAL = (
    TransportParams(max_datagram_frame_size=1200),
    TransportParams(max_data=4096, max_stream_data_bidi_local=1024, max_stream_data_bidi_remote=1024,
                    max_stream_data_uni=512, max_streams_bidi=2, max_streams_uni=2, active_connection_id_limit=2),
    TransportParams(grease_quic_bit=1, stateless_reset=1, disable_active_migration=1, max_idle_timeout=1_000_000),
    TransportParams(disable_1rtt_encryption=1, max_datagram_frame_size=65535, ack_delay_exponent=20,
                    max_ack_delay=1000),
    TransportParams(),
)  # fmt: skip
LOCAL = tuple(each.pack() for each in _LOCAL)
QUICK = tuple(
    Config(initial_smoothed_rtt=5000, congestion_control_algo=cc, version=version, plpmtud_probe_interval=mtu).pack()
    for cc, version, mtu in ((0, 0, 0), (1, 0, 0), (0, 0, 5_000_000), (1, V2, 0), (1, V1, 0))
)
#: Stages of a connection, for `server` and `client`.
BEGUN, PARAMETERS, HANDSHAKE, ESTABLISHED, CONFIRMED, BUSY = range(6)
LONGEST_WAIT = 0.02
NAP = 0.0002
SLOTS = 8


def control(level: int, kind: int, data: bytes) -> bytes:
    """One element of ancillary data."""
    size = 16 + len(data)
    return (size.to_bytes(8, "little") + level.to_bytes(4, "little") + kind.to_bytes(4, "little") + data).ljust(
        (size + 7) & ~7, b"\0"
    )


@dataclass
class Session:
    """What a program's operations work on."""

    world: World
    fds: dict[int, int] = field(default_factory=dict)
    peer: Peer | None = None
    flow: Flow | None = None
    held: bytes = b""
    last: Heard | None = None
    #: Transport parameters of a client that is still to be made.
    local: int = 0
    #: CRYPTO bytes that the peer has sent.
    crypto_sent: dict[Level, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        number = self.world.number()
        self.address, self.port = 2 + number % 200, 1024 + number * 7 % 60000
        self.cid = b"peer" + number.to_bytes(4, "big")

    def close(self) -> None:
        """Everything that the program has opened."""
        for fd in set(self.fds.values()):
            os.close(fd)
        self.fds.clear()

    def keep(self, slot: int, fd: int) -> None:
        """A descriptor for a slot; the one that was there is closed."""
        if fd < 0:
            return
        old = self.fds.pop(slot % SLOTS, None)
        if old is not None:
            os.close(old)
        self.fds[slot % SLOTS] = fd
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            libc.setsockopt(fd, socket.SOL_SOCKET, option, bytes(8) + PATIENCE.to_bytes(8, "little"))

    def fd(self, slot: int) -> int:
        """A descriptor; a program may use one that is not there."""
        return self.fds.get(slot % SLOTS, -1)

    # The network.

    def path(self, number: int) -> Flow | None:
        """The peer's flow, or one from another port (1) or address (2) of its."""
        flow = self.flow
        if not flow or not number % 3:
            return flow
        if number % 3 == 1:
            return replace(flow, peer_port=flow.peer_port ^ 1)
        return replace(flow, peer=peer_address(flow.version, 1000 + self.address))

    def send(self, data: bytes, path: int = 0, tos: int = 0, segment: int = 0) -> None:
        """A datagram of the peer's."""
        flow = self.path(path)
        self.world.tun.first = 0 not in self.fds
        if flow and data:
            self.world.tun.send(flow, data[:60000], tos, segment)

    def hear(self) -> None:
        """The peer takes what the victim has sent."""
        for heard in self.world.tun.heard():
            if heard.flow.peer_port | 1 != self.port | 1:
                continue
            self.last = heard
            if not self.flow:
                self.flow = heard.flow
            if self.peer:
                self.peer.hear(heard.data)

    def hear_until_known(self) -> None:
        """Until the victim has told its connection ID; it is the kernel's worker that answers first packets."""
        deadline = time.monotonic() + LONGEST_WAIT
        while self.peer and not self.peer.cids and time.monotonic() < deadline:
            time.sleep(NAP)
            self.hear()

    # A connection, up to some stage.

    def begin_server(self, family: int, kind: int, version: int, cipher: int) -> None:
        """The victim is a server: the peer's first packet goes out."""
        ip = 6 if family == 6 else 4
        self.flow = Flow(ip, peer_address(ip, self.address), self.port, host(ip), FIRST_PORT + kind % 3)
        self.peer = Peer(False, V2 if version == 2 else V1, cipher, self.cid, odcid=b"fuzzfuzz")
        self.first()

    def first(self) -> None:
        """The peer's first packet, or the same again, perhaps with a token that it has been given."""
        if self.peer:
            hello = frames.join([(frames.CRYPTO, [0, CLIENT_HELLO])])
            self.send(self.peer.packet(Level.INITIAL, hello, pad=FULL))

    def accept(self, kind: int) -> None:
        """The victim takes the connection."""
        if kind % 3 == VALIDATING:
            self.hear_until_known()
            self.first()
        self.keep(0, libc.accept(self.world.listeners[kind % 3].fileno()))
        self.hear()

    def begin_client(self, family: int, version: int, cipher: int) -> None:
        """The victim is a client: it sends its first packet."""
        ip = 6 if family == 6 else 4
        kind = socket.AF_INET6 if ip == 6 else socket.AF_INET
        self.keep(0, libc.new_socket(kind, socket.SOCK_DGRAM))
        self.local_parameters(self.local)
        libc.connect(self.fd(0), sockaddr(ip, peer_address(ip, self.address), self.port))
        self.crypto(Level.INITIAL, CLIENT_HELLO)
        heard = list(self.world.tun.heard())
        for each in heard:
            if each.flow.peer_port == self.port and len(each.data) > 24:
                self.flow, self.last = each.flow, each
                odcid = each.data[6 : 6 + each.data[5]]
                self.peer = Peer(True, V2 if version == 2 else V1, cipher, self.cid, odcid)
                self.peer.hear(each.data)
                break

    def local_parameters(self, preset: int) -> None:
        """The victim's program sets transport parameters, and an RTT so short that timers run soon."""
        libc.setsockopt(self.fd(0), SOL_QUIC, SockOpt.TRANSPORT_PARAM, LOCAL[preset % len(LOCAL)])
        libc.setsockopt(self.fd(0), SOL_QUIC, SockOpt.CONFIG, QUICK[preset % len(QUICK)])

    def stream(self, number: int, flags: int, size: int) -> None:
        """The victim's program sends on a stream."""
        number = max(-(1 << 63), min(number, (1 << 63) - 1))
        info = StreamInfo(number, flags & 0xFFFFFFFF).pack()
        libc.sendmsg(self.fd(0), size, control(SOL_QUIC, STREAM_INFO, info), socket.MSG_DONTWAIT)

    def crypto(self, level: Level, data: bytes, flags: int = 0) -> None:
        """The victim's TLS has something to send."""
        info = control(SOL_QUIC, HANDSHAKE_INFO, HandshakeInfo(NUMBERS[level]).pack())
        libc.sendmsg(self.fd(0), 0, info, flags | socket.MSG_DONTWAIT, data)

    def parameters(self, extra: bytes, preset: int = 0) -> bytes:
        """The peer's transport parameters; `extra` replaces and adds."""
        peer = self.peer
        if not peer:
            return extra
        given = dict(tparams.preset(preset))
        given[tparams.INITIAL_SCID] = peer.cid
        if peer.is_server:
            given[tparams.ORIGINAL_DCID] = peer.odcid
        more, rest = tparams.split(extra)
        fresh = [param for param in given.items() if param[0] not in dict(more)]
        return (tparams.join(fresh + more) + rest)[:512]

    def exchange_parameters(self, preset: int, extra: bytes = b"") -> None:
        """The victim's TLS asks for parameters and gives the peer's."""
        body = self.parameters(extra, preset)
        server = not (self.peer and self.peer.is_server)
        if server:
            libc.setsockopt(self.fd(0), SOL_QUIC, SockOpt.TRANSPORT_PARAM_EXT, body)
        libc.getsockopt(self.fd(0), SOL_QUIC, SockOpt.TRANSPORT_PARAM_EXT, b"", 512)
        if not server:
            libc.setsockopt(self.fd(0), SOL_QUIC, SockOpt.TRANSPORT_PARAM_EXT, body)

    def secrets(self, level: Level, cipher: int = Cipher.AES_GCM_128) -> None:
        """The victim's TLS hands over the keys of a level."""
        for send in (1, 0):
            self.secret(level, send, cipher)

    def secret(self, level: Level, send: int, cipher: int) -> None:
        """One direction of them."""
        victim_is_client = bool(self.peer and self.peer.is_server)
        from_client = bool(send) == victim_is_client
        value = CryptoSecret(send & 0xFF, NUMBERS[level], cipher & 0xFFFFFFFF, secret(level, from_client, cipher))
        libc.setsockopt(self.fd(0), SOL_QUIC, SockOpt.CRYPTO_SECRET, value.pack())
