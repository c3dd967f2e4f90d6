"""What is charged beside the worst scenario: each contingency by its name, and only where it is due."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.simulators.minting import AS_OF
from tests.verifier.margin.books import (
    HALF,
    MONTH,
    RULES,
    account,
    option,
    perp,
    pool,
    with_scenarios,
)
from tests.verifier.margin.build import line
from verifier.errors import BadInput
from verifier.margin.fixed import price, usd
from verifier.margin.instruments import Future
from verifier.margin.rules import MarginRules
from verifier.margin.scenario import (
    Charge,
    Contingency,
    ContingencyRules,
    Scenario,
    VolMove,
)
from verifier.margin.snapshot import Quote, Snapshot


def charged(name: str, taken: Snapshot, rules: MarginRules = RULES) -> int:
    made = pool(taken, rules=rules).portfolio
    assert made is not None
    return made.contingencies.get(name, (0, 0))[0]


def contingent(**changes: Any) -> MarginRules:
    return with_scenarios(contingencies=replace(ContingencyRules(), **changes))


FUTURES = (
    replace(perp("a", "ETH", "10"), terms=Future(MONTH)),
    replace(perp("b", "ETH", "-10"), terms=Future(HALF)),
)
CASES: dict[str, tuple[Snapshot, MarginRules, Snapshot]] = {
    "perp": (account(perp("p", "ETH", "1")), RULES, account(option("o", "1", "3000", call=True))),
    "future": (account(FUTURES[0]), RULES, account(perp("p", "ETH", "1"))),
    "short-option": (account(option("o", "-1", "3000", call=True)), RULES, account(option("o", "1", "3000", call=True))),
    "calendar": (account(*FUTURES), RULES, account(FUTURES[0])),
    "oracle": (
        replace(account(perp("p", "ETH", "1")), quotes={**account().quotes, "ETH": Quote(price("3000"), AS_OF, confidence=400_000)}),
        RULES,
        account(perp("p", "ETH", "1")),
    ),
    "depeg": (
        replace(account(perp("p", "ETH", "1")), quotes={**account().quotes, "USDC": Quote(price("0.9"), AS_OF)}),
        replace(RULES, settlement="USDC"),
        account(perp("p", "ETH", "1")),
    ),
    "delivery": (
        account(option("o", "1", "3000", call=True)),
        contingent(delivery_days=Decimal(60), delivery_rate=Decimal("0.01")),
        account(option("o", "1", "3000", call=True, expiry=HALF)),
    ),
    "concentration": (
        account(perp("p", "ETH", "10")),
        contingent(concentration={"ETH": Decimal(10_000)}),
        account(perp("p", "ETH", "3")),
    ),
    "latency": (
        account(perp("p", "ETH", "1", network="slow")),
        replace(RULES, latencies={"slow": 3_600}),
        account(perp("p", "ETH", "1", network="fast")),
    ),
    "minimum": (
        account(option("o", "-1", "9000", call=True, expiry=MONTH)),
        contingent(minimum_per_short=Decimal(500)),
        account(option("o", "1", "9000", call=True)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_every_contingency_is_charged_by_its_name_and_only_where_it_is_due(name: str) -> None:
    """Each has an account that it is charged to, and a sibling that differs in one thing and is not."""
    due, rules, sibling = CASES[name]
    assert charged(name, due, rules) > 0
    assert charged(name, sibling, rules) == 0


def test_collateral_that_hedges_is_charged_its_own_haircut_where_the_model_is_given_one() -> None:
    """Collateral and data contingencies stand in the pool's own haircuts; no name is left without a place."""
    assert set(CASES) | {"collateral", "data"} == {c.value for c in Contingency}
    assert pool(account(line("eth", "ETH", "10"))).known_low.initial_haircut == usd("6000")


def test_basis_competes_with_the_scenarios_and_is_not_netted_over_expiries() -> None:
    """A calendar spread loses nothing in any scenario of prices; its basis loss is what counts."""
    made = pool(account(*FUTURES)).portfolio
    assert made is not None
    assert made.worst == "basis"
    assert made.basis == made.loss > 0


def test_a_scenario_out_of_range_is_refused() -> None:
    """More than all of a price cannot be lost; a move of the smile has no move of the price beside it."""
    Scenario(Decimal(-1))
    for bad in (
        lambda: Scenario(Decimal("-1.01")),
        lambda: Scenario(Decimal("0.1"), VolMove.TILT),
        lambda: Charge(Decimal(-1)),
    ):
        with pytest.raises(BadInput):
            bad()


# --- properties ---------------------------------------------------------------------------------------------
