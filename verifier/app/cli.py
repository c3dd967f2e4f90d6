"""The command line: dispatch, streams and exit codes. Each command is a thin shell over `service`."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from verifier.app.commands import attest as attest_command
from verifier.app.commands import config as config_command
from verifier.app.commands import db as db_command
from verifier.app.commands import light as light_command
from verifier.app.commands import slots as slots_command
from verifier.app.commands.call import call
from verifier.app.commands.check import check, explain
from verifier.app.commands.demo import demo
from verifier.app.commands.gateway import gateway
from verifier.app.commands.init import init
from verifier.app.commands.known import assets, networks
from verifier.app.commands.margin import margin
from verifier.app.commands.schedule import schedule
from verifier.app.commands.state import State
from verifier.app.commands.verify import gather, verify

INTERRUPTED = 130
READER_GONE = 141
"""As for a program that SIGPIPE ends: not 0, since nobody read what the account's code would have been."""
FAULT = 1
USAGE = 2
REFUSED = 3

app = typer.Typer(
    name="xmargin",
    help="Prove what an account holds on several networks, and weigh it as one margin account.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (init, demo, verify, gather, check, explain, margin, call, schedule, gateway, networks, assets):
    # Among the arguments of a contract's function are negative numbers, which look like options.
    app.command(context_settings={"ignore_unknown_options": command is call})(command)
app.add_typer(attest_command.app, name="attest")
app.add_typer(config_command.app, name="config")
app.add_typer(slots_command.app, name="slots")
app.add_typer(db_command.app, name="db")
app.add_typer(light_command.app, name="light")


@app.callback()
def options(
    ctx: typer.Context,
    config: Annotated[Path | None, typer.Option(help="Settings file, before all others.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no warnings.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Plain text; NO_COLOR does the same.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback where something fails.")] = False,
    timeout: Annotated[float | None, typer.Option(help="Seconds for each network.", min=1, max=3600)] = None,
) -> None:
    """Options of all commands; they stand before the command."""
    ctx.obj = State(config=config, quiet=quiet, no_color=no_color, debug=debug, timeout=timeout)


def run(arguments: Sequence[str]) -> int:
    """Run one command; every failure ends as one sentence on stderr and an exit code."""
    try:
        result = app(args=list(arguments), prog_name="xmargin", standalone_mode=False)
    except typer.Exit as ended:
        return ended.exit_code
    except (KeyboardInterrupt, typer.Abort):
        result = INTERRUPTED
    except TyperException as error:
        return _misused(error, as_json="--json" in arguments)
    except Exception as error:  # noqa: BLE001 - the last place that can turn a fault into a sentence
        from verifier.app.report.terminal import ReaderGoneError

        if isinstance(error, ReaderGoneError | BrokenPipeError):
            # Python would complain once more at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return READER_GONE
        return _failed(error, debug="--debug" in arguments, as_json="--json" in arguments)
    if result == INTERRUPTED:  # typer gives a command's interruption as its result
        sys.stderr.write("interrupted\n")
    return result if isinstance(result, int) else 0


def _misused(error: TyperException, *, as_json: bool) -> int:
    """Wrong words on the command line: what is wrong, and where to read what is right."""
    show = getattr(error, "show", None)
    if callable(show):
        show(file=sys.stderr)
    else:
        sys.stderr.write(f"error: {error}\n")
    if as_json:
        from verifier.app.errors import UsageError
        from verifier.app.json_view import dumps, error_json

        told = UsageError(str(getattr(error, "message", error)), "xmargin --help")
        sys.stdout.write(dumps(error_json(told, USAGE)) + "\n")
    return USAGE


def _failed(error: Exception, *, debug: bool, as_json: bool) -> int:
    """What went wrong, in one sentence with its remedy, and the code for it."""
    from verifier.app.errors import AppError
    from verifier.app.json_view import dumps, error_json
    from verifier.app.report.terminal import open_terminal
    from verifier.errors import BadInput, Malformed, PolicyError, VerifierError

    if isinstance(error, AppError):
        code = error.exit_code
    elif isinstance(error, BadInput | PolicyError):
        code = USAGE  # raised before any evidence was looked at: a duplicate claim, a value out of range
    elif isinstance(error, Malformed | VerifierError):
        code = REFUSED
    else:
        code = FAULT
    if debug:
        traceback.print_exc()
    message = str(error) if code != FAULT or isinstance(error, AppError | OSError) else _fault(error)
    if as_json:
        sys.stdout.write(dumps(error_json(error, code, message)) + "\n")
    open_terminal(quiet=False, no_color=False).fail(message, getattr(error, "remedy", ""))
    return code


def _fault(error: Exception) -> str:
    """Without the error's own words: nobody has looked at what they may hold."""
    from verifier.app.errors import place_of

    where = f"{type(error).__name__} at {place_of(error)}"
    return f"a fault of ours, {where}; run with --debug before the command to see what it said"
