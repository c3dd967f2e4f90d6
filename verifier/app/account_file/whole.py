"""A whole account file, read and checked for shape."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from verifier.app.account_file.market_parts import (
    DepthPart,
    ExpiryPart,
    FeedPart,
    MarginPart,
    MarketPart,
    OrderPart,
    PositionPart,
    PricePart,
    ReturnsPart,
    RoutePart,
    VenuePart,
)
from verifier.app.account_file.parse import parse_part
from verifier.app.account_file.parts import AccountPart, AssetPart, DeclaredDebtPart, Holder, NetworkPart, PolicyPart
from verifier.app.account_file.words import Name, Part
from verifier.app.toml_source import TomlSource, parse_toml, read_toml


class AccountFile(Part):
    """A whole account file, of right shape."""

    account: AccountPart
    policy: PolicyPart = PolicyPart()
    margin: MarginPart = MarginPart()
    networks: dict[Name, NetworkPart] = Field(default={})
    holders: dict[Name, Holder] = Field(default={})
    assets: Annotated[tuple[AssetPart, ...], Field(strict=False)] = ()
    debts: Annotated[tuple[AssetPart | DeclaredDebtPart, ...], Field(strict=False)] = ()
    positions: Annotated[tuple[PositionPart, ...], Field(strict=False)] = ()
    markets: dict[Name, MarketPart] = Field(default={})
    prices: dict[Name, PricePart] = Field(default={})
    orders: Annotated[tuple[OrderPart, ...], Field(strict=False)] = ()
    expiries: Annotated[tuple[ExpiryPart, ...], Field(strict=False)] = ()
    routes: Annotated[tuple[RoutePart, ...], Field(strict=False)] = ()
    venues: Annotated[tuple[VenuePart, ...], Field(strict=False)] = ()
    bridges: dict[str, Name] = Field(default={})
    depths: dict[Name, DepthPart] = Field(default={})
    returns: ReturnsPart = ReturnsPart()
    feeds: Annotated[tuple[FeedPart, ...], Field(strict=False)] = ()


def read_account(path: Path) -> tuple[AccountFile, TomlSource]:
    """
    The file and its source (for the lines of later problems).

    Raises:
        ConfigError: It cannot be read, or is not of the right shape; all problems are listed.
    """
    source = read_toml(path)
    return parse_part(AccountFile, source.tree, source), source


def parse_account(text: str, origin: str = "account file") -> tuple[AccountFile, TomlSource]:
    """The same, from text."""
    source = parse_toml(text, origin)
    return parse_part(AccountFile, source.tree, source), source
