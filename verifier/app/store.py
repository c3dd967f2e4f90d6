"""The store: one SQLite file, as untrusted as the network.

What is shown was kept here first, in one transaction. What is read back is proven again: a bundle's id is computed
anew and its evidence verified by the caller's own policy at the caller's own time; no amount is ever taken from a row.
The file's tables, views and triggers must be exactly ours, so nothing of a foreign file runs when it is read.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from chains.behaviour import MAX_BATCH, Capacity, Place
from chains.dialects.eth import KEYS_PER_CALL
from verifier._version import __version__
from verifier.app.call_store import advance_calls
from verifier.app.errors import StoreDamaged, StoreError, StoreFailed
from verifier.app.kept import CAPACITY_SECONDS, KeptAmount, KeptCapacity, KeptEndpoint, Record, kept_amounts
from verifier.app.migrations import SCHEMA_VERSION
from verifier.app.store_file import check_id, create_private, opened, stored_id, translated
from verifier.checker import Checker
from verifier.primitives import Address, ChainId, Hash32, Timestamp, to_hex
from verifier.verify import Verified, verify_bundle

BUSY_SECONDS: Final = 10.0
Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a run: its row, and whether its margin account is now the account's latest."""

    run: int
    latest: bool


class Store:
    """One open database. Close it, or use it in a `with` statement; it belongs to one thread.

    Raises:
        ForeignStore: The file is not ours, or of a newer version.
        StoreError: It cannot be opened.
    """

    def __init__(self, path: Path, *, busy_seconds: float = BUSY_SECONDS, create: bool = True) -> None:
        self.path = path
        with translated(path):
            if create:
                create_private(path)
            elif not path.is_file():
                raise StoreFailed(path, "there is no such file", "nothing was kept yet; run xmargin verify first")
            connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)
        try:
            with translated(path):
                self._db = opened(connection, path)
        except BaseException:  # whatever it is, the file is not left open
            connection.close()
            raise
        self._sql = connection

    def close(self) -> None:
        """Close the file."""
        self._sql.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- writing ---------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction that holds the write lock from its start, so that what it reads is what it changes."""
        with translated(self.path):
            self._sql.execute("BEGIN IMMEDIATE")
            try:
                with self._db.atomic():
                    yield
                self._sql.execute("COMMIT")
            except BaseException:  # an interruption, too, must leave no half of a transaction
                if self._sql.in_transaction:
                    self._sql.execute("ROLLBACK")
                raise

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction for the other tables of this file; all of it is kept, or nothing."""
        with self._writing():
            yield self._sql

    def keep(self, run: Record, beside: Callable[[sqlite3.Connection, int], None] | None = None) -> Kept:
        """
        Keep everything of a run, or nothing of it. Call this before anything is shown.

        An account's latest snapshot is replaced only by one of the same or a later as-of time; its margin calls move on
        with it, in the same transaction.

        Args:
            beside: Writes more in the same transaction; it gets the connection and the run's number.

        Raises:
            StoreDamaged: The bundle's bytes do not have the id that they come with.
            StoreError: It could not be kept.
        """
        if run.bundle is not None:
            check_id(self.path, run.bundle, run.bundle_id)
        with self._writing():
            head = (run.at, run.command, run.account, run.exit_code, json.dumps(sorted(run.codes)), run.shown)
            number = self._insert(
                "INSERT INTO runs (at, command, account, exit_code, codes, shown, tool_version, schema_version) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*head, __version__, SCHEMA_VERSION),
            )
            self._keep_bundle(run)
            self._keep_rows(number, run)
            latest = self._keep_snapshot(number, run)
            if beside is not None:
                beside(self._sql, number)
        return Kept(number, latest)

    def _insert(self, sql: str, values: Sequence[object]) -> int:
        return int(self._sql.execute(sql, values).lastrowid or 0)

    def _keep_bundle(self, run: Record) -> None:
        """Under one id there is one sequence of bytes; a row that says otherwise was changed, and is put right."""
        if run.bundle is None or run.bundle_id is None:
            return
        self._sql.execute(
            "INSERT INTO bundles (id, as_of, size, bytes, created, tool_version, schema_version) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET bytes = excluded.bytes, "
            "size = excluded.size, as_of = excluded.as_of WHERE bytes <> excluded.bytes OR as_of <> excluded.as_of",
            (to_hex(run.bundle_id), run.as_of, len(run.bundle), run.bundle, run.at, __version__, SCHEMA_VERSION),
        )

    def _keep_rows(self, number: int, run: Record) -> None:
        if run.amounts and run.bundle_id is not None:
            bundle = to_hex(run.bundle_id)
            self._sql.executemany(_INSERT_AMOUNT, (_amount_row(number, bundle, a) for a in run.amounts))
        self._sql.executemany(_INSERT_ENDPOINT, ((number, *astuple(e)) for e in run.endpoints))
        self._sql.executemany(_INSERT_LIGHT, ((number, *astuple(light)) for light in run.lights))
        self._sql.executemany(_INSERT_CAPACITY, (astuple(c) for c in run.capacities))

    def _keep_snapshot(self, number: int, run: Record) -> bool:
        made = run.snapshot
        if made is None or run.bundle_id is None:
            return False
        bundle, policy = to_hex(run.bundle_id), to_hex(made.policy_digest)
        figures = (made.status, made.equity_low, made.equity_high, made.initial, made.maintenance, made.ratio)
        snapshot = self._insert(
            "INSERT INTO margin_snapshots (run, account, as_of, bundle, policy_digest, status, equity_low, "
            "equity_high, initial, maintenance, ratio, report) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (number, made.account, made.as_of, bundle, policy, *figures, made.report),
        )
        changed = self._sql.execute(
            "INSERT INTO current_accounts (account, policy_digest, as_of, bundle, snapshot) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (account, policy_digest) DO UPDATE SET as_of = excluded.as_of, bundle = excluded.bundle, "
            "snapshot = excluded.snapshot WHERE excluded.as_of >= current_accounts.as_of",
            (made.account, policy, made.as_of, bundle, snapshot),
        )
        latest = changed.rowcount == 1
        if latest and made.watched is not None:
            advance_calls(self._sql, self.path, number, made.watched)
        return latest

    def change(self, sql: str, values: Sequence[object]) -> None:
        """One statement of this program in a transaction of its own."""
        with self._writing():
            self._sql.execute(sql, values)

    def prune(self, before: Timestamp) -> int:
        """
        Forget runs shown before a time, and bundles that no row needs any more; latest accounts stay, and so do
        attestations, the newest run of each job, what is still to be delivered, and challenges that have not expired.
        """
        expired = min(before, self.newest_time())
        with self._writing():
            self._sql.execute("DELETE FROM deliveries WHERE state <> 'pending' AND due < ?", (before,))
            self._sql.execute(
                "DELETE FROM job_runs WHERE ended < ? AND (job, due) NOT IN "
                "(SELECT job, max(due) FROM job_runs GROUP BY job)",
                (before,),
            )
            self._sql.execute("DELETE FROM challenges WHERE valid_until < ?", (expired,))
            gone = self._sql.execute(
                "DELETE FROM runs WHERE at < ? AND id NOT IN (SELECT s.run FROM margin_snapshots s "
                "JOIN current_accounts c ON c.snapshot = s.id)",
                (before,),
            ).rowcount
            self._sql.execute(
                "DELETE FROM bundles WHERE created < ? AND id NOT IN (SELECT bundle FROM amounts) "
                "AND id NOT IN (SELECT bundle FROM margin_snapshots) "
                "AND id NOT IN (SELECT bundle FROM attestations WHERE state = 'signed') "
                "AND id NOT IN (SELECT bundle FROM slot_findings)",
                (before,),
            )
        with translated(self.path):
            self._sql.execute("VACUUM")
        return gone

    # --- reading ---------------------------------------------------------------------------------------------

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Rows of a query of this program, for lists and exports; never a source of figures that count."""
        with translated(self.path):
            cursor = self._sql.execute(sql, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def load_bundle(self, bundle: Hash32) -> bytes:
        """
        The bytes kept under an id, whose id was computed anew.

        Raises:
            StoreDamaged: The bytes are not what the id names.
            StoreFailed: None are kept under it.
        """
        found = self.rows("SELECT bytes FROM bundles WHERE id = ?", (to_hex(bundle),))
        if not found:
            raise StoreFailed(self.path, f"no bundle {to_hex(bundle)} is kept", "xmargin db history lists what is")
        data = found[0]["bytes"]
        if not isinstance(data, bytes):
            raise StoreDamaged(self.path, f"bundle {to_hex(bundle)} is no byte string")
        check_id(self.path, data, bundle)
        return data

    def proven_again(self, bundle: Hash32, checker: Checker) -> Verified:
        """
        What a kept bundle proves to this checker now.

        Nothing becomes fresh by setting the clock back: the time is never before the newest that was kept.

        Raises:
            StoreDamaged: The bundle is not what its id names.
        """
        data = self.load_bundle(bundle)
        now = Timestamp(max(checker.now, self.newest_time()))
        return verify_bundle(data, replace(checker, now=now))

    def newest_time(self) -> Timestamp:
        """The latest time at which anything was shown, by this machine's clock then; 0 where nothing was."""
        found = self.rows("SELECT coalesce(max(at), 0) AS at FROM runs")[0]["at"]
        return Timestamp(found if isinstance(found, int) else 0)

    def bundles_with(self, chain: ChainId, contract: Address | None, holder: Address, limit: int = 3) -> list[Hash32]:
        """Bundles said to prove a claim, latest first: where to look, to be proven again."""
        found = self.rows(
            "SELECT b.id FROM amounts a JOIN bundles b ON b.id = a.bundle WHERE a.verdict = 'proven' "
            "AND a.holder = ? AND a.chain_id = ? AND a.contract IS ? GROUP BY b.id ORDER BY b.as_of DESC LIMIT ?",
            (to_hex(holder), chain, None if contract is None else to_hex(contract), limit),
        )
        return [stored_id(self.path, row["id"]) for row in found]

    def capacities(self, now: Timestamp) -> dict[Place, Capacity]:
        """How endpoints were found to be asked best, until that expires. A wrong row costs time and proves nothing."""
        found = self.rows(
            "SELECT chain_id, endpoint, host, by_hash, keys_per_call, batch, unproven FROM endpoint_capacities "
            "WHERE at <= ? AND expires > ? AND expires <= at + ?",
            (now, now, CAPACITY_SECONDS),
        )
        return {_place(row): _capacity(row) for row in found}

    def last_bundle(self, account: str) -> Hash32 | None:
        """The bundle of an account's newest snapshot under any policy, or None: where to look, to be proven again."""
        found = self.rows(
            "SELECT bundle FROM margin_snapshots WHERE account = ? ORDER BY as_of DESC, id DESC LIMIT 1", (account,)
        )
        return stored_id(self.path, found[0]["bundle"]) if found else None

    def integrity(self) -> list[str]:
        """What is wrong with the file: SQLite's own checks, content ids, and rows that point nowhere."""
        wrong = [str(row["integrity_check"]) for row in self.rows("PRAGMA integrity_check(100)")]
        wrong = [] if wrong == ["ok"] else wrong
        wrong += [f"a row of {row['table']} points nowhere" for row in self.rows("PRAGMA foreign_key_check")]
        for row in self.rows("SELECT id FROM bundles ORDER BY created"):
            try:
                self.load_bundle(stored_id(self.path, row["id"]))
            except StoreError as error:
                wrong.append(error.reason)
        return wrong

    def differences(self, bundle: Hash32, verified: Verified, checker: Checker) -> list[str]:
        """Rows of a bundle that say otherwise than what it was just proven to say.

        Verdicts depend on policy and time, so only rows that claim to be proven are held against it.
        """
        proven = {row.claim: row for row in kept_amounts(verified.outcomes, checker.networks)}
        wrong = []
        for row in self.rows("SELECT * FROM amounts WHERE bundle = ? AND verdict = 'proven'", (to_hex(bundle),)):
            now = proven.get(row["claim"]) if isinstance(row["claim"], int) else None
            place = f"run {row['run']}, claim {row['claim']}"
            if now is None:
                wrong.append(f"{place}: the bundle holds no such claim")
                continue
            facts = _FACTS if now.verdict == "proven" else _CLAIM_FACTS
            for name in facts:
                said, true = row[name], getattr(now, name)
                if said != (str(true) if name == "amount" else true):
                    wrong.append(f"{place}: {name} says {said}, proven is {true}")
        return wrong


