# SPDX-License-Identifier: GPL-2.0-or-later
"""A peer that holds keys and sends what it likes: aioquic does the handshake, the test makes the packets."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aioquic.buffer import Buffer, encode_uint_var
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.crypto import CryptoError, CryptoPair
from aioquic.quic.packet import QuicPacketType, pull_quic_header
from aioquic.tls import Epoch

from kquic.sock import Config, Connection, TransportParams, connect, listen
from kquic.tls import ClientSettings, KeyPair, ServerSettings, Settings, TlsError, X509Credentials, run
from kquic.tls.testca import TestCA

from .frames import F, Frame, ack, numbers, parse

TIMEOUT = 5.0
TAG = 16
LONG = {Epoch.INITIAL: 0xC0, Epoch.HANDSHAKE: 0xE0, Epoch.ZERO_RTT: 0xD0}
EPOCHS = {
    QuicPacketType.INITIAL: Epoch.INITIAL,
    QuicPacketType.HANDSHAKE: Epoch.HANDSHAKE,
    QuicPacketType.ONE_RTT: Epoch.ONE_RTT,
}

CA = TestCA.create()
OWN = CA.server("server.test")
KEYS = X509Credentials(CA.cert_pem, KeyPair(OWN.cert_pem, OWN.key_pem))

Until = Callable[[QuicConnection], bool]


def confirmed(quic: QuicConnection) -> bool:
    """The handshake is over on both sides."""
    return bool(quic._handshake_confirmed)


def has_handshake_keys(quic: QuicConnection) -> bool:
    """Only Handshake packets can be made yet, beside Initial ones."""
    pair = quic._cryptos.get(Epoch.HANDSHAKE)
    return pair is not None and pair.send.is_valid() and pair.recv.is_valid()


def begun(quic: QuicConnection) -> bool:
    """The first flight is out."""
    return quic._version is not None


def has_application_keys(quic: QuicConnection) -> bool:
    """1-RTT packets can be made."""
    pair = quic._cryptos.get(Epoch.ONE_RTT)
    return pair is not None and pair.send.is_valid()


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet of the victim's."""

    epoch: Epoch
    pn: int
    frames: list[Frame]


