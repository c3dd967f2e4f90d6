"""`xmargin slots`: typed storage and balance slots on real nodes, proven word by word; and what no endpoint can plant."""

from __future__ import annotations

import json

import pytest

from tests.cli.test_cli import run
from tests.cli.test_schemas import checked
from tests.nodes.contracts import ALICE, BOB, CAROL, FRANK
from tests.nodes.packages import package
from tests.nodes.protocols.build import compiled, own
from tests.nodes.protocols.contract import create
from tests.simulators import lies
from tests.verifier.assets.reading import raw
from verifier.app.account_file import parse_account
from verifier.app.compile import compile_account, compile_network
from verifier.app.service import verify_account
from verifier.app.slots_find import find_slot
from verifier.errors import BadInput, NoLayout
from verifier.primitives import Timestamp


def account(node, url=None):
    block = node.block()
    return (
        '[account]\nname = "slots"\n'
        f'[networks.local]\nchain_id = {node.chain_id}\nfamily = "ethereum"\nfork = "osaka"\nendpoints = ["{url or node.url}"]\npin = "{block["hash"]}"\n'
    )


def network_of(node, url=None):
    file, source = parse_account(account(node, url), "a.toml")
    return compile_network("local", file, source, {}, environ={}, networks={}, preset="strict")


def found(chain, name, holders, url=None):
    spec, now = network_of(chain.node, url), Timestamp(int(chain.node.block()["timestamp"], 16) + 2)
    return find_slot(spec, raw(chain.tokens[name].address), [raw(h) for h in holders], at=None, now=now, seconds=30)


@pytest.mark.covers("STO-03", "STO-04", "STO-08")
@pytest.mark.parametrize("name", ["OZD", "WETH", "VYC", "UPG", "PKD"])
def test_slots_are_found_for_every_kind_of_token(three_chains, name):
    """Base, order, width and proxy of each token are found from its own balanceOf, and are those it was built with."""
    chain = three_chains[0]
    made, token = found(chain, name, [ALICE, BOB, FRANK]), chain.tokens[name]
    assert made.failure is None
    layout = made.found.layout
    assert int.from_bytes(layout.base, "big") == token.slot
    assert layout.order.value == token.order
    assert layout.width_bits == (255 if name == "PKD" else 256)
    assert (layout.proxy is None) == (token.implementation is None)
    assert made.found.balances == {raw(h): token.balance_of(h) for h in (ALICE, BOB, FRANK)}
    if token.implementation:
        assert made.found.pin.implementation == raw(token.implementation)


SOLADY = """// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;
import {ERC20} from "solady/tokens/ERC20.sol";

contract Seeded is ERC20 {
    function name() public pure override returns (string memory) {
        return "Seeded";
    }

    function symbol() public pure override returns (string memory) {
        return "SEED";
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}
"""


@pytest.mark.covers("STO-07", "STO-08")
def test_a_seed_in_place_of_a_base_is_found_and_read(three_chains):
    """Solady hashes a holder with a seed; what is found is read as a balance by the account file's lines."""
    node = three_chains[0].node
    made = compiled("solady", {"Seeded.sol": SOLADY}, folders=[("solady/", package("solady", "src"))])
    token = create(node, made["Seeded"].bytecode)
    for i, who in enumerate((ALICE, BOB)):
        token.send("mint(address,uint256)", who, 1_000 + i)
    spec, now = network_of(node), Timestamp(int(node.block()["timestamp"], 16) + 2)
    layout = find_slot(spec, raw(token.address), [raw(ALICE), raw(BOB)], at=None, now=now, seconds=30).found.layout
    assert (layout.order.value, int.from_bytes(layout.base, "big")) == ("solady", 0x87A211A2)
    text = account(node) + (
        f'[policy]\naccept_contracts = ["{node.chain_id}:{token.address}"]\n[holders]\nbob = "{BOB}"\n'
        f'[[assets]]\nnetwork = "local"\nholder = "bob"\ncontract = "{token.address}"\nslot = "{hex(0x87A211A2)}"\n'
        'order = "solady"\nsymbol = "SEED"\ndecimals = 18\ngroup = "SEED"\n'
    )
    text += '[prices.SEED]\nusd = "1"\nat = "2026-01-01T00:00:00Z"\nsource = "test"\n'
    account_spec = compile_account(*parse_account(text, "a.toml"), {}, environ={}, networks={}, preset="strict")
    (outcome,) = verify_account(account_spec, now=now).verified.outcomes
    assert outcome.amount == 1_001


