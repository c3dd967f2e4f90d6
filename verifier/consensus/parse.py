"""Light-client objects out of what a beacon node sent: decoded JSON or SSZ of any fork, in the newest form.

Parsing decides shape, never truth. An object says its fork beside it (`version`, the `Eth-Consensus-Version` header, or
a fork digest), and that has to be the fork of its attested header's slot: the slot decides which proofs are asked for,
so a wrong word changes nothing but is refused all the same. Sizes are bounded before anything is read.

Evidence that we kept ourselves is in the newest form whatever its slot is: `decode_*` with `fork=None`.

Source: consensus specification, specs/*/light-client; beacon API, `light_client/*` (JSON, SSZ, and the octet stream of
`light_client/updates`: length of 8 bytes little-endian, fork digest of 4 bytes, update).
"""

from __future__ import annotations

from typing import Final

from verifier.codec.ssz import Record, decode_record, record_from_json
from verifier.consensus.containers import (
    BeaconHeader,
    Bootstrap,
    Update,
    beacon_header,
    raise_bootstrap,
    raise_update,
)
from verifier.consensus.forks import NEWEST, ConsensusConfig, Fork
from verifier.consensus.shapes import BEACON_HEADER, Kind, shape_of
from verifier.errors import LimitExceeded, MalformedSsz, MalformedUpdate, Where

MAX_UPDATES: Final = 128
"""`MAX_REQUEST_LIGHT_CLIENT_UPDATES`: more are not in one answer."""
_LENGTH_BYTES: Final = 8
_DIGEST_BYTES: Final = 4
_SLACK: Final = 4_096
"""Beyond committee and bits an object is small: headers, branches, a signature."""


# --- JSON ------------------------------------------------------------------------------------------------


def parse_bootstrap(config: ConsensusConfig, version: object, data: object) -> Bootstrap:
    """
    A bootstrap from decoded JSON.

    Args:
        version: The fork's name as the answer gives it. Untrusted, as is `data`.
        data: What stands under `data` of the answer, as plain Python objects.

    Raises:
        Unsupported: The fork is unknown here, or the network has none of that name.
        MalformedUpdate: Not such an object of that fork.
    """
    return _bootstrap(*_from_json(config, Kind.BOOTSTRAP, version, data))


def parse_update(config: ConsensusConfig, version: object, data: object) -> Update:
    """A period's update from decoded JSON. Raises as `parse_bootstrap`."""
    return _update(*_from_json(config, Kind.UPDATE, version, data))


def parse_finality_update(config: ConsensusConfig, version: object, data: object) -> Update:
    """A finality update from decoded JSON. Raises as `parse_bootstrap`."""
    return _update(*_from_json(config, Kind.FINALITY, version, data))


def parse_optimistic_update(config: ConsensusConfig, version: object, data: object) -> Update:
    """An optimistic update from decoded JSON. Raises as `parse_bootstrap`."""
    return _update(*_from_json(config, Kind.OPTIMISTIC, version, data))


def parse_updates(config: ConsensusConfig, answers: object) -> tuple[Update, ...]:
    """
    The answer of `light_client/updates` from decoded JSON: a list of objects with `version` and `data`.

    Raises:
        LimitExceeded: More than one answer may hold.
        Unsupported, MalformedUpdate: As `parse_bootstrap`.
    """
    if not isinstance(answers, list):
        raise MalformedUpdate(config.where, "a list of updates is due", type(answers).__name__)
    if len(answers) > MAX_UPDATES:
        raise LimitExceeded("updates in one answer", MAX_UPDATES, len(answers))
    found: list[Update] = []
    for i, answer in enumerate(answers):
        if not isinstance(answer, dict) or not {"version", "data"} <= answer.keys():
            raise MalformedUpdate(config.where.at(node=f"updates[{i}]"), "version and data are due")
        found.append(parse_update(config, answer["version"], answer["data"]))
    return tuple(found)


# --- SSZ -------------------------------------------------------------------------------------------------


def decode_bootstrap(config: ConsensusConfig, fork: Fork | None, data: bytes) -> Bootstrap:
    """
    A bootstrap from SSZ.

    Args:
        fork: As the answer names it; None for the newest form, in which evidence is kept.
        data: Untrusted.

    Raises:
        LimitExceeded: Larger than such an object can be.
        MalformedSsz: Not such an object of that fork.
        MalformedUpdate: Its slot is not in that fork.
        Unsupported: Its slot is in a fork that is unknown here, or the network has no such fork.
    """
    return _bootstrap(*_from_ssz(config, Kind.BOOTSTRAP, fork, data))


