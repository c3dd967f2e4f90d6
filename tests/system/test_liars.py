"""A lying, failing or silent endpoint before a real node: it never changes a number, and never takes others along."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from tests.nodes.contracts import CAROL
from tests.simulators import lies
from tests.system.accounts import account_toml, token_lines
from verifier.app.account_file import parse_account
from verifier.app.compile import AccountSpec, compile_account
from verifier.app.service import Run, check_account, verify_account
from verifier.errors import MissingEvidence, MissingNode, NoTrustRoot, ProofError, TrustTooWeak, VerifierError
from verifier.flow import Unanswered
from verifier.primitives import Timestamp
from verifier.proven import ProvenAmount


def spec_of(chains, endpoints=None, **options: object) -> AccountSpec:
    """An account over some chains, compiled as the command line would."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    file, source = parse_account(account_toml(chains, endpoints, at=stamp, **options), "test")
    return compile_account(file, source, {}, environ={}, networks={}, preset="strict")


def verified(spec: AccountSpec, **options) -> Run:
    return verify_account(spec, now=Timestamp(int(time.time())), **options)


def figures(run: Run) -> dict[tuple[int, str], int]:
    """What was proven, by network and symbol."""
    outcomes = run.verified.outcomes
    return {(o.claim.chain_id, o.claim.asset.symbol): o.amount for o in outcomes if isinstance(o, ProvenAmount)}


def truth(chains, tokens=("OZD", "WETH", "VYC", "UPG", "PKD"), holder: str = "alice") -> dict[tuple[int, str], int]:
    """What the contracts say themselves."""
    said = {}
    for chain in chains:
        who = chain.holders[holder]
        said[chain.chain_id, "ETH"] = chain.native(who)
        said |= {(chain.chain_id, t): chain.tokens[t].balance_of(who) for t in tokens}
    return said


@pytest.fixture(scope="module")
def honest(three_chains):
    return truth(three_chains)


def test_three_networks_prove_what_the_contracts_report(three_chains, honest) -> None:
    """Every figure equals the contract's own, in two round trips for each network."""
    run = verified(spec_of(three_chains))
    assert figures(run) == honest
    assert not run.refused
    assert not run.missing
    assert {e.round_trips for e in run.endpoints} <= {1, 2, 3}


def test_huge_balances_are_exact(three_chains) -> None:
    """A holder of about 2^200 units is proven to the unit."""
    run = verified(spec_of(three_chains[:1], holder="carol", tokens=("OZD", "VYC")))
    assert figures(run)[31337, "OZD"] == three_chains[0].tokens["OZD"].balance_of(CAROL) > 2**199


LIES = {
    "PRF-09 flipped account node": (lies.flipped_node("account"), {"PRF-09", "MPT-01"}),
    "MPT-13 truncated account proof": (lies.dropped_node("account"), {"MPT-13"}),
    "MPT-13 truncated storage proof": (lies.dropped_node("storage"), {"MPT-13"}),
    "MPT-05 empty account proof": (lies.no_nodes("account"), {"MPT-05"}),
    "ACC-03 account told as absent": (lies.absent_account(), {"ACC-03"}),
    "ACC-07 another account": (lies.other_account(CAROL), {"ACC-07"}),
    "PRF-06 proof of another block": (lies.other_block("0x1"), {"PRF-06", "PRF-07"}),
    "flipped storage node": (lies.flipped_node("storage"), {"PRF-09"}),
}


@pytest.mark.covers("PRF-09", "MPT-01", "MPT-13", "MPT-05", "ACC-03", "ACC-07", "PRF-06", "PRF-07", "PRF-08")
@pytest.mark.parametrize("lie", [lie for lie, _ in LIES.values()], ids=LIES)
def test_a_lie_about_a_proof_is_refused_and_the_others_go_on(three_chains, honest, lying_proxy, lie) -> None:
    """The only endpoint of one network lies: nothing false is proven there, the endpoint is marked, the rest stands."""
    proxy = lying_proxy(three_chains[0].url)
    proxy.tell(lie, method="eth_getProof")
    run = verified(spec_of(three_chains, {31337: [proxy.url]}))
    proven = figures(run)
    assert {k: v for k, v in proven.items() if k[0] != 31337} == {k: v for k, v in honest.items() if k[0] != 31337}
    assert all(honest[k] == v for k, v in proven.items())
    lost = [o for o in (*run.refused, *run.missing) if o.claim.chain_id == 31337]
    assert lost
    assert run.report.status.value not in {"healthy", "warning"} or run.report.figures.reasons
    for refusal in run.refused:
        assert isinstance(refusal.error, Unanswered)
        assert all(isinstance(error, VerifierError) for _, error in refusal.error.refusals)


