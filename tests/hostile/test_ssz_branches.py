"""Branches under another index, of another depth or width, and objects that are not quite SSZ or JSON."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

import pytest

from tests.simulators.beacon import BeaconChain, SparseTree, devnet
from tests.simulators.beacon_data import config_of, load, raw
from verifier.codec.ssz import (
    Bits,
    Container,
    OctetList,
    Octets,
    Record,
    Uint,
    Vector,
    decode,
    encode,
    from_json,
    hash_tree_root,
    record_from_json,
    to_json,
)
from verifier.consensus.containers import encode_bootstrap, encode_update
from verifier.consensus.forks import INDICES, Fork
from verifier.consensus.networks import consensus_of
from verifier.consensus.parse import (
    MAX_UPDATES,
    decode_bootstrap,
    decode_finality_update,
    decode_optimistic_update,
    decode_update,
    decode_updates,
    parse_bootstrap,
    parse_finality_update,
    parse_update,
    parse_updates,
)
from verifier.consensus.shapes import Kind, shape_of
from verifier.errors import (
    BadInput,
    LimitExceeded,
    Malformed,
    MalformedBranch,
    MalformedSsz,
    MalformedUpdate,
    MissingEvidence,
    Unsupported,
    UnusedEvidence,
    VerifierError,
    Where,
    WrongHash,
)
from verifier.primitives import ChainId
from verifier.trie.binary import Gindex, below, depth_of, normalized, verify_branch, verify_normalized

WHERE = Where(network="test")
INDEX = Gindex(105)
TREE = SparseTree({105: b"\x05" * 32})
LEAF, BRANCH, ROOT = TREE.node(105), TREE.branch(105), TREE.root


def verify(leaf: bytes = LEAF, branch: tuple[bytes, ...] = BRANCH, index: int = INDEX, root: bytes = ROOT) -> None:
    verify_branch(leaf, branch, Gindex(index), root, WHERE, "the leaf")


def test_the_honest_branch_holds() -> None:
    """So that every refusal below is of one change."""
    verify()
    verify_normalized(LEAF, normalized(BRANCH, Gindex(735)), INDEX, ROOT, WHERE, "the leaf")


@pytest.mark.covers("SSZ-01")
@pytest.mark.parametrize("place", range(6))
def test_an_altered_or_swapped_sibling_is_refused(place: int) -> None:
    """One bit of any sibling; any two next to each other exchanged; the leaf itself."""
    sibling = BRANCH[place]
    with pytest.raises(WrongHash):
        verify(branch=(*BRANCH[:place], bytes((sibling[0] ^ 1,)) + sibling[1:], *BRANCH[place + 1 :]))
    if place:
        with pytest.raises(WrongHash):
            verify(branch=(*BRANCH[: place - 1], BRANCH[place], BRANCH[place - 1], *BRANCH[place + 1 :]))
    with pytest.raises(WrongHash):
        verify(leaf=b"\x06" * 32)
    with pytest.raises(WrongHash):
        verify(root=b"\x06" * 32)


@pytest.mark.covers("SSZ-01")
@pytest.mark.parametrize("cut", [0, 16, 31, 33, 48, 64])
def test_the_border_between_leaf_and_sibling_cannot_be_moved(cut: int) -> None:
    """A leaf of 16 bytes with a sibling of 48 hashes the same 64 bytes; only 32 and 32 are nodes."""
    both = BRANCH[0] + LEAF  # 105 is a right child
    with pytest.raises(BadInput):
        verify(leaf=both[cut:], branch=(both[:cut], *BRANCH[1:]))


@pytest.mark.covers("SSZ-02")
@pytest.mark.parametrize("index", [104, 106, 73, 52 * 2, 41 + 64])
def test_another_index_of_the_same_depth_is_refused(index: int) -> None:
    """The sides of the siblings are those of our index."""
    if index == INDEX:
        return
    with pytest.raises(WrongHash):
        verify(index=index)


@pytest.mark.covers("SSZ-03")
def test_the_depth_is_fixed() -> None:
    """An inner node as the leaf, the root as its own proof, a longer branch."""
    with pytest.raises(MissingEvidence):
        verify(leaf=TREE.node(52), branch=BRANCH[1:])
    with pytest.raises(MissingEvidence):
        verify(leaf=ROOT, branch=())
    with pytest.raises(UnusedEvidence):
        verify(leaf=b"\x01" * 32, branch=(b"\x02" * 32, *BRANCH))
    deeper = SparseTree({105: hashlib.sha256(LEAF + LEAF).digest(), 210: LEAF, 211: LEAF})
    with pytest.raises(UnusedEvidence):
        verify(leaf=LEAF, branch=(LEAF, *deeper.branch(105)), root=deeper.root)
    assert (depth_of(Gindex(1)), depth_of(INDEX)) == (0, 6)
    for wrong in (0, -1):
        with pytest.raises(BadInput):
            depth_of(Gindex(wrong))


@pytest.mark.covers("SSZ-04")
def test_padding_is_zero_and_a_short_branch_is_no_old_one() -> None:
    """Zeros in front of an older branch; anything else in front of it is refused, and so is too little behind."""
    padded = normalized(BRANCH, Gindex(735))
    for place in range(3):
        wrong = (*padded[:place], b"\x00" * 31 + b"\x01", *padded[place + 1 :])
        with pytest.raises(MalformedBranch):
            verify_normalized(LEAF, wrong, INDEX, ROOT, WHERE, "the leaf")
    with pytest.raises(MissingEvidence):
        verify_normalized(LEAF, BRANCH[1:], INDEX, ROOT, WHERE, "the leaf")
    with pytest.raises(MissingEvidence):
        verify_normalized(LEAF, (), INDEX, ROOT, WHERE, "the leaf")
    with pytest.raises(WrongHash):
        verify_normalized(LEAF, padded, Gindex(735), ROOT, WHERE, "the leaf")


@pytest.mark.covers("SSZ-04")
def test_the_index_is_that_of_the_attested_slot_s_fork() -> None:
    """A state of Electra proven where Deneb's leaf was, and the other way round."""
    from dataclasses import replace

    from verifier.consensus.advance import advance
    from verifier.consensus.bootstrap import start

    deneb, electra = BeaconChain(devnet((Fork.DENEB, 0))), BeaconChain(devnet((Fork.ELECTRA, 0)))
    for chain, other in ((deneb, electra), (electra, deneb)):
        state = start(chain.checkpoint(16), chain.bootstrap(16), chain.config, chain.time(16))
        wrong = chain.signed(replace(other.update(40, 24), signature=bytes(96)))
        with pytest.raises((WrongHash, MalformedBranch)):
            advance(state, wrong, chain.time(41))
        assert advance(state, chain.update(40, 24), chain.time(41)).finalized.slot == 24
    assert (INDICES[Fork.DENEB].finalized, INDICES[Fork.ELECTRA].finalized, INDICES[Fork.GLOAS].finalized) == (
        105,
        169,
        735,
    )
    assert below(Gindex(25), Gindex(44)) == 812
    assert below(Gindex(25), Gindex(28)) == 412


