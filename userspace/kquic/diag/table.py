# SPDX-License-Identifier: GPL-2.0-or-later
"""Sockets as lines for people, and as plain data for programs."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from kquic.diag.info import NO_SSTHRESH, Flag, Info
from kquic.diag.query import State
from kquic.diag.socket import Endpoint, Socket, Timer

HEADINGS = ("State", "Local", "Peer", "ALPN", "Ver", "Cipher", "Streams", "Cwnd", "RTT ms", "Lost", "Sent", "Received")
_RIGHT = frozenset(HEADINGS[6:])
_STATES = {
    State.ESTABLISHED: "ESTAB",
    State.ESTABLISHING: "HANDSHAKE",
    State.CLOSED: "CLOSED",
    State.LISTENING: "LISTEN",
}
CIPHERS = {51: "AES128-GCM", 52: "AES256-GCM", 53: "AES128-CCM", 54: "CHACHA20"}
VERSIONS = {0x00000001: "1", 0x6B3343CF: "2"}


def endpoint(which: Endpoint, numeric: bool) -> str:
    """address:port; a star for the wildcard and for no port."""
    if which.address.is_unspecified:
        host = "*"
    elif isinstance(which.address, ipaddress.IPv6Address):
        host = f"[{which.address}]"
    else:
        host = str(which.address)
    return f"{host}:{_port(which.port, numeric)}"


def _port(port: int, numeric: bool) -> str:
    if not port:
        return "*"
    if not numeric:
        try:
            return socket.getservbyport(port, "udp")
        except OSError:
            pass
    return str(port)


def amount(number: int) -> str:
    """Bytes with a unit of 1024: 999, 1.5K, 20M."""
    value = float(number)
    for unit in ("", "K", "M", "G", "T"):
        if value < 1000 or unit == "T":
            break
        value /= 1024
    return f"{value:.0f}{unit}" if not unit or value >= 10 else f"{value:.1f}{unit}"


def row(each: Socket, numeric: bool) -> tuple[str, ...]:
    """The columns of HEADINGS."""
    head = (_STATES[each.state], endpoint(each.local, numeric), endpoint(each.peer, numeric))
    info = each.info
    if info is None:
        return head + ("",) * (len(HEADINGS) - len(head))
    alpn = ",".join(info.alpn)
    if each.state not in (State.ESTABLISHED, State.ESTABLISHING):
        return (*head, alpn, *("",) * (len(HEADINGS) - 4))
    return (*head, alpn, *_numbers(info))


def _numbers(info: Info) -> tuple[str, ...]:
    version = info["version"]
    return (
        VERSIONS.get(version, f"{version:#x}"),
        CIPHERS.get(info["cipher"], "-"),
        str(sum(kind.open for kind in info.streams)),
        amount(info["cwnd"]),
        f"{info['smoothed_rtt'] / 1000:.2f}" if info["min_rtt"] else "-",
        str(info["pkts_lost"] - info["pkts_spurious"]),
        amount(info["bytes_sent"]),
        amount(info["bytes_received"]),
    )


def _ms(microseconds: int) -> str:
    return f"{microseconds / 1000:g}ms"


def details(each: Socket) -> list[str]:
    """More about one socket, in lines to be shown below its row."""
    lines = [f"uid:{each.uid} ino:{each.inode} sk:{each.cookie:x} recv-q:{each.recv_queue} send-q:{each.send_queue}"]
    if each.timer != Timer.OFF:
        lines[0] += f" timer:({each.timer.name.lower()},{each.expires_ms}ms,{each.retries})"
    if each.memory:
        lines.append("mem " + " ".join(f"{name}:{value}" for name, value in asdict(each.memory).items()))
    if each.info and each.state in (State.ESTABLISHED, State.ESTABLISHING):
        lines += _connection(each, each.info)
    return lines


#: Lines of plain numbers: a word, and what each number is called.
_COUNTERS = {
    "pkts": ("pkts_sent", "pkts_received", "pkts_dropped", "pkts_lost", "pkts_spurious"),
    "bytes": ("bytes_sent", "bytes_received", "bytes_acked", "bytes_lost", "bytes_retrans"),
    "data": ("data_sent", "data_sent_max", "data_unacked", "data_received", "data_received_max", "data_read"),
}
_STREAM_KINDS = ("client-bidi", "server-bidi", "client-uni", "server-uni")


def _connection(each: Socket, info: Info) -> list[str]:
    flags = [flag.name.lower().replace("_", "-") for flag in Flag if flag in info.flags and flag.name]
    lines = [" ".join((each.congestion or "-", *flags)), _timing(info), _window(info)]
    for word, names in _COUNTERS.items():
        shown = (f"{name.removeprefix(word + '_').replace('_', '-')}:{info[name]}" for name in names)
        lines.append(" ".join((word, *shown)))
    kinds = zip(_STREAM_KINDS, info.streams, strict=True)
    streams = (f"{name}:{kind.open}/{kind.opened}/{kind.max}" for name, kind in kinds)
    return [*lines, " ".join(("streams", *streams))]


def _timing(info: Info) -> str:
    rtt = f"rtt:{_ms(info['smoothed_rtt'])}/{_ms(info['rttvar'])} minrtt:{_ms(info['min_rtt'])}"
    return f"{rtt} pto:{_ms(info['pto'])} ptos:{info['ptos']} idle:{_ms(info['idle_timeout'])}"


def _window(info: Info) -> str:
    ssthresh = "-" if info["ssthresh"] == NO_SSTHRESH else info["ssthresh"]
    window = f"cwnd:{info['cwnd']} ssthresh:{ssthresh} in-flight:{info['bytes_in_flight']}"
    path = f"mtu:{info['mtu']} migrations:{info['migrations']} cids:{info.local_cids}/{info.peer_cids}"
    return f"{window} pacing:{info['pacing_rate']}B/s {path}"


def render(listed: Iterable[Socket], numeric: bool, more: bool) -> str:
    """The whole table."""
    listed = list(listed)
    rows = [row(each, numeric) for each in listed]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    lines = [_line(HEADINGS, widths)]
    for each, columns in zip(listed, rows, strict=True):
        lines.append(_line(columns, widths))
        if more:
            lines += [f"    {line}" for line in details(each)]
    return "\n".join(lines)


def _line(columns: Sequence[str], widths: Sequence[int]) -> str:
    cells = (
        text.rjust(width) if heading in _RIGHT else text.ljust(width)
        for heading, text, width in zip(HEADINGS, columns, widths, strict=True)
    )
    return "  ".join(cells).rstrip()


def as_data(each: Socket) -> dict[str, Any]:
    """Everything known of a socket, for JSON."""
    data: dict[str, Any] = {
        "state": each.state.name.lower(),
        "local": {"address": str(each.local.address), "port": each.local.port},
        "peer": {"address": str(each.peer.address), "port": each.peer.port} if each.peer.port else None,
        "recv_queue": each.recv_queue,
        "send_queue": each.send_queue,
        "timer": {"name": each.timer.name.lower(), "expires_ms": each.expires_ms, "retries": each.retries},
        "uid": each.uid,
        "inode": each.inode,
        "cookie": each.cookie,
        "interface": each.interface,
        "mark": each.mark,
        "cgroup": each.cgroup,
        "congestion": each.congestion,
        "memory": asdict(each.memory) if each.memory else None,
    }
    return data | (_info_data(each.info) if each.info else {})


def _info_data(info: Info) -> dict[str, Any]:
    numbers = dict(info.numbers)
    cipher, ssthresh = numbers.pop("cipher"), numbers.pop("ssthresh")
    return {
        **numbers,
        "cipher": CIPHERS.get(cipher),
        "ssthresh": None if ssthresh == NO_SSTHRESH else ssthresh,
        "flags": [flag.name.lower() for flag in Flag if flag in info.flags and flag.name],
        "alpn": list(info.alpn),
        "streams": [asdict(kind) for kind in info.streams],
        "local_cids": info.local_cids,
        "peer_cids": info.peer_cids,
    }
