"""Bytes packed one after the other, numbers big-endian: read from the start, never past the end, and to the end."""

from __future__ import annotations

from verifier.errors import NOWHERE, MalformedSigned, Where


class Packed:
    """A byte string that is read once, part by part."""

    def __init__(self, data: bytes, what: str, where: Where = NOWHERE) -> None:
        self._data, self._at, self._what, self._where = data, 0, what, where

    def take(self, count: int) -> bytes:
        """
        The next bytes.

        Raises:
            MalformedSigned: There are fewer.
        """
        found = self._data[self._at : self._at + count]
        if len(found) != count:
            raise MalformedSigned(self._where, f"{self._what} ends too soon", len(self._data))
        self._at += count
        return found

    def uint(self, width: int) -> int:
        """The next unsigned number, of some bytes."""
        return int.from_bytes(self.take(width), "big")

    def signed(self, width: int) -> int:
        """The next signed number, of some bytes."""
        return int.from_bytes(self.take(width), "big", signed=True)

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(len(self._data) - self._at)

    def done(self) -> None:
        """
        Everything has been read.

        Raises:
            MalformedSigned: Something is left.
        """
        if self._at != len(self._data):
            raise MalformedSigned(self._where, f"bytes follow {self._what}", self._data[self._at :])
