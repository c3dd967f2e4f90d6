"""The tables of the store, as an ordered list of small functions, and what each table and column says.

Amounts and money are decimal text, since they pass 64 bits; hashes and addresses are lower-case hex, so that the
file reads well in Datasette. A migration once released is never edited; the next one is added below it.
"""

from __future__ import annotations

from typing import Final

from sqlite_utils import Database, Migrations

APPLICATION_ID: Final = 0x584D5247
""""XMRG": says whose file this is (PRAGMA application_id)."""
SCHEMA_VERSION: Final = 5

MIGRATIONS: Final = Migrations("xmargin")

TABLES: Final[dict[str, str]] = {
    "runs": "One row for each time something was shown: kept in the same transaction as what was shown.",
    "bundles": "Evidence as it was gathered or checked, under its content id. Whatever else is here is proven from it.",
    "amounts": "The outcome of each claim: proven, refused or missing. Its bundle proves it; the row does not.",
    "margin_snapshots": "Margin accounts as they were reported.",
    "current_accounts": "For each account and policy, the snapshot of the latest as-of time.",
    "endpoint_behaviour": "What each endpoint did in a run. Endpoints stand by name; their URLs are nowhere.",
    "endpoint_capacities": "How each endpoint was found to be asked best, until it expires. It decides pace, no proof.",
    "margin_calls": "Open calls by account, policy and pool. They decide times, and nothing that is proven.",
    "margin_call_events": "What happened to calls: opened, escalated, expired, cleared, closed.",
    "light_clients": "Where each light client stands, and the evidence for it; sealed with a key kept elsewhere.",
    "light_records": "Light-client states that anchored a run, sealed: an old bundle is checked again from them.",
    "light_conflicts": "Final headers that contradict each other, both signed; the client of that checkpoint stopped.",
    "attestations": "Every statement that a key of this machine signed, and the numbers that were taken for one.",
    "job_runs": "Each time a job was due: what became of it. Written once, together with all that it left behind.",
    "deliveries": "Statements and alerts to be delivered, by sink: written with the run, sent after it.",
    "job_states": "For each job, the status that was last told of.",
    "leases": "Which scheduler leads on this database, and until when.",
    "_descriptions": "What the tables and columns of this file say.",
    "latest_margin": "View: the latest margin account of each account and policy.",
    "proven_amounts": "View: amounts that were proven, newest first.",
    "refused_claims": "View: claims without a figure, and why.",
    "endpoint_record": "View: how often each endpoint served, failed and lied.",
}
COLUMNS: Final[dict[str, dict[str, str]]] = {
    "attestations": {
        "sequence": "Rises with each statement of a signer over an account for a contract; a gap is a number not used.",
        "state": "reserved (the number is taken) or signed (the file is whole).",
        "snapshot_digest": "What was weighed: one moment of an account is attested in one way only.",
        "file": "The attestation, as it was delivered.",
    },
    "job_runs": {
        "due": "When it was due, unix seconds; a job runs once for each such moment.",
        "state": "done, failed, or missed (it was due while nothing ran, and the file says not to make up for it).",
    },
    "deliveries": {
        "state": "pending, delivered, or given-up (after the attempts that the file allows).",
        "body": "The very bytes; receivers tell a repetition by its key: job, due time and sink.",
    },
    "runs": {
        "at": "When it was shown, unix seconds, by this machine's clock.",
        "exit_code": "What the program ended with.",
        "codes": "All exit codes that applied, as JSON.",
        "tool_version": "The version that wrote the row.",
        "schema_version": "The version of these tables.",
    },
    "bundles": {
        "id": "SHA-256 content id; computed again whenever the bundle is read.",
        "as_of": "The one moment that the bundle speaks of, unix seconds.",
    },
    "amounts": {
        "amount": "Base units as decimal text, below zero for a debt; NULL unless the verdict is proven.",
        "verdict": "proven, refused (evidence that does not hold) or missing (no evidence came).",
        "moment": "exact (shown to be the last block not after the as-of time) or head.",
        "source": "Where the meaning of the claim comes from: reviewed, discovered or user.",
        "refusal_class": "The class of the refusal, as reports group them.",
    },
    "margin_snapshots": {
        "equity_low": "Equity in USD if every doubt is true, decimal text; NULL where it cannot be bounded.",
        "equity_high": "Equity in USD if no doubt is true.",
        "initial": "Initial requirement in USD, of the low figure.",
        "maintenance": "Maintenance requirement in USD, of the low figure.",
        "policy_digest": "Digest of policy, rules and mode; figures under different digests are not comparable.",
        "report": "The whole report as JSON.",
    },
    "margin_calls": {
        "kind": "margin (money or less risk) or data (fresh proofs).",
        "rung": "Where it stands on the ladder.",
        "base": "The worst rung whose bound was reached; it closes above that.",
        "deadline": "When its grace ends, unix seconds; NULL for a rung that only notifies.",
        "above": "Since when the ratio has stood clear of the bound; NULL while it does not.",
        "seen": "When it was last looked at.",
    },
    "margin_call_events": {"what": "opened, escalated, expired (its grace ended), cleared or closed."},
    "light_clients": {
        "checkpoint": "Root of the beacon block that the client began from.",
        "slot": "Slot of its finalized header. `root` is that header's root; both are repeated under the seal.",
        "sealed": "MAC and state; what fails the MAC counts as not there.",
    },
    "endpoint_behaviour": {
        "served": "Answers that passed every check.",
        "failed": "Questions that got no answer.",
        "lied": "Answers that were refused by a proof.",
        "latency_ms": "Typical milliseconds for an answer.",
    },
    "endpoint_capacities": {
        "host": "A row counts for this host only, so that a name pointed elsewhere starts anew.",
        "found_by": "run (learned on the way) or probe (xmargin networks --probe).",
        "expires": "Unix seconds; from then on the endpoint is found out anew.",
        "by_hash": "1 where proofs are served for a block named by its hash.",
        "keys_per_call": "Storage keys that one call is given.",
        "batch": "Calls that one request is given at most.",
        "proofs": "1 where a probe was given a proof that holds; NULL where no probe was made.",
        "window": "Blocks back from the newest to which a probe was given proofs.",
    },
}

