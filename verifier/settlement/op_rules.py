"""The rules of the OP Stack's registry, and of the older generation's portal, each read from proven state.

Each function establishes one rule, and raises where it does not hold; those about code say whether it was reviewed.

Source: AnchorStateRegistry, SystemConfig (3.13) and layouts of op-contracts v6, as base/contracts publishes them;
OptimismPortal2 and OptimismPortal of contracts-bedrock 0.17.
"""

from __future__ import annotations

from typing import Final

from verifier.codec.abi import mapping_slot, pad_address
from verifier.crypto.keccak import keccak256
from verifier.errors import NotSettled, WrongBinding
from verifier.primitives import Address, SlotKey, slot_key, to_hex
from verifier.settlement.op_bound import Game
from verifier.settlement.scheme import Case, check_code

REGISTRY_CONFIG: Final = slot_key(0)
"""Registry: flags, then the system config's address from byte 2."""
REGISTRY_FACTORY: Final = slot_key(1)
REGISTRY_BLACKLIST: Final = slot_key(5)
REGISTRY_RETIREMENT: Final = slot_key(6)
"""Registry: respected type (4 bytes), retirement time (8), from the low end."""
CONFIG_SUPERCHAIN: Final = slot_key(108)
"""System config: the superchain config's address, below the minimum base fee."""
CONFIG_LOCKBOX: Final = mapping_slot(b"ETH_LOCKBOX".ljust(32, b"\0"), slot_key(109))
"""System config: whether the lockbox stands for this chain where pauses are looked up. Source: Features.sol."""
PORTAL_SUPERCHAIN: Final = slot_key(53)
"""Portal of the older generations: a flag no longer used, then the superchain config's address."""
PORTAL_ORACLE: Final = slot_key(54)
"""Portal before dispute games: its output oracle."""
PORTAL_FACTORY: Final = slot_key(56)
PORTAL_BLACKLIST: Final = slot_key(58)
PORTAL_RESPECTED: Final = slot_key(59)
"""Portal of the older generation: respected type (4 bytes), time of its last change (8), from the low end."""
PORTAL_REGISTRY: Final = slot_key(62)
"""Portal since the registry took the rules over: its anchor state registry."""
PAUSES: Final = slot_key(1)
"""Superchain config: start of the pause by identifier (0: all)."""
PAUSES_OF_BASE: Final = slot_key(0)
"""The same in Base's fork of that contract. Source: base/contracts, snapshots/storageLayout/SuperchainConfig.json."""
SUPERCHAIN_PAUSED: Final = SlotKey(
    (int.from_bytes(keccak256(b"superchainConfig.paused"), "big") - 1).to_bytes(32, "big")
)
"""Superchain config of the older generation: the one flag. Source: SuperchainConfig.PAUSED_SLOT."""


def points_to_factory(case: Case, contract: Address, slot: SlotKey) -> None:
    """That a registry or portal takes its games from this factory."""
    word, factory = case.parent.word(contract, slot), case.contract("factory")
    if Address(word.word[12:]) != factory:
        raise WrongBinding(word.where, "the factory", factory, word.word[12:])


def is_the_portals(case: Case, registry: Address) -> bool:
    """
    That the portal pays by this registry and by no newer one, where the portal's code is pinned; else it is not read.

    A registry that was replaced keeps its games and its slots, and nothing in it says that nobody asks it any more.
    """
    if not case.settled.pins("portal"):
        return True
    portal = case.contract("portal")
    reviewed = check_code(case, "portal", portal)
    word = case.parent.word(portal, PORTAL_REGISTRY)
    if Address(word.word[12:]) != registry:
        raise WrongBinding(word.where, "the registry of the portal", registry, word.word[12:])
    return reviewed


def not_blacklisted(case: Case, contract: Address, base: SlotKey, game: Address) -> None:
    """That the guardian did not blacklist the game."""
    word = case.parent.word(contract, mapping_slot(pad_address(game), base))
    if any(word.word):
        raise NotSettled(word.where, f"the blacklist entry of game {to_hex(game)}", "none", word.word)


