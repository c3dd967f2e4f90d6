"""The answer to another question than was asked: another account, other keys, another block, another chain."""

from __future__ import annotations

import copy
from typing import Any

from tests.simulators.rpc import Answer, Call, Lie

TAGS = frozenset({"latest", "safe", "finalized", "pending"})


def other_account(address: str) -> Lie:
    """The proof of another account, said to be of the one that was asked for."""

    def answer(call: Call, said: Answer) -> Answer:
        return {**said, "result": {**said["result"], "address": call["params"][0]}} if "result" in said else said

    return Lie("other account", ask=lambda call: _param(call, 0, address), answer=answer)


def other_keys(keys: list[str]) -> Lie:
    """Storage proofs of other keys, said to be of those that were asked for."""

    def answer(call: Call, said: Answer) -> Answer:
        result = copy.deepcopy(said["result"])
        for entry, key in zip(result["storageProof"], call["params"][1], strict=False):
            entry["key"] = key
        return {**said, "result": result}

    return Lie("other keys", ask=lambda call: _param(call, 1, keys), answer=answer)


def other_block(block: str) -> Lie:
    """The answer for another block: its proof (`eth_getProof`), its header, its balance."""
    return Lie("other block", ask=lambda call: _param(call, _block_place(call), block))


def stale_head(height: int) -> Lie:
    """An old block is told to be the newest, under every tag and as the height."""

    def ask(call: Call) -> Call:
        place = _block_place(call)
        params = call.get("params") or []
        return _param(call, place, hex(height)) if len(params) > place and params[place] in TAGS else call

    def answer(call: Call, said: Answer) -> Answer:
        return {**said, "result": hex(height)} if call.get("method") == "eth_blockNumber" else said

    return Lie("stale head", ask=ask, answer=answer)


def wrong_chain_id(chain_id: int) -> Lie:
    """The node says that it is of another chain; tell it for every method, it touches eth_chainId and net_version only."""

    def answer(call: Call, said: Answer) -> Answer:
        words = {"eth_chainId": hex(chain_id), "net_version": str(chain_id)}
        return {**said, "result": words[call["method"]]} if call.get("method") in words else said

    return Lie("wrong chain id", answer=answer)


def _param(call: Call, place: int, value: Any) -> Call:
    params = list(call.get("params") or [])
    params[place:] = [value, *params[place + 1 :]]
    return {**call, "params": params}


def _block_place(call: Call) -> int:
    """Where a method takes its block."""
    return {"eth_getProof": 2, "eth_getStorageAt": 2, "eth_getBlockByNumber": 0, "eth_getBlockByHash": 0}.get(
        str(call.get("method")), 1
    )
