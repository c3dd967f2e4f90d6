"""What all schemes share: whose case it is, whose headers can be read, and what a game's code must look like."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulators.rollup import IMPLEMENTATION_SLOT, PARENT, REVIEWED, Parent
from tests.verifier.settlement.games import CLONE_HEAD, CLONE_TAIL, GAME_IMPLEMENTATION, GameWorld
from tests.verifier.settlement.test_other_schemes import Bold
from verifier.claims import CodePin
from verifier.errors import NOWHERE, BadInput, MalformedHeader, NotThere, UnreviewedCode, Unsupported
from verifier.network import Network
from verifier.policy import STRICT
from verifier.primitives import ChainId
from verifier.proven import ProvenHeader
from verifier.settlement.op_clones import parse_clone
from verifier.settlement.scheme import case_of
from verifier.trie.table import NodeTable


def header_of(network: Network) -> ProvenHeader:
    parent = Parent()
    state, _ = parent.tries()
    at = parent.anchored(state)
    assert at.network == network
    return at


def test_a_case_is_a_rollups_under_its_own_parent() -> None:
    at, rollup = header_of(PARENT), GameWorld().rollup.network
    table = NodeTable.from_hashed(())
    assert case_of(rollup, at, table, set(), STRICT).now == at.timestamp
    with pytest.raises(BadInput, match="settled on a parent"):
        case_of(PARENT, at, table, set(), STRICT)
    elsewhere = replace(rollup, rooted_by=replace(rollup.rooted_by, parent=ChainId(5)))  # type: ignore[type-var]
    with pytest.raises(BadInput, match="a header of chain 5"):
        case_of(elsewhere, at, table, set(), STRICT)


def test_a_rollup_whose_state_cannot_be_proven_is_refused_before_it_is_judged() -> None:
    """Settled or not, nothing could hang under it."""
    bold = Bold()
    family = replace(bold.rollup.family, unsupported="its state is another tree")
    bold.rollup = replace(bold.rollup, family=family)
    with pytest.raises(Unsupported, match="another tree"):
        bold.verify()


def clone(padding: int, arguments: int) -> bytes:
    head = CLONE_HEAD + b"\x5b" * padding + bytes.fromhex("76013d73")
    return head + GAME_IMPLEMENTATION + CLONE_TAIL + b"\xcc" * arguments + b"\x00\x76"


def test_a_clone_has_its_call_near_its_head_and_all_of_its_first_arguments() -> None:
    """The bounds themselves are inside, one beyond each is not."""
    near = 100 - len(CLONE_HEAD) - 1
    assert parse_clone(clone(near, 84), NOWHERE).implementation == GAME_IMPLEMENTATION
    for padding, arguments in ((near + 1, 84), (near, 83), (near + 1, 200), (0, 0)):
        with pytest.raises(MalformedHeader, match="not a clone"):
            parse_clone(clone(padding, arguments), NOWHERE)


def test_a_preimage_of_another_width_is_refused_by_its_name() -> None:
    world = GameWorld()
    head, extra, code = world.preimages
    with pytest.raises(BadInput, match="game type and message passer's storage root"):
        world.rollup.verify(world.parent, world.raw, [head[:-1], extra, code])


def test_an_account_without_code_is_no_contract() -> None:
    """It exists, and holds coins perhaps: nothing in it was written by a contract."""
    bold = Bold()
    bold.parent.contracts[bold.rollup_address].code = b""
    with pytest.raises(NotThere, match="code of the rollup contract"):
        bold.verify()


def test_a_refusal_of_code_says_what_was_reviewed() -> None:
    """Each pinned hash, or that there is none."""
    bold = Bold()
    bold.parent.contracts[bold.rollup_address].code = b"another proxy"
    with pytest.raises(UnreviewedCode) as caught:
        bold.verify()
    assert str(caught.value).count("0x" + REVIEWED.code_hash.hex()) == 1
    assert "no code was reviewed" not in str(caught.value)
    bold.rollup = replace(bold.rollup, codes=[("another role", REVIEWED)])
    with pytest.raises(UnreviewedCode, match="no code was reviewed"):
        bold.verify()


@pytest.mark.covers("OPS-08")
def test_a_pin_of_a_proxys_code_alone_reviews_nothing_of_what_it_runs() -> None:
    """The code hash fits, and says delegate; what it delegates to nobody reviewed. Without a pointer it is no proxy."""
    bold = Bold()
    bold.rollup = replace(bold.rollup, codes=[(role, CodePin(REVIEWED.code_hash)) for role in ("rollup", "outbox")])
    for preimage in (None, b""):
        with pytest.raises(UnreviewedCode, match="contract's implementation") as caught:
            bold.verify(preimage)
        assert "no code was reviewed" in str(caught.value)
    del bold.words[IMPLEMENTATION_SLOT]
    del bold.outbox[IMPLEMENTATION_SLOT]
    assert bold.verify()
    assert bold.verify(b"")
