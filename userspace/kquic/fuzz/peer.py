# SPDX-License-Identifier: GPL-2.0-or-later
"""The victim's peer: what it knows of the connection, packets that it makes, packets that it reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from aioquic._buffer import Buffer, BufferReadError
from aioquic._crypto import CryptoError
from aioquic.buffer import encode_uint_var
from aioquic.quic.crypto import CryptoContext

from . import frames
from .keys import V2, Level, initial, traffic

CID_LEN = 8
TAG = 16
PN_LEN = 4
#: Bits of the first byte by level, in versions 1 and 2.
LONG = {Level.INITIAL: (0xC0, 0xD0), Level.EARLY: (0xD0, 0xE0), Level.HANDSHAKE: (0xE0, 0xF0)}
LEVELS = {(v2, LONG[level][v2] & 0x30): level for level in LONG for v2 in (False, True)}
Broken = (CryptoError, BufferReadError, ValueError)


@dataclass
class Peer:
    """One end of a connection, the other one is the victim's."""

    is_server: bool
    version: int
    cipher: int
    cid: bytes
    #: The ID that Initial keys come of.
    odcid: bytes
    #: The victim's connection IDs; the first is the one in use.
    cids: list[bytes] = field(default_factory=list)
    token: bytes = b""
    updates: int = 0
    next_pn: dict[Level, int] = field(default_factory=dict)
    seen: dict[Level, list[int]] = field(default_factory=dict)
    challenges: list[bytes] = field(default_factory=list)
    levels: set[Level] = field(default_factory=set)
    in_clear: bool = False

    def keys(self, level: Level, from_client: bool) -> CryptoContext:
        """Packet protection of one direction."""
        if level == Level.INITIAL:
            return initial(self.odcid, from_client, self.version)
        return traffic(level, from_client, self.cipher, self.version, self.updates if level == Level.APP else 0)

    def dcid(self, number: int) -> bytes:
        """One of the victim's connection IDs."""
        if not self.cids:
            return self.odcid
        return self.cids[number % len(self.cids)]

    def header(self, level: Level, size: int, pn: int, bits: int, dcid: bytes) -> bytes:
        """A packet's header, packet number included; the bits are turned around."""
        number = (pn & 0xFFFFFFFF).to_bytes(PN_LEN, "big")
        if level == Level.APP:
            return bytes([(0x43 | (self.updates & 1) << 2) ^ bits]) + dcid + number
        first = LONG[level][self.version == V2] | 3
        head = bytes([first ^ bits]) + self.version.to_bytes(4, "big")
        head += bytes([len(dcid)]) + dcid + bytes([len(self.cid)]) + self.cid
        if level == Level.INITIAL:
            head += encode_uint_var(len(self.token)) + self.token
        return head + (0x4000 | PN_LEN + size + TAG).to_bytes(2, "big") + number

    def packet(
        self, level: Level, payload: bytes, *, bits: int = 0, skip: int = 0, cid: int = 0, pad: int = 0
    ) -> bytes:
        """A protected packet, `skip` numbers away from the next one."""
        next_pn = self.next_pn.get(level, 0)
        pn = max(0, next_pn + skip)
        self.next_pn[level] = max(next_pn, pn + 1)
        dcid = self.dcid(cid)
        payload += bytes(max(0, pad - len(payload) - len(self.header(level, 0, pn, bits, dcid)) - TAG))
        payload = payload.ljust(PN_LEN, b"\0")[: 0x3FFF - 64]
        head = self.header(level, len(payload), pn, bits, dcid)
        if self.in_clear and level == Level.APP:
            return head + payload
        sealed: bytes = self.keys(level, not self.is_server).encrypt_packet(head, payload, pn)
        return sealed

    # What comes from the victim.

    def hear(self, datagram: bytes) -> None:
        """Learn from a datagram of the victim's: its connection IDs, packet numbers and challenges."""
        with suppress(*Broken):
            for level, pn, payload in self.open(datagram):
                self.seen.setdefault(level, []).append(pn)
                self._learn(payload)

    def _learn(self, payload: bytes) -> None:
        for kind, _, strings in frames.parse(payload):
            if kind == frames.PATH_CHALLENGE:
                self.challenges = [*self.challenges[-3:], strings[0]]
            elif kind == frames.NEW_CONNECTION_ID:
                self.cids.append(strings[0])
            elif kind == frames.NEW_TOKEN:
                self.token = strings[0]

    def open(self, datagram: bytes) -> Iterator[tuple[Level, int, bytes]]:
        """Level, number and payload of the packets in a datagram."""
        while datagram:
            if not datagram[0] & 0x80:
                start, end, level = 1 + CID_LEN, len(datagram), Level.APP
            else:
                start, end, level = self._long(datagram)
            known = self.seen.get(level, [])
            keys = self.keys(level, self.is_server)
            _, payload, pn, _ = keys.decrypt_packet(datagram[:end], start, max(known, default=-1) + 1)
            yield level, pn, payload
            datagram = datagram[end:]

    def _long(self, datagram: bytes) -> tuple[int, int, Level]:
        """Where the packet number is, where the packet ends, and its level."""
        buf = Buffer(data=datagram)
        first = buf.pull_uint8()
        version = buf.pull_uint32()
        buf.pull_bytes(buf.pull_uint8())
        scid = buf.pull_bytes(buf.pull_uint8())
        level = LEVELS.get((version == V2, first & 0x30))
        if not self.cids and version:
            self.cids.append(scid)
        if level is None and version and not self.is_server:
            self.token, self.odcid = datagram[buf.tell() : -TAG], scid
        if level is None or not version:
            raise ValueError("no packet that could be opened")
        if level == Level.INITIAL:
            buf.pull_bytes(buf.pull_uint_var())
        size = buf.pull_uint_var()
        return buf.tell(), buf.tell() + size, level

    def ack(self, level: Level) -> bytes:
        """An ACK of all that has come at a level; nothing if nothing has."""
        seen = sorted(set(self.seen.get(level, [])), reverse=True)
        return frames.ack(seen) if seen else b""
