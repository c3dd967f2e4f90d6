"""How far a pool stands above each rung: by hand, and for any risk."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from verifier.margin.fixed import Usd, usd
from verifier.margin.risk import Risk
from verifier.margin.rules import Ladder
from verifier.margin.status import RUNGS, SEVERITY, Status, classify, distances

money = st.integers(0, 10**24).map(Usd)


@st.composite
def risks(draw: st.DrawFn) -> Risk:
    maintenance, added = draw(money), draw(money)
    haircut = draw(st.integers(0, maintenance))
    return Risk(
        equity=Usd(draw(st.integers(-(10**24), 10**25))),
        initial=Usd(maintenance + added),
        maintenance=maintenance,
        maintenance_haircut=Usd(haircut),
        weighted=draw(money),
        owed=draw(st.just(Usd(0)) | money),
    )


def less(risk: Risk, cash: int) -> Risk:
    return replace(risk, equity=Usd(risk.equity - cash), weighted=Usd(risk.weighted - cash))


def at_least(risk: Risk, rung: Status) -> bool:
    return SEVERITY.index(classify(risk, Ladder())) >= SEVERITY.index(rung)


def test_distances_by_hand() -> None:
    """2,000 against 1,000 and 800, nothing owed: 1.2 and 1.05 times 800, its two thirds, and nothing at all."""
    risk = Risk(equity=usd("2000"), initial=usd("1000"), maintenance=usd("800"))
    found = distances(risk, Ladder())
    assert found == {
        Status.WARNING: usd("800"),
        Status.MARGIN_CALL: usd("1040"),
        Status.FINAL_CALL: usd("1160"),
        Status.LIQUIDATION: usd("1200"),
        Status.BACKSTOP: Usd(usd("2000") - usd("1600") // 3 - 1),
        Status.DEFICIT: usd("2000"),
    }
    owing = replace(risk, weighted=usd("1500"), owed=usd("900"))
    assert distances(owing, Ladder())[Status.MARGIN_CALL] == usd("420")
    assert distances(less(risk, usd("1300")), Ladder())[Status.LIQUIDATION] == -usd("100")


@given(risks(), st.sampled_from(RUNGS))
def test_a_rung_is_reached_where_it_is_said_and_not_before(risk: Risk, rung: Status) -> None:
    """A unit more of cash lost than said is at the rung or beneath it; two units less are above it, where it was above."""
    gap = distances(risk, Ladder())[rung]
    assert at_least(less(risk, gap + 1), rung)
    assert not at_least(less(risk, gap - 2), rung)


@given(risks())
def test_a_worse_rung_is_never_nearer(risk: Risk) -> None:
    """Warning, calls, liquidation: in their order; backstop and deficit as far as equity can carry them."""
    found = distances(risk, Ladder())
    calls = [found[rung] for rung in (Status.WARNING, Status.MARGIN_CALL, Status.FINAL_CALL)]
    assert calls == sorted(calls)
    assert found[Status.LIQUIDATION] <= found[Status.BACKSTOP] <= found[Status.DEFICIT]
