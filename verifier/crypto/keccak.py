"""Keccak-256, one function; the backend is chosen once, when this module is imported.

OpenSSL has it from version 3.2 on, and Python lends it out through `hashlib` where it is linked with such a version.
Elsewhere tiny-keccak does the work. A backend is taken only if it gives the right digest of a message that is longer
than one block. `keccak256` is the backend's own function wherever that is possible: a wrapper would cost as much as
hashing a short message does.

Source: Yellow Paper, appendix A ("KEC"); the padding is that of Keccak, not of SHA-3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final, cast

import tiny_keccak

from verifier.primitives import Hash32

Hasher = Callable[[bytes], Hash32]

_PROBE: Final = bytes(range(200))
_PROBE_DIGEST: Final = bytes.fromhex("bfb0aa97863e797943cf7c33bb7e880bb4543f3d2703c0923c6901c2af57b890")


def openssl_hasher() -> Hasher | None:
    """OpenSSL's Keccak-256 through hashlib, or None where this Python's OpenSSL has none.

    A ready object is copied for each message, because naming an algorithm anew costs more than hashing a block.
    """
    try:
        ready = hashlib.new("keccak-256")
    except ValueError:
        return None
    copy = ready.copy

    def keccak256(data: bytes) -> Hash32:
        state = copy()
        state.update(data)
        return Hash32(state.digest())

    return keccak256


def tiny_hasher() -> Hasher:
    """The keccak256 of the tiny-keccak package: the extension's own function, without a wrapper."""
    return cast("Hasher", tiny_keccak.keccak256)


def is_keccak(hasher: Hasher) -> bool:
    """Whether a function gives the known digest of a known message of two blocks."""
    return hasher(_PROBE) == _PROBE_DIGEST


def choose_backend() -> tuple[str, Hasher]:
    """The name and the function of the first backend that gives the known digest.

    Raises:
        ImportError: None does; nothing can be verified on this machine.
    """
    openssl = openssl_hasher()
    if openssl is not None and is_keccak(openssl):
        return "openssl", openssl
    tiny = tiny_hasher()
    if is_keccak(tiny):
        return "tiny-keccak", tiny
    raise ImportError("no working Keccak-256: neither OpenSSL nor tiny-keccak gives the known digest")


_CHOSEN: Final = choose_backend()

BACKEND: Final[str] = _CHOSEN[0]
"""Which backend is in use: `openssl` or `tiny-keccak`."""

keccak256: Final[Hasher] = _CHOSEN[1]
"""The Keccak-256 digest of some bytes."""
