"""Output oracle, Arbitrum, Taiko and Scroll: what their contracts hold settles a header, and one change refuses it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import rlp

from tests.simulators.rollup import (
    IMPLEMENTATION_SLOT,
    NOW,
    REVIEWED,
    STATE,
    Contract,
    Parent,
    Rollup,
    all_nodes,
    array,
    entry,
    header,
    word,
)
from tests.simulators.trie_builder import build, keccak
from tests.simulators.world import RING, uint
from tests.verifier.settlement.games import PASSER_ROOT, output_root
from verifier.claims import CodePin
from verifier.errors import (
    BadInput,
    Denied,
    MissingNode,
    NotSettled,
    NotThere,
    UnreviewedCode,
    Unsupported,
    VerifierError,
    WrongBinding,
    WrongHash,
)
from verifier.network import Family
from verifier.policy import STRICT
from verifier.primitives import Address, ChainId, Hash32
from verifier.proven import ProvenHeader, ProvenSettlement, trail
from verifier.settlement.arbitrum import SECONDARY_IMPLEMENTATION
from verifier.trust import Basis, Settlement

SEND_ROOT = b"\x5e" * 32


def found(proven: ProvenHeader) -> ProvenSettlement:
    return next(step for step in trail(proven) if isinstance(step, ProvenSettlement))


class Oracle:
    """The old output oracle with one output."""

    def __init__(self, *, age: int = 604_801, period: int = 604_800, count: int = 5, number: int = 700) -> None:
        self.parent = Parent()
        self.raw = header(700, NOW - 700_000)
        self.address, contract = self.parent.proxy(0x02)
        self.words = contract.words
        slot = array(3, 4, 2)
        self.words |= {3: count, 8: period, slot: int.from_bytes(output_root(self.raw), "big")}
        self.words[slot + 1] = number << 128 | (NOW - age)
        self.rollup = Rollup("op_output", {"oracle": self.address})

    def verify(self, index: int = 4, **given: object) -> ProvenHeader:
        preimage = index.to_bytes(8, "big") + PASSER_ROOT
        return self.rollup.verify(self.parent, self.raw, [preimage], **given)  # type: ignore[arg-type]


def test_an_output_past_its_period_is_settled() -> None:
    """On the proposer's word: the basis says so."""
    proven = Oracle().verify()
    assert proven.trust.settlement is Settlement.SETTLED
    assert proven.trust.bases == {Basis.PERMISSIONED, Basis.REVIEWED_CODE}


def test_an_output_in_its_period_is_proposed() -> None:
    """Exactly the period is not longer than it; the network's own delay can only lengthen it."""
    assert Oracle(age=604_800).verify().trust.settlement is Settlement.PROPOSED
    longer = Oracle()
    longer.rollup = replace(longer.rollup, delay=604_900)
    assert found(longer.verify()).open_points == ("posted 604801 s ago; the period is 604900 s",)


@pytest.mark.parametrize(
    ("oracle", "index", "error"),
    [
        (Oracle(count=4), 4, NotThere),
        (Oracle(), 3, WrongHash),
        (Oracle(number=701), 4, WrongBinding),
    ],
    ids=["deleted", "another index", "another number"],
)
def test_an_output_of_something_else_is_refused(oracle: Oracle, index: int, error: type[VerifierError]) -> None:
    with pytest.raises(error):
        oracle.verify(index)


@pytest.mark.covers("OPS-07")
def test_an_oracle_that_the_network_left_is_not_asked() -> None:
    """The network's entry names its scheme and contracts; a bundle cannot name an older one's."""
    oracle = Oracle()
    moved = replace(oracle.rollup, scheme="op_fault")
    with pytest.raises(BadInput):
        moved.verify(oracle.parent, oracle.raw, [(4).to_bytes(8, "big") + PASSER_ROOT])
    with pytest.raises(Unsupported):
        replace(oracle.rollup, scheme="unheard of").verify(oracle.parent, oracle.raw, [b""])


