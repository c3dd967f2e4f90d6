"""JSON bounded in depth before it is parsed: the one guard for all that reads JSON here.

Parsers recurse in C, and packages that are loaded beside them raise the limit of Python's that would stop them: a file
of a hundred thousand brackets would end the process, not the parsing. So nesting is looked at first, in the bytes.
"""

from __future__ import annotations

import json
import re
from typing import Final

MAX_DEPTH: Final = 200
"""Of a user's own files and variables: deeper than anything of ours."""
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
"""A string, or one that never ends: were that no match, each quote would be looked at to the end of the document."""
_PLAIN_STRING: Final = re.compile(rb'"[^"]*"')
_NOT_MARKS: Final = bytes(set(range(256)) - set(b'"[]{}:'))
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))


def loads(text: bytes | str) -> object:
    """
    One JSON document.

    Raises:
        ValueError: Not JSON in UTF-8, or nested deeper than anything of ours.
    """
    raw = text.encode() if isinstance(text, str) else text
    if not is_nested_within(marks_of(raw), MAX_DEPTH):
        raise ValueError(f"nested deeper than {MAX_DEPTH}, or with open brackets")
    # As bytes it might be UTF-16, in which the brackets stand elsewhere than they were looked for.
    parsed: object = json.loads(raw.decode())
    return parsed


def marks_of(document: bytes) -> bytes:
    """The brackets and colons of a document that stand outside of its strings, in their order."""
    if b"\\" in document:
        return _STRING.sub(b"", document).translate(None, _NOT_MARKS)
    return _PLAIN_STRING.sub(b"", document.translate(None, _NOT_MARKS))


def is_nested_within(marks: bytes, depth: int) -> bool:
    """Whether brackets are closed in order and none stands inside more than `depth` - 1 others."""
    brackets = marks.translate(None, _NOT_BRACKETS)
    for _ in range(depth):
        shorter = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if not shorter:
            return True
        if len(shorter) == len(brackets):
            return False
        brackets = shorter
    return not brackets