# --- SSZ -------------------------------------------------------------------------------------------------


PAIR = Container("Pair", (("number", Uint(8)), ("text", OctetList(32)), ("bits", Bits(9)), ("more", OctetList(8))))
PAIR_VALUE = Record(PAIR, {"number": 5, "text": b"ab", "bits": (True,) * 9, "more": b"c"})
PAIR_BYTES = encode(PAIR, PAIR_VALUE)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PAIR_BYTES[:-4],
        PAIR_BYTES[:8] + (19).to_bytes(4, "little") + PAIR_BYTES[12:],
        PAIR_BYTES[:8] + (17).to_bytes(4, "little") + PAIR_BYTES[12:],
        PAIR_BYTES[:14] + (17).to_bytes(4, "little") + PAIR_BYTES[18:],
        PAIR_BYTES[:14] + (99).to_bytes(4, "little") + PAIR_BYTES[18:],
        PAIR_BYTES[:13] + b"\x03" + PAIR_BYTES[14:],
        PAIR_BYTES + bytes(9),
    ],
)
def test_ssz_has_one_form(data: bytes) -> None:
    """Short, offsets that leave a gap, overlap, descend or run out, bits that are not there, a list too long."""
    assert decode(PAIR, PAIR_BYTES, WHERE) == PAIR_VALUE
    with pytest.raises(MalformedSsz):
        decode(PAIR, data, WHERE)


