"""Each check of the words, of trust and of the policy on its own, found by removing it."""

from __future__ import annotations

import pytest

from tests.simulators.minting import network
from verifier.errors import BadInput
from verifier.policy import (
    DEFAULT_ANCHOR_HAIRCUTS,
    EVERYTHING_OFF,
    NOTHING_OFF,
    PPM,
    PRACTICAL,
    STRICT,
    Factors,
    Haircut,
    Policy,
)
from verifier.primitives import (
    MAX_CHAIN_ID,
    MAX_UINT64,
    MAX_UINT256,
    BlockNumber,
    ChainId,
    Hash32,
    Timestamp,
    address,
    block_number,
    chain_id,
    hash32,
    nonzero_hash,
    parse_hex,
    slot_key,
    timestamp,
    word,
)
from verifier.proven import ProvenItem, ProvenRoot, mint, trail
from verifier.trust import Anchor, Basis, Observed, PinnedBlock, Settlement, Trust

ONE = Hash32(bytes(31) + b"\x01")

# --- words --------------------------------------------------------------------------------------------------

INTEGERS = {
    "chain id": (chain_id, 1, MAX_CHAIN_ID, (0, MAX_CHAIN_ID + 1)),
    "slot": (slot_key, 0, MAX_UINT256, (-1, MAX_UINT256 + 1)),
    "word": (word, 0, MAX_UINT256, (-1, MAX_UINT256 + 1)),
    "block number": (block_number, 0, MAX_UINT64, (-1, MAX_UINT64 + 1)),
    "timestamp": (timestamp, 0, MAX_UINT64, (-1, MAX_UINT64 + 1)),
}


@pytest.mark.covers("MPT-28", "RLP-08", "RPC-07")
@pytest.mark.parametrize(("make", "least", "most", "outside"), INTEGERS.values(), ids=INTEGERS)
def test_integers_have_both_bounds_and_one_type(make, least, most, outside) -> None:
    """The bounds are in, their neighbours out; a bool, a float and text are no integers."""
    for number in (least, most):
        made = make(number)
        assert (int.from_bytes(made, "big") if isinstance(made, bytes) else made) == number
    for stranger in (*outside, True, False, 1.0, "1", None):
        with pytest.raises(BadInput):
            make(stranger)


@pytest.mark.covers("MPT-28", "RLP-08")
@pytest.mark.parametrize(
    ("make", "width"), [(address, 20), (hash32, 32), (nonzero_hash, 32), (slot_key, 32), (word, 32)]
)
def test_byte_strings_have_one_width_and_one_type(make, width: int) -> None:
    """One byte more, one less, text and a bytearray are refused."""
    assert make(b"\x01" * width) == b"\x01" * width
    for stranger in (b"\x01" * (width - 1), b"\x01" * (width + 1), "1" * width, bytearray(b"\x01" * width), None):
        with pytest.raises(BadInput):
            make(stranger)


@pytest.mark.covers("HDR-11")
def test_zero_is_no_root_of_trust() -> None:
    """An unset hash is refused wherever a hash is believed; a hash of one set bit is taken."""
    assert nonzero_hash(ONE) == ONE
    assert hash32(bytes(32)) == bytes(32)
    for make in (
        nonzero_hash,
        lambda value: PinnedBlock(ChainId(1), value),
        lambda value: Observed(ChainId(1), value, BlockNumber(1), frozenset({"a"}), 1, Timestamp(0)),
    ):
        make(ONE)
        with pytest.raises(BadInput, match="not all zero"):
            make(bytes(32))


@pytest.mark.covers("RPC-07", "PRF-05")
@pytest.mark.parametrize(
    "text", ["", "00", "0x0", "0X00", "0x0g", "0x 00", " 0x00", "0x00\n", "0x００", b"0x00", None, 0]
)
def test_hex_is_0x_and_pairs_of_digits(text) -> None:
    """Nothing is stripped, padded or guessed."""
    assert parse_hex("0x") == b""
    assert parse_hex("0x00fF") == b"\x00\xff"
    with pytest.raises(BadInput):
        parse_hex(text)


