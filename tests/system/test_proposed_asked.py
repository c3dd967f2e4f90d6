"""A proposed root in a bundle, checked by somebody whose own endpoints have to name its block.

The quorum is the checker's: it never travels. One thing differs between each accepting check and its refusals.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.nodes.anvil import Anvil
from tests.nodes.contracts import ALICE
from tests.simulators import lies
from tests.simulators.rpc import LyingProxy
from tests.system.settled_accounts import PROPOSED, Account, fresh_game, settled_account
from tests.verifier.app.account import compiled
from verifier.app.findings import of_run
from verifier.app.service import Run, check_account, verify_account
from verifier.errors import NotSettled, TrustTooWeak
from verifier.primitives import Timestamp
from verifier.proven import ProvenAmount
from verifier.verify import Outcome


@pytest.fixture(scope="module")
def account(anvil_factory: Callable[..., Anvil]) -> Iterator[Account]:
    with settled_account(anvil_factory) as made:
        yield made


@dataclass(frozen=True)
class Asked:
    """Operators of the rollup by the port that each listens on; the account's own node is the first."""

    account: Account

    def text(self, *urls: str, policy: str = PROPOSED) -> str:
        """The account file of somebody who asks these endpoints beside the node, each an operator of its own."""
        names = ("second", "third", "fourth")
        more = "".join(
            f', {{ name = "{name}", url = "{url.replace("127.0.0.1", f"{name}-host.test")}", operator = "{name}" }}'
            for name, url in zip(names, urls, strict=False)
        )
        return self.account.toml(proposed=policy, second=more)

    def gathered(self) -> bytes:
        """A bundle whose rollup rests on a game that was made now."""
        fresh_game(self.account)
        run = verify_account(compiled(self.text(self.account.op.url), environ={}), now=now(self.account))
        assert outcome(run, "op").trust.settlement == "proposed"  # type: ignore[union-attr]
        return run.data

    def check(self, data: bytes, *urls: str, policy: str = PROPOSED, ask: bool = True) -> Run:
        return check_account(
            compiled(self.text(*urls, policy=policy), environ={}), data, now=now(self.account), ask=ask
        )


def now(account: Account) -> Timestamp:
    """The clock; blocks that tests mine in a row are dated ahead of it."""
    return Timestamp(max(int(time.time()), int(account.parent.block("latest")["timestamp"], 16)))


def outcome(run: Run, network: str) -> Outcome:
    (found,) = (o for o in run.verified.outcomes if run.spec.networks[o.claim.chain_id].name == network)
    return found


def refusal(run: Run) -> tuple[str, str]:
    """Rule and finding of what refuses the rollup's claim; the other networks' claims stand."""
    lost = outcome(run, "op")
    assert not isinstance(lost, ProvenAmount)
    assert isinstance(lost.error, NotSettled), lost.error
    assert isinstance(outcome(run, "parent"), ProvenAmount)
    return lost.error.rule, lost.error.got.strip("'")


QUORUM = "a proposed root: the quorum on its block"


@pytest.fixture(scope="module")
def fork(anvil_factory: Callable[..., Anvil], account: Account) -> Anvil:
    """Another chain of the rollup's id, which has other blocks at the same heights."""
    other = anvil_factory(chain_id=account.op.chain_id)
    other.mine(int(account.op.block("latest")["number"], 16) + 64)
    return other


@pytest.mark.node("ethereumjs")
def test_check_takes_a_proposed_root_on_the_word_of_its_own_endpoints(account: Account, second_host: str) -> None:
    """Two operators name the block; one alone does not reach the quorum, and without asking nobody is counted."""
    asked = Asked(account)
    data, node = asked.gathered(), account.op.url
    run = asked.check(data, node)
    found = outcome(run, "op")
    assert isinstance(found, ProvenAmount)
    assert (found.amount, found.trust.settlement) == (account.tokens["op"].balance_of(ALICE), "proposed")
    assert refusal(asked.check(data, node, ask=False)) == (QUORUM, "0 did")
    assert refusal(asked.check(data)) == (QUORUM, "1 did")


@pytest.mark.node("ethereumjs")
def test_one_operator_that_names_another_block_takes_the_quorum_away(
    account: Account, fork: Anvil, lying_proxy: Callable[..., LyingProxy], second_host: str
) -> None:
    """A chain of the same id, or a header with one field changed, however many name the right block beside it."""
    asked = Asked(account)
    data, node, proxy = asked.gathered(), account.op.url, lying_proxy(account.op.url)
    proxy.tell(lies.field("stateRoot", "0x" + "11" * 32), method="eth_getBlockByNumber")
    for others in ((fork.url,), (node, fork.url), (node, proxy.url)):
        run = asked.check(data, *others)
        assert refusal(run) == (QUORUM, "0 did")
        (note,) = (note for note in of_run("check", run).notes if note.startswith("op: its endpoints"))
        assert "by 127.0.0.1" in note
        assert ("third" if len(others) > 1 else "second") in note
    assert isinstance(outcome(asked.check(data, node), "op"), ProvenAmount)


