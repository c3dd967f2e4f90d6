"""Uniswap v3: the time-weighted average price of a pool between two proven observations, as the pool itself would say
it.

A pool's price at one moment can be moved inside a block, so it is never used. What it accumulates can be moved only by
holding the price there: the mean tick over a window is the difference of two accumulated values over its length,
rounded down. The older value lies between two observations of a ring; they are searched for sixteen at a time.

The coins stand in the pool's code, not in its storage: that the pool is the one of its factory, coins and fee, follows
from its address.

Source: @uniswap/v3-core 1.0.1 contracts/libraries/Oracle.sol; v3-periphery OracleLibrary.sol (consult, getQuoteAtTick).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifier.assets.reader import Reader
from verifier.assets.uniswap_v3 import INIT_CODE
from verifier.claims import PriceClaim
from verifier.codec.abi import field, pad_address, pad_uint
from verifier.codec.ticks import sqrt_price_at
from verifier.crypto.keccak import keccak256
from verifier.errors import BadPrice, Where, WrongBinding
from verifier.positions import Given
from verifier.prices.judges import check_digits, is_judged
from verifier.prices.quote import SCALE, Observed, power
from verifier.primitives import Address, slot_key
from verifier.proven import ProvenWord

PRICE, LIQUIDITY, OBSERVATIONS = 0, 4, 8
AT_ONCE: Final = 16
SHORTEST: Final = 60
LONGEST: Final = 7 * 86_400
_TIMES: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Parameters:
    """The pool's `factory`, coins and `fee`; `leg`: which coin is priced, in the other; `digits` of both; `window`;
    `least`; `judged`: by the coins' own digits too.
    """

    coins: tuple[Address, Address]
    fee: int
    leg: int
    digits: tuple[int, int]
    window: int
    least: int
    judged: bool


def parse(given: Given, contract: Address) -> Parameters:
    """
    A window of a pool.

    Raises:
        WrongBinding: The pool is not the one of its factory, coins and fee.
    """
    factory, init = given.address("factory"), given.hash("init_code", INIT_CODE)
    coins, fee = (given.address("coin0"), given.address("coin1")), given.uint("fee", most=(1 << 24) - 1)
    salt = keccak256(pad_address(coins[0]) + pad_address(coins[1]) + pad_uint(fee))
    made = Address(keccak256(b"\xff" + factory + salt + init)[12:])
    if made != contract:
        raise WrongBinding(Where(address=contract), "the pool of this factory, coins and fee", made, contract)
    digits = given.uint("decimals0", most=36), given.uint("decimals1", most=36)
    window = given.uint("window", 1_800, most=LONGEST)
    if window < SHORTEST:
        raise BadPrice(Where(address=contract), f"a window of at least {SHORTEST} s is due", window)
    return Parameters(
        coins, fee, given.uint("leg", most=1), digits, window, given.uint("least_liquidity", 0), is_judged(given)
    )


def read(of: Parameters, claim: PriceClaim, reader: Reader) -> Observed:
    """
    The average price over the window that ends with the block.

    Raises:
        BadPrice: The pool's memory does not reach back that far, or its liquidity is below what is asked for.
        CrossCheckFailed, CallFailed: A coin, where it judges, counts in other digits or does not say.
    """
    for coin, digits in zip(of.coins, of.digits, strict=True) if of.judged else ():
        check_digits(coin, digits, reader)
    head, liquidity = reader.words((claim.contract, [PRICE, LIQUIDITY]))
    if field(liquidity.word, 0, 128) < of.least:
        raise BadPrice(liquidity.where, f"liquidity of at least {of.least} is due", field(liquidity.word, 0, 128))
    ring = _Ring(claim.contract, reader, field(head.word, 184, 16), field(head.word, 200, 16))
    if ring.index >= ring.size:
        raise BadPrice(head.where, "the pool has no price yet: it remembers no observation", ring.size)
    newest = ring.at([ring.index])[0]
    tick = field(head.word, 160, 24, signed=True)
    now = _sum(newest) + tick * ((reader.time - _time(newest)) % _TIMES)
    then = ring.accumulated(of.window, tick, newest)
    mean = (now - then) // of.window
    price = quote(mean, of.leg, of.digits)
    if price <= 0:
        raise BadPrice(newest.where, "the average is below the last digit of a price", price)
    return Observed(price, reader.time, newest)


def quote(tick: int, leg: int, digits: tuple[int, int]) -> int:
    """One whole unit of a coin at a tick, in 1e-18 of the other, rounded down."""
    root = sqrt_price_at(tick)
    ratio, one = root * root, 1 << 192
    up, down = (ratio, one) if leg == 0 else (one, ratio)
    return up * SCALE * power(digits[leg]) // (down * power(digits[1 - leg]))


class _Ring:
    """A pool's observations: `size` of them, the newest at `index`."""

    def __init__(self, pool: Address, reader: Reader, index: int, size: int) -> None:
        self.pool, self.reader, self.index, self.size = pool, reader, index, size

    def at(self, places: list[int]) -> list[ProvenWord]:
        """Observations by their places in the ring."""
        return self.reader.words((self.pool, [slot_key(OBSERVATIONS + place) for place in places]))

    def accumulated(self, back: int, tick: int, newest: ProvenWord) -> int:
        """The accumulated tick some seconds before the block."""
        target = (self.reader.time - back) % _TIMES
        if self._ago(_time(newest)) >= back:
            return _sum(newest) + tick * ((target - _time(newest)) % _TIMES)
        before, after = self._around(back, newest)
        span = (_time(after) - _time(before)) % _TIMES
        part = (target - _time(before)) % _TIMES
        if _time(before) == target:
            return _sum(before)
        if _time(after) == target:
            return _sum(after)
        return _sum(before) + _toward_zero(_sum(after) - _sum(before), span) * part

    def _around(self, back: int, newest: ProvenWord) -> tuple[ProvenWord, ProvenWord]:
        """The observations on both sides of a moment. Places count from the oldest, 0, to the newest."""
        first = (self.index + 1) % self.size
        oldest = self.at([first])[0]
        if not field(oldest.word, 248, 8):
            first, oldest = 0, self.at([0])[0]
        count = (self.index - first) % self.size + 1
        if self._ago(_time(oldest)) < back:
            raise BadPrice(oldest.where, f"the pool remembers {self._ago(_time(oldest))} s", back)
        low, high, found = 0, count - 1, {0: oldest, count - 1: newest}
        while high - low > 1:
            step = max(1, (high - low) // AT_ONCE)
            places = [p for p in range(low + step, high, step) if p not in found]
            found.update(zip(places, self.at([(first + p) % self.size for p in places]), strict=True))
            low = max(p for p, word in found.items() if self._ago(_time(word)) >= back)
            high = min(p for p, word in found.items() if self._ago(_time(word)) < back)
        return found[low], found[high]

    def _ago(self, time: int) -> int:
        """Seconds from an observation to the block; times wrap at 32 bits, as the pool keeps them."""
        return (self.reader.time - time) % _TIMES


def _time(word: ProvenWord) -> int:
    return field(word.word, 0, 32)


def _sum(word: ProvenWord) -> int:
    return field(word.word, 32, 56, signed=True)


def _toward_zero(numerator: int, denominator: int) -> int:
    return numerator // denominator if numerator >= 0 else -(-numerator // denominator)
