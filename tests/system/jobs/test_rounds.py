"""One round of a schedule over a real node: verified, signed, kept, delivered, alerted, pruned."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import sqlite3
import time
from pathlib import Path

import jsonschema
import pytest
from eth_account.messages import encode_defunct

from tests.cli.test_attest import run
from tests.cli.test_cli import ROOT, write
from tests.simulators import lies
from tests.system.accounts import token_lines
from tests.system.jobs.build import CONTRACT, KEY, SECRET, Hook, jobs_toml, opened, rows, save
from verifier.attest.attestation import Trusted, parse_attestation, verify_attestation
from verifier.attest.quorum import SignerSet
from verifier.attest.statement import Binding
from verifier.primitives import Address, ChainId, Timestamp


def test_a_job_verifies_signs_keeps_and_delivers(folder: Path, hook: Hook) -> None:
    """One due moment: a run, a signed attestation, a file and a signed hook, all of the same bytes."""
    save(
        folder,
        jobs_toml(out=folder / "out", hook=hook.url, more=f'[[jobs.sinks]]\nkind = "sqlite"\npath = "{folder}/s.db"'),
    )
    (ended,) = opened(folder).tick(first=True)
    assert (ended.state, ended.outcome, ended.exit_code) == ("done", "attested", 0)
    (path,) = (folder / "out").glob("desk.*.statement.json")
    event = json.loads(path.read_text())
    schema = json.loads((ROOT / "docs" / "schema" / "job-event.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(event, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(event | {"kind": "other"}, schema)
    made = parse_attestation(json.dumps(event["attestation"]).encode())
    who = Address(bytes.fromhex(KEY.address[2:]))
    trusted = Trusted(Binding(ChainId(31401), Address(b"\xc0" * 20)), SignerSet((who,), 1))
    assert verify_attestation(made, trusted, made.statement.issued_at).signers == (who,)
    ((headers, body),) = hook.got
    assert body == path.read_bytes()
    stamp = headers["X-Xmargin-Timestamp"]
    expected = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["X-Xmargin-Signature"] == f"sha256={expected}"
    assert headers["Idempotency-Key"] == f"desk/{event['due']['unix']}/hook/statement"
    with sqlite3.connect(folder / "s.db") as found:
        assert found.execute("SELECT body FROM statements").fetchall() == [(body.decode(),)]
    found.close()
    assert {state for (state,) in rows(folder, "SELECT state FROM deliveries")} == {"delivered"}
    assert rows(folder, "SELECT count(*) FROM attestations WHERE state = 'signed'") == [(1,)]


def test_a_hook_that_fails_is_tried_again_with_the_same_key(folder: Path, hook: Hook) -> None:
    """500, a redirect, then taken: three attempts, one body, one key; a hook that never takes it is given up."""
    save(folder, jobs_toml(every=86_400, missed="run", grace=86_400, out=folder / "out", hook=hook.url))
    hook.answers = [500, 302]
    clock = [int(time.time())]
    scheduler = opened(folder, clock)
    scheduler.tick(first=True)
    for _ in range(3):
        clock[0] += 30
        scheduler.tick()
    assert len(hook.got) == 3
    assert len({(h["Idempotency-Key"], body) for h, body in hook.got}) == 1
    assert rows(folder, "SELECT state, attempts FROM deliveries WHERE sink = 'hook'") == [("delivered", 3)]
    assert "path-with-key" not in str(rows(folder, "SELECT last_error FROM deliveries"))
    text = (folder / "jobs.toml").read_text().replace('name = "hook"', 'name = "hook"\nattempts = 2')
    save(folder, text)
    hook.answers = [500] * 9
    scheduler = opened(folder, clock)
    clock[0] += 86_400
    scheduler.tick()
    for _ in range(4):
        clock[0] += 600
        scheduler.tick()
    assert ("given-up", 2) in rows(folder, "SELECT state, attempts FROM deliveries WHERE sink = 'hook'")


def test_alerts_on_a_change_of_status(folder: Path, three_chains, lying_proxy, hook: Hook) -> None:
    """A healthy start says nothing; a debt that cannot be read is told of once, and so is its end."""
    chain = three_chains[0]
    proxy = lying_proxy(chain.url)
    debt = "\n".join(token_lines(chain, "VYC", "debts"))
    policy = 'preset = "strict"\nmax_age = "7d"\nmax_head_lag = "7d"'
    path = write(folder, [chain], {31337: [proxy.url]}, tokens=("OZD",), policy=policy, extra=debt)
    named = f'accept_contracts = ["31337:{chain.tokens["VYC"].address}", '
    path.write_text(path.read_text().replace("accept_contracts = [", named))
    alerts = f'[jobs.alerts]\n[[jobs.alerts.sinks]]\nkind = "webhook"\nurl = "{hook.url}"\nsecret = "HOOK_SECRET"'
    save(folder, jobs_toml(every=10, out=folder / "out", alerts=alerts))
    clock = [int(time.time()) // 10 * 10 + 20]
    scheduler = opened(folder, clock)
    scheduler.tick(first=True)
    assert not hook.got
    proxy.tell(lies.dropped_node("storage"), method="eth_getProof")
    for _ in range(2):
        clock[0] += 10
        scheduler.tick()
    proxy.clear()
    clock[0] += 10
    scheduler.tick()
    told = [a for _, body in hook.got for a in json.loads(body)["alerts"]]
    assert [(a["alert"], a.get("from"), a.get("to")) for a in told if a["alert"] != "ladder"] == [
        ("failure", None, None),
        ("status", "healthy", "indeterminate"),
        ("status", "indeterminate", "healthy"),
    ]
    steps = [step["what"] for a in told if a["alert"] == "ladder" for step in a["steps"]]
    assert steps[0] == "opened"
    assert len(steps) >= 2
    outcomes = [outcome for (outcome,) in rows(folder, "SELECT outcome FROM job_runs ORDER BY due")]
    assert [outcome == "attested" for outcome in outcomes] == [True, False, False, True]


def test_a_job_that_fails_is_told_of_and_the_next_goes_on(folder: Path, hook: Hook) -> None:
    """An account file that broke since the start: failed, alerted, and the other job runs."""
    alerts = f'[jobs.alerts]\n[[jobs.alerts.sinks]]\nkind = "webhook"\nurl = "{hook.url}"\nsecret = "HOOK_SECRET"'
    other = (folder / "account.toml").read_text()
    (folder / "other.toml").write_text(other)
    more = '[[jobs]]\nname = "second"\naccount = "other.toml"\nevery = 10'
    save(folder, jobs_toml(every=10, out=folder / "out", alerts=alerts, more=more))
    scheduler = opened(folder)
    (folder / "account.toml").write_text("nonsense = 1\n")
    ended = scheduler.tick(first=True)
    assert [(e.state, e.exit_code) for e in ended] == [("failed", 2), ("done", 0)]
    ((_, body),) = hook.got
    assert json.loads(body)["alerts"][0]["alert"] == "failure"


def test_pruning_leaves_what_is_needed(folder: Path) -> None:
    """Old runs and delivered bytes go; attestations with their bundles, the newest run and what waits stay."""
    from verifier.app.store import Store

    save(folder, jobs_toml(every=10, out=folder / "out"))
    clock = [int(time.time()) // 10 * 10 + 10]
    scheduler = opened(folder, clock)
    for _ in range(3):
        scheduler.tick(first=True)
        clock[0] += 10
    with Store(folder / "jobs.db") as store:
        store.prune(Timestamp(clock[0] + 1_000))
        assert store.integrity() == []
    assert len(rows(folder, "SELECT 1 FROM attestations WHERE state = 'signed'")) == 3
    assert rows(folder, "SELECT count(*) FROM attestations WHERE bundle NOT IN (SELECT id FROM bundles)") == [(0,)]
    assert rows(folder, "SELECT count(*) FROM job_runs") == [(1,)]
    assert rows(folder, "SELECT count(*) FROM deliveries") == [(0,)]
    assert scheduler.tick() != []


@pytest.mark.covers("MRG-05")
def test_a_challenge_for_one_statement_serves_one_round(folder: Path) -> None:
    """Recorded with --once it is used up by the first statement; an ordinary one serves every round."""
    for name, more in (("once.json", ("--once",)), ("plain.json", ())):
        place = ("--chain-id", 31401, "--contract", CONTRACT, "--db", folder / "jobs.db")
        done = run("attest", "challenge", "test", KEY.address, 31337, *place, *more, cwd=folder)
        asked = json.loads(done.stdout)
        signature = KEY.sign_message(encode_defunct(text=asked["text"])).signature.hex()
        (folder / name).write_text(json.dumps(asked | {"signature": "0x" + signature.removeprefix("0x")}))
    text = re.sub(r'main = "0x[0-9a-fA-F]+"', f'main = "{KEY.address}"', (folder / "account.toml").read_text())
    save(folder, jobs_toml(every=10, out=folder / "out"))
    clock, outcomes = [int(time.time()) // 10 * 10 + 10], []
    scheduler = opened(folder, clock)
    for name in ("once.json", "once.json", "plain.json", "plain.json"):
        (folder / "account.toml").write_text(text.replace("[account]\n", f'[account]\ncontrol = ["{name}"]\n', 1))
        outcomes += [ended.outcome for ended in scheduler.tick(first=not outcomes)]
        clock[0] += 10
    assert outcomes[1].startswith("not attested: once.json: the challenge was used for the statement 0x")
    assert [*outcomes[:1], *outcomes[2:]] == ["attested"] * 3
    assert rows(folder, "SELECT count(*) FROM attestations WHERE state = 'signed'") == [(3,)]
