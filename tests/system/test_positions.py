"""Positions from an account file to the margin account: gathered from a node, in a bundle, checked offline."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.nodes.protocols import stand_ins, uniswap
from tests.nodes.protocols.aave import Aave
from tests.nodes.protocols.contract import Contract
from verifier.app.account_file import parse_account
from verifier.app.compile import compile_account
from verifier.app.service import check_account, verify_account
from verifier.errors import UnlistedDebt, UnreviewedMeaning
from verifier.margin.duplicates import check_duplicates
from verifier.primitives import Timestamp
from verifier.proven import ProvenAmount

E18 = 10**18
BALANCE = "balanceOf(address)(uint256)"


def line(kind, **keys):
    """One line of an account file."""

    def spelled(value):
        if isinstance(value, dict):
            return "{ " + ", ".join(f"{k} = {spelled(v)}" for k, v in value.items()) + " }"
        return json.dumps(value) if isinstance(value, str) else str(value)

    body = [f"{name} = {spelled(value)}" for name, value in keys.items()]
    return "\n".join([f"[[{kind}]]", 'network = "local31340"', 'holder = "main"', "decimals = 18", *body, ""])


def aave_line(kind, market: Aave, number: int, **more):
    reserve = market.reserves[number]
    token = reserve.debt if kind == "debts" else reserve.a_token
    given = {"pool": market.pool.address, "underlying": reserve.asset.address, "release": market.version}
    return line(
        kind, position="aave-v3", contract=token.address, symbol=f"{kind}{number}", group="USD", **{"with": given}
    ) + "".join(more)


def account(node, holder, accepted, *lines):
    stamp = datetime.fromtimestamp(int(node.block()["timestamp"], 16), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    named = ", ".join(f'"31340:{contract}"' for contract in accepted)
    return "\n".join(
        [
            '[account]\nname = "positions"',
            f"[policy]\naccept_contracts = [{named}]",
            '[policy.assets.USD]\nhaircut_initial = "20%"\nhaircut_maintenance = "10%"',
            f'[holders]\nmain = "{holder}"',
            f'[networks.local31340]\nchain_id = 31340\nfamily = "ethereum"\nendpoints = ["{node.url}"]\npin = "{node.block()["hash"]}"',
            f'[prices.USD]\nusd = "1"\nat = "{stamp}"\nsource = "test"\n',
            *lines,
        ]
    )


def run(node, holder, accepted, *lines, folder="."):
    file, source = parse_account(account(node, holder, accepted, *lines), f"{folder}/account.toml")
    spec = compile_account(file, source, {}, environ={}, networks={}, preset="strict")
    now = Timestamp(int(node.block()["timestamp"], 16) + 5)
    return spec, verify_account(spec, now=now), now


def amounts(found):
    return {o.claim.asset.symbol: o.amount for o in found.verified.outcomes if isinstance(o, ProvenAmount)}


@pytest.fixture(scope="module")
def lent(protocols):
    """An Aave market in which one user has supplied one coin and owes the other."""
    market, user = protocols.aave, protocols.user(2)
    market.supply(protocols.user(9), market.reserves[1], 10**22)
    market.supply(user, market.reserves[0], 10**21)
    market.borrow(user, market.reserves[1], 10**20)
    protocols.wait(86_400)
    return market, user, [market.pool.address, *(t.address for r in market.reserves for t in (r.a_token, r.debt))]


def test_a_leveraged_account(protocols, lent):
    """Supplied and owed are what the market's tokens say, and no other debt is; the bundle checks offline to the same."""
    market, user, accepted = lent
    spec, found, now = run(
        protocols.node, user, accepted, aave_line("assets", market, 0), aave_line("debts", market, 1)
    )
    block = hex(next(iter(found.verified.snapshots.values()))[0].number)
    assert amounts(found) == {
        "assets0": market.reserves[0].a_token.view(BALANCE, user, block=block),
        "debts1": -market.reserves[1].debt.view(BALANCE, user, block=block),
        "unlisted debts": 0,
    }
    again = check_account(spec, found.data, now=now)
    assert [o.amount for o in again.verified.outcomes] == [o.amount for o in found.verified.outcomes]
    assert {e.round_trips for e in found.endpoints} <= {1, 2, 3, 4}


