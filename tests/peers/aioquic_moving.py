# SPDX-License-Identifier: GPL-2.0-or-later
"""aioquic as a client that moves while its bytes are on their way.

    aioquic_moving.py client --address A --port P --ca CA --name SERVER --how {port,cid,address} --to B --bytes N

`port`: another port without the client's knowledge (NAT rebinding); `cid`: the
same, knowingly, with another connection ID; `address`: another address, too.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os

from aioquic.asyncio import QuicConnectionProtocol, connect
from aioquic.quic.configuration import QuicConfiguration


async def move(peer: QuicConnectionProtocol, host: str, new_id: bool) -> None:
    """Send from another socket from now on."""
    if new_id:
        peer.change_connection_id()
    peer._transport.close()
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: peer, local_addr=(host, 0))
    await peer.ping()
    print(f"moved to {peer._transport.get_extra_info('sockname')[1]}", flush=True)


async def exchange(peer: QuicConnectionProtocol, data: bytes) -> None:
    reader, writer = await peer.create_stream()
    writer.write(data)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 60)
    print(f"sent {hashlib.sha256(data).hexdigest()} received {hashlib.sha256(answer).hexdigest()}")
    if answer != data:
        raise SystemExit("the echo differs")
    print("equal", flush=True)


async def client(args: argparse.Namespace) -> None:
    config = QuicConfiguration(is_client=True, alpn_protocols=["echo"], max_data=32 << 20, max_stream_data=32 << 20)
    config.load_verify_locations(args.ca)
    config.server_name = args.name
    host = args.to if ":" in args.to else f"::ffff:{args.to}"  # aioquic's sockets are of both families
    async with connect(args.address, args.port, configuration=config) as peer:
        await exchange(peer, os.urandom(1000))
        both = asyncio.create_task(exchange(peer, os.urandom(args.bytes)))
        await asyncio.sleep(0.05)
        await move(peer, host, args.how != "port")
        await both
        await exchange(peer, os.urandom(1000))
    print("done", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=("client",))
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca")
    parser.add_argument("--name")
    parser.add_argument("--how", choices=("port", "cid", "address"), required=True)
    parser.add_argument("--to", required=True)
    parser.add_argument("--bytes", type=int, default=1 << 20)
    asyncio.run(client(parser.parse_args()))


if __name__ == "__main__":
    main()
