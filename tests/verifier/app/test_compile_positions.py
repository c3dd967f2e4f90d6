"""Positions of an account file: debts that nobody listed are asked for, and digits are those of the coin that is counted."""

from __future__ import annotations

import pytest

from tests.verifier.app.account import GOOD, USDC, compiled, problems
from verifier.claims import Claim, ClaimKind
from verifier.positions import Position, PositionKind

POOL, OTHER, COIN, PLACE = ("0x" + byte * 20 for byte in ("21", "22", "23", "25"))
MARKET = "0x" + "24" * 32
RATES = ", ".join(f"{side}_{name} = 1" for side in ("supply", "borrow") for name in ("kink", "base", "low", "high"))
LOCAL = 31337


def line(part: str, kind: str, given: str, contract: str = PLACE, decimals: int = 18, network: str = "local") -> str:
    """One line of a position."""
    return f"""
[[{part}]]
network = "{network}"
holder = "vault"
position = "{kind}"
contract = "{contract}"
symbol = "P"
decimals = {decimals}
group = "USDC"
with = {{ {given} }}
"""


def aave(part: str, coin: str = COIN, release: str = "3.6", contract: str = PLACE) -> str:
    return line(part, "aave-v3", f'pool = "{POOL}", underlying = "{coin}", release = "{release}"', contract)


def morpho(part: str, of: str = "collateral") -> str:
    model = "" if of == "collateral" else 'model = "none", '
    return line(part, "morpho-blue", f'market = "{MARKET}", coin = "{COIN}", {model}of = "{of}"')


def asked(*lines: str) -> list[tuple[Claim, Position]]:
    """The questions that are added to an account with these lines."""
    spec = compiled(GOOD + "".join(lines))
    plain = len(compiled().claims) + sum(text.count("[[") for text in lines)
    return [(c, c.reading) for c in spec.claims[plain:] if isinstance(c.reading, Position)]


COMET = line("assets", "compound-v3", f'of = "collateral", asset = "{COIN}"')
BASE = line("assets", "compound-v3", RATES)
CASES = {
    "supplied at an aave market": ([aave("assets")], PositionKind.AAVE_V3_DEBTS, {}),
    "supplied in the first release": ([aave("assets", release="3.0")], PositionKind.AAVE_V3_DEBTS, {"release": "3.0"}),
    "owed at an aave market": ([aave("debts")], PositionKind.AAVE_V3_DEBTS, {"asset00": bytes.fromhex(COIN[2:])}),
    "collateral at a comet": ([COMET], PositionKind.COMPOUND_V3_DEBTS, {}),
    "a principal at a comet": ([BASE], PositionKind.COMPOUND_V3, None),
    "a principal and collateral": ([BASE, COMET], PositionKind.COMPOUND_V3, None),
    "posted in a market of morpho": ([morpho("assets")], PositionKind.MORPHO_BLUE_DEBTS, {"market": b"\x24" * 32}),
    "lent in one": ([morpho("assets", "loan")], PositionKind.MORPHO_BLUE_DEBTS, {"market": b"\x24" * 32}),
}


@pytest.mark.covers("TOK-04")
@pytest.mark.parametrize(("lines", "kind", "given"), CASES.values(), ids=CASES.keys())
def test_a_debt_that_no_line_speaks_of_is_asked_for(lines: list[str], kind: PositionKind, given: object) -> None:
    """Wherever something can be pledged, the same holder is asked for what is owed there, once."""
    ((claim, reading),) = asked(*lines)
    assert (claim.kind, claim.chain_id, reading.kind) == (ClaimKind.DEBT, LOCAL, kind)
    assert given is None or dict(reading.given) == given
    assert claim.asset.contract == bytes.fromhex((POOL if kind is PositionKind.AAVE_V3_DEBTS else PLACE)[2:])


LISTED = {
    "a comet's principal owed": [COMET, BASE.replace("[[assets]]", "[[debts]]")],
    "the question itself": [COMET, line("debts", "compound-v3-debts", "")],
    "a market's loan owed": [morpho("assets"), morpho("debts", "loan")],
    "the question of a market": [morpho("assets"), line("debts", "morpho-blue-debts", f'market = "{MARKET}"')],
    "the question of a pool": [aave("assets"), line("debts", "aave-v3-debts", "", POOL)],
}


@pytest.mark.parametrize("lines", LISTED.values(), ids=LISTED.keys())
def test_what_is_listed_is_not_asked_for_again(lines: list[str]) -> None:
    """A line for the debt, or for the question, is enough."""
    assert asked(*lines) == []


@pytest.mark.covers("TOK-04")
def test_a_debt_is_not_listed_by_saying_so() -> None:
    """Who calls a reserve listed in the question for other debts has a line for its debt, at that very pool."""
    question = line("debts", "aave-v3-debts", f'asset00 = "{COIN}"', POOL)
    assert asked(aave("debts"), question) == []
    for lines in (aave("assets"), aave("debts", OTHER), aave("debts").replace(POOL, OTHER)):
        (found,) = problems(GOOD + lines + question)
        assert "and no line of [[debts]] speaks of them" in found.message
        assert COIN[2:] in found.message.lower()


@pytest.mark.covers("TOK-06")
@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("aave-v3", 'pool = "{pool}", underlying = "{usdc}", release = "3.6"'),
        ("compound-v3", 'of = "collateral", asset = "{usdc}"'),
        ("morpho-blue", 'market = "{market}", coin = "{usdc}", of = "collateral"'),
        ("erc4626", 'asset = "{usdc}", asset_slot = 9'),
        ("uniswap-v2", 'leg = 0, coin = "{usdc}", factory = "{pool}"'),
        ("uniswap-v3", 'token = 1, leg = 0, coin = "{usdc}", factory = "{pool}"'),
    ],
)
def test_digits_of_a_known_coin_are_not_typed_in(kind: str, given: str) -> None:
    """With fewer digits than the coin has, each unit would count a million times; an unknown coin's are the user's word."""
    filled = given.format(pool=POOL, usdc=f"0x{USDC.hex()}", market=MARKET)
    made = line("assets", kind, filled, decimals=6, network="ethereum")
    assert compiled(GOOD + made)
    (found,) = problems(GOOD + made.replace("decimals = 6", "decimals = 0"))
    assert found.message.startswith("is 6 for the coin")
    assert compiled(GOOD + made.replace("decimals = 6", "decimals = 0").replace(USDC.hex(), COIN[2:]))


@pytest.mark.covers("TOK-06")
def test_what_is_counted_in_ether_has_its_digits() -> None:
    """Staked ether and its wrappers."""
    for kind, given in (("steth", ""), ("wsteth", f'steth = "{POOL}"'), ("reth", f'store = "{POOL}"')):
        assert compiled(GOOD + line("assets", kind, given))
        (found,) = problems(GOOD + line("assets", kind, given, decimals=17))
        assert found.message.startswith("is 18 for the coin")
