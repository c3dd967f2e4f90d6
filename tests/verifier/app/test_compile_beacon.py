"""The beacon side of an account file: endpoints, checkpoints, and the description of a chain of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.verifier.app.account import ENV, GOOD, REGISTRY, compiled, problems
from verifier.app.account_file import parse_account, read_account
from verifier.app.commands.config import masked
from verifier.app.compile import compile_account
from verifier.app.errors import ConfigError
from verifier.app.settings import load_settings
from verifier.primitives import ChainId
from verifier.trust import Checkpoint, PinnedBlock

ROOT = "0x" + "22" * 32
BEACON = f'beacon = ["${{BEACON_URL}}"]\ncheckpoint = "{ROOT}"\n'
URL = {"BEACON_URL": "https://beacon.example/canary-key-0123456789"}
AFTER = 'pin = "0x' + "11" * 32 + '"\n'
SPEC = {
    "PRESET_BASE": "minimal",
    "SECONDS_PER_SLOT": "6",
    "GENESIS_FORK_VERSION": "0x00000001",
    "ALTAIR_FORK_VERSION": "0x01000001",
    "ALTAIR_FORK_EPOCH": "0",
}
GENESIS = {"genesis_time": "1700000000", "genesis_validators_root": "0x" + "77" * 32}


def with_beacon(lines: str = BEACON) -> str:
    """The good file with further lines for its first network."""
    assert AFTER in GOOD
    return GOOD.replace(AFTER, AFTER + lines, 1)


def test_a_checkpoint_is_a_root_beside_the_pins() -> None:
    """Both are the checker's own; the beacon endpoint prints as its host."""
    file, source = parse_account(with_beacon(), "test")
    spec = compile_account(file, source, REGISTRY, environ=ENV | URL)
    kinds = {type(root) for root in spec.roots}
    assert kinds == {PinnedBlock, Checkpoint}
    (point,) = spec.beacon.checkpoints
    assert (point.chain_id, point.root, point.operators) == (1, bytes.fromhex("22" * 32), frozenset())
    (endpoint,) = spec.beacon.endpoints[ChainId(1)]
    assert str(endpoint) == "beacon.example"
    assert "canary" not in repr(spec)
    assert spec.has_light_clients


def test_without_one_there_is_no_light_client() -> None:
    """The file as it was."""
    spec = compiled(GOOD)
    assert not spec.has_light_clients
    assert spec.beacon.endpoints == {}


def test_the_words_that_let_endpoints_name_it() -> None:
    """No checkpoint of the checker's then; and nothing but these words means it."""
    file, source = parse_account(with_beacon(BEACON.replace(ROOT, "ask-endpoints")), "test")
    spec = compile_account(file, source, REGISTRY, environ=ENV | URL)
    assert spec.beacon.asking == {1}
    assert spec.beacon.checkpoints == ()
    with pytest.raises(ConfigError):
        parse_account(with_beacon(BEACON.replace(ROOT, "ask")), "test")


@pytest.mark.parametrize(
    ("lines", "path", "words"),
    [
        (f'checkpoint = "{ROOT}"\n', "networks.ethereum.beacon", "beacon node"),
        (BEACON.replace("${BEACON_URL}", "ws://beacon.example"), "networks.ethereum.beacon", "http"),
        (BEACON.replace("${BEACON_URL}", "ftp://x"), "networks.ethereum.beacon", "http"),
        (BEACON + 'consensus = "none.json"\n', "networks.ethereum.consensus", "none.json"),
    ],
)
def test_what_cannot_be_followed_is_refused_at_its_key(lines: str, path: str, words: str) -> None:
    """Each with what to write instead."""
    found = [p for p in problems(with_beacon(lines)) if p.path.startswith(path)]
    assert found
    assert words in found[0].message


def test_a_checkpoint_on_a_network_without_a_beacon_chain_is_refused() -> None:
    """A development chain of one's own needs its description."""
    lines = f'\n[networks.local2]\nchain_id = 777\nfamily = "ethereum"\ncheckpoint = "{ROOT}"\n'
    (problem,) = [p for p in problems(GOOD + lines) if "local2" in p.path]
    assert "consensus" in problem.message


def described(folder: Path, text: str) -> Path:
    (folder / "devnet.json").write_text(text)
    path = folder / "account.toml"
    path.write_text(with_beacon(BEACON + 'consensus = "devnet.json"\n'))
    return path


def test_a_chain_of_one_s_own_is_described_beside_the_file(tmp_path: Path) -> None:
    """The words of its node, as a file; they are the checker's own, and replace what is known of that chain."""
    file, source = read_account(described(tmp_path, json.dumps({"spec": SPEC, "genesis": GENESIS})))
    spec = compile_account(file, source, REGISTRY, environ=ENV | URL)
    config = spec.beacon.configs[ChainId(1)]
    assert (config.genesis_time, config.preset.name) == (1_700_000_000, "minimal")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"spec": {}, "genesis": {}}',
        json.dumps({"spec": SPEC, "genesis": {}}),
        json.dumps({"spec": SPEC | {"SECONDS_PER_SLOT": "x"}, "genesis": GENESIS}),
        "[" * 100_000,
        " " * ((1 << 20) + 1),
    ],
    ids=["nothing", "list", "empty", "no-values", "no-genesis", "no-number", "deep", "large"],
)
def test_a_description_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    """At its key, as one problem among the others."""
    file, source = read_account(described(tmp_path, text))
    with pytest.raises(ConfigError) as caught:
        compile_account(file, source, REGISTRY, environ=ENV | URL)
    assert [p.path for p in caught.value.problems if "consensus" in p.path]


def test_less_than_two_thirds_cannot_be_asked_for() -> None:
    """The floor is the protocol's; more can be asked for."""
    low = GOOD.replace('preset = "strict"', 'preset = "strict"\nmin_participation = "0.66"')
    assert any("two thirds" in p.message for p in problems(low))
    file, source = parse_account(low.replace("0.66", "0.95"), "test")
    assert compile_account(file, source, REGISTRY, environ=ENV).policy.min_participation == 950_000


def test_settings_may_hold_it_and_show_no_key(tmp_path: Path) -> None:
    """A beacon endpoint of the settings is masked as the others are; the file's own comes before it."""
    (tmp_path / "xmargin.toml").write_text(
        f'[networks.ethereum]\nbeacon = ["{URL["BEACON_URL"]}"]\ncheckpoint = "{ROOT}"\n'
    )
    found = load_settings(None, {}, folder=tmp_path / "none", here=tmp_path, data_folder=tmp_path)
    shown = [masked(origin.path, origin.value) for origin in found.origins if "beacon" in origin.path]
    assert shown == ["https://beacon.example/…"]
    file, source = parse_account(GOOD, "test")
    spec = compile_account(file, source, REGISTRY, environ=ENV, networks=found.settings.networks)
    assert [point.root.hex() for point in spec.beacon.checkpoints] == ["22" * 32]
    assert found.key == tmp_path / "xmargin.key"
