# SPDX-License-Identifier: GPL-2.0-or-later
"""The story of QUIC connections: the kernel's trace as qlog, and a picture of it."""

from kquic.qlog.convert import convert
from kquic.qlog.picture import picture
from kquic.qlog.record import Recorder
from kquic.qlog.trace import Line, TraceError, parse

__all__ = ["Line", "Recorder", "TraceError", "convert", "parse", "picture"]
