"""An account file and the registry into what the service works on: claims, networks, pins, meanings, policy.

Everything is decided here once: which network a name is, which token a symbol is, whether two lines are one balance.
What comes out has no spelling left in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from chains.chain import Escrow, SecondEntry, aliases_of, escrows_of, local_network
from chains.endpoint import Endpoint
from chains.families import ETHEREUM
from verifier.app.account_file import AccountFile, AssetPart, EndpointPart, HolderPart, NetworkPart
from verifier.app.compile_assets import Compiled, Place, compile_lines
from verifier.app.compile_beacon import BeaconSide, compile_beacons
from verifier.app.compile_declared import Venue, compile_declared
from verifier.app.compile_feeds import compile_feeds
from verifier.app.compile_policy import compile_policy
from verifier.app.compile_settlement import parents_of, settle_places
from verifier.app.errors import UnknownName, did_you_mean
from verifier.app.problems import Problems
from verifier.app.quantities import checksummed
from verifier.app.toml_source import Path_, TomlSource
from verifier.claims import Claim, ClaimKind, KnownAsset, Meanings, PriceClaim, Source
from verifier.errors import BadInput
from verifier.forks import Activation, Fork
from verifier.margin.declared import DeclaredDebt, DeclaredPosition, DeclaredPrice
from verifier.margin.declared_market import NO_MARKET, DeclaredMarket
from verifier.margin.duplicates import NO_ESCROWS, Aliases, Escrows
from verifier.margin.modes import Mode
from verifier.margin.quotes import Feed
from verifier.margin.rules import MarginRules
from verifier.network import Family, Network, SettledOn
from verifier.policy import Policy
from verifier.positions import Position
from verifier.primitives import Address, ChainId, Timestamp
from verifier.trust import Checkpoint, PinnedBlock

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class KnownChain(Protocol):
    """What compilation needs of a registry entry."""

    @property
    def network(self) -> Network:
        """The network as reviewed."""
        ...

    @property
    def assets(self) -> tuple[KnownAsset, ...]:
        """Assets known on it."""
        ...

    @property
    def second_entries(self) -> tuple[SecondEntry, ...]:
        """Contracts that show balances counted elsewhere."""
        ...

    @property
    def escrows(self) -> tuple[Escrow, ...]:
        """Contracts elsewhere that hold the originals of bridged tokens."""
        ...


Registry = Mapping[str, KnownChain]


@dataclass(frozen=True, slots=True)
class AccountSpec:
    """
    A compiled account.

    Attributes:
        claims: In the file's order: assets, then proven debts. `pockets` has the isolated pocket by a claim's index.
        holders: The name that the file gives each address.
        networks: All that are known here, the registry's and the file's own; a foreign bundle may speak of any.
        endpoints: By network that a claim speaks of; empty where compiled for offline use.
        meanings: The registry's assets on the account's networks, and the slots that the file itself explains.
        prices, debts, positions, market: Declared: typed in, proven by no one.
        venues: Places that judge by rules of their own.
        beacon: Beacon chains, their endpoints and checkpoints; see `BeaconSide`.
        aliases: The registry's second entry points, so that one balance cannot be claimed through two contracts.
        warnings: What a person should know before running, each a sentence with its cure.
        feeds: Prices by proof that the account asks for.
        escrows: Bridges' contracts of the registry, whose holdings are counted where they circulate.
        controls: Files in which holders show control, for statements over the account.
    """

    name: str
    mode: Mode
    as_of: Timestamp | None
    claims: tuple[Claim, ...]
    pockets: Mapping[int, str]
    holders: Mapping[Address, str]
    networks: Mapping[ChainId, Network]
    endpoints: Mapping[ChainId, tuple[Endpoint, ...]]
    roots: tuple[PinnedBlock | Checkpoint, ...]
    meanings: Meanings
    policy: Policy
    prices: tuple[DeclaredPrice, ...]
    debts: tuple[DeclaredDebt, ...]
    positions: tuple[DeclaredPosition, ...]
    rules: MarginRules
    aliases: Aliases
    beacon: BeaconSide
    warnings: tuple[str, ...] = ()
    market: DeclaredMarket = NO_MARKET
    venues: tuple[Venue, ...] = ()
    feeds: tuple[Feed, ...] = ()
    escrows: Escrows = field(default_factory=lambda: NO_ESCROWS)
    controls: tuple[Path, ...] = ()

    @property
    def has_light_clients(self) -> bool:
        """Whether some network has a checkpoint, or is to ask for one."""
        return bool(self.beacon.asking or self.beacon.checkpoints)


def compile_account(
    file: AccountFile,
    source: TomlSource,
    registry: Registry,
    *,
    environ: Mapping[str, str],
    networks: Mapping[str, NetworkPart] | None = None,
    preset: str = "strict",
    online: bool = True,
) -> AccountSpec:
    """
    The account that a file means, on this machine.

    Args:
        environ: Variables that endpoint URLs may name.
        networks: Endpoints and pins of this machine's settings; the file's own come before them.
        preset: The policy preset where the file names none.
        online: Whether endpoints are needed; without, unset variables do not matter.

    Raises:
        ConfigError: With every problem found, its key, its line and its cure.
    """
    problems = Problems(source)
    places = _places(file.networks, registry, problems)
    settle_places(places, file.networks, problems)
    holders = _holders(file, places, problems)
    lines: list[tuple[Path_, AssetPart, ClaimKind]] = [
        (("assets", i), part, ClaimKind.HOLDING) for i, part in enumerate(file.assets)
    ]
    lines += [(("debts", i), part, ClaimKind.DEBT) for i, part in enumerate(file.debts) if isinstance(part, AssetPart)]
    made = compile_lines(lines, places, holders, problems, Path(source.origin).parent)
    declared = compile_declared(file, problems)
    policy = compile_policy(file.policy, preset, lambda name: _find(name, places), problems)
    if declared.profile is not None:  # the file's own factors stand before the venue's
        policy = replace(policy, factors=MappingProxyType({**declared.profile.factors, **policy.factors}))
    feeds = compile_feeds(file.feeds, places, problems)
    asked: list[Claim | PriceClaim] = [*made.claims, *(feed.claim for feed in feeds)]
    used = {claim.chain_id: places_name for claim in asked if (places_name := _name_of(claim, places))}
    parts = {name: _with_settings(file.networks.get(name), (networks or {}).get(name)) for name in places}
    used |= parents_of(used, places, parts)
    endpoints = {
        chain: _endpoints(name, parts[name], environ, problems) if online else () for chain, name in used.items()
    }
    beacon = compile_beacons(
        places,
        parts,
        used,
        source.origin,
        problems,
        (lambda name, part: _endpoints(name, part, environ, problems, "beacon")) if online else None,
    )
    pins = tuple(
        PinnedBlock(place.network.chain_id, pin)
        for name, place in places.items()
        for pin in dict.fromkeys(parts[name].pin)
    )
    if not made.claims and not file.debts and not file.positions:
        problems.add(("assets",), "the account lists nothing; add at least one [[assets]] entry")
    problems.raise_any()
    known = {p.network.chain_id: p.network for p in places.values()}
    return AccountSpec(
        name=file.account.name,
        mode=Mode(file.account.mode),
        as_of=file.account.as_of,
        claims=tuple(made.claims),
        pockets=MappingProxyType({i: name for i, name in enumerate(made.pockets) if name is not None}),
        holders=MappingProxyType(_names_of_holders(holders)),
        networks=MappingProxyType(known),
        endpoints=MappingProxyType(endpoints),
        roots=(*pins, *beacon.checkpoints),
        meanings=MappingProxyType(made.meanings),
        policy=policy,
        prices=declared.prices,
        debts=declared.debts,
        positions=declared.positions,
        rules=declared.rules,
        market=declared.market,
        venues=declared.venues,
        aliases=aliases_of(registry.values()),
        escrows=escrows_of(registry.values()),
        beacon=beacon,
        warnings=(*_warnings(made, policy, places), *_unbounded(endpoints)),
        feeds=feeds,
        controls=tuple(Path(source.origin).parent / name for name in file.account.control),
    )


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """One network to ask, and all that the checker believes and demands while it does.

    Attributes:
        endpoints: Of the network and, for a rollup, of its parent and of that one's, as far as they have some.
    """

    network: Network
    networks: Mapping[ChainId, Network]
    endpoints: Mapping[ChainId, tuple[Endpoint, ...]]
    roots: tuple[PinnedBlock | Checkpoint, ...]
    policy: Policy
    beacon: BeaconSide


def compile_network(
    name: str,
    file: AccountFile,
    source: TomlSource,
    registry: Registry,
    *,
    environ: Mapping[str, str],
    networks: Mapping[str, NetworkPart],
    preset: str,
) -> NetworkSpec:
    """
    One network by its name or chain id, as an account file and this machine's settings know it.

    Raises:
        ConfigError, UnknownName: It is not known, or has no endpoint.
    """
    problems = Problems(source)
    places = _places(file.networks, registry, problems)
    settle_places(places, file.networks, problems)
    found = _find(name, places)
    if found is None:
        raise UnknownName("network", name, places)
    parts = {known: _with_settings(file.networks.get(known), networks.get(known)) for known in places}
    asked = _with_parents(found, places, parts)
    endpoints = {chain: _endpoints(known, parts[known], environ, problems) for chain, known in asked.items()}
    policy = compile_policy(file.policy, preset, lambda text: _find(text, places), problems)
    beacon = compile_beacons(
        places,
        parts,
        asked,
        source.origin,
        problems,
        lambda known, part: _endpoints(known, part, environ, problems, "beacon"),
    )
    problems.raise_any()
    roots = tuple(
        PinnedBlock(place.network.chain_id, pin)
        for known, place in places.items()
        for pin in dict.fromkeys(parts[known].pin)
    )
    everything = {place.network.chain_id: place.network for place in places.values()}
    believed: tuple[PinnedBlock | Checkpoint, ...] = (*roots, *beacon.checkpoints)
    return NetworkSpec(found, MappingProxyType(everything), MappingProxyType(endpoints), believed, policy, beacon)


def _with_parents(
    network: Network, places: Mapping[str, Place], parts: Mapping[str, NetworkPart]
) -> dict[ChainId, str]:
    """The names of a network and of those that it settles on, one above the other, while they have endpoints."""
    by_id = {place.network.chain_id: known for known, place in places.items()}
    asked = {network.chain_id: by_id[network.chain_id]}
    rooted = network.rooted_by
    while isinstance(rooted, SettledOn) and rooted.parent in by_id and rooted.parent not in asked:
        above = by_id[rooted.parent]
        if not parts[above].endpoints:
            break
        asked[rooted.parent] = above
        rooted = places[above].network.rooted_by
    return asked


def compile_light(
    own: Mapping[str, NetworkPart],
    machine: Mapping[str, NetworkPart],
    source: TomlSource,
    registry: Registry,
    environ: Mapping[str, str],
) -> tuple[Mapping[ChainId, Network], BeaconSide]:
    """
    Networks and their beacon side alone: what light clients need, without an account.

    Args:
        own: The networks of an account file, or of this machine's settings where there is none.
        machine: This machine's settings.

    Raises:
        ConfigError: With every problem found.
    """
    problems = Problems(source)
    places = _places(own, registry, problems)
    parts = {name: _with_settings(own.get(name), machine.get(name)) for name in places}
    used = {place.network.chain_id: name for name, place in places.items()}
    side = compile_beacons(
        places,
        parts,
        used,
        source.origin,
        problems,
        lambda name, part: _endpoints(name, part, environ, problems, "beacon"),
    )
    problems.raise_any()
    return MappingProxyType({p.network.chain_id: p.network for p in places.values()}), side


# --- networks --------------------------------------------------------------------------------------------


def _places(own: Mapping[str, NetworkPart], registry: Registry, problems: Problems) -> dict[str, Place]:
    """Networks by name: the registry's, and those that the file defines."""
    places = {name: Place(chain.network, tuple(chain.assets)) for name, chain in registry.items()}
    by_id = {place.network.chain_id: name for name, place in places.items()}
    families = {place.network.family.name: place.network.family for place in places.values()}
    families.setdefault(ETHEREUM.name, ETHEREUM)
    for name, part in own.items():
        path: Path_ = ("networks", name)
        if name in places:
            if part.chain_id is not None and part.chain_id != places[name].network.chain_id:
                known = places[name].network.chain_id
                problems.add((*path, "chain_id"), f"{name} has chain id {known}; remove this key, or use another name")
            continue
        if part.chain_id is None or part.family is None:
            cure = f"{did_you_mean(name, places)}; a network of your own needs chain_id and family"
            problems.add(path, f"no network of that name is known; {cure}")
            continue
        if part.family not in families:
            problems.add((*path, "family"), f"no such family; {did_you_mean(part.family, families)}")
            continue
        chain = ChainId(part.chain_id)
        if chain in by_id:
            problems.add((*path, "chain_id"), f"chain {chain} is {by_id[chain]}; use that name instead of a second one")
            continue
        by_id[chain] = name
        places[name] = Place(_own_network(name, chain, part, families[part.family]))
    return places


