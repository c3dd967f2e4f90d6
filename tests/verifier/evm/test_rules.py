"""Under which rules a call runs: those of the network's own fork, and what its family changes, refused by name."""

from __future__ import annotations

import dataclasses

import pytest

from chains import arbitrum_one, base, ethereum, optimism, sepolia
from tests.simulators.evm_world import OTHER, TO, Account, EvmWorld, returns_top
from tests.verifier.evm.running import run
from verifier.errors import Unsupported
from verifier.evm.environment import environment
from verifier.forks import Fork
from verifier.proven import Ended, mint

# --- rules -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "before", "since"),
    [("5f", Fork.PARIS, Fork.SHANGHAI), ("60015c", Fork.SHANGHAI, Fork.CANCUN), ("60011e", Fork.PRAGUE, Fork.OSAKA)],
    ids=["PUSH0", "TLOAD", "CLZ"],
)
def test_opcodes_begin_with_their_fork(code, before, since):
    """The block's own fork decides, on both sides of its border."""
    assert run(returns_top(bytes.fromhex(code)), fork=before).halted == "InvalidOpcode"
    assert run(returns_top(bytes.fromhex(code)), fork=since).ended is Ended.RETURNED


@pytest.mark.parametrize(
    ("network", "number", "time", "fork"),
    [
        (ethereum.NETWORK, 15_537_393, 1_663_224_162, Fork.LONDON),
        (ethereum.NETWORK, 15_537_394, 1_663_224_179, Fork.PARIS),
        (ethereum.NETWORK, 22_431_083, 1_746_612_310, Fork.CANCUN),
        (ethereum.NETWORK, 22_431_084, 1_746_612_311, Fork.PRAGUE),
        (ethereum.NETWORK, 23_935_694, 1_764_798_551, Fork.OSAKA),
        (ethereum.NETWORK, 24_100_000, 1_767_747_671, Fork.BPO2),
        (optimism.NETWORK, 140_000_000, 1_746_806_401, Fork.PRAGUE),
        (optimism.NETWORK, 150_000_000, 1_783_526_401, Fork.OSAKA),
    ],
)
def test_the_fork_is_the_networks_own(network, number, time, fork):
    """At each border of a schedule, by number and by time."""
    assert environment(header_of(network, number, time)).fork is fork


@pytest.mark.parametrize(
    ("network", "number", "time", "word"),
    [
        (ethereum.NETWORK, 12_964_999, 1_628_166_800, "before London"),
        (sepolia.NETWORK, 9_000_000, 1_791_294_816, "amsterdam"),
        (base.NETWORK, 40_000_000, 1_782_410_400, "beryl"),
    ],
)
def test_a_fork_that_cannot_be_run_is_named(network, number, time, word):
    """A block before the first or after the last fork that is covered is refused, not run under a neighbour's rules."""
    with pytest.raises(Unsupported, match=word):
        environment(header_of(network, number, time))


def test_appended_header_fields_are_a_later_fork():
    """A header with the fields of Amsterdam runs under rules that are not here, whatever the schedule says."""
    world = EvmWorld({TO: Account(b"\x00")}, extra=(b"\x11" * 32, b"\x01"))
    with pytest.raises(Unsupported, match="appended header fields"):
        environment(world.header)


def test_a_family_without_a_modelled_machine_is_refused():
    """Nothing is guessed for networks whose rules nobody reviewed."""
    world = EvmWorld({TO: Account(b"\x00")}, rules=None)
    with pytest.raises(Unsupported, match="not modelled"):
        environment(world.header)


def header_of(network, number: int, time: int):
    """A header of a network, minted by hand: its number and time are what decides."""
    made = EvmWorld({TO: Account(b"\x00")}).header
    values = {f.name: getattr(made, f.name) for f in dataclasses.fields(made)}
    return mint(type(made), **{**values, "network": network, "number": number, "timestamp": time})


# --- families --------------------------------------------------------------------------------------------


def arbitrum(code: str, **more):
    mix = (
        (5).to_bytes(8, "big") + (21_000_123).to_bytes(8, "big") + more.pop("version", 40).to_bytes(8, "big") + bytes(8)
    )
    rules, forks = arbitrum_one.NETWORK.family.evm, arbitrum_one.NETWORK.forks
    return run(returns_top(bytes.fromhex(code)), rules=rules, forks=forks, mix_hash=mix, **more)


