# SPDX-License-Identifier: GPL-2.0-or-later
"""The agent: takes requests from the kernel, runs handshakes, reports outcomes.

One event loop talks netlink; each handshake has a thread of a bounded pool. A
handshake that is accepted is always reported, whatever becomes of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from kquic.errors import KquicError
from kquic.netlink import NetlinkError

from .family import HandshakeFamily, Request, UnknownRequest
from .outcome import Outcome
from .policy import Policy
from .worker import Worker

log = logging.getLogger(__name__)

#: Handshakes at a time. Beyond it requests wait in the kernel, which bounds them too.
MAX_WORKERS = 128

#: How long handshakes in progress may go on once the agent was told to stop.
GRACE = 3.0

#: How many clients' tickets are waited for at a time, and how often to look.
MAX_KEEPING = 256
TICKET_POLL = 0.02

#: A notification can be lost; after so many seconds without one, look all the same.
LOOK_AGAIN = 30.0

#: ACCEPT fails for a request that cannot be handed over, and takes it off the list.
MAX_ACCEPT_ERRORS = 64


class Service:
    """Serves one network namespace."""

    def __init__(self, policy: Policy, reload: Callable[[], Policy]) -> None:
        self._policy, self._reload = policy, reload
        self._family = HandshakeFamily()
        self._pool = ThreadPoolExecutor(MAX_WORKERS, thread_name_prefix="handshake")
        self._workers: set[Worker] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._keeping = 0
        self._pending = asyncio.Event()
        self._stop = asyncio.Event()

    async def serve(self, ready: Callable[[], None]) -> None:
        """Serve until `stop`; `ready` is called once the kernel sees an agent."""
        await self._family.open()
        self._pending.set()  # requests may have come before we had joined
        watching = asyncio.create_task(self._watch())
        accepting = asyncio.create_task(self._accept_forever())
        stopping = asyncio.create_task(self._stopped())
        ready()
        done, _ = await asyncio.wait({watching, accepting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (watching, accepting, stopping):
            task.cancel()
        await self._finish()
        for task in done:
            task.result()

    def stop(self) -> None:
        """End, after the handshakes in progress."""
        self._stop.set()

    def reload(self) -> None:
        """Use the configuration as it is now; a bad one changes nothing."""
        try:
            self._policy = self._reload()
        except KquicError as error:
            log.error("the configuration stays as it was: %s", error)
        else:
            log.info("configuration loaded again")

    async def _stopped(self) -> None:
        await self._stop.wait()

    async def _watch(self) -> None:
        async for _ in self._family.ready():
            self._pending.set()

    async def _accept_forever(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._pending.wait(), LOOK_AGAIN)
            self._pending.clear()
            await self._accept_all()

    async def _accept_all(self) -> None:
        """Take requests until there is none, or all threads are busy."""
        errors = 0
        while len(self._workers) < MAX_WORKERS and errors < MAX_ACCEPT_ERRORS:
            try:
                request = await self._family.accept()
            except (NetlinkError, UnknownRequest) as error:
                log.error("a request could not be accepted: %s", error)
                errors += 1
                continue
            if request is None:
                return
            self._start(request)

    def _start(self, request: Request) -> None:
        worker = Worker(request, self._policy)
        self._workers.add(worker)
        task = asyncio.create_task(self._handle(worker))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, worker: Worker) -> None:
        loop = asyncio.get_running_loop()
        outcome = await loop.run_in_executor(self._pool, worker.run)
        try:
            await self._report(worker, outcome)
            self._release(worker)
            await self._keep_session(worker)
        finally:
            worker.sock.close()
            self._release(worker)

    def _release(self, worker: Worker) -> None:
        """A thread is free for what waits in the kernel."""
        self._workers.discard(worker)
        self._pending.set()

    async def _keep_session(self, worker: Worker) -> None:
        """The kernel user goes on while we look out for the server's ticket."""
        while self._keeping < MAX_KEEPING and not self._stop.is_set() and not worker.keep_session():
            self._keeping += 1
            await asyncio.sleep(TICKET_POLL)
            self._keeping -= 1

    async def _report(self, worker: Worker, outcome: Outcome) -> None:
        fd = worker.request.sockfd
        try:
            await self._family.done(fd, outcome.status, outcome.remote_auth)
        except NetlinkError as error:
            log.info("%s: nobody waits for the outcome any more (%s)", worker.who, error)

    async def _finish(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=GRACE)
        for worker in self._workers:
            worker.interrupt()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=GRACE)
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._family.close()
