"""Signed prices: an update that a quorum of guardians signed gives what they signed, and any other one is refused by name."""

from __future__ import annotations

from itertools import count

import pytest
from eth_keys.datatypes import PrivateKey

from tests.nodes.protocols import wormhole
from tests.simulators.guardians import ETH_USD, PYTH, Feed, Guardians, packed, tree, wrap
from tests.verifier.assets.reading import now, raw
from verifier.assets.reader import Planning
from verifier.claims import PriceClaim
from verifier.crypto.secp256k1 import ORDER
from verifier.errors import (
    BadAttestation,
    BadInput,
    BadPrice,
    Malformed,
    MalformedAttestation,
    MalformedSigned,
    MissingEvidence,
    NotThere,
    ProofError,
    TooFewSigners,
    TooOld,
    UnreviewedMeaning,
    VerifierError,
    Where,
    WrongBinding,
    WrongHash,
    WrongSignature,
)
from verifier.policy import Signers
from verifier.positions import PositionKind, position
from verifier.prices.pyth import parse_update
from verifier.prices.source import read_price
from verifier.primitives import Address, ChainId, Timestamp

NOW = 1_800_000_010
SET = Guardians()
FEED = Feed(3_000 * 10**8, 2 * 10**8)
OTHERS = [Feed(5 * 10**8, id=bytes([i]) * 32) for i in range(1, 5)]
CORE = Address(b"\xc0" * 20)


def signers_of(guardians):
    return Signers(guardians.number, tuple(Address(a) for a in guardians.addresses))


def claim_of(contract=CORE, chain=1, **given):
    return PriceClaim(ChainId(chain), "ETH", "USD", contract, position(PositionKind.PYTH, **({"id": ETH_USD} | given)))


def price_of(*updates, believed=SET, at=NOW, **given):
    reader = Planning({}, {}, Timestamp(at), Where(network="net"))
    reader.updates = updates
    reader.signers = {"guardians": signers_of(believed)}
    return read_price(claim_of(**({"signers": "guardians"} | given)), reader)


def test_what_a_quorum_signed_is_what_it_signed():
    """Price, interval, time and who signed; out of an update with several feeds, at any depth of the tree."""
    for feeds in ([FEED], [FEED, OTHERS[0]], [*OTHERS[:2], FEED], [*OTHERS, FEED]):
        said = price_of(SET.update(*feeds))
        assert (said.price, said.interval, said.at) == (3_000 * 10**18, 2 * 10**18, FEED.time)
        assert said.signed_by == SET.addresses[1:14]
        assert said.signers.quorum == len(said.signed_by) == 13


@pytest.mark.parametrize(("size", "quorum"), [(1, 1), (2, 2), (3, 3), (4, 3), (6, 5), (7, 5), (19, 13), (20, 14)])
def test_a_quorum_is_more_than_two_thirds(size, quorum):
    """One fewer is too few, in sets of any size."""
    guardians = SET.but(size=size)
    assert price_of(guardians.but(who=tuple(range(quorum))).update(FEED), believed=guardians).price
    short = guardians.but(who=tuple(range(quorum - 1))).update(FEED)
    with pytest.raises(TooFewSigners, match=f"{quorum - 1} of {size} guardians signed; {quorum} are needed"):
        price_of(short, believed=guardians)


STRANGER = PrivateKey(b"\x07" * 32)
SIGNED_WRONGLY = [
    (SET.but(other={5: STRANGER}), WrongSignature, "the signature is not that of key"),
    (SET.but(other={5: SET.keys[6]}), WrongSignature, "the signature is not that of key"),
    (SET.but(who=(1, 1, *range(2, 14))), MalformedSigned, "guardians ascend"),
    (SET.but(who=(2, 1, *range(3, 15))), MalformedSigned, "guardians ascend"),
    (SET.but(who=(*range(1, 13), 19)), MalformedSigned, "the set has 19 guardians"),
    (SET.but(who=()), TooFewSigners, "0 of 19"),
    (SET.but(version=2), MalformedSigned, "version 1 is due"),
    (SET.but(number=3), WrongBinding, "the set of guardians"),
    (SET.but(chain=1), WrongBinding, "the emitter: asked for '26:"),
    (SET.but(emitter=b"\1" * 32), WrongBinding, "the emitter: asked for '26:"),
    (SET.but(seed="another"), WrongSignature, "the signature is not that of key"),
]  # fmt: skip


