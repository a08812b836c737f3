# SPDX-License-Identifier: GPL-2.0-or-later
"""From the kernel's trace to qlog 0.3 in JSON, which qvis reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from kquic.qlog import frames
from kquic.qlog.trace import Line

Event = dict[str, Any]

_PACKET_TYPES = {
    "Initial": "initial",
    "0-RTT": "0RTT",
    "Handshake": "handshake",
    "1-RTT": "1RTT",
    "Retry": "retry",
    "Version-Negotiation": "version_negotiation",
}
#: qlog has metrics in milliseconds and in bytes.
_METRICS_MS = {
    "smoothed_rtt": "srtt_us",
    "rtt_variance": "rttvar_us",
    "min_rtt": "min_rtt_us",
    "latest_rtt": "latest_rtt_us",
}
_METRICS = {"congestion_window": "cwnd", "bytes_in_flight": "in_flight", "pto_count": "pto_count"}
_NO_SSTHRESH = (1 << 64) - 1
#: qlog knows fewer reasons than the kernel; where none is near, none is given.
_DROPS = {
    "HEADER": "header_parse_error",
    "NO_CONN": "unknown_connection_id",
    "NO_LISTENER": "unexpected_packet",
    "NOT_FIRST": "unexpected_packet",
    "TOKEN": "invalid_initial",
    "HELLO": "invalid_initial",
    "BUSY": "dos_prevention",
    "BACKLOG": "dos_prevention",
    "RCVBUF": "dos_prevention",
    "PATH": "unexpected_packet",
    "CLOSED": "unexpected_packet",
    "NO_KEY": "key_unavailable",
    "AUTH": "payload_decrypt_error",
    "DUPLICATE": "duplicate",
    "FRAME": "protocol_violation",
}


class Connection:
    """One socket's events on their way to a qlog trace."""

    def __init__(self, line: Line) -> None:
        self.socket, self.start = line.socket, line.time
        self.role, self.odcid = "unknown", ""
        self.events: list[Event] = []
        self._frames: dict[tuple[str, str], list[frames.Frame]] = {}
        self._ranges: list[Line] = []
        self._acks: dict[tuple[str, str], list[Line]] = {}
        self._received: dict[tuple[str, str], list[frames.Frame]] = {}
        self._metrics: dict[str, float] = {}

    def add(self, line: Line) -> None:
        """The next line of this socket."""
        handler = _HANDLERS.get(line.event)
        if handler:
            handler(self, line)

    def emit(self, line: Line, name: str, data: dict[str, Any]) -> None:
        """Append one event."""
        self.events.append({"time": round((line.time - self.start) * 1000, 3), "name": name, "data": data})

    def packet(self, line: Line) -> dict[str, Any]:
        """Header and size of the packet that a line is about."""
        header = {"packet_type": _PACKET_TYPES[line.fields["type"]], "packet_number": line.number("pn")}
        return {"header": header, "raw": {"length": line.number("len")}}

    def started(self, line: Line) -> None:
        """quic_conn_new"""
        self.role = "server" if line.number("server") else "client"
        self.odcid = line.fields["odcid"]
        local, peer = (_endpoint(line.fields[name]) for name in ("local", "peer"))
        data = {"src_ip": local[0], "src_port": local[1], "dst_ip": peer[0], "dst_port": peer[1]}
        self.emit(line, "connectivity:connection_started", data)
        self.version(line)

    def version(self, line: Line) -> None:
        """quic_conn_version: another one was negotiated"""
        self.emit(line, "transport:version_information", {"chosen_version": f"{line.number('version'):08x}"})

    def frame_sent(self, line: Line) -> None:
        """quic_frame_sent: comes before the packet is complete, and an ACK's ranges before the frame."""
        ranges, self._ranges = self._ranges, []
        each = frames.ack(ranges) if line.fields["frame"] == "ACK" and ranges else frames.frame(line)
        self._frames.setdefault(_short(line), []).append(each)

    def ack_sent(self, line: Line) -> None:
        """quic_ack_sent: one range of an ACK frame."""
        self._ranges.append(line)

    def sent(self, line: Line) -> None:
        """quic_pkt_sent"""
        carried = self._frames.pop(_short(line), [])
        self.emit(line, "transport:packet_sent", self.packet(line) | {"frames": carried})

    def received(self, line: Line) -> None:
        """quic_pkt_rcvd: its frames follow, and are put into the same event."""
        carried: list[frames.Frame] = []
        self._received = {_short(line): carried}
        self._acks = {}
        self.emit(line, "transport:packet_received", self.packet(line) | {"frames": carried})

    def frame_received(self, line: Line) -> None:
        """quic_frame_rcvd"""
        carried = self._received.get(_short(line))
        if carried is not None and line.fields["frame"] != "ACK":
            carried.append(frames.frame(line))

    def acked(self, line: Line) -> None:
        """quic_ack_rcvd: one range of an ACK frame."""
        key = _short(line)
        carried, ranges = self._received.get(key), self._acks.setdefault(key, [])
        ranges.append(line)
        if carried is None:
            return
        if len(ranges) > 1:
            carried.pop()
        carried.append(frames.ack(ranges))

    def lost(self, line: Line) -> None:
        """quic_pkt_lost"""
        self.emit(line, "recovery:packet_lost", {"header": self.packet(line)["header"]})

    def dropped(self, line: Line) -> None:
        """quic_pkt_dropped"""
        why = line.fields["why"]
        trigger = {"trigger": _DROPS[why]} if why in _DROPS else {}
        self.emit(line, "transport:packet_dropped", trigger | {"details": {"reason": why}})

    def metrics(self, line: Line) -> None:
        """quic_metrics: only what has changed."""
        now: dict[str, float] = {name: line.number(field) / 1000 for name, field in _METRICS_MS.items()}
        now |= {name: line.number(field) for name, field in _METRICS.items()}
        if line.number("ssthresh") != _NO_SSTHRESH:
            now["ssthresh"] = line.number("ssthresh")
        changed = {name: value for name, value in now.items() if self._metrics.get(name) != value}
        self._metrics = now
        if changed:
            self.emit(line, "recovery:metrics_updated", changed)

    def key_update(self, line: Line) -> None:
        """quic_key_update: the keys of the end that has moved its phase"""
        by = line.fields["by"]
        mover = "client" if (self.role == "client") == (by == "local") else "server"
        self.emit(line, "security:key_updated", {"key_type": f"{mover}_1rtt_secret", "trigger": f"{by}_update"})

    def state(self, line: Line) -> None:
        """quic_conn_state"""
        self.emit(line, "connectivity:connection_state_updated", {"new": f"handshake_{line.fields['state']}"})

    def moved(self, line: Line) -> None:
        """quic_conn_moved"""
        local, peer = _endpoint(line.fields["local"]), _endpoint(line.fields["peer"])
        ends = {"tuple_local": _tuple(local), "tuple_remote": _tuple(peer)}
        self.emit(line, "connectivity:migration_state_updated", {"new": "migration_complete"} | ends)

    def closed(self, line: Line) -> None:
        """quic_conn_closed"""
        space = "application_code" if line.number("app") else "connection_code"
        owner = {} if line.fields["by"] == "nobody" else {"owner": line.fields["by"]}
        self.emit(line, "connectivity:connection_closed", owner | {space: line.number("code")})

    def trace(self) -> dict[str, Any]:
        """The finished trace."""
        fields = {"time_format": "relative", "reference_time": self.start * 1000, "protocol_type": ["QUIC"]}
        if self.odcid:
            fields |= {"ODCID": self.odcid, "group_id": self.odcid}
        point = {"type": self.role, "name": self.socket}
        return {"title": self.socket, "vantage_point": point, "common_fields": fields, "events": self.events}


