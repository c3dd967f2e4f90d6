"""What tests of Arbitrum's contracts share: one node for both networks, their code pinned as it was deployed.

The node stands for the parent and for the rollup: blocks of its own past are what assertions and nodes speak of. Its
blocks are one second apart at least, so that their number is an age.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chains.chain import local_network
from chains.driver import Desk, drive
from chains.endpoint import Endpoint
from tests.nodes.contracts import EIP1967_SLOT
from tests.nodes.ethereumjs import EthereumJS
from tests.nodes.protocols.arbitrum import SECONDARY_SLOT
from tests.simulators.trie_builder import keccak
from verifier.claims import CodePin
from verifier.flow import AskHeader, ask
from verifier.gather import gather_anchor
from verifier.network import Network, OwnConsensus, SettledOn
from verifier.policy import STRICT, Policy
from verifier.primitives import Address, Hash32, SlotKey, Timestamp, parse_hex
from verifier.proven import ProvenHeader
from verifier.settlement import SCHEMES, arbitrum, gather_settlement
from verifier.settlement.collect import Candidate, Settled, collect, proxy_reads
from verifier.trust import PinnedBlock


@dataclass
class RollupStage:
    """
    A rollup's contracts on a node.

    Attributes:
        addresses: Of `rollup` and `outbox`.
        roles: Those that the checker's entry names unless a test says otherwise.
    """

    node: EthereumJS
    scheme: str
    addresses: dict[str, str]
    roles: Sequence[str]

    def networks(self, roles: Sequence[str] | None = None, *, user: str | None = None) -> tuple[Network, Network]:
        """The parent and the rollup, all code pinned; `user` in place of what stakers reach."""
        named = {role: self.addresses[role] for role in roles or self.roles}
        codes = [(role, self.pin(address)) for role, address in named.items()]
        codes.append(("rollup_user", CodePin(self.code(user or self.user_logic))))
        contracts = tuple((role, Address(parse_hex(address.lower()))) for role, address in named.items())
        local = local_network("parent", self.node.chain_id)
        parent = replace(local, rooted_by=OwnConsensus("beacon"), block_time=1)
        settled = SettledOn(parent.chain_id, self.scheme, contracts, tuple(codes))
        return parent, replace(local, name="rollup", rooted_by=settled)

    @property
    def user_logic(self) -> str:
        """The proxy's second implementation, as it stands in its storage."""
        slot = self.node.rpc("eth_getStorageAt", self.addresses["rollup"], f"0x{SECONDARY_SLOT:064x}", "latest")
        return "0x" + slot[-40:]

    def code(self, address: str) -> Hash32:
        """The hash of a contract's code."""
        return Hash32(keccak(bytes.fromhex(self.node.rpc("eth_getCode", address, "latest")[2:])))

    def pin(self, address: str) -> CodePin:
        """A proxy with its implementation."""
        target = "0x" + self.node.rpc("eth_getStorageAt", address, f"0x{EIP1967_SLOT:064x}", "latest")[-40:]
        return CodePin(self.code(address), Address(parse_hex(target)), self.code(target))

    async def gathered(
        self, roles: Sequence[str] | None = None, policy: Policy = STRICT, user: str | None = None
    ) -> tuple[Settled, Network, ProvenHeader]:
        """What gathering finds as of now, under the node's newest block."""
        parent, rollup = self.networks(roles, user=user)
        head = self.node.block("latest")
        root = PinnedBlock(parent.chain_id, Hash32(parse_hex(head["hash"])))
        async with Desk.to([(parent, [Endpoint(self.node.url)])]) as desk:
            at = (await drive(gather_anchor(parent, root), desk)).header
            now = Timestamp(int(head["timestamp"], 16))
            return await drive(gather_settlement(rollup, at, now, policy), desk), rollup, at

    async def judged_by(
        self, preimage: bytes, block: bytes, slots: Sequence[SlotKey], policy: Policy = STRICT
    ) -> Settled:
        """What judging says of a block by one preimage, whatever was told."""
        parent, rollup = self.networks()
        root = PinnedBlock(parent.chain_id, Hash32(parse_hex(self.node.block("latest")["hash"])))
        async with Desk.to([(parent, [Endpoint(self.node.url)])]) as desk:
            at = (await drive(gather_anchor(parent, root), desk)).header
            rlp = await drive(ask(AskHeader(chain_id=parent.chain_id, block=Hash32(block))), desk)
            contract = Address(parse_hex(self.addresses["rollup"].lower()))
            reads = proxy_reads([(contract, [*slots, arbitrum.SECONDARY_IMPLEMENTATION])], ())
            candidate = Candidate(rlp, (preimage,), reads)
            return await drive(collect(rollup, at, policy, candidate, SCHEMES[self.scheme].verify), desk)

    def block(self, send_root: bytes) -> bytes:
        """A block whose header holds a send root."""
        self.node.extra_data = send_root
        self.node.mine()
        self.node.extra_data = b""
        return bytes.fromhex(self.node.block("latest")["hash"][2:])
