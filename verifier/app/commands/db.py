"""`xmargin db`: history, export, prune, integrity check, and descriptions for Datasette."""

from __future__ import annotations

import json as json_lines
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from verifier.app.commands.state import DbOption, State, clock

if TYPE_CHECKING:
    from verifier.app.store import Store

JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON object on stdout; docs/schema/db.json.")]
app = typer.Typer(help="The local database.", no_args_is_help=True, rich_markup_mode=None)

_TABLES = (
    "runs",
    "amounts",
    "margin_snapshots",
    "endpoint_behaviour",
    "endpoint_capacities",
    "margin_calls",
    "margin_call_events",
    "attestations",
    "job_runs",
    "deliveries",
    "light_clients",
    "light_records",
    "light_conflicts",
    "slot_findings",
)


def _open(ctx: typer.Context, db: Path | None) -> Store:
    from verifier.app.store import Store

    state: State = ctx.obj
    return Store(state.database(db), create=False)


def _print(ctx: typer.Context, name: str, rows: list[dict[str, object]], *, as_json: bool) -> None:
    from verifier.app.json_view import dumps, head
    from verifier.app.report.tables import listing

    state: State = ctx.obj
    if as_json:
        state.terminal().raw(dumps({**head(name), "rows": rows}))
    elif rows:
        state.terminal().show(listing(list(rows[0]), [list(row.values()) for row in rows]))
    else:
        state.terminal().say("nothing is kept yet")


@app.command()
def info(ctx: typer.Context, db: DbOption = None, json: JsonFlag = False) -> None:
    """Where the database lies, and how much is in it."""
    with _open(ctx, db) as store:
        rows: list[dict[str, object]] = [{"what": "file", "value": str(store.path)}]
        rows += [
            {"what": table, "value": store.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"]}  # noqa: S608 - our names
            for table in (*_TABLES, "bundles")
        ]
    _print(ctx, "db-info", rows, as_json=json)


@app.command()
def history(
    ctx: typer.Context,
    account: Annotated[str | None, typer.Option("--name", help="One account by name.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 20,
    db: DbOption = None,
    json: JsonFlag = False,
) -> None:
    """Margin accounts as they were reported, newest first."""
    with _open(ctx, db) as store:
        rows = store.rows(
            "SELECT account, as_of, status, equity_low, equity_high, initial, maintenance, ratio, bundle "
            "FROM margin_snapshots WHERE ? IS NULL OR account = ? ORDER BY as_of DESC, rowid DESC LIMIT ?",
            (account, account, limit),
        )
    _print(ctx, "history", [dict(row) for row in rows], as_json=json)


@app.command()
def export(
    ctx: typer.Context,
    table: Annotated[str, typer.Argument(help=f"One of {', '.join(_TABLES)}.")],
    db: DbOption = None,
) -> None:
    """One table as JSON lines on stdout."""
    from verifier.app.errors import UnknownName

    if table not in _TABLES:
        raise UnknownName("table", table, _TABLES)
    state: State = ctx.obj
    terminal = state.terminal()
    with _open(ctx, db) as store:
        for row in store.rows(f"SELECT * FROM {table}"):  # noqa: S608 - the name is one of ours
            terminal.raw(json_lines.dumps(row, default=_text))


def _text(value: object) -> str:
    """Bytes as text where they are text of ours, else in hex."""
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return f"0x{value.hex()}"


@app.command()
def prune(
    ctx: typer.Context,
    days: Annotated[int, typer.Option(help="Remove runs older than this.", min=1)] = 90,
    db: DbOption = None,
) -> None:
    """Remove old runs, and bundles that nothing points to any more."""
    from verifier.primitives import timestamp

    state: State = ctx.obj
    with _open(ctx, db) as store:
        gone = store.prune(timestamp(max(0, clock() - days * 86_400)))
    state.terminal().say(f"removed {gone} runs")


@app.command()
def integrity(ctx: typer.Context, db: DbOption = None, json: JsonFlag = False) -> int:
    """Check the file, and compute every bundle's content id anew."""
    with _open(ctx, db) as store:
        wrong = store.integrity()
    _print(ctx, "integrity", [{"problem": text} for text in wrong] or [{"problem": "none"}], as_json=json)
    return 3 if wrong else 0


@app.command()
def metadata(ctx: typer.Context) -> None:
    """Descriptions of all tables and columns for Datasette: datasette FILE -m metadata.json."""
    from verifier.app.json_view import dumps
    from verifier.app.migrations import datasette_metadata

    state: State = ctx.obj
    state.terminal().raw(dumps(datasette_metadata()))