_AMOUNT_FIELDS: Final = tuple(field.name for field in fields(KeptAmount))
_INSERT_AMOUNT: Final = (
    f"INSERT INTO amounts (run, bundle, {', '.join(_AMOUNT_FIELDS)}) "  # noqa: S608 - names of this program
    f"VALUES ({', '.join('?' * (len(_AMOUNT_FIELDS) + 2))})"
)
_INSERT_ENDPOINT: Final = (
    f"INSERT INTO endpoint_behaviour (run, {', '.join(f.name for f in fields(KeptEndpoint))}) "  # noqa: S608
    f"VALUES ({', '.join('?' * (len(fields(KeptEndpoint)) + 1))})"
)
_INSERT_CAPACITY: Final = (
    f"INSERT OR REPLACE INTO endpoint_capacities ({', '.join(f.name for f in fields(KeptCapacity))}) "  # noqa: S608
    f"VALUES ({', '.join('?' * len(fields(KeptCapacity)))})"
)
_INSERT_LIGHT: Final = (
    "INSERT INTO light_records (run, chain_id, network, slot, root, sealed) VALUES (?, ?, ?, ?, ?, ?)"
)
_AMOUNT_AT: Final = _AMOUNT_FIELDS.index("amount")
_CLAIM_FACTS: Final = ("chain_id", "contract", "holder", "kind", "symbol", "asset_group", "decimals", "source")
_FACTS: Final = (*_CLAIM_FACTS, "amount", "block_number", "block_hash", "block_time")


def _amount_row(run: int, bundle: str, kept: KeptAmount) -> tuple[object, ...]:
    values = [getattr(kept, name) for name in _AMOUNT_FIELDS]
    values[_AMOUNT_AT] = None if kept.amount is None else str(kept.amount)
    return (run, bundle, *values)


def _place(row: Row) -> Place:
    return (ChainId(int(str(row["chain_id"]))), str(row["endpoint"]), str(row["host"]))


def _capacity(row: Row) -> Capacity:
    """Never more than would be asked without it."""
    keys, batch = int(str(row["keys_per_call"])), int(str(row["batch"]))
    unproven = None if row["unproven"] is None else int(str(row["unproven"]))
    return Capacity(bool(row["by_hash"]), max(1, min(keys, KEYS_PER_CALL)), max(1, min(batch, MAX_BATCH)), unproven)