# --- trust --------------------------------------------------------------------------------------------------


def seen(*operators: str, k: int = 2) -> Observed:
    return Observed(ChainId(1), ONE, BlockNumber(1), frozenset(operators), k, Timestamp(0))


@pytest.mark.covers("RPC-11")
def test_a_quorum_is_at_least_two_and_at_least_k() -> None:
    """One operator is never a quorum, whatever k says; k of them are."""
    assert [seen("a", k=1).anchor, seen("a").anchor] == [Anchor.RPC, Anchor.RPC]
    assert [seen("a", "b", k=1).anchor, seen("a", "b").anchor] == [Anchor.QUORUM, Anchor.QUORUM]
    assert [seen("a", "b", k=3).anchor, seen("a", "b", "c", k=3).anchor] == [Anchor.RPC, Anchor.QUORUM]


@pytest.mark.covers("RPC-11")
@pytest.mark.parametrize(("operators", "k"), [((), 1), (("a",), 0), ((), 0)])
def test_an_observation_has_an_observer(operators: tuple[str, ...], k: int) -> None:
    """Nobody's word, and a quorum of nobody, are refused; one of one is an observation."""
    assert seen("a", k=1).operators == {"a"}
    with pytest.raises(BadInput, match="observation"):
        seen(*operators, k=k)


def test_the_weaker_of_each_fact_is_kept() -> None:
    """In either order; bases add up, and unreviewed code is not hidden by reviewed code."""
    strong = Trust(Anchor.FINALIZED, Settlement.SETTLED, frozenset({Basis.REVIEWED_CODE, Basis.VALIDITY}))
    weak = Trust(Anchor.QUORUM, Settlement.PROPOSED, frozenset({Basis.UNREVIEWED_CODE}))
    both = Trust(Anchor.QUORUM, Settlement.PROPOSED, frozenset({Basis.UNREVIEWED_CODE, Basis.VALIDITY}))
    assert strong.weakest(weak) == weak.weakest(strong) == both
    assert strong.weakest(Trust(Anchor.FINALIZED)) == strong
    assert Trust(Anchor.RPC).weakest(Trust(Anchor.RPC)).settlement is None
    assert both.word == "proposed"
    assert strong.word == "finalized"


# --- policy -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("initial", "maintenance"), [(0, 0), (PPM, PPM), (1, 0), (PPM, 0)])
def test_haircuts_at_their_bounds(initial: int, maintenance: int) -> None:
    """From nothing to everything, and never more at maintenance than at first."""
    assert Haircut(initial, maintenance).initial == initial


@pytest.mark.covers("MRG-04")
@pytest.mark.parametrize(("initial", "maintenance"), [(PPM + 1, 0), (PPM + 1, PPM + 1), (0, 1), (0, -1), (-1, -1)])
def test_no_haircut_gives_value(initial: int, maintenance: int) -> None:
    """Below nothing, above everything, or the wrong way round."""
    with pytest.raises(BadInput, match="haircut"):
        Haircut(initial, maintenance)


@pytest.mark.parametrize(("initial", "maintenance"), [(PPM, PPM), (10 * PPM, 10 * PPM), (10 * PPM, PPM)])
def test_debt_weights_at_their_bounds(initial: int, maintenance: int) -> None:
    """From once to ten times the debt."""
    assert Factors(debt_weight_initial=initial, debt_weight_maintenance=maintenance).debt_weight_initial == initial


@pytest.mark.covers("MRG-04")
@pytest.mark.parametrize(
    ("initial", "maintenance"), [(PPM, PPM - 1), (PPM - 1, PPM - 1), (PPM, PPM + 1), (10 * PPM + 1, PPM)]
)
def test_no_weight_makes_a_debt_smaller(initial: int, maintenance: int) -> None:
    """Below one, above ten, or the wrong way round."""
    with pytest.raises(BadInput, match="debt weight"):
        Factors(debt_weight_initial=initial, debt_weight_maintenance=maintenance)