@pytest.mark.covers("SSZ-05")
def test_roots_are_those_of_the_specification_s_rules() -> None:
    """SHA-256, little-endian integers, a length mixed into lists and not into vectors, fields in order."""
    sha = lambda data: hashlib.sha256(data).digest()  # noqa: E731
    assert hash_tree_root(Uint(8), 5) == b"\x05" + bytes(31)
    assert hash_tree_root(Octets(32), b"\x07" * 32) == b"\x07" * 32
    assert hash_tree_root(Octets(48), b"\x07" * 48) == sha(b"\x07" * 48 + bytes(16))
    assert hash_tree_root(OctetList(32), b"ab") == sha(b"ab" + bytes(30) + b"\x02" + bytes(31))
    assert hash_tree_root(Bits(9), (True,) * 9) == b"\xff\x01" + bytes(30)
    assert hash_tree_root(
        Vector(Octets(32), 2), decode(Vector(Octets(32), 2), b"\x01" * 32 + b"\x02" * 32, WHERE)
    ) == sha(b"\x01" * 32 + b"\x02" * 32)
    two = Container("Two", (("a", Uint(8)), ("b", Uint(8))))
    assert hash_tree_root(two, Record(two, {"a": 1, "b": 2})) == sha(b"\x01" + bytes(31) + b"\x02" + bytes(31))


@pytest.mark.parametrize(
    "bad", [5, True, None, "", "0x5", "05", "-1", "+1", " 1", "1_0", "1.0", "18446744073709551616", "9" * 5_000, "٣"]
)
def test_json_numbers_are_decimal_strings(bad: object) -> None:
    """No other type, no sign, no leading zero, nothing beyond the width."""
    assert from_json(Uint(8), "18446744073709551615", WHERE) == 2**64 - 1
    with pytest.raises(MalformedUpdate):
        from_json(Uint(8), bad, WHERE)


@pytest.mark.parametrize(
    "bad",
    ["", "0x", "00" * 32, "0x" + "00" * 31, "0x" + "00" * 33, "0x" + "0" * 63, "0x" + "zz" * 32, 5, None, b"\x00" * 32],
)
def test_json_bytes_have_their_width(bad: object) -> None:
    """With 0x and exactly as many digits as the type has."""
    assert from_json(Octets(32), "0x" + "ab" * 32, WHERE) == b"\xab" * 32
    with pytest.raises(MalformedUpdate):
        from_json(Octets(32), bad, WHERE)


def changes(data: Any) -> dict[str, Any]:
    """One change each to the JSON of an update."""
    found: dict[str, Any] = {}

    def changed(name: str, change: Any) -> None:
        found[name] = copy.deepcopy(data)
        change(found[name])

    changed("no signature slot", lambda d: d.pop("signature_slot"))
    changed("unknown field", lambda d: d.update(more="1"))
    changed("no beacon", lambda d: d["attested_header"].pop("beacon"))
    changed("short branch", lambda d: d["finality_branch"].pop())
    changed("long branch", lambda d: d["finality_branch"].append("0x" + "00" * 32))
    changed("short node", lambda d: d["finality_branch"].__setitem__(0, "0x" + "00" * 31))
    changed("511 keys", lambda d: d["next_sync_committee"]["pubkeys"].pop())
    changed("513 keys", lambda d: d["next_sync_committee"]["pubkeys"].append("0x" + "00" * 48))
    changed("short bits", lambda d: d["sync_aggregate"].update(sync_committee_bits="0x" + "ff" * 63))
    changed("long bits", lambda d: d["sync_aggregate"].update(sync_committee_bits="0x" + "ff" * 65))
    changed("slot as a number", lambda d: d["attested_header"]["beacon"].update(slot=5))
    changed("list for a header", lambda d: d.update(finalized_header=[]))
    changed("long extra data", lambda d: d["attested_header"]["execution"].update(extra_data="0x" + "00" * 33))
    return found


@pytest.mark.covers("SSZ-03", "BLS-06")
def test_json_of_another_shape_is_refused(shared_data: object) -> None:
    """Every missing, unknown, short or long part of a real update, by the name of the place."""
    bundle = load("real/mainnet/electra-1422-balance")
    config, step = config_of(bundle), bundle["steps"][0]
    assert parse_update(config, step["fork"], step["data"]).signature_slot == 11_641_018
    for name, data in changes(step["data"]).items():
        with pytest.raises(MalformedUpdate) as caught:
            parse_update(config, step["fork"], data)
        assert caught.value.where.network == "ethereum", name
        assert len(str(caught.value)) < 500
    for data in (None, [], "x", 5, {}):
        with pytest.raises(MalformedUpdate):
            parse_update(config, "deneb", data)


