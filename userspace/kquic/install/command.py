# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of the command line that is about real machines."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kquic.install import modules
from kquic.lab import packages

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_install(verbs: Subparsers) -> None:
    """Add the commands to the command line."""
    build = verbs.add_parser("modules", help="build the modules for a kernel of the distribution")
    _kernel(build)
    build.set_defaults(call=cmd_modules)


def _kernel(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kernel", metavar="VERSION", help="as uname -r prints it (default: the running one)")


def cmd_modules(args: argparse.Namespace) -> int:
    """Build the modules, and say where they are."""
    packages.ensure("build")
    print(modules.build(args.kernel).folder)
    return 0