def judged(protocols, kind_lines, accepted, user):
    """The same account read by words and, beside them, by each protocol's own view."""
    from dataclasses import replace

    from verifier.app.call_readings import cross_checked

    text = account(protocols.node, user, accepted, *kind_lines).replace(
        'family = "ethereum"', 'family = "ethereum"\nfork = "osaka"'
    )
    file, source = parse_account(text, "a.toml")
    spec = compile_account(file, source, {}, environ={}, networks={}, preset="strict")
    now = Timestamp(int(protocols.node.block()["timestamp"], 16) + 5)
    both = verify_account(replace(spec, claims=cross_checked(spec.claims)), now=now)
    return verify_account(spec, now=now), both


def test_the_protocols_own_views_are_the_judge(protocols, lent):
    """Under --cross-check every kind that has a view is run as a proven call beside its words, and they agree."""
    market, user, accepted = lent
    vault, comet = protocols.vault, protocols.comet
    vault.deposit(user, 10**18 + 7)
    vault.earn(12_345)
    comet.supply(user, 10**9 + 1)
    protocols.wait(5_000)
    from tests.verifier.assets.test_positions import COMET_RATES

    rates = {name: comet.comet.view(signature) for name, signature in COMET_RATES.items()}
    held = line(
        "assets",
        position="erc4626",
        contract=vault.vault.address,
        symbol="VS",
        group="USD",
        **{"with": {"asset": vault.coin.address, "asset_slot": 0}},
    )
    base = line(
        "assets", position="compound-v3", contract=comet.comet.address, symbol="CS", group="USD", **{"with": rates}
    )
    lines = [aave_line("assets", market, 0), aave_line("debts", market, 1), held, base]
    accepted = [*accepted, vault.vault.address, vault.coin.address, comet.comet.address]
    plain, both = judged(protocols, lines, accepted, user)
    assert not both.refused and not both.missing
    assert [o.amount for o in plain.verified.outcomes] == [o.amount for o in both.verified.outcomes]
    assert len(both.data) > 3 * len(plain.data)


def test_a_release_read_by_another_ones_arithmetic_is_caught_by_the_judge(protocols):
    """The first release's half-up rounding read as the newest's is one unit off some of the time; its own view says so."""
    from verifier.errors import CrossCheckFailed

    market, user = protocols.old_aave, protocols.user(8)
    market.supply(protocols.user(9), market.reserves[1], 10**22)
    market.supply(user, market.reserves[0], 10**21)
    market.borrow(user, market.reserves[1], 10**20 + 3)
    accepted = [market.pool.address, *(t.address for r in market.reserves for t in (r.a_token, r.debt))]
    for _ in range(4):
        protocols.wait(86_400 + 11)
        lines = [aave_line("debts", market, 1).replace('"3.0"', '"3.6"'), aave_line("assets", market, 0)]
        _, both = judged(protocols, lines, accepted, user)
        if any(isinstance(refused.error, CrossCheckFailed) for refused in both.refused):
            return
    pytest.fail("another release's arithmetic was never told from this one's")


@pytest.mark.covers("TOK-04", "MRG-06")
def test_a_debt_that_nobody_listed_makes_the_account_indeterminate(protocols, lent):
    """Leaving the debt's line out does not leave the debt out."""
    market, user, accepted = lent
    _, found, _ = run(protocols.node, user, accepted, aave_line("assets", market, 0))
    (refused,) = found.refused
    assert isinstance(refused.error, UnlistedDebt)
    assert found.report.status.value == "indeterminate"


