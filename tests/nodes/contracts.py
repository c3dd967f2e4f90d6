"""
Real tokens on a test chain, with holders whose balances reach from nothing to 2**256 - 1.

What a holder has is asked of the contract itself (`balanceOf`), never computed here: tests compare proofs with that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from eth_abi import encode
from eth_utils import keccak

from tests.nodes.anvil import Anvil
from tests.nodes.artifacts import Artifact, solidity, vyper, weth9
from tests.nodes.devnode import DevNode

ALICE = "0xa11ce00000000000000000000000000000000001"
"""Has native money, a middling balance of every token, and a whale's of one."""
BOB = "0xb0b0000000000000000000000000000000000002"
"""Has one base unit of every token and no native money: no account in the state trie, yet storage words."""
CAROL = "0xca401000000000000000000000000000000000a3"
"""Has about 2**200 of every token that can hold it."""
DAVE = "0xda7e000000000000000000000000000000000004"
"""On anvil: had tokens and sent them all away, a zero balance whose word was deleted. Elsewhere still has them."""
ERIN = "0xe4100000000000000000000000000000000000e5"
"""Has native money and never touched a token."""
FRANK = "0xf4a7000000000000000000000000000000000006"
"""Has tokens; in the packed token they are frozen, so the word has bit 255 set."""
MAXIM = "0x3a910000000000000000000000000000000000f7"
"""Has 2**256 - 1 of the token MAX and nothing else."""
NOBODY = "0x00b0d1000000000000000000000000000000dead"
"""Never seen on the chain: no account, no words."""

HOLDERS = {
    "alice": ALICE,
    "bob": BOB,
    "carol": CAROL,
    "dave": DAVE,
    "erin": ERIN,
    "frank": FRANK,
    "maxim": MAXIM,
    "nobody": NOBODY,
}
HUGE = 2**200 + 12345
MIDDLING = 1_234_567_890
NATIVE = {ALICE: 12_345_678_901_234_567_890, ERIN: 1}

ERC7201_ERC20 = (
    int.from_bytes(
        keccak((int.from_bytes(keccak(b"openzeppelin.storage.ERC20"), "big") - 1).to_bytes(32, "big")), "big"
    )
    & ~0xFF
)
"""ERC-7201's formula: keccak256(keccak256(id) - 1) with the last byte cleared. The balances are the first member."""
EIP1967_SLOT = int.from_bytes(keccak(b"eip1967.proxy.implementation"), "big") - 1
ZOS_SLOT = int.from_bytes(keccak(b"org.zeppelinos.proxy.implementation"), "big")

N = TypeVar("N", bound=DevNode)
Kind = Literal["openzeppelin", "weth9", "vyper", "upgradeable", "packed"]
Order = Literal["solidity", "vyper"]


@dataclass(frozen=True)
class Deployed:
    """
    A token on a chain.

    `slot` and `order` say where its balance mapping lies; `mask` which bits of the word are the balance; `implementation`
    and `implementation_slot` are set for proxies. `balances` is what the contract reported when it was deployed.
    """

    kind: Kind
    address: str
    symbol: str
    decimals: int
    slot: int
    order: Order
    node: DevNode = field(repr=False, compare=False)
    mask: int = 2**256 - 1
    implementation: str | None = None
    implementation_slot: int | None = None
    balances: Mapping[str, int] = field(default_factory=dict, compare=False)

    def balance_of(self, holder: str, block: str = "latest") -> int:
        """What the contract itself says the holder has, in base units."""
        return int(self.node.call(self.address, f"0x70a08231{word(holder)}", block), 16)

    def storage_key(self, holder: str) -> str:
        """The slot of the holder's balance as 32 bytes of hex, worked out apart from the code under test."""
        key, place = bytes.fromhex(word(holder)), self.slot.to_bytes(32, "big")
        return f"0x{keccak(key + place if self.order == 'solidity' else place + key).hex()}"

    def transfer(self, sender: str, to: str, amount: int) -> None:
        """Move tokens of a holder whose key nobody has, by impersonation (anvil only); mines blocks."""
        if not isinstance(self.node, Anvil):
            raise TypeError("only anvil impersonates")
        impersonate(self.node, sender, self.address, f"0xa9059cbb{word(to)}{amount:064x}")


@dataclass(frozen=True)
class DeployedChain(Generic[N]):
    """A node with every kind of token on it, and all holders named; on anvil `finalized` is past the deployments."""

    node: N
    tokens: Mapping[str, Deployed]

    @property
    def url(self) -> str:
        """The node's address."""
        return self.node.url

    @property
    def chain_id(self) -> int:
        """The EIP-155 chain id."""
        return self.node.chain_id

    @property
    def holders(self) -> Mapping[str, str]:
        """Addresses by the names of this module."""
        return HOLDERS

    def native(self, holder: str, block: str = "latest") -> int:
        """The native balance that the node reports, in wei."""
        return int(self.node.rpc("eth_getBalance", holder, block), 16)


def word(address: str) -> str:
    """An address as a left-padded word of hex, without 0x."""
    return address.removeprefix("0x").lower().rjust(64, "0")


