"""From names to claims: what each name means, and the doubles, spellings and gaps that are refused."""

from __future__ import annotations

import pytest

from tests.verifier.app.account import ENV, GOOD, PIN, TOKEN, USDC, VAULT, compiled, problems
from verifier.claims import ClaimKind, KeyOrder, Source
from verifier.margin.modes import Mode
from verifier.policy import EVERYTHING_OFF, Haircut, ProposedRule
from verifier.primitives import ChainId, slot_key
from verifier.trust import Settlement


def test_claims_stand_in_the_file_s_order_with_their_meaning() -> None:
    """Coin by symbol, token by symbol, token by slot, debt by slot."""
    spec = compiled()
    assert [(c.chain_id, c.asset.symbol, c.kind, c.source) for c in spec.claims] == [
        (1, "ETH", ClaimKind.HOLDING, Source.REVIEWED),
        (1, "ETH", ClaimKind.HOLDING, Source.REVIEWED),
        (1, "USDC", ClaimKind.HOLDING, Source.REVIEWED),
        (31337, "TOK", ClaimKind.HOLDING, Source.USER),
        (31337, "dUSD", ClaimKind.DEBT, Source.USER),
    ]
    assert spec.claims[2].asset.contract == USDC
    layout = spec.claims[4].asset.layout
    assert layout is not None
    assert (layout.base, layout.order) == (slot_key(7), KeyOrder.VYPER)
    assert dict(spec.pockets) == {2: "perps"}


def test_what_the_checker_believes_and_declares() -> None:
    """Mode, moment, pins, policy, and the numbers that no one proved."""
    spec = compiled()
    assert (spec.mode, spec.as_of, spec.policy.max_head_lag) == (Mode.ISOLATED, 1_795_492_800, 1_800)
    assert [(root.chain_id, root.hash.hex()) for root in spec.roots] == [(1, PIN[2:])]
    assert spec.policy.factors["USDC"].haircut.maintenance == 50_000  # one haircut given: it is both
    assert [(p.group, p.price) for p in spec.prices] == [("ETH", 3_000_120_000_000_000_000_000)]
    assert [(d.group, d.amount) for d in spec.debts] == [("USDC", 12_500_000_000_000_000_000)]
    assert [(p.group, p.size) for p in spec.positions] == [("ETH", -1_500_000_000_000_000_000)]
    assert spec.rules.volatility == {"ETH": 800_000}
    assert spec.rules.markets["ETH"].tiers[0].initial == 50_000


@pytest.mark.covers("SEC-01")
def test_endpoints_are_named_never_shown() -> None:
    """The host or the given name; the key of the variable is nowhere in the compiled account."""
    spec = compiled()
    assert [e.name for e in spec.endpoints[ChainId(1)]] == ["node.example", "second"]
    assert [e.operator for e in spec.endpoints[ChainId(1)]] == ["node.example", "b"]
    assert "canary" not in repr(spec)


def test_an_unset_variable_is_named_and_matters_online_only() -> None:
    """Offline the file compiles without it."""
    assert not compiled(environ={}, online=False).endpoints[ChainId(1)]
    (found,) = problems(GOOD, environ={})
    assert "ETH_RPC_URL is not set" in found.message
    assert "export ETH_RPC_URL" in found.message


@pytest.mark.covers("SEC-01")
@pytest.mark.parametrize("url", ["ftp://canary", "https://", "https://can ary/", "https://[canary", "canary"])
def test_a_url_that_is_none_is_refused_without_being_shown(url: str) -> None:
    """Neither text nor variable's value is in the sentence."""
    (found,) = problems(GOOD, environ={"ETH_RPC_URL": url})
    assert found.path == "networks.ethereum.endpoints[0]"
    assert "canary" not in str(found)
    assert "can ary" not in str(found)


def test_a_slot_of_the_user_is_warned_of_with_the_line_to_add() -> None:
    """Named in the policy, the holding is quiet; the debt's contract is not named, so it is warned of."""
    warnings = compiled().warnings
    assert not any(w.startswith("TOK ") for w in warnings)
    (line,) = [w for w in warnings if w.startswith("dUSD")]
    assert 'accept_contracts = ["local:0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"]' in line


def test_a_group_without_a_haircut_is_warned_of() -> None:
    """It would count nothing."""
    text = GOOD.replace('[policy.assets.TOK]\nhaircut_initial = "50%"', "")
    assert any("add [policy.assets.TOK]" in w for w in compiled(text).warnings)
    assert not any("TOK" in w for w in compiled().warnings)


