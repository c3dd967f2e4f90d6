"""From proven amounts and refusals to an account and its report."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from tests.simulators.minting import AS_OF, BOB, BUNDLE, coin, debt, holding, proven, refused, token
from tests.verifier.margin.build import (
    PRICES,
    account,
    declared_debt,
    declared_position,
    declared_price,
    line,
    policy,
    snapshot,
    weigh,
)
from verifier.errors import BadInput, SkewTooLarge
from verifier.margin.account import build_account, check_skew
from verifier.margin.as_json import to_json
from verifier.margin.declared import DeclaredDebt
from verifier.margin.fixed import SCALE, usd
from verifier.margin.modes import Mode
from verifier.margin.report import Figures, HypotheticalReport, MarginReport, PocketReport, report
from verifier.margin.rules import MarginRules, flat_market
from verifier.margin.snapshot import Doubt, Snapshot
from verifier.margin.status import Status
from verifier.policy import STRICT, Factors, Haircut, Policy
from verifier.primitives import Hash32, Timestamp
from verifier.trust import Anchor, Trust

ETH = 10**18


def cross(made: MarginReport | HypotheticalReport) -> PocketReport:
    return made.figures.pockets[0]


def test_proven_balances_of_several_networks_are_one_equity() -> None:
    """Two coins and a token, priced and added."""
    made = report(
        account(
            proven(holding(coin()), 2 * ETH), proven(holding(coin(10)), ETH), proven(holding(token(137)), 5_000_000)
        )
    )
    low = cross(made).low
    assert low is not None and low.equity == usd("9005")
    assert made.status is Status.HEALTHY
    assert made.figures.policy_digest == report(account()).figures.policy_digest


def test_a_figure_that_no_verifier_made_is_refused() -> None:
    """Collateral comes in as a proven amount and in no other way."""
    real = proven(holding(coin()), ETH)
    assert account(real).outcomes == (real,)
    with pytest.raises(BadInput):
        account({"claim": real.claim, "amount": ETH})


def test_an_amount_of_another_moment_is_refused() -> None:
    """One as-of time for the whole account."""
    with pytest.raises(BadInput):
        account(proven(holding(coin()), ETH, as_of=AS_OF - 1))


def test_a_report_cannot_be_made_of_other_figures_than_its_accounts() -> None:
    """The figures are computed when the report is made; there is no way to hand them in."""
    made = report(account(proven(holding(coin()), ETH)))
    with pytest.raises(TypeError):
        MarginReport(made.account, made.figures)  # type: ignore[call-arg]
    with pytest.raises(ValueError):
        replace(made, figures=report(account()).figures)
    assert copy.copy(made).figures == made.figures


def test_a_made_up_snapshot_gives_another_type_of_report() -> None:
    """The same arithmetic, and no one's account."""
    made = weigh(snapshot(line("a", "ETH", "1"), ETH="3000"))
    assert not isinstance(made, MarginReport)
    assert to_json(made)["hypothetical"] is True
    assert "bundle_id" not in to_json(made)
    assert to_json(report(account()))["hypothetical"] is False


def test_a_refused_holding_counts_zero_low_and_its_last_proven_value_high() -> None:
    """It is listed with its reason, and nothing else changes."""
    last = proven(holding(coin(10)), 3 * ETH)
    parts = (proven(holding(coin()), ETH), refused(last.claim))
    made = report(account(*parts, last_proven={last.claim.identity: last}))
    low, high = cross(made).low, cross(made).high
    assert low is not None and high is not None
    assert (low.equity, high.equity) == (usd("3000"), usd("12000"))
    assert [reason.doubt for reason in made.figures.reasons] == [Doubt.HOLDING_REFUSED]


def test_a_refused_holding_that_was_never_proven_has_no_high_figure() -> None:
    """Nothing can then be certain against the account: the shortfall is a data call."""
    short = (proven(holding(coin()), ETH), declared_debt("3100"))
    assert report(account(short[0], debts=[short[1]])).status is Status.DEFICIT
    made = report(account(short[0], refused(holding(coin(10)), missing=True), debts=[short[1]]))
    assert cross(made).high is None
    assert made.status is Status.DATA_CALL
    assert [reason.doubt for reason in made.figures.reasons] == [Doubt.HOLDING_MISSING]


def test_a_shortfall_that_the_last_proven_value_would_cover_is_a_data_call() -> None:
    """And one that it would not cover is certain."""
    last = proven(holding(coin(10)), ETH)
    parts = (proven(holding(coin()), ETH), refused(last.claim))
    covered = account(*parts, debts=[declared_debt("3100")], last_proven={last.claim.identity: last})
    short = account(*parts, debts=[declared_debt("6100")], last_proven={last.claim.identity: last})
    assert report(covered).status is Status.DATA_CALL
    assert report(short).status is Status.DEFICIT


