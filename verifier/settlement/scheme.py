"""What every settlement scheme shares: the case it judges, the contracts it reads, and the values it may make.

A scheme answers one question, from state that is proven under a root of the parent network: does the parent's contract
hold this rollup header (or state root) as accepted, or merely as posted, and what must one believe for that? It never
looks at anything but proven accounts and words of the parent, the header's own bytes, and preimages that a hash in
those words fixes. "Now" is the time of the parent's block, never a wall clock.

Adding a scheme: one module with `verify`, one entry in `SCHEMES`; its docstring says who could forge a root.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from verifier.calls import Work
from verifier.claims import CodePin
from verifier.errors import BadInput, Denied, NotThere, UnreviewedCode, Unsupported, Where
from verifier.headers.decode import Header, decode_header
from verifier.headers.minted import mint_header
from verifier.network import Network, SettledOn
from verifier.policy import Policy
from verifier.primitives import Address, Hash32, SlotKey, Timestamp, to_hex
from verifier.proven import ProvenAccount, ProvenHeader, ProvenRoot, ProvenSettlement, ProvenWord, mint
from verifier.settlement.proposed import Proposal, conditions
from verifier.state.ethereum import EMPTY_CODE
from verifier.state.reader import StateReader
from verifier.state.tree import state_root
from verifier.trie.table import NodeTable
from verifier.trust import Basis, Settlement, Trust, TrustRoot

IMPLEMENTATION_SLOT: Final = SlotKey(bytes.fromhex("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"))
"""Where a proxy keeps its implementation: the hash of "eip1967.proxy.implementation", less one. Source: EIP-1967."""


@dataclass(frozen=True, slots=True)
class Case:
    """One root to be judged.

    Attributes:
        network: The rollup.
        settled: Its scheme and contracts.
        parent: Proven state of the parent, under the header `at`.
        nodes: Untrusted; of the parent's state, and of the rollup's where a scheme fixes a state root only.
        used: Gets the hashes of the nodes that were followed.
        policy: The checker's.
        seen: The checker's roots, of which observations count for proposed roots; None while gathering.
        work: What calls may still do, where a contract's own judgement is run; shared with the other rollups'.
    """

    network: Network
    settled: SettledOn
    at: ProvenHeader
    parent: StateReader
    nodes: NodeTable
    used: set[Hash32]
    policy: Policy
    seen: Sequence[TrustRoot] | None = ()
    work: Work | None = None

    @property
    def now(self) -> Timestamp:
        """The time of the parent's block: what its contracts would have seen as the time."""
        return self.at.timestamp

    @property
    def where(self) -> Where:
        """The rollup, for errors about its header."""
        return Where(network=self.network.name)

    def contract(self, role: str) -> Address:
        """The address of a role. Raises Unsupported where this network has none."""
        found = self.settled.contract(role)
        if found is None:
            what = f"the {role} contract of {self.network.name} on its parent is not known"
            raise Unsupported(self.where, what, f"name it under [networks.{self.network.name}.contracts]")
        return found


def case_of(
    network: Network,
    at: ProvenHeader,
    nodes: NodeTable,
    used: set[Hash32],
    policy: Policy,
    seen: Sequence[TrustRoot] | None = (),
    work: Work | None = None,
) -> Case:
    """
    A case over the state of the parent's header.

    Raises:
        BadInput: The network is no rollup, or `at` is not a header of its parent.
    """
    settled = network.rooted_by
    if not isinstance(settled, SettledOn):
        raise BadInput("settlement", "a network that is settled on a parent", network.name)
    if at.network.chain_id != settled.parent:
        raise BadInput("settlement", f"a header of chain {settled.parent}", at.network.name)
    return Case(network, settled, at, StateReader(state_root(at), nodes, used), nodes, used, policy, seen, work)


Verify = Callable[[Case, bytes, Sequence[bytes]], ProvenHeader]
"""Case, RLP of the rollup's header, preimages of the scheme -> the header as proven. Raises VerifierError."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a scheme found, before it is put into a proven value.

    Attributes:
        word: The word that names the root.
        entry: What the contract calls it, for people.
        open_points: Why it is not settled.
        bases: What one must believe, without the grade of the code, which `reviewed` gives.
        proposal: What is known of it where it is not settled; None where nothing could be told.
    """

    word: ProvenWord
    entry: str
    root: Hash32
    since: Timestamp | None
    open_points: tuple[str, ...]
    bases: frozenset[Basis]
    reviewed: bool
    proposal: Proposal | None = None