_MORE = '\n[[assets]]\nnetwork = "ethereum"\nholder = "vault"\n'


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        (lambda t: t + _MORE + 'asset = "native"\n', "assets[3]", "listed before, in assets[0]"),
        (lambda t: t + _MORE + f'contract = "{"0x" + USDC.hex()}"\n', "assets[3]", "listed before, in assets[1]"),
        (lambda t: t + _MORE + f'contract = "{"0x" + USDC.hex()}"\nslot = 9\ndecimals = 6\nsymbol = "USDC"\n', "assets[3].slot", 'write asset = "USDC"'),
        (lambda t: t + _MORE + f'contract = "{TOKEN}"\n', "assets[3].slot", "is required for a token"),
        (lambda t: t + _MORE + 'asset = "USDD"\n', "assets[3].asset", "did you mean USDC?"),
        (lambda t: t + _MORE + 'asset = "ETH"\nslot = 3\n', "assets[3].slot", "known asset"),
        (lambda t: t + _MORE, "assets[3].asset", "is required"),
        (lambda t: t.replace('network = "local"', 'network = "locale"', 1), "assets[2].network", "did you mean local?"),
        (lambda t: t.replace('holder = "vault"', 'holder = "valt"', 1), "assets[1].holder", "did you mean vault?"),
        (lambda t: t.replace('holder = "vault"', f'holder = "{VAULT}"', 1), "assets[1].holder", "a name under [holders]"),
        (lambda t: t.replace('holder = "vault"\ncontract', 'holder = "hot"\ncontract', 1), "assets[2].holder", "no address on local"),
        (lambda t: t.replace("31337", "10"), "networks.local.chain_id", "chain 10 is other"),
        (lambda t: t.replace("chain_id = 31337\n", ""), "networks.local", "needs chain_id and family"),
        (lambda t: t.replace('family = "ethereum"', 'family = "etherium"'), "networks.local.family", "did you mean ethereum"),
        (lambda t: t.replace("[networks.ethereum]\n", "[networks.ethereum]\nchain_id = 5\n"), "networks.ethereum.chain_id", "has chain id 1"),
        (lambda t: t.replace("vault = ", f'cold = "{VAULT.lower()}"\nvault = '), "holders.vault", "already cold"),
        (lambda t: t.replace("hot = {", f'hot = {{ other = "{VAULT.lower()}",'), "holders.hot", "already vault"),
        (lambda t: t.replace('"local:', '"locale:'), "policy.accept_contracts[0]", "network being known here"),
        (lambda t: t.replace(TOKEN, TOKEN.replace("c5d359", "c5D359"), 1), "policy.accept_contracts[0]", "EIP-55"),
        (lambda t: t.replace('haircut_maintenance = "15%"', 'haircut_maintenance = "25%"'), "policy.assets.ETH", "milder"),
        (lambda t: t + '[policy.proposed]\ninitial = "10%"\nmaintenance = "20%"\n', "policy.proposed", "milder"),
        (lambda t: t.replace('market = "ETH-PERP"', 'market = "ETH-PERK"'), "positions[0].market", "did you mean ETH-PERP?"),
        (lambda t: t.replace('size = "-1.5"', 'size = "0"'), "positions[0].size", "is none"),
        (lambda t: t.replace('"2.5%" }]', '"6%" }]'), "markets.ETH-PERP.tiers", "maintenance <= initial"),
        (lambda t: t.replace("slot = 7", "slot = 7\noffset_bits = 8\nwidth_bits = 255"), "debts[0].width_bits", "does not fit"),
        (lambda t: t.replace("slot = 7", "slot = 7\nblocked_bit = 3"), "debts[0].width_bits", "overlaps"),
        (lambda t: t.replace('endpoints = ["http://127.0.0.1:8545"]', ""), "networks.local.endpoints", "has no endpoint"),
        (lambda t: t.replace('"http://127.0.0.1:8545"', '"http://127.0.0.1:1", "http://127.0.0.1:2"'), "networks.local.endpoints[1]", "a name of its own"),
        (lambda t: t.replace("usd = ", 'usd = "9999999999999"\n# '), "prices.ETH.usd", "10^12 USD"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_at_its_key(change, path: str, words: str) -> None:
    """Each change of the good file, and the one problem that it has."""
    text = change(GOOD)
    assert text != GOOD
    found = problems(text)
    assert path in {p.path for p in found}, found
    assert any(words in p.message for p in found if p.path == path), found


def test_a_packed_field_beside_its_flag_is_taken() -> None:
    """The sibling of the overlap: the balance ends below the blocked bit."""
    text = GOOD.replace("slot = 7", "slot = 7\nwidth_bits = 255\nblocked_bit = 255")
    layout = compiled(text).claims[4].asset.layout
    assert layout is not None
    assert (layout.width_bits, layout.blocked_bit) == (255, 255)


def test_an_empty_account_is_refused() -> None:
    """It would be healthy for nothing."""
    (found,) = problems('[account]\nname = "a"\n', environ=ENV)
    assert "lists nothing" in found.message


def test_networks_are_the_registry_s_and_the_file_s() -> None:
    """A bundle may speak of any; all are known, endpoints only where a claim needs them."""
    spec = compiled()
    assert set(spec.networks) == {1, 10, 31337}
    assert set(spec.endpoints) == {1, 31337}


def test_proposed_roots_are_taken_by_a_table_of_their_own() -> None:
    """What must be shown, and the discount; without the table they are not taken."""
    told = '[policy.proposed]\nmin_age = "2d"\nquorum = 3\ninitial = "40%"\nmaintenance = "20%"\n'
    policy = compiled(GOOD + told).policy
    assert Settlement.PROPOSED in policy.settlements
    assert policy.proposed == ProposedRule(172_800, 3)
    assert policy.settlement_haircuts[Settlement.PROPOSED] == Haircut(400_000, 200_000)
    assert policy.name.endswith("changed")
    plain = compiled().policy
    assert Settlement.PROPOSED not in plain.settlements
    assert plain.settlement_haircuts[Settlement.PROPOSED] == EVERYTHING_OFF
    (found,) = problems(GOOD + told.replace("quorum = 3", "quorum = 1"))
    assert found.path == "policy.proposed.quorum"
