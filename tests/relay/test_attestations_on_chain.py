"""Attestations are taken by contracts: ECDSA by recovery, BLS by the precompiles, and answers of a gateway."""

from __future__ import annotations

import json

import pytest
from eth_abi import decode

from tests.relay import contracts
from tests.relay.conftest import Place, address_of
from tests.relay.test_encoders import REVERTED
from tests.simulators.minting import coin, holding, proven
from tests.verifier.attest.build import changed, whole
from tests.verifier.attest.test_quorum import BLS, KEYS, SCHEME, SECRETS, SET, signed
from verifier.attest.attestation import Attestation
from verifier.attest.calldata import (
    ANCHOR_TYPE,
    STATEMENT_TYPE,
    encode_keys,
    encode_signed,
    encode_submit,
    encode_submit_bls,
    statement_tuple,
)
from verifier.attest.eip712 import statement_digest
from verifier.attest.erc3668 import answer_request
from verifier.attest.quorum import aggregate
from verifier.attest.statement import Binding, Statement, make_statement
from verifier.encoders.abi import encode_call, encode_values, selector
from verifier.margin.declared import DeclaredPrice
from verifier.margin.fixed import price
from verifier.primitives import ZERO_HASH, Hash32, Timestamp

ON_ANSWER = selector("onAnswer", ("bytes", "bytes"))
KEPT = ("(uint64,uint64,uint8,int256,bytes32)",)


@pytest.fixture(scope="module")
def consumer(place: Place) -> str:
    types = ("address[]", "uint256", "bytes32", "string[]")
    signers = [key.address for key in KEYS[:3]]
    return contracts.example(
        place.node,
        "AttestationConsumer",
        types,
        (signers, 2, SET.digest, ["https://gateway.example/{sender}/{data}.json"]),
    )


def statement_for(place: Place, contract: str, sequence: int = 1, quorum: bytes = SET.digest, **kwargs) -> Statement:
    now = Timestamp(int(place.node.block()["timestamp"], 16))
    as_of = Timestamp(now - 5)
    prices = (DeclaredPrice("ETH", price("3000"), as_of, "test"),)
    parts = {"as_of": as_of, "debts": (), "positions": (), "prices": prices}
    made = whole(proven(holding(coin()), 10**18, as_of=as_of), **parts)
    binding = Binding(place.network.chain_id, address_of(contract))
    given = {"issued_at": Timestamp(now - 1), "valid_for": 600} | kwargs
    return make_statement(made, binding=binding, sequence=sequence, quorum=Hash32(quorum), **given)


def attest(made: Statement, *places: int) -> Attestation:
    return Attestation(made, tuple(signed(statement_digest(made), *places)))


def test_the_contract_hashes_as_we_do(place: Place, consumer: str) -> None:
    """OpenZeppelin's EIP-712 domain and the struct of the contract give our digest, nested array and all."""
    made = attest(statement_for(place, consumer), 0, 1)
    got = contracts.call(place.node, consumer, "digestOf", (STATEMENT_TYPE,), (statement_tuple(made),), ("bytes32",))
    assert got == made.digest
    assert "[]" not in ANCHOR_TYPE


def test_a_quorum_is_taken_once(place: Place, consumer: str) -> None:
    """Two of three signers; then only a higher number; what is kept is what was signed."""
    made = attest(statement_for(place, consumer, 5), 2, 0)
    contracts.send(place.node, consumer, encode_submit(made))
    kept = contracts.call(place.node, consumer, "kept", ("string",), ("test",), KEPT)
    assert kept == (5, made.statement.valid_until, 0, made.statement.equity_low, made.digest)
    for sequence in (5, 4):
        with pytest.raises(REVERTED):
            contracts.send(place.node, consumer, encode_submit(attest(statement_for(place, consumer, sequence), 0, 1)))
    contracts.send(place.node, consumer, encode_submit(attest(statement_for(place, consumer, 6), 0, 1, 2)))


@pytest.mark.covers("ATT-01", "ATT-02", "ATT-03", "ATT-04", "ATT-09")
def test_what_the_contract_refuses(place: Place, consumer: str) -> None:
    """Too few, a stranger, one twice, another contract's, another chain's, expired, another set, a changed figure."""
    node = place.node
    good = statement_for(place, consumer, 100)
    other = contracts.example(
        node,
        "AttestationConsumer",
        ("address[]", "uint256", "bytes32", "string[]"),
        ([KEYS[0].address], 1, ZERO_HASH, []),
    )
    elsewhere = changed(good, binding=Binding(place.network.chain_id, address_of(other)))
    other_chain = changed(good, binding=Binding(type(place.network.chain_id)(1), good.binding.contract))
    old = changed(
        good,
        as_of=Timestamp(good.as_of - 900),
        issued_at=Timestamp(good.issued_at - 900),
        valid_until=Timestamp(good.issued_at - 800),
    )
    cases = [
        attest(good, 0), attest(good, 0, 3), Attestation(good, (*signed(statement_digest(good), 0, 0),)),
        attest(elsewhere, 0, 1), attest(other_chain, 0, 1), attest(old, 0, 1), attest(changed(good, quorum=ZERO_HASH), 0, 1),
        Attestation(changed(good, equity_low=10**30), attest(good, 0, 1).signatures),
        attest(changed(good, issued_at=Timestamp(good.issued_at + 500), valid_until=Timestamp(good.issued_at + 900)), 0, 1),
    ]  # fmt: skip
    for wrong in cases:
        types = (STATEMENT_TYPE, "bytes[]")
        data = encode_call("submit", types, (statement_tuple(wrong), list(wrong.signatures)))
        with pytest.raises(REVERTED):
            contracts.send(node, consumer, data)
    contracts.send(node, consumer, encode_submit(attest(good, 0, 1)))


