"""What yesterday's bundles still prove of a claim that has no figure today: evidence again, never a kept amount."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from tests.simulators.minting import ALICE, coin, holding, proven
from verifier.app.account_file import read_account
from verifier.app.attesting import recheck
from verifier.app.commands.state import State
from verifier.app.commands.verify import _with_last_proven
from verifier.app.compile import compile_account
from verifier.app.demo import demo_folder
from verifier.app.findings import of_run, record_of
from verifier.app.kept import Record
from verifier.app.service import Run, check_account, checker_of, last_proven, weigh_again
from verifier.app.store import Store
from verifier.claims import PriceClaim
from verifier.errors import MissingEvidence, NotAttestable, Where
from verifier.positions import PositionKind, position
from verifier.primitives import Timestamp
from verifier.proven import ProvenAmount, ProvenPrice, mint
from verifier.verify import Refusal
from verifier.wire import encode_bundle, parse_bundle

FAR = 10**6


def proven_price(as_of: int) -> ProvenPrice:
    """A price as the verifier would have made it, which no bundle proves."""
    amount = proven(holding(coin(), ALICE), 1, as_of=as_of)
    how = position(PositionKind.CALL, function="price()(uint256)", decimals=8)
    return mint(
        ProvenPrice,
        rests_on=amount.rests_on,
        claim=PriceClaim(amount.claim.chain_id, "ETH", "USD", ALICE, how),
        price=10**18,
        at=amount.header.timestamp,
        as_of=amount.as_of,
        moment=amount.moment,
        header=amount.header,
        bound_by=(),
        trust=amount.trust,
    )


@pytest.fixture(scope="module")
def whole() -> Run:
    """The recorded account, all of it proven."""
    folder = demo_folder()
    file, source = read_account(folder / "account.toml")
    spec = compile_account(file, source, {}, environ={}, networks={}, preset="strict", online=False)
    now = Timestamp(json.loads((folder / "expected.json").read_text())["now"])
    return check_account(spec, (folder / "account.bundle").read_bytes(), now=now)


@pytest.fixture
def lost(whole: Run) -> Run:
    """The same account on a day when its first holding cannot be read."""
    first = next(i for i, o in enumerate(whole.verified.outcomes) if isinstance(o, ProvenAmount) and o.amount > 0)
    outcomes = list(whole.verified.outcomes)
    claim = outcomes[first].claim
    outcomes[first] = Refusal(claim, MissingEvidence(Where(), "evidence"), missing=True)
    return weigh_again(replace(whole, verified=replace(whole.verified, outcomes=tuple(outcomes))), {})


@pytest.fixture
def db(whole: Run, tmp_path: Path) -> Path:
    path = tmp_path / "kept.db"
    with Store(path) as store:
        store.keep(record_of(of_run("verify", whole), "{}"))
    return path


def last_amounts(run: Run) -> list[int]:
    return [line.line.last_amount for line in run.report.figures.lines if line.line.last_amount is not None]


def test_a_kept_bundle_gives_the_high_figure_back(lost: Run, db: Path) -> None:
    """Without a store nothing is known of it; with one, what the bundle proves again."""
    assert last_amounts(lost) == []
    again = _with_last_proven(State(quiet=True), lost, db)
    (amount,) = last_amounts(again)
    assert amount > 0
    assert again.verified.outcomes == lost.verified.outcomes  # the claim itself stays missing


def test_another_question_is_no_answer(lost: Run, db: Path) -> None:
    """The same contract and holder under another group or with other decimals: what was proven then says nothing now."""
    (refusal,) = lost.missing
    for change in ({"group": "OTHER"}, {"decimals": 3}):
        claim = replace(refusal.claim, asset=replace(refusal.claim.asset, **change))
        assert claim.identity == refusal.claim.identity
        with Store(db) as store:
            believed = checker_of(lost.spec, lost.now, lost.roots)
            assert last_proven([refusal], store, believed)
            assert last_proven([replace(refusal, claim=claim)], store, believed) == {}


def test_asking_about_an_anchor_that_is_no_header_refuses_its_network_alone(whole: Run) -> None:
    """A foreign bundle whose one anchor is rubbish: that network is refused, and the others are checked as ever."""
    first, *others = parse_bundle(whole.data).bundle.sections
    bundle = replace(parse_bundle(whole.data).bundle, sections=(replace(first, anchor=b"\xc0"), *others))
    run = check_account(whole.spec, encode_bundle(bundle), now=whole.now, ask=True)
    assert {o.claim.chain_id for o in run.verified.outcomes if isinstance(o, Refusal)} == {first.chain_id}
    assert any(isinstance(o, ProvenAmount) for o in run.verified.outcomes)


def test_a_price_that_the_evidence_does_not_prove_is_not_signed(whole: Run) -> None:
    """What is about to be signed is proven once more, the prices that it is weighed by among it."""
    recheck(whole)
    account = replace(whole.report.account, proven_prices=(proven_price(whole.verified.as_of),))
    with pytest.raises(NotAttestable, match="prices"):
        recheck(replace(whole, report=replace(whole.report, account=account)))


@pytest.mark.covers("DB-01")
def test_an_edited_amount_is_not_what_comes_back(lost: Run, db: Path) -> None:
    """The row says a million times more; the figure is the bundle's."""
    true = last_amounts(_with_last_proven(State(quiet=True), lost, db))
    with sqlite3.connect(db) as edited:
        edited.execute("UPDATE amounts SET amount = amount || '000000'")
    edited.close()
    assert last_amounts(_with_last_proven(State(quiet=True), lost, db)) == true


@pytest.mark.covers("DB-08")
def test_setting_the_clock_back_makes_no_kept_bundle_fresh(lost: Run, db: Path) -> None:
    """Something was shown long after the bundle's time, so it is old, whatever the clock says now."""
    with Store(db) as store:
        store.keep(Record(at=Timestamp(lost.now + FAR), command="check", exit_code=0, shown="{}"))
    assert _with_last_proven(State(quiet=True), lost, db) is lost


@pytest.mark.covers("DB-01")
def test_a_damaged_bundle_costs_its_own_figure_only(lost: Run, db: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Today's run stands, with a warning that names what is wrong."""
    with sqlite3.connect(db) as edited:
        edited.execute("UPDATE bundles SET bytes = zeroblob(size)")
    edited.close()
    assert _with_last_proven(State(), lost, db) is lost
    assert "are no bundle" in capsys.readouterr().err
