# SPDX-License-Identifier: GPL-2.0-or-later
"""Operations of the peer and the network."""

from __future__ import annotations

import time

from aioquic.quic.packet import encode_quic_retry

from . import frames
from .grammar import operation
from .hello import CLIENT_HELLO, client_hello
from .keys import Level
from .session import BUSY, CONFIRMED, ESTABLISHED, HANDSHAKE, PARAMETERS, Session

LEVELS = (3, 3, 3, 3, 3, 3, 2, 0, 1)
EARLY_LEVELS = (0, 0, 0, 2, 1, 3)
BITS = (0,) * 12 + (4, 8, 0x10, 0x18, 0x40, 0x20, 1, 2)
SKIPS = (0,) * 12 + (1, 2, 5, 64, 100, 10000, -1, -2, -70)
PATHS = (0,) * 8 + (1, 2)
STAGES = (3, 4, 4, 4, 5, 5)
FAMILIES = (4, 4, 6)
PRESETS = (0, 0, 0, 1, 2, 3, 4)
CIPHERS = (51, 51, 51, 52, 54)
#: The set of local parameters that comes with BBR.
WITH_BBR = 2
SEGMENT = 300
VERSIONS = (1, 1, 1, 2)


def some_stream(server: bool) -> bytes:
    """Data on the first stream of either side's, and on one that only the peer sends on."""
    own = 1 if server else 0
    rows: list[tuple[int, list[frames.Field]]] = [
        (0x0E, [own, 0, b"hello, this is the peer"]),
        (0x0E, [own + 2, 0, b"and this goes one way only"]),
    ]
    return frames.join(rows)


def _go_on(s: Session, stage: int, preset: int, cipher: int) -> None:
    peer = s.peer
    if not peer or stage < PARAMETERS:
        return
    s.exchange_parameters(preset)
    if stage >= HANDSHAKE:
        s.secrets(Level.HANDSHAKE, cipher)
    if stage >= ESTABLISHED:
        s.secrets(Level.APP, cipher)
    if stage >= CONFIRMED:
        s.hear()
        s.send(peer.packet(Level.HANDSHAKE, b"\x01" + peer.ack(Level.HANDSHAKE)))
        done = b"\x1e" if peer.is_server else b"\x01"
        s.send(peer.packet(Level.APP, done + peer.ack(Level.APP)))
        s.hear()
    if stage >= BUSY:
        s.send(peer.packet(Level.APP, some_stream(peer.is_server)))
        own = 0 if peer.is_server else 1
        for stream in (own, own + 2):
            s.stream(stream, 0x400, 3000)
        s.hear()


@operation(STAGES, PRESETS, PRESETS, CIPHERS, VERSIONS, FAMILIES, (0, 0, 2))
def server(s: Session, stage: int, local: int, remote: int, cipher: int, version: int, family: int, kind: int) -> None:
    """The victim is a server; its connection gets so far."""
    s.begin_server(family, kind, version, cipher)
    s.world.bbr(local % 5 == WITH_BBR)
    s.accept(kind)
    s.hear_until_known()
    s.local_parameters(local)
    _go_on(s, stage, remote, cipher)


@operation(STAGES, PRESETS, PRESETS, CIPHERS, VERSIONS, FAMILIES)
def client(s: Session, stage: int, local: int, remote: int, cipher: int, version: int, family: int) -> None:
    """The victim is a client."""
    s.local = local
    s.world.bbr(local % 5 == WITH_BBR)
    s.begin_client(family, version, cipher)
    if s.peer:
        s.send(s.peer.packet(Level.INITIAL, s.peer.ack(Level.INITIAL), pad=1200))
    _go_on(s, stage, remote, cipher)


@operation(VERSIONS, FAMILIES, (0, 1, 2))
def newcomer(s: Session, version: int, family: int, kind: int) -> None:
    """A peer of a listener that has sent nothing yet."""
    s.begin_server(family, kind, version, 51)


@operation()
def first(s: Session) -> None:
    """A good first packet."""
    s.first()


@operation((0, 1, 2))
def accept(s: Session, kind: int) -> None:
    """The victim's program takes a connection."""
    s.accept(kind)


def _deliver(s: Session, data: bytes, path: int, hold: int) -> None:
    s.held = (s.held + data)[:60000]
    if not hold:
        s.send(s.held, path)
        s.held = b""


@operation(LEVELS, BITS, SKIPS, (0,) * 6 + (1, 2, 7), PATHS, (0,) * 6 + (1, 2, 2), data="frames")
def packet(s: Session, level: int, bits: int, skip: int, cid: int, path: int, hold: int, data: bytes) -> None:
    """A packet with these frames, protected; it may be held back (1) for the next one to follow in the same datagram,
    or (2), padded, for `flush` to make a batch."""
    if s.peer:
        which = Level(level % 4)
        pad = SEGMENT if hold == 2 else 1200 if which == Level.INITIAL and not hold else 0
        _deliver(s, s.peer.packet(which, data, bits=bits & 0xFF, skip=skip, cid=cid, pad=pad), path, hold)


HELLOS = (
    CLIENT_HELLO,
    client_hello(),
    client_hello(b"h3", b"data"),
    client_hello(*(b"x" * 20 for _ in range(100))),
    client_hello(b"nobody", name=b"a" * 250),
)


@operation((0, 0, 1, 50, 500), (10000, 50, 51, 500, 1), (0, 1, 2, 3, 4), (1200, 1200, 0), data="raw")
def hello(s: Session, start: int, end: int, which: int, pad: int, data: bytes) -> None:
    """A piece of a ClientHello; the bytes take the place of some in its middle."""
    whole = HELLOS[which % len(HELLOS)]
    at = len(data) * 7 % len(whole)
    changed = whole if len(data) > 8 else whole[:at] + data + whole[at + len(data) :]
    start, end = abs(start) % 4000, abs(end)
    if s.peer:
        frame = frames.join([(frames.CRYPTO, [start, changed[start:end]])])
        s.send(s.peer.packet(Level.INITIAL, frame, pad=min(abs(pad), 1500)))


