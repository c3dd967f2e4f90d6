"""`xmargin demo`: the main job on the bundled fixtures, offline."""

from __future__ import annotations

import typer

from verifier.app.commands.state import JsonFlag, State


def demo(ctx: typer.Context, json: JsonFlag = False) -> int:
    """The whole main job on recorded evidence of three networks, without a network."""
    from verifier.app.demo import run_demo

    state: State = ctx.obj
    return run_demo(state.terminal(), as_json=json)
