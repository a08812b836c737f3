# SPDX-License-Identifier: GPL-2.0-or-later
"""Command line of kquic-handshaked."""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from kquic.errors import KquicError
from kquic.tls.keylog import ENVIRONMENT

from . import config as configuration
from . import keyring, materials
from .policy import Policy
from .secretlog import SecretLog
from .service import Service

log = logging.getLogger("kquic.handshaked")

#: Where ip-netns(8) keeps them.
NAMESPACES = Path("/run/netns")
CLONE_NEWNET = 0x40000000


def main(argv: Sequence[str] | None = None) -> int:
    """Run the agent; the exit status."""
    args = _parser().parse_args(argv)
    _set_up_logging(args.verbose)
    try:
        _enter(args.netns)
        keyring.prepare()
        policy = _load(args)
        asyncio.run(_serve(args, policy))
    except KquicError as error:
        log.error("%s", error)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kquic-handshaked",
        description="Does TLS handshakes for QUIC sockets of the kernel (SMB, NFS).",
    )
    parser.add_argument("-c", "--config", type=Path, help="configuration file, in tlshd's format")
    parser.add_argument("--keylog", type=Path, help="append secrets to this file (default: none)")
    parser.add_argument("--netns", help="serve this network namespace (a name of ip-netns)")
    parser.add_argument("-v", "--verbose", action="store_true", help="log more")
    parser.add_argument("-s", "--stderr", action="store_true", help="accepted for tlshd's sake: always on")
    return parser


def _set_up_logging(verbose: bool) -> None:
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="kquic-handshaked: %(levelname)s: %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def _enter(name: str | None) -> None:
    if name is None:
        return
    try:
        fd = os.open(NAMESPACES / name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        finally:
            os.close(fd)
    except OSError as error:
        raise KquicError(f"network namespace {name}: {error.strerror}") from error


def _load(args: argparse.Namespace) -> Policy:
    """Read the configuration and everything that it names."""
    config = _read_config(args.config)
    loaded = materials.load(config)
    for warning in (*config.warnings, *loaded.warnings):
        log.warning("%s", warning)
    if config.loglevel:
        logging.getLogger().setLevel(logging.DEBUG)
    _link_keyrings(config.keyrings)
    secrets = args.keylog or config.keylog or os.environ.get(ENVIRONMENT)
    keylog = SecretLog(secrets) if secrets else None
    client, server = (_psk_keyring(side, config.path) for side in (config.client, config.server))
    return Policy(loaded, keyring, keyring.SESSION_KEYRING, keylog, config.tickets, client, server, config.ciphers)


def _psk_keyring(side: configuration.SideConfig, path: Path | None) -> int | None:
    if not side.psk_keyring:
        return None
    try:
        return keyring.link_keyring(side.psk_keyring)
    except keyring.KeyringError as error:
        raise configuration.ConfigError(path or Path(), side.lines["psk_keyring"], str(error)) from error


def _read_config(path: Path | None) -> configuration.Config:
    if path is not None:
        return configuration.load(path)
    for candidate in configuration.DEFAULT_PATHS:
        if candidate.exists():
            return configuration.load(candidate)
    log.warning("no configuration file: the system's trust store, no certificate of our own")
    return configuration.Config()


def _link_keyrings(names: Sequence[str]) -> None:
    for name in (*configuration.USUAL_KEYRINGS, *names):
        try:
            keyring.link_keyring(name)
        except keyring.KeyringError as error:
            level = logging.WARNING if name in names else logging.DEBUG
            log.log(level, "%s", error)


async def _serve(args: argparse.Namespace, policy: Policy) -> None:
    service = Service(policy, lambda: _load(args))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.stop)
    for number in (signal.SIGHUP, signal.SIGUSR1):
        loop.add_signal_handler(number, service.reload)
    await service.serve(_tell_ready)
    log.info("stopped")


def _tell_ready() -> None:
    log.info("ready")
    _notify("READY=1")


def _notify(state: str) -> None:
    """Tell systemd (sd_notify), if it started us."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(state.encode(), address.replace("@", "\0", 1))


if __name__ == "__main__":
    sys.exit(main())
