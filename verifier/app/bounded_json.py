"""JSON of a user's files and variables, bounded in depth before it is parsed.

Python's parser recurses in C, and packages that are loaded beside it raise the limit that would stop it: a file of a
hundred thousand brackets would end the process, not the parsing.
"""

from __future__ import annotations

import json
import re
from typing import Final

MAX_DEPTH: Final = 200
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))


def loads(text: bytes | str) -> object:
    """
    One JSON document.

    Raises:
        ValueError: Not JSON, or nested deeper than anything of ours.
    """
    raw = text.encode() if isinstance(text, str) else text
    depth = 0
    for bracket in _STRING.sub(b"", raw).translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH}")
    parsed: object = json.loads(raw)
    return parsed
