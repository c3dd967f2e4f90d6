"""Signed price updates out of a file: as Pyth's price service answers, or their bytes alone.

    curl "https://hermes.pyth.network/v2/updates/price/latest?ids[]=0x…" > prices.json

A file holds that answer, or the updates in hexadecimal or base64, one a line, or the bytes of a single one. Nothing of
it is believed here: what the answer says beside the updates is not looked at.

Source: hermes.pyth.network/docs, /v2/updates/price/latest: `binary.encoding` (hex or base64) and `binary.data`.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Final

from verifier.codec import bounded_json
from verifier.policy import DEFAULT_LIMITS

MARK: Final = b"PNAU"
MAX_FILE: Final = 4 * 1_024 * 1_024
_HEX: Final = re.compile(r"(?:0x)?((?:[0-9a-fA-F]{2})+)", re.ASCII)


def load_updates(path: Path) -> tuple[bytes, ...]:
    """
    The updates of a file, in its order.

    Raises:
        OSError: It cannot be read.
        ValueError: It holds none, or something else, or more than is looked at; the text says what.
    """
    with path.open("rb") as file:
        raw = file.read(MAX_FILE + 1)
    if len(raw) > MAX_FILE:
        raise ValueError(f"it is larger than {MAX_FILE} bytes")
    found = parse_updates(raw)
    if len(found) > DEFAULT_LIMITS.signed_updates:
        raise ValueError(f"it holds {len(found)} updates; {DEFAULT_LIMITS.signed_updates} are taken")
    if any(len(update) > DEFAULT_LIMITS.signed_bytes for update in found):
        raise ValueError(f"an update is larger than {DEFAULT_LIMITS.signed_bytes} bytes")
    return found


def parse_updates(raw: bytes) -> tuple[bytes, ...]:
    """
    The updates in the bytes of a file.

    Raises:
        ValueError: As `load_updates`.
    """
    if raw.startswith(MARK):
        return (raw,)
    try:
        text = raw.decode("ascii").strip()
    except UnicodeDecodeError:
        raise ValueError("it is neither text nor an update") from None
    spelled = _of_answer(raw) if text.startswith("{") else text.split()
    if not spelled:
        raise ValueError("it holds no update")
    return tuple(_update(one) for one in spelled)


def _of_answer(raw: bytes) -> list[str]:
    answer = bounded_json.loads(raw)
    binary = answer.get("binary") if isinstance(answer, dict) else None
    data = binary.get("data") if isinstance(binary, dict) else None
    if not isinstance(data, list) or not all(isinstance(one, str) for one in data):
        raise ValueError("it is JSON without binary.data, the list of updates in a price service's answer")
    return data


def _update(text: str) -> bytes:
    written = _HEX.fullmatch(text)
    try:
        found = bytes.fromhex(written[1]) if written else base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("an update is neither hexadecimal nor base64") from None
    if not found.startswith(MARK):
        raise ValueError(f"an update begins with {MARK.decode()}; another begins with 0x{found[:4].hex()}")
    return found
