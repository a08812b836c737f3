# SPDX-License-Identifier: GPL-2.0-or-later
"""What the parts of a transport cost by themselves: a cipher, UDP in large batches, a system call."""

from __future__ import annotations

import os
import socket
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kquic.lab.topology import Network
from kquic.sock import Cipher

_MIB = 1 << 20
_BLOCK = 60 << 10
_TAG = 16
_REPEAT = 200
_ROUNDS = 5

SOL_UDP = 17
UDP_SEGMENT = 103
UDP_GRO = 104
_PORT = 4434
_PAYLOAD = 1472
_BATCH = 44 * _PAYLOAD

ALGORITHMS = {Cipher.AES_GCM_128: ("gcm(aes)", 16), Cipher.CHACHA20_POLY1305: ("rfc7539(chacha20,poly1305)", 32)}
"""Names of the kernel's crypto API, and bytes of the key."""

_RESTRICT = Path("/proc/sys/crypto/af_alg_restrict")
"""Which algorithms programs may use: 0 for all."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Milliseconds for one MiB, and for a system call.

    Attributes:
        seal: to encrypt a MiB with each cipher; to decrypt it costs the same but for a few percent.
        udp: to send and to receive it as UDP datagrams of a full packet in batches.
        call: to ask the kernel for something that it knows.
    """

    seal: dict[str, float]
    udp: float
    call: float


def measure(net: Network) -> Raw:
    """All of it."""
    before = _RESTRICT.read_text()
    _RESTRICT.write_text("0")
    seal = {name: _seal(*of_cipher) * 1e3 for name, of_cipher in ALGORITHMS.items()}
    _RESTRICT.write_text(before)
    return Raw({cipher.name: cost for cipher, cost in seal.items()}, _udp(net) * 1e3, _median(os.getppid) * 1e3)


def _median(work: Callable[[], object]) -> float:
    """Seconds that one `work` takes."""
    took = []
    for _ in range(_ROUNDS + 1):
        began = time.perf_counter()
        for _ in range(_REPEAT):
            work()
        took.append((time.perf_counter() - began) / _REPEAT)
    return statistics.median(took[1:])


def _seal(algorithm: str, key_size: int) -> float:
    """Seconds for a MiB: the difference between large messages and tiny ones, so that calls do not count."""
    with socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET) as transform:
        transform.bind(("aead", algorithm))
        transform.setsockopt(socket.SOL_ALG, socket.ALG_SET_KEY, os.urandom(key_size))
        transform.setsockopt(socket.SOL_ALG, socket.ALG_SET_AEAD_AUTHSIZE, None, _TAG)
        with transform.accept()[0] as request:
            large, tiny = os.urandom(_BLOCK), os.urandom(_TAG)
            buffer = bytearray(_BLOCK + _TAG)

            def once(data: bytes) -> None:
                request.sendmsg_afalg([data], op=socket.ALG_OP_ENCRYPT, iv=bytes(12), assoclen=0)
                request.recv_into(buffer, len(data) + _TAG)

            return (_median(lambda: once(large)) - _median(lambda: once(tiny))) / _BLOCK * _MIB


def _udp(net: Network) -> float:
    """Seconds for a MiB. Each batch is read before the next is sent, so that one processor does everything."""
    with net.srv.entered():
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with net.cli.entered():
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with receiver, sender:
        receiver.setsockopt(SOL_UDP, UDP_GRO, 1)
        receiver.bind((net.SERVER_V4, _PORT))
        sender.setsockopt(SOL_UDP, UDP_SEGMENT, _PAYLOAD)
        sender.connect((net.SERVER_V4, _PORT))
        data, buffer = os.urandom(_BATCH), bytearray(_BATCH)

        def once() -> None:
            sender.send(data)
            if receiver.recv_into(buffer) != _BATCH:
                raise EOFError("a batch has not come as one")

        return _median(once) / _BATCH * _MIB
