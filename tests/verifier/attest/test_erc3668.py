"""Answers of a gateway: by path and by body, to the one call in its one encoding, and to nothing else."""

from __future__ import annotations

import json

import pytest

from tests.verifier.attest.build import BINDING, changed, statement
from verifier.attest.attestation import Attestation
from verifier.attest.calldata import encode_signed
from verifier.attest.erc3668 import LATEST, MAX_BODY, MAX_CALL, answer_posted, answer_request, asked_account
from verifier.attest.statement import Binding
from verifier.encoders.abi import encode_call
from verifier.errors import BadInput
from verifier.primitives import Address

MADE = Attestation(statement())
NAME = MADE.statement.account
SENDER = "0x" + BINDING.contract.hex()
CALL = encode_call("latest", ("string",), (NAME,))


def hexed(call: bytes) -> str:
    return "0x" + call.hex()


def by_path(sender: str = SENDER, call: bytes = CALL, made: Attestation | None = MADE) -> tuple[int, str]:
    return answer_request(f"/{sender}/{hexed(call)}.json", lambda s, a: made)


def by_body(sender: object = SENDER, data: object = hexed(CALL), made: Attestation | None = MADE) -> tuple[int, str]:
    return answer_posted(json.dumps({"sender": sender, "data": data}).encode(), lambda s, a: made)


def test_the_answer_is_the_signed_statement() -> None:
    """By path and by body alike, whatever the case of the hex; the account and contract are those of the call."""
    expected = (200, json.dumps({"data": hexed(encode_signed(MADE))}))
    assert by_path() == by_body() == expected
    assert by_path(SENDER.upper().replace("0X", "0x")) == by_body(SENDER.upper().replace("0X", "0x")) == expected
    asked: list[tuple[bytes, str]] = []
    answer_request(f"{SENDER}/{hexed(CALL)}.json/", lambda s, a: asked.append((s, a)))
    assert asked == [(BINDING.contract, NAME)]


def test_an_attestation_of_something_else_is_not_handed_out() -> None:
    """None there, of another account, for another contract: 404 with a message."""
    other = Binding(BINDING.chain_id, Address(b"\x77" * 20))
    for made in (
        None,
        Attestation(changed(MADE.statement, account="x")),
        Attestation(changed(MADE.statement, binding=other)),
    ):
        for status, body in (by_path(made=made), by_body(made=made)):
            assert status == 404
            assert "no attestation" in json.loads(body)["message"]


@pytest.mark.parametrize(
    "path",
    ["", "/", "/x", f"/{SENDER}/{hexed(CALL)}", f"/{SENDER}/{hexed(CALL)}.json/x", f"/{SENDER[:-2]}/{hexed(CALL)}.json", f"/{SENDER}/0xzz.json"],
)  # fmt: skip
def test_paths_that_are_none(path: str) -> None:
    """400 with what is due."""
    status, body = answer_request(path, lambda s, a: MADE)
    assert status == 400
    assert json.loads(body)["message"]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"1", b"{}", b'{"sender": "0x00"}', b'{"sender":1,"data":2}', b'{"data": {}, "sender": []}', b" " * (MAX_BODY + 1)],
    ids=range(8),
)  # fmt: skip
def test_bodies_that_are_none(body: bytes) -> None:
    """The same, for what is posted; more than both is allowed, as clients send more."""
    status, said = answer_posted(body, lambda s, a: MADE)
    assert status == 400
    assert json.loads(said)["message"]
    more = json.dumps({"sender": SENDER, "data": hexed(CALL), "more": 1}).encode()
    assert answer_posted(more, lambda s, a: MADE)[0] == 200


def padded(name: bytes, length: int | None = None, pad: bytes | None = None, offset: int = 32) -> bytes:
    tail = bytes(-len(name) % 32) if pad is None else pad
    size = len(name) if length is None else length
    return LATEST + offset.to_bytes(32, "big") + size.to_bytes(32, "big") + name + tail


def test_the_call_has_one_encoding() -> None:
    """Padded with zeros to a whole word; its longest is the bound's."""
    for name in (b"", b"a", b"a" * 31, b"a" * 32, b"a" * 33):
        assert asked_account(padded(name)) == name.decode()
        assert padded(name) == encode_call("latest", ("string",), (name.decode(),))
    longest = b"a" * (MAX_CALL - 68 - (MAX_CALL - 68) % 32)
    assert asked_account(padded(longest)) == longest.decode()
    wrong = [
        b"", LATEST, padded(b"a")[:67], b"\0" + padded(b"a")[1:], padded(b"a", offset=64), padded(b"a", length=33),
        padded(b"a", length=0), padded(b"a", length=2**255), padded(b"a", pad=bytes(30)), padded(b"a", pad=bytes(63)),
        padded(b"a", pad=bytes(30) + b"\1"), padded(b"\xc3\xa9"), padded(b"a" * 32, pad=bytes(32)), padded(b"a" * MAX_CALL),
    ]  # fmt: skip
    for call in wrong:
        with pytest.raises(BadInput):
            asked_account(call)