def test_a_debt_that_cannot_be_read_makes_the_account_indeterminate() -> None:
    """However rich it is: no low figure, no ratio, no free margin."""
    rich = proven(holding(coin()), 1_000 * ETH)
    good = report(account(rich, proven(debt(token()), -1_000_000)))
    made = report(account(rich, refused(debt(token()))))
    assert good.status is Status.HEALTHY and cross(good).free > 0
    assert made.status is Status.INDETERMINATE
    assert cross(made).low is None and cross(made).free == 0 and cross(made).buffer is None
    shown = to_json(made)["pockets"]
    assert isinstance(shown, list) and shown[0]["ratio"] is None and shown[0]["low"] is None


def test_a_burden_without_a_usable_price_makes_the_account_indeterminate() -> None:
    """Never priced, or beyond the limit; a zero debt needs no price."""
    rich = proven(holding(coin()), 1_000 * ETH)
    eth = declared_price("ETH", "3000")
    for prices in ((eth,), (eth, declared_price("USDC", "1", 10_801))):
        assert report(account(rich, debts=[declared_debt("1")], prices=prices)).status is Status.INDETERMINATE
        assert report(account(rich, debts=[declared_debt("0")], prices=prices)).status is Status.HEALTHY
    position = declared_position("1", "50000", "BTC")
    assert report(account(rich, positions=[position])).status is Status.INDETERMINATE
    assert (
        report(account(rich, positions=[position], prices=(eth, declared_price("BTC", "50000")))).status
        is Status.HEALTHY
    )


def test_an_old_price_still_marks_a_debt_where_its_volatility_is_known() -> None:
    """Marked up for its age until the hard limit, then unknown."""
    rich, rules = proven(holding(coin()), 1_000 * ETH), MarginRules(volatility={"USDC": 50_000})
    eth = declared_price("ETH", "3000")
    old = report(
        account(rich, debts=[declared_debt("1")], prices=(eth, declared_price("USDC", "1", 20_000)), rules=rules)
    )
    gone = report(
        account(rich, debts=[declared_debt("1")], prices=(eth, declared_price("USDC", "1", 86_401)), rules=rules)
    )
    assert old.status is Status.HEALTHY
    assert old.figures.lines[1].known_low < old.figures.lines[1].known_high == -SCALE
    assert gone.status is Status.INDETERMINATE


def test_a_holding_with_an_old_price_counts_zero_low_and_that_price_high() -> None:
    """And without any price, it has no high value."""
    made = report(account(proven(holding(coin()), ETH), prices=[declared_price("ETH", "3000", 10_801)]))
    assert (made.figures.lines[0].low, made.figures.lines[0].high) == (0, usd("3000"))
    none = report(account(proven(holding(coin()), ETH), prices=[]))
    assert (none.figures.lines[0].low, none.figures.lines[0].high) == (0, None)


def test_weak_trust_lowers_the_low_figure_only() -> None:
    """Practical policy: five percent at maintenance; the further five are a named contingency in IM."""
    made = report(account(proven(holding(coin()), ETH, anchor=Anchor.QUORUM)))
    low, high = cross(made).low, cross(made).high
    assert low is not None and high is not None
    assert (low.equity, low.initial, low.data_contingency) == (usd("2850"), usd("150"), usd("150"))
    assert (high.equity, high.initial) == (usd("3000"), 0)


def test_a_head_snapshot_ages_and_an_exact_one_does_not() -> None:
    """From twice its network's finality on."""
    young = report(account(proven(holding(coin()), ETH, lag=1_800)))
    old = report(account(proven(holding(coin()), ETH, lag=1_801)))
    slow = report(account(proven(holding(coin()), ETH, lag=1_801, finality=901)))
    assert young.figures.lines[0].low == slow.figures.lines[0].low == usd("3000")
    low = old.figures.lines[0].low
    assert low is not None and low < usd("3000")


def test_isolated_pockets_and_the_cross_pool_do_not_affect_each_other() -> None:
    """A failing pocket leaves the pool as it was, and gains nothing from it."""
    rules = MarginRules(markets={"ETH": flat_market(100_000, 50_000)})
    parts = (proven(holding(token()), 20_000_000_000), proven(holding(token(), BOB), 100_000_000))
    kwargs = {"rules": rules, "pockets": {1: "eth"}, "positions": [declared_position("1", "3200", pocket="eth")]}
    isolated = report(account(*parts, mode=Mode.ISOLATED, **kwargs))
    pooled = report(account(*parts, mode=Mode.CROSS, **kwargs))
    assert [(p.name, p.status) for p in isolated.figures.pockets] == [("", Status.HEALTHY), ("eth", Status.DEFICIT)]
    assert [(p.name, p.status) for p in pooled.figures.pockets] == [("", Status.HEALTHY)]
    assert isolated.status is Status.DEFICIT
    assert isolated.figures.total_low == pooled.figures.total_low


def test_a_pocket_of_no_claim_is_refused() -> None:
    """Pockets are given by the index of a claim."""
    with pytest.raises(BadInput):
        account(proven(holding(coin()), ETH), pockets={1: "x"})


