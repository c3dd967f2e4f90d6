"""What a call may read, what the block around it looks like, and what the machine makes of it."""

from __future__ import annotations

from hashlib import sha256

import pytest
from eth_account import Account as Signer

from tests.simulators.chain import HISTORY, SimChain
from tests.simulators.evm_world import OTHER, TO, Account, EvmWorld, call, returns_top
from tests.simulators.trie_builder import keccak
from tests.verifier.evm.running import run, top
from verifier.calls import DEFAULT_CALL_LIMITS
from verifier.crypto.secp256k1 import FIELD, ORDER, recover
from verifier.errors import BrokenAncestry, MissingEvidence, MissingNode
from verifier.evm.call import BlockHashes, CodeTable, Reader, verify_call
from verifier.forks import Fork
from verifier.headers.ancestry import verify_parent
from verifier.primitives import Address, Hash32
from verifier.proven import Ended

# --- reads -----------------------------------------------------------------------------------------------


G_X = 0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798
"""The first coordinate of the curve's generator, whose second is even."""


def test_what_was_read_is_proven_and_told():
    """A call's trail names every account and word that it read, and the code that ran."""
    done = run(returns_top(bytes.fromhex("600754")), account={"storage": {7: 99}})
    assert int.from_bytes(done.output, "big") == 99
    assert [type(read).__name__ for read in done.reads] == ["ProvenAccount", "ProvenWord"]
    assert list(done.code_hashes) == [TO]


@pytest.mark.parametrize(
    ("code", "storage"),
    [("600754", {7: 1, 8: 2}), ("73" + OTHER.hex() + "31", {}), ("73" + OTHER.hex() + "3b", {})],
    ids=["word", "balance", "code size"],
)
def test_no_read_outside_the_evidence_is_zero(code, storage):
    """With any one node left out the call is refused, and the refusal names the account or the slot."""
    world = EvmWorld({TO: Account(returns_top(bytes.fromhex(code)), storage), OTHER: Account(b"\x00", {}, 5)})
    full = world.section()
    verify_call(world.header, call(), full, full.codes)
    for node in world.evidence():
        state = world.section(without=node)
        if Hash32(keccak(node)) in full.used:
            with pytest.raises(MissingNode) as refused:
                verify_call(world.header, call(), state, state.codes)
            assert refused.value.where.address in {TO, OTHER}


def test_code_enters_by_its_proven_hash_only():
    """Without the code, or with other code, there is no run."""
    world = EvmWorld({TO: Account(returns_top(b"\x60\x01"))})
    for codes in (CodeTable(), CodeTable([returns_top(b"\x60\x02")])):
        with pytest.raises(MissingEvidence, match="the code with hash"):
            verify_call(world.header, call(), world.section(), codes)


def test_an_absent_account_answers_with_nothing():
    """A call of an address that is proven absent returns no bytes, as on a node."""
    world = EvmWorld({OTHER: Account(b"\x00")})
    state = world.section()
    done = verify_call(world.header, call(), state, state.codes)
    assert (done.ended, done.output, done.code_hashes) == (Ended.RETURNED, b"", {})


# --- the block -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "value"),
    [("42", 1_700_000_000), ("43", 1_000), ("45", 30_000_000), ("46", 1), ("48", 7), ("41", int.from_bytes(b"\xfe" * 20, "big")),
     ("44", int.from_bytes(bytes(range(32)), "big")), ("4a", 1), ("3a", 0), ("32", 0), ("33", 0), ("34", 0)],
)  # fmt: skip
def test_the_environment_is_the_headers(code, value):
    """Time, number, gas limit, chain id, base fee, beneficiary, random value: all out of the proven header."""
    assert top(code) == value


def test_the_parents_hash_needs_no_more_evidence():
    """It stands in the proven header; a block that is not older is zero, as in the protocol."""
    assert top("6103e740", number=1_000) == int.from_bytes(b"\x11" * 32, "big")
    assert top("6103e840", number=1_000) == 0
    assert top("61020040", number=1_000) == 0


def test_older_hashes_come_out_of_the_history_contract():
    """EIP-2935: the slot is proven like any word; where it is empty or there is no contract, the call is refused."""
    history = {HISTORY: Account(b"\x00", {900: 0xABC})}
    assert top("61038440", number=1_000, others=history) == 0xABC
    with pytest.raises(MissingEvidence, match="the hash of block 901"):
        top("61038540", number=1_000, others=history)
    with pytest.raises(MissingEvidence, match="the hash of block 900"):
        top("61038440", number=1_000, others=history, history=False)


