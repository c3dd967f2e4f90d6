"""Claims read by a call: whose word counts, what a layout beside it must say, and the bundle that carries them."""

from __future__ import annotations

import dataclasses

import cbor2
import pytest

from tests.simulators.evm_world import TO, Account, EvmWorld
from tests.simulators.trie_builder import keccak
from verifier.assets.call import balance_reading
from verifier.calls import Call
from verifier.claims import (
    Asset,
    CallReading,
    Claim,
    ClaimKind,
    CodePin,
    Guard,
    KnownAsset,
    PriceClaim,
    Source,
    TokenLayout,
)
from verifier.codec.abi import encode_values, selector
from verifier.crypto.keccak import keccak256
from verifier.errors import (
    BadInput,
    BadPrice,
    CallFailed,
    CallTooLarge,
    CrossCheckFailed,
    MalformedBundle,
    MissingEvidence,
    MissingNode,
    NotUsable,
    UnreviewedCode,
    UnreviewedMeaning,
    UnusedEvidence,
)
from verifier.positions import PositionKind, position
from verifier.primitives import Address, ChainId, Hash32, slot_key
from verifier.proven import ProvenAmount, ProvenCall, ProvenPrice, trail
from verifier.trust import Basis
from verifier.verify import Refusal, verify_bundle
from verifier.verify_calls import call_claim, verify_calls
from verifier.view import encode_view, parse_view
from verifier.wire import content_id, encode_bundle, parse_bundle

HOLDER = Address(b"\xa1" * 20)
TOKEN = bytes.fromhex("6004355f525f60205260405f20545f5260205ff3")
"""Returns the word at mapping(argument) of slot 0: a balanceOf for anyone who asks anything."""
SLOT = int.from_bytes(keccak(bytes(12) + HOLDER + bytes(32)), "big")
LAYOUT = TokenLayout(slot_key(0))


def world(code: bytes = TOKEN, amount: int = 777) -> EvmWorld:
    return EvmWorld({TO: Account(code, {SLOT: amount})})


def asset(layout: TokenLayout | None = None) -> Asset:
    return Asset(ChainId(1), "TOK", 6, "TOK", TO, layout)


def claim(reading: CallReading | None = None, source: Source = Source.USER, layout: TokenLayout | None = None) -> Claim:
    return Claim(asset(layout), HOLDER, ClaimKind.HOLDING, source, reading or balance_reading(TO, HOLDER))


def known(code: bytes = TOKEN, layout: TokenLayout = LAYOUT) -> dict:
    pinned = KnownAsset(asset(layout), (CodePin(Hash32(keccak256(code))),), "a test", Source.REVIEWED)
    return {pinned.asset.key: pinned}


def outcome(made: EvmWorld, one: Claim, *accepted: Address, meanings=None, **bundle):
    (found,) = verify_bundle(
        encode_bundle(made.bundle([one], **bundle)), made.checker(*accepted, meanings=meanings)
    ).outcomes
    return found


def error(*args, **more) -> Exception:
    found = outcome(*args, **more)
    assert isinstance(found, Refusal)
    return found.error


# --- whose word ------------------------------------------------------------------------------------------


def test_a_call_into_unknown_code_needs_the_policys_word():
    """Refused by default; taken where the policy names the contract, and marked for what it is."""
    assert isinstance(error(world(), claim()), UnreviewedMeaning)
    found = outcome(world(), claim(), TO)
    assert isinstance(found, ProvenAmount) and found.amount == 777
    assert found.trust.bases == {Basis.UNREVIEWED_CODE}
    assert [type(step).__name__ for step in trail(found)][:3] == ["ProvenAmount", "ProvenCall", "ProvenHeader"]


def test_a_reviewed_tokens_own_balance_call_needs_no_more():
    """The registry knows the code; every account whose code ran has a reviewed hash."""
    found = outcome(world(), claim(source=Source.REVIEWED), meanings=known())
    assert isinstance(found, ProvenAmount) and found.trust.bases == {Basis.REVIEWED_CODE}


