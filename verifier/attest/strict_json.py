"""JSON of attestations: bounded in depth before it is parsed, each key once, and no number but plain integers."""

from __future__ import annotations

import json
import re
from typing import Final, NoReturn

from verifier.codec.bounded_json import is_nested_within, marks_of
from verifier.errors import LimitExceeded, MalformedAttestation, Where

MAX_DEPTH: Final = 8
MAX_DIGITS: Final = 20
_HERE: Final = Where(network="attestation")
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(data: bytes, limit: int) -> object:
    """
    One JSON document.

    Raises:
        LimitExceeded: Larger than the limit.
        MalformedAttestation: Not JSON in UTF-8, too deep, a key twice in one object, half a character, or a number that
            is no plain integer.
    """
    if len(data) > limit:
        raise LimitExceeded("bytes of an attestation", limit, len(data))
    if not is_nested_within(marks_of(data), MAX_DEPTH):
        raise MalformedAttestation(_HERE, f"nested deeper than {MAX_DEPTH}, or with open brackets")
    try:
        # As bytes it might be UTF-16, in which the brackets stand elsewhere than they were looked for.
        text = data.decode()
        parsed: object = json.loads(
            text, object_pairs_hook=_once, parse_float=_refused, parse_int=_integer, parse_constant=_refused
        )
        if _SURROGATE.search(text):
            json.dumps(parsed, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise MalformedAttestation(_HERE, "not JSON", type(error).__name__) from None
    return parsed


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise MalformedAttestation(_HERE, "a key stands twice in one object")
    return made


def _refused(text: str) -> NoReturn:
    raise MalformedAttestation(_HERE, "a number that is no integer", text)


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS or text == "-0":
        raise MalformedAttestation(_HERE, "a number that is too long, or a negative zero", text)
    return int(text)