@operation((2, 2, 3, 0), (8, 8, 4, 24, 2, 20), (0, 0, 1), data="tls")
def message(s: Session, level: int, kind: int, missing: int, data: bytes) -> None:
    """A TLS message of the peer's, where the last one has ended; the last bytes of it may be missing."""
    if s.peer:
        which = Level(level % 4)
        body = bytes([kind & 0xFF]) + len(data).to_bytes(3, "big") + data
        at = s.crypto_sent.get(which, 0)
        sent = body[: len(body) - abs(missing) % 8]
        s.crypto_sent[which] = at + len(sent)
        frame = frames.join([(frames.CRYPTO, [at, sent])])
        s.send(s.peer.packet(which, frame, pad=1200 if which == Level.INITIAL else 0))


@operation(EARLY_LEVELS, BITS, (0, 0, 0, 1, 2, 1000), (0, 0, 0, 1200), data="frames")
def early(s: Session, level: int, bits: int, skip: int, pad: int, data: bytes) -> None:
    """A packet of the handshake, padded or not."""
    if s.peer:
        s.send(s.peer.packet(Level(level % 4), data, bits=bits & 0xFF, skip=skip, pad=min(abs(pad), 1500)))


@operation((0xC0, 0xC3, 0xD0, 0xE0, 0xF0, 0x80), (0, 1, 2, 0x1A2A3A4A, 0x6B3343CF), (0, 0, 1), (0, 1200), data="raw")
def long(s: Session, first: int, version: int, cid: int, pad: int, data: bytes) -> None:
    """A datagram that begins as packets with a long header do."""
    if s.peer:
        dcid, scid = s.peer.dcid(cid), s.peer.cid
        head = bytes([first & 0xFF]) + (version & 0xFFFFFFFF).to_bytes(4, "big")
        s.send((head + bytes([len(dcid)]) + dcid + bytes([len(scid)]) + scid + data).ljust(min(abs(pad), 2000), b"\0"))


@operation((0x40, 0x43, 0x60, 0x7F), data="raw")
def short(s: Session, first: int, data: bytes) -> None:
    """A datagram that begins as packets with a short header do."""
    if s.peer:
        s.send(bytes([first & 0xFF]) + s.peer.dcid(0) + data)


@operation(PATHS, data="raw")
def raw(s: Session, path: int, data: bytes) -> None:
    """Any datagram."""
    s.send(data, path)


@operation((0, 0, 1), data="raw")
def retry(s: Session, cid: int, data: bytes) -> None:
    """A Retry with a good tag; the peer's connection ID may change with it."""
    peer = s.peer
    if peer:
        scid = b"retried" + bytes([cid & 0xFF])
        made = encode_quic_retry(
            version=peer.version,
            source_cid=scid,
            destination_cid=peer.dcid(0),
            original_destination_cid=peer.odcid,
            retry_token=data,
        )
        s.send(made)
        peer.cid, peer.odcid = scid, scid


@operation((0, 1), data="raw")
def negotiation(s: Session, cid: int, data: bytes) -> None:
    """Version Negotiation."""
    if s.peer:
        dcid, scid = s.peer.dcid(0), s.peer.odcid if not cid else s.peer.cid
        s.send(b"\x80" + bytes(4) + bytes([len(dcid)]) + dcid + bytes([len(scid)]) + scid + data)


@operation((0, SEGMENT, SEGMENT, 600), (0, 1, 2, 3), PATHS)
def flush(s: Session, segment: int, tos: int, path: int) -> None:
    """What was held back goes out, marked for ECN, or as a batch of datagrams."""
    s.send(s.held, path, tos & 0xFF, min(abs(segment), 60000) if abs(segment) < len(s.held) else 0)
    s.held = b""


@operation()
def hear(s: Session) -> None:
    """The peer reads."""
    s.hear()


@operation((3, 3, 2, 0))
def acknowledge(s: Session, level: int) -> None:
    """The peer acknowledges all that has come."""
    s.hear()
    if s.peer and (frame := s.peer.ack(Level(level % 4))):
        s.send(s.peer.packet(Level(level % 4), frame, pad=1200 if level % 4 == 0 else 0))


@operation(PATHS)
def respond(s: Session, path: int) -> None:
    """The peer answers the last path challenge."""
    s.hear()
    if s.peer and s.peer.challenges:
        s.send(s.peer.packet(Level.APP, b"\x1b" + s.peer.challenges.pop(), pad=1200), path)


@operation((1, 1, 1, 2))
def update(s: Session, times: int) -> None:
    """The peer goes on to its next keys."""
    if s.peer:
        s.peer.updates = (s.peer.updates + times) % 16


@operation((3, 3, 3, 11, 1, 2), (4, 4, 3, 1, 0), (0, 1000, 1280, 1400, 1500), (28, 36, 60, 500))
def icmp(s: Session, kind: int, code: int, info: int, quoted: int) -> None:
    """An error about the last datagram that the peer has heard."""
    s.hear()
    if s.last:
        s.world.tun.unreachable(s.last, kind & 0xFF, code & 0xFF, info & 0xFFFFFFFF, min(abs(quoted), 1400))


@operation((1, 5, 20))
def rest(s: Session, milliseconds: int) -> None:
    """Time for timers."""
    time.sleep(min(abs(milliseconds), 30) / 1000)
