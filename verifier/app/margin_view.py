"""`xmargin margin` as JSON and as tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from verifier.app.exit_codes import Exit
from verifier.app.json_view import Json, head, time_json
from verifier.app.report.tables import cell, cents, cents_up, plain, span, status_style
from verifier.app.what_if import Grid, Section, WhatIf
from verifier.margin.as_json import to_json
from verifier.margin.report import PocketReport
from verifier.primitives import to_hex


def margin_json(made: WhatIf, sections: Sequence[Section], code: Exit, codes: Sequence[Exit]) -> Json:
    """The whole answer; a section's key is there where it was asked for."""
    return {
        **head("margin"),
        "command": "margin",
        "account": made.run.spec.name,
        "status": made.figures.status.value,
        "exit_code": int(code),
        "exit_codes": [int(c) for c in codes],
        "hypothetical": made.report.hypothetical,
        "now": time_json(made.now),
        "as_of": time_json(made.run.verified.as_of),
        "evidence_age": made.age,
        "bundle_id": to_hex(made.run.verified.bundle_id),
        "mode": made.mode.value,
        "profile": made.profile,
        "shocks": [{"text": s.text, "change": s.change} for s in made.shocks],
        "margin": to_json(made.report),
        **{section.key: section.data for section in sections},
    }


def margin_view(made: WhatIf, sections: Sequence[Section]) -> RenderableType:
    """The account, then each section's tables."""
    words = ["hypothetical" if made.report.hypothetical else "as proven", f"mode {made.mode.value}"]
    words += [] if made.profile is None else [f"rules of {made.profile}"]
    words += [shock.text for shock in made.shocks]
    words.append(f"evidence {span(made.age)} old")
    title = Text(f"{made.run.spec.name}: {', '.join(words)}", style="bold")
    parts: list[RenderableType] = [title, _account(made.figures.pockets)]
    parts += [grid_view(grid) for section in sections for grid in section.grids]
    return Group(*parts)


def _account(pockets: Sequence[PocketReport]) -> Table:
    table = plain("pocket", "equity", "initial", "maintenance", "ratio", "free", "status")
    for column in range(1, 6):
        table.columns[column].justify = "right"
    for pocket in pockets:
        low = pocket.known_low
        shown = "-" if pocket.low is None else (pocket.shown(pocket.low.worst_ratio) or "-")
        money = [cell(cents(low.equity)), cell(cents_up(low.initial)), cell(cents_up(low.maintenance))]
        status = cell(pocket.status.value, status_style(pocket.status))
        table.add_row(cell(pocket.name or "cross"), *money, cell(shown), cell(cents(pocket.free)), status)
    return table


def grid_view(grid: Grid) -> RenderableType:
    """A titled table."""
    table = plain(*(column.removesuffix(">") for column in grid.columns))
    for i, column in enumerate(grid.columns):
        if column.endswith(">"):
            table.columns[i].justify = "right"
    for row in grid.rows:
        table.add_row(*(cell(text) for text in row))
    return Group(Text(""), Text(grid.title, style="bold"), table)
