"""What the options before a command say, and what most commands begin with."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from chains.behaviour import Capacity, Place
    from verifier.app.compile import AccountSpec, NetworkSpec
    from verifier.app.compile.assets import Lookup
    from verifier.app.findings import Findings
    from verifier.app.kept import KeptLight, Record
    from verifier.app.light_shelf import Configs, LightShelf
    from verifier.app.report.terminal import Terminal
    from verifier.app.settings import InForce
    from verifier.app.slots_find import SlotFinding
    from verifier.assets.find_slot import Found
    from verifier.network import Network
    from verifier.primitives import Address, ChainId, Timestamp
    from verifier.trust import Checkpoint, PinnedBlock
    from verifier.verify import Verified

AccountPath = Annotated[Path, typer.Argument(help="Account file (xmargin init).", exists=True, dir_okay=False)]
BundlePath = Annotated[Path, typer.Argument(help="Bundle, or its view (.json).", exists=True, dir_okay=False)]
AccountOption = Annotated[
    Path | None,
    typer.Option("--account", help="Account file whose pins, policy and meanings apply.", exists=True, dir_okay=False),
]
NetworksOption = Annotated[
    Path | None, typer.Option("--account", help="Account file whose networks apply.", exists=True, dir_okay=False)
]
JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON object on stdout; docs/schema/run.json.")]
DbOption = Annotated[Path | None, typer.Option("--db", help="Database file; default is the settings' own.")]
CrossCheck = Annotated[
    bool,
    typer.Option("--cross-check", help="Read each token by its layout and by its own balanceOf; refuse a difference."),
]
Pins = Annotated[
    list[str] | None, typer.Option("--pin", metavar="NETWORK=0xHASH", help="A block that you believe; repeatable.")
]
Checkpoints = Annotated[
    list[str] | None,
    typer.Option(
        "--checkpoint", metavar="NETWORK=0xROOT", help="A beacon block that you believe to be final; repeatable."
    ),
]


@dataclass(frozen=True, slots=True)
class State:
    """The options before the command."""

    config: Path | None = None
    quiet: bool = False
    no_color: bool = False
    debug: bool = False
    timeout: float | None = None

    def terminal(self) -> Terminal:
        """The two streams."""
        from verifier.app.report.terminal import open_terminal

        return open_terminal(quiet=self.quiet, no_color=self.no_color)

    def settings(self) -> InForce:
        """What is in force on this machine."""
        from verifier.app.settings import load_settings

        return load_settings(self.config, os.environ)

    def seconds(self) -> float:
        """Seconds for each network."""
        return self.timeout if self.timeout is not None else self.settings().settings.timeouts.total

    def account(self, path: Path, *, online: bool, cross_check: bool = False, db: Path | None = None) -> AccountSpec:
        """A compiled account file, its warnings shown; what was found of tokens is looked up in the store."""
        from chains.registry import NETWORKS
        from verifier.app.account_file import read_account
        from verifier.app.call_readings import cross_checked, cross_checked_feeds
        from verifier.app.compile import compile_account

        in_force = self.settings()
        for warning in in_force.warnings:
            self.terminal().warn(warning)
        found = in_force.settings
        file, source = read_account(path)
        spec = compile_account(
            file,
            source,
            NETWORKS,
            environ=os.environ,
            networks=found.networks,
            preset=found.policy,
            online=online,
            findings=self.findings(db),
        )
        for warning in spec.warnings:
            self.terminal().warn(warning)
        if not cross_check:
            return spec
        return replace(spec, claims=cross_checked(spec.claims), feeds=cross_checked_feeds(spec.feeds))

    def findings(self, db: Path | None) -> Lookup:
        """Where tokens were found to keep their balances, out of the store, which is opened when it is asked."""

        def look(chain: ChainId, token: Address, networks: Mapping[ChainId, Network]) -> Found | None:
            from verifier.app.kept_findings import lookup_in
            from verifier.app.store import Store

            path = self.database(db)
            if not path.is_file():
                return None
            with Store(path, busy_seconds=self.settings().settings.store.busy_timeout) as store:
                return lookup_in(store, chain, token, networks)

        return look

    def database(self, db: Path | None) -> Path:
        """Where the store lies."""
        return db if db is not None else self.settings().database

    def keep_finding(self, made: SlotFinding, db: Path | None) -> None:
        """Keep where a token was found to keep its balances, where the settings have a store."""
        from verifier.app.kept_findings import keep_finding
        from verifier.app.store import Store

        settings = self.settings().settings.store
        if settings.enabled:
            with Store(self.database(db), busy_seconds=settings.busy_timeout) as store:
                keep_finding(store, made)

    def known_networks(self, account: Path | None) -> Mapping[ChainId, Network]:
        """The networks of the registry, and of an account file."""
        from chains.registry import NETWORKS
        from verifier.app.account_file import read_account
        from verifier.app.compile.places import compile_places
        from verifier.app.problems import Problems

        known = {chain.network.chain_id: chain.network for chain in NETWORKS.values()}
        if account is not None:
            file, source = read_account(account)
            problems = Problems(source)
            places = compile_places(file.networks, NETWORKS, problems)
            problems.raise_any()
            known |= {place.network.chain_id: place.network for place in places.values()}
        return known

    def keep(self, record: Record, db: Path | None) -> None:
        """Keep a run, where the settings have a store. Call this before anything of it is shown."""
        from verifier.app.store import Store

        settings = self.settings().settings.store
        if settings.enabled:
            with Store(self.database(db), busy_seconds=settings.busy_timeout) as store:
                store.keep(record)

    @contextmanager
    def shelf(self, db: Path | None, configs: Configs, *, create: bool) -> Iterator[LightShelf | None]:
        """
        Where light clients are kept; None where the settings have no store, or there is none and none is to be made.

        Args:
            create: Whether a store and a key are made where there are none.
        """
        from verifier.app.light_shelf import LightShelf
        from verifier.app.seal import load_seal
        from verifier.app.store import Store

        in_force, path = self.settings(), self.database(db)
        there = path.is_file() and in_force.key.is_file()
        if not in_force.settings.store.enabled or not (create or there):
            yield None
            return
        seal = load_seal(in_force.key)
        with Store(path, busy_seconds=in_force.settings.store.busy_timeout) as store:
            yield LightShelf(store, seal, configs)

    @contextmanager
    def asking(self, spec: NetworkSpec, db: Path | None = None) -> Iterator[LightShelf | None]:
        """What is shown while one network is asked, and where its light clients are kept, if it can have any."""
        create = bool(spec.beacon.asking or spec.beacon.checkpoints)
        with (
            self.shelf(db, spec.beacon.configs, create=create) as shelf,
            self.terminal().busy(f"asking {spec.network.name}"),
        ):
            yield shelf

    def capacities(self, db: Path | None, now: Timestamp) -> Mapping[Place, Capacity]:
        """How endpoints were found to be asked best in earlier runs. A store that cannot be used is told of at once."""
        from verifier.app.store import Store

        path, settings = self.database(db), self.settings().settings.store
        if not settings.enabled or not path.is_file():
            return {}
        with Store(path, busy_seconds=settings.busy_timeout) as store:
            return store.capacities(now)


def clock() -> Timestamp:
    """The clock of this machine, in unix seconds."""
    from verifier.primitives import timestamp

    return timestamp(int(time.time()))


def read_bundle(path: Path) -> bytes:
    """A bundle's bytes, from its binary form or its JSON view."""
    data = path.read_bytes()
    if path.suffix != ".json":
        return data
    from verifier.view import parse_view

    return parse_view(data)