def _own_network(name: str, chain: ChainId, part: NetworkPart, family: Family) -> Network:
    made = local_network(name, chain, part.native_symbol or "ETH")
    decimals = made.native_decimals if part.native_decimals is None else part.native_decimals
    forks = () if part.fork is None else (Activation(Fork(part.fork), part.fork),)
    return replace(made, family=family, native_decimals=decimals, forks=forks)


def _find(name: str, places: Mapping[str, Place]) -> Network | None:
    """A network by its name or its chain id."""
    if name in places:
        return places[name].network
    return next((p.network for p in places.values() if str(p.network.chain_id) == name), None)


def _name_of(claim: Claim | PriceClaim, places: Mapping[str, Place]) -> str:
    return next(name for name, place in places.items() if place.network.chain_id == claim.chain_id)


def _with_settings(own: NetworkPart | None, machine: NetworkPart | None) -> NetworkPart:
    """The file's endpoints and checkpoint before the machine's; the pins of both are the checker's own."""
    first, second = own or NetworkPart(), machine or NetworkPart()
    merged = {
        "endpoints": first.endpoints or second.endpoints,
        "pin": first.pin + second.pin,
        "beacon": first.beacon or second.beacon,
        "checkpoint": first.checkpoint if first.checkpoint is not None else second.checkpoint,
        "consensus": first.consensus if first.consensus is not None else second.consensus,
    }
    return first.model_copy(update=merged)


