"""JSON of attestations: bounded in depth before it is parsed, each key once, and no number but plain integers."""

from __future__ import annotations

import json
from typing import Final, NoReturn

from verifier.codec.bounded_json import is_nested_within, marks_of
from verifier.errors import LimitExceeded, MalformedAttestation, Where

MAX_DEPTH: Final = 8
MAX_DIGITS: Final = 20
_HERE: Final = Where(network="attestation")


def parse_json(data: bytes, limit: int) -> object:
    """
    One JSON document.

    Raises:
        LimitExceeded: Larger than the limit.
        MalformedAttestation: Not JSON, too deep, a key twice in one object, or a number that is no plain integer.
    """
    if len(data) > limit:
        raise LimitExceeded("bytes of an attestation", limit, len(data))
    if not is_nested_within(marks_of(data), MAX_DEPTH):
        raise MalformedAttestation(_HERE, f"nested deeper than {MAX_DEPTH}, or with open brackets")
    try:
        parsed: object = json.loads(
            data, object_pairs_hook=_once, parse_float=_refused, parse_int=_integer, parse_constant=_refused
        )
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
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
