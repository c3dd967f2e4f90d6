"""A table of an account file from what TOML holds, or every problem in it with its key, its line and its cure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from verifier.app.account_file.words import Part
from verifier.app.errors import ConfigError, Problem, did_you_mean
from verifier.app.toml_source import TomlSource, dotted

P = TypeVar("P", bound=Part)


def parse_part(model: type[P], tree: object, source: TomlSource) -> P:
    """
    A model from a tree.

    Raises:
        ConfigError: With the key path, the line and the cure of every problem.
    """
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        details = _of_right_branch(error.errors(include_url=False, include_input=False), tree)
        problems = [_problem(model, detail, source) for detail in details]
        raise ConfigError(source.origin, dict.fromkeys(problems)) from None


_MEMBERS = {"AssetPart", "DeclaredDebtPart"}
_SHOWN_PROBLEMS = 20


def _of_right_branch(details: list[ErrorDetails], tree: object) -> list[ErrorDetails]:
    """A debt is either proven or declared; only the complaints of the kind that was meant are worth showing."""
    kept = []
    for detail in details[:_SHOWN_PROBLEMS]:
        loc = detail["loc"]
        if len(loc) >= 3 and loc[2] in _MEMBERS:
            declared = "declared" in _at(tree, loc[:2])
            if (loc[2] == "DeclaredDebtPart") != declared:
                continue
        kept.append(detail)
    return kept


def _at(tree: object, path: tuple[int | str, ...]) -> Mapping[object, object]:
    for part in path:
        if isinstance(tree, list) and isinstance(part, int):
            tree = tree[part]
        elif isinstance(tree, Mapping):
            tree = tree.get(part)
    return tree if isinstance(tree, Mapping) else {}


_SYNTHETIC = frozenset({"everywhere", "by_network", "[key]"}) | _MEMBERS
_SENTENCES = {
    "missing": "is required",
    "string_type": "expected text in quotes",
    "int_type": "expected an integer",
    "bool_type": "expected true or false",
    "model_type": "expected a table",
    "dict_type": "expected a table",
    "tuple_type": "expected a list",
    "string_pattern_mismatch": "expected a name of letters, digits and any of _ . : + - (at most 64)",
    "model_attributes_type": "expected a table",
}


def _problem(model: type[Part], detail: ErrorDetails, source: TomlSource) -> Problem:
    path = tuple(part for part in detail["loc"] if part not in _SYNTHETIC)
    kind = detail["type"]
    if kind == "extra_forbidden":
        message = f"unknown key; {did_you_mean(str(path[-1]), _known_keys(model, detail['loc'][:-1]))}"
    elif kind == "value_error":
        message = detail["msg"].removeprefix("Value error, ")
    elif kind == "literal_error":
        message = f"expected {detail['ctx']['expected']}"
    else:
        message = _SENTENCES.get(kind, detail["msg"][:1].lower() + detail["msg"][1:])
    return Problem(dotted(path), message, source.line_of(path))


def _known_keys(model: type[Part], path: tuple[int | str, ...]) -> list[str]:
    """The keys of the table at a path of the model."""
    tables: list[type[Part]] = [model]
    for part in path:
        found = [t for table in tables if part in table.model_fields for t in _models(table.model_fields[str(part)])]
        chosen = [t for t in tables if t.__name__ == part]
        tables = found or chosen or tables
    return [name for table in tables for name in table.model_fields]


def _models(field: object) -> list[type[Part]]:
    """The tables inside an annotation, whatever containers they stand in."""
    annotation = getattr(field, "annotation", field)
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return [annotation] if issubclass(annotation, Part) else []
    inner = get_args(annotation)
    return [found for part in inner for found in _models(part)] if inner or get_origin(annotation) is Union else []