def test_other_code_behind_a_reviewed_token_is_refused():
    """An upgrade is a policy line: named there, the call is taken, as unreviewed."""
    upgraded = TOKEN + b"\x00"
    assert isinstance(error(world(upgraded), claim(source=Source.REVIEWED), meanings=known()), UnreviewedCode)
    found = outcome(world(upgraded), claim(source=Source.REVIEWED), TO, meanings=known())
    assert isinstance(found, ProvenAmount) and found.trust.bases == {Basis.UNREVIEWED_CODE}


def test_another_function_of_a_reviewed_token_is_its_makers_word():
    """A bundle cannot call totalSupply a balance: what a function means is for the checker to say."""
    data = selector("totalSupply(address)") + encode_values("(address)", [HOLDER])
    one = claim(CallReading(Call(TO, data)), source=Source.REVIEWED)
    assert isinstance(error(world(), one, meanings=known()), UnreviewedMeaning)
    assert "says more of it" in str(error(world(), one, TO, meanings=known()))
    typed = dataclasses.replace(one, source=Source.USER)
    assert isinstance(outcome(world(), typed, TO, meanings=known()), ProvenAmount)


def test_a_call_of_another_contract_than_the_assets_cannot_be_written_down():
    """The call's target is not in the bundle: it is the asset's contract."""
    stray = claim(CallReading(Call(Address(b"\x77" * 20), b"")))
    again = parse_bundle(encode_bundle(world().bundle([stray]))).bundle.claims[0]
    assert again.reading is not None and again.reading.call.to == TO  # type: ignore[union-attr]


# --- the figure ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "returns", "index", "expected"),
    [
        ("5f5ffd", "(uint256)", 0, CallFailed),
        ("fe", "(uint256)", 0, CallFailed),
        ("00", "(uint256)", 0, NotUsable),
        ("5f195f5260205ff3", "(int256)", 0, NotUsable),
        ("5f195f5260205ff3", "(uint128)", 0, NotUsable),
        ("60015f5260205ff3", "(bool)", 0, NotUsable),
        ("60015f5260205ff3", "(uint256)", 1, NotUsable),
    ],
    ids=["revert", "halt", "no bytes", "negative", "too wide", "no integer", "past the end"],
)
def test_what_is_no_amount_is_refused(code, returns, index, expected):
    """A revert, a halt, other bytes than claimed, a negative number: proven, and no figure."""
    bare = EvmWorld({TO: Account(bytes.fromhex(code))})
    found = error(bare, claim(CallReading(Call(TO, b"\x01\x02\x03\x04"), returns, index)), TO)
    assert type(found) is expected


def test_one_of_several_values_is_taken():
    """The index says which."""
    code = bytes.fromhex("60015f5260026020526003604052" + "60605ff3")
    found = outcome(EvmWorld({TO: Account(code)}), claim(CallReading(Call(TO, b""), "(uint256,uint8,int24)", 2)), TO)
    assert isinstance(found, ProvenAmount) and found.amount == 3


# --- cross-check -----------------------------------------------------------------------------------------


def test_layout_and_call_agree_or_the_claim_is_refused():
    """Both are read; a layout that the code does not use gives another figure, and both figures are told."""
    found = outcome(world(), claim(layout=LAYOUT), TO)
    assert isinstance(found, ProvenAmount) and found.amount == 777
    wrong = TokenLayout(slot_key(0), width_bits=248, offset_bits=8, other_bits=255)
    refused = error(world(), claim(layout=wrong), TO)
    assert isinstance(refused, CrossCheckFailed) and (refused.layout, refused.call) == (777 >> 8, 777)
    both = outcome(world(), claim(source=Source.REVIEWED, layout=LAYOUT), meanings=known())
    assert isinstance(both, ProvenAmount) and both.trust.bases == {Basis.REVIEWED_CODE}


# --- the bundle ------------------------------------------------------------------------------------------


MASKED = bytes.fromhex("6004355f525f60205260405f20547f7f" + "ff" * 31 + "165f5260205ff3")
"""The same token, which keeps a holder's flag in the balance word's top bit and does not tell it."""