def test_a_refusal_names_network_address_slot_and_node(three_chains, lying_proxy) -> None:
    """What a person reads of a lie about a storage proof: where exactly, what was needed, and who said it."""
    proxy = lying_proxy(three_chains[0].url)
    proxy.tell(lies.dropped_node("storage"), method="eth_getProof")
    run = verified(spec_of(three_chains[:1], {31337: [proxy.url]}, tokens=("OZD",)))
    (refusal,) = run.refused
    (name, error), *_ = refusal.error.refusals
    assert name == "node-31337-0"
    assert isinstance(error, MissingNode)
    assert error.where.network == "local31337"
    assert error.where.address == refusal.claim.asset.contract
    assert error.where.slot is not None
    assert f"slot 0x{error.where.slot.hex()}" in str(error)


@pytest.mark.covers("ACC-01", "ACC-02", "ACC-08", "STO-01")
@pytest.mark.parametrize(
    "lie", [lies.wrong_balance(), lies.wrong_nonce(), lies.wrong_code_hash(), lies.wrong_storage_hash(), lies.wrong_value()],
    ids=["balance", "nonce", "codeHash", "storageHash", "value"],
)  # fmt: skip
def test_fields_beside_a_true_proof_decide_nothing(three_chains, honest, lying_proxy, lie) -> None:
    """Balances and hashes told beside the nodes are never read: the proven figures are the true ones."""
    proxy = lying_proxy(three_chains[0].url)
    proxy.tell(lie, method="eth_getProof")
    proven = figures(verified(spec_of(three_chains[:1], {31337: [proxy.url]})))
    assert proven.items() <= honest.items()


@pytest.mark.covers("PRF-01", "PRF-02", "PRF-03", "MPT-06")
@pytest.mark.parametrize(
    "lie", [lies.repeated_node(), lies.reordered_nodes(), lies.surplus_node(), lies.minimal_key()],
    ids=["repeated", "reordered", "surplus", "minimal key"],
)  # fmt: skip
def test_odd_packaging_of_a_true_proof_is_no_lie(three_chains, honest, lying_proxy, lie) -> None:
    """Surplus, repeated and reordered nodes are dropped when the bundle is made; it verifies without them."""
    proxy = lying_proxy(three_chains[0].url)
    proxy.tell(lie, method="eth_getProof")
    run = verified(spec_of(three_chains[:1], {31337: [proxy.url]}))
    assert figures(run) == {k: v for k, v in honest.items() if k[0] == 31337}


@pytest.mark.covers("RPC-11", "MRG-06")
def test_an_honest_second_endpoint_is_used_and_the_liar_marked(three_chains, honest, lying_proxy) -> None:
    """With one liar and one honest endpoint every figure is proven, and the report names the liar and its first lie."""
    chain = three_chains[0]
    proxy = lying_proxy(chain.url)
    proxy.tell(lies.flipped_node("storage", 0), method="eth_getProof")
    run = verified(spec_of(three_chains, {31337: [proxy.url, chain.url]}))
    assert figures(run) == honest
    assert not run.refused
    liars = {e.name: e.first_lie for e in run.endpoints if e.lied}
    assert list(liars) == ["node-31337-0"]
    assert liars["node-31337-0"]


@pytest.mark.covers("HDR-01", "HDR-10")
@pytest.mark.parametrize("name", ["stateRoot", "receiptsRoot", "timestamp", "number", "hash"])
def test_a_false_header_is_not_the_pinned_one(three_chains, lying_proxy, name) -> None:
    """A header with one field changed no longer hashes to the pin; its own hash field is not believed either."""
    proxy = lying_proxy(three_chains[0].url)
    false = "0x" + "11" * 32 if name.endswith(("Root", "hash")) else "0x123456"
    proxy.tell(lies.field(name, false), method="eth_getBlockByHash")
    run = verified(spec_of(three_chains[:1], {31337: [proxy.url]}))
    if name == "hash":
        assert not run.refused
        return
    assert not figures(run)
    assert {type(error) for r in run.refused for _, error in r.error.refusals} <= {NoTrustRoot}


@pytest.mark.covers("CHN-01")
def test_an_endpoint_of_another_chain_is_left(three_chains, lying_proxy) -> None:
    """An endpoint that says another chain id is not used; it is trouble, not proof."""
    proxy = lying_proxy(three_chains[0].url)
    proxy.tell(lies.wrong_chain_id(1), method="eth_chainId")
    run = verified(spec_of(three_chains[:1], {31337: [proxy.url]}))
    assert not figures(run)
    assert len(run.missing) == 6


