"""`xmargin gateway`: answers contracts' clients by ERC-3668 with attestations that were signed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from verifier.app.commands.state import DbOption, State, clock


def gateway(
    ctx: typer.Context,
    chain_id: Annotated[int, typer.Option("--chain-id", help="Chain whose contracts are answered.", min=1)],
    listen: Annotated[str, typer.Option("--listen", help="Address and port.")] = "127.0.0.1:8547",
    attestation: Annotated[
        list[Path] | None,
        typer.Option("--attestation", help="Attestation file to answer from too; repeatable.", dir_okay=False),
    ] = None,
    db: DbOption = None,
) -> int:
    """Serve the latest attestation of each account to ERC-3668 clients, until stopped. It signs nothing."""
    from verifier.app.errors import UsageError
    from verifier.app.gateway import Source, run
    from verifier.app.jobs_file import given_place
    from verifier.primitives import chain_id as parse_chain

    state: State = ctx.obj
    try:
        host, _, port = given_place(listen).rpartition(":")
    except ValueError as error:
        raise UsageError(f"--listen: {error}") from None
    database = state.database(db)
    there = database.is_file()
    if not there and not attestation:
        raise UsageError("there is no database, and no file was named", "sign an attestation, or name files")
    source = Source(parse_chain(chain_id), database if there else None, tuple(attestation or ()), clock)
    run(source, host.strip("[]"), int(port))
    return 0
