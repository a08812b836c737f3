# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic ss`: the QUIC sockets of this network namespace."""

from __future__ import annotations

import argparse
import json
import socket
from typing import TYPE_CHECKING

from kquic.diag import table
from kquic.diag.netlink import destroy, sockets
from kquic.diag.query import CONNECTED, Query, State

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

_STATES = {state.name.lower(): state for state in State}


def _port(text: str) -> int:
    if text.isdigit() and int(text) < 1 << 16:
        return int(text)
    try:
        return socket.getservbyname(text, "udp")
    except OSError as error:
        raise argparse.ArgumentTypeError(f"no port or service of UDP: {text}") from error


def add_ss(verbs: Subparsers) -> None:
    """Add `ss` to the command line."""
    parser = verbs.add_parser("ss", help="list QUIC sockets")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("-a", "--all", action="store_true", help="in every state, not only connections")
    which.add_argument("-l", "--listening", action="store_true", help="listeners only")
    which.add_argument("--state", action="append", choices=list(_STATES), help="in this state; may be repeated")
    family = parser.add_mutually_exclusive_group()
    family.add_argument("-4", "--ipv4", action="store_true", help="AF_INET sockets only")
    family.add_argument("-6", "--ipv6", action="store_true", help="AF_INET6 sockets only")
    parser.add_argument("--sport", type=_port, default=0, metavar="PORT", help="with this local port")
    parser.add_argument("--dport", type=_port, default=0, metavar="PORT", help="with this port at the peer")
    parser.add_argument("-n", "--numeric", action="store_true", help="ports as numbers")
    parser.add_argument("-i", "--info", action="store_true", help="everything that is known of each")
    parser.add_argument("--json", action="store_true", help="the same for programs")
    parser.add_argument("-K", "--kill", action="store_true", help="end the sockets that are listed")
    parser.set_defaults(call=cmd_ss)


def query(args: argparse.Namespace) -> Query:
    """What the options ask for."""
    states: tuple[State, ...] = CONNECTED
    if args.all:
        states = tuple(State)
    elif args.listening:
        states = (State.LISTENING,)
    elif args.state:
        states = tuple(_STATES[name] for name in args.state)
    families: tuple[int, ...] = (int(socket.AF_INET), int(socket.AF_INET6))
    if args.ipv4 or args.ipv6:
        families = (int(socket.AF_INET if args.ipv4 else socket.AF_INET6),)
    return Query(states, families, args.sport, args.dport)


def cmd_ss(args: argparse.Namespace) -> int:
    """List sockets."""
    found = sockets(query(args))
    if args.kill:
        for each in found:
            if each.state != State.CLOSED:
                destroy(each)
    if args.json:
        print(json.dumps([table.as_data(each) for each in found], indent=2))
    else:
        print(table.render(found, args.numeric, args.info))
    return 0
