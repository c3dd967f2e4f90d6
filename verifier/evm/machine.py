"""The executable specification of Ethereum as a machine of ours: loaded on first use, one private instance per fork.

The package's interpreter, opcodes, gas and precompiles run as they are. An instance is loaded under names of its own,
so that the two seams where we join it touch no other user of the package in this process: its module `state` is ours
(proven state with an undo log), and its trace hook counts work and stops what is refused. Nothing global is changed.

The specification calls itself for each call frame; `recursion` makes room for as many as the protocol allows.

Source: ethereum/execution-specs, package `ethereum-execution` (CC0-1.0), src/ethereum/forks/<fork>/vm.
"""

from __future__ import annotations

import importlib
import re
import sys
from dataclasses import dataclass
from functools import cache, lru_cache
from types import ModuleType
from typing import Any, Final, Protocol, cast

from verifier.calls import Call, CallLimits, Work
from verifier.errors import NOWHERE, CallTooLarge, Unsupported, VerifierError, Where
from verifier.evm import state as proven_state
from verifier.evm.environment import Environment
from verifier.evm.precompiles import precompile_work
from verifier.evm.recursion import deep_recursion
from verifier.evm.state import Numbers, State
from verifier.forks import Fork
from verifier.primitives import Hash32

_PREFIX: Final = "verifier.evm._spec_"
_FRAME_COST: Final = 40
"""Units of work for a call frame: building it costs about as much as this many opcodes."""
_CODE_PER_STEP: Final = 128
"""Bytes of code for a unit of work: new code is searched for its jump destinations once."""
_FAULTS: Final = (ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, TypeError, ValueError)
_LOGS: Final = frozenset({"LOG0", "LOG1", "LOG2", "LOG3", "LOG4"})
_BEFORE_PRAGUE: Final = (Fork.LONDON, Fork.PARIS, Fork.SHANGHAI, Fork.CANCUN)
_JUMPDEST: Final = 0x5B
_PUSH1: Final = 0x60
_JUMPS: Final = re.compile(b"\\x5b|" + b"|".join(b"\\x%02x.{0,%d}" % (_PUSH1 + n, n + 1) for n in range(32)), re.DOTALL)
"""A JUMPDEST, or PUSH1 to PUSH32 with their data."""