@pytest.mark.parametrize(
    "kwargs",
    [
        {"prices": (*PRICES, declared_price("ETH", "3001"))},
        {"debts": (declared_debt("1"), declared_debt("2"))},
        {"positions": (declared_position("1", "1"), declared_position("2", "1"))},
    ],
)
def test_a_name_that_stands_twice_is_refused(kwargs: dict[str, object]) -> None:
    """Which of the two would count?"""
    with pytest.raises(BadInput):
        account(**kwargs)


def test_a_last_proven_amount_of_another_claim_is_refused() -> None:
    """Its own claim's identity is its key."""
    last = proven(holding(coin(10)), ETH)
    with pytest.raises(BadInput):
        account(refused(holding(coin())), last_proven={holding(coin()).identity: last})


def test_a_declared_debt_has_no_holding_side() -> None:
    """It cannot be negative, and so never collateral."""
    assert declared_debt("0").amount == 0
    with pytest.raises(BadInput):
        DeclaredDebt("x", "USDC", -1, 6, AS_OF)


def test_heads_too_far_apart_make_the_account_indeterminate() -> None:
    """Exact snapshots have no skew, however old the moment is."""
    near = [proven(holding(coin(n)), ETH, lag=lag) for n, lag in ((1, 0), (10, 1_800))]
    far = [proven(holding(coin(n)), ETH, lag=lag) for n, lag in ((1, 0), (10, 1_801))]
    check_skew(near, policy())
    with pytest.raises(SkewTooLarge):
        check_skew(far, policy())
    assert report(account(*near)).status is Status.HEALTHY
    made = report(account(*far, proven(holding(coin(137)), ETH)))
    assert made.status is Status.INDETERMINATE
    assert {(reason.doubt, reason.subject.split(":")[1]) for reason in made.figures.reasons} == {
        (Doubt.SKEW, "1"),
        (Doubt.SKEW, "10"),
    }


def test_the_policy_digest_names_policy_rules_and_mode() -> None:
    """Any difference in them is another digest; the order of a set or mapping is none."""
    base = report(account()).figures.policy_digest
    others = [
        account(policy=STRICT),
        account(rules=MarginRules(debt_rates={"USDC": 1})),
        account(mode=Mode.ISOLATED),
        account(policy=policy(ETH=Factors(Haircut(1, 0)))),
    ]
    digests = [report(other).figures.policy_digest for other in others]
    assert len({base, *digests}) == 5
    one = Policy(anchors=frozenset([Anchor.PINNED, Anchor.QUORUM]), factors={"A": Factors(), "B": Factors()})
    two = Policy(anchors=frozenset([Anchor.QUORUM, Anchor.PINNED]), factors={"B": Factors(), "A": Factors()})
    assert report(account(policy=one)).figures.policy_digest == report(account(policy=two)).figures.policy_digest


def test_a_report_names_its_evidence_and_what_was_declared() -> None:
    """Bundle, trust, block and moment of each line, and every number that no one proved."""
    made = report(
        account(
            proven(holding(coin()), ETH, lag=60), debts=[declared_debt("1")], positions=[declared_position("1", "3000")]
        )
    )
    shown = to_json(made)
    assert shown["bundle_id"] == "0x" + "bb" * 32
    declared, pockets = shown["declared"], shown["pockets"]
    assert isinstance(declared, dict) and [len(declared[k]) for k in ("prices", "debts", "positions")] == [2, 1, 1]
    assert isinstance(pockets, list)
    first = pockets[0]["lines"][0]
    assert first["provenance"]["block_hash"] == "0x" + "11" * 32
    assert (first["trust"]["word"], first["provenance"]["moment"], first["age"]) == ("pinned", "head", 60)
    assert first["amount"] == str(ETH)


def test_snapshots_name_each_line_once() -> None:
    """Two lines of one name could not be told apart in a report."""
    with pytest.raises(BadInput):
        snapshot(line("a", "ETH", "1"), line("a", "ETH", "2"), ETH="1")


def test_an_account_is_a_pure_function_of_its_parts() -> None:
    """Same parts, same report, to the byte."""
    parts = (proven(holding(coin()), ETH), refused(debt(token())))
    one = build_account("a", parts, as_of=AS_OF, bundle_id=BUNDLE, policy=policy(), prices=PRICES)
    two = build_account("a", parts, as_of=AS_OF, bundle_id=Hash32(b"\xcc" * 32), policy=policy(), prices=PRICES)
    assert to_json(report(one)) == to_json(report(one))
    assert report(one).figures.snapshot_digest == report(two).figures.snapshot_digest


def test_figures_hold_every_line_of_every_pocket() -> None:
    """Nothing is dropped, not even what counts nothing."""
    taken = Snapshot(
        as_of=Timestamp(AS_OF),
        lines=(line("a", "X", None), line("b", "ETH", "1", trust=Trust(Anchor.RPC), pocket="p")),
        quotes={},
    )
    figures: Figures = HypotheticalReport(taken, policy(), MarginRules(), Mode.ISOLATED).figures
    assert [v.line.id for v in figures.lines] == ["a", "b"]
