"""`xmargin config show`: what is in force, and where each value came from."""

from __future__ import annotations

import re
from typing import Annotated, Final

import typer

from verifier.app.commands.state import State

_ENDPOINT: Final = re.compile(r"(\$\{[A-Za-z0-9_]+\})|(https?)://(?:[^/@\s'\"]*@)?([A-Za-z0-9.\-]+)")
"""A variable, or the scheme and host of a URL: all of an endpoint that may be shown."""

JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON object on stdout; docs/schema/config.json.")]
app = typer.Typer(help="What is in force, and from where.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def show(ctx: typer.Context, json: JsonFlag = False) -> int:
    """Print the settings in force with the place that set each; endpoint URLs show only their host."""
    from verifier.app.json_view import dumps, head
    from verifier.app.report.tables import listing

    state: State = ctx.obj
    found = state.settings()
    rows = [
        {"key": ".".join(map(str, origin.path)), "value": masked(origin.path, origin.value), "from": origin.place}
        for origin in found.origins
    ]
    terminal = state.terminal()
    for warning in found.warnings:
        terminal.warn(warning)
    if json:
        terminal.raw(dumps({**head("config"), "settings": rows}))
    else:
        terminal.show(listing(["key", "value", "from"], [list(row.values()) for row in rows]))
    return 0


def masked(path: tuple[str | int, ...], value: object) -> str:
    """A value as it may be shown: of an endpoint's URL only the scheme and host, where it is no variable."""
    parts = value if isinstance(value, tuple) else (value,)
    text = " ".join(str(getattr(part, "url", part)) for part in parts)
    if not {"endpoints", "beacon"} & set(path) or path[-1] in {"name", "operator"}:
        return text
    shown = [variable or f"{scheme}://{host}/…" for variable, scheme, host in _ENDPOINT.findall(text)]
    return ", ".join(shown) or "(hidden)"
