# SPDX-License-Identifier: GPL-2.0-or-later
"""GnuTLS through cffi (ABI mode: no compiler where it runs), behind typed helpers.

Raw pointers stay inside kquic.tls; everything that GnuTLS allocates is bound to
a cffi garbage-collected handle at creation.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from cffi import FFI

from .errors import TlsUnavailable

SONAME = "libgnutls.so.30"
OLDEST = "3.7.2"

E_INTERRUPTED = -52
E_AGAIN = -28
E_NO_CERTIFICATE_FOUND = -49
E_ILLEGAL_PARAMETER = -55
E_INTERNAL_ERROR = -59
E_CERTIFICATE_REQUIRED = -112
E_DB_ENTRY_EXISTS = -428

FMT_DER, FMT_PEM = 0, 1
CRT_X509 = 1

ffi = FFI()
ffi.cdef(files(__package__).joinpath("_cdef.txt").read_text())


def _open() -> Any:
    try:
        library: Any = ffi.dlopen(SONAME)
    except OSError as error:
        raise TlsUnavailable(f"{SONAME} cannot be loaded: {error}") from error
    if library.gnutls_check_version(OLDEST.encode()) == ffi.NULL:
        found = text(library.gnutls_check_version(ffi.NULL))
        raise TlsUnavailable(f"GnuTLS {found} is too old for QUIC, {OLDEST} is the oldest that is not")
    return library


@cache
def gnutls() -> Any:
    """The loaded library."""
    return _open()


def text(pointer: Any) -> str:
    """A C string as text; empty for NULL."""
    if pointer == ffi.NULL:
        return ""
    found = ffi.string(pointer)
    return found if isinstance(found, str) else found.decode("utf-8", "replace")


def strerror(code: int) -> str:
    """GnuTLS's words for one of its error codes."""
    return text(gnutls().gnutls_strerror(code))


def to_bytes(datum: Any) -> bytes:
    """A copy of what a gnutls_datum_t points to."""
    return b"" if datum.data == ffi.NULL else bytes(ffi.buffer(datum.data, datum.size))


def take(datum: Any) -> bytes:
    """Copy a datum that GnuTLS allocated, then free it."""
    data = to_bytes(datum)
    if datum.data != ffi.NULL:
        gnutls().gnutls_free(datum.data)
    return data


class Datum:
    """A gnutls_datum_t over bytes, valid as long as this object lives."""

    __slots__ = ("_buffer", "pointer")

    def __init__(self, data: bytes) -> None:
        self._buffer = ffi.from_buffer(data)
        fields = {"data": ffi.cast("unsigned char *", self._buffer), "size": len(data)}
        self.pointer: Any = ffi.new("gnutls_datum_t *", fields)


def datum_array(items: list[bytes]) -> tuple[Any, list[Datum]]:
    """A C array of datums and the objects that keep it valid."""
    keep = [Datum(item) for item in items]
    array: Any = ffi.new("gnutls_datum_t[]", len(items))
    for index, item in enumerate(keep):
        array[index] = item.pointer[0]
    return array, keep