@dataclass
class Hostile:
    """One end of a connection. Nothing is sent or acknowledged unless the test says so."""

    udp: socket.socket
    quic: QuicConnection
    victim: tuple[str, int]
    received: dict[Epoch, list[int]] = field(default_factory=dict)

    # The handshake, by aioquic.

    def shake_hands(self, until: Until = confirmed) -> None:
        """Let aioquic go on until it has what the attack needs."""
        deadline = time.monotonic() + TIMEOUT
        while not until(self.quic):
            assert time.monotonic() < deadline, "no handshake"
            for data, address in self.quic.datagrams_to_send(time.monotonic()):
                self.udp.sendto(data, address)
            if until(self.quic):
                break
            self.udp.settimeout(0.05)
            try:
                data, address = self.udp.recvfrom(65536)
            except TimeoutError:
                self.quic.handle_timer(time.monotonic())
                continue
            self.quic.receive_datagram(data, address[:2], time.monotonic())
        self.pn = self.quic._packet_number + 10

    # What goes out, by hand.

    @property
    def cid(self) -> bytes:
        """The victim's connection ID."""
        return self.quic._peer_cid.cid

    def keys(self, epoch: Epoch) -> CryptoPair:
        """Packet protection."""
        return self.quic._cryptos[epoch]

    def header(self, epoch: Epoch, size: int, pn: int, *, bits: int = 0, dcid: bytes | None = None) -> bytes:
        """The header of a packet with `size` bytes of payload; the packet number takes four bytes."""
        dcid = self.cid if dcid is None else dcid
        if epoch == Epoch.ONE_RTT:
            phase = self.keys(epoch).key_phase << 2
            return bytes([0x43 | phase | bits]) + dcid + (pn & 0xFFFFFFFF).to_bytes(4, "big")
        scid = self.quic.host_cid
        head = bytes([LONG[epoch] | 3 | bits]) + (self.quic._version or 1).to_bytes(4, "big")
        head += bytes([len(dcid)]) + dcid + bytes([len(scid)]) + scid
        if epoch == Epoch.INITIAL:
            head += encode_uint_var(0)
        return head + (0x4000 | 4 + size + TAG).to_bytes(2, "big") + (pn & 0xFFFFFFFF).to_bytes(4, "big")

    def packet(
        self, frames: bytes, epoch: Epoch = Epoch.ONE_RTT, *, pn: int | None = None, size: int = 0, **header: Any
    ) -> bytes:
        """A packet; the next number unless one is given; padded to `size`."""
        if pn is None:
            pn = self.pn
            self.pn += 1
        if size:
            frames += bytes(size - len(self.header(epoch, 0, pn, **header)) - len(frames) - TAG)
        head = self.header(epoch, len(frames), pn, **header)
        sealed: bytes = self.keys(epoch).encrypt_packet(head, frames, pn)
        return sealed

    def send(self, frames: bytes, epoch: Epoch = Epoch.ONE_RTT, **options: Any) -> int:
        """Send one packet; its number."""
        pn = options.get("pn", self.pn)
        size = options.pop("size", 1200 if epoch == Epoch.INITIAL else 0)
        self.raw(self.packet(frames, epoch, size=size, **options))
        return int(pn)

    def raw(self, datagram: bytes) -> None:
        """Send anything."""
        self.udp.sendto(datagram, self.victim)

    # What comes in.

    def read(self, timeout: float = TIMEOUT) -> list[Packet]:
        """The packets of the next datagram that can be opened; none if nothing comes."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            self.udp.settimeout(left)
            try:
                datagram = self.udp.recv(65536)
            except (TimeoutError, ConnectionRefusedError):
                break
            if packets := list(self.open(datagram)):
                return packets
        return []

    def open(self, datagram: bytes) -> Iterator[Packet]:
        """The packets of a datagram that can be opened."""
        while datagram:
            buf = Buffer(data=datagram)
            header = pull_quic_header(buf, host_cid_length=len(self.quic.host_cid))
            epoch = EPOCHS[header.packet_type]
            seen = self.received.setdefault(epoch, [])
            size = header.packet_length
            with suppress(CryptoError):
                _, payload, pn = self.keys(epoch).decrypt_packet(datagram[:size], buf.tell(), max(seen, default=-1) + 1)
                seen.append(pn)
                yield Packet(epoch, pn, parse(payload))
            datagram = datagram[size:]

    def frames(self, kind: int, timeout: float = TIMEOUT) -> Iterator[Frame]:
        """Frames of a kind, as they come; ends when nothing comes for a time."""
        while packets := self.read(timeout):
            for packet in packets:
                yield from (frame for frame in packet.frames if frame.type == kind)

    def expect(self, kind: int) -> Frame:
        """The next frame of a kind."""
        found = next(self.frames(kind), None)
        assert found is not None, f"no {F(kind).name}"
        return found

    def closed_with(self) -> int:
        """The code of the victim's CONNECTION_CLOSE."""
        return self.expect(F.CONNECTION_CLOSE).numbers[0]

    def ack_all(self) -> None:
        """Acknowledge everything that was read."""
        if seen := self.received.get(Epoch.ONE_RTT):
            lowest, highest = min(seen), max(seen)
            missing = sorted(set(range(lowest, highest)) - set(seen))
            first = highest - (missing[-1] + 1) if missing else highest - lowest
            self.send(ack(highest, first))

    def alive(self) -> None:
        """The victim still answers, and has not closed."""
        self.send(numbers(F.PING))
        pn = self.send(numbers(F.PING))
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            for packet in self.read():
                kinds = {frame.type for frame in packet.frames}
                assert not kinds & {F.CONNECTION_CLOSE, F.CONNECTION_CLOSE_APP}, packet.frames
                if any(pn in r for frame in packet.frames for r in frame.ranges):
                    return
        raise AssertionError("no answer")


@dataclass(frozen=True, slots=True)
class Attack:
    """A hostile peer, and the kernel's connection that it has to do with."""

    peer: Hostile
    victim: Connection