def write_bundle(path: Path, data: bytes) -> None:
    """Write a bundle in the form that the file's name asks for; whole or not at all."""
    if path.suffix == ".json":
        from verifier.view import encode_view

        data = encode_view(data).encode()
    write_whole(path, data)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all."""
    from verifier.app.errors import UsageError

    # A name of this process's own: two runs that write one file do not write into one another.
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "name another file") from None
    finally:
        part.unlink(missing_ok=True)


def parse_checkpoints(given: list[str] | None, spec: AccountSpec | None) -> tuple[Checkpoint, ...]:
    """Checkpoints as typed: a network's name or chain id, and the root of a beacon block."""
    from verifier.trust import Checkpoint

    pins = parse_pins(given, spec, "--checkpoint")
    return tuple(Checkpoint(pin.chain_id, pin.hash) for pin in pins)


def parse_pins(pins: Sequence[str] | None, spec: AccountSpec | None, option: str = "--pin") -> tuple[PinnedBlock, ...]:
    """Pins as typed: a network's name or chain id, and a block hash."""
    from chains.registry import NETWORKS
    from verifier.app.errors import UnknownName, UsageError
    from verifier.errors import BadInput
    from verifier.primitives import nonzero_hash, parse_hex
    from verifier.trust import PinnedBlock

    known = {name: chain.network for name, chain in NETWORKS.items()}
    known |= {} if spec is None else {network.name: network for network in spec.networks.values()}
    by_id = {str(network.chain_id): network for network in known.values()}
    made = []
    for pin in pins or ():
        name, _, text = pin.partition("=")
        network = known.get(name) or by_id.get(name)
        if network is None:
            raise UnknownName("network", name, known)
        try:
            made.append(PinnedBlock(network.chain_id, nonzero_hash(parse_hex(text, "block hash"))))
        except BadInput as error:
            cure = f"write {option} NETWORK=0x and 64 hex digits"
            raise UsageError(f"{option} {name}: {error}", cure) from None
    return tuple(made)


def sealed_states(
    shelf: LightShelf | None, verified: Verified, spec: AccountSpec, now: Timestamp
) -> tuple[KeptLight, ...]:
    """The light-client states that anchored a run, for its record: an old bundle is checked again from them."""
    if shelf is None:
        return ()
    return tuple(shelf.record(spec.networks[chain], state, now) for chain, state in verified.lights.items())


def keep_and_show(
    state: State,
    found: Findings,
    *,
    as_json: bool,
    db: Path | None,
    save: Path | None = None,
    trails: bool = False,
) -> int:
    """Keep a run, write its bundle to a file where one was named, then show it: what is seen is in the store."""
    from verifier.app.findings import record_of
    from verifier.app.json_view import dumps, findings_json
    from verifier.app.report.tables import findings_view

    terminal, text = state.terminal(), dumps(findings_json(found, trails=trails))
    state.keep(record_of(found, text), db)
    if save is not None:
        write_bundle(save, found.bundle)
    if as_json:
        terminal.raw(text)
    else:
        terminal.show(findings_view(found))
        for note in found.notes:
            terminal.say(note)
    return int(found.exit_code)
