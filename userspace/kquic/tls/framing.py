# SPDX-License-Identifier: GPL-2.0-or-later
"""Where TLS messages end in the CRYPTO stream of one level: pure."""

from __future__ import annotations

_HEADER = 4  # type, 24-bit length


class Framing:
    """Follows the message headers (RFC 8446, 4) of the bytes that arrive."""

    def __init__(self) -> None:
        self.last_type: int | None = None  # of the last message that arrived whole
        self._header = b""
        self._missing = 0

    @property
    def partial(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._header)

    def feed(self, data: bytes) -> None:
        """Follow more bytes."""
        rest = memoryview(data)
        while rest:
            rest = self._body(rest) if len(self._header) == _HEADER else self._begin(rest)

    def _begin(self, data: memoryview) -> memoryview:
        wanted = _HEADER - len(self._header)
        self._header += data[:wanted]
        if len(self._header) == _HEADER:
            self._missing = int.from_bytes(self._header[1:], "big")
            self._end_if_whole()
        return data[wanted:]

    def _body(self, data: memoryview) -> memoryview:
        taken = min(self._missing, len(data))
        self._missing -= taken
        self._end_if_whole()
        return data[taken:]

    def _end_if_whole(self) -> None:
        if self._missing == 0:
            self.last_type, self._header = self._header[0], b""
