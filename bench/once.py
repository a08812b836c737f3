# SPDX-License-Identifier: GPL-2.0-or-later
"""Move bytes one way and nothing else, for measuring the guest's processor time from outside.

``time ./kquic lab run -- python3 -m bench.once quic-aes128 256`` against the same with ``tcp`` or 0 MiB.
"""

from __future__ import annotations

import sys

from kquic.lab.topology import client_and_server

from .ends import WAYS
from .work import bulk


def main(way: str, mebibytes: int) -> None:
    """Client to server over `way`."""
    with client_and_server() as net, WAYS[way](net) as ends:
        print(f"{bulk(ends, mebibytes << 20) / (1 << 20):.1f} MiB/s")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