@pytest.mark.node("ethereumjs")
@pytest.mark.parametrize("lie", [lies.other_block("0x1"), lies.null_result(), lies.server_error()])
def test_an_operator_whose_answer_is_no_header_of_that_block_does_not_count(
    account: Account,
    lying_proxy: Callable[..., LyingProxy],
    lie: lies.Lie,
    second_host: str,
) -> None:
    """Beside two that do, the quorum stands; in the place of one of them, it does not."""
    asked = Asked(account)
    data, node, proxy = asked.gathered(), account.op.url, lying_proxy(account.op.url)
    proxy.tell(lie, method="eth_getBlockByNumber")
    assert refusal(asked.check(data, proxy.url)) == (QUORUM, "1 did")
    assert isinstance(outcome(asked.check(data, node, proxy.url), "op"), ProvenAmount)


@pytest.mark.node("ethereumjs")
def test_three_operators_are_three_where_the_policy_asks_for_them(account: Account, second_host: str) -> None:
    asked = Asked(account)
    data, node = asked.gathered(), account.op.url
    three = PROPOSED.replace("[policy.proposed]\n", "[policy.proposed]\nquorum = 3\n")
    assert isinstance(outcome(asked.check(data, node, node, policy=three), "op"), ProvenAmount)
    assert refusal(asked.check(data, node, policy=three)) == (QUORUM, "2 did")


@pytest.mark.node("ethereumjs")
def test_the_checkers_own_age_counts_and_a_policy_without_proposed_roots_takes_none(
    account: Account, second_host: str
) -> None:
    """The same bundle and quorum: a greater age refuses it by name; the default policy counts no such root."""
    asked = Asked(account)
    data, node = asked.gathered(), account.op.url
    rule, _ = refusal(asked.check(data, node, policy=PROPOSED.replace('"1s"', '"1h"')))
    assert rule == "a proposed root: its age"
    lost = outcome(asked.check(data, node, policy=""), "op")
    assert not isinstance(lost, ProvenAmount)
    assert isinstance(lost.error, TrustTooWeak)


@pytest.mark.node("ethereumjs")
def test_a_rival_or_a_challenge_refuses_a_posted_root_by_name(account: Account, second_host: str) -> None:
    """Every game of this run is contradicted or attacked; nothing else differs from those that count."""
    asked, games = Asked(account), account.games

    def verify() -> Run:
        text = asked.text(account.op.url).replace('max_head_lag = "20d"', 'max_head_lag = "1h"')
        return verify_account(compiled(text, environ={}), now=now(account))

    account.op.mine(timestamp=int(time.time()))  # so that no settled root is new enough to stand in
    block = fresh_game(account)
    count = games.factory.view("gameCount()(uint256)")
    for at in range(1, count - 1):  # whatever was posted before is attacked: none of it stands in for the newest
        attack(account, games.factory.view("gameAtIndex(uint256)(uint32,uint64,address)", at)[2])
    account.parent.mine(2)
    found = outcome(verify(), "op")
    assert isinstance(found, ProvenAmount)
    assert found.header.hash.hex() == block["hash"][2:]
    attack(account, games.factory.view("gameAtIndex(uint256)(uint32,uint64,address)", count - 1)[2])
    account.parent.mine(2)
    assert refusal(verify()) == (AGAINST, "1 moves were made against it or for it")
    block = fresh_game(account)
    games.propose(b"\xbb" * 32, int(block["number"], 16))
    account.parent.mine(2)
    rule, got = refusal(verify())
    assert rule == AGAINST
    assert got.startswith(f"a rival at height {int(block['number'], 16)}: game 0x")


AGAINST = "a proposed root: no rival and no challenge"


def attack(account: Account, address: str) -> None:
    """The first move against a game's claim, by the authors' own rules."""
    from tests.nodes.protocols.contract import Contract

    game = Contract(account.parent, address)
    bond = game.view("getRequiredBond(uint128)(uint256)", 2)
    game.send("attack(bytes32,uint256,bytes32)", game.view("rootClaim()(bytes32)"), 0, b"\x07" * 32, value=bond)
