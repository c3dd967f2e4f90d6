"""Endpoints of a network: URLs with ${VARIABLES} filled in, each under a name of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from chains.endpoint import Endpoint
from verifier.app.account_file import EndpointPart, NetworkPart
from verifier.app.problems import Problems
from verifier.app.toml_source import Path_
from verifier.errors import BadInput

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def read_endpoints(
    network: str, part: NetworkPart, environ: Mapping[str, str], problems: Problems, key: str = "endpoints"
) -> tuple[Endpoint, ...]:
    """The endpoints of a network, or (`key` is "beacon") of its beacon chain; at least one is due."""
    path: Path_ = ("networks", network, key)
    listed = part.beacon if key == "beacon" else part.endpoints
    if not listed:
        cure = f'add [networks.{network}] with endpoints = ["${{RPC_URL}}"], or set them in xmargin.toml'
        problems.add(path, f"{network} has no endpoint; {cure}")
    made: list[Endpoint] = []
    names: set[str] = set()
    for i, given in enumerate(listed):
        url = expand(given.url, environ, (*path, i), problems)
        if url is None:
            continue
        if key == "beacon" and not url.startswith(("http://", "https://")):
            problems.add((*path, i), "a beacon node is asked over http:// or https://")
            continue
        choice = endpoint_of(given, url, (*path, i), problems)
        if choice is None:
            continue
        if choice.name in names:
            problems.add((*path, i), f"is a second endpoint named {choice.name}; give each a name of its own")
        names.add(choice.name)
        made.append(choice)
    return tuple(made)


def expand(text: str, environ: Mapping[str, str], path: Path_, problems: Problems) -> str | None:
    """The URL with its ${VARIABLES} filled in; values never reach a message, names do."""
    missing: list[str] = []

    def fill(found: re.Match[str]) -> str:
        name = found[1]
        if _VARIABLE_NAME.fullmatch(name) is None:
            problems.add(path, "expected ${NAME} with a plain variable name")
        elif not environ.get(name):
            missing.append(name)
        return environ.get(name, "")

    url = _VARIABLE.sub(fill, text)
    for name in missing:
        problems.add(path, f'the environment variable {name} is not set; run: export {name}="https://…"')
    return None if missing else url


def endpoint_of(part: EndpointPart, url: str, path: Path_, problems: Problems) -> Endpoint | None:
    """An endpoint that prints as its given name or its host."""
    try:
        return Endpoint(
            url,
            name=part.name,
            operator=part.operator,
            headers=part.headers,
            rate=part.rate,
            batch=part.batch,
            concurrency=part.concurrency,
        )
    except BadInput as error:
        problems.add(path, f"expected {error.expected}, got {error.got}")
        return None
