"""Wormhole's core contract as its authors compiled it, out of the factories that their own package ships."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.nodes.anvil import Anvil
from tests.nodes.packages import package
from tests.nodes.protocols.contract import Contract, calldata, create
from tests.simulators.guardians import Guardians, packed

NAME = "@certusone/wormhole-sdk"
GOVERNANCE = (4).to_bytes(32, "big")
SETUP = "setup(address,address[],uint16,uint16,bytes32,uint256)"
MESSAGE = "(uint8,uint32,uint32,uint16,bytes32,uint64,uint8,bytes,uint32,(bytes32,bytes32,uint8,uint8)[],bytes32)"
DAY = 86_400


@dataclass
class Wormhole:
    """The core contract behind its proxy, and the guardians that it knows."""

    core: Contract
    guardians: Guardians

    def judges(self, message: bytes) -> bool:
        """Whether the contract itself takes a message for signed by its guardians."""
        try:
            _, valid, _ = self.core.view(f"parseAndVerifyVM(bytes)({MESSAGE},bool,string)", message)
        except Exception:
            return False
        return bool(valid)

    def follow(self, guardians: Guardians) -> None:
        """Let other guardians follow, as the present ones decide by their signatures."""
        keys = guardians.addresses
        payload = packed(
            b"Core".rjust(32, b"\0"), (2, 1), (0, 2), (guardians.number, 4), (len(keys), 1), b"".join(keys)
        )
        signed = self.guardians.but(chain=1, emitter=GOVERNANCE).message(payload)
        self.core.send("submitNewGuardianSet(bytes)", signed)
        self.guardians = guardians


def deploy(node: Anvil, guardians: Guardians) -> Wormhole:
    """A core contract that begins with a set of guardians, which is its number 0."""
    first = guardians.but(number=0)
    implementation, setup = create(node, _code("Implementation")), create(node, _code("Setup"))
    given = calldata(SETUP, implementation.address, first.addresses, 2, 1, GOVERNANCE, node.chain_id)
    proxy = create(node, _code("Wormhole"), "(address,bytes)", setup.address, bytes.fromhex(given[2:]))
    return Wormhole(proxy, first)


def _code(name: str) -> str:
    text = package(NAME, "lib", "cjs", "ethers-contracts", "factories", f"{name}__factory.js").read_text()
    (found,) = re.findall(r'const _bytecode = "(0x[0-9a-f]+)"', text)
    return str(found)
