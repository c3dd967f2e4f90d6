"""Every JSON output is an object of its published schema; one changed field of each is not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from tests.cli.test_cli import DEMO, ROOT, run

SCHEMAS = ROOT / "docs" / "schema"


def checked(name: str, text: str) -> dict:
    """The object, held against a published schema."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    shown = json.loads(text)
    jsonschema.validate(shown, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(shown | {"version": 2}, schema)
    return shown


@pytest.mark.parametrize(
    ("args", "name"),
    [(("networks",), "networks"), (("networks", "base"), "networks"), (("assets",), "assets"), (("assets", "ethereum"), "assets"), (("config", "show"), "config")],
)  # fmt: skip
def test_listings_fit_their_schemas(tmp_path: Path, args: tuple[str, ...], name: str) -> None:
    """Exit 0, one object on stdout, nothing on stderr."""
    done = run(*args, "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    checked(name, done.stdout)


def test_help_names_the_schema_of_what_is_shown(tmp_path: Path) -> None:
    """Every command with --json names a published schema, and the listings their own."""
    listed = {path.stem for path in SCHEMAS.glob("*.json")}
    own = {"networks": "networks", "assets": "assets", "config show": "config", "attest show": "attest"}
    own |= {"schedule": "schedule", "db info": "db", "light status": "light", "margin": "margin", "verify": "run"}
    for command, name in own.items():
        text = " ".join(run(*command.split(), "--help", cwd=tmp_path).stdout.split())
        named = set(re.findall(r"schema/([a-z-]+)\.json|with --probe ([a-z]+)\.json", text))
        named = {one or two for one, two in named}
        assert name in named, command
        assert named <= listed, command


def test_a_contract_in_upper_case_does_not_fit(tmp_path: Path) -> None:
    """Hex in JSON is lower case; the schema says so, and the table spells checksums for people."""
    shown = checked("assets", run("assets", "ethereum", "--json", cwd=tmp_path).stdout)
    schema = json.loads((SCHEMAS / "assets.json").read_text())
    contract = shown["assets"][0]["contract"]
    shown["assets"][0]["contract"] = "0x" + contract[2:].upper()
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(shown, schema)
    table = run("assets", "ethereum", cwd=tmp_path).stdout
    assert contract not in table
    assert contract in table.lower()


@pytest.mark.parametrize(
    ("args", "code", "error"),
    [
        (("networks", "etherium"), 2, "UnknownName"),
        (("verify", "none.toml"), 2, "UsageError"),
        (("verify",), 2, "UsageError"),
        (("verfy", "a.toml"), 2, "UsageError"),
        (("db", "info", "--db", "none.db"), 1, "StoreFailed"),
    ],
)
def test_errors_fit_their_schema(tmp_path: Path, args: tuple[str, ...], code: int, error: str) -> None:
    """Where there is no result there is an object that says why, and the sentence on stderr."""
    done = run(*args, "--json", cwd=tmp_path)
    shown = checked("error", done.stdout)
    assert (done.returncode, shown["exit_code"], shown["error"]) == (code, code, error)
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_account_file_lists_its_problems(tmp_path: Path) -> None:
    """Key, line and sentence of each; the file that init writes has none."""
    assert run("init", cwd=tmp_path).returncode == 0
    path = tmp_path / "account.toml"
    path.write_text(
        path.read_text().replace('mode = "cross"', 'mood = "cross"').replace('usd = "3000"', "usd = 3000.5")
    )
    done = run("verify", path, "--json", cwd=tmp_path)
    shown = checked("error", done.stdout)
    assert (done.returncode, shown["error"]) == (2, "ConfigError")
    found = {p["path"]: p["message"] for p in shown["problems"]}
    assert found["account.mood"] == "unknown key; did you mean mode?"
    assert "lost digits" in found["prices.ETH.usd"]
    assert all(p["line"] for p in shown["problems"])


def test_what_init_writes_compiles_once_its_variable_is_set(tmp_path: Path) -> None:
    """It fails only for want of the variable, which it names; offline it needs none."""
    assert run("init", "a.toml", "--policy", "practical", cwd=tmp_path).returncode == 0
    shown = checked("error", run("verify", "a.toml", "--json", cwd=tmp_path).stdout)
    assert [p["path"] for p in shown["problems"]] == ["networks.ethereum.endpoints[0]"]
    assert "ETH_RPC_URL" in shown["problems"][0]["message"]
    done = run("check", DEMO / "account.bundle", "--account", "a.toml", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["schema"] == "xmargin/run"


def test_the_database_s_outputs_fit_their_schema(tmp_path: Path) -> None:
    """After one kept run: counts, history and integrity."""
    db = tmp_path / "x.db"
    run("check", DEMO / "account.bundle", "--account", DEMO / "account.toml", "--db", db, cwd=tmp_path)
    for verb in ("info", "history", "integrity"):
        done = run("db", verb, "--db", db, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert checked("db", done.stdout)["rows"]


def test_a_mistyped_variable_is_warned_of(tmp_path: Path) -> None:
    """On stderr, in every command that reads an account; the right name is silent."""
    run("init", cwd=tmp_path)
    args = ("check", DEMO / "account.bundle", "--account", "account.toml", "--json")
    assert "XMARGIN_" not in run(*args, cwd=tmp_path, env={"XMARGIN_DATABASE": str(tmp_path / "y.db")}).stderr
    done = run(*args, cwd=tmp_path, env={"XMARGIN_DATABSE": "y.db"})
    assert "XMARGIN_DATABSE means nothing here; after XMARGIN_, did you mean DATABASE?" in done.stderr