def test_an_aggregate_is_taken_by_the_precompiles(place: Place) -> None:
    """The contract's hash to the curve, sum of keys and pairing agree with ours; one changed thing and it is refused."""
    node = place.node
    types = ("bytes[]", "uint256", "bytes32")
    where = contracts.example(node, "BlsAttestationConsumer", types, (encode_keys(BLS), 2, BLS.digest))
    made = statement_for(place, where, 1, BLS.digest)
    digest = statement_digest(made)

    def with_members(*places: int, over: bytes = digest) -> Attestation:
        return Attestation(made, aggregate=aggregate(over, [(i, SCHEME.sign(SECRETS[i], over)) for i in places], BLS))

    good = with_members(0, 2)
    for wrong in (with_members(1), with_members(0, 1, over=b"\1" * 32)):
        with pytest.raises(REVERTED):
            contracts.send(node, where, encode_submit_bls(wrong))
    swapped = Attestation(made, aggregate=type(good.aggregate)((0, 1), good.aggregate.signature))
    with pytest.raises(REVERTED):
        contracts.send(node, where, encode_submit_bls(swapped))
    with pytest.raises(REVERTED):
        contracts.send(
            node, where, encode_submit_bls(Attestation(changed(made, equity_low=1), aggregate=good.aggregate))
        )
    for alone in (attest(made, 0), attest(made, 0, 1), Attestation(made)):
        with pytest.raises(REVERTED):
            contracts.send(node, where, encode_submit(alone))
    contracts.send(node, where, encode_submit_bls(good))
    assert contracts.call(node, where, "kept", ("string",), ("test",), KEPT)[4] == digest


def test_a_gateway_answers_and_the_contract_checks(place: Place, consumer: str) -> None:
    """The contract reverts with where to ask; our answer passes its callback; one signature of two does not."""
    made = attest(statement_for(place, consumer, 200), 0, 1)
    kept = {(made.statement.binding.contract, "test"): made}
    call = encode_call("latest", ("string",), ("test",))
    done = place.node.rpc(
        "debug_traceCall", {"to": consumer, "data": "0x" + call.hex()}, "latest", {"tracer": "callTracer"}
    )
    types = ("address", "string[]", "bytes", "bytes4", "bytes")
    sender, (url,), data, callback, extra = decode(types, bytes.fromhex(done["output"][10:]))
    assert done["output"][:10] == contracts.selector_of("OffchainLookup(address,string[],bytes,bytes4,bytes)")
    assert (callback, extra) == (ON_ANSWER, b"test")
    path = url.removeprefix("https://gateway.example").format(sender=sender, data="0x" + data.hex())
    status, body = answer_request(path, lambda s, a: kept.get((s, a)))
    assert status == 200
    assert json.loads(body)["data"] == "0x" + encode_signed(made).hex()
    assert answered(place, consumer, made) == made.statement.equity_low
    with pytest.raises(REVERTED):
        answered(place, consumer, attest(made.statement, 0))


@pytest.mark.covers("ATT-01", "ATT-02")
def test_an_answer_is_of_this_account_known_and_not_out_of_date(place: Place, consumer: str) -> None:
    """All are signed and hold by their own time: another account's, one without a figure, one before what was kept."""
    made = statement_for(place, consumer, 300)
    assert answered(place, consumer, attest(made, 0, 1)) == made.equity_low
    unknown = changed(made, equity_low=None)
    for wrong, error in ((changed(made, account="other"), "OtherAccount()"), (unknown, "FigureUnknown()")):
        with pytest.raises(REVERTED, match=contracts.selector_of(error)):
            answered(place, consumer, attest(wrong, 0, 1))
    contracts.send(place.node, consumer, encode_submit(attest(changed(made, sequence=301), 0, 1)))
    assert answered(place, consumer, attest(changed(made, sequence=301), 0, 1)) == made.equity_low
    with pytest.raises(REVERTED, match=contracts.selector_of("OldSequence(uint64,uint64)")):
        answered(place, consumer, attest(made, 0, 1))


def answered(place: Place, consumer: str, made: Attestation, account: bytes = b"test") -> int:
    """What the contract's callback returns for an answer of a gateway."""
    call = ON_ANSWER + encode_values(("bytes", "bytes"), (encode_signed(made), account))
    return int(place.node.call(consumer, "0x" + call.hex()), 16)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/0x00/0x11.json",
        "/{s}/0x1234.json",
        "/{s}/{d}",
        "/{s}/{d}.json/x",
        "/../{s}/{d}.json",
        "/{s}/{d}00.json",
        "/{s}/0xzz.json",
    ],
)
def test_requests_that_are_none(path: str) -> None:
    """400 with a message; an unknown account is 404."""
    data = "0x" + encode_call("latest", ("string",), ("test",)).hex()
    status, body = answer_request(path.format(s="0x" + "11" * 20, d=data), lambda s, a: None)
    assert status == 400
    assert json.loads(body)["message"]
    assert answer_request(f"/0x{'11' * 20}/{data}.json", lambda s, a: None)[0] == 404
