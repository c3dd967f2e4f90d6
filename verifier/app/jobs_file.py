"""The jobs file: which accounts, when, what is signed, where it goes, and whom to alert. Shape, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Literal, Union
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, model_validator

from verifier.app.account_file import AddressText, Name, Part, Preset, Span, parse_part
from verifier.app.toml_source import TomlSource, parse_toml, read_toml

_PLACE: Final = re.compile(r"(127\.0\.0\.1|\[::1\]|localhost|[0-9A-Za-z.:\[\]-]+):([0-9]{1,5})", re.ASCII)


def _zone(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError('expected the name of a time zone, such as "Europe/Berlin"')  # noqa: TRY004 - pydantic's way
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        cure = 'write a name such as "UTC" or "Europe/Berlin"'
        raise ValueError(f'no time zone is called "{value[:40]}"; {cure}') from None
    return value


def _cron(value: object) -> str:
    from verifier.app.schedule import check_cron

    if not isinstance(value, str):
        raise ValueError('expected a cron expression, such as "0 * * * *"')  # noqa: TRY004 - pydantic's way
    check_cron(value)
    return value


def given_place(value: object) -> str:
    """An address and port as typed. Raises ValueError."""
    if not isinstance(value, str) or _PLACE.fullmatch(value) is None or not 0 <= int(value.rpartition(":")[2]) < 65_536:
        raise ValueError('expected an address and port, such as "127.0.0.1:9101"')
    return value


def _every(value: object) -> object:
    from verifier.app.quantities import span_seconds

    return span_seconds(value)


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class DirectorySink(Part):
    """A folder: one file for each statement or alert."""

    kind: Literal["directory"]
    path: str = Field(min_length=1)


class SqliteSink(Part):
    """Another SQLite file, with one table of statements."""

    kind: Literal["sqlite"]
    path: str = Field(min_length=1)


class WebhookSink(Part):
    """A web hook. The body is signed with the secret; it is tried again until it is taken, or attempts are used up."""

    kind: Literal["webhook"]
    url: str = Field(min_length=1, repr=False)
    secret: str = Field(min_length=1, description="Name of the variable that holds the secret.")
    name: Name | None = None
    attempts: int = Field(default=8, ge=1, le=100)
    timeout: Span = 10


SinkPart = Annotated[Union[DirectorySink, SqliteSink, WebhookSink], Field(discriminator="kind")]


Sinks = Annotated[tuple[SinkPart, ...], BeforeValidator(_listed)]
Occasion = Literal["status", "ladder", "failure", "missed"]


class AttestPart(Part):
    """[jobs.attest]: what is signed, and by which key."""

    key: str = Field(min_length=1)
    chain_id: int = Field(ge=1)
    contract: AddressText
    valid_for: Span = 3_600
    signers: Annotated[tuple[AddressText, ...], BeforeValidator(_listed)] = ()
    threshold: int = Field(default=1, ge=1)
    doubts: bool = False


class AlertsPart(Part):
    """[jobs.alerts]: when somebody is told, and where."""

    on: Annotated[tuple[Occasion, ...], BeforeValidator(_listed)] = ("status", "ladder", "failure", "missed")
    remind: Span | None = None
    sinks: Sinks = ()


class JobPart(Part):
    """One [[jobs]] table."""

    name: Name
    account: str = Field(min_length=1)
    cron: Annotated[str, BeforeValidator(_cron)] | None = None
    timezone: Annotated[str, BeforeValidator(_zone)] = "UTC"
    every: Annotated[int, BeforeValidator(_every), Field(ge=1)] | None = None
    policy: Preset | None = None
    missed: Literal["run", "report"] = "run"
    grace: Span = 86_400
    timeout: Span = 120
    attest: AttestPart | None = None
    sinks: Sinks = ()
    alerts: AlertsPart = AlertsPart()

    @model_validator(mode="after")
    def _one_rhythm(self) -> JobPart:
        if (self.cron is None) == (self.every is None):
            raise ValueError("give either cron or every")
        return self


class SchedulerPart(Part):
    """[scheduler]"""

    database: str | None = None
    listen: Annotated[str, BeforeValidator(given_place)] | None = None
    lease: Span = 30


class JobsFile(Part):
    """The whole file."""

    scheduler: SchedulerPart = SchedulerPart()
    jobs: Annotated[tuple[JobPart, ...], BeforeValidator(_listed), Field(min_length=1)]

    @model_validator(mode="after")
    def _distinct(self) -> JobsFile:
        names = [job.name for job in self.jobs]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two jobs are called {name}")
        return self


def read_jobs(path: Path) -> tuple[JobsFile, TomlSource]:
    """
    A jobs file.

    Raises:
        ConfigError: With every problem in it.
    """
    source = read_toml(path)
    return parse_part(JobsFile, source.tree, source), source


def parse_jobs(text: str) -> JobsFile:
    """The same, from text."""
    source = parse_toml(text, "jobs file")
    return parse_part(JobsFile, source.tree, source)