# --- endpoints -------------------------------------------------------------------------------------------


def _endpoints(
    network: str, part: NetworkPart, environ: Mapping[str, str], problems: Problems, key: str = "endpoints"
) -> tuple[Endpoint, ...]:
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


# --- holders and references ------------------------------------------------------------------------------


def _holders(
    file: AccountFile, places: Mapping[str, Place], problems: Problems
) -> dict[str, dict[ChainId | None, tuple[Address, ...]]]:
    """Addresses by name and network; one address under two names or spellings would count twice."""
    seen: dict[tuple[str | None, Address], str] = {}
    made: dict[str, dict[ChainId | None, tuple[Address, ...]]] = {}
    for name, holder in file.holders.items():
        made[name] = {}
        if name.startswith("0x"):
            problems.add(("holders", name), "a name is due here, not an address")
        for where, addresses in _by_place(holder):
            place = None if where is None else places.get(where)
            if where is not None and place is None:
                problems.add(("holders", name, where), f"no such network; {did_you_mean(where, places)}")
                continue
            made[name][None if place is None else place.network.chain_id] = addresses
            for address in addresses:
                _refuse_second_name(name, where, address, seen, problems)
    return made


def _by_place(holder: HolderPart) -> list[tuple[str | None, tuple[Address, ...]]]:
    everywhere: list[tuple[str | None, tuple[Address, ...]]] = [(None, holder.everywhere)] if holder.everywhere else []
    return everywhere + list(holder.by_network.items())