def test_too_few_balances_judge_nothing(three_chains):
    """One holder, or holders of one and the same balance, would let a constant pass for a layout."""
    chain = three_chains[0]
    for holders in ([ALICE], [ALICE, ALICE], [ALICE, "0x" + "99" * 20]):
        assert isinstance(found(chain, "OZD", holders).failure, BadInput)


@pytest.mark.covers("STO-08")
def test_an_endpoint_that_lies_plants_nothing(three_chains, lying_proxy):
    """What balanceOf read and returned is proven: a reply with another balance changes nothing, a wrong proof is refused."""
    chain = three_chains[0]
    proxy = lying_proxy(chain.node.url)
    proxy.tell(lies.flipped_node("storage"), method="eth_getProof")
    assert found(chain, "OZD", [ALICE, CAROL], url=proxy.url).found is None
    honest = found(chain, "OZD", [ALICE, CAROL])
    assert honest.found.layout.base == bytes(32)


def test_a_computed_balance_has_no_slot(protocols):
    """A token whose balance is an index times a word has no balance slot, and none is made up."""
    market, users = protocols.aave, [protocols.user(3), protocols.user(4)]
    for i, user in enumerate(users):
        market.supply(user, market.reserves[0], (i + 5) * 10**20)
    protocols.wait(3_600)
    spec, now = network_of(protocols.node), Timestamp(int(protocols.node.block()["timestamp"], 16) + 2)
    token = raw(market.reserves[0].a_token.address)
    made = find_slot(spec, token, [raw(user) for user in users], at=None, now=now, seconds=60)
    assert isinstance(made.failure, NoLayout)


def test_reading_typed_storage_from_the_command_line(three_chains, tmp_path):
    """Texts, mappings and packed fields come out decoded, with the words that prove them; a wrong path says what is due."""
    node = three_chains[0].node
    name = "A Name Of More Than Thirty-One Bytes In All"
    coin = create(node, own()["Coin"].bytecode, "(string,uint8)", name, 6)
    coin.send("mint(address,uint256)", ALICE, 12_345)
    (tmp_path / "coin.json").write_text(json.dumps(own()["Coin"].layout))
    (tmp_path / "account.toml").write_text(account(node))
    common = ("slots", "read", "local", coin.address, "--layout", "coin.json", "--account", "account.toml")
    common = (*common, "--at", node.block()["hash"])
    done = run(*common, "_name", f"_balances[{ALICE}]", "_totalSupply", "_name.length", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    values = {entry["path"]: entry["value"] for entry in checked("slots", done.stdout)["values"]}
    assert values == {
        "_name": name,
        f"_balances[{ALICE}]": "12345",
        "_totalSupply": "12345",
        "_name.length": str(len(name)),
    }
    assert f"_symbol = {name}" in run(*common, "_symbol", cwd=tmp_path).stdout
    wrong = run(*common, "_nothing", cwd=tmp_path)
    assert (wrong.returncode, "one of the layout's variables" in wrong.stderr) == (2, True)
    absent = list(common)
    absent[3] = "0x" + "77" * 20
    nothing = run(*absent, "_name", "--json", cwd=tmp_path)
    assert (nothing.returncode, "proven absent" in nothing.stdout) == (3, True)


def test_finding_a_slot_from_the_command_line(three_chains, tmp_path):
    """The finding names its source and its evidence, which is a bundle of its own."""
    chain = three_chains[0]
    (tmp_path / "account.toml").write_text(account(chain.node))
    token = chain.tokens["VYC"].address
    block = chain.node.block()["hash"]
    common = ("slots", "find", "local", token, ALICE, BOB, "--account", "account.toml", "--at", block)
    done = run(*common, "--save", "calls.bundle", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = checked("slot-finding", done.stdout)
    assert (shown["source"], shown["layout"]["order"]) == ("discovered", "vyper")
    assert (tmp_path / "calls.bundle").stat().st_size > 1_000
    assert "a proposal" in run(*common, cwd=tmp_path).stdout
