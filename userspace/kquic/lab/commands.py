# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's part of the command line: options to objects, results to an exit status."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from kquic.lab import guest, image, kernel, kunit, overlay, packages, proc, save, shell, source, tree
from kquic.lab.guest import Job, Result
from kquic.lab.kconfig import FLAVOURS
from kquic.lab.machine import Machine


def cmd_tree(args: argparse.Namespace) -> int:
    """Apply the repository to the kernel tree, or write the tree's edits back."""
    packages.ensure("tree")
    origin = source.get()
    with proc.lock(origin.lock):
        if args.save:
            save.save(origin, overlay.load())
        tree.sync(origin, overlay.load(), force=args.force)
    print(origin.tree)
    return 0


def cmd_build(args: argparse.Namespace) -> int:
    """Build the kernel and the guest image."""
    packages.ensure("build")
    built = kernel.build(args.flavour)
    print(f"kernel {built.binary}\nimage  {image.build()}")
    return 0


def cmd_make(args: argparse.Namespace) -> int:
    """Run make in the build directory."""
    packages.ensure("build")
    kernel.make(args.flavour, args.words)
    return 0


def machine(args: argparse.Namespace) -> Machine:
    """The machine that the options ask for; its kernel is built first unless told otherwise."""
    packages.ensure("build")
    stale = args.no_build or os.environ.get("KQUIC_NO_BUILD")
    ready = kernel.last(args.flavour) if stale else kernel.build(args.flavour)
    return Machine(ready, image.build(), args.cpus, args.mem or "", tuple(args.boot))


def cmd_run(args: argparse.Namespace) -> int:
    """Run one command in a fresh guest."""
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not command:
        raise SystemExit("kquic lab run: what to run comes after --")
    what, where = machine(args), folder(args)
    return finish(guest.run(what, Job(command, where, args.timeout)), where, bool(args.keep))


def cmd_shell(args: argparse.Namespace) -> int:
    """Open a shell in a fresh guest."""
    what, where = machine(args), folder(args)
    return finish(shell.run(what, Job([], where, shell=True)), where, bool(args.keep))


def cmd_kunit(args: argparse.Namespace) -> int:
    """Run KUnit suites in a fresh guest."""
    what, where = machine(args), folder(args)
    result, summary = kunit.run(what, args.glob, where, args.timeout)
    print(summary)
    status = finish(result, where, bool(args.keep))
    return status or (0 if summary.ok else 1)


def folder(args: argparse.Namespace) -> Path:
    """The job's directory: the one to keep, or one of the cache's."""
    if not args.keep:
        return guest.new_folder()
    kept = Path(args.keep).absolute()
    kept.mkdir(parents=True, exist_ok=True)
    return kept


def finish(result: Result, where: Path, keep: bool) -> int:
    """Tell what the kernel complained about, and leave the job's directory where that helps."""
    for trouble in result.troubles:
        print(f"\nkquic: TROUBLE: {trouble}", file=sys.stderr)
    if result.troubles:
        proc.say(f"console and results are in {where}")
    elif keep:
        proc.say(f"results are in {where}")
    elif not any((where / "files").iterdir()):
        shutil.rmtree(where, ignore_errors=True)
    return result.status


def _guest_options(parser: argparse.ArgumentParser, timeout: float) -> None:
    _flavour(parser)
    parser.add_argument("--cpus", type=int, default=min(2, os.cpu_count() or 1), help="processors of the guest")
    parser.add_argument("--mem", help="memory of the guest, such as 2G")
    parser.add_argument("--timeout", type=float, default=timeout, help="seconds until it is killed")
    parser.add_argument("--keep", metavar="DIR", help="leave console, output and $KQUIC_JOB's files there")
    parser.add_argument("--boot", metavar="ARG", action="append", default=[], help="kernel command line argument")
    parser.add_argument("--no-build", action="store_true", help="take the kernel built last, whatever the sources say")


def _flavour(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--flavour", choices=list(FLAVOURS), default="fast")


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `tree` and `lab` to the command line."""
    parser = commands.add_parser("tree", help="a kernel work tree with everything applied")
    parser.add_argument("--save", action="store_true", help="write edits made in the tree back to the repository")
    parser.add_argument("--force", action="store_true", help="drop edits made in the tree")
    parser.set_defaults(call=cmd_tree)
    lab = commands.add_parser("lab", help="build and boot the patched kernel").add_subparsers(required=True)
    build = lab.add_parser("build", help="build the kernel and the guest image")
    _flavour(build)
    build.set_defaults(call=cmd_build)
    make = lab.add_parser("make", help="run make in the kernel's build directory: kquic lab make -- W=1 net/quic/")
    _flavour(make)
    make.add_argument("words", nargs="+")
    make.set_defaults(call=cmd_make)
    run = lab.add_parser("run", help="run a command in a freshly booted guest: kquic lab run -- CMD")
    _guest_options(run, 600)
    run.add_argument("command", nargs=argparse.REMAINDER)
    run.set_defaults(call=cmd_run)
    tests = lab.add_parser("kunit", help="run KUnit suites")
    _guest_options(tests, 600)
    tests.add_argument("glob", nargs="?", default="quic*", help="names of the suites (default: %(default)s)")
    tests.set_defaults(call=cmd_kunit)
    opened = lab.add_parser("shell", help="a shell in a freshly booted guest")
    _guest_options(opened, 0)
    opened.set_defaults(call=cmd_shell)