_TABLES_SQL: Final = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL CHECK (at >= 0),
    command TEXT NOT NULL,
    account TEXT,
    exit_code INTEGER NOT NULL CHECK (exit_code BETWEEN 0 AND 255),
    codes TEXT NOT NULL,
    shown TEXT NOT NULL,
    tool_version TEXT NOT NULL,
    schema_version INTEGER NOT NULL
) STRICT;
CREATE TABLE bundles (
    id TEXT PRIMARY KEY CHECK (length(id) = 66),
    as_of INTEGER NOT NULL,
    size INTEGER NOT NULL CHECK (size = length(bytes)),
    bytes BLOB NOT NULL,
    created INTEGER NOT NULL,
    tool_version TEXT NOT NULL,
    schema_version INTEGER NOT NULL
) STRICT;
CREATE TABLE amounts (
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    bundle TEXT NOT NULL REFERENCES bundles (id),
    claim INTEGER NOT NULL CHECK (claim >= 0),
    chain_id INTEGER NOT NULL,
    network TEXT NOT NULL,
    contract TEXT,
    holder TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('holding', 'debt')),
    symbol TEXT NOT NULL,
    asset_group TEXT NOT NULL,
    decimals INTEGER NOT NULL,
    source TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('proven', 'refused', 'missing')),
    amount TEXT CHECK ((amount IS NOT NULL) = (verdict = 'proven')),
    block_number INTEGER,
    block_hash TEXT,
    block_time INTEGER,
    moment TEXT,
    anchor TEXT,
    settlement TEXT,
    bases TEXT,
    refusal_class TEXT,
    refusal TEXT CHECK ((refusal IS NULL) = (verdict = 'proven')),
    PRIMARY KEY (run, claim)
) STRICT, WITHOUT ROWID;
CREATE INDEX amounts_of_claim ON amounts (holder, chain_id, contract);
CREATE INDEX amounts_of_bundle ON amounts (bundle);
CREATE TABLE margin_snapshots (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    account TEXT NOT NULL,
    as_of INTEGER NOT NULL,
    bundle TEXT NOT NULL REFERENCES bundles (id),
    policy_digest TEXT NOT NULL,
    status TEXT NOT NULL,
    equity_low TEXT,
    equity_high TEXT,
    initial TEXT,
    maintenance TEXT,
    ratio TEXT,
    report TEXT NOT NULL
) STRICT;
CREATE INDEX snapshots_of_account ON margin_snapshots (account, as_of);
CREATE INDEX snapshots_of_run ON margin_snapshots (run);
CREATE INDEX snapshots_of_bundle ON margin_snapshots (bundle);
CREATE TABLE current_accounts (
    account TEXT NOT NULL,
    policy_digest TEXT NOT NULL,
    as_of INTEGER NOT NULL,
    bundle TEXT NOT NULL REFERENCES bundles (id),
    snapshot INTEGER NOT NULL REFERENCES margin_snapshots (id),
    PRIMARY KEY (account, policy_digest)
) STRICT, WITHOUT ROWID;
CREATE TABLE endpoint_behaviour (
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    chain_id INTEGER NOT NULL,
    network TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    operator TEXT NOT NULL,
    at INTEGER NOT NULL,
    served INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    lied INTEGER NOT NULL,
    first_error TEXT,
    latency_ms INTEGER,
    PRIMARY KEY (run, chain_id, endpoint)
) STRICT, WITHOUT ROWID;
CREATE TABLE _descriptions (
    item TEXT NOT NULL,
    item_column TEXT NOT NULL DEFAULT '',
    text TEXT NOT NULL,
    PRIMARY KEY (item, item_column)
) STRICT, WITHOUT ROWID;
CREATE VIEW latest_margin AS
    SELECT s.account, datetime(s.as_of, 'unixepoch') AS as_of_utc, s.status, s.equity_low, s.equity_high, s.initial,
           s.maintenance, s.ratio, s.policy_digest, s.bundle
    FROM current_accounts c JOIN margin_snapshots s ON s.id = c.snapshot;
