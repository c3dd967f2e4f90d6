"""The account file's shape: one thing wrong at a time, and the key, line and cure that are named for it."""

from __future__ import annotations

import pytest

from tests.verifier.app.account import GOOD, compiled, problems
from verifier.app.account_file import EndpointPart, parse_account
from verifier.app.errors import ConfigError
from verifier.app.toml_source import MAX_BYTES, read_toml


def test_the_whole_file_is_taken() -> None:
    """The file that the others change one thing of."""
    assert compiled().name == "desk"


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("preset =", "prest =", "policy.prest", "did you mean preset?"),
        ('haircut_initial = "20%"', 'haircut_inital = "20%"', "policy.assets.ETH.haircut_inital", "did you mean haircut_initial"),
        ("[[assets]]", "[[asset]]", "asset", "did you mean assets?"),
        ('preset = "strict"', 'preset = "lax"', "policy.preset", "'strict' or 'practical'"),
        ('mode = "isolated"', 'mode = "crossed"', "account.mode", "'cross', 'isolated', 'portfolio' or 'mixed'"),
        ('name = "desk"', 'nam = "desk"', "account.name", "is required"),
        ('name = "desk"', 'name = "de\\u202esk"', "account.name", "expected a name"),
        ('usd = "3000.12"', "usd = 3000.12", "prices.ETH.usd", "lost digits"),
        ('usd = "3000.12"', 'usd = "-1"', "prices.ETH.usd", "above zero"),
        ('amount = "12.5"', "amount = 12.5", "debts[1].amount", "lost digits"),
        ('amount = "12.5"', 'amont = "12.5"', "debts[1].amont", "did you mean amount"),
        ('source = "test"', "", "prices.ETH.source", "is required"),
        ("decimals = 18", 'decimals = "18"', "assets[2].decimals", "an integer"),
        ("decimals = 18", "decimals = 78", "assets[2].decimals", "less than or equal to 77"),
        ('slot = "0x3"', 'slot = "3x"', "assets[2].slot", "expected a slot"),
        ('order = "vyper"', 'order = "viper"', "debts[0].order", "'solidity', 'vyper' or 'solady'"),
        ('"30m"', '"30 minutes"', "policy.max_head_lag", "whole seconds"),
        ("2026-11-24T04:00:00Z", "2026-11-24T04:00:00", "account.as_of", "offset"),
        ("as_of = 2026-11-24T04:00:00Z", "as_of = 2026-11-24", "account.as_of", "names no moment"),
        ('url = "https://second.example"', 'ulr = "https://second.example"', "networks.ethereum.endpoints[1].ulr", "did you mean url?"),
    ],
)  # fmt: skip
def test_one_thing_wrong_is_named_with_key_line_and_cure(old: str, new: str, path: str, words: str) -> None:
    """Each change of the good file has one problem at its own key."""
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    (found,) = [p for p in problems(text) if p.path == path]
    assert words in found.message
    assert found.line is not None
    assert "https://" not in found.message


@pytest.mark.covers("HDR-11")
def test_a_zero_pin_is_refused() -> None:
    """An unset hash pins nothing."""
    text = GOOD.replace("11" * 32, "00" * 32)
    (found,) = problems(text)
    assert (found.path, "unset field" in found.message) == ("networks.ethereum.pin[0]", True)


def test_an_entry_that_is_wrong_is_not_called_missing_too() -> None:
    """An account whose only asset has a mistake lists something: the one problem is the mistake."""
    text = '[account]\nname = "a"\n[[assets]]\nnetwork = "base"\nholder = "nobody"\nasset = "ETH"\n'
    assert [p.path for p in problems(text)] == ["assets[0].network"]


def test_all_mistakes_are_listed_at_once() -> None:
    """Three mistakes, three problems."""
    text = GOOD.replace("preset =", "prest =").replace('entry = "3000"', "entry = 3.5").replace('source = "test"', "")
    assert {p.path for p in problems(text)} == {"policy.prest", "positions[0].entry", "prices.ETH.source"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[account]\nname = ", "not TOML"),
        ("a = 1\na = 2", "not TOML"),
        ("x = " + "[" * 100_000, "not TOML"),
        ("x = " + "9" * 5_000, "not TOML"),
        ("x = {a = " * 300 + "1" + "}" * 300, "account"),
    ],
)
def test_text_that_is_no_account_is_refused_as_ours(text: str, words: str) -> None:
    """Neither depth nor long numbers escape as another error."""
    with pytest.raises(ConfigError, match=words):
        parse_account(text)


def test_a_file_beyond_the_limit_is_not_parsed(tmp_path) -> None:
    """At the limit it is read; one byte more and it is not."""
    path = tmp_path / "big.toml"
    path.write_bytes(b"#" * MAX_BYTES)
    assert read_toml(path).tree == {}
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="larger than"):
        read_toml(path)


def test_bytes_that_are_no_text_are_refused(tmp_path) -> None:
    """Latin-1 is not UTF-8; a missing file says how to make one."""
    path = tmp_path / "a.toml"
    path.write_bytes(b'name = "\xe9"')
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_toml(path)
    with pytest.raises(ConfigError, match="no such file") as caught:
        read_toml(tmp_path / "none.toml")
    assert "xmargin init" in caught.value.remedy


@pytest.mark.covers("SEC-01")
def test_an_endpoint_s_url_is_in_no_repr() -> None:
    """Not of the part, and not of the whole file."""
    url = "https://node.example/canary-key-0123456789"
    assert "canary" not in repr(EndpointPart(url=url, headers={"X-Key": "canary"}))
    file, _ = parse_account(GOOD.replace("https://second.example", url))
    assert "canary" not in repr(file)
