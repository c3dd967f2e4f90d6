"""Answers for ERC-3668 (CCIP-Read): a contract says that data is elsewhere, a gateway has it, the contract checks it.

The answer is the signed attestation of the account that the call names, and nothing else: a gateway is not trusted,
since the contract holds what it gets against its own signers. The request's path is data from outside.

Source: ERC-3668.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from verifier.attest.attestation import Attestation
from verifier.attest.calldata import encode_signed
from verifier.attest.strict_json import parse_json
from verifier.encoders.abi import selector
from verifier.errors import BadInput, Malformed
from verifier.primitives import Address, address, parse_hex, to_hex

LATEST: Final = selector("latest", ("string",))
"""What is asked: `latest(string account)`."""
MAX_CALL: Final = 4 + 64 + 4_032
"""Bytes of a call: selector, place and length of the name, and far more of it than an account may have."""
MAX_BODY: Final = 3 * MAX_CALL
"""Bytes of a posted request: the call in hex, and what is around it."""
Answer = tuple[int, str]
"""HTTP status and JSON body."""
Find = Callable[[Address, str], Attestation | None]


def answer_request(path: str, find: Find) -> Answer:
    """
    The answer to `GET /{sender}/{data}.json`.

    Args:
        path: As requested, untrusted.
        find: The latest attestation that is bound to a contract and speaks of an account, or None.

    Returns:
        200 with the ABI-encoded attestation; 400 for a request that is none; 404 where there is no such attestation.
    """
    parts = path.strip("/").split("/")
    if len(parts) != 2 or not parts[1].endswith(".json"):
        return 400, message("the path is /{sender}/{data}.json")
    return _answer(parts[0], parts[1].removesuffix(".json"), find)


def answer_posted(body: bytes, find: Find) -> Answer:
    """The answer to a POST, which a client sends where the URL has no `{data}`: JSON with `sender` and `data`."""
    try:
        asked = parse_json(body, MAX_BODY)
    except Malformed as error:
        return 400, message(str(error))
    if not isinstance(asked, dict) or not {"sender", "data"} <= asked.keys():
        return 400, message("the body is a JSON object with sender and data")
    return _answer(asked["sender"], asked["data"], find)


def _answer(to: object, data: object, find: Find) -> Answer:
    try:
        sender = address(parse_hex(_lower(to), "sender"))
        account = asked_account(parse_hex(_lower(data), "data"))
    except Malformed as error:
        return 400, message(str(error))
    found = find(sender, account)
    if found is None or found.statement.binding.contract != sender or found.statement.account != account:
        return 404, message("no attestation of this account is bound to this contract")
    return 200, json.dumps({"data": to_hex(encode_signed(found))})


def _lower(text: object) -> object:
    return text.lower() if isinstance(text, str) else text


def asked_account(call: bytes) -> str:
    """
    The account that a `latest(string)` call names.

    Raises:
        BadInput: Another call, or not its one encoding.
    """
    if len(call) > MAX_CALL or call[:4] != LATEST or len(call) < 4 + 64 or call[4:36] != (32).to_bytes(32, "big"):
        raise BadInput("call", "latest(string)", call)
    length = int.from_bytes(call[36:68], "big")
    text, rest = call[68 : 68 + length], call[68 + length :]
    if len(text) != length or len(rest) != -length % 32 or any(rest) or not text.isascii():
        raise BadInput("call", "one account's name, padded with zeros", call)
    return text.decode()


def message(text: str) -> str:
    """The body of an answer that is none."""
    return json.dumps({"message": text})
