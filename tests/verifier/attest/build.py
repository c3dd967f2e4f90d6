"""Statements for tests: over a report of proven amounts, and over a made-up account with everything in it."""

from __future__ import annotations

from dataclasses import replace

from tests.simulators.minting import AS_OF, coin, debt, holding, proven, token
from tests.verifier.margin.build import account, declared_debt, declared_position
from verifier.attest.statement import Binding, Shown, Statement, make_statement
from verifier.margin.report import MarginReport, report
from verifier.primitives import Address, ChainId, Hash32, Timestamp

BINDING = Binding(ChainId(31401), Address(b"\xc0" * 20))
ISSUED = Timestamp(AS_OF + 60)


def whole(*outcomes, **kwargs) -> MarginReport:
    """A healthy account on two networks, with a debt, a declared debt and a declared position."""
    parts = outcomes or (
        proven(holding(coin()), 10**18),
        proven(holding(token(2)), 5_000_000_000),
        proven(debt(token(1, contract=0x71)), -1_000_000),
    )
    given = {"debts": (declared_debt("12.5"),), "positions": (declared_position("-0.1", "3000"),)} | kwargs
    return report(account(*parts, **given))


def statement(made: MarginReport | None = None, **kwargs) -> Statement:
    given = {"binding": BINDING, "sequence": 7, "issued_at": ISSUED, "valid_for": 3_600} | kwargs
    return make_statement(made or whole(), **given)


def changed(made: Statement, **kwargs) -> Statement:
    return replace(made, **kwargs)


SHOWN = {Address(b"\xa1" * 20): Shown.EIP191}
QUORUM = Hash32(b"\x09" * 32)
