"""The tables as they were released, one text for each version: once released, none is edited."""

from __future__ import annotations

from typing import Final

FIRST_TABLES: Final = """
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

ENDPOINT_CAPACITIES: Final = """
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

MARGIN_CALLS: Final = """
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

LIGHT_CLIENTS: Final = """
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

ATTESTATIONS_AND_JOBS: Final = """
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

SLOT_FINDINGS: Final = """
CREATE TABLE slot_findings (
    chain_id INTEGER NOT NULL,
    token TEXT NOT NULL CHECK (length(token) = 42),
    network TEXT NOT NULL,
    code_hash TEXT NOT NULL CHECK (length(code_hash) = 66),
    implementation TEXT,
    implementation_code_hash TEXT,
    slot TEXT NOT NULL CHECK (length(slot) = 66),
    key_order TEXT NOT NULL,
    width_bits INTEGER NOT NULL CHECK (width_bits BETWEEN 1 AND 256),
    place TEXT NOT NULL,
    at INTEGER NOT NULL,
    bundle TEXT NOT NULL REFERENCES bundles (id)
) STRICT;
CREATE INDEX findings_of_token ON slot_findings (chain_id, token, at);
CREATE INDEX findings_of_bundle ON slot_findings (bundle)
"""

REACH_OF_ENDPOINTS: Final = """
ALTER TABLE endpoint_capacities ADD COLUMN unproven INTEGER
"""

BRANCHES: Final = """
ALTER TABLE light_conflicts ADD COLUMN instead BLOB NOT NULL DEFAULT (x'');
"""

CHALLENGES: Final = """
CREATE TABLE challenges (
    digest TEXT PRIMARY KEY CHECK (length(digest) = 66),
    account TEXT NOT NULL,
    holder TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    valid_until INTEGER NOT NULL,
    used TEXT CHECK (length(used) = 66)
) STRICT, WITHOUT ROWID
"""