class PaidOracle(Oracle):
    """The same, behind a portal of that generation whose code is pinned."""

    def __init__(self) -> None:
        super().__init__()
        self.portal, portal = self.parent.proxy(0x90)
        self.superchain, superchain = self.parent.proxy(0x5C)
        self.portal_words, self.superchain_words = portal.words, superchain.words
        portal.words[54] = int.from_bytes(self.address, "big")
        portal.words[53] = int.from_bytes(self.superchain, "big") << 8
        contracts = {"oracle": self.address, "portal": self.portal, "superchain_config": self.superchain}
        self.rollup = Rollup("op_output", contracts)


@pytest.mark.covers("OPS-07", "OPS-08")
def test_an_oracle_that_the_portal_left_or_that_is_paused_settles_nothing_where_the_portal_is_pinned() -> None:
    """Old roots stay in the oracle when a network moves to games: the portal's own word says that it is not asked."""
    assert PaidOracle().verify().trust.bases == {Basis.PERMISSIONED, Basis.REVIEWED_CODE}
    moved = PaidOracle()
    moved.portal_words[54] += 1
    with pytest.raises(WrongBinding, match="the oracle of the portal"):
        moved.verify()
    paused = PaidOracle()
    paused.superchain_words[int.from_bytes(keccak(b"superchainConfig.paused"), "big") - 1] = 1
    with pytest.raises(NotSettled, match="the pause of the superchain"):
        paused.verify()
    replaced = PaidOracle()
    replaced.portal_words[53] += 1 << 8
    with pytest.raises(WrongBinding, match="the superchain config of the portal"):
        replaced.verify()
    upgraded = PaidOracle()
    upgraded.portal_words[IMPLEMENTATION_SLOT] += 1
    with pytest.raises(UnreviewedCode, match="the portal contract's implementation"):
        upgraded.verify()
    named = replace(STRICT, accept_contracts=frozenset({(ChainId(1), upgraded.portal)}))
    assert upgraded.verify(policy=named).trust.bases == {Basis.PERMISSIONED, Basis.UNREVIEWED_CODE}


# --- Arbitrum --------------------------------------------------------------------------------------------