@pytest.mark.covers("TOK-04", "MRG-06")
def test_collateral_at_compound_without_its_debt_makes_the_account_indeterminate(protocols):
    """What is pledged counts while nothing is owed; after borrowing, leaving the debt's line out does not leave it out."""
    comet, user = stand_ins.deploy_comet(protocols.node), protocols.user(7)
    comet.supply(protocols.user(9), 10**12)
    comet.pledge(user, 10**12)
    given = {"of": "collateral", "asset": comet.collateral.address}
    keys = {"position": "compound-v3", "contract": comet.comet.address, "symbol": "CC", "group": "USD", "with": given}
    comet.supply(user, 10**6)
    _, found, _ = run(protocols.node, user, [comet.comet.address], line("assets", **keys))
    assert (amounts(found)["CC"] >= 10**12, amounts(found)["unlisted debts"]) == (True, 0)
    assert not found.refused
    comet.withdraw(user, 10**12)
    _, found, _ = run(protocols.node, user, [comet.comet.address], line("assets", **keys))
    (refused,) = found.refused
    assert isinstance(refused.error, UnlistedDebt)
    assert found.report.status.value == "indeterminate"


@pytest.mark.covers("STO-08", "TOK-07")
def test_a_pool_that_the_policy_does_not_name_is_refused(protocols, lent):
    """A position cannot bring a pool of its own along: its index would be whatever that pool says."""
    market, user, accepted = lent
    _, found, _ = run(protocols.node, user, accepted[1:], aave_line("assets", market, 0))
    assert {type(refused.error) for refused in found.refused} == {UnreviewedMeaning}
    assert "the position reads this contract" in " ".join(str(refused.error) for refused in found.refused)


def test_a_layout_and_a_path(protocols, lent, tmp_path):
    """A compiler's layout beside the account file and a path of the source read a market's own word."""
    from tests.nodes.protocols.aave import newest_code

    market, user, accepted = lent
    (tmp_path / "token.json").write_text(json.dumps(newest_code()["ATokenInstance"].layout))
    token = market.reserves[0].a_token
    keys = {
        "layout": "token.json",
        "path": "_userState[{holder}].balance",
        "contract": token.address,
        "symbol": "scaled",
    }
    _, found, _ = run(protocols.node, user, accepted, line("assets", group="USD", **keys), folder=tmp_path)
    assert amounts(found) == {"scaled": token.view("scaledBalanceOf(address)(uint256)", user)}


@pytest.mark.covers("MRG-02", "TOK-01")
def test_a_wrapper_and_what_backs_it_count_once(protocols, lent):
    """The pool's own coins are what the supplied tokens stand for: claiming both is refused before anything is asked."""
    from verifier.errors import CountedTwice

    market, user, accepted = lent
    file, source = parse_account(account(protocols.node, user, accepted, aave_line("assets", market, 0)), "a.toml")
    spec = compile_account(file, source, {}, environ={}, networks={}, preset="strict")
    (supplied, *_) = spec.claims
    from dataclasses import replace

    backing = replace(
        supplied, holder=supplied.asset.contract, asset=replace(supplied.asset, contract=supplied.holder), reading=None
    )
    with pytest.raises(CountedTwice, match="holds what backs it"):
        check_duplicates([supplied, backing])
    with pytest.raises(CountedTwice, match="same network, asset and holder"):
        check_duplicates([supplied, replace(supplied, reading=None)])


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"position": "aave-v3"}, "the parameter release"),
        ({"position": "stETH"}, "expected 'steth'"),
        ({"position": "steth", "with": {"pool": 1}}, "no other parameters"),
        ({"layout": "absent.json", "path": "x"}, "cannot be read"),
        ({"path": "x"}, "is given without layout"),
        ({"position": "steth", "slot": 3}, "belongs to a token's balance slot"),
    ],
)
def test_a_line_that_says_too_little_is_refused_with_its_cure(protocols, keys, said, tmp_path):
    """What is missing or surplus in a line is said, with the line's place."""
    from verifier.app.errors import ConfigError

    contract = "0x" + "11" * 20
    with pytest.raises(ConfigError, match=said):
        run(
            protocols.node, contract, [contract], line("assets", contract=contract, symbol="X", **keys), folder=tmp_path
        )


