"""A file of other accounts and of what accounts owe one another: figures that someone typed in."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from verifier.app.account_file import Name, Part, parse_part
from verifier.app.errors import UsageError
from verifier.app.quantities import exact_decimal, positive_decimal, scaled
from verifier.app.toml_source import read_toml
from verifier.errors import BadInput
from verifier.margin.fixed import Usd
from verifier.margin.peers import MOST_ACCOUNTS, Owed, Peer


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _at_least_zero(value: object) -> Decimal:
    number = exact_decimal(value)
    if number < 0:
        raise ValueError("expected a number of at least zero")
    return number


Signed = Annotated[Decimal, BeforeValidator(exact_decimal)]
Money = Annotated[Decimal, BeforeValidator(_at_least_zero)]
Positive = Annotated[Decimal, BeforeValidator(positive_decimal)]


class PeerPart(Part):
    """One [[accounts]] table: USD by asset, below zero where the account is short; what it owes to others."""

    name: Name
    holds: dict[Name, Signed]
    owes: Money = Decimal(0)


class ClaimPart(Part):
    """One [[claims]] table."""

    debtor: Name
    creditor: Name
    usd: Positive


class PeersFile(Part):
    """The whole file."""

    accounts: Annotated[tuple[PeerPart, ...], BeforeValidator(_listed), Field(min_length=1, max_length=MOST_ACCOUNTS)]
    claims: Annotated[tuple[ClaimPart, ...], BeforeValidator(_listed), Field(max_length=10_000)] = ()


def read_peers(path: Path) -> tuple[tuple[Peer, ...], tuple[Owed, ...]]:
    """
    Other accounts, and claims between them and the account under examination.

    Raises:
        ConfigError: With every problem in the file.
        UsageError: A figure that no account can have.
    """
    source = read_toml(path)
    file = parse_part(PeersFile, source.tree, source)
    try:
        return tuple(map(_peer, file.accounts)), tuple(
            Owed(claim.debtor, claim.creditor, _usd(claim.usd)) for claim in file.claims
        )
    except (BadInput, ValueError) as error:
        raise UsageError(f"{path}: {error}", "docs/risk.md says what the file holds") from None


def _peer(part: PeerPart) -> Peer:
    holds = {group: _usd(money) for group, money in sorted(part.holds.items())}
    return Peer(part.name, holds, Usd(sum(max(0, money) for money in holds.values())), _usd(part.owes))


def _usd(number: Decimal) -> Usd:
    return Usd(scaled(number, 18, "money"))