def test_the_fork_beside_an_object_must_be_its_own(shared_data: object) -> None:
    """Another fork of the network is another shape or another slot; an unknown one is not supported."""
    bundle = load("real/mainnet/electra-1422-balance")
    config, step = config_of(bundle), bundle["steps"][0]
    for version in ("capella", "electra", "gloas", "Deneb", "heze", "phase0", "", None, 5):
        with pytest.raises((MalformedUpdate, Unsupported)):
            parse_update(config, version, step["data"])
    fulu = load("real/devnet/fulu-native")
    config, step = config_of(fulu), fulu["steps"][0]
    parse_update(config, "fulu", step["data"])
    with pytest.raises(MalformedUpdate) as caught:
        parse_update(config, "electra", step["data"])
    assert "a header of fulu in an object of electra" in str(caught.value)
    mixed = load("real/devnet/electra-fulu")
    config, step = config_of(mixed), mixed["steps"][0]
    parse_finality_update(config, "electra", step["data"])
    with pytest.raises(MalformedUpdate) as caught:
        parse_finality_update(config, "fulu", step["data"])
    assert "is in electra" in str(caught.value)


def test_a_header_carried_in_a_newer_shape_has_nothing_that_its_fork_had_not(shared_data: object) -> None:
    """A header of Capella in an object of Deneb has no blob gas; one of Bellatrix in Capella's has no execution part."""
    bundle = load("real/mainnet/capella-deneb-1052-1054")
    config = config_of(bundle)
    for step in bundle["steps"]:
        if step["fork"] == "deneb":
            changed = copy.deepcopy(step["data"])
            finalized = changed["finalized_header"]
            if config.fork_of(int(finalized["beacon"]["slot"])) is Fork.CAPELLA:
                finalized["execution"]["blob_gas_used"] = "1"
                with pytest.raises(MalformedUpdate):
                    parse_update(config, "deneb", changed)
            early = copy.deepcopy(step["data"])
            early["finalized_header"]["beacon"]["slot"] = "5000000"
            with pytest.raises(MalformedUpdate) as caught:
                parse_update(config, "deneb", early)
            assert "before Capella" in str(caught.value)
            late = copy.deepcopy(step["data"])
            late["finalized_header"]["beacon"]["slot"] = "12000000"
            with pytest.raises(MalformedUpdate) as caught:
                parse_update(config, "deneb", late)
            assert "electra in an object of deneb" in str(caught.value)


# --- both encodings --------------------------------------------------------------------------------------


def test_real_objects_come_back_from_ssz_and_json(shared_data: object) -> None:
    """Each kind in each fork: JSON to SSZ of its own fork and back is the same, and so is the newest form."""
    seen: set[tuple[str, str]] = set()
    for name in ("mainnet/altair-290-293", "mainnet/bellatrix-capella-757-759", "mainnet/capella-862-867",
                 "mainnet/capella-deneb-1052-1054", "mainnet/electra-1422-balance", "devnet/electra-fulu", "devnet/fulu-native"):  # fmt: skip
        bundle = load(f"real/{name}")
        config = config_of(bundle)
        given = [bundle["bootstrap"]] if bundle["bootstrap"] else []
        for item in [*given, *bundle["steps"]]:
            kind, fork = Kind(item["kind"]), Fork(item["fork"])
            if (kind, fork) in seen:
                continue
            seen.add((kind, fork))
            shape = shape_of(kind, fork, config.preset.committee_size)
            record = record_from_json(shape, item["data"], WHERE)
            assert to_json(shape, record) == item["data"]
            data = encode(shape, record)
            if kind is Kind.BOOTSTRAP:
                made = decode_bootstrap(config, fork, data)
                assert made == parse_bootstrap(config, fork.value, item["data"])
                assert decode_bootstrap(config, None, encode_bootstrap(made)) == made
            else:
                update = decode_update(config, fork, data, kind)
                assert update.kind is kind
                assert decode_update(config, None, encode_update(update), kind) == update
            for wrong in (data[:-40], data + bytes(33), b""):  # execution headers end in up to 32 bytes of any length
                with pytest.raises(MalformedSsz):
                    decode(shape, wrong, WHERE)
    assert len(seen) >= 10


