"""Settings of this machine, merged from four places, and where each value came from.

From strong to weak: the file named by `--config`, `XMARGIN_…` variables, `./xmargin.toml`, `xmargin.toml` in the
platform's folder, our defaults. Tables merge key by key; a list or a value replaces the weaker one whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from verifier.app.account_file import Name, NetworkPart, Part, Preset, parse_part
from verifier.app.errors import ConfigError, Problem, did_you_mean
from verifier.app.toml_source import TomlSource, dotted, read_toml
from verifier.codec import bounded_json

PREFIX: Final = "XMARGIN_"
FILE_NAME: Final = "xmargin.toml"
NOT_SETTINGS: Final = frozenset({"XMARGIN_SHARED"})
"""Variables with our prefix that speak to the test suite, not to the program."""

Seconds = Annotated[float, Field(gt=0, le=86_400, strict=False)]


class TimeoutsPart(Part):
    """[timeouts] in seconds."""

    total: Seconds = 60.0
    request: Seconds = 15.0
    connect: Seconds = 5.0


class StorePart(Part):
    """[store]"""

    enabled: bool = True
    busy_timeout: Seconds = 10.0
    key: str = ""


class Settings(Part):
    """What is in force on this machine."""

    database: str = ""
    policy: Preset = "strict"
    timeouts: TimeoutsPart = TimeoutsPart()
    store: StorePart = StorePart()
    networks: dict[Name, NetworkPart] = Field(default={})


@dataclass(frozen=True, slots=True)
class Origin:
    """One value in force: its key path, and the place that set it."""

    path: tuple[str | int, ...]
    value: object
    place: str


@dataclass(frozen=True, slots=True)
class InForce:
    """The merged settings, where each value came from, and what was ignored."""

    settings: Settings
    origins: tuple[Origin, ...]
    warnings: tuple[str, ...] = ()

    @property
    def database(self) -> Path:
        """Where the store lies."""
        return Path(self.settings.database).expanduser()

    @property
    def key(self) -> Path:
        """Where the key lies that seals what the store keeps of light clients; never in the store."""
        return Path(self.settings.store.key).expanduser()


def load_settings(
    config: Path | None,
    environ: Mapping[str, str],
    *,
    folder: Path | None = None,
    here: Path | None = None,
    data_folder: Path | None = None,
) -> InForce:
    """
    The settings in force.

    Args:
        config: The file named by `--config`; it must exist.
        folder: The platform's configuration folder. `here` is the working folder, `data_folder` the database's.

    Raises:
        ConfigError: A place says something that cannot be taken.
    """
    layers: list[tuple[str, TomlSource]] = []
    files = (_platform_folder(folder) / FILE_NAME, (here or Path.cwd()) / FILE_NAME)
    layers += [(str(file), read_toml(file)) for file in files if file.is_file()]
    variables, warnings = _variables(environ)
    layers.append(("environment", variables))
    if config is not None:
        layers.append((f"--config {config}", read_toml(config)))
    merged: dict[str, object] = {}
    places: dict[tuple[str | int, ...], str] = {}
    for place, source in layers:
        parse_part(Settings, source.tree, source)  # each place answers for its own mistakes
        _merge(merged, source.tree, (), place, places)
    merged.setdefault("database", str(_data_folder(data_folder) / "xmargin.db"))
    store = merged.setdefault("store", {})
    if isinstance(store, dict):
        store.setdefault("key", str(_data_folder(data_folder) / "xmargin.key"))
    settings = Settings.model_validate(merged)
    return InForce(settings, _origins(settings, places), warnings)


def _platform_folder(folder: Path | None) -> Path:
    if folder is not None:
        return folder
    import platformdirs

    return platformdirs.user_config_path("xmargin", appauthor=False)


def _data_folder(folder: Path | None) -> Path:
    if folder is not None:
        return folder
    import platformdirs

    return platformdirs.user_data_path("xmargin", appauthor=False)


def _merge(
    into: dict[str, object],
    tree: Mapping[str, object],
    path: tuple[str | int, ...],
    place: str,
    places: dict[tuple[str | int, ...], str],
) -> None:
    for key, value in tree.items():
        known = into.get(key)
        if isinstance(value, dict):
            inner = known if isinstance(known, dict) else {}
            into[key] = inner
            _merge(inner, value, (*path, key), place, places)
        else:
            into[key] = value
            places[(*path, key)] = place


def _variables(environ: Mapping[str, str]) -> tuple[TomlSource, tuple[str, ...]]:
    """`XMARGIN_TIMEOUTS__TOTAL=30` as {"timeouts": {"total": 30}}; names that mean nothing are warned of."""
    tree: dict[str, object] = {}
    warnings: list[str] = []
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable in NOT_SETTINGS:
            continue
        path = [part.lower() for part in variable[len(PREFIX) :].split("__")]
        if path[0] not in Settings.model_fields:
            # Compared without the prefix that all of them share, or everything would be near everything.
            known = (name.upper() for name in Settings.model_fields)
            near = did_you_mean(variable[len(PREFIX) :], known)
            warnings.append(f"{variable} means nothing here; after {PREFIX}, {near}")
            continue
        _put(tree, path, _variable_value(path, environ[variable], variable), variable)
    return TomlSource("environment", tree, {}), tuple(warnings)


def _put(tree: dict[str, object], path: list[str], value: object, variable: str) -> None:
    for part in path[:-1]:
        inner = tree.setdefault(part, {})
        if not isinstance(inner, dict):
            raise ConfigError("environment", [Problem(variable, "is set beside a value that is no table")])
        tree = inner
    if path[-1] in tree:
        raise ConfigError("environment", [Problem(variable, "is set twice")])
    tree[path[-1]] = value


def _variable_value(path: list[str], text: str, variable: str) -> object:
    """Text as it stands where text is due; JSON for lists, tables and numbers; lists also with commas."""
    if path[-1] in {"endpoints", "pin", "beacon"} and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    if path[0] in {"timeouts", "store", "networks"} and text[:1] in "[{0123456789tf":
        try:
            value: object = bounded_json.loads(text)
        except (ValueError, RecursionError) as error:
            if text[:1] in "[{":
                raise ConfigError("environment", [Problem(variable, f"expected JSON ({error})")]) from None
            return text
        return value
    return text


def _origins(settings: Settings, places: Mapping[tuple[str | int, ...], str]) -> tuple[Origin, ...]:
    found: list[Origin] = []

    def walk(part: object, path: tuple[str | int, ...]) -> None:
        if isinstance(part, Part):
            for name in type(part).model_fields:
                walk(getattr(part, name), (*path, name))
        elif isinstance(part, dict):
            for name, inner in part.items():
                walk(inner, (*path, name))
        elif path in places or not (path and path[0] == "networks"):
            found.append(Origin(path, part, places.get(path, "default")))

    walk(settings, ())
    return tuple(sorted(found, key=lambda o: dotted(o.path)))