# --- contracts that hold what a position counts ----------------------------------------------------------


def coin_line(coin, holder, symbol="POOLED"):
    """A plain balance of a coin of ours, held by a contract."""
    return line("assets", contract=coin, slot=0, symbol=symbol, group="USD").replace('"main"', json.dumps(holder))


def beside(protocols, user, accepted, position, coin, contract, **named):
    """An account with a position and, as a further holder, a contract with the position's own coin."""
    text = account(protocols.node, user, list(dict.fromkeys([*accepted, coin])), position, coin_line(coin, "other"))
    text = text.replace("[holders]", f'[holders]\nother = "{contract}"')
    file, source = parse_account(text, "a.toml")
    spec = compile_account(file, source, {}, environ={}, networks={}, preset="strict")
    return verify_account(spec, now=Timestamp(int(protocols.node.block()["timestamp"], 16) + 5))


def v3_position(protocols, user):
    """A position whose every word says something: anvil proves no zero that was ever touched. It opens below the price,
    after fees were earned, and the price then falls into it."""
    pool = uniswap.deploy_v3(protocols.node)
    pool.open(protocols.user(5), -60_000, 60_000, (10**21, 10**21))
    for zero_for_one in (True, False):
        pool.swap(user, zero_for_one, 10**19)
    token = pool.open(user, -12_000, -1_200, (0, 10**20))
    pool.swap(user, True, 2 * 10**20)
    pool.shrink(user, token, 10**6)
    given = {"token": token, "leg": 0, "coin": pool.coins[0].address, "factory": pool.pool.view("factory()(address)")}
    position = line(
        "assets", position="uniswap-v3", contract=pool.manager.address, symbol="LP", group="USD", **{"with": given}
    )
    return pool, position, [pool.manager.address, pool.pool.address, given["factory"], pool.coins[0].address]


@pytest.mark.covers("MRG-02")
def test_the_pool_of_a_position_holds_what_the_position_counts(protocols):
    """Which pool it is, follows from proven words; the pool listed as a holder is refused, another pool's coins are not."""
    from verifier.errors import CountedTwice

    user = protocols.user(6)
    pool, position, accepted = v3_position(protocols, user)
    with pytest.raises(CountedTwice, match="computed from") as caught:
        beside(protocols, user, accepted, position, pool.coins[0].address, pool.pool.address)
    assert pool.pool.address.lower() in str(caught.value)
    assert "token=" in str(caught.value)
    other = uniswap.deploy_v3(protocols.node)
    found = beside(protocols, user, accepted, position, pool.coins[0].address, other.pool.address)
    assert amounts(found)["POOLED"] == 0
    assert amounts(found)["LP"] > 0