class Bold:
    """A BoLD rollup with one assertion about a header, and an outbox."""

    def __init__(self, *, status: int = 2, machine: int = 1, rival: int = 0) -> None:
        self.parent = Parent()
        self.raw = header(900, NOW - 700_000, extra=SEND_ROOT)
        self.rollup_address, contract = self.parent.proxy(0x4D)
        self.outbox_address, outbox = self.parent.proxy(0x0B)
        self.words, self.outbox = contract.words, outbox.words
        self.mother = b"\x3a" * 32
        state = keccak(self.raw) + SEND_ROOT + word(12) + word(0) + word(machine) + b"\xe4" * 32
        self.preimage = self.mother + state + b"\xac" * 32
        self.hash = keccak(self.mother + keccak(state) + b"\xac" * 32)
        self.words[entry(self.hash, 117)] = status << 200 | 1 << 192 | 5_000 << 128
        self.words[entry(self.mother, 117)] = 2 << 200 | rival << 64 | 4_000
        self.outbox[entry(SEND_ROOT, 3)] = int.from_bytes(keccak(self.raw), "big")
        self.rollup = Rollup("bold", {"rollup": self.rollup_address, "outbox": self.outbox_address}, chain_id=42_161)

    def verify(self, preimage: bytes | None = None, **given: object) -> ProvenHeader:
        given_preimage = self.preimage if preimage is None else preimage
        return self.rollup.verify(self.parent, self.raw, [given_preimage], **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("route", ["assertion", "outbox"])
def test_a_confirmed_assertion_is_settled(route: str) -> None:
    bold = Bold()
    proven = bold.verify(None if route == "assertion" else b"")
    assert proven.trust.settlement is Settlement.SETTLED
    assert proven.trust.bases == {Basis.FAULT_PROOF, Basis.REVIEWED_CODE}


@pytest.mark.covers("ARB-01")
def test_an_unconfirmed_assertion_is_proposed() -> None:
    """Pending counts nothing by default; a rival beside it is told."""
    assert found(Bold(status=1).verify()).open_points == ("pending",)
    assert not STRICT.takes(Bold(status=1).verify().trust)
    assert found(Bold(status=1, rival=7).verify()).open_points == ("pending", "its parent has a second child: a rival")


@pytest.mark.covers("ARB-01")
@pytest.mark.parametrize(("status", "error"), [(0, NotThere), (3, NotSettled)])
def test_an_assertion_that_the_rollup_does_not_hold_is_refused(status: int, error: type[VerifierError]) -> None:
    with pytest.raises(error):
        Bold(status=status).verify()


@pytest.mark.covers("ARB-02")
def test_an_assertion_about_another_block_is_refused() -> None:
    """The header must hash to the block hash in the state; every byte of the preimage is under the assertion's hash."""
    bold = Bold()
    bold.raw = header(901, NOW - 700_000, extra=SEND_ROOT)
    with pytest.raises(WrongHash):
        bold.verify()
    for at in (0, 70, 95, 200, 255):
        bold = Bold()
        changed = bytearray(bold.preimage)
        changed[at] ^= 1
        with pytest.raises((NotThere, NotSettled, BadInput)):
            bold.verify(bytes(changed))
    with pytest.raises(BadInput):
        bold.verify(bold.preimage + b"\0")


USER_LOGIC = Address(b"\x2e" * 20)


def with_user_logic(code: bytes) -> Bold:
    """The proxy's second implementation runs some code, and one is pinned."""
    bold = Bold()
    bold.words[int.from_bytes(SECONDARY_IMPLEMENTATION, "big")] = int.from_bytes(USER_LOGIC, "big")
    bold.parent.contracts[USER_LOGIC] = Contract(code=code)
    pin = CodePin(Hash32(keccak(b"the reviewed user logic")))
    bold.rollup = replace(bold.rollup, codes=[("rollup", REVIEWED), ("outbox", REVIEWED), ("rollup_user", pin)])
    return bold


@pytest.mark.covers("ARB-03")
def test_the_logic_that_stakers_reach_is_pinned_by_a_role_of_its_own() -> None:
    assert with_user_logic(b"the reviewed user logic").verify().trust.bases == {Basis.FAULT_PROOF, Basis.REVIEWED_CODE}
    other = with_user_logic(b"another")
    with pytest.raises(UnreviewedCode, match="the rollup contract's user logic"):
        other.verify()
    named = replace(STRICT, accept_contracts=frozenset({(ChainId(1), other.rollup_address)}))
    assert other.verify(policy=named).trust.bases == {Basis.FAULT_PROOF, Basis.UNREVIEWED_CODE}


@pytest.mark.covers("ARB-03")
@pytest.mark.parametrize("scheme", ["bold", "nitro"])
def test_a_second_implementation_that_nobody_pinned_is_code_that_nobody_reviewed(scheme: str) -> None:
    """Of both generations: whatever runs there writes the assertions and the nodes."""
    made = with_user_logic(b"the reviewed user logic")
    proof = None
    if scheme == "nitro":
        slot = entry(7, 118) + 2
        made.words |= {117: 7, slot: int.from_bytes(keccak(keccak(made.raw) + SEND_ROOT), "big")}
        proof = (7).to_bytes(8, "big")
    made.rollup = replace(made.rollup, scheme=scheme)
    assert made.verify(proof).trust.settlement is Settlement.SETTLED
    made.rollup = replace(made.rollup, codes=[pin for pin in made.rollup.codes if pin[0] != "rollup_user"])
    with pytest.raises(UnreviewedCode, match=r"user logic.*no code was reviewed"):
        made.verify(proof)
    named = replace(STRICT, accept_contracts=frozenset({(ChainId(1), made.rollup_address)}))
    assert made.verify(proof, policy=named).trust.bases == {Basis.FAULT_PROOF, Basis.UNREVIEWED_CODE}


@pytest.mark.parametrize("word_", [2, 3])
def test_positions_of_an_assertion_are_64_bits(word_: int) -> None:
    """What the contract's encoding never has is refused before the assertion is looked up."""
    bold = Bold()
    for value, error in (((1 << 64) - 1, NotThere), (1 << 64, BadInput)):
        at = 32 + 32 * word_
        with pytest.raises(error):
            bold.verify(bold.preimage[:at] + word(value) + bold.preimage[at + 32 :])


def test_a_machine_that_did_not_finish_is_no_block() -> None:
    with pytest.raises(NotSettled):
        Bold(machine=2).verify()


@pytest.mark.covers("ARB-02")
def test_the_outbox_holds_one_block_for_each_send_root() -> None:
    """Another block with the same send root is refused, and a send root that it does not know."""
    bold = Bold()
    bold.raw = header(901, NOW - 700_000, extra=SEND_ROOT)
    with pytest.raises(WrongHash):
        bold.verify(b"")
    bold.raw = header(900, NOW - 700_000, extra=b"\x5f" * 32)
    with pytest.raises(NotThere):
        bold.verify(b"")
    bold.raw = header(900, NOW - 700_000, extra=b"\x5e" * 31)
    with pytest.raises(WrongBinding):
        bold.verify(b"")


class Classic(Bold):
    """The node-based generation: the same numbers mean other things."""

    def __init__(self, *, confirmed: int = 7, created: int = 9) -> None:
        super().__init__()
        slot = entry(7, 118) + 2
        self.words |= {117: created << 128 | (confirmed + 1) << 64 | confirmed}
        self.words[slot] = int.from_bytes(keccak(keccak(self.raw) + SEND_ROOT), "big")
        self.rollup = replace(self.rollup, scheme="nitro")


def test_the_latest_confirmed_node_is_settled() -> None:
    assert Classic().verify((7).to_bytes(8, "big")).trust.settlement is Settlement.SETTLED
    assert Classic().verify(b"").trust.settlement is Settlement.SETTLED


@pytest.mark.covers("ARB-01")
def test_a_node_that_is_only_created_is_refused() -> None:
    """The packed neighbour holds the latest *created* node: 7 is created here, 6 is confirmed."""
    with pytest.raises(NotSettled) as caught:
        Classic(confirmed=6, created=7).verify((7).to_bytes(8, "big"))
    assert (caught.value.expected, caught.value.got) == ("7", "6")


@pytest.mark.covers("ARB-02")
def test_confirm_data_of_another_block_is_refused() -> None:
    classic = Classic()
    classic.raw = header(901, NOW - 700_000, extra=SEND_ROOT)
    with pytest.raises(WrongHash):
        classic.verify((7).to_bytes(8, "big"))


@pytest.mark.covers("ARB-03")
def test_a_contract_of_the_other_generation_is_refused_by_its_code() -> None:
    """Slots belong to an implementation: the classic rollup's is not what the BoLD slots were reviewed for."""
    bold = Bold()
    bold.parent.contracts[bold.rollup_address].code = b"the classic proxy"
    with pytest.raises(UnreviewedCode):
        bold.verify()


# --- Taiko and Scroll ------------------------------------------------------------------------------------


class Checkpoint:
    """A checkpoint in Taiko's signal service."""

    def __init__(self, version: int = 1, *, state: bytes = STATE) -> None:
        self.parent = Parent()
        self.raw = header(333, NOW - 9_000)
        self.address, contract = self.parent.proxy(0x9E)
        slot = entry(333, entry(version, 254))
        contract.words |= {slot: int.from_bytes(keccak(self.raw), "big"), slot + 1: int.from_bytes(state, "big")}
        self.rollup = Rollup("taiko", {"signal_service": self.address}, chain_id=167_000)

    def verify(self, version: int = 1, number: int = 333, **given: object) -> ProvenHeader:
        preimage = version.to_bytes(6, "big") + number.to_bytes(6, "big")
        return self.rollup.verify(self.parent, self.raw, [preimage], **given)  # type: ignore[arg-type]


def test_a_checkpoint_settles_its_header() -> None:
    assert Checkpoint().verify().trust.bases == {Basis.VALIDITY, Basis.TEE, Basis.REVIEWED_CODE}


def test_a_checkpoint_of_something_else_is_refused() -> None:
    """An abandoned version, another number, another state root, another block, a denied one."""
    for version, number in ((0, 333), (1, 334)):
        with pytest.raises(WrongBinding):
            Checkpoint(version).verify(version, number)
    with pytest.raises(WrongHash):
        Checkpoint(state=b"\x52" * 32).verify()
    with pytest.raises(NotThere):
        Checkpoint(0).verify()
    other = Checkpoint()
    other.raw = header(333, NOW - 9_001)
    with pytest.raises(WrongHash):
        other.verify()
    denied = frozenset({keccak(Checkpoint().raw)})
    with pytest.raises(Denied):
        Checkpoint().verify(policy=replace(STRICT, denied=denied))


class Batch:
    """A finalized batch of Scroll whose state names an older block in its history contract."""

    def __init__(self, *, finalized: int = 40, with_root: bool = True) -> None:
        self.parent = Parent()
        self.raw = header(9_000, NOW - 9_000)
        history = build({keccak(word(9_000 % RING.length)): rlp.encode(uint(int.from_bytes(keccak(self.raw), "big")))})
        account = rlp.encode([b"\x01", b"", history.root, keccak(b"ring")])
        state = build({keccak(RING.address): account, keccak(b"x"): b"\xc0" * 40})
        self.address, contract = self.parent.proxy(0xA1)
        contract.words[161] = finalized << 64 | 44
        if with_root:
            contract.words[entry(40, 158)] = int.from_bytes(state.root, "big")
        nodes = [*all_nodes(state), *all_nodes(history)]
        self.rollup = Rollup("scroll", {"scroll_chain": self.address}, chain_id=534_352, extra_nodes=nodes)

    def verify(self, batch: int = 40, **given: object) -> ProvenHeader:
        return self.rollup.verify(self.parent, self.raw, [batch.to_bytes(8, "big")], **given)  # type: ignore[arg-type]


def test_a_finalized_batch_settles_a_header_that_its_state_names() -> None:
    """The root has no time; the header under it has its own, and the trail passes through both."""
    proven = Batch().verify()
    assert proven.trust.bases == {Basis.VALIDITY, Basis.REVIEWED_CODE}
    kinds = [type(step).__name__ for step in trail(proven)]
    assert kinds[:6] == ["ProvenHeader", "ProvenWord", "ProvenAccount", "ProvenRoot", "ProvenSettlement", "ProvenWord"]


@pytest.mark.covers("ZKR-01")
def test_a_batch_that_is_only_committed_is_refused() -> None:
    """Batch 44 is the last committed one here; its neighbour in the same word is the last finalized."""
    with pytest.raises(NotSettled) as caught:
        Batch(finalized=39).verify()
    assert caught.value.rule == "the last finalized batch"
    with pytest.raises(NotThere):
        Batch(with_root=False).verify()


def test_a_header_that_the_batchs_state_does_not_name_is_refused() -> None:
    batch = Batch()
    batch.raw = header(9_000, NOW - 9_001)
    with pytest.raises(WrongHash):
        batch.verify()
    batch.raw = header(9_001, NOW - 9_000)
    with pytest.raises(NotThere):
        batch.verify()


def test_a_batch_on_a_network_without_a_history_contract_ties_to_no_moment() -> None:
    batch = Batch()
    batch.rollup = replace(batch.rollup, family=Family("ethereum-like"))
    with pytest.raises(Unsupported):
        batch.verify()


def test_nodes_of_the_rollups_state_are_needed_too() -> None:
    batch = Batch()
    batch.rollup = replace(batch.rollup, extra_nodes=())
    with pytest.raises(MissingNode):
        batch.verify()


@pytest.mark.parametrize("world", [Oracle, Bold, Classic, Checkpoint, Batch])
def test_a_contract_without_code_or_entry_is_refused(world: type) -> None:
    """An address that no account stands at, and a network whose contract nobody named."""
    made = world()
    role, _ = next(iter(made.rollup.contracts.items()))
    proof = {Classic: ((7).to_bytes(8, "big"),)}.get(world, ())
    gone = made.rollup.contracts | {role: Address(b"\x77" * 20)}
    made.rollup = replace(made.rollup, contracts=gone)
    with pytest.raises(NotThere, match="code of the"):
        made.verify(*proof)
    made.rollup = replace(made.rollup, contracts={}, codes=[("x", next(iter(made.rollup.network.rooted_by.codes))[1])])
    with pytest.raises(Unsupported, match="is not known"):
        made.verify(*proof)


@pytest.mark.covers("ROL-02")
def test_a_settled_root_is_believed_no_further_than_its_parent() -> None:
    """The parent here is pinned; that word, not a stronger one, is the rollup's anchor."""
    from verifier.trust import Anchor

    assert Bold().verify().trust.anchor is Anchor.PINNED
