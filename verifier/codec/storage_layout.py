"""A compiler's storage layout, of either compiler, and the two questions it answers: where something lies, and what
stands there.
"""

from __future__ import annotations

from collections.abc import Mapping

from verifier.codec.storage_path import Place, resolve
from verifier.codec.storage_solc import parse_solc_layout
from verifier.codec.storage_types import StorageLayout
from verifier.codec.storage_value import Decoded, decode, wanted
from verifier.codec.storage_vyper import parse_vyper_layout
from verifier.errors import BadInput


def parse_layout(document: object) -> StorageLayout:
    """
    A layout from decoded JSON, solc's `storageLayout` or Vyper's `layout`, told apart by their own keys.

    Raises:
        BadInput: Neither of the two, or not well formed.
        LimitExceeded: Larger than any contract's.
    """
    if isinstance(document, Mapping):
        if "storage_layout" in document:
            return parse_vyper_layout(document)
        if "storage" in document:
            return parse_solc_layout(document)
        inner = document.get("storageLayout")
        if isinstance(inner, Mapping):
            return parse_solc_layout(inner)
    raise BadInput("storage layout", "solc's storageLayout or Vyper's layout", document)


__all__ = ["Decoded", "Place", "StorageLayout", "decode", "parse_layout", "resolve", "wanted"]