def test_older_hashes_come_from_proven_ancestors():
    """A chain of parents that was proven from the header; one of another history is refused."""
    chain = SimChain([12, 12, 12], ring=None)
    header = chain.header()
    parent = verify_parent(header, chain.blocks[-2].rlp)
    oldest = verify_parent(parent, chain.blocks[-3].rlp)
    reader = Reader(EvmWorld({TO: Account()}).section(), CodeTable(), DEFAULT_CALL_LIMITS, header.where)
    hashes = BlockHashes(header, reader, [parent, oldest])
    assert [hashes.hash_of(block.number) for block in chain.blocks[:3]] == [block.hash for block in chain.blocks[:3]]
    with pytest.raises(BrokenAncestry):
        BlockHashes(header, reader, [SimChain([5, 6], ring=None).header()])


# --- the machine -----------------------------------------------------------------------------------------


def test_a_delegated_account_runs_its_delegates_code():
    """EIP-7702: on the account's own storage, from Prague on; before, the marker is no code that runs."""
    account = {TO: Account(b"\xef\x01\x00" + OTHER, {1: 42}), OTHER: Account(returns_top(bytes.fromhex("600154")))}
    for fork, value in ((Fork.PRAGUE, 42), (Fork.CANCUN, None)):
        world = EvmWorld(account, fork=fork)
        state = world.section()
        done = verify_call(world.header, call(), state, state.codes)
        if value is None:
            assert done.ended is Ended.HALTED
        else:
            assert int.from_bytes(done.output, "big") == value
            assert set(done.code_hashes) == {TO, OTHER}


def test_transient_words_live_as_long_as_the_call():
    """Set and read, and gone where the frame that set them reverted."""
    assert top("602a60015d60015c") == 42
    reverting = {OTHER: Account(bytes.fromhex("600960015d5f5ffd"))}
    assert top("5f5f5f5f5f73" + OTHER.hex() + "5af160015c01", others=reverting) == 0


def test_written_words_are_seen_and_undone():
    """SSTORE is visible within the call, undone by a revert below it, and nothing of it outlives the call."""
    assert top("602a600755600754", account={"storage": {7: 1}}) == 42
    inner = "5f35600755"  # writes what it is told, in the caller's storage
    others = {OTHER: Account(bytes.fromhex(inner + "5f5ffd"))}
    assert (
        top(
            "60635f5260205f60205f73" + OTHER.hex() + "5af450600754".replace("5af450", "5af450"),
            account={"storage": {7: 1}},
            others=others,
        )
        == 1
    )


def test_precompiles_answer():
    """SHA-256 of nothing, by the specification's own precompile, once the precompile's account is proven absent."""
    code = "60205f5f5f60025afa505f51"
    assert top(code) == int.from_bytes(sha256(b"").digest(), "big")


def test_a_signer_is_recovered_and_nothing_from_what_no_key_signed():
    """ECRECOVER, by whichever release of the curve's library there is: in the upper half of the order too, as on chain."""
    digest, key = keccak(b"a message"), Signer.from_key(b"\x11" * 32)
    signed = key.unsafe_sign_hash(digest)
    r, s, v = signed.r, signed.s, signed.v
    signer = bytes(12) + bytes.fromhex(key.address[2:])
    assert recovered(digest, v, r, s) == signer == bytes(12) + recover(digest, bytes(signed.signature))
    assert recovered(digest, 55 - v, r, ORDER - s) == signer
    assert recovered(digest, 55 - v, r, s) not in {signer, b""}
    nowhere = next(n for n in range(1, 99) if pow(n**3 + 7, (FIELD - 1) // 2, FIELD) != 1)
    infinite = int.from_bytes(digest, "big") % ORDER  # R is G itself, and s times R less the digest times G is nothing
    for odd in ((26, r, s), (29, r, s), (v + 256, r, s), (v, 0, s), (v, r, 0), (v, r, ORDER), (v, ORDER, s),
                (v, nowhere, s), (27, G_X, infinite)):  # fmt: skip
        assert recovered(digest, *odd) == b"", odd


def recovered(digest: bytes, v: int, r: int, s: int) -> bytes:
    """What the precompile at 1 returns."""
    world = EvmWorld({TO: Account(b"\x00")})
    state = world.section()
    data = digest + b"".join(n.to_bytes(32, "big") for n in (v, r, s))
    done = verify_call(world.header, call(data, to=Address(bytes(19) + b"\x01")), state, state.codes)
    assert done.ended is Ended.RETURNED
    return done.output


def test_gas_is_counted_as_a_node_counts_it():
    """What a transaction costs before its first step comes off; GAS itself costs two."""
    assert top("5a", gas=100_000) == 100_000 - 21_000 - 2
    assert top("5a", gas=100_000, data=b"\x00\x01") == 100_000 - 21_000 - 4 - 16 - 2