@pytest.mark.parametrize(("guardians", "error", "said"), SIGNED_WRONGLY)
def test_what_others_signed_is_refused(guardians, error, said):
    """Another key, a guardian twice or out of order or unknown, another set, version or emitter."""
    with pytest.raises(error, match=said):
        price_of(guardians.update(FEED))


def test_another_emitter_counts_where_the_claim_names_it():
    """The emitter is part of the question; Pyth's own is only what is meant unless told."""
    other = SET.but(chain=1, emitter=b"\1" * 32)
    assert price_of(other.update(FEED), emitter_chain=1, emitter=b"\1" * 32).price == 3_000 * 10**18
    with pytest.raises(WrongBinding, match="the emitter"):
        price_of(SET.update(FEED), emitter_chain=1, emitter=b"\1" * 32)
    assert other.emitter != PYTH


def test_a_price_that_is_under_no_signed_root_is_refused():
    """Another price, another proof, or a root that others made."""
    update = SET.update(FEED, *OTHERS)
    forged = update.replace(FEED.raw, Feed(4_000 * 10**8, 2 * 10**8).raw)
    with pytest.raises(WrongHash, match="the price with its proof"):
        price_of(forged)
    with pytest.raises(WrongHash, match="the price with its proof"):
        price_of(SET.update(FEED, root=b"\5" * 20))
    root, ways = tree([FEED.raw, OTHERS[0].raw])
    message = SET.message(packed(b"AUWV", (0, 1), (7, 8), (9, 4), root))
    assert price_of(wrap(message, [(FEED.raw, ways[0])])).price
    for way in ([], ways[1], [*ways[0], bytes(20)]):
        with pytest.raises(WrongHash, match="the price with its proof"):
            price_of(wrap(message, [(FEED.raw, way)]))


def test_a_leaf_is_no_node():
    """Two nodes put together and called a price are not one: leaves and nodes are hashed apart."""
    root, _ = tree([FEED.raw, OTHERS[0].raw])
    message = SET.message(packed(b"AUWV", (0, 1), (7, 8), (9, 4), root))
    inner = b"".join(sorted(tree([leaf])[0] for leaf in (FEED.raw, OTHERS[0].raw)))
    with pytest.raises(MalformedSigned, match="a price of an update"):
        price_of(wrap(message, [(b"\0" + inner, [])]))


@pytest.mark.parametrize(
    ("feed", "said"),
    [
        (Feed(0), "not above zero"),
        (Feed(-1), "not above zero"),
        (Feed(-(2**63)), "not above zero"),
        (Feed(5, exponent=1), "an exponent from -18 to 0"),
        (Feed(5, exponent=-19), "an exponent from -18 to 0"),
        (Feed(5, exponent=-(2**31)), "an exponent from -18 to 0"),
    ],
)
def test_what_is_signed_and_no_price_is_refused(feed, said):
    """A signed number is read as one; nothing at or below zero is a price, and no exponent takes a digit away."""
    with pytest.raises(BadPrice, match=said):
        price_of(SET.update(feed))


@pytest.mark.parametrize("exponent", [-18, -8, -1, 0])
def test_every_exponent_within_the_scale_is_exact(exponent):
    """The price is the signed number times ten to its exponent, to the last digit."""
    said = price_of(SET.update(Feed(1_234_567, 7, exponent)))
    assert said.price == 1_234_567 * 10 ** (18 + exponent)
    assert said.interval == 7 * 10 ** (18 + exponent)


def test_the_newest_that_is_not_after_the_moment_counts():
    """An update from after the moment is none; of two the later one, in whatever order they lie."""
    old, new = (SET.update(Feed(p * 10**8, time=t)) for p, t in ((10, NOW - 100), (20, NOW - 5)))
    late = SET.update(Feed(30 * 10**8, time=NOW + 1))
    for order in ((old, new, late), (late, new, old)):
        assert price_of(*order).price == 20 * 10**18
    assert price_of(*order, at=NOW - 6).price == 10 * 10**18
    assert price_of(late, at=NOW + 1).price == 30 * 10**18
    with pytest.raises(MissingEvidence, match="a signed update of feed 0xff61"):
        price_of(late)