def decode_update(config: ConsensusConfig, fork: Fork | None, data: bytes, kind: Kind = Kind.UPDATE) -> Update:
    """An update of any kind from SSZ. Args and errors as for `decode_bootstrap`."""
    if kind is Kind.BOOTSTRAP:
        raise TypeError("a bootstrap is no update")
    return _update(*_from_ssz(config, kind, fork, data))


def decode_finality_update(config: ConsensusConfig, fork: Fork | None, data: bytes) -> Update:
    """A finality update from SSZ. Args and errors as for `decode_bootstrap`."""
    return decode_update(config, fork, data, Kind.FINALITY)


def decode_optimistic_update(config: ConsensusConfig, fork: Fork | None, data: bytes) -> Update:
    """An optimistic update from SSZ. Args and errors as for `decode_bootstrap`."""
    return decode_update(config, fork, data, Kind.OPTIMISTIC)


def decode_updates(config: ConsensusConfig, octets: bytes) -> tuple[Update, ...]:
    """
    The answer of `light_client/updates` as an octet stream, each chunk under its fork digest.

    Raises:
        LimitExceeded: More chunks, or more bytes, than one answer may hold.
        MalformedSsz: A chunk is cut off, or not an update of its fork.
        Unsupported: A digest stands for no fork of this network that is known here.
        MalformedUpdate: As `decode_bootstrap`.
    """
    limit = MAX_UPDATES * (_LENGTH_BYTES + _DIGEST_BYTES + _most_bytes(config))
    if len(octets) > limit:
        raise LimitExceeded("bytes of updates", limit, len(octets))
    found: list[Update] = []
    position = 0
    while position < len(octets):
        if len(found) == MAX_UPDATES:
            raise LimitExceeded("updates in one answer", MAX_UPDATES, len(found) + 1)
        where = config.where.at(node=f"updates[{len(found)}]")
        length = int.from_bytes(octets[position : position + _LENGTH_BYTES], "little")
        start = position + _LENGTH_BYTES
        position = start + length
        if length < _DIGEST_BYTES or position > len(octets):
            raise MalformedSsz(where, f"a chunk of {length} bytes where {max(0, len(octets) - start)} are left")
        fork = config.fork_of_digest(octets[start : start + _DIGEST_BYTES])
        found.append(decode_update(config, fork, octets[start + _DIGEST_BYTES : position]))
    return tuple(found)


def parse_beacon_header(config: ConsensusConfig, data: object) -> BeaconHeader:
    """
    A beacon header from the `message` of an answer's JSON.

    Raises:
        Malformed: Not the fields of one.
    """
    where = config.where.at(node="beacon header")
    return beacon_header(record_from_json(BEACON_HEADER, data, where))


# --- inside ----------------------------------------------------------------------------------------------


_Parsed = tuple[Record, ConsensusConfig, Fork, bool, Where]


def _from_json(config: ConsensusConfig, kind: Kind, version: object, data: object) -> _Parsed:
    fork = config.named_fork(version)
    where = config.where.at(node=kind.value)
    shape = shape_of(kind, fork, config.preset.committee_size)
    return record_from_json(shape, data, where), config, fork, True, where


def _from_ssz(config: ConsensusConfig, kind: Kind, fork: Fork | None, data: bytes) -> _Parsed:
    most = _most_bytes(config)
    if len(data) > most:
        raise LimitExceeded(f"bytes of a {kind.value}", most, len(data))
    where = config.where.at(node=kind.value)
    form = NEWEST if fork is None else config.named_fork(fork)
    shape = shape_of(kind, form, config.preset.committee_size)
    return decode_record(shape, data, where), config, form, fork is not None, where


def _bootstrap(record: Record, config: ConsensusConfig, fork: Fork, exact: bool, where: Where) -> Bootstrap:  # noqa: FBT001
    made = raise_bootstrap(record, config, fork, where)
    if exact:
        _check_fork(config, fork, made.header.slot, where)
    return made


def _update(record: Record, config: ConsensusConfig, fork: Fork, exact: bool, where: Where) -> Update:  # noqa: FBT001
    made = raise_update(record, config, fork, where)
    if exact:
        _check_fork(config, fork, made.attested.slot, where)
    return made


def _check_fork(config: ConsensusConfig, fork: Fork, slot: int, where: Where) -> None:
    own = config.fork_of(slot)
    if own is not fork:
        raise MalformedUpdate(where, f"an object of {fork.value} whose slot {slot} is in {own.value}")


def _most_bytes(config: ConsensusConfig) -> int:
    size = config.preset.committee_size
    return 48 * (size + 1) + size // 8 + _SLACK
