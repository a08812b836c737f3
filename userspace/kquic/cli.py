# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line: kquic COMMAND …"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from kquic.diag.command import add_ss
from kquic.diag.doctor import add_doctor
from kquic.diag.probe import add_probe
from kquic.diag.stats import add_stats
from kquic.diag.top import add_top
from kquic.errors import KquicError
from kquic.fuzz.command import add_fuzz
from kquic.gateway.command import add_gateway
from kquic.install.command import add_install
from kquic.interop.command import add_interop
from kquic.lab import options
from kquic.qlog.command import add_qlog
from kquic.servers.options import add_serve

EXIT_ERROR = 2


class Call(Protocol):
    """What a sub-command's parser sets as its default."""

    def __call__(self, args: argparse.Namespace) -> int: ...


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(prog="kquic", description="QUIC in the Linux kernel, SMB and NFS over it, and a lab")
    verbs = top.add_subparsers(required=True, metavar="COMMAND")
    options.add_top(verbs)
    options.add_lab(verbs)
    add_ss(verbs)
    add_top(verbs)
    add_stats(verbs)
    add_probe(verbs)
    add_doctor(verbs)
    add_qlog(verbs)
    add_serve(verbs)
    add_gateway(verbs)
    add_interop(verbs)
    add_install(verbs)
    add_fuzz(verbs)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    args = parser().parse_args(argv)
    try:
        return cast(Call, args.call)(args)
    except KquicError as error:
        print(f"kquic: {error}", file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 141


if __name__ == "__main__":
    sys.exit(main())