CREATE VIEW proven_amounts AS
    SELECT r.account, a.network, a.holder, a.symbol, a.kind, a.amount, a.decimals, a.block_number,
           datetime(a.block_time, 'unixepoch') AS block_utc, a.moment, a.anchor, a.settlement, a.bases, a.source,
           a.bundle
    FROM amounts a JOIN runs r ON r.id = a.run WHERE a.verdict = 'proven' ORDER BY a.run DESC, a.claim;
CREATE VIEW refused_claims AS
    SELECT r.account, datetime(r.at, 'unixepoch') AS at_utc, a.network, a.holder, a.symbol, a.kind, a.verdict,
           a.refusal_class, a.refusal, a.bundle
    FROM amounts a JOIN runs r ON r.id = a.run WHERE a.verdict <> 'proven' ORDER BY a.run DESC, a.claim;
CREATE VIEW endpoint_record AS
    SELECT network, endpoint, operator, sum(served) AS served, sum(failed) AS failed, sum(lied) AS lied,
           datetime(max(at), 'unixepoch') AS last_asked_utc
    FROM endpoint_behaviour GROUP BY chain_id, endpoint;
"""


_ATTESTATIONS_SQL: Final = """
CREATE TABLE attestations (
    signer TEXT NOT NULL,
    account TEXT NOT NULL,
    chain_id INTEGER NOT NULL,
    contract TEXT NOT NULL,
    sequence INTEGER NOT NULL CHECK (sequence >= 1),
    state TEXT NOT NULL CHECK (state IN ('reserved', 'signed')),
    as_of INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    valid_until INTEGER NOT NULL,
    snapshot_digest TEXT NOT NULL,
    bundle TEXT NOT NULL,
    digest TEXT,
    file BLOB CHECK ((file IS NOT NULL) = (state = 'signed')),
    PRIMARY KEY (signer, account, chain_id, contract, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE job_runs (
    job TEXT NOT NULL,
    due INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('done', 'failed', 'missed')),
    ended INTEGER NOT NULL,
    exit_code INTEGER NOT NULL,
    status TEXT,
    outcome TEXT NOT NULL,
    run INTEGER REFERENCES runs (id) ON DELETE SET NULL,
    signer TEXT,
    sequence INTEGER,
    PRIMARY KEY (job, due)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_runs_of_run ON job_runs (run);
CREATE TABLE deliveries (
    job TEXT NOT NULL,
    due INTEGER NOT NULL,
    sink TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('statement', 'alert')),
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'given-up')),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    not_before INTEGER NOT NULL,
    last_error TEXT,
    body BLOB NOT NULL,
    PRIMARY KEY (job, due, sink, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE job_states (
    job TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    since INTEGER NOT NULL,
    reminded INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID
"""


_CAPACITIES_SQL: Final = """
CREATE TABLE endpoint_capacities (
    chain_id INTEGER NOT NULL,
    network TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    host TEXT NOT NULL,
    found_by TEXT NOT NULL CHECK (found_by IN ('run', 'probe')),
    at INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    by_hash INTEGER NOT NULL CHECK (by_hash IN (0, 1)),
    keys_per_call INTEGER NOT NULL CHECK (keys_per_call BETWEEN 1 AND 1000000),
    batch INTEGER NOT NULL CHECK (batch BETWEEN 1 AND 1000000),
    proofs INTEGER,
    window INTEGER,
    height INTEGER,
    client TEXT,
    latency_ms INTEGER,
    PRIMARY KEY (chain_id, endpoint)
) STRICT, WITHOUT ROWID
"""


_CALLS_SQL: Final = """
CREATE TABLE margin_calls (
    account TEXT NOT NULL,
    policy_digest TEXT NOT NULL,
    pocket TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('margin', 'data')),
    rung TEXT NOT NULL,
    base TEXT NOT NULL,
    opened INTEGER NOT NULL,
    since INTEGER NOT NULL CHECK (since >= opened),
    deadline INTEGER,
    above INTEGER,
    seen INTEGER NOT NULL CHECK (seen >= since),
    PRIMARY KEY (account, policy_digest, pocket, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE margin_call_events (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    account TEXT NOT NULL,
    policy_digest TEXT NOT NULL,
    pocket TEXT NOT NULL,
    at INTEGER NOT NULL,
    what TEXT NOT NULL,
    kind TEXT NOT NULL,
    rung TEXT NOT NULL
) STRICT;
CREATE INDEX call_events_of_account ON margin_call_events (account, at);
CREATE INDEX call_events_of_run ON margin_call_events (run)
"""


@MIGRATIONS()
def m001_first_tables(db: Database) -> None:
    """Runs, bundles, outcomes, margin accounts, endpoints; and the words for them."""
    for statement in _TABLES_SQL.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)
    _describe(db)
    db.conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")


_LIGHT_SQL: Final = """
CREATE TABLE light_clients (
    chain_id INTEGER NOT NULL,
    checkpoint TEXT NOT NULL CHECK (length(checkpoint) = 66),
    network TEXT NOT NULL,
    slot INTEGER NOT NULL,
    root TEXT NOT NULL,
    at INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (chain_id, checkpoint)
) STRICT;
CREATE TABLE light_records (
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    chain_id INTEGER NOT NULL,
    network TEXT NOT NULL,
    slot INTEGER NOT NULL,
    root TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (run, chain_id)
) STRICT;
CREATE INDEX light_records_of_block ON light_records (chain_id, root);
CREATE TABLE light_conflicts (
    chain_id INTEGER NOT NULL,
    checkpoint TEXT NOT NULL CHECK (length(checkpoint) = 66),
    network TEXT NOT NULL,
    at INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    known_root TEXT NOT NULL,
    other_root TEXT NOT NULL,
    known BLOB NOT NULL,
    other BLOB NOT NULL,
    PRIMARY KEY (chain_id, checkpoint)
) STRICT;
"""


@MIGRATIONS()
def m002_endpoint_capacities(db: Database) -> None:
    """What was learned of endpoints outlives a run."""
    db.conn.execute(_CAPACITIES_SQL)
    _describe(db)


@MIGRATIONS()
def m003_margin_calls(db: Database) -> None:
    """Margin calls outlive a run: their times decide what follows."""
    for statement in _CALLS_SQL.split(";\n"):
        db.conn.execute(statement)
    _describe(db)


@MIGRATIONS()
def m004_light_clients(db: Database) -> None:
    """What light clients know, sealed, and what stopped them."""
    for statement in _LIGHT_SQL.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)
    _describe(db)


@MIGRATIONS()
def m005_attestations_and_jobs(db: Database) -> None:
    """What was signed, and what jobs did and still have to deliver."""
    for statement in _ATTESTATIONS_SQL.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)
    _describe(db)


def _describe(db: Database) -> None:
    """The words for everything that is there by now."""
    there = {row[0] for row in db.conn.execute("SELECT name FROM sqlite_master").fetchall()}
    rows = [(item, "", text) for item, text in TABLES.items() if item in there]
    rows += [(i, column, text) for i, columns in COLUMNS.items() if i in there for column, text in columns.items()]
    db.conn.executemany("INSERT OR REPLACE INTO _descriptions (item, item_column, text) VALUES (?, ?, ?)", rows)


def datasette_metadata() -> dict[str, object]:
    """What Datasette's metadata file takes: descriptions of tables, views and columns."""
    tables = {
        item: {"description": text, **({"columns": COLUMNS[item]} if item in COLUMNS else {})}
        for item, text in TABLES.items()
    }
    title = "xmargin: proven balances and margin accounts"
    return {"title": title, "databases": {"xmargin": {"description": title, "tables": tables}}}