def test_on_arbitrum_number_is_the_l1_block_of_the_header():
    """And the ArbOS version in the header decides the fork."""
    assert int.from_bytes(arbitrum("43").output, "big") == 21_000_123
    assert arbitrum("60011e", version=40).halted == "InvalidOpcode"
    assert arbitrum("60011e", version=50).ended is Ended.RETURNED
    with pytest.raises(Unsupported, match="ArbOS after 60"):
        arbitrum("43", version=61)


@pytest.mark.parametrize(
    ("code", "word"),
    [("61ffff40", "BLOCKHASH"), ("44", "PREVRANDAO"), ("4a", "BLOBBASEFEE"), ("600049", "BLOBHASH")],
)
def test_on_arbitrum_opcodes_that_mean_something_else_are_refused_by_name(code, word):
    """BLOCKHASH speaks of L1 blocks there; blobs do not exist."""
    with pytest.raises(Unsupported, match=word):
        arbitrum(code)


@pytest.mark.parametrize("address", [0x64, 0x6C, 0xFF, 0x100, 0x0B])
def test_on_arbitrum_its_own_precompiles_are_refused_by_name(address):
    """ArbSys and the others answer from state of ArbOS; a call of them is no call of an empty account."""
    with pytest.raises(Unsupported, match="precompile"):
        arbitrum(f"5f5f5f5f61{address:04x}5afa")


@pytest.mark.parametrize("version", [1, 11, 20, 40, 50])
@pytest.mark.parametrize("way", ["f1", "f2", "f4", "fa"], ids=["CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"])
def test_no_way_of_calling_reaches_a_precompile_that_is_not_here(way, version):
    """In every fork, also with no gas to give; of the number before the first there is an account like any."""
    arguments = "6000" * (5 if way in {"f1", "f2"} else 4)
    assert arbitrum(f"{arguments}60636000{way}", version=version).ended is Ended.RETURNED
    with pytest.raises(Unsupported, match=r"precompile at 0x64 to 0xff"):
        arbitrum(f"{arguments}60646000{way}", version=version)


@pytest.mark.parametrize(
    "opcode", ["31", "3b", "3f", "ff"], ids=["BALANCE", "EXTCODESIZE", "EXTCODEHASH", "SELFDESTRUCT"]
)
def test_a_precompile_that_is_not_here_is_not_looked_at_either(opcode):
    """Warm there and cold here: what is left of the gas would tell the two apart. Its neighbours are accounts as any."""
    assert arbitrum(f"6063{opcode}").ended is Ended.RETURNED
    for address in ("64", "ff"):
        with pytest.raises(Unsupported, match=r"precompile at 0x64 to 0xff") as refused:
            arbitrum(f"60{address}{opcode}")
        assert refused.value.where.address == bytes(19) + bytes.fromhex(address)
    rules = optimism.NETWORK.family.evm
    assert run(bytes.fromhex(f"610101{opcode}"), rules=rules, fork=Fork.PRAGUE).ended is Ended.RETURNED
    with pytest.raises(Unsupported, match="P256VERIFY"):
        run(bytes.fromhex(f"610100{opcode}"), rules=rules, fork=Fork.PRAGUE)


def test_a_stylus_program_is_no_evm_code():
    """Code that begins with 0xeff0 runs in another machine."""
    others = {OTHER: Account(bytes.fromhex("eff00000") + b"\x01" * 20)}
    with pytest.raises(Unsupported, match="no EVM code"):
        arbitrum("5f5f5f5f73" + OTHER.hex() + "5afa", others=others)


def test_on_the_op_stack_p256_is_refused_by_name():
    """Its price there is not Ethereum's."""
    rules = optimism.NETWORK.family.evm
    with pytest.raises(Unsupported, match="P256VERIFY"):
        run(returns_top(bytes.fromhex("5f5f5f5f6101005afa")), rules=rules, fork=Fork.PRAGUE)
    assert run(returns_top(bytes.fromhex("43")), rules=rules, fork=Fork.PRAGUE).ended is Ended.RETURNED