def not_retired(case: Case, registry: Address, game: Game) -> None:
    """That the game was made strictly after the retirement time."""
    word = case.parent.word(registry, REGISTRY_RETIREMENT)
    retirement = int.from_bytes(word.word, "big") >> 32 & (1 << 64) - 1
    if game.record.created <= retirement:
        raise NotSettled(
            word.where, "the game's creation", f"after the retirement time {retirement}", game.record.created
        )


def was_respected(case: Case, game: Game) -> None:
    """That the game's type was the respected one when it was made."""
    slot, offset = game.kind.respected
    word = case.parent.word(game.record.address, slot_key(slot))
    flag = int.from_bytes(word.word, "big") >> 8 * offset & 0xFF
    if flag != 1:
        raise NotSettled(word.where, "the game's type was respected when it was created", "true", flag)


def is_respected(case: Case, portal: Address, game: Game) -> None:
    """That the game's type is the respected one now, and was when it was made: the older generation's rule."""
    word = case.parent.word(portal, PORTAL_RESPECTED)
    whole = int.from_bytes(word.word, "big")
    respected, since = whole & (1 << 32) - 1, whole >> 32 & (1 << 64) - 1
    if respected != game.claim.game_type:
        raise NotSettled(word.where, "the respected game type", game.claim.game_type, respected)
    if game.record.created < since:
        raise NotSettled(word.where, "the game's creation", f"not before {since}", game.record.created)


def not_paused(case: Case, registry: Address) -> bool:
    """
    That neither the whole system nor this chain is paused. A pause that ran out counts as one: its end is code's.

    Which contract keeps the pauses is the system config's word, and which system config counts is the registry's; the
    checker's own entry may name both, and then has to agree. Source: SystemConfig.paused.
    """
    config = told_address(case, registry, REGISTRY_CONFIG, 2, "system_config", "the system config of the registry")
    reviewed = check_code(case, "system_config", config)
    what = "the superchain config of the system config"
    superchain = told_address(case, config, CONFIG_SUPERCHAIN, 0, "superchain_config", what)
    reviewed &= check_code(case, "superchain_config", superchain)
    lockbox = case.settled.contract("lockbox")
    if any(case.parent.word(config, CONFIG_LOCKBOX).word):
        lockbox = case.contract("lockbox")
    identifiers = [Address(bytes(20)), case.contract("portal"), *([] if lockbox is None else [lockbox])]
    for identifier in identifiers:
        pause = case.parent.word(superchain, mapping_slot(pad_address(identifier), pauses_of(case.settled.scheme)))
        if any(pause.word):
            since = int.from_bytes(pause.word, "big")
            raise NotSettled(pause.where, f"the pause of {to_hex(identifier)}", "none", f"paused since {since}")
    return reviewed


def told_address(case: Case, contract: Address, slot: SlotKey, offset: int, role: str, what: str) -> Address:
    """The address that a contract holds at a byte offset; the checker's own, where it names one, has to be the same."""
    word = case.parent.word(contract, slot)
    told, named = Address(word.word[12 - offset : 32 - offset]), case.settled.contract(role)
    if named is not None and told != named:
        raise WrongBinding(word.where, what, named, told)
    return told


def pauses_of(scheme: str) -> SlotKey:
    """The slot of the mapping of pauses, which two lines of the contract have at different places."""
    return PAUSES_OF_BASE if scheme == "base" else PAUSES


def superchain_runs(case: Case, portal: Address) -> bool:
    """The older generation's one pause flag, in the contract that the portal asks for it."""
    what = "the superchain config of the portal"
    superchain = told_address(case, portal, PORTAL_SUPERCHAIN, 1, "superchain_config", what)
    reviewed = check_code(case, "superchain_config", superchain)
    word = case.parent.word(superchain, SUPERCHAIN_PAUSED)
    if any(word.word):
        raise NotSettled(word.where, "the pause of the superchain", "none", word.word)
    return reviewed