def test_another_feed_is_another_question():
    """The feed is pinned by its id; without an update of it there is no price."""
    with pytest.raises(MissingEvidence, match="a signed update of feed 0x0505"):
        price_of(SET.update(FEED), id=b"\5" * 32)
    with pytest.raises(MissingEvidence, match="a signed update of feed"):
        price_of()
    with pytest.raises(UnreviewedMeaning, match="names no signers 'strangers'"):
        price_of(SET.update(FEED), signers="strangers")
    with pytest.raises(BadInput, match="the parameter id"):
        read_price(
            PriceClaim(ChainId(1), "ETH", "USD", CORE, position(PositionKind.PYTH)),
            Planning({}, {}, Timestamp(NOW), Where()),
        )


MARKS = {
    "mark": (0, b"X", "the mark of an update"),
    "version": (4, b"\2", "the version of an update"),
    "further": (6, b"\1", "the length of a further header"),
    "kind": (7, b"\1", "the kind of an update"),
}


@pytest.mark.parametrize("name", MARKS)
def test_an_update_of_another_kind_is_refused(name):
    """What we do not know is not passed over; the minor version says nothing."""
    place, told, said = MARKS[name]
    update = SET.update(FEED)
    with pytest.raises(MalformedSigned, match=said):
        price_of(update[:place] + told + update[place + 1 :])
    assert price_of(update[:5] + b"\7" + update[6:]).price


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (packed(b"AUWX", (0, 1), (7, 8), (9, 4), bytes(20)), "the mark of a payload"),
        (packed(b"AUWV", (1, 1), (7, 8), (9, 4), bytes(20)), "the kind of a payload"),
        (packed(b"AUWV", (0, 1), (7, 8), (9, 4), bytes(21)), "bytes follow the payload"),
        (packed(b"AUWV", (0, 1), (7, 8), (9, 4), bytes(19)), "the payload of an update ends too soon"),
        (b"", "the payload of an update ends too soon"),
    ],
)
def test_a_payload_of_another_kind_is_refused(payload, said):
    """What the guardians signed must be a root of prices, and nothing more."""
    with pytest.raises(MalformedSigned, match=said):
        parse_update(wrap(SET.message(payload), []), Where())


def test_a_price_of_another_kind_is_refused():
    """An average over time is another message; a longer price holds what we do not know."""
    with pytest.raises(MalformedSigned, match="the kind of a price"):
        price_of(SET.update(Feed(5, kind=1)))
    root, ways = tree([FEED.raw + bytes(8)])
    message = SET.message(packed(b"AUWV", (0, 1), (7, 8), (9, 4), root))
    with pytest.raises(MalformedSigned, match="bytes follow a price"):
        price_of(wrap(message, [(FEED.raw + bytes(8), ways[0])]))


def test_no_single_byte_survives_a_change():
    """Every byte of an update, changed by one bit, is refused, or left the price, its time and its signers as they were."""
    small = SET.but(size=4)
    update = small.update(FEED, OTHERS[0], take=1)
    whole, unread = price_of(update, believed=small), 0
    for place in range(len(update)):
        changed = bytearray(update)
        changed[place] ^= 1
        try:
            said = price_of(bytes(changed), believed=small)
        except (Malformed, ProofError, BadPrice, TooFewSigners):
            continue
        assert said == whole, place
        unread += 1
    assert unread == 1, "the minor version alone"


def test_an_update_that_is_cut_or_longer_is_refused():
    """At whatever place it ends, and with anything behind it."""
    small = SET.but(size=4)
    update = small.update(FEED)
    for end in range(len(update)):
        with pytest.raises(MalformedSigned):
            price_of(update[:end], believed=small)
    with pytest.raises(MalformedSigned, match="bytes follow an update"):
        price_of(update + b"\0", believed=small)


def test_a_signature_has_one_spelling():
    """The mirror image of a signature, and recovery values that are none, are refused as everywhere."""
    small = SET.but(size=1, who=(0,))
    update = small.update(FEED)
    assert price_of(update, believed=small).price
    start = 8 + 2 + 6 + 1
    signature = update[start : start + 65]
    mirrored = signature[:32] + (ORDER - int.from_bytes(signature[32:64], "big")).to_bytes(32, "big")
    other = bytes([1 - signature[64]])
    for told, error in (
        (mirrored + other, MalformedAttestation),
        (signature[:64] + b"\x1b", MalformedAttestation),
        (signature[:64] + b"\xff", MalformedAttestation),
        (bytes(64) + b"\0", MalformedAttestation),
        ((5).to_bytes(32, "big") + signature[32:64] + b"\0", BadAttestation),
    ):
        with pytest.raises(error):
            price_of(update[:start] + told + update[start + 65 :], believed=small)


