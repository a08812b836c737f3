# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's key retention service, through libkeyutils."""

from __future__ import annotations

import os
import struct
from functools import cache
from typing import Any

from cffi import FFI

from kquic.errors import KquicError

SONAME = "libkeyutils.so.1"
PROCESS_KEYRING, SESSION_KEYRING, USER_KEYRING = -2, -3, -4

_ffi = FFI()
_ffi.cdef(
    """
    typedef int32_t key_serial_t;
    key_serial_t add_key(const char *type, const char *description, const void *payload,
                         size_t plen, key_serial_t keyring);
    key_serial_t keyctl_get_keyring_ID(key_serial_t id, int create);
    int keyctl_describe_alloc(key_serial_t id, char **buffer);
    int keyctl_read_alloc(key_serial_t id, void **buffer);
    long keyctl_link(key_serial_t key, key_serial_t keyring);
    long keyctl_search(key_serial_t keyring, const char *type, const char *description,
                       key_serial_t destination);
    long keyctl_set_timeout(key_serial_t key, unsigned int timeout);
    key_serial_t find_key_by_type_and_desc(const char *type, const char *description,
                                           key_serial_t destination);
    void free(void *pointer);
    """
)


class KeyringError(KquicError):
    """A key cannot be found, read or made."""


@cache
def _library() -> Any:
    try:
        return _ffi.dlopen(SONAME)
    except OSError as error:
        raise KeyringError(f"{SONAME} cannot be loaded: {error}") from error


@cache
def _libc() -> Any:
    return _ffi.dlopen(None)


def _check(code: int, what: str) -> int:
    if code < 0:
        raise KeyringError(f"{what}: {os.strerror(_ffi.errno)}")
    return int(code)


def _take(pointer: Any, size: int) -> bytes:
    """Copy what libkeyutils allocated, wipe it and free it."""
    data = bytes(_ffi.buffer(pointer[0], size))
    _ffi.buffer(pointer[0], size)[:] = bytes(size)
    _libc().free(pointer[0])
    return data


def prepare() -> None:
    """Make the keyrings that all threads are to share; to be called before there are any.

    The kernel links the keyring of a request into the process keyring while we
    accept the request. Keys in the user's keyring become readable by the link.
    """
    _check(_library().keyctl_get_keyring_ID(PROCESS_KEYRING, 1), "process keyring")
    _check(_library().keyctl_get_keyring_ID(SESSION_KEYRING, 1), "session keyring")
    _check(_library().keyctl_link(USER_KEYRING, SESSION_KEYRING), "user keyring")


def link_keyring(name: str) -> int:
    """Make the keys of a keyring, by name or serial number, ours to use; its serial number."""
    serial = int(name) if name.isdecimal() else _find_keyring(name)
    _check(_library().keyctl_link(serial, SESSION_KEYRING), f"keyring {name}")
    return serial


def members(keyring: int) -> list[int]:
    """The serial numbers of the keys in a keyring."""
    return [serial for (serial,) in struct.iter_unpack("=i", read(keyring))]


def _find_keyring(name: str) -> int:
    serial = _library().find_key_by_type_and_desc(b"keyring", name.encode(), 0)
    return _check(serial, f"keyring {name}")


def read(serial: int) -> bytes:
    """The payload of a key."""
    pointer = _ffi.new("void **")
    size = _check(_library().keyctl_read_alloc(serial, pointer), f"key {serial}")
    return _take(pointer, size)


def describe(serial: int) -> tuple[str, str]:
    """Type and description of a key."""
    pointer = _ffi.new("char **")
    size = _check(_library().keyctl_describe_alloc(serial, pointer), f"key {serial}")
    kind, _, _, _, description = _take(pointer, size).decode("utf-8", "replace").split(";", 4)
    return kind, description.rstrip("\0")


def search(keyring: int, kind: str, description: str) -> int | None:
    """The serial number of a key in a keyring or in keyrings linked to it."""
    serial = _library().keyctl_search(keyring, kind.encode(), description.encode(), 0)
    return int(serial) if serial >= 0 else None


def add(kind: str, description: str, payload: bytes, keyring: int = PROCESS_KEYRING) -> int:
    """Add a key, or renew the one that has this description."""
    name = description.encode()
    serial = _library().add_key(kind.encode(), name, payload, len(payload), keyring)
    return _check(serial, f"{kind} key {description}")


def expire(serial: int, seconds: int) -> None:
    """Let a key expire."""
    _check(_library().keyctl_set_timeout(serial, seconds), f"key {serial}")
