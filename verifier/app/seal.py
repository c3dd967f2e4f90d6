"""The seal on what the store keeps of light clients: a MAC whose key lies outside the database.

Whoever can write the database could otherwise make a client believe in committees of his own. An older database that is
put back passes the seal, and shows as age. The key is a file of mode 0600, made where there is none.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from verifier.app.errors import SealFailed

KEY_BYTES: Final = 32
TAG_BYTES: Final = 32
_CONTEXT: Final = b"xmargin light client\x00\x01"


@dataclass(frozen=True, slots=True)
class Seal:
    """A key that seals and opens; it does not print."""

    _key: bytes = field(repr=False)

    def close(self, body: bytes) -> bytes:
        """The body behind its tag."""
        return self._tag(body) + body

    def open(self, sealed: bytes) -> bytes | None:
        """The body, or None where the tag is not ours."""
        tag, body = sealed[:TAG_BYTES], sealed[TAG_BYTES:]
        return body if hmac.compare_digest(tag, self._tag(body)) else None

    def _tag(self, body: bytes) -> bytes:
        return hmac.new(self._key, _CONTEXT + body, hashlib.sha256).digest()


def load_seal(path: Path) -> Seal:
    """
    The seal whose key lies in a file; the file is made where there is none.

    Raises:
        SealFailed: It cannot be read or made, others may read it, or it holds no key.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(path)
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(2 * KEY_BYTES + 2)
    except OSError as error:
        raise SealFailed(path, error.strerror or "it cannot be read") from None
    if mode & 0o077:
        raise SealFailed(path, "others than you may read it", "chmod 600, or remove it: a new one is made")
    try:
        key = bytes.fromhex(text.decode("ascii").strip())
    except (UnicodeDecodeError, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SealFailed(path, f"it does not hold {KEY_BYTES} bytes of hex", "remove it: a new one is made")
    return Seal(key)


def _make(path: Path) -> None:
    """A new key, written whole before it has its name, so that nobody reads half of it."""
    if path.exists():
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES).hex().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)  # fails where another process was first: its key is then the one
        except FileExistsError:
            return
    finally:
        part.unlink(missing_ok=True)
