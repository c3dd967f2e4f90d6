"""
The EthereumJS client: a real execution client under Prague rules, with our test as its consensus client.

Blocks are made over the Engine API one by one, so time, `safe` and `finalized` are exact. The genesis in
`prague-genesis.json` holds the four system contracts of EIP-4788, 2935, 7002 and 7251 as those EIPs give their code.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any, cast

import rlp
from eth_account import Account

from tests.nodes.devnode import DevNode
from tests.nodes.genesis import MONEY
from tests.nodes.install import HERE, module, node_program
from tests.nodes.process import NodeFailedError, free_port, post, start
from tests.simulators.trie_builder import build, keccak

KEY = "0x" + hashlib.sha256(b"xmargin test account").hexdigest()
"""The key of the one funded account; it holds test money on a chain that lives for a minute."""
ZERO = "0x" + "00" * 32
GAS_PRICE = 10 * 10**9


class EthereumJS(DevNode):
    """
    A running EthereumJS 0.10.5, chain id 20205, one funded account, one block per transaction.

    It takes no EIP-1898 objects in `eth_getProof`, leaves `storageProof` empty for an absent account, and echoes storage keys
    as minimal hex. `safe` is head-1 and `finalized` head-2 unless `mine` is told otherwise.
    """

    name = "ethereumjs"
    engine_port = 0
    secret = b""
    extra_data = b""
    """Put into the headers of the blocks that are made from now on, as a rollup puts its send root there."""

    @property
    def accounts(self) -> list[str]:
        """The one account whose key is here."""
        return [str(Account.from_key(KEY).address).lower()]

    def submit(self, transaction: dict[str, str]) -> str:
        """Sign with our key, hand in, and make a block of it."""
        nonce = int(self.rpc("eth_getTransactionCount", transaction["from"], "latest"), 16)
        signed = Account.sign_transaction(
            {
                "nonce": nonce,
                "gas": int(transaction["gas"], 16),
                "gasPrice": GAS_PRICE,
                "value": int(transaction["value"], 16),
                "data": transaction["data"],
                "chainId": self.chain_id,
                **({"to": bytes.fromhex(transaction["to"][2:])} if "to" in transaction else {}),
            },
            KEY,
        )
        done = str(self.rpc("eth_sendRawTransaction", f"0x{bytes(signed.raw_transaction).hex()}"))
        self.mine()
        return done

    def mine(self, count: int = 1, *, timestamp: int | None = None) -> int:
        """Make blocks one second apart, the first at `timestamp` if given; returns the new height."""
        for step in range(count):
            head = self.block()
            seconds = int(head["timestamp"], 16) + 1 if timestamp is None or step else timestamp
            self._make_block(head, seconds)
        return self.height

    def _make_block(self, head: dict[str, Any], seconds: int) -> None:
        attributes = {
            "timestamp": hex(seconds),
            "prevRandao": ZERO,
            "suggestedFeeRecipient": "0x" + "fe" * 20,
            "withdrawals": [],
            "parentBeaconBlockRoot": ZERO,
        }
        was = self._parents(head)
        begun = self._engine("engine_forkchoiceUpdatedV3", self._choice(head["hash"], *was), attributes)
        made = self._engine("engine_getPayloadV4", begun["payloadId"])
        payload = made["executionPayload"]
        if self.extra_data:
            payload = _with_extra_data(payload, self.extra_data)
        said = self._engine("engine_newPayloadV4", payload, [], ZERO, made.get("executionRequests") or [])
        if said["status"] != "VALID":
            raise NodeFailedError(f"the client refuses its own block: {said}")
        self._engine("engine_forkchoiceUpdatedV3", self._choice(payload["blockHash"], head["hash"], was[0]), None)

    def _parents(self, head: dict[str, Any]) -> tuple[str, str]:
        """The two blocks before a head; genesis stands in for what was before it."""
        if int(head["number"], 16) == 0:
            return head["hash"], head["hash"]
        parent = self.block(str(head["parentHash"]))
        return parent["hash"], parent["hash"] if int(parent["number"], 16) == 0 else parent["parentHash"]

    @staticmethod
    def _choice(head: str, safe: str, finalized: str) -> dict[str, str]:
        return {"headBlockHash": head, "safeBlockHash": safe, "finalizedBlockHash": finalized}

    def _engine(self, method: str, *params: object) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = post(
            f"http://127.0.0.1:{self.engine_port}", body, headers={"Authorization": f"Bearer {_token(self.secret)}"}
        )
        if "error" in answer:
            raise NodeFailedError(f"{method}: {answer['error']}")
        return answer["result"]


def start_ethereumjs(
    kind: type[EthereumJS] = EthereumJS, genesis: dict[str, Any] | None = None, *, chain_id: int = 20205
) -> EthereumJS:
    """Start an EthereumJS client on a new chain (of Prague rules unless told) and wait for its first answer."""
    entry = module("@ethereumjs", "client", "dist", "esm", "bin", "cli.js")
    secret, engine = hashlib.sha256(b"a secret between two local processes").digest(), [0]
    if genesis is None:
        genesis = json.loads((HERE / "prague-genesis.json").read_text())
        genesis["config"]["chainId"] = chain_id
    owner = str(Account.from_key(KEY).address).lower()
    genesis = {**genesis, "alloc": {**genesis["alloc"], owner: {"balance": MONEY}}}

    def command(port: int, folder: Path) -> list[str]:
        (folder / "genesis.json").write_text(json.dumps(genesis))
        (folder / "jwt.hex").write_text(secret.hex())
        engine[0] = free_port()
        return [
            str(node_program()),
            str(entry),
            "--gethGenesis",
            str(folder / "genesis.json"),
            "--dataDir",
            str(folder / "data"),
            "--rpc",
            "--rpcAddr",
            "127.0.0.1",
            "--rpcPort",
            str(port),
            "--rpcEngine",
            "--rpcEngineAddr",
            "127.0.0.1",
            "--rpcEnginePort",
            str(engine[0]),
            "--jwtSecret",
            str(folder / "jwt.hex"),
            "--extIP",
            "127.0.0.1",
            "--port",
            str(free_port()),
            "--discDns=false",
            "--discV4=false",
            "--isSingleNode",
            "--saveReceipts",
            "--logLevel",
            "warn",
        ]

    node = cast("EthereumJS", start(kind, command, seconds=60))
    node.engine_port, node.secret = engine[0], secret
    return node


def _with_extra_data(payload: dict[str, Any], extra: bytes) -> dict[str, Any]:
    """The same block with other extra data: nothing but its hash depends on that, so the client takes it."""
    transactions = [bytes.fromhex(raw[2:]) for raw in payload["transactions"]]
    fields = {
        "parentHash": payload["parentHash"],
        "sha3Uncles": keccak(b"\xc0"),
        "miner": payload["feeRecipient"],
        "stateRoot": payload["stateRoot"],
        "transactionsRoot": build({rlp.encode(i): raw for i, raw in enumerate(transactions)}).root,
        "receiptsRoot": payload["receiptsRoot"],
        "logsBloom": payload["logsBloom"],
        "difficulty": 0,
        "number": int(payload["blockNumber"], 16),
        "gasLimit": int(payload["gasLimit"], 16),
        "gasUsed": int(payload["gasUsed"], 16),
        "timestamp": int(payload["timestamp"], 16),
        "extraData": extra,
        "mixHash": payload["prevRandao"],
        "nonce": bytes(8),
        "baseFeePerGas": int(payload["baseFeePerGas"], 16),
        "withdrawalsRoot": keccak(b"\x80"),
        "blobGasUsed": 0,
        "excessBlobGas": 0,
        "parentBeaconBlockRoot": bytes(32),
        "requestsHash": hashlib.sha256(b"").digest(),
    }
    plain = [bytes.fromhex(f[2:]) if isinstance(f, str) else _minimal(f) for f in fields.values()]
    return payload | {"extraData": "0x" + extra.hex(), "blockHash": "0x" + keccak(rlp.encode(plain)).hex()}


def _minimal(field: bytes | int) -> bytes:
    return field if isinstance(field, bytes) else field.to_bytes((field.bit_length() + 7) // 8, "big")


def _token(secret: bytes) -> str:
    """A token of the Engine API: HS256 over the time of issue."""
    parts = [{"alg": "HS256", "typ": "JWT"}, {"iat": int(time.time())}]
    said = ".".join(_base64url(json.dumps(part).encode()) for part in parts)
    return f"{said}.{_base64url(hmac.new(secret, said.encode(), hashlib.sha256).digest())}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
