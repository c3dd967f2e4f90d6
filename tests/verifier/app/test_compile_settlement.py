"""What an account file says of a rollup: parent, scheme, delay, contracts and their code; gaps are told by their place."""

from __future__ import annotations

import pytest

from tests.verifier.app.account import GOOD, compiled, problems
from verifier.network import SettledOn
from verifier.primitives import ChainId

HASH = "0x" + "5c" * 32
CONTRACT = "0x" + "c0" * 20


def rollup(*lines: str) -> str:
    """The account with a holding on a rollup of ours."""
    named = ["[networks.roll]", "chain_id = 77", 'family = "ethereum"', 'endpoints = ["http://127.0.0.1:8546"]', *lines]
    asset = ["[[assets]]", 'network = "roll"', 'holder = "vault"', 'asset = "ETH"']
    return "\n".join([GOOD, *named, "", *asset, ""])


def settled(*lines: str) -> SettledOn:
    rooted = compiled(rollup(*lines)).networks[ChainId(77)].rooted_by
    assert isinstance(rooted, SettledOn)
    return rooted


@pytest.mark.parametrize("scheme", ["op_fault", "op_portal", "base"])
def test_games_need_a_delay_for_no_word_of_their_contract_shows_one(scheme: str) -> None:
    """Forgotten, a game would count the second it resolved. What the file says is taken, and that it is none too."""
    lines = ('parent = "ethereum"', f'scheme = "{scheme}"')
    assert settled(*lines, 'delay = "84h"').delay == 302_400
    assert settled(*lines, "delay = 0").delay == 0
    (found,) = problems(rollup(*lines))
    assert found.path == "networks.roll"
    assert f"{scheme} needs a delay" in found.message


@pytest.mark.parametrize("scheme", ["op_output", "bold", "nitro", "scroll", "taiko"])
def test_a_scheme_whose_contract_shows_when_it_is_done_needs_no_delay(scheme: str) -> None:
    assert settled('parent = "ethereum"', f'scheme = "{scheme}"').delay == 0


@pytest.mark.parametrize(
    ("lines", "path", "text"),
    [
        (['scheme = "bold"'], "networks.roll", "needs parent and scheme"),
        (['parent = "ethereum"'], "networks.roll", "needs parent and scheme"),
        (['parent = "etherium"', 'scheme = "bold"'], "networks.roll.parent", "ethereum"),
        (['parent = "ethereum"', 'scheme = "bald"'], "networks.roll.scheme", "bold"),
        (
            [
                'parent = "ethereum"',
                'scheme = "bold"',
                f'codes = [{{ role = "rollup", code_hash = "{HASH}", implementation = "{CONTRACT}" }}]',
            ],
            "networks.roll.codes[0]",
            "implementation and implementation_code_hash go together",
        ),
    ],
    ids=["no parent", "no scheme", "another parent", "another scheme", "half a pin"],
)
def test_a_gap_is_told_where_it_is(lines: list[str], path: str, text: str) -> None:
    found = problems(rollup(*lines))
    assert [problem.path for problem in found][:1] == [path]
    assert text in found[0].message


def test_contracts_and_codes_are_taken_by_role() -> None:
    pin = f'codes = [{{ role = "rollup", code_hash = "{HASH}" }}]'
    found = settled('parent = "ethereum"', 'scheme = "bold"', f'contracts = {{ rollup = "{CONTRACT}" }}', pin)
    address = found.contract("rollup")
    assert address is not None
    assert address.hex() == CONTRACT[2:]
    assert [pin.code_hash.hex() for pin in found.pins("rollup")] == [HASH[2:]]
    assert found.pins("outbox") == ()
