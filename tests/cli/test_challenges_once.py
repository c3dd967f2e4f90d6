"""`xmargin attest challenge --once`: a holder's word for one statement, over a real node."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from eth_account.messages import encode_defunct

from tests.cli.test_attest import ENV, KEYS, PLACE, run
from tests.cli.test_cli import write

WHO = KEYS[2].address


@pytest.fixture(scope="module")
def made(three_chains, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an account that a key of ours holds, and a bundle of it."""
    folder = tmp_path_factory.mktemp("once")
    path = write(folder, three_chains[:1], tokens=("OZD",), policy='preset = "strict"\nmax_age = "7d"')
    path.write_text(re.sub(r'main = "0x[0-9a-fA-F]+"', f'main = "{WHO}"', path.read_text()))
    assert run("gather", path, "-o", folder / "a.bundle", cwd=folder).returncode == 0
    return folder


def signed(folder: Path, name: str, *more: str) -> Path:
    """A challenge that was asked for and signed."""
    asked = json.loads(run("attest", "challenge", "test", WHO, 31337, *PLACE, *more, cwd=folder).stdout)
    signature = KEYS[2].sign_message(encode_defunct(text=asked["text"])).signature.hex()
    path = folder / name
    path.write_text(json.dumps(asked | {"signature": "0x" + signature.removeprefix("0x")}))
    return path


def sign(folder: Path, output: str, *more: object) -> subprocess.CompletedProcess[str]:
    args = ("attest", "sign", folder / "account.toml", "--bundle", folder / "a.bundle", "-o", folder / output, "--json")
    return run(*args, "--key", "env:KEY0", *more, cwd=folder, env=ENV)


@pytest.mark.covers("MRG-05")
def test_a_recorded_challenge_signs_one_statement(made: Path) -> None:
    """The first statement says that control was shown; the second is not signed, and nothing is written."""
    once = signed(made, "once.json", "--once")
    done = sign(made, "one.json", *PLACE, "--control", once, "--once")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["statement"]["holders"] == {WHO.lower(): "eip191"}
    for more in ((), ("--once",)):
        done = sign(made, "two.json", *PLACE, "--control", once, *more)
        assert done.returncode == 2
        told = json.loads(done.stdout)
        assert told["error"] == "UsageError"
        assert "the challenge was used for the statement 0x" in told["message"]
        assert "--once" in told["remedy"]
    assert not (made / "two.json").exists()
    assert sign(made, "again.json", "--proposal", made / "one.json", "--control", once).returncode == 0
    assert (made / "again.json").read_bytes() == (made / "one.json").read_bytes()


def test_an_ordinary_challenge_shows_control_until_it_expires(made: Path) -> None:
    """Any number of statements; none where only recorded challenges are to count."""
    plain = signed(made, "plain.json")
    assert [sign(made, "p.json", *PLACE, "--control", plain).returncode for _ in range(2)] == [0, 0]
    done = sign(made, "q.json", *PLACE, "--control", plain, "--once")
    assert done.returncode == 2
    assert "nobody asked for this challenge here" in json.loads(done.stdout)["message"]
    assert not (made / "q.json").exists()
