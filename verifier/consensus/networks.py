"""The beacon chains that are known, as values from review; and a development network described by data.

Fork versions, epochs, genesis values and blob schedules are those of the networks' published configurations. Mainnet's
(Altair to Electra) and Sepolia's (Deneb, Electra) are confirmed by real signatures in the tests.

How old a checkpoint may be is the weak subjectivity period: with a safety decay of 10 % and 8 to 36 million ETH at
stake 15.7 days up to Fulu and 6.0 to 7.0 days from Gloas on (EIP-8061), so 14 and 6 days. The period is never below
`MIN_VALIDATOR_WITHDRAWABILITY_DELAY`, 256 epochs, and with little at stake it is hardly more: that bound is taken where
the stake is small (Sepolia) or unknown (development networks). Gnosis has a churn quotient of 4096 and shorter epochs;
no published figure was found, and one day is taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from verifier.consensus.forks import FAR_FUTURE, FORKS, ConsensusConfig, Fork, ForkRow
from verifier.consensus.presets import GNOSIS, MAINNET, PRESETS, Preset
from verifier.errors import BadInput, Unsupported, Where
from verifier.primitives import MAX_UINT64, ChainId, Hash32, Timestamp, chain_id, hash32, parse_hex

_DAY: Final = 86_400
_WITHDRAWABILITY: Final = 256
_MAX_ROWS: Final = 64
_NAME: Final = re.compile(r"([A-Z][A-Z0-9]{0,31})_FORK_(EPOCH|VERSION)", re.ASCII)


def _rows(versions: str, *epochs: int) -> tuple[ForkRow, ...]:
    """Rows from Phase 0 on, one for each epoch; versions as their hex, in order."""
    return tuple(
        ForkRow(fork.value, bytes.fromhex(version), epoch)
        for fork, version, epoch in zip(FORKS, versions.split(), epochs, strict=False)
    )


_ETHEREUM: Final = ConsensusConfig(
    ChainId(1),
    "ethereum",
    MAINNET,
    Timestamp(1_606_824_023),
    Hash32(bytes.fromhex("4b363db94e286120d76eb905340fdd4e54bfe9f06bf33ff6cf5ad27f511bfe95")),
    12_000,
    _rows(
        "00000000 01000000 02000000 03000000 04000000 05000000 06000000",
        *(0, 74_240, 144_896, 194_048, 269_568, 364_032, 411_392),
    ),
    ((412_672, 15), (419_072, 21)),
    9,
    ((0, 14 * _DAY),),
    ("ethereum/consensus-specs, configs/mainnet.yaml",),
)
_SEPOLIA: Final = ConsensusConfig(
    ChainId(11_155_111),
    "sepolia",
    MAINNET,
    Timestamp(1_655_733_600),
    Hash32(bytes.fromhex("d8ea171f3c94aea21ebc42a1ed61052acf3f9209c00e4efbaaddac09ed9b8078")),
    12_000,
    _rows(
        "90000069 90000070 90000071 90000072 90000073 90000074 90000075 90000076",
        *(0, 50, 100, 56_832, 132_608, 222_464, 272_640, 353_024),
    ),
    ((274_176, 15), (275_712, 21)),
    9,
    ((0, _WITHDRAWABILITY * 32 * 12),),
    ("eth-clients/sepolia, metadata/config.yaml", "Gloas: eth-clients/sepolia #126"),
)
_HOODI: Final = ConsensusConfig(
    ChainId(560_048),
    "hoodi",
    MAINNET,
    Timestamp(1_742_213_400),
    Hash32(bytes.fromhex("212f13fc4df078b6cb7db228f1c8307566dcecf900867401a92023d7ba99cb5f")),
    12_000,
    _rows("10000910 20000910 30000910 40000910 50000910 60000910 70000910", *(0, 0, 0, 0, 0, 2_048, 50_688)),
    ((52_480, 15), (54_016, 21)),
    9,
    ((0, 14 * _DAY),),
    ("eth-clients/hoodi, metadata/config.yaml",),
)
_GNOSIS: Final = ConsensusConfig(
    ChainId(100),
    "gnosis",
    GNOSIS,
    Timestamp(1_638_993_340),
    Hash32(bytes.fromhex("f5dcb5564e829aab27264b9becd5dfaa017085611224cb3036f573368dbb9d47")),
    5_000,
    _rows(
        "00000064 01000064 02000064 03000064 04000064 05000064 06000064",
        *(0, 512, 385_536, 648_704, 889_856, 1_337_856, 1_714_688),
    ),
    (),
    2,
    ((0, _DAY),),
    ("gnosischain/configs, mainnet/config.yaml",),
)
_CHIADO: Final = ConsensusConfig(
    ChainId(10_200),
    "chiado",
    GNOSIS,
    Timestamp(1_665_396_300),
    Hash32(bytes.fromhex("9d642dac73058fbf39c0ae41ab1e34e4d889043cb199851ded7095bc99eb4c1e")),
    5_000,
    _rows(
        "0000006f 0100006f 0200006f 0300006f 0400006f 0500006f 0600006f",
        *(0, 90, 180, 244_224, 516_608, 948_224, 1_353_216),
    ),
    (),
    2,
    ((0, _DAY),),
    ("gnosischain/configs, chiado/config.yaml",),
)

CONFIGS: Final[Mapping[ChainId, ConsensusConfig]] = MappingProxyType(
    {config.chain_id: config for config in (_ETHEREUM, _SEPOLIA, _HOODI, _GNOSIS, _CHIADO)}
)


def consensus_of(chain: ChainId) -> ConsensusConfig:
    """
    The beacon chain that carries an execution network.

    Raises:
        Unsupported: None is known for it.
    """
    config = CONFIGS.get(chain)
    if config is None:
        raise Unsupported(
            Where(network=f"chain {chain}"), "no beacon chain is known for this network", "give its configuration"
        )
    return config


def parse_config(
    spec: Mapping[str, object], genesis: Mapping[str, object], chain: int, name: str = "devnet"
) -> ConsensusConfig:
    """
    A beacon chain as data describe it: the checker's own words, taken as far as they go.

    Forks of unknown names are kept with their epochs, so that a slot in one of them is refused.

    Args:
        spec: As `/eth/v1/config/spec` or a config file has it: names to decimal or hex text, or to integers.
        genesis: `genesis_time` and `genesis_validators_root`, as `/eth/v1/beacon/genesis` has them.

    Raises:
        BadInput: A value is missing, or not what its name says.
    """
    preset = _preset(spec)
    slot_ms = _uint(spec, "SLOT_DURATION_MS", None) or 1000 * _uint(spec, "SECONDS_PER_SLOT")
    rows = _schedule(spec)
    electra = any(row.fork is Fork.ELECTRA for row in rows)
    delay = _uint(spec, "MIN_VALIDATOR_WITHDRAWABILITY_DELAY", _WITHDRAWABILITY)
    return ConsensusConfig(
        chain_id(chain),
        name,
        preset,
        Timestamp(_uint(genesis, "genesis_time")),
        hash32(parse_hex(genesis.get("genesis_validators_root"), "genesis_validators_root")),
        slot_ms,
        rows,
        _blobs(spec),
        _uint(spec, "MAX_BLOBS_PER_BLOCK_ELECTRA", 9) if electra else None,
        ((0, max(1, delay * preset.slots_per_epoch * slot_ms // 1000)),),
        ("described by the user",),
    )


def _preset(spec: Mapping[str, object]) -> Preset:
    base = PRESETS.get(str(spec.get("PRESET_BASE", MAINNET.name)))
    if base is None:
        raise BadInput("PRESET_BASE", f"one of {', '.join(PRESETS)}", spec.get("PRESET_BASE"))
    return Preset(
        base.name,
        _uint(spec, "SLOTS_PER_EPOCH", base.slots_per_epoch),
        _uint(spec, "EPOCHS_PER_SYNC_COMMITTEE_PERIOD", base.epochs_per_period),
        _uint(spec, "SYNC_COMMITTEE_SIZE", base.committee_size),
        _uint(spec, "SLOTS_PER_HISTORICAL_ROOT", base.block_roots),
    )


def _schedule(spec: Mapping[str, object]) -> tuple[ForkRow, ...]:
    """Scheduled forks in their order: by epoch, and within one epoch known forks as they came, unknown ones last."""
    rows = [ForkRow(Fork.PHASE0.value, _version(spec, "GENESIS_FORK_VERSION"), 0)]
    for key in spec:
        match = _NAME.fullmatch(key)
        if match is None or match[2] != "EPOCH":
            continue
        epoch = _uint(spec, key)
        if epoch < FAR_FUTURE:
            rows.append(ForkRow(match[1].lower(), _version(spec, f"{match[1]}_FORK_VERSION"), epoch))
    if len(rows) > _MAX_ROWS:
        raise BadInput("fork schedule", f"at most {_MAX_ROWS} forks", len(rows))
    return tuple(sorted(rows, key=lambda row: (row.epoch, FORKS.index(row.fork) if row.fork else len(FORKS))))


def _blobs(spec: Mapping[str, object]) -> tuple[tuple[int, int], ...]:
    entries = spec.get("BLOB_SCHEDULE", [])
    if not isinstance(entries, list) or len(entries) > _MAX_ROWS:
        raise BadInput("BLOB_SCHEDULE", f"a list of at most {_MAX_ROWS} entries", entries)
    found: list[tuple[int, int]] = []
    for entry in entries:
        if not isinstance(entry, dict):
            raise BadInput("BLOB_SCHEDULE", "entries with EPOCH and MAX_BLOBS_PER_BLOCK", entry)
        found.append((_uint(entry, "EPOCH"), _uint(entry, "MAX_BLOBS_PER_BLOCK")))
    return tuple(sorted(found))


def _uint(values: Mapping[str, object], name: str, default: int | None = -1) -> int:
    """An unsigned 64-bit integer by its name; without a default (-1) it must be there; None stands for zero."""
    value = values.get(name)
    if value is None and default != -1:
        return default or 0
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,20}", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_UINT64:
        raise BadInput(name, "an unsigned 64-bit integer", value)
    return value


def _version(spec: Mapping[str, object], name: str) -> bytes:
    version = parse_hex(spec.get(name), name)
    if len(version) != 4:
        raise BadInput(name, "4 bytes", version)
    return version