def test_a_stopped_node_leaves_the_other_networks(three_chains, fresh_chain, honest) -> None:
    """A node that is gone makes its claims missing, which is not the same as refused."""
    gone = fresh_chain(chain_id=31340)
    spec = spec_of([*three_chains, gone])
    gone.node.stop()
    run = verified(spec, seconds=20.0)
    assert figures(run) == honest
    assert {r.claim.chain_id for r in run.missing} == {31340}
    assert not run.refused


@pytest.mark.covers("MRG-06")
def test_a_debt_that_cannot_be_read_is_indeterminate(three_chains, lying_proxy) -> None:
    """Hiding a debt by failing never helps: the account is indeterminate, and with the debt proven it is not."""
    chain = three_chains[0]
    debt = "\n".join(token_lines(chain, "VYC", "debts"))
    proxy = lying_proxy(chain.url)
    spec = spec_of([chain], {31337: [proxy.url]}, tokens=("OZD",), extra=debt, policy='preset = "strict"')
    open_spec = spec.__class__(**{f: getattr(spec, f) for f in spec.__dataclass_fields__})
    accept = open_spec.policy.accept_contracts | {
        (c.chain_id, c.asset.contract) for c in spec.claims if c.asset.contract
    }
    from dataclasses import replace

    spec = replace(spec, policy=replace(spec.policy, accept_contracts=accept))
    assert verified(spec).report.status.value != "indeterminate"
    proxy.tell(lies.dropped_node("storage"), method="eth_getProof")
    assert verified(spec).report.status.value == "indeterminate"


@pytest.mark.covers("HDR-12", "RPC-11")
def test_without_a_pin_the_strict_policy_counts_nothing(three_chains) -> None:
    """No pin and no quorum: refused, with what to do; one operator's word is no quorum under `practical` either."""
    strict = verified(spec_of(three_chains[:1], pin=False))
    assert {type(r.error) for r in strict.refused} == {TrustTooWeak}
    lone = verified(spec_of(three_chains[:1], pin=False, policy='preset = "practical"'))
    assert not figures(lone)
    assert len(lone.missing) + len(lone.refused) == 6


def test_two_operators_make_a_quorum(three_chains, honest, second_host) -> None:
    """Two operators on two hosts agree on a recent block: `practical` takes it, at its haircut."""
    chain = three_chains[0]
    chain.node.mine(4)
    other = chain.url.replace("127.0.0.1", second_host)
    run = verified(spec_of([chain], {31337: [chain.url, other]}, pin=False, policy='preset = "practical"'))
    assert figures(run) == {k: v for k, v in honest.items() if k[0] == 31337}
    assert {o.trust.word for o in run.verified.outcomes if isinstance(o, ProvenAmount)} == {"quorum"}


def test_a_bundle_that_leaves_a_debt_out_does_not_hide_it(three_chains) -> None:
    """Checked against the account, a claim that the bundle does not make is missing; the bundle alone looks whole."""
    spec = spec_of(three_chains[:1], tokens=("OZD", "VYC"))
    smaller = spec_of(three_chains[:1], tokens=("OZD",))
    data = verified(smaller).data
    run = check_account(spec, data, now=Timestamp(int(time.time())))
    (left_out,) = run.missing
    assert isinstance(left_out.error, MissingEvidence)
    assert left_out.claim.asset.symbol == "VYC"
    whole = check_account(smaller, data, now=Timestamp(int(time.time())))
    assert not whole.missing
    larger = check_account(smaller, verified(spec).data, now=Timestamp(int(time.time())))
    assert [o.claim.asset.symbol for o in larger.strangers] == ["VYC"]


@pytest.mark.covers("HDR-09")
def test_a_foreign_bundle_needs_a_root_of_ones_own(three_chains, second_host) -> None:
    """Without a pin the bundle is refused; with `ask`, the checker's own endpoints may say, at the trust that is."""
    chain = three_chains[0]
    data = verified(spec_of([chain])).data
    other = chain.url.replace("127.0.0.1", second_host)
    unpinned = spec_of([chain], {31337: [chain.url, other]}, pin=False, policy='preset = "practical"')
    now = Timestamp(int(time.time()))
    assert {type(r.error) for r in check_account(unpinned, data, now=now).refused} == {NoTrustRoot}
    asked = check_account(unpinned, data, now=now, ask=True)
    assert not asked.refused
    assert {o.trust.word for o in asked.verified.outcomes if isinstance(o, ProvenAmount)} == {"quorum"}
    strict = spec_of([chain], {31337: [chain.url, other]}, pin=False)
    assert {type(r.error) for r in check_account(strict, data, now=now, ask=True).refused} == {TrustTooWeak}


def test_errors_of_proofs_are_of_the_proof_tree() -> None:
    """The class that the tests above rely on stays where it is."""
    assert issubclass(MissingNode, ProofError)
