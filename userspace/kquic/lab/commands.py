# SPDX-License-Identifier: GPL-2.0-or-later
"""What each command of the command line does: options to objects, results to an exit status."""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from kquic.errors import LabError
from kquic.lab import (
    check,
    cprograms,
    guest,
    image,
    kernel,
    kunit,
    overlay,
    packages,
    paths,
    proc,
    save,
    shell,
    site,
    source,
    suite,
    tree,
    verdict,
    verify,
)
from kquic.lab.guest import Job
from kquic.lab.machine import Machine

BUILT = ("linux", "kernels", "images", "programs", "jobs", "pycache", "checked", "ruff", "mypy")
"""What clean removes."""


def cmd_tree(args: argparse.Namespace) -> int:
    """Apply the repository to the kernel tree, or write the tree's edits back."""
    packages.ensure("check" if args.verify else "tree")
    if args.verify:
        return verify.run()
    origin = source.get()
    with proc.lock(origin.lock):
        if args.save:
            save.save(origin, overlay.load(kernel=origin.version))
        else:
            tree.sync(origin, overlay.load(kernel=origin.version), force=args.force)
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


def machine(args: argparse.Namespace, disk: Path | None = None) -> Machine:
    """The machine that the options ask for; its kernel is built first unless told otherwise."""
    packages.ensure("build")
    stale = args.no_build or os.environ.get("KQUIC_NO_BUILD")
    ready = kernel.last(args.flavour) if stale else kernel.build(args.flavour)
    return Machine(ready, image.build(), args.cpus, args.mem or "", tuple(args.boot), disk, pinned=args.pin)


def cmd_run(args: argparse.Namespace) -> int:
    """Run one command in a fresh guest."""
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not command:
        raise SystemExit("kquic lab run: what to run comes after --")
    what, where = machine(args), folder(args)
    cprograms.put(where / "programs")
    return verdict.tell(guest.run(what, Job(command, where, args.timeout)), where, bool(args.keep))


def cmd_shell(args: argparse.Namespace) -> int:
    """Open a shell in a fresh guest."""
    what, where = machine(args), folder(args)
    cprograms.put(where / "programs")
    return verdict.tell(shell.run(what, Job([], where, shell=True)), where, bool(args.keep))


def cmd_kunit(args: argparse.Namespace) -> int:
    """Run KUnit suites in a fresh guest."""
    what, where = machine(args), folder(args)
    result, summary = kunit.run(what, args.glob, where, args.timeout)
    print(summary)
    status = verdict.tell(result, where, bool(args.keep))
    return status or (0 if summary.ok else 1)


def cmd_check(args: argparse.Namespace) -> int:
    """Run the static checks."""
    packages.ensure("check")
    return check.run()


def cmd_site(args: argparse.Namespace) -> int:
    """Build the documentation's site, and say where it is."""
    target = Path(args.to).absolute()
    if wrong := site.complaints(target):
        raise LabError(wrong)
    print(target / "index.html")
    return 0


def cmd_test(args: argparse.Namespace) -> int:
    """Run everything that has to hold."""
    packages.ensure("check")
    return suite.run()


def cmd_demo(args: argparse.Namespace) -> int:
    """Show a mount over QUIC."""
    what = machine(args)
    where = folder(args)
    return verdict.tell(
        guest.run(what, Job(["python3", "-m", "kquic.demo"], where, args.timeout)), where, bool(args.keep)
    )


def cmd_clean(args: argparse.Namespace) -> int:
    """Remove what was built; the next build starts from the compiler cache and the downloads."""
    gone = paths.cache() if args.all else None
    for path in [gone] if gone else [paths.cache() / name for name in BUILT]:
        shutil.rmtree(path, ignore_errors=True)
    return 0


def folder(args: argparse.Namespace) -> Path:
    """The job's directory: the one to keep, or one of the cache's."""
    if not args.keep:
        return guest.new_folder()
    kept = Path(args.keep).absolute()
    kept.mkdir(parents=True, exist_ok=True)
    return kept
