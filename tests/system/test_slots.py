"""`xmargin slots`: typed storage and balance slots on real nodes, proven word by word; and what no endpoint can plant."""

from __future__ import annotations

import json
import sqlite3

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


# --- kept findings ---------------------------------------------------------------------------------------


def held_line(token, slot='"found"', **more):
    body = {
        "network": '"local"',
        "holder": '"bob"',
        "contract": f'"{token}"',
        "slot": slot,
        "symbol": '"T"',
        "decimals": "18",
        "group": '"T"',
    }
    keys = "\n".join(f"{name} = {value}" for name, value in (body | more).items())
    return f'[holders]\nbob = "{BOB}"\n[[assets]]\n{keys}\n[prices.T]\nusd = "1"\nat = "2026-01-01T00:00:00Z"\nsource = "test"\n'


def accepting(node, token):
    return account(node) + f'[policy]\naccept_contracts = ["{node.chain_id}:{token}"]\n'


@pytest.fixture
def upgradeable(three_chains):
    """A token behind a proxy of its own, whose owner may put other code there, with balances of two holders."""
    node = three_chains[0].node
    code, hub = own("Coin")["Coin"], compiled("changing", {"Changing.sol": CHANGING})
    target = create(node, code.bytecode, "(string,uint8)", "C", 18)
    proxy = create(node, hub["Changing"].bytecode, "(address)", target.address)
    for i, who in enumerate((ALICE, BOB)):
        proxy.send("mint(address,uint256)", who, 70 + i)
    return proxy


CHANGING = """// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// An EIP-1967 proxy that anyone may point elsewhere.
contract Changing {
    bytes32 internal constant SLOT = 0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;

    constructor(address target) {
        point(target);
    }

    function point(address target) public {
        assembly {
            sstore(SLOT, target)
        }
    }

    fallback() external payable {
        assembly {
            calldatacopy(0, 0, calldatasize())
            let done := delegatecall(gas(), sload(SLOT), 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch done
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
        }
    }
}
"""


def find_and_keep(node, token, folder):
    (folder / "account.toml").write_text(account(node))
    done = run(
        "slots", "find", "local", token, ALICE, BOB, "--account", "account.toml", "--db", "x.db", "--json", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return checked("slot-finding", done.stdout)


def verified(node, token, folder, **line):
    (folder / "held.toml").write_text(accepting(node, token) + held_line(token, **line))
    return run("verify", "held.toml", "--db", "x.db", "--json", cwd=folder)


def listed(folder):
    done = run("slots", "list", "--account", "account.toml", "--db", "x.db", "--json", cwd=folder)
    return done.returncode, checked("slot-findings", done.stdout)["findings"]


def test_a_finding_is_kept_shown_and_used(upgradeable, tmp_path):
    """It outlives its run with its evidence; a later run reads by it, as discovered, under the code that was found."""
    node, token = upgradeable.node, upgradeable.address
    shown = find_and_keep(node, token, tmp_path)
    code, (kept,) = listed(tmp_path)
    assert (code, kept["status"], kept["bundle"]) == (0, "holds", shown["bundle_id"])
    assert kept["code_hash"] == shown["code"]["code_hash"]
    assert kept["implementation"] == shown["code"]["implementation"]
    assert int(kept["slot"], 16) == int(shown["layout"]["slot"], 16)
    assert kept["holders"] == sorted(who.lower() for who in (ALICE, BOB)) or set(kept["holders"]) == {
        ALICE.lower(),
        BOB.lower(),
    }
    done = verified(node, token, tmp_path)
    (claim,) = json.loads(done.stdout)["claims"]
    assert (claim["status"], claim["amount"], claim["source"]) == ("proven", "71", "discovered")
    find_and_keep(node, token, tmp_path)
    assert len(listed(tmp_path)[1]) == 1, "the same code's finding takes its place"
    assert run("db", "prune", "--days", "1", "--db", "x.db", cwd=tmp_path).returncode == 0
    assert listed(tmp_path)[0] == 0


@pytest.mark.covers("STO-10")
def test_a_finding_is_refused_once_the_code_has_changed(upgradeable, tmp_path):
    """Other code behind the proxy keeps balances wherever it likes; a finding of the new code is another finding."""
    node, token = upgradeable.node, upgradeable.address
    find_and_keep(node, token, tmp_path)
    other = create(node, own("Coin")["Coin"].bytecode, "(string,uint8)", "C", 6)
    upgradeable.send("point(address)", other.address)
    done = verified(node, token, tmp_path)
    (claim,) = json.loads(done.stdout)["claims"]
    assert (claim["status"], claim["refusal"]["error"]) == ("refused", "UnreviewedCode")
    find_and_keep(node, token, tmp_path)
    (claim,) = json.loads(verified(node, token, tmp_path).stdout)["claims"]
    assert (claim["status"], claim["amount"]) == ("proven", "71")
    assert len(listed(tmp_path)[1]) in {1, 2}


CHANGES = {
    "another slot": ("UPDATE slot_findings SET slot = ?", "0x" + "07".rjust(64, "0"), "its slot is not what its evidence shows"),
    "other code": ("UPDATE slot_findings SET code_hash = ?", "0x" + "11" * 32, "its code_hash is not what its evidence shows"),
    "another token": ("UPDATE slot_findings SET token = ?", None, "layouts explain the balances"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_row_that_was_changed_plants_nothing(upgradeable, tmp_path, change):
    """Whoever may write the file cannot say where balances lie: the evidence under a row must show the same."""
    node, token = upgradeable.node, upgradeable.address
    find_and_keep(node, token, tmp_path)
    sql, value, said = CHANGES[change]
    other = create(node, own("Coin")["Coin"].bytecode, "(string,uint8)", "D", 18)
    with sqlite3.connect(tmp_path / "x.db") as db:
        db.execute(sql, (value or other.address.lower(),))
    code, (kept,) = listed(tmp_path)
    assert (code, kept["status"]) == (3, "refused")
    assert said in kept["failure"]
    done = verified(node, other.address if value is None else token, tmp_path)
    assert (done.returncode, "find it again" in done.stderr) == (2, True), done.stderr


def test_a_line_without_a_finding_says_how_to_get_one(upgradeable, tmp_path):
    """Nothing is looked for unasked; and what a finding gives is not said beside it."""
    node, token = upgradeable.node, upgradeable.address
    done = verified(node, token, tmp_path)
    assert (done.returncode, "xmargin slots find local" in done.stderr) == (2, True)
    find_and_keep(node, token, tmp_path)
    done = verified(node, token, tmp_path, order='"vyper"')
    assert (done.returncode, "takes from the finding" in done.stderr) == (2, True)


def test_a_finding_needs_the_policys_word_all_the_same(upgradeable, tmp_path):
    """A token that nobody looked at stays refused, wherever its balances lie."""
    node, token = upgradeable.node, upgradeable.address
    find_and_keep(node, token, tmp_path)
    (tmp_path / "held.toml").write_text(account(node) + held_line(token))
    (claim,) = json.loads(run("verify", "held.toml", "--db", "x.db", "--json", cwd=tmp_path).stdout)["claims"]
    assert (claim["status"], claim["refusal"]["error"]) == ("refused", "UnreviewedMeaning")