def test_gloas_objects_in_every_kind() -> None:
    """Bootstrap, update, finality and optimistic update in the newest fork's own SSZ and JSON."""
    chain = BeaconChain(devnet((Fork.GLOAS, 0)))
    config = chain.config
    assert decode_bootstrap(config, Fork.GLOAS, encode_bootstrap(chain.bootstrap(16))) == chain.bootstrap(16)
    for update, decoder in (
        (chain.update(40, 24), decode_update),
        (chain.update(40, 24, committee=False), decode_finality_update),
        (chain.update(40, None, committee=False), decode_optimistic_update),
    ):
        data = encode_update(update)
        assert decoder(config, Fork.GLOAS, data) == update
        shape = shape_of(update.kind, Fork.GLOAS, 32)
        as_json = to_json(shape, decode(shape, data, WHERE))
        if update.kind is Kind.FINALITY:
            assert parse_finality_update(config, "gloas", as_json) == update
        with pytest.raises(MalformedSsz):
            decoder(config, Fork.GLOAS, data + b"\x00")


def test_a_list_of_updates_is_bounded_and_each_has_its_fork(shared_data: object) -> None:
    """More than 128, anything that is no list, and entries without their version."""
    bundle = load("real/mainnet/electra-1422-balance")
    config, step = config_of(bundle), bundle["steps"][0]
    answer = {"version": step["fork"], "data": step["data"]}
    assert len(parse_updates(config, [answer, answer])) == 2
    with pytest.raises(LimitExceeded):
        parse_updates(config, [answer] * (MAX_UPDATES + 1))
    for wrong in (answer, [5], [{"data": step["data"]}], [[answer]], None):
        with pytest.raises(MalformedUpdate):
            parse_updates(config, wrong)


@pytest.mark.parametrize("change", ["cut", "long", "digest", "short", "length", "fork", "many", "huge"])
def test_an_octet_stream_that_is_not_quite_one(shared_data: object, change: str) -> None:
    """Cut off, followed by more, another digest, a length that lies, Deneb's update under Electra's digest, too many."""
    octets = raw(load("real/mainnet/updates-1421-1422.ssz")["octets"])
    config = consensus_of(ChainId(1))
    first = 8 + int.from_bytes(octets[:8], "little")
    electra = octets[first + 8 : first + 12]
    wrong = {
        "cut": octets[:-1],
        "long": octets + b"\x00",
        "digest": octets[:8] + b"\x00\x00\x00\x00" + octets[12:],
        "short": (3).to_bytes(8, "little") + octets[8:],
        "length": (first - 7).to_bytes(8, "little") + octets[8:],
        "fork": octets[:8] + electra + octets[12:],
        "many": octets[:first] * (MAX_UPDATES + 1),
        "huge": bytes(8 * 1024 * 1024),
    }[change]
    assert len(decode_updates(config, octets)) == 2
    assert decode_updates(config, b"") == ()
    with pytest.raises((MalformedSsz, Unsupported, LimitExceeded, MalformedUpdate)):
        decode_updates(config, wrong)


def test_no_changed_byte_of_an_update_survives(shared_data: object) -> None:
    """A seeded sample of single changed bytes: the object does not parse, or it no longer proves anything."""
    import random

    from verifier.consensus.advance import advance
    from verifier.consensus.bootstrap import start

    chain = BeaconChain(devnet((Fork.FULU, 0)))
    state = start(chain.checkpoint(16), chain.bootstrap(16), chain.config, chain.time(16))
    good = chain.update(40, 24)
    data = encode_update(good)
    signature_slot = range(len(data) - 8, len(data))
    picker = random.Random(20_261)
    for place in picker.sample([i for i in range(len(data)) if i not in signature_slot], 150):
        wrong = data[:place] + bytes((data[place] ^ (1 << picker.randrange(8)),)) + data[place + 1 :]
        with pytest.raises(VerifierError):
            advance(state, decode_update(chain.config, None, wrong), chain.time(41))
    for length in range(0, len(data), 97):
        with pytest.raises(Malformed):
            decode_update(chain.config, None, data[:length])