@pytest.mark.covers("RPC-11")
def test_a_policy_asks_at_least_two() -> None:
    """A quorum of one is refused in configuration too."""
    assert Policy(quorum=2).quorum == 2
    with pytest.raises(BadInput, match="quorum"):
        Policy(quorum=1)


@pytest.mark.covers("HDR-12", "ROL-01")
def test_each_fact_is_asked_for_on_its_own() -> None:
    """An anchor that is taken does not carry a settlement that is not, nor the reverse."""
    taken = {
        Trust(Anchor.FINALIZED): True,
        Trust(Anchor.PINNED): True,
        Trust(Anchor.ATTESTED): False,
        Trust(Anchor.QUORUM): False,
        Trust(Anchor.RPC): False,
        Trust(Anchor.PINNED, Settlement.SETTLED): True,
        Trust(Anchor.PINNED, Settlement.NONE): True,
        Trust(Anchor.PINNED, Settlement.PROPOSED): False,
        Trust(Anchor.RPC, Settlement.SETTLED): False,
    }
    assert {trust: STRICT.takes(trust) for trust in taken} == taken
    assert [PRACTICAL.takes(Trust(anchor)) for anchor in Anchor] == [True, True, True, True, False]


def test_what_is_not_taken_counts_nothing() -> None:
    """The haircut of a trust: everything where the policy does not take it, else that of both facts compounded."""
    assert STRICT.trust_haircut(Trust(Anchor.QUORUM)) == EVERYTHING_OFF
    assert STRICT.trust_haircut(Trust(Anchor.PINNED, Settlement.PROPOSED)) == EVERYTHING_OFF
    assert STRICT.trust_haircut(Trust(Anchor.PINNED)) == NOTHING_OFF
    quorum = DEFAULT_ANCHOR_HAIRCUTS[Anchor.QUORUM]
    assert PRACTICAL.trust_haircut(Trust(Anchor.QUORUM)) == quorum
    assert PRACTICAL.trust_haircut(Trust(Anchor.QUORUM, Settlement.NONE)) == quorum
    dear = Policy(settlement_haircuts={Settlement.NONE: Haircut(PPM // 2, PPM // 2)})
    assert dear.trust_haircut(Trust(Anchor.PINNED, Settlement.NONE)) == Haircut(PPM // 2, PPM // 2)
    assert dear.trust_haircut(Trust(Anchor.PINNED)) == NOTHING_OFF
    assert dear.trust_haircut(Trust(Anchor.PINNED, Settlement.SETTLED)) == EVERYTHING_OFF  # not listed


# --- proven values ------------------------------------------------------------------------------------------


@pytest.mark.covers("PRF-08")
def test_a_proven_value_is_whole_or_not_made() -> None:
    """A field too few or too many, and it is not minted; the constructor makes none at all."""
    fields = {
        "rests_on": None,
        "network": network(),
        "state_root": ONE,
        "number": None,
        "timestamp": None,
        "trust": None,
    }
    root = mint(ProvenRoot, **fields)
    assert root.where.block is None
    assert list(trail(root)) == [root]
    with pytest.raises(TypeError, match="takes exactly"):
        mint(ProvenRoot, **{name: value for name, value in fields.items() if name != "trust"})
    with pytest.raises(TypeError, match="takes exactly"):
        mint(ProvenRoot, **fields, extra=1)
    with pytest.raises(TypeError, match="takes exactly"):
        mint(ProvenItem, **fields)
    with pytest.raises(TypeError, match="made by the verifier"):
        ProvenRoot(None)  # type: ignore[arg-type]


@pytest.mark.covers("PRF-08", "DB-01")
def test_a_proven_value_does_not_leave_its_process() -> None:
    """Pickling one is refused; what travels is its bundle."""
    import pickle

    fields = {"rests_on": None, "network": network(), "state_root": ONE, "number": 7, "timestamp": None, "trust": None}
    root = mint(ProvenRoot, **fields)
    assert root.where.block == "7"
    with pytest.raises(TypeError, match="does not leave its process"):
        pickle.dumps(root)