@pytest.mark.parametrize("layout", [LAYOUT, None], ids=["layout and call", "call alone"])
def test_a_call_does_not_lead_past_the_flags_of_reviewed_code(layout):
    """What a token says of a holder whom it has blocked, or while it does not answer, counts by no way of reading."""
    flagged, guard = dataclasses.replace(LAYOUT, blocked_bit=255), Guard(slot_key(3), 1, "the token has moved")
    asked = claim(source=Source.REVIEWED, layout=None if layout is None else flagged)
    meanings = known(MASKED, flagged)
    blocked = EvmWorld({TO: Account(MASKED, {SLOT: 777 | 1 << 255})})
    found = outcome(world(MASKED), asked, meanings=meanings)
    assert isinstance(found, ProvenAmount) and found.amount == 777 and found.trust.bases == {Basis.REVIEWED_CODE}
    refused = error(blocked, asked, meanings=meanings)
    assert isinstance(refused, NotUsable) and "blocked" in str(refused)

    meanings = {key: dataclasses.replace(one, guards=(guard,)) for key, one in known(TOKEN).items()}
    asked = claim(source=Source.REVIEWED, layout=layout)
    assert isinstance(outcome(world(), asked, meanings=meanings), ProvenAmount)
    refused = error(EvmWorld({TO: Account(TOKEN, {SLOT: 777, 3: 1})}), asked, meanings=meanings)
    assert isinstance(refused, NotUsable) and "moved" in str(refused)


def test_code_that_no_call_asked_for_is_refused():
    """As nodes are: there is one form of a bundle."""
    assert isinstance(error(world(), claim(), TO, codes=[TOKEN, b"\x60\x01"]), UnusedEvidence)
    assert isinstance(error(world(), claim(), TO, codes=[b"\x60\x01"]), MissingEvidence)


def reseal(data: bytes, change) -> bytes:
    magic, version, _, body = cbor2.loads(data)
    tree = cbor2.loads(body)
    change(tree)
    body = cbor2.dumps(tree, canonical=True)
    return cbor2.dumps([magic, version, bytes(content_id(body)), body], canonical=True)


def call_part(tree) -> dict:
    return tree["claims"][0][4]["call"]


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.update(codes=[]),
        lambda t: t["sections"][0].update(codes=[]),
        lambda t: t["sections"][0].pop("codes"),
        lambda t: t.update(codes=[t["codes"][0], t["codes"][0]]),
        lambda t: t.update(codes=[t["codes"][0], b"\x00"]),
        lambda t: t["sections"][0].update(codes=[1]),
        lambda t: call_part(t).update(sender=bytes(20)),
        lambda t: call_part(t).update(gas=20_000),
        lambda t: call_part(t).update(gas=60_000_000),
        lambda t: call_part(t).update(returns="(uint)"),
        lambda t: call_part(t).update(returns="uint256"),
        lambda t: call_part(t).update(index=256),
        lambda t: call_part(t).update(to=bytes(20)),
        lambda t: call_part(t).pop("gas"),
        lambda t: t["claims"][0][4].update(also={}),
        lambda t: t["claims"][0].pop(),
        lambda t: t["assets"][0].pop("contract"),
        lambda t: t["claims"].append(t["claims"][0]),
    ],
)
def test_a_bundle_with_calls_has_one_form(change):
    """Empty parts, parts out of order, repeated or unknown, a call out of bounds: not a bundle."""
    data = encode_bundle(world().bundle([claim()]))
    assert parse_bundle(reseal(data, lambda t: None))
    with pytest.raises((MalformedBundle, BadInput)):
        parse_bundle(reseal(data, change))


def test_the_view_carries_calls_and_code():
    """JSON and back gives the same bytes; a changed view is refused."""
    one = claim(CallReading(Call(TO, b"\x01\x02", Address(b"\x05" * 20), 50_000), "(uint256,int24)", 1))
    data = encode_bundle(world().bundle([one]))
    text = encode_view(data)
    assert '"codes"' in text and '"sender"' in text
    assert parse_view(text) == data
    for old, new in (('"index": 1', '"index": 0'), ('"gas": 50000', '"gas": 50001')):
        assert old in text
        with pytest.raises(MalformedBundle):
            parse_view(text.replace(old, new))


