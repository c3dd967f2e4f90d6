"""Rule sets of venues as data: parsed strictly, so that a misspelt rule is an error and not a default.

A profile is the rules' own shapes in plain words: `rules` holds the fields of `MarginRules`, `assets` those of
`Factors` by asset group. Money is decimal text in USD; rates inside `scenarios` and `options` are decimal text, the
others integers in ppm. What a profile leaves out keeps the engine's default.

Every bundled profile is shaped after a venue's published rules and states where they stand; none of them is that
venue's current parameter set.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from verifier.errors import BadInput
from verifier.margin.fixed import usd
from verifier.margin.modes import Mode
from verifier.margin.rules import DEFAULT_RULES, MarginRules
from verifier.policy import Factors

FORMAT: Final = "xmargin/margin-profile"
VERSION: Final = 1
_KEYS: Final = frozenset({"format", "version", "name", "title", "source", "mode", "rules", "assets"})
_MONEY: Final = frozenset({("Tier", "above"), ("Floor", "initial"), ("Floor", "maintenance")})
"""Fields that hold 1e-18 USD, and are written as decimal text in USD."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A venue's rules, or a user's own.

    Attributes:
        mode: The mode that the venue margins in.
        factors: How it counts asset groups; the policy's own stand before them.
        source: Where the rules are published.
    """

    name: str
    title: str
    source: str
    mode: Mode
    rules: MarginRules = DEFAULT_RULES
    factors: Mapping[str, Factors] = field(default_factory=lambda: MappingProxyType({}))


def parse_profile(tree: object, what: str = "profile") -> Profile:
    """
    A profile from a parsed file.

    Args:
        tree: Untrusted: what a JSON or TOML parser gave.

    Raises:
        BadInput: An unknown or missing key, or a value that its own type refuses; the path to it is named.
    """
    table = _table(tree, what)
    _known(table, _KEYS, what)
    if table.get("format") != FORMAT or table.get("version") != VERSION:
        raise BadInput(f"{what}: format", f"{FORMAT} version {VERSION}", (table.get("format"), table.get("version")))
    texts = [_text(table, key, what) for key in ("name", "title", "source", "mode")]
    try:
        mode = Mode(texts[3])
    except ValueError:
        raise BadInput(f"{what}.mode", ", ".join(Mode), texts[3]) from None
    assets = _table(table.get("assets", {}), f"{what}.assets")
    return Profile(
        name=texts[0],
        title=texts[1],
        source=texts[2],
        mode=mode,
        rules=_made(MarginRules, table.get("rules", {}), f"{what}.rules"),
        factors=MappingProxyType({g: _made(Factors, f, f"{what}.assets.{g}") for g, f in assets.items()}),
    )


def _text(table: Mapping[str, object], key: str, what: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise BadInput(f"{what}.{key}", "text", value)
    return value


def _table(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise BadInput(what, "a table", value)
    return value


def _known(table: Mapping[str, object], names: frozenset[str], what: str) -> None:
    for key in table:
        if key not in names:
            raise BadInput(f"{what}.{key}", f"one of {', '.join(sorted(names))}", key)


def _made(kind: Any, tree: object, what: str) -> Any:  # noqa: ANN401 - types are data here
    """One of our dataclasses from a table: only its own fields, each by its own type."""
    table = _table(tree, what)
    members = {member.name: member for member in fields(kind)}
    _known(table, frozenset(members), what)
    hints = get_type_hints(kind)
    for name, member in members.items():
        if name not in table and _is_required(member):
            raise BadInput(f"{what}.{name}", "a value", "nothing")
    given = {}
    for name, value in table.items():
        path = f"{what}.{name}"
        money = (kind.__name__, name) in _MONEY
        given[name] = usd(value) if money else _value(hints[name], value, path)
    try:
        return kind(**given)
    except BadInput as error:
        raise BadInput(f"{what} ({error.what})", error.expected, error.got) from None


def _is_required(member: Field[Any]) -> bool:
    return member.default is MISSING and member.default_factory is MISSING


def _value(hint: Any, value: object, what: str) -> Any:  # noqa: ANN401 - types are data here
    """A value of a hinted type: our dataclasses, enums, decimals, integers, text, and tuples and tables of them."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return None if value is None else _value(next(a for a in get_args(hint) if a is not type(None)), value, what)
    if origin is tuple:
        return _tuple(get_args(hint), value, what)
    if origin is not None and issubclass(origin, Mapping):
        of = get_args(hint)[1]
        return MappingProxyType({k: _value(of, v, f"{what}.{k}") for k, v in _table(value, what).items()})
    if is_dataclass(hint):
        return _made(hint, value, what)
    return _plain(hint, value, what)


def _tuple(parts: tuple[Any, ...], value: object, what: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise BadInput(what, "a list", value)
    if parts[-1] is Ellipsis:
        return tuple(_value(parts[0], item, f"{what}[{i}]") for i, item in enumerate(value))
    if len(value) != len(parts):
        raise BadInput(what, f"{len(parts)} values", len(value))
    return tuple(_value(part, item, f"{what}[{i}]") for i, (part, item) in enumerate(zip(parts, value, strict=True)))


def _plain(hint: Any, value: object, what: str) -> Any:  # noqa: ANN401 - types are data here
    kind = getattr(hint, "__supertype__", hint)
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(value)
        except ValueError:
            raise BadInput(what, ", ".join(str(m.value) for m in kind), value) from None
    if kind is Decimal:
        return _decimal(value, what)
    if kind is bool and isinstance(value, bool):
        return value
    if kind is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind is str and isinstance(value, str):
        return value
    raise BadInput(what, getattr(kind, "__name__", str(kind)), value)


def _decimal(value: object, what: str) -> Decimal:
    if not isinstance(value, str) or len(value) > 64:
        raise BadInput(what, 'a decimal in text, like "0.15"', value)
    try:
        made = Decimal(value)
    except InvalidOperation:
        raise BadInput(what, 'a decimal in text, like "0.15"', value) from None
    if not made.is_finite():
        raise BadInput(what, "a finite decimal", value)
    return made
