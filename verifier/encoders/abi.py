"""ABI encoding of calls. The door of `eth_abi`, loaded when something is first encoded."""

from __future__ import annotations

from collections.abc import Sequence

from verifier.crypto.keccak import keccak256
from verifier.errors import BadInput


def encode_values(types: Sequence[str], values: Sequence[object]) -> bytes:
    """
    Values in the ABI's standard encoding: `abi.encode`.

    Raises:
        BadInput: A value is not of its type.
    """
    from eth_abi.abi import encode
    from eth_abi.exceptions import EncodingError

    try:
        return encode(tuple(types), tuple(values))
    except (EncodingError, ValueError, TypeError, OverflowError) as error:
        raise BadInput("values to encode", f"({', '.join(types)})", type(error).__name__) from error


def encode_call(name: str, types: Sequence[str], values: Sequence[object]) -> bytes:
    """Call data: the selector of a function by its name and types, then its arguments."""
    return selector(name, types) + encode_values(types, values)


def selector(name: str, types: Sequence[str]) -> bytes:
    """The first four bytes of the hash of a function's signature."""
    return keccak256(f"{name}({','.join(types)})".encode())[:4]