class BlockHashes(Protocol):
    """Where BLOCKHASH gets its answers."""

    def hash_of(self, height: int) -> Hash32:
        """The proven hash of one of the 256 blocks before the call's own; raises where nothing proves it."""
        ...


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run ended: with output, or reverted with data, or halted by an exception of the machine (named)."""

    output: bytes
    reverted: bool
    halted: str | None
    gas_left: int
    steps: int


class _Meter:
    """Counts the work of one run, and refuses what may not be run here."""

    __slots__ = ("code_names", "depth", "env", "frames", "limits", "steps", "where")

    def __init__(self, env: Environment, limits: CallLimits, where: Where) -> None:
        self.env, self.limits, self.where = env, limits, where
        self.steps = self.frames = self.depth = 0

    def work(self, units: int) -> None:
        """Count units of work, before they are done."""
        self.steps += units
        if self.steps > self.limits.steps:
            raise CallTooLarge(self.where, "steps", self.limits.steps, self.steps)

    def enter(self, code_address: bytes | None, code: bytes) -> None:
        """A call frame is about to begin."""
        self.frames += 1
        self.depth += 1
        if self.depth > self.limits.depth:
            raise CallTooLarge(self.where, "call frames inside each other", self.limits.depth, self.depth)
        if self.frames > self.limits.frames:
            raise CallTooLarge(self.where, "call frames", self.limits.frames, self.frames)
        self.work(_FRAME_COST + len(code) // _CODE_PER_STEP)
        if code.startswith(self.env.rules.refused_code) if self.env.rules.refused_code else False:
            raise Unsupported(self.where.at(address=code_address), "code that is no EVM code")

    def opcode(self, name: str) -> None:
        """An opcode is about to run."""
        self.steps += 1
        if self.steps > self.limits.steps:
            raise CallTooLarge(self.where, "steps", self.limits.steps, self.steps)
        if name in self.env.rules.refused_opcodes:
            raise Unsupported(self.where, f"the opcode {name}, which means something else on this network")


class JumpDestinations:
    """The places of JUMPDEST in some code that are no data of a PUSH: a byte for each, not an integer."""

    __slots__ = ("_marks",)

    def __init__(self, code: bytes) -> None:
        marks = bytearray(len(code))
        for found in _JUMPS.finditer(code):
            start = found.start()
            marks[start] = code[start] == _JUMPDEST
        self._marks = bytes(marks)

    def __contains__(self, place: object) -> bool:
        index = int(cast("int", place))
        return index < len(self._marks) and self._marks[index] == 1


class Machine:
    """One fork's interpreter. It holds no state of a run, so threads may share it."""

    def __init__(self, fork: Fork) -> None:
        self.fork = fork
        self._vm, self._interpreter = _load(fork)
        types = importlib.import_module(f"{_PREFIX}{fork.value}.fork_types")
        numeric = importlib.import_module("ethereum_types.numeric")
        self._bytes = importlib.import_module("ethereum_types.bytes")
        self.numbers = Numbers(numeric.Uint, numeric.U256, types.Address, types.EMPTY_ACCOUNT)
        self._u64 = numeric.U64
        self.precompiles = frozenset(int.from_bytes(a, "big") for a in self._interpreter.PRE_COMPILED_CONTRACTS)

    def run(
        self,
        call: Call,
        env: Environment,
        state: State,
        hashes: BlockHashes,
        limits: CallLimits,
        where: Where,
        work: Work | None = None,
    ) -> Finished:
        """
        Run a call to its end.

        Args:
            work: What is done comes off it, however the run ends.

        Raises:
            VerifierError: Whatever reading the state or a block hash raises; bounds and refused parts of the machine.
        """
        meter = _Meter(env, limits, where)
        try:
            ended = self._ended(self._message(call, env, state, hashes, meter), state, meter)
        except VerifierError as error:
            raise _without_frames(error) from error.__cause__
        finally:
            if work is not None:
                work.left -= min(meter.steps, limits.steps)
        output = bytes(ended.output)
        if len(output) > limits.output_bytes:
            raise CallTooLarge(where, "bytes of output", limits.output_bytes, len(output))
        name = None if ended.error is None else type(ended.error).__name__
        reverted = name == "Revert"
        return Finished(output, reverted, None if reverted else name, int(ended.gas_left), meter.steps)

    def _ended(self, message: Any, state: State, meter: _Meter) -> Any:  # noqa: ANN401
        try:
            with deep_recursion():
                return self._interpreter.process_message(self._delegated(message, state))
        except RecursionError:
            raise CallTooLarge(meter.where, "call frames inside each other", meter.limits.depth, meter.depth) from None
        except _FAULTS as error:
            # The specification assumes valid blocks; what it trips over in hostile code is no answer.
            what = f"the executable specification stopped with {type(error).__name__} in this call"
            raise Unsupported(meter.where, what) from error

    def _delegated(self, message: Any, state: State) -> Any:  # noqa: ANN401
        """The message with its delegate's code, where the called account delegates (EIP-7702)."""
        if self.fork in _BEFORE_PRAGUE:
            return message
        delegate = self._interpreter.get_delegated_code_address(message.code)
        if delegate is not None:
            message.disable_precompiles = True
            message.accessed_addresses.add(delegate)
            message.code = proven_state.get_account(state, delegate).code
            message.code_address = delegate
        return message

    def _message(self, call: Call, env: Environment, state: State, hashes: BlockHashes, meter: _Meter) -> Any:  # noqa: ANN401 - a value of the package, handed straight back to it
        uint, u256, address = self.numbers.uint, self.numbers.u256, self.numbers.address
        block = self._block(env, state, _HashList(env, hashes))
        block.meter = meter
        sender, target = address(call.sender), address(call.to)
        gas = call.gas - intrinsic_gas(call.data)
        if gas < 0:
            raise CallTooLarge(meter.where, "gas, after what the call data costs", call.gas, intrinsic_gas(call.data))
        warm = {sender, target, *self._interpreter.PRE_COMPILED_CONTRACTS}
        if env.fork not in (Fork.LONDON, Fork.PARIS):
            warm.add(address(env.beneficiary))  # EIP-3651
        wanted = {
            "origin": sender,
            "gas_price": uint(0),
            "gas": uint(gas),
            "access_list_addresses": set(),
            "access_list_storage_keys": set(),
            "transient_storage": proven_state.TransientStorage(u256(0)),
            "blob_versioned_hashes": (),
            "authorizations": (),
            "index_in_block": None,
            "tx_hash": None,
        }
        tx = _made(self._vm.TransactionEnvironment, wanted)
        return _made(
            self._vm.Message,
            {
                "block_env": block,
                "tx_env": tx,
                "caller": sender,
                "target": target,
                "current_target": target,
                "gas": uint(gas),
                "value": u256(0),
                "data": call.data,
                "code_address": target,
                "code": proven_state.get_account(state, target).code,
                "depth": uint(0),
                "should_transfer_value": True,
                "is_static": False,
                "accessed_addresses": warm,
                "accessed_storage_keys": set(),
                "disable_precompiles": False,
                "parent_evm": None,
            },
        )

    def _block(self, env: Environment, state: State, hashes: _HashList) -> Any:  # noqa: ANN401
        uint, u256 = self.numbers.uint, self.numbers.u256
        values = {
            "chain_id": self._u64(env.chain_id),
            "state": state,
            "block_gas_limit": uint(env.gas_limit),
            "block_hashes": hashes,
            "coinbase": self.numbers.address(env.beneficiary),
            "number": uint(env.number),
            "base_fee_per_gas": uint(env.base_fee),
            "time": u256(env.time),
            "difficulty": uint(env.difficulty),
            "prev_randao": self._bytes.Bytes32(env.mix_hash),
            "excess_blob_gas": self._u64(env.excess_blob_gas),
            "parent_beacon_block_root": self._bytes.Bytes32(bytes(32)),
        }
        return _made(self._vm.BlockEnvironment, values)


