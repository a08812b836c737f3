# SPDX-License-Identifier: GPL-2.0-or-later
"""One tree of exceptions: whatever this package raises on purpose is a KquicError."""

from __future__ import annotations


class KquicError(Exception):
    """Base of every error that the package raises on purpose."""


class LabError(KquicError):
    """The lab could not do what was asked; the message says what to do."""


class MissingPackages(LabError):
    """Debian packages are missing and may not be installed from here."""


class CommandFailed(LabError):
    """A helper program exited with an error; carries what it printed."""

    def __init__(self, command: str, status: int, output: str) -> None:
        self.command, self.status, self.output = command, status, output
        super().__init__(f"{command}: exit status {status}\n{output}".rstrip())


class PatchFailed(LabError):
    """A patch of the series does not apply to the kernel tree."""


class UnsavedEdits(LabError):
    """The kernel tree holds edits that the repository does not have."""


class GuestFailed(LabError):
    """The guest ended without a verdict of its own."""
