"""Which exit codes apply, and which one wins: the table of the product, line by line."""

from __future__ import annotations

import itertools

import pytest

from tests.verifier.settlement.games import GameWorld
from verifier.app.exit_codes import Exit, codes_of, of_status, worst
from verifier.app.newest_roots import NewestRoots, RootAge, exit_of
from verifier.claims import Asset, Claim, PriceClaim
from verifier.errors import MissingEvidence, UnreviewedMeaning, VerifierError, Where, WrongHash
from verifier.flow import AskHeight, Unanswered
from verifier.margin.status import Status
from verifier.positions import PositionKind, position
from verifier.primitives import Address, ChainId, Timestamp
from verifier.proven import ProvenSettlement
from verifier.verify import PriceRefusal, Refusal

CLAIM = Claim(Asset(ChainId(1), "ETH", 18, "ETH"), Address(bytes(20)))
LIE = WrongHash(Where(), "a node", bytes(32), bytes(31) + b"\x01")
ORDER = (Exit.REFUSED, Exit.INDETERMINATE, Exit.LIQUIDATION, Exit.CALL, Exit.INCOMPLETE, Exit.OK)


def refusal(error: VerifierError | Unanswered, *, missing: bool) -> Refusal:
    return Refusal(CLAIM, error, missing=missing)


def silent(*refusals: tuple[str, VerifierError]) -> Unanswered:
    return Unanswered(AskHeight(chain_id=ChainId(1)), refusals, (("a", "timed out"),))


REFUSED = refusal(LIE, missing=False)
MISSING = refusal(silent(), missing=True)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status.HEALTHY, 0),
        (Status.WARNING, 0),
        (Status.MARGIN_CALL, 5),
        (Status.FINAL_CALL, 5),
        (Status.LIQUIDATION, 6),
        (Status.BACKSTOP, 6),
        (Status.DEFICIT, 6),
        (Status.DATA_CALL, 7),
        (Status.INDETERMINATE, 7),
    ],
)
def test_every_status_has_its_code(status: Status, code: int) -> None:
    """None is left out: the table has as many lines as there are statuses."""
    assert of_status(status) == code
    assert len(Status) == 9


@pytest.mark.parametrize(
    ("outcomes", "status", "codes", "wins"),
    [
        ((), None, (0,), 0),
        ((), Status.HEALTHY, (0,), 0),
        ((REFUSED,), Status.HEALTHY, (3,), 3),
        ((MISSING,), Status.HEALTHY, (4,), 4),
        ((REFUSED, MISSING), Status.DATA_CALL, (3, 4, 7), 3),
        ((MISSING,), Status.DATA_CALL, (4, 7), 7),
        ((MISSING,), Status.LIQUIDATION, (4, 6), 6),
        ((MISSING,), Status.MARGIN_CALL, (4, 5), 5),
        ((refusal(silent(("a", LIE)), missing=True),), None, (3,), 3),
        ((refusal(MissingEvidence(Where(), "a header"), missing=True),), None, (4,), 4),
    ],
)
def test_all_that_apply_are_told_and_the_worst_wins(outcomes, status, codes, wins) -> None:
    """A source that lied is no network trouble, even where nothing else answered."""
    found = codes_of(outcomes, status)
    assert tuple(map(int, found)) == codes
    assert worst(found) == wins


def test_the_order_is_3_7_6_5_4() -> None:
    """Of any two, the earlier of that order wins, whichever comes first."""
    for (i, one), (j, two) in itertools.product(enumerate(ORDER), repeat=2):
        assert worst((one, two)) == ORDER[min(i, j)]
    assert worst(()) == 0
    assert worst((*ORDER, Exit.INTERRUPTED)) == 130


FEED = PriceClaim(ChainId(1), "ETH", "USD", Address(b"\x01" * 20), position(PositionKind.CHAINLINK))
UNNAMED = UnreviewedMeaning(Where(), "user", "the policy does not name it")
LIED = silent(("a", LIE))


@pytest.mark.parametrize(
    ("error", "alone", "weighed"),
    [
        (LIE, (3,), (3,)),
        (LIED, (3,), (3,)),
        (UNNAMED, (3,), (0,)),
        (MissingEvidence(Where(), "an update"), (3,), (0,)),
        (silent(), (4,), (0,)),
    ],
    ids=["refused", "lied about", "not named", "not there", "silent"],
)
def test_a_price_has_its_code(error, alone, weighed) -> None:
    """A bundle of prices that prove nothing is no success; beside an account, what cannot be used is in its status."""
    refused = [PriceRefusal(FEED, error)]
    assert codes_of((), None, refused) == alone
    assert codes_of((), Status.HEALTHY, refused) == weighed
    assert codes_of((), Status.INDETERMINATE, refused)[-1] == 7


@pytest.mark.parametrize(
    ("settled", "code"),
    [
        (silent(), Exit.INCOMPLETE),
        (silent(("b", LIE)), Exit.REFUSED),
        (LIE, Exit.REFUSED),
        ("every endpoint proves the newest blocks only", Exit.INCOMPLETE),
        (None, Exit.OK),
    ],
    ids=["nobody answered", "all that answered lied", "refused", "its state is not proven", "proven"],
)
def test_a_probe_ends_as_an_account_on_the_rollup_would(settled: object, code: Exit) -> None:
    """By the settled root alone: that what is posted is refused says nothing of what counts."""
    world = GameWorld()
    header = world.rollup.verify(world.parent, world.raw, world.preimages)
    assert isinstance(header.rests_on, ProvenSettlement)
    proven = settled is None or isinstance(settled, str)
    root = RootAge(header, header.rests_on, settled) if proven else settled  # type: ignore[arg-type]
    assert exit_of(NewestRoots(Timestamp(0), None, root, LIE)) is code  # type: ignore[arg-type]