def test_calls_of_a_bundle_are_verified_without_a_meaning():
    """For relayers: what each call answered, with no policy line; a bundle with other claims is none of calls."""
    made = world()
    data = encode_bundle(made.bundle([call_claim(ChainId(1), balance_reading(TO, HOLDER).call)]))
    found = verify_calls(data, made.checker())
    (answer,) = found.outcomes
    assert isinstance(answer, ProvenCall) and int.from_bytes(answer.output, "big") == 777
    other = dataclasses.replace(claim(layout=LAYOUT), reading=None)
    with pytest.raises(BadInput, match="bundle of calls"):
        verify_calls(encode_bundle(made.bundle([other])), made.checker())
    priced = dataclasses.replace(
        made.bundle([call_claim(ChainId(1), balance_reading(TO, HOLDER).call)]), prices=(PRICE,)
    )
    with pytest.raises(BadInput, match="bundle of calls"):
        verify_calls(encode_bundle(priced), made.checker())
    extra = verify_calls(
        encode_bundle(made.bundle([call_claim(ChainId(1), balance_reading(TO, HOLDER).call)], codes=[TOKEN, b"\x01"])),
        made.checker(),
    )
    assert isinstance(extra.outcomes[0], Refusal) and isinstance(extra.outcomes[0].error, UnusedEvidence)


# --- prices ----------------------------------------------------------------------------------------------

ROUND = bytes.fromhex("60075f52" + "6305f5e1006020526001604052" + "6365000000606052" + "600760805260a05ff3")
"""Returns (7, 100_000_000, 1, 0x65000000, 7): a feed's latest round, for anyone who asks anything."""
FUNCTION = "latestRoundData()(uint80,int256,uint256,uint256,uint80)"


PRICE = PriceClaim(ChainId(1), "TOK", "USD", TO, position(PositionKind.CALL, function=FUNCTION, decimals=8, index=1))


def price_of(made: EvmWorld, *accepted: Address, **given):
    how = position(PositionKind.CALL, **{"function": FUNCTION, "decimals": 8, "index": 1, "time": 3, **given})
    one = PriceClaim(ChainId(1), "TOK", "USD", TO, how)
    bundle = dataclasses.replace(made.bundle([]), prices=(one,))
    (found,) = verify_bundle(encode_bundle(bundle), made.checker(*accepted)).prices
    return found


def test_a_price_is_what_a_contracts_own_function_returns():
    """One of its values is the price, another the time it speaks of; the policy names the contract."""
    made = EvmWorld({TO: Account(ROUND)})
    found = price_of(made, TO)
    assert isinstance(found, ProvenPrice) and (found.price, found.at) == (10**18, 0x65000000)
    assert isinstance(found.rests_on, ProvenCall)
    assert isinstance(price_of(made).error, UnreviewedMeaning)


def test_a_contract_that_the_policy_does_not_name_is_not_run_for_a_price():
    """A bundle's own contract would choose how long its checker works: it is refused before anything of it is read."""
    endless = EvmWorld({TO: Account(bytes.fromhex("5b5f56"))})
    assert isinstance(price_of(endless, TO).error, CallTooLarge | CallFailed)
    bare = dataclasses.replace(endless.bundle([]), prices=(PRICE,), codes=(), nodes=())
    section = dataclasses.replace(bare.sections[0], nodes=(), codes=())
    data = encode_bundle(dataclasses.replace(bare, sections=(section,)))
    (unnamed,) = verify_bundle(data, endless.checker()).prices
    (named,) = verify_bundle(data, endless.checker(TO)).prices
    assert isinstance(unnamed.error, UnreviewedMeaning)
    assert isinstance(named.error, MissingNode)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"index": 9}, NotUsable),
        ({"decimals": 36}, BadPrice),
        ({"function": "f(uint256)(uint256)"}, BadInput),
        ({"odd": 1}, BadInput),
    ],
    ids=["no such value", "nothing left", "no argument", "unknown parameter"],
)
def test_what_is_no_price_is_refused(given, expected):
    """A value that is not there, a price below any, a function without its arguments: each by its name."""
    assert isinstance(price_of(EvmWorld({TO: Account(ROUND)}), TO, **given).error, expected)
