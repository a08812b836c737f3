# SPDX-License-Identifier: GPL-2.0-or-later
"""Prometheus text."""

from __future__ import annotations

from pathlib import Path

import pytest

from kquic.diag.stats import exposition, metric, read_snmp
from kquic.errors import KquicError


def test_counters_and_gauges() -> None:
    text = "".join(exposition({"QuicConnCurrentEstabs": 2, "QuicPktRcvDrop": 7}, [], False))
    assert "# TYPE quic_conn_current_estabs gauge\nquic_conn_current_estabs 2\n" in text
    assert "# TYPE quic_pkt_rcv_drop_total counter\nquic_pkt_rcv_drop_total 7\n" in text
    assert 'quic_sockets{state="listening"} 0\n' in text


def test_labels_are_escaped() -> None:
    text = "".join(metric("m", "gauge", "what", [({"alpn": 'a"b\\c\nd'}, 0.001)]))
    assert text.endswith('m{alpn="a\\"b\\\\c\\nd"} 0.001\n')


def test_no_module(tmp_path: Path) -> None:
    with pytest.raises(KquicError, match="is the module quic loaded"):
        read_snmp(tmp_path / "snmp")
