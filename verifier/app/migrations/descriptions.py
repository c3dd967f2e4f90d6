"""What each table, column and view of the store says, in the words that the file itself carries."""

from __future__ import annotations

from typing import Final

from sqlite_utils import Database

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
    "challenges": "Challenges by which holders show control for one statement each, and what they were used for.",
    "job_runs": "Each time a job was due: what became of it. Written once, together with all that it left behind.",
    "deliveries": "Statements and alerts to be delivered, by sink: written with the run, sent after it.",
    "job_states": "For each job, the status that was last told of.",
    "slot_findings": "Where tokens were found to keep their balances. The bundle shows it again; the row does not.",
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
    "challenges": {
        "digest": "Of the whole challenge; whoever signed it, and how, is no part of it.",
        "used": "Digest of the statement that was signed over it; NULL while there is none.",
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
    "slot_findings": {
        "code_hash": "The token's code when it was found; other code is refused where the finding is used.",
        "implementation_code_hash": "Of what stood behind its proxy; NULL where it is none.",
        "bundle": "The proven balanceOf calls that judged it; run again whenever the finding is used.",
    },
    "margin_call_events": {"what": "opened, escalated, expired (its grace ended), cleared or closed."},
    "light_conflicts": {
        "slot": "Of the header that was believed.",
        "known": "SSZ of the update (or the checkpoint's header) that showed it; other is what contradicts it.",
        "instead": "Of different slots: the block in the place of the believed one on the other branch; else empty.",
    },
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
        "unproven": "The newest block whose state it was found not to prove; others are asked for that first.",
    },
}


def describe(db: Database) -> None:
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
