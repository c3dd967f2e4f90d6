"""The one byte form of a statement: JSON with sorted keys, ASCII, no spaces, every integer as decimal text.

There is no float, no exponent and no negative zero in it, and nothing is left out: what cannot be given is null.
Parsing takes exactly the bytes that encoding gives, so there are no two forms of one statement, and no two statements
in one form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from verifier.attest.statement import VERSION, Anchored, Binding, Declared, Examined, Shown, Statement, Verdict
from verifier.attest.strict_json import parse_json
from verifier.claims import ClaimKind
from verifier.errors import Malformed, MalformedAttestation, NotAttestable, Where
from verifier.margin.digest import canonical_bytes
from verifier.margin.status import Status
from verifier.primitives import (
    MAX_UINT64,
    Address,
    BlockNumber,
    Hash32,
    Timestamp,
    address,
    chain_id,
    hash32,
    parse_hex,
    to_hex,
)

SCHEMA: Final = "xmargin/statement"
MAX_BYTES: Final = 16 << 20
_HERE: Final = Where(network="attestation")
_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,77}", re.ASCII)
_MONEY: Final = ("equity_low", "equity_high", "initial", "maintenance")
_HASHES: Final = ("bundle_id", "policy_digest", "snapshot_digest", "quorum")

Json = dict[str, object]


def statement_json(made: Statement) -> Json:
    """A statement as a JSON object of text, lists and null."""
    head: Json = {
        "schema": SCHEMA,
        "version": str(VERSION),
        "chain_id": str(made.binding.chain_id),
        "contract": to_hex(made.binding.contract),
        "account": made.account,
        "sequence": str(made.sequence),
        "status": made.status.value,
        "mode": made.mode,
        "as_of": str(made.as_of),
        "issued_at": str(made.issued_at),
        "valid_until": str(made.valid_until),
        "anchors": [_anchor(a) for a in made.anchors],
        "examined": [_examined(e) for e in made.examined],
        "declared": [_declared(d) for d in made.declared],
        "holders": {to_hex(holder): shown.value for holder, shown in made.holders.items()},
    }
    money = {name: None if (value := getattr(made, name)) is None else str(value) for name in _MONEY}
    return head | money | {name: to_hex(getattr(made, name)) for name in _HASHES}


def encode_statement(made: Statement) -> bytes:
    """The bytes of a statement; `parse_statement` takes them back to an equal one."""
    return canonical_bytes(statement_json(made))


def parse_statement(data: bytes) -> Statement:
    """
    A statement from its bytes.

    Raises:
        MalformedAttestation: Any other bytes than those that `encode_statement` gives.
        LimitExceeded: Larger than a statement can be.
    """
    made = statement_of(parse_json(data, MAX_BYTES))
    if encode_statement(made) != data:
        raise MalformedAttestation(_HERE, "not in the one byte form of a statement")
    return made


def statement_of(value: object) -> Statement:
    """A statement from its JSON object. Raises MalformedAttestation for any other."""
    try:
        return _statement(_Fields(value, "statement"))
    except NotAttestable as error:
        raise MalformedAttestation(_HERE, error.reason) from error
    except MalformedAttestation:
        raise
    except (Malformed, ValueError) as error:
        raise MalformedAttestation(_HERE, f"a field of it: {error}") from error


class _Fields:
    """An object whose every key is read, or refused."""

    def __init__(self, value: object, what: str) -> None:
        if not isinstance(value, dict):
            raise MalformedAttestation(_HERE, f"the {what} is no object", value)
        self._left: dict[str, object] = dict(value)
        self._what = what

    def take(self, name: str) -> object:
        if name not in self._left:
            raise MalformedAttestation(_HERE, f"the {self._what} has no {name}")
        return self._left.pop(name)

    def text(self, name: str) -> str:
        value = self.take(name)
        if not isinstance(value, str):
            raise MalformedAttestation(_HERE, f"{name} is no text", value)
        return value

    def integer(self, name: str, most: int | None = None) -> int:
        text = self.text(name)
        if _INTEGER.fullmatch(text) is None:
            raise MalformedAttestation(_HERE, f"{name} is no decimal integer", text)
        value = int(text)
        if most is not None and not 0 <= value <= most:
            raise MalformedAttestation(_HERE, f"{name} is not from 0 to {most}", text)
        return value

    def optional(self, name: str) -> int | None:
        if self._left.get(name, 0) is None:
            self.take(name)
            return None
        return self.integer(name)

    def hash(self, name: str) -> Hash32:
        return hash32(parse_hex(self.text(name), name))

    def address(self, name: str) -> Address:
        return address(parse_hex(self.text(name), name))

    def time(self, name: str) -> Timestamp:
        return Timestamp(self.integer(name, MAX_UINT64))

    def items(self, name: str) -> list[object]:
        value = self.take(name)
        if not isinstance(value, list):
            raise MalformedAttestation(_HERE, f"{name} is no list", value)
        return value

    def done(self) -> None:
        if self._left:
            raise MalformedAttestation(_HERE, f"the {self._what} has an unknown key", min(self._left))


def _statement(top: _Fields) -> Statement:
    if top.text("schema") != SCHEMA or top.integer("version") != VERSION:
        raise MalformedAttestation(_HERE, f"of another schema than {SCHEMA}, version {VERSION}")
    money = {name: top.optional(name) for name in _MONEY}
    hashes = {name: top.hash(name) for name in _HASHES}
    made = Statement(
        binding=Binding(chain_id(top.integer("chain_id")), top.address("contract")),
        account=top.text("account"),
        sequence=top.integer("sequence"),
        status=Status(top.text("status")),
        mode=top.text("mode"),
        as_of=top.time("as_of"),
        issued_at=top.time("issued_at"),
        valid_until=top.time("valid_until"),
        anchors=tuple(_anchor_of(_Fields(a, "anchor")) for a in top.items("anchors")),
        examined=tuple(_examined_of(_Fields(e, "examined claim")) for e in top.items("examined")),
        declared=tuple(_declared_of(_Fields(d, "declaration")) for d in top.items("declared")),
        holders=_holders_of(top.take("holders")),
        equity_low=money["equity_low"],
        equity_high=money["equity_high"],
        initial=money["initial"],
        maintenance=money["maintenance"],
        bundle_id=hashes["bundle_id"],
        policy_digest=hashes["policy_digest"],
        snapshot_digest=hashes["snapshot_digest"],
        quorum=hashes["quorum"],
    )
    top.done()
    return made


def _anchor(anchor: Anchored) -> Json:
    return {
        "chain_id": str(anchor.chain_id),
        "number": str(anchor.number),
        "hash": to_hex(anchor.hash),
        "time": str(anchor.time),
        "trust": anchor.trust,
        "moment": anchor.moment,
    }


def _anchor_of(at: _Fields) -> Anchored:
    number, time = BlockNumber(at.integer("number", MAX_UINT64)), at.time("time")
    made = Anchored(
        chain_id(at.integer("chain_id")), number, at.hash("hash"), time, at.text("trust"), at.text("moment")
    )
    at.done()
    return made


def _examined(claim: Examined) -> Json:
    return {
        "chain_id": str(claim.chain_id),
        "contract": None if claim.contract is None else to_hex(claim.contract),
        "holder": to_hex(claim.holder),
        "kind": claim.kind.value,
        "symbol": claim.symbol,
        "group": claim.group,
        "decimals": str(claim.decimals),
        "source": claim.source,
        "verdict": claim.verdict.value,
        "amount": None if claim.amount is None else str(claim.amount),
    }


def _examined_of(at: _Fields) -> Examined:
    contract = at.take("contract")
    made = Examined(
        chain_id=chain_id(at.integer("chain_id")),
        contract=None if contract is None else address(parse_hex(contract, "contract")),
        holder=at.address("holder"),
        kind=ClaimKind(at.text("kind")),
        symbol=at.text("symbol"),
        group=at.text("group"),
        decimals=at.integer("decimals", 255),
        source=at.text("source"),
        verdict=Verdict(at.text("verdict")),
        amount=at.optional("amount"),
    )
    at.done()
    return made


def _declared(part: Declared) -> Json:
    return {
        "kind": part.kind,
        "name": part.name,
        "group": part.group,
        "amount": str(part.amount),
        "decimals": str(part.decimals),
        "at": None if part.at is None else str(part.at),
    }


def _declared_of(at: _Fields) -> Declared:
    when = at.optional("at")
    made = Declared(
        kind=at.text("kind"),
        name=at.text("name"),
        group=at.text("group"),
        amount=at.integer("amount"),
        decimals=at.integer("decimals", 255),
        at=None if when is None else Timestamp(when),
    )
    at.done()
    return made


def _holders_of(value: object) -> Mapping[Address, Shown]:
    if not isinstance(value, dict):
        raise MalformedAttestation(_HERE, "holders are no object", value)
    return {address(parse_hex(holder, "holder")): Shown(shown) for holder, shown in value.items()}
