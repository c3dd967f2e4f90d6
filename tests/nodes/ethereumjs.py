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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import rlp
from eth_account import Account

from tests.nodes.devnode import GAS, DevNode
from tests.nodes.genesis import MONEY
from tests.nodes.install import HERE, module, node_program
from tests.nodes.process import NodeFailedError, free_port, post, start
from tests.simulators.trie_builder import build, keccak

KEY = "0x" + hashlib.sha256(b"xmargin test account").hexdigest()
"""The key of the one funded account; it holds test money on a chain that lives for a minute."""
ZERO = "0x" + "00" * 32
GAS_PRICE = 10 * 10**9
BLOCK_GAS = 400_000_000
"""Room for a protocol's whole deployment in one block."""


@dataclass
class _Waiting:
    """Transactions that wait for one block: the next nonce, and their hashes."""

    nonce: int
    handed: list[str] = field(default_factory=list)

    def take(self) -> int:
        self.nonce += 1
        return self.nonce - 1


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
    _waiting: _Waiting | None = None

    @property
    def accounts(self) -> list[str]:
        """The one account whose key is here."""
        return [str(Account.from_key(KEY).address).lower()]

    def submit(self, transaction: dict[str, str]) -> str:
        """Sign with our key, hand in, and make a block of it."""
        done = self._hand_in(transaction)
        self.mine()
        return done

    def _hand_in(self, transaction: dict[str, str]) -> str:
        if self._waiting is None:
            nonce = int(self.rpc("eth_getTransactionCount", transaction["from"], "latest"), 16)
        else:
            nonce = self._waiting.take()
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
        return str(self.rpc("eth_sendRawTransaction", f"0x{bytes(signed.raw_transaction).hex()}"))

    @contextmanager
    def together(self) -> Iterator[None]:
        """
        What is sent and deployed inside goes into as few blocks as hold it, made at the end; a revert raises there.

        Nothing of it can be read before, and no receipt is returned: addresses of what is deployed follow from nonces.
        """
        count = int(self.rpc("eth_getTransactionCount", self.accounts[0], "latest"), 16)
        self._waiting = _Waiting(count)
        try:
            yield
            handed = self._waiting.handed
        finally:
            self._waiting = None
        done = set[str]()
        while len(done) < len(handed):
            self.mine()
            told = self.rpc("eth_getBlockReceipts", hex(self.height))  # one by one, each would run the block again
            done |= {one["transactionHash"] for one in told}
            if not told or any(int(one["status"], 16) != 1 for one in told):
                raise NodeFailedError(f"of {len(handed)} transactions one was left out or reverted")

    def send(self, to: str | None, data: str = "0x", value: int = 0, *, sender: str | None = None) -> dict[str, Any]:
        """Send, mine, and return the receipt; inside `together` hand in alone."""
        if self._waiting is None:
            return super().send(to, data, value, sender=sender)
        transaction = {"from": self.accounts[0], "data": data, "value": hex(value), "gas": hex(GAS)}
        self._waiting.handed.append(self._hand_in(transaction | ({} if to is None else {"to": to})))
        return {}

    def deploy(self, bytecode: str, arguments: str = "", *, sender: str | None = None) -> str:
        """Deploy creation code followed by encoded arguments; inside `together` the address that it will have."""
        if self._waiting is None:
            return super().deploy(bytecode, arguments, sender=sender)
        named = keccak(rlp.encode([bytes.fromhex(self.accounts[0][2:]), self._waiting.nonce]))[12:]
        self.send(None, (bytecode if bytecode.startswith("0x") else f"0x{bytecode}") + arguments)
        return "0x" + named.hex()

    def mine(self, count: int = 1, *, timestamp: int | None = None) -> int:
        """Make blocks one second apart, the first at `timestamp` if given; returns the new height."""
        head = self.block()
        seconds = int(head["timestamp"], 16) + 1 if timestamp is None else timestamp
        choice = self._choice(head["hash"], *self._parents(head))
        for step in range(count):
            begun = self._engine("engine_forkchoiceUpdatedV3", choice, self._attributes(seconds + step))
            made = self._new_block(begun["payloadId"])
            choice = self._choice(made, choice["headBlockHash"], choice["safeBlockHash"])
        if count:
            self._engine("engine_forkchoiceUpdatedV3", choice, None)
        return self.height

    @staticmethod
    def _attributes(seconds: int) -> dict[str, Any]:
        return {
            "timestamp": hex(seconds),
            "prevRandao": ZERO,
            "suggestedFeeRecipient": "0x" + "fe" * 20,
            "withdrawals": [],
            "parentBeaconBlockRoot": ZERO,
        }

    def _new_block(self, payload_id: str) -> str:
        """Build what was begun, and hand it in; the block's hash. It is the head from the next choice on."""
        made = self._engine("engine_getPayloadV4", payload_id)
        payload = made["executionPayload"]
        if self.extra_data:
            payload = _with_extra_data(payload, self.extra_data)
        said = self._engine("engine_newPayloadV4", payload, [], ZERO, made.get("executionRequests") or [])
        if said["status"] != "VALID":
            raise NodeFailedError(f"the client refuses its own block: {said}")
        return str(payload["blockHash"])

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
        genesis["gasLimit"] = hex(BLOCK_GAS)
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