def impersonate(node: Anvil, sender: str, to: str, data: str = "0x", value: int = 0) -> None:
    """Send from an address without a key. Its native balance and nonce are as before afterwards, but for the nonce."""
    before = node.rpc("eth_getBalance", sender, "latest")
    node.rpc("anvil_impersonateAccount", sender)
    node.rpc("anvil_setBalance", sender, hex(10**18 + value))
    node.send(to, data, value, sender=sender)
    node.rpc("anvil_stopImpersonatingAccount", sender)
    node.rpc("anvil_setBalance", sender, before)
    node.mine()


def deploy_tokens(node: N) -> DeployedChain[N]:
    """Deploy every kind of token, hand out the balances, and mine until `finalized` is past all of it."""
    for holder, wei in NATIVE.items():
        node.send(holder, value=wei)
    tokens = [_plain(node), _max(node), _weth(node), _vyper(node), _upgradeable(node), _packed(node)]
    for token in tokens if isinstance(node, Anvil) else []:
        if token.balance_of(DAVE):
            token.transfer(DAVE, ALICE, token.balance_of(DAVE))
    node.send(next(t for t in tokens if t.kind == "packed").address, f"0x8d1fdf2f{word(FRANK)}")
    node.mine(4)
    return DeployedChain(node, {token.symbol: _with_balances(token) for token in tokens})


def _with_balances(token: Deployed) -> Deployed:
    balances = {holder: token.balance_of(holder) for holder in HOLDERS.values()}
    return Deployed(
        token.kind,
        token.address,
        token.symbol,
        token.decimals,
        token.slot,
        token.order,
        token.node,
        token.mask,
        token.implementation,
        token.implementation_slot,
        balances,
    )


def _shares(chain_id: int, huge: int = HUGE) -> tuple[list[str], list[int]]:
    # Alice differs from chain to chain: addresses and all else are alike, and a proof of one must not pass for another.
    amounts = {ALICE: MIDDLING + chain_id, BOB: 1, CAROL: huge, DAVE: 777, FRANK: 55_000_000}
    return list(amounts), list(amounts.values())


def _create(node: DevNode, artifact: Artifact, types: Sequence[str] = (), values: Sequence[object] = ()) -> str:
    return node.deploy(artifact.bytecode, encode(types, values).hex())


def deploy_plain(node: DevNode) -> Deployed:
    """The plain token alone, with the balances that the chain reports."""
    return _with_balances(_plain(node))


def _plain(node: DevNode) -> Deployed:
    made = solidity()["PlainToken"]
    types = ("string", "string", "uint8", "address[]", "uint256[]")
    address = _create(node, made, types, ("Plain Dollar", "OZD", 6, *_shares(node.chain_id)))
    return Deployed("openzeppelin", address, "OZD", 6, made.slots["_balances"], "solidity", node)


def _max(node: DevNode) -> Deployed:
    made = solidity()["PlainToken"]
    types = ("string", "string", "uint8", "address[]", "uint256[]")
    address = _create(node, made, types, ("Whole Word", "MAX", 0, [MAXIM], [2**256 - 1]))
    return Deployed("openzeppelin", address, "MAX", 0, made.slots["_balances"], "solidity", node)


def _weth(node: DevNode) -> Deployed:
    made = weth9()
    address = _create(node, made)
    for holder, amount in zip(*_shares(node.chain_id, huge=3 * 10**21), strict=True):
        node.send(address, "0xd0e30db0", amount)
        node.send(address, f"0xa9059cbb{word(holder)}{amount:064x}")
    return Deployed("weth9", address, "WETH", 18, made.slots["balanceOf"], "solidity", node)


def _vyper(node: DevNode) -> Deployed:
    made = vyper()
    types = ("string", "string", "uint8", "address[]", "uint256[]")
    address = _create(node, made, types, ("Viper Coin", "VYC", 18, *_shares(node.chain_id)))
    return Deployed("vyper", address, "VYC", 18, made.slots["balanceOf"], "vyper", node)


def _upgradeable(node: DevNode) -> Deployed:
    implementation = _create(node, solidity()["UpgradeableToken"])
    selector = keccak(b"initialize(string,string,address[],uint256[])")[:4]
    start = selector + encode(
        ("string", "string", "address[]", "uint256[]"), ("Upgradeable", "UPG", *_shares(node.chain_id))
    )
    address = _create(node, solidity()["Proxy1967"], ("address", "bytes"), (implementation, start))
    return Deployed(
        "upgradeable",
        address,
        "UPG",
        18,
        ERC7201_ERC20,
        "solidity",
        node,
        implementation=implementation,
        implementation_slot=EIP1967_SLOT,
    )


def _packed(node: DevNode) -> Deployed:
    made = solidity()["PackedToken"]
    implementation = _create(node, made)
    selector = keccak(b"initialize(string,string,uint8,address[],uint256[])")[:4]
    types = ("string", "string", "uint8", "address[]", "uint256[]")
    start = selector + encode(types, ("Packed Dollar", "PKD", 6, *_shares(node.chain_id)))
    address = _create(node, solidity()["ZosProxy"], ("address", "bytes"), (implementation, start))
    return Deployed(
        "packed",
        address,
        "PKD",
        6,
        made.slots["balanceAndFlag"],
        "solidity",
        node,
        mask=2**255 - 1,
        implementation=implementation,
        implementation_slot=ZOS_SLOT,
    )
