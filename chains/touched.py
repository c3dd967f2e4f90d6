"""What endpoints say a call touches: hints, parsed strictly and bounded, believed by no one.

Source: ethereum/execution-apis (eth_createAccessList); go-ethereum eth/tracers/native/prestate.go.
"""

from __future__ import annotations

from typing import Final

from chains.answers import parse_data
from chains.errors import BadAnswer
from verifier.claims import AccountRead
from verifier.primitives import Address, SlotKey

MAX_PLACES: Final = 20_000
"""Accounts and slots in one hint; a call may read no more."""


def parse_access_list(value: object, endpoint: str) -> tuple[AccountRead, ...]:
    """
    The accounts and slots of an eth_createAccessList answer; a call that reverts has them too.

    Raises:
        BadAnswer: Not shaped as one, or longer than a call may read.
    """
    entries = value.get("accessList") if isinstance(value, dict) else None
    if not isinstance(entries, list):
        raise BadAnswer(endpoint, "no access list in the answer")
    found: list[tuple[object, object]] = []
    for entry in entries:
        if not isinstance(entry, dict):
            raise BadAnswer(endpoint, "an access list entry that is no object")
        found.append((entry.get("address"), entry.get("storageKeys")))
    return _reads(found, endpoint)


def parse_prestate(value: object, endpoint: str) -> tuple[AccountRead, ...]:
    """
    The accounts and slots of a prestate trace; balances, nonces and code in it are not read.

    Raises:
        BadAnswer: Not shaped as one, or longer than a call may read.
    """
    if not isinstance(value, dict):
        raise BadAnswer(endpoint, "a prestate trace that is no object")
    found: list[tuple[object, object]] = []
    for address, entry in value.items():
        storage = entry.get("storage") if isinstance(entry, dict) else None
        found.append((address, list(storage) if isinstance(storage, dict) else []))
    return _reads(found, endpoint)


def _reads(entries: list[tuple[object, object]], endpoint: str) -> tuple[AccountRead, ...]:
    left = MAX_PLACES - len(entries)
    made: list[AccountRead] = []
    for address, keys in entries:
        if not isinstance(keys, list):
            raise BadAnswer(endpoint, "an account of a hint without its list of slots")
        left -= len(keys)
        if left < 0:
            raise BadAnswer(endpoint, f"a hint of more than {MAX_PLACES} accounts and slots")
        slots = tuple(SlotKey(_exactly(key, 32, endpoint)) for key in keys)
        made.append(AccountRead(Address(_exactly(address, 20, endpoint)), slots))
    return tuple(made)


def _exactly(value: object, width: int, endpoint: str) -> bytes:
    found = parse_data(value, endpoint, "an address or slot of a hint", width)
    if len(found) != width:
        raise BadAnswer(endpoint, f"an address or slot of a hint that is not {width} bytes")
    return found
