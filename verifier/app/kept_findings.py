"""Where tokens were found to keep their balances: kept with the calls that judged it, and found again from them.

A row is believed no more than any other: it says where to look. What counts is the bundle under it, whose id is
computed anew and whose calls are run again over its own words and code; the layout is what `find` makes of them, and
the row must say the same. The bundle's block is taken as it is: a layout follows from the code that ran, and it is
bound to that code's hash, which each later run proves under a root of today. Other code is refused there
(`UnreviewedCode`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from verifier.app.errors import StoreDamaged, StoreError
from verifier.app.json_view import Json, dumps, head, time_json
from verifier.app.kept import Record
from verifier.app.quantities import checksummed, rfc3339
from verifier.app.slots_find import SlotFinding, finding_json
from verifier.app.store import Row, Store
from verifier.app.store_file import stored_id
from verifier.assets.find_slot import Found, find, reading_of
from verifier.checker import Checker
from verifier.crypto.keccak import keccak256
from verifier.errors import NoLayout, VerifierError
from verifier.network import Network
from verifier.policy import STRICT
from verifier.primitives import Address, ChainId, Hash32, parse_hex, to_hex
from verifier.primitives import address as parse_address
from verifier.proven import ProvenCall
from verifier.trust import PinnedBlock, Settlement
from verifier.verify import Refusal
from verifier.verify_calls import verify_calls
from verifier.wire import parse_bundle

Networks = Mapping[ChainId, Network]
_FACTS: Final = ("code_hash", "implementation", "implementation_code_hash", "slot", "key_order", "width_bits")


def keep_finding(store: Store, made: SlotFinding) -> None:
    """
    Keep a finding with its evidence, in one transaction with the run that shows it. A token's newer finding stands
    before its older ones; one of the same code takes its place.

    Raises:
        StoreError: It could not be kept.
    """
    found = made.found
    record = Record(
        made.now,
        "slots find",
        0 if found is not None else 3,
        dumps(finding_json(made)),
        bundle=made.data,
        bundle_id=made.bundle_id,
        as_of=parse_bundle(made.data).bundle.as_of,
    )
    store.keep(record, None if found is None else lambda sql, _: _insert(sql, made, found))


def _insert(sql: sqlite3.Connection, made: SlotFinding, found: Found) -> None:
    facts = _facts(found)
    key = (made.chain_id, to_hex(made.token))
    sql.execute(
        "DELETE FROM slot_findings WHERE chain_id = ? AND token = ? AND code_hash = ? "
        "AND implementation_code_hash IS ?",
        (*key, facts["code_hash"], facts["implementation_code_hash"]),
    )
    sql.execute(
        "INSERT INTO slot_findings (chain_id, token, network, code_hash, implementation, implementation_code_hash, "
        "slot, key_order, width_bits, place, at, bundle) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*key, made.network, *facts.values(), found.where, made.now, to_hex(made.bundle_id)),
    )


def _facts(found: Found) -> dict[str, object]:
    """What a row says of a finding, in the order of its columns."""
    pin, layout = found.pin, found.layout
    code = pin.implementation_code_hash
    values = (
        to_hex(pin.code_hash),
        None if pin.implementation is None else to_hex(pin.implementation),
        None if code is None else to_hex(code),
        to_hex(layout.base),
        layout.order.value,
        layout.width_bits,
    )
    return dict(zip(_FACTS, values, strict=True))


def find_again(data: bytes, network: Network, token: Address, networks: Networks) -> Found:
    """
    The layout that a bundle of `balanceOf` calls shows, each of them run again over the bundle's own words and code.

    Raises:
        Malformed: The bytes are no bundle, or not of such calls.
        NoLayout: They show none, or not of this token.
        ProofError, PolicyError: The calls do not hold under the bundle's own block.
    """
    bundle = parse_bundle(data).bundle
    roots = [PinnedBlock(s.chain_id, Hash32(keccak256(s.anchor))) for s in bundle.sections]
    now = bundle.as_of
    policy = replace(STRICT, settlements=frozenset(Settlement), max_head_lag=now, max_age=now)
    checker = Checker(roots, networks, {}, policy, now)
    answers: dict[Address, ProvenCall] = {}
    for claim, outcome in zip(bundle.claims, verify_calls(data, checker).outcomes, strict=True):
        if isinstance(outcome, Refusal):
            raise outcome.error
        holder = parse_address(outcome.call.data[16:36])
        if claim.chain_id != network.chain_id or outcome.call != reading_of(token, holder).call:
            raise NoLayout(outcome.where, 0, ())
        answers[holder] = outcome
    return find(token, answers)


@dataclass(frozen=True, slots=True)
class KeptFinding:
    """A row, and what its evidence shows now: a finding, or why there is none."""

    row: Row
    found: Found | None
    failure: str


def kept_findings(store: Store, networks: Networks) -> tuple[KeptFinding, ...]:
    """Everything that is kept, newest first, each found again from its evidence."""
    rows = store.rows("SELECT * FROM slot_findings ORDER BY at DESC, chain_id, token")
    return tuple(_again(store, row, networks) for row in rows)


def lookup_in(store: Store, chain: ChainId, token: Address, networks: Networks) -> Found | None:
    """
    The newest finding of one token, found again from its evidence; None where nothing is kept.

    Raises:
        StoreDamaged: What is kept does not show what its row says.
    """
    rows = store.rows(
        "SELECT * FROM slot_findings WHERE chain_id = ? AND token = ? ORDER BY at DESC LIMIT 1",
        (chain, to_hex(token)),
    )
    if not rows:
        return None
    kept = _again(store, rows[0], networks)
    if kept.found is None:
        raise StoreDamaged(store.path, f"the finding of {to_hex(token)}: {kept.failure}")
    return kept.found


def _again(store: Store, row: Row, networks: Networks) -> KeptFinding:
    network = networks.get(ChainId(_int(row["chain_id"])))
    if network is None:
        return KeptFinding(row, None, f"chain {row['chain_id']} is not known here")
    try:
        data = store.load_bundle(stored_id(store.path, row["bundle"]))
        found = find_again(data, network, parse_address(parse_hex(str(row["token"]))), networks)
    except (VerifierError, StoreError) as error:
        return KeptFinding(row, None, str(error))
    wrong = [name for name, value in _facts(found).items() if row[name] != value]
    if wrong:
        return KeptFinding(row, None, f"its {wrong[0]} is not what its evidence shows")
    return KeptFinding(row, found, "")


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def findings_json(kept: tuple[KeptFinding, ...]) -> Json:
    """All that is kept, each with the state of its evidence."""
    return {**head("slot-findings"), "findings": [_finding_json(one) for one in kept]}


def _finding_json(one: KeptFinding) -> Json:
    row = one.row
    names = ("network", "chain_id", "token", *_FACTS, "place", "bundle")
    holders = [] if one.found is None else [to_hex(who) for who in one.found.balances]
    state = {"status": "holds" if one.found is not None else "refused", "failure": one.failure or None}
    return {**{name: row[name] for name in names}, "at": time_json(_int(row["at"])), "holders": holders, **state}


def findings_rows(kept: tuple[KeptFinding, ...]) -> list[list[object]]:
    """A line for each, for people."""
    return [
        [
            one.row["network"],
            checksummed(parse_address(parse_hex(str(one.row["token"])))),
            f"{one.row['key_order']}, {one.row['place']}, {one.row['width_bits']} bits",
            str(one.row["implementation_code_hash"] or one.row["code_hash"])[:18],
            rfc3339(_int(one.row["at"])),
            f"holds, {len(one.found.balances)} holders" if one.found is not None else one.failure,
        ]
        for one in kept
    ]
