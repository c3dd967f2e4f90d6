"""The file of the store: made for its user alone, opened with care, and refused where it is not exactly ours."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Final

from sqlite_utils import Database

from verifier.app.errors import ForeignStore, StoreBusy, StoreDamaged, StoreError, StoreFailed
from verifier.app.migrations import APPLICATION_ID, MIGRATIONS
from verifier.errors import Malformed, VerifierError
from verifier.primitives import Hash32, hash32, parse_hex, to_hex
from verifier.wire import parse_bundle

_REMEDIES: Final = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it may not be written",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_IOERR: "the disk failed",
    sqlite3.SQLITE_TOOBIG: "a bundle is larger than SQLite holds",
}


# --- opening ---------------------------------------------------------------------------------------------


def create_private(path: Path) -> None:
    """
    The file and its folder, for this user alone. SQLite gives its side files the same mode.

    A file that is there is never opened here: closing it again would drop the locks that SQLite holds on it for another
    connection of this process, and another process could then take the write-ahead log away under it.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            with suppress(FileExistsError):
                flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_CLOEXEC", 0)
                os.close(os.open(path, flags, 0o600))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise StoreFailed(path, error.strerror or "it cannot be opened", "choose another file with --db") from None


def opened(connection: sqlite3.Connection, path: Path) -> Database:
    """Defensive settings, then the schema test, then what is missing of our tables."""
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA mmap_size = 0")
    connection.execute("PRAGMA foreign_keys = ON")
    found = _schema(connection)
    if found:
        _check_schema(connection, found, path)
    else:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    db = Database(connection)
    if MIGRATIONS.pending(db):
        connection.execute("BEGIN IMMEDIATE")
        try:
            MIGRATIONS.apply(db)
            connection.execute("COMMIT")
        except BaseException:  # an interruption, too, must leave no half of a migration
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    return db


Schema = tuple[tuple[str, str, str], ...]


def _schema(connection: sqlite3.Connection) -> Schema:
    """Every table, index, view and trigger, with the words that made it. Reading this table runs nothing."""
    rows = connection.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master ORDER BY type, name")
    return tuple((str(kind), str(name), str(sql)) for kind, name, sql in rows)


@lru_cache(maxsize=1)
def _our_schemas() -> tuple[Schema, ...]:
    """The schema after each of our migrations, oldest first; of an empty file with only their record too."""
    made = []
    names = [migration.name for migration in MIGRATIONS.pending(Database(memory=True))]
    for stop in [*names, None]:
        db = Database(memory=True)
        MIGRATIONS.apply(db, stop_before=stop)
        made.append(_schema(db.conn))
        db.close()
    return tuple(made)


def _check_schema(connection: sqlite3.Connection, found: Schema, path: Path) -> None:
    if found in _our_schemas():
        return
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    ours = {(kind, name): sql for kind, name, sql in _our_schemas()[-1]}
    strange = [f"{kind} {name}" for kind, name, sql in found if ours.get((kind, name)) != sql]
    cure = "choose another file with --db"
    if mark != APPLICATION_ID:
        raise ForeignStore(path, "this is another program's database", cure)
    extra = ", ".join(sorted(strange)[:3])
    raise ForeignStore(path, f"its tables are not those of this version: {extra or 'some are missing'}", cure)


# --- errors ----------------------------------------------------------------------------------------------


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise _our_error(path, error) from error


def _our_error(path: Path, error: sqlite3.Error) -> StoreError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return StoreBusy(path, "another process holds it", "run again, or raise [store] busy_timeout")
    if code == sqlite3.SQLITE_NOTADB:
        return ForeignStore(path, "this is no database", "choose another file with --db")
    if code == sqlite3.SQLITE_CORRUPT:
        return StoreDamaged(path, "the file is damaged", "restore a copy, or choose another file with --db")
    return StoreFailed(path, _REMEDIES.get(code, str(error)), "make room, or choose another file with --db")


def check_id(path: Path, data: bytes, expected: Hash32 | None) -> None:
    """Hold bytes against the content id that they were kept under."""
    try:
        found = parse_bundle(data).id
    except Malformed as error:
        reason = f"the bytes kept as bundle {_short(expected)} are no bundle: {error}"
        raise StoreDamaged(path, reason, "gather it anew") from error
    if found != expected:
        raise StoreDamaged(path, f"the bytes kept as bundle {_short(expected)} are another bundle", "gather it anew")


def _short(value: Hash32 | None) -> str:
    return "without id" if value is None else to_hex(value)[:18] + "…"


def stored_id(path: Path, value: object) -> Hash32:
    """A bundle's id as a row has it."""
    try:
        return hash32(parse_hex(value, "bundle id"))
    except VerifierError as error:
        raise StoreDamaged(path, "a bundle's id is no id") from error
