# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic qlog`: record connections, or convert a trace that was recorded."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kquic.qlog.convert import convert
from kquic.qlog.picture import picture
from kquic.qlog.record import Recorder
from kquic.qlog.trace import TraceError, parse

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_qlog(verbs: Subparsers) -> None:
    """Add `qlog` to the command line."""
    parser = verbs.add_parser("qlog", help="the story of QUIC connections as qlog, for qvis")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to; default: standard output")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="also draw the connection that sent most")
    parser.add_argument("--trace", type=Path, metavar="FILE", help="convert this text of tracefs; record nothing")
    parser.add_argument("--buffer", type=int, default=16384, metavar="KIB", help="memory for each CPU")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="record while this runs")
    parser.set_defaults(call=cmd_qlog)


def cmd_qlog(args: argparse.Namespace) -> int:
    """Record or convert."""
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    if bool(command) == bool(args.trace):
        raise TraceError("give either a command to run or --trace FILE")
    status = 0
    if args.trace:
        with args.trace.open(errors="replace") as text:
            qlog = convert(parse(text), args.trace.name)
    else:
        with Recorder(args.buffer) as recorder:
            # What it prints does not mix with the qlog.
            status = subprocess.run(command, stdout=sys.stderr, check=False).returncode
            qlog = convert(recorder.lines(), " ".join(command))
    _write(qlog, args)
    return status


def _write(qlog: dict[str, Any], args: argparse.Namespace) -> None:
    text = json.dumps(qlog, indent=1)
    if args.output:
        args.output.write_text(text + "\n")
    else:
        print(text)
    if args.svg:
        args.svg.write_text(picture(qlog))