@pytest.mark.covers("MRG-02")
def test_contracts_that_hold_a_positions_coins_are_refused_as_holders(protocols, lent):
    """A pair, a vault, an aToken, a Comet and Morpho, each beside a position in it; and none beside a stranger's."""
    from tests.verifier.assets.test_positions import COMET_RATES
    from verifier.errors import CountedTwice

    market, user, accepted = lent
    vault, comet, morpho, pair = protocols.vault, protocols.comet, protocols.morpho, protocols.pair
    vault.deposit(user, 10**18)
    rates = {name: comet.comet.view(signature) for name, signature in COMET_RATES.items()}
    factory = pair.pair.view("factory()(address)")
    reserve = market.reserves[0]
    cases = {
        reserve.a_token.address: (aave_line("assets", market, 0), reserve.asset.address),
        vault.vault.address: (
            line(
                "assets", position="erc4626", contract=vault.vault.address, symbol="VS", group="USD",
                **{"with": {"asset": vault.coin.address, "asset_slot": 0}},
            ),
            vault.coin.address,
        ),
        comet.comet.address: (
            line("assets", position="compound-v3", contract=comet.comet.address, symbol="CS", group="USD", **{"with": rates}),
            vault.coin.address,
        ),
        morpho.morpho.address: (
            line(
                "assets", position="morpho-blue", contract=morpho.morpho.address, symbol="MB", group="USD",
                **{"with": {"market": f"0x{morpho.market.hex()}", "coin": morpho.collateral.address, "of": "collateral"}},
            ),
            vault.coin.address,
        ),
        pair.pair.address: (
            line(
                "assets", position="uniswap-v2", contract=pair.pair.address, symbol="LP", group="USD",
                **{"with": {"leg": 0, "coin": pair.coins[0].address, "factory": factory}},
            ),
            pair.coins[0].address,
        ),
    }  # fmt: skip
    for contract, (position, coin) in cases.items():
        with pytest.raises(CountedTwice, match="the token's contract holds what backs it"):
            beside(protocols, user, accepted, position, coin, contract)
        beside(protocols, user, accepted, position, coin, protocols.user(4))


@pytest.mark.covers("MRG-02")
def test_a_path_to_the_word_of_a_position_counts_once(protocols, tmp_path):
    """A principal by the protocol's rules and by its layout is one; the rewards beside it in the same word are another."""
    from tests.nodes.protocols.build import own
    from tests.verifier.assets.test_positions import COMET_RATES
    from verifier.errors import CountedTwice

    comet, user = stand_ins.deploy_comet(protocols.node), protocols.user(2)  # its own: elsewhere this user owes
    comet.supply(user, 10**9 + 1)
    (tmp_path / "comet.json").write_text(json.dumps(own()["CometStandIn"].layout))
    rates = {name: comet.comet.view(signature) for name, signature in COMET_RATES.items()}
    common = {"contract": comet.comet.address, "group": "USD"}
    base = line("assets", position="compound-v3", symbol="CB", **common, **{"with": rates})
    given = (protocols.node, user, [comet.comet.address], base)

    def by_path(field):
        return line("assets", layout="comet.json", path=f"userBasic[{{holder}}].{field}", symbol=field, **common)

    with pytest.raises(CountedTwice, match="both are decoded from the word at slot 0x"):
        run(*given, by_path("principal"), folder=tmp_path)
    assert set(amounts(run(*given, by_path("trackingAccrued"), folder=tmp_path)[1])) == {"CB", "trackingAccrued"}
    assert set(amounts(run(*given[:3], by_path("principal"), folder=tmp_path)[1])) == {"principal"}


def test_a_share_counts_while_its_pool_agrees_with_its_coins_prices(protocols):
    """Both coins of a pair are priced alike; after a trade that moves the pair far off, its shares are in the high figure only."""
    pool, user = uniswap.deploy_v2(protocols.node), protocols.user(2)
    factory = pool.pair.view("factory()(address)")
    # With the protocol fee on, the pair keeps its last product: anvil proves no zero that was ever touched.
    Contract(protocols.node, factory).send("setFeeTo(address)", protocols.user(9))
    pool.add(user, (10**21, 10**21))

    def leg(number):
        given = {"leg": number, "coin": pool.coins[number].address, "factory": factory}
        keys = {"position": "uniswap-v2", "contract": pool.pair.address, "symbol": f"LP{number}", "group": "USD"}
        return line("assets", **keys, **{"with": given})

    accepted = [pool.pair.address, factory]
    _, found, _ = run(protocols.node, user, accepted, leg(0), leg(1))
    before = [entry.low for entry in found.report.figures.lines]
    assert all(before)
    pool.swap(protocols.user(3), True, 10**22)
    _, found, _ = run(protocols.node, user, accepted, leg(0), leg(1))
    assert [entry.low for entry in found.report.figures.lines] == [0, 0]
    assert sum(entry.high for entry in found.report.figures.lines) > 5 * sum(before)
    assert not found.refused