def _refuse_second_name(
    name: str,
    where: str | None,
    address: Address,
    seen: dict[tuple[str | None, Address], str],
    problems: Problems,
) -> None:
    clashes = {place for place, known in seen if known == address and (place == where or None in (place, where))}
    if clashes:
        first = seen[(min(clashes, key=str), address)]
        what = "is listed twice" if first == name else f"is already {first}"
        problems.add(("holders", name), f"{checksummed(address)} {what}; one address counts once, in one spelling")
    seen[(where, address)] = name


def _names_of_holders(holders: Mapping[str, Mapping[ChainId | None, tuple[Address, ...]]]) -> dict[Address, str]:
    return {a: name for name, places in holders.items() for addresses in places.values() for a in addresses}


def _unbounded(endpoints: Mapping[ChainId, tuple[Endpoint, ...]]) -> tuple[str, ...]:
    """Endpoints that are read by another library than ours."""
    return tuple(
        f"endpoint {e.name} is no HTTP endpoint: limits on the size and pace of its answers are not enforced"
        for some in endpoints.values()
        for e in some
        if e.kind != "http"
    )


def _untaken(claim: Claim, of: Position, policy: Policy, network: str) -> list[str]:
    """The contracts that a position names and the policy does not; its run may yet find others behind them."""
    named = [claim.asset.contract, *(v for _, v in of.given if isinstance(v, bytes) and len(v) == 20)]
    missing = [Address(c) for c in named if c is not None and (claim.chain_id, c) not in policy.accept_contracts]
    if not missing:
        return []
    line = ", ".join(f'"{network}:{checksummed(contract)}"' for contract in dict.fromkeys(missing))
    text = f"{claim.asset.symbol} is a position that only your file vouches for, and will be refused"
    return [f"{text}; if you have reviewed its contracts, add under [policy]: accept_contracts = [{line}]"]


def _warnings(made: Compiled, policy: Policy, places: Mapping[str, Place]) -> tuple[str, ...]:
    """Lines that the verifier will refuse or count as nothing, with the line to add."""
    found: list[str] = []
    for claim in made.claims:
        asset = claim.asset
        taken = (claim.chain_id, asset.contract) in policy.accept_contracts
        if isinstance(claim.reading, Position):
            found += _untaken(claim, claim.reading, policy, _name_of(claim, places))
        elif claim.source is Source.USER and asset.contract is not None and not taken:
            by = "a slot" if claim.reading is None else "a call"
            line = f'accept_contracts = ["{_name_of(claim, places)}:{checksummed(asset.contract)}"]'
            found.append(
                f"{asset.symbol} is read by {by} that only your file vouches for, and will be refused; "
                f"if you have reviewed the contract, add under [policy]: {line}"
            )
        if claim.kind is ClaimKind.HOLDING and asset.group not in policy.factors:
            found.append(
                f"{asset.group} counts nothing as collateral: add [policy.assets.{asset.group}] with haircut_initial"
            )
    return tuple(dict.fromkeys(found))
