"""Other people's contracts on a local node: what must accept our proofs, deployed from their own published code."""

from __future__ import annotations

from typing import Any

from eth_abi import decode, encode
from eth_utils import keccak, to_checksum_address

from tests.nodes.anvil import Anvil
from tests.nodes.artifacts import examples, published, solidity
from tests.nodes.devnode import DevNode
from verifier.encoders.abi import encode_call

OPTIMISM = "@eth-optimism/contracts-bedrock"
ARBITRUM = "@arbitrum/nitro-contracts"
GATEWAYS = "@unruggable/gateways"


def checksum(address: str | bytes) -> str:
    return str(to_checksum_address(address))


def call(node: Anvil, to: str, name: str, types: tuple[str, ...] = (), values: tuple[object, ...] = (), out: tuple[str, ...] = ()) -> Any:  # fmt: skip
    """A view call, decoded."""
    answer = node.call(to, "0x" + encode_call(name, types, values).hex())
    found = decode(out, bytes.fromhex(answer[2:]))
    return found[0] if len(found) == 1 else found


def send(node: DevNode, to: str, data: bytes, **options: Any) -> dict[str, Any]:
    """A transaction that must succeed."""
    return node.send(to, "0x" + data.hex(), **options)


def deploy(node: DevNode, bytecode: str, types: tuple[str, ...] = (), values: tuple[object, ...] = ()) -> str:
    return node.deploy(bytecode, encode(types, values).hex())


def example(node: Anvil, name: str, types: tuple[str, ...] = (), values: tuple[object, ...] = ()) -> str:
    """One of the documentation's contracts."""
    return deploy(node, examples()[name].bytecode, types, values)


def behind_proxy(node: DevNode, implementation: str, start: bytes) -> str:
    return deploy(node, solidity()["Proxy1967"].bytecode, ("address", "bytes"), (implementation, start))


def optimism(node: Anvil, name: str) -> str:
    return node.deploy(published(OPTIMISM, "forge-artifacts", f"{name}.sol", f"{name}.json")["bytecode"]["object"])


def portal(node: Anvil, proposer: str) -> tuple[str, str]:
    """OptimismPortal with its L2OutputOracle and SuperchainConfig, initialised behind proxies; (portal, oracle)."""
    zero = "0x" + "00" * 20
    start = encode_call("initialize", ("address", "bool"), (proposer, False))
    superchain = behind_proxy(node, optimism(node, "SuperchainConfig"), start)
    types = ("uint256", "uint256", "uint256", "uint256", "address", "address", "uint256")
    oracle = behind_proxy(
        node,
        optimism(node, "L2OutputOracle"),
        encode_call("initialize", types, (1, 2, 0, 1, proposer, proposer, 1)),
    )
    start = encode_call("initialize", ("address",) * 3, (oracle, zero, superchain))
    return behind_proxy(node, optimism(node, "OptimismPortal"), start), oracle


def outbox(node: DevNode, rollup: str) -> str:
    """Arbitrum's Bridge and Outbox behind proxies, with an account of the node in the rollup contract's place."""

    def made(name: str) -> str:
        return node.deploy(published(ARBITRUM, "build", "contracts", "src", "bridge", f"{name}.sol", f"{name}.json")["bytecode"])  # fmt: skip

    bridge = behind_proxy(node, made("Bridge"), encode_call("initialize", ("address",), (rollup,)))
    found = behind_proxy(node, made("Outbox"), encode_call("initialize", ("address",), (bridge,)))
    send(node, bridge, encode_call("setOutbox", ("address", "bool"), (found, True)), sender=rollup)
    return found


def gateway(node: Anvil, signer: str) -> tuple[str, str]:
    """Unruggable's TrustedVerifier over its Ethereum hooks, its VM library linked in; (verifier, hooks)."""

    def artifact(name: str) -> dict[str, Any]:
        return published(GATEWAYS, "artifacts", f"{name}.sol", f"{name}.json")["bytecode"]

    vm = node.deploy(artifact("GatewayVM")["object"])
    hooks = node.deploy(artifact("EthVerifierHooks")["object"])
    code: str = artifact("TrustedVerifier")["object"]
    for names in artifact("TrustedVerifier")["linkReferences"].values():
        for places in names.values():
            for place in places:
                at = 2 + 2 * place["start"]
                code = code[:at] + vm[2:] + code[at + 40 :]
    types = ("address", "string[]", "address[]", "uint256")
    return deploy(node, code, types, (hooks, [], [signer], 3600)), hooks


def selector_of(error: str) -> str:
    return "0x" + keccak(error.encode())[:4].hex()