def configuration(*, is_client: bool, **options: Any) -> QuicConfiguration:
    """aioquic's, with the certificates of these tests."""
    config = QuicConfiguration(is_client=is_client, alpn_protocols=["data"], **options)
    if is_client:
        config.verify_mode, config.server_name = ssl.CERT_NONE, "server.test"
    else:
        config.certificate, config.private_key = OWN.cert, OWN.key
    return config


def _shake(connection: Connection, settings: Settings) -> None:
    """The victim's handshake, which an attack may end."""
    with suppress(TlsError, OSError):
        run(connection, settings, TIMEOUT)


Change = Callable[[bytes], bytes]


def parameter(number: int, value: bytes) -> bytes:
    """A transport parameter."""
    return encode_uint_var(number) + encode_uint_var(len(value)) + value


def replaced(number: int, value: bytes | None) -> Change:
    """Give a parameter another value, or leave it out."""

    def change(body: bytes) -> bytes:
        buf, out = Buffer(data=body), b""
        while not buf.eof():
            kind, size = buf.pull_uint_var(), buf.pull_uint_var()
            data = buf.pull_bytes(size)
            if kind != number:
                out += parameter(kind, data)
        return out if value is None else out + parameter(number, value)

    return change


def lying(quic: QuicConnection, change: Change | None) -> QuicConnection:
    """Its transport parameters are changed before they are sent."""
    if change:
        honest = quic._serialize_transport_parameters
        quic._serialize_transport_parameters = lambda: change(honest())  # type: ignore[method-assign]
    return quic


@contextmanager
def on_server(
    params: TransportParams | None = None,
    until: Until = confirmed,
    change: Change | None = None,
    config: Config | None = None,
    host: str = "127.0.0.1",
    prepare: Callable[[QuicConnection], object] = lambda _: None,
    **options: Any,
) -> Iterator[Attack]:
    """A hostile client, given to `prepare` before it begins.

    `params` are what the victim announces, `options` are aioquic's.
    """
    settings = ServerSettings(KEYS, ("data",))
    with ExitStack() as opened:
        listener = opened.enter_context(listen(host, alpn=("data",)))
        if params:
            listener.set_transport_params(params)
        if config:
            listener.configure(config)
        listener.set_timeout(TIMEOUT)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        udp = opened.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        udp.bind((host, 0))
        quic = lying(QuicConnection(configuration=configuration(is_client=True, **options)), change)
        prepare(quic)
        peer = Hostile(udp, quic, (host, listener.port))
        quic.connect(peer.victim, time.monotonic())
        for data, address in quic.datagrams_to_send(time.monotonic()):
            udp.sendto(data, address)
        victim = opened.enter_context(listener.accept())
        thread = threading.Thread(target=_shake, args=(victim, settings))
        thread.start()
        peer.shake_hands(until)
        if until is confirmed:
            thread.join()
        victim.set_timeout(TIMEOUT)
        yield Attack(peer, victim)
        with suppress(OSError):
            victim.shutdown()
        thread.join()


@contextmanager
def on_client(
    params: TransportParams | None = None,
    until: Until = confirmed,
    change: Change | None = None,
    prepare: Callable[[QuicConnection], object] = lambda _: None,
    **options: Any,
) -> Iterator[Attack]:
    """A hostile server; `prepare` is given it before it sees the first packet."""
    settings = ClientSettings(X509Credentials(CA.cert_pem), "server.test", ("data",))
    with ExitStack() as opened:
        udp = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(TIMEOUT)
        victim = opened.enter_context(connect(*udp.getsockname()))
        if params:
            victim.set_transport_params(params)
        thread = threading.Thread(target=_shake, args=(victim, settings))
        thread.start()
        data, address = udp.recvfrom(65536)
        first = pull_quic_header(Buffer(data=data))
        quic = QuicConnection(
            configuration=configuration(is_client=False, **options),
            original_destination_connection_id=first.destination_cid,
        )
        prepare(quic)
        lying(quic, change).receive_datagram(data, address, time.monotonic())
        peer = Hostile(udp, quic, address)
        peer.shake_hands(until)
        if until is confirmed:
            thread.join()
        victim.set_timeout(TIMEOUT)
        yield Attack(peer, victim)
        with suppress(OSError):
            victim.shutdown()
        thread.join()


def some_cid() -> bytes:
    """A fresh connection ID."""
    return os.urandom(8)
