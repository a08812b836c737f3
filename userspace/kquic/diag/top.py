# SPDX-License-Identifier: GPL-2.0-or-later
"""`kquic top`: connections as they live. The screen is curses', which any terminal over ssh can do."""

from __future__ import annotations

import argparse
import curses
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kquic.diag import picture
from kquic.diag.netlink import sockets
from kquic.diag.query import Query
from kquic.diag.rates import Order, Row, Sampler, number, ordered, streams
from kquic.diag.table import amount, details, endpoint
from kquic.errors import KquicError

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

HEADINGS = ("Local", "Peer", "ALPN", "Sent/s", "Recv/s", "RTT ms", "Cwnd", "In flight", "Lost/s", "Lost", "Streams")
_LEFT = 3
HELP = "q quit  r rate  t RTT  w window  l losses  s streams  up/down choose  enter details  n names  p pause  +/- pace"
_SLOWEST, _FASTEST = 60.0, 0.25


@dataclass
class View:
    """What is on the screen and how."""

    delay: float = 2.0
    order: Order = Order.RATE
    numeric: bool = True
    paused: bool = False
    details: bool = False
    chosen: int = 0
    ended: bool = False


def add_top(verbs: Subparsers) -> None:
    """Add `top` to the command line."""
    parser = verbs.add_parser("top", help="QUIC connections as they live", epilog=f"Keys: {HELP}")
    parser.add_argument("-d", "--delay", type=float, default=2.0, metavar="SECONDS", help="between two looks")
    names = [order.name.lower() for order in Order]
    parser.add_argument("--sort", choices=names, default="rate", help="largest first")
    parser.add_argument("-b", "--batch", type=int, default=0, metavar="COUNT", help="print so many looks as text")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="leave a picture of the last screen there")
    parser.set_defaults(call=cmd_top)


def cmd_top(args: argparse.Namespace) -> int:
    """Show connections until told to stop."""
    view = View(min(max(args.delay, _FASTEST), _SLOWEST), Order[args.sort.upper()])
    if args.batch:
        batch(view, args.batch)
        return 0
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise KquicError("top needs a terminal; `kquic top -b COUNT` prints text")
    try:
        screen = Screen(view)
        curses.wrapper(screen.run)
    except curses.error as error:
        raise KquicError(f"top: the terminal: {error}") from error
    if args.svg:
        args.svg.write_text(picture.svg(screen.last, "kquic top"))
    return 0


def batch(view: View, count: int) -> None:
    """The same as text, for files and pipes."""
    sampler = Sampler()
    for look in range(count):
        if look:
            time.sleep(view.delay)
        print("\n".join(table(ordered(sampler.look(sockets(Query()), time.monotonic()), view.order), view)), flush=True)


def row(each: Row, view: View) -> tuple[str, ...]:
    """The columns of HEADINGS."""
    info = each.socket.info
    return (
        endpoint(each.socket.local, view.numeric),
        endpoint(each.socket.peer, view.numeric),
        ",".join(info.alpn) if info else "",
        amount(int(each.sent)),
        amount(int(each.received)),
        f"{number(each, 'smoothed_rtt') / 1000:.2f}" if number(each, "min_rtt") else "-",
        amount(number(each, "cwnd")),
        amount(number(each, "bytes_in_flight")),
        f"{each.lost:.0f}",
        str(number(each, "pkts_lost")),
        str(streams(each)),
    )


def table(rows: list[Row], view: View) -> list[str]:
    """Headings and a line for each connection."""
    cells = [HEADINGS, *(row(each, view) for each in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(_cell(index, text, widths) for index, text in enumerate(line)).rstrip() for line in cells]


def _cell(index: int, text: str, widths: list[int]) -> str:
    return text.ljust(widths[index]) if index < _LEFT else text.rjust(widths[index])


def summary(rows: list[Row], view: View) -> str:
    """The first line: everything together."""
    sent, received = (amount(int(sum(values))) for values in ([r.sent for r in rows], [r.received for r in rows]))
    state = " PAUSED" if view.paused else ""
    word = "connection" if len(rows) == 1 else "connections"
    return f"{len(rows)} {word}, {sent}/s sent, {received}/s received, by {view.order.name.lower()}{state}"


def press(view: View, key: int, count: int) -> None:
    """What a key does; `count` connections are listed."""
    orders = {ord(order.value): order for order in Order}
    if key in orders:
        view.order = orders[key]
    elif key == ord("q"):
        view.ended = True
    elif key == ord("n"):
        view.numeric = not view.numeric
    elif key == ord("p"):
        view.paused = not view.paused
    elif key in (ord("\n"), ord("\r"), curses.KEY_ENTER):
        view.details = not view.details
    elif key in (ord("+"), ord("-")):
        factor = 0.5 if key == ord("+") else 2.0
        view.delay = min(max(view.delay * factor, _FASTEST), _SLOWEST)
    elif key in (curses.KEY_UP, curses.KEY_DOWN):
        view.chosen += 1 if key == curses.KEY_DOWN else -1
    view.chosen = min(max(view.chosen, 0), max(count - 1, 0))


class Screen:
    """The loop: look, draw, wait for a key or for the next look."""

    def __init__(self, view: View) -> None:
        self._view, self._sampler = view, Sampler()
        self._rows: list[Row] = []
        self.last: list[picture.Line] = []
        """What was on the screen in the end."""

    def run(self, window: curses.window) -> None:
        """Until the key q."""
        with suppress(curses.error):  # not every terminal can hide it, or has colours
            curses.curs_set(0)
            curses.use_default_colors()
        due = 0.0
        while not self._view.ended:
            now = time.monotonic()
            if now >= due:
                due = now + self._view.delay
                if not self._view.paused:
                    self._rows = self._sampler.look(sockets(Query()), now)
            self._draw(window)
            window.timeout(max(int(1000 * (due - time.monotonic())), 1))
            press(self._view, window.getch(), len(self._rows))
        self.last = picture.of_window(window)

    def _draw(self, window: curses.window) -> None:
        rows = ordered(self._rows, self._view.order)
        press(self._view, -1, len(rows))
        window.erase()
        height, _ = window.getmaxyx()
        more = details(rows[self._view.chosen].socket) if self._view.details and rows else []
        self._put(window, 0, summary(rows, self._view), curses.A_BOLD)
        heading, *lines = table(rows, self._view)
        self._put(window, 1, heading, curses.A_REVERSE)
        room = max(height - 3 - len(more), 1)
        first = max(0, self._view.chosen - room + 1)
        for offset, line in enumerate(lines[first : first + room]):
            chosen = first + offset == self._view.chosen
            self._put(window, 2 + offset, line, curses.A_STANDOUT if chosen else curses.A_NORMAL)
        for offset, line in enumerate(more):
            self._put(window, height - 1 - len(more) + offset, line, curses.A_NORMAL)
        self._put(window, height - 1, HELP, curses.A_DIM)
        window.refresh()

    @staticmethod
    def _put(window: curses.window, line: int, text: str, attribute: int) -> None:
        height, width = window.getmaxyx()
        if 0 <= line < height:
            window.addnstr(line, 0, text, max(width - 1, 0), attribute)