_HANDLERS: dict[str, Callable[[Connection, Line], None]] = {
    "quic_conn_new": Connection.started,
    "quic_conn_state": Connection.state,
    "quic_conn_version": Connection.version,
    "quic_conn_moved": Connection.moved,
    "quic_frame_sent": Connection.frame_sent,
    "quic_ack_sent": Connection.ack_sent,
    "quic_pkt_sent": Connection.sent,
    "quic_pkt_rcvd": Connection.received,
    "quic_frame_rcvd": Connection.frame_received,
    "quic_ack_rcvd": Connection.acked,
    "quic_pkt_lost": Connection.lost,
    "quic_pkt_dropped": Connection.dropped,
    "quic_metrics": Connection.metrics,
    "quic_key_update": Connection.key_update,
    "quic_conn_closed": Connection.closed,
}


def _short(line: Line) -> tuple[str, str]:
    return line.fields["type"], line.fields["pn"]


def _endpoint(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _tuple(endpoint: tuple[str, int]) -> dict[str, Any]:
    host, port = endpoint
    family = "v6" if ":" in host else "v4"
    return {f"ip_{family}": host, f"port_{family}": port}


def convert(lines: Iterable[Line], title: str = "kquic") -> dict[str, Any]:
    """A qlog file, with a trace for each socket, in the order in which they appear."""
    connections: dict[str, Connection] = {}
    for line in lines:
        if _nobody(line.socket):
            continue
        if line.event == "quic_conn_new" or line.socket not in connections:
            connections[_free_key(connections, line)] = Connection(line)
        connections[line.socket].add(line)
    return {
        "qlog_version": "0.3",
        "qlog_format": "JSON",
        "title": title,
        "traces": [connection.trace() for connection in connections.values() if connection.events],
    }


def _nobody(socket: str) -> bool:
    """A datagram of no connection."""
    return socket == "(null)" or not socket.strip("0")


def _free_key(connections: dict[str, Connection], line: Line) -> str:
    """A new connection may have the address of one that is gone; that one moves aside."""
    old = connections.pop(line.socket, None)
    if old:
        connections[f"{line.socket}/{len(connections)}"] = old
    return line.socket