@pytest.mark.parametrize(
    ("number", "keys"), [(0, ()), (0, (CORE, CORE)), (1 << 32, (CORE,)), (-1, (CORE,)), (0, (CORE,) * 256)]
)
def test_what_is_no_set_of_signers_is_refused(number, keys):
    """At least one, each once, and a number that a message can name."""
    assert Signers(0, (CORE,)).quorum == 1
    with pytest.raises(BadInput, match="signers"):
        Signers(number, keys)


# --- under a core contract -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def core(protocols):
    return wormhole.deploy(protocols.node, SET)


def proven(core, update, **given):
    node = core.core.node
    seen = now(node)
    return seen, seen.price(claim_of(raw(core.core.address), node.chain_id, **given), (update,))


def fresh(core, price=3_000 * 10**8):
    return Feed(price, time=int(core.core.node.block()["timestamp"], 16))


def test_the_set_is_the_one_that_the_core_contract_keeps(core):
    """Its keys in their order, in two rounds of questions; and the price that they signed."""
    seen, said = proven(core, core.guardians.update(fresh(core)))
    assert said.price == 3_000 * 10**18
    held = core.core.view("getGuardianSet(uint32)((address[],uint32))", 0)
    assert [raw(key) for key in held[0]] == list(said.signers.keys) == list(core.guardians.addresses)
    assert said.word is not None
    assert seen.rounds == 2


def test_a_set_that_the_contract_does_not_keep_is_refused(core, protocols):
    """A number that it never had, other keys under its own number, and a place without a contract."""
    with pytest.raises(BadPrice, match="no set 9 of guardians"):
        proven(core, SET.but(number=9).update(fresh(core)))
    with pytest.raises(WrongSignature):
        proven(core, SET.but(number=0, seed="another").update(fresh(core)))
    node = protocols.node
    with pytest.raises(NotThere, match="the contract's code"):
        now(node).price(claim_of(b"\x99" * 20, node.chain_id), (SET.update(fresh(core)),))


def test_a_set_that_was_replaced_counts_until_it_expires(protocols):
    """As the contract itself says: the next set counts at once, the one before for a day more."""
    core = wormhole.deploy(protocols.node, SET)
    first, second = core.guardians, SET.but(number=1, size=7, seed="next")
    core.follow(second)
    for guardians in (first, second):
        message = guardians.message(b"x")
        assert core.judges(message)
        assert proven(core, guardians.update(fresh(core)))[1].signers.keys == guardians.addresses
    until = core.core.view("getGuardianSet(uint32)((address[],uint32))", 0)[1]
    for second_left, stands in ((0, True), (-1, False)):
        protocols.node.rpc("evm_setNextBlockTimestamp", hex(until - second_left))
        protocols.node.mine()
        assert core.judges(first.message(b"x")) is stands
        if stands:
            assert proven(core, first.update(fresh(core)))[1].price
    with pytest.raises(TooOld, match="the time since set 0 of guardians expired is 1 s"):
        proven(core, first.update(fresh(core)))
    assert proven(core, second.update(fresh(core)))[1].price


def test_the_contract_takes_what_we_take(core):
    """Over right and wrong messages alike, the core contract's own verdict is ours."""
    numbers, verdicts = count(), {True: 0, False: 0}
    base = core.guardians
    told = [base.but(**g.__dict__ | {"number": 0}) for g, _, _ in SIGNED_WRONGLY if g.number == 4]
    told += [base.but(who=who) for who in (tuple(range(19)), tuple(range(6, 19)), tuple(range(12)))]
    for guardians in told:
        payload = packed(b"AUWV", (0, 1), (next(numbers), 8), (9, 4), tree([fresh(core).raw])[0])
        message = guardians.message(payload)
        ours = _taken(core, wrap(message, [(fresh(core).raw, [])]), guardians)
        assert core.judges(message) is ours
        verdicts[ours] += 1
    assert min(verdicts.values()) >= 3, verdicts


def _taken(core, update, guardians):
    try:
        proven(core, update, emitter_chain=guardians.chain, emitter=guardians.emitter)
    except VerifierError:
        return False
    return True
