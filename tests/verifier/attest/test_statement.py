"""Nothing unproven becomes a statement, and a statement has one form."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.simulators.minting import AS_OF, coin, debt, holding, proven, refused, token
from tests.verifier.attest.build import BINDING, ISSUED, SHOWN, changed, statement, whole
from tests.verifier.margin.build import PRICES, account, snapshot, weigh
from verifier.attest.attestation import Attestation, encode_attestation, parse_attestation
from verifier.attest.canonical import encode_statement, parse_statement, statement_json, statement_of
from verifier.attest.eip712 import statement_digest
from verifier.attest.quorum import MAX_SIGNERS
from verifier.attest.statement import Binding, Shown, Verdict, make_statement
from verifier.errors import LimitExceeded, MalformedAttestation, NotAttestable
from verifier.margin.declared_market import DeclaredMarket
from verifier.margin.fixed import price
from verifier.margin.market import ExpiryQuote
from verifier.margin.modes import Mode
from verifier.margin.report import report
from verifier.margin.snapshot import Order
from verifier.margin.status import Status
from verifier.primitives import Address, ChainId, Timestamp


def test_a_statement_says_what_was_examined_and_what_was_not() -> None:
    """Every claim with its verdict, every block, every declared number, every holder, and the figures of the report."""
    made, of = statement(holders=SHOWN), whole()
    assert [e.verdict for e in made.examined] == [Verdict.PROVEN] * 3
    assert [e.amount for e in made.examined] == [o.amount for o in of.account.outcomes]
    assert {a.chain_id for a in made.anchors} == {1, 2}
    assert {d.kind for d in made.declared} == {"price", "debt", "position"}
    assert made.equity_low == of.figures.total_low.equity
    assert (made.status, made.policy_digest) == (of.status, of.figures.policy_digest)
    assert made.valid_until == ISSUED + 3_600


@pytest.mark.covers("MRG-03")
def test_a_statement_names_the_blocks_it_rests_on() -> None:
    """Chain, number, hash, time and trust of each; another block is another statement."""
    made = statement()
    (first, _) = made.anchors
    outcome = whole().account.outcomes[0]
    assert (first.hash, first.number, first.trust) == (outcome.header.hash, outcome.header.number, "pinned")
    other = changed(made, anchors=(*made.anchors[1:],))
    assert statement_digest(other) != statement_digest(made)


@pytest.mark.covers("MRG-05")
def test_control_is_said_for_each_holder() -> None:
    """A holder for whom nothing was shown is listed as such, never left out."""
    (who,) = SHOWN
    assert statement(holders=SHOWN).holders == {who: Shown.EIP191}
    assert statement().holders == {who: Shown.NOT}
    assert statement_digest(statement()) != statement_digest(statement(holders=SHOWN))
    assert statement(holders={Address(b"\x99" * 20): Shown.EIP712}).holders == {who: Shown.NOT}


@pytest.mark.covers("ATT-07")
def test_what_is_not_proven_is_not_attestable() -> None:
    """A refusal, a missing claim, a stale report, a doubt, an empty or a hypothetical account."""
    good = proven(holding(coin()), 10**18)
    with pytest.raises(NotAttestable, match="refused"):
        statement(whole(good, refused(holding(token()))))
    with pytest.raises(NotAttestable, match="refused"):
        statement(whole(good, refused(holding(token()))), take_doubts=True)
    with pytest.raises(NotAttestable, match="doubt"):
        statement(whole(good, refused(debt(token()), missing=True)))
    with pytest.raises(NotAttestable, match="old"):
        statement(issued_at=Timestamp(AS_OF + 90_000))
    with pytest.raises(NotAttestable, match="doubt"):
        statement(whole(good, prices=()))
    with pytest.raises(NotAttestable, match="nothing"):
        statement(report(account(prices=PRICES)))
    with pytest.raises(NotAttestable, match="no report"):
        statement(weigh(snapshot()))


def test_doubt_is_stated_only_where_told() -> None:
    """An indeterminate account, said so in its status."""
    of = whole(proven(holding(coin()), 10**18), refused(debt(token()), missing=True))
    made = statement(of, take_doubts=True)
    assert made.status is Status.INDETERMINATE
    assert made.equity_low is None
    assert [e.verdict for e in made.examined] == [Verdict.PROVEN, Verdict.MISSING]
    assert made.examined[1].amount is None


@pytest.mark.covers("ATT-01", "ATT-02")
def test_a_statement_is_bound_to_a_place_and_ends() -> None:
    """No chain or contract, no expiry, an expiry too far, or a number of zero make no statement."""
    with pytest.raises(NotAttestable):
        Binding(ChainId(1), Address(bytes(20)))
    for wrong in ({"valid_for": 0}, {"valid_for": -1}, {"valid_for": 31 * 86_400}, {"sequence": 0}, {"sequence": -3}):
        with pytest.raises(NotAttestable):
            statement(**wrong)
    with pytest.raises(NotAttestable):
        statement(issued_at=Timestamp(AS_OF - 1))


@pytest.mark.covers("ATT-05")
@pytest.mark.parametrize("name", ["desk\n", "dęsk", "", "d" * 65, "de\u200bsk", "de\u0301sk"])
def test_names_that_two_readers_read_differently(name: str) -> None:
    with pytest.raises(NotAttestable):
        changed(statement(), account=name)


@pytest.mark.covers("ATT-05")
def test_one_byte_form() -> None:
    """Round trip, for statements with and without unknown figures."""
    for made in (statement(holders=SHOWN), changed(statement(), equity_high=None, equity_low=-5)):
        assert parse_statement(encode_statement(made)) == made


@pytest.mark.covers("ATT-05")
@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.replace(b'"sequence":"7"', b'"sequence":7'),
        lambda d: d.replace(b'"sequence":"7"', b'"sequence":"07"'),
        lambda d: d.replace(b'"sequence":"7"', b'"sequence":"+7"'),
        lambda d: d.replace(b'"sequence":"7"', b'"sequence":"7.0"'),
        lambda d: d.replace(b'"sequence":"7"', b'"sequence":"-0"'),
        lambda d: d.replace(b'"sequence":"7"', b'"sequence":"7","sequence":"7"'),
        lambda d: d.replace(b",", b", ", 1),
        lambda d: d + b"\n",
        lambda d: b"\xef\xbb\xbf" + d,
        lambda d: d.replace(b'"test"', b'"te\\u0073t"'),
        lambda d: d.replace(b'"mode"', b'"node"'),
        lambda d: d.replace(b'"healthy"', b'"fine"'),
        lambda d: d.replace(b'"0xa1', b'"0xA1', 1),
        lambda d: json.dumps(dict(reversed(json.loads(d).items())), separators=(",", ":")).encode(),
        lambda d: d[:-1],
        lambda d: b"[" * 100_000,
        lambda d: b"null",
        lambda d: b"\xff",
    ],
)  # fmt: skip
def test_any_other_form_is_refused(change) -> None:
    data = encode_statement(statement(holders=SHOWN))
    other = change(data)
    assert other != data
    with pytest.raises(MalformedAttestation):
        parse_statement(other)


def test_every_field_is_signed() -> None:
    """One changed field of the statement, one other digest: nothing stands outside of the signature."""
    made = statement(holders=SHOWN)
    seen = {statement_digest(made)}
    for name, value in (
        ("account", "other"), ("sequence", 8), ("status", Status.WARNING), ("mode", "isolated"), ("equity_low", 1),
        ("equity_low", None), ("equity_high", None), ("initial", 1), ("maintenance", None), ("as_of", Timestamp(AS_OF - 1)),
        ("issued_at", Timestamp(ISSUED + 1)), ("valid_until", Timestamp(ISSUED + 5)), ("bundle_id", b"\1" * 32),
        ("policy_digest", b"\1" * 32), ("snapshot_digest", b"\1" * 32), ("quorum", b"\1" * 32), ("anchors", ()),
        ("examined", made.examined[1:]), ("declared", ()), ("holders", {}), ("binding", Binding(ChainId(2), BINDING.contract)),
    ):  # fmt: skip
        digest = statement_digest(changed(made, **{name: value}))
        assert digest not in seen, name
        seen.add(digest)
    assert set(statement_json(made)) > {"examined", "declared", "holders", "anchors"}


def test_a_report_signed_twice_differs_by_its_number() -> None:
    assert statement_digest(statement(sequence=8)) != statement_digest(statement(sequence=7))
    assert make_statement(whole(), binding=BINDING, sequence=7, issued_at=ISSUED, valid_for=3_600) == statement()
    assert proven(holding(coin()), 1).amount == 1


def test_what_was_declared_of_markets_is_in_the_statement() -> None:
    """Forwards, volatilities and resting orders value and burden positions, and nobody proved them; mode and all."""
    expiry = Timestamp(ISSUED + 86_400)
    market = DeclaredMarket(
        orders=(Order(id="bid", group="ETH", size=5, decimals=1, limit=price("2900")),),
        expiries=(
            ExpiryQuote(
                group="ETH", expiry=expiry, at=ISSUED, forward=price("3010"), volatility=650_000,
                vols={price("3200"): 700_000},
            ),
        ),
    )  # fmt: skip
    made = statement(whole(market=market, mode=Mode.PORTFOLIO))
    listed = [(d.kind, d.name, d.amount) for d in made.declared if d.kind not in ("price", "debt", "position")]
    assert listed == [
        ("forward", f"ETH {expiry}", price("3010")),
        ("volatility", f"ETH {expiry}", 650_000),
        ("volatility", f"ETH {expiry} 3200", 700_000),
        ("order", "bid", 5),
    ]
    assert made.mode == "portfolio"
    assert parse_statement(encode_statement(made)) == made
    assert not [d for d in statement().declared if d.kind in ("forward", "order")]


@pytest.mark.parametrize(
    "bytes_of",
    [
        lambda text: text.replace("pinned", "\\ud800").encode(),
        lambda text: text.replace("pinned", "\ud800").encode("utf-8", "surrogatepass"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-8-sig"),
        lambda text: b'\\"' * 500_000 + text.encode(),
    ],
    ids=["half a character", "the same in bytes", "UTF-16", "a mark before it", "quotes without end"],
)
def test_text_that_is_none_is_no_attestation(bytes_of) -> None:
    """Refused by name and at once: nothing of it reaches a hash, a terminal or a parser that runs out of stack."""
    text = encode_attestation(Attestation(statement())).decode()
    assert parse_attestation(text.encode()).statement == statement()
    with pytest.raises(MalformedAttestation, match=r"not JSON|nested"):
        parse_attestation(bytes_of(text))


def test_signatures_are_bounded_in_number() -> None:
    """As many as a set has members, and none beyond: each costs whoever shows the file a recovery."""
    made = Attestation(statement(), (bytes(65),) * MAX_SIGNERS)
    assert parse_attestation(encode_attestation(made)) == made
    with pytest.raises(LimitExceeded, match="signatures"):
        parse_attestation(encode_attestation(replace(made, signatures=(*made.signatures, bytes(65)))))


@pytest.mark.covers("ATT-05")
@pytest.mark.parametrize("text", ["+7", "07", " 7", "7_0", "-0", "\u0667", "7.0", "", "9" * 79])
def test_a_number_has_one_text(text: str) -> None:
    """What Python reads as the same number would be a second file over one digest."""
    with pytest.raises(MalformedAttestation, match="sequence is no decimal integer"):
        statement_of(statement_json(statement()) | {"sequence": text})


def test_a_statement_that_nobody_would_make_is_no_statement() -> None:
    """Number zero, or an expiry before its issue: refused where it is read."""
    made = statement_json(statement())
    assert statement_of(made) == statement()
    with pytest.raises(MalformedAttestation, match="its number is from 1"):
        statement_of(made | {"sequence": "0"})
    with pytest.raises(MalformedAttestation, match="follow one another"):
        statement_of(made | {"valid_until": made["issued_at"]})
