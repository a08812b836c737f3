# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's part of the command line: which commands there are, and their options."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from kquic.lab import commands
from kquic.lab.kconfig import FLAVOURS

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def guest_options(parser: argparse.ArgumentParser, timeout: float) -> None:
    """Add the options of everything that boots a guest."""
    _flavour(parser)
    parser.add_argument("--cpus", type=int, default=min(2, os.cpu_count() or 1), help="processors of the guest")
    parser.add_argument("--pin", action="store_true", help="one processor, which stays on one of the host's")
    parser.add_argument("--mem", help="memory of the guest, such as 2G")
    parser.add_argument("--timeout", type=float, default=timeout, help="seconds until it is killed")
    parser.add_argument("--keep", metavar="DIR", help="leave console, output and $KQUIC_JOB's files there")
    parser.add_argument("--boot", metavar="ARG", action="append", default=[], help="kernel command line argument")
    parser.add_argument("--no-build", action="store_true", help="take the kernel built last, whatever the sources say")


def _flavour(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--flavour", choices=list(FLAVOURS), default="fast")


def add_lab(verbs: Subparsers) -> None:
    """Add `tree` and `lab` to the command line."""
    parser = verbs.add_parser("tree", help="a kernel work tree with everything applied")
    parser.add_argument("--save", action="store_true", help="write edits made in the tree back to the repository")
    parser.add_argument("--verify", action="store_true", help="compile each patch by itself, and write the series")
    parser.add_argument("--force", action="store_true", help="drop edits made in the tree")
    parser.set_defaults(call=commands.cmd_tree)
    lab = verbs.add_parser("lab", help="build and boot the patched kernel").add_subparsers(required=True)
    build = lab.add_parser("build", help="build the kernel and the guest image")
    _flavour(build)
    build.set_defaults(call=commands.cmd_build)
    make = lab.add_parser("make", help="run make in the kernel's build directory: kquic lab make -- W=1 net/quic/")
    _flavour(make)
    make.add_argument("words", nargs="+")
    make.set_defaults(call=commands.cmd_make)
    run = lab.add_parser("run", help="run a command in a freshly booted guest: kquic lab run -- CMD")
    guest_options(run, 600)
    run.add_argument("command", nargs=argparse.REMAINDER)
    run.set_defaults(call=commands.cmd_run)
    tests = lab.add_parser("kunit", help="run KUnit suites")
    guest_options(tests, 600)
    tests.add_argument("glob", nargs="?", default="quic*", help="names of the suites (default: %(default)s)")
    tests.set_defaults(call=commands.cmd_kunit)
    opened = lab.add_parser("shell", help="a shell in a freshly booted guest")
    guest_options(opened, 0)
    opened.set_defaults(call=commands.cmd_shell)


def add_top(verbs: Subparsers) -> None:
    """Add the commands that make's targets stand for."""
    demo = verbs.add_parser("demo", help="mount an SMB share over QUIC and copy files both ways")
    guest_options(demo, 300)
    demo.set_defaults(call=commands.cmd_demo)
    checked = verbs.add_parser("check", help="ruff, mypy, links of the docs, checkpatch, sparse")
    checked.set_defaults(call=commands.cmd_check)
    pages = verbs.add_parser("site", help="the documentation as a static site")
    pages.add_argument("--to", metavar="FOLDER", default="site", help="where to (default: site)")
    pages.set_defaults(call=commands.cmd_site)
    test = verbs.add_parser("test", help="checks, unit tests, KUnit, and the suites in the guest")
    test.set_defaults(call=commands.cmd_test)
    clean = verbs.add_parser("clean", help="remove what was built from the cache")
    clean.add_argument("--all", action="store_true", help="downloads and the compiler cache too")
    clean.set_defaults(call=commands.cmd_clean)