def settle(case: Case, verdict: Verdict) -> ProvenSettlement:
    """
    The verdict as a proven value, its trust the weaker of the parent's and its own.

    Raises:
        NotSettled: The root is proposed, the policy takes such roots, and a condition of its is not shown.
    """
    grade = Settlement.PROPOSED if verdict.open_points else Settlement.SETTLED
    shown: tuple[str, ...] = ()
    if verdict.open_points:
        shown = conditions(case.policy, case.seen, case.network.chain_id, verdict.word.where, verdict.proposal)
    code = Basis.REVIEWED_CODE if verdict.reviewed else Basis.UNREVIEWED_CODE
    own = Trust(case.at.trust.anchor, grade, verdict.bases | {code})
    return mint(
        ProvenSettlement,
        rests_on=verdict.word,
        network=case.network,
        scheme=case.settled.scheme,
        settlement=grade,
        entry=verdict.entry,
        root=verdict.root,
        since=verdict.since,
        judged_by=tuple(value for value in case.parent.read if value is not verdict.word),
        open_points=verdict.open_points,
        shown=shown,
        trust=case.at.trust.weakest(own),
    )


def settled_header(header: Header, settlement: ProvenSettlement | ProvenWord) -> ProvenHeader:
    """A rollup's header whose hash a settlement fixes, or a word under a settled root."""
    network = settlement.network if isinstance(settlement, ProvenSettlement) else settlement.rests_on.rests_on.network
    return mint_header(header, network, settlement, settlement.trust)


def settled_root(settlement: ProvenSettlement, root: Hash32) -> ProvenRoot:
    """A rollup's state root that a settlement fixes without a header: it has no number and no time of its own."""
    return mint(
        ProvenRoot,
        rests_on=settlement,
        network=settlement.network,
        state_root=root,
        number=None,
        timestamp=None,
        trust=settlement.trust,
    )


def rollup_header(case: Case, rlp: bytes) -> Header:
    """The header's fields and our hash of it. Raises Malformed, and Unsupported where its state cannot be proven."""
    if case.network.family.unsupported is not None:
        raise Unsupported(case.where, case.network.family.unsupported)
    return decode_header(rlp, case.network.family, case.where)


def refuse_denied(case: Case, what: str, value: bytes) -> None:
    """Raises Denied where the policy names the root, game or checkpoint."""
    if value in case.policy.denied:
        raise Denied(case.where, what, value)


def take(preimages: Sequence[bytes], count: int, scheme: str) -> Sequence[bytes]:
    """The preimages of a scheme, which are exactly so many. Raises BadInput."""
    if len(preimages) != count:
        raise BadInput(f"preimages of scheme {scheme}", f"exactly {count}", len(preimages))
    return preimages


def exactly(value: bytes, width: int, what: str) -> bytes:
    """A preimage of a fixed width. Raises BadInput."""
    if len(value) != width:
        raise BadInput(what, f"{width} bytes", value)
    return value


# --- code ------------------------------------------------------------------------------------------------


def check_code(case: Case, role: str, address: Address) -> bool:
    """
    Whether a contract of the parent runs the code that the scheme's slots were reviewed for.

    A pin of a code hash alone is one of a contract that is no proxy: whoever pinned a proxy so reviewed nothing of what
    it runs.

    Returns:
        True where it does; False where it does not, and the policy takes the contract all the same.

    Raises:
        NotThere: It has no code.
        UnreviewedCode: It runs other code, and the policy does not name it; the error says what was found.
    """
    account = case.parent.account(address)
    if not account.exists or account.code_hash == EMPTY_CODE:
        raise NotThere(account.where, f"code of the {role} contract")
    pins = case.settled.pins(role)
    found = _found(case, account, pins)
    if found is None:
        return True
    if (case.settled.parent, address) in case.policy.accept_contracts:
        return False
    what, expected, got = found
    raise UnreviewedCode(account.where, f"the {role} contract's {what}", expected, got)


def _found(case: Case, account: ProvenAccount, pins: Sequence[CodePin]) -> tuple[str, str, bytes] | None:
    """None where a pin fits; else what differs, what was reviewed, and what is there."""
    fitting = [pin for pin in pins if pin.code_hash == account.code_hash]
    if not fitting:
        return "code hash", _or(pin.code_hash for pin in pins), account.code_hash
    pointer = case.parent.word(account.address, IMPLEMENTATION_SLOT)
    if not any(pointer.word) and any(pin.implementation is None for pin in fitting):
        return None
    target = Address(bytes(pointer.word[12:]))
    for pin in fitting:
        if pin.implementation == target and not any(pointer.word[:12]):
            code = case.parent.account(target).code_hash
            if code == pin.implementation_code_hash:
                return None
            return "implementation's code hash", _or([pin.implementation_code_hash]), code
    expected = _or(pin.implementation for pin in fitting if pin.implementation is not None)
    return "implementation", expected, bytes(pointer.word)


def _or(values: Iterable[bytes | None]) -> str:
    known = [to_hex(value) for value in values if value is not None]
    return " or ".join(known) or "nothing (no code was reviewed)"
