"""The versions of the store, as an ordered list of small functions; the next one is added at the end."""

from __future__ import annotations

from typing import Final

from sqlite_utils import Database, Migrations

from verifier.app.migrations import tables
from verifier.app.migrations.descriptions import describe

APPLICATION_ID: Final = 0x584D5247
""""XMRG": says whose file this is (PRAGMA application_id)."""
SCHEMA_VERSION: Final = 9

MIGRATIONS: Final = Migrations("xmargin")


def _run(db: Database, statements: str) -> None:
    for statement in statements.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)
    describe(db)


@MIGRATIONS()
def m001_first_tables(db: Database) -> None:
    """Runs, bundles, outcomes, margin accounts, endpoints; and the words for them."""
    _run(db, tables.FIRST_TABLES)
    db.conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")


@MIGRATIONS()
def m002_endpoint_capacities(db: Database) -> None:
    """What was learned of endpoints outlives a run."""
    _run(db, tables.ENDPOINT_CAPACITIES)


@MIGRATIONS()
def m003_margin_calls(db: Database) -> None:
    """Margin calls outlive a run: their times decide what follows."""
    _run(db, tables.MARGIN_CALLS)


@MIGRATIONS()
def m004_light_clients(db: Database) -> None:
    """What light clients know, sealed, and what stopped them."""
    _run(db, tables.LIGHT_CLIENTS)


@MIGRATIONS()
def m005_attestations_and_jobs(db: Database) -> None:
    """What was signed, and what jobs did and still have to deliver."""
    _run(db, tables.ATTESTATIONS_AND_JOBS)


@MIGRATIONS()
def m006_slot_findings(db: Database) -> None:
    """Where tokens were found to keep their balances, with the calls that judged it."""
    _run(db, tables.SLOT_FINDINGS)


@MIGRATIONS()
def m007_reach_of_endpoints(db: Database) -> None:
    """How far back an endpoint proves state outlives a run."""
    _run(db, tables.REACH_OF_ENDPOINTS)


@MIGRATIONS()
def m008_branches(db: Database) -> None:
    """Final headers that contradict each other may be of different slots."""
    _run(db, tables.BRANCHES)


@MIGRATIONS()
def m009_challenges(db: Database) -> None:
    """Challenges that are good for one statement."""
    _run(db, tables.CHALLENGES)