class _HashList:
    """The package's list of recent block hashes: it is indexed from its end, -1 being the parent's."""

    __slots__ = ("_env", "_hashes")

    def __init__(self, env: Environment, hashes: BlockHashes) -> None:
        self._env, self._hashes = env, hashes

    def __getitem__(self, back: object) -> bytes:
        return self._hashes.hash_of(self._env.height + int(cast("int", back)))


def intrinsic_gas(data: bytes) -> int:
    """What a transaction with this call data costs before its first step (EIP-2028)."""
    zeros = data.count(0)
    return 21_000 + 4 * zeros + 16 * (len(data) - zeros)


def machine(fork: Fork, where: Where = NOWHERE) -> Machine:
    """
    The machine of a fork; the package is loaded here, and nowhere earlier.

    Raises:
        Unsupported: The package is not installed.
    """
    try:
        return _machine(fork)
    except ModuleNotFoundError as error:
        what = f"calls: the executable specification is not installed ({error.name} is missing)"
        raise Unsupported(where, what, _cure(sys.version_info[:2])) from None


def _cure(python: tuple[int, ...]) -> str:
    """The package allows no coincurve after 20; the wheels for Python 3.13 are of 21, and later ones have none."""
    if python > (3, 13):
        return "use Python 3.11 to 3.13"
    alone = "--no-deps " if python == (3, 13) else ""
    return f"pip install {alone}'ethereum-execution>=2.20,<2.21'"


@cache
def _machine(fork: Fork) -> Machine:
    # The package raises the recursion limit for the whole process, to where parsers in C run out of stack before they
    # are stopped; here that is undone.
    with deep_recursion():
        return Machine(fork)


def _without_frames(error: VerifierError) -> VerifierError:
    """The error without the frames it came through: they hold the machine's memory, and errors are kept."""
    error.__context__ = error.__cause__
    if error.__cause__ is not None:
        error.__cause__.__context__ = None
        error.__cause__.__traceback__ = None
    return error.with_traceback(None)


def _made(kind: Any, values: dict[str, object]) -> Any:  # noqa: ANN401
    """An object of the package with those of the values that its fork's class has fields for."""
    return kind(**{name: values[name] for name in kind.__dataclass_fields__})


def _load(fork: Fork) -> tuple[Any, Any]:
    """The fork's modules under names of our own, joined to our state and to the meter of whichever run is going on."""
    base = importlib.import_module(f"ethereum.forks.{fork.value}")
    name = _PREFIX + fork.value
    package = ModuleType(name)
    package.__path__ = list(base.__path__)
    sys.modules[name] = package
    sys.modules[f"{name}.state"] = proven_state.module(f"{name}.state")
    vm = importlib.import_module(f"{name}.vm")
    interpreter = importlib.import_module(f"{name}.vm.interpreter")
    gas = importlib.import_module(f"{name}.vm.gas")
    _join(interpreter, gas, importlib.import_module(f"{name}.vm.instructions.environment"))
    return vm, interpreter


def _join(interpreter: Any, gas: Any, environment: Any) -> None:  # noqa: ANN401
    if getattr(interpreter, "is_joined", False):
        return
    interpreter.is_joined = True
    trace = importlib.import_module("ethereum.trace")
    begun, precompile = trace.OpStart, trace.PrecompileStart

    def on_event(evm: Any, event: Any) -> None:  # noqa: ANN401
        kind = type(event)
        if kind is begun:
            name = event.op.name
            evm.message.block_env.meter.opcode(name)
            if name in _LOGS:  # the specification copies all logs for each
                evm.message.block_env.meter.work(len(evm.logs) // _CODE_PER_STEP)
        elif kind is precompile:
            number = int.from_bytes(event.address, "big")
            evm.message.block_env.meter.work(precompile_work(number, evm.message.data, int(evm.gas_left)))

    process = interpreter.process_message

    def process_message(message: Any) -> Any:  # noqa: ANN401
        meter = message.block_env.meter
        meter.enter(message.code_address, message.code)
        meter.work((len(message.accessed_addresses) + len(message.accessed_storage_keys)) // _CODE_PER_STEP)
        ended = process(message)
        meter.depth -= 1
        return ended

    interpreter.evm_trace = on_event
    interpreter.process_message = process_message
    interpreter.get_valid_jump_destinations = lru_cache(maxsize=256)(JumpDestinations)
    # EXTCODEHASH hashes the whole code each time, at the price of one opcode.
    environment.keccak256 = lru_cache(maxsize=256)(environment.keccak256)
    gas.evm_trace = _nothing


def _nothing(evm: object, event: object) -> None:
    """Gas events are of no interest."""


__all__ = ["BlockHashes", "Finished", "Machine", "intrinsic_gas", "machine"]
