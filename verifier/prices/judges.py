"""The judges of prices: contracts' own functions, run as proven calls beside the words that were read.

What storage cannot say is in the code: the digits of an answer, a coin or a share, and the bounds at which an
aggregator stops following the market. Who types them in may err, or wish to; the contracts themselves say them.

    any          decimals()
    proxy        latestRoundData()
    aggregator   minAnswer(), maxAnswer() (off-chain reporting); minSubmissionValue(), maxSubmissionValue() (flux)
"""

from __future__ import annotations

from typing import Final

from verifier.assets.reader import Reader
from verifier.calls import Call
from verifier.codec.abi import decode_values, selector
from verifier.errors import BadPrice, CallFailed, CrossCheckFailed
from verifier.positions import Given
from verifier.primitives import Address
from verifier.proven import Ended

BOUNDS: Final = {
    "flux": ("minSubmissionValue()", "maxSubmissionValue()"),
    "ocr1": ("minAnswer()", "maxAnswer()"),
    "ocr2": ("minAnswer()", "maxAnswer()"),
}


def is_judged(given: Given) -> bool:
    """Whether a source asks for its judge."""
    return given.word("judge", ("call", "none"), "none") == "call"


def check_digits(contract: Address, digits: int, reader: Reader) -> None:
    """
    Hold the digits that a question takes a contract to count in against what it says.

    Raises:
        CrossCheckFailed: It counts in others.
        CallFailed: It does not say.
    """
    said = _says(contract, "decimals()", "(uint8)", reader)
    if said != digits:
        raise CrossCheckFailed(reader.where.at(address=contract), digits, said)


def check_feed(
    feed: Address, aggregator: Address, layout: str, decimals: int, read: tuple[int, int], reader: Reader
) -> None:
    """
    Hold an answer against what the feed itself says.

    Args:
        decimals: The digits that the question takes it to have.
        read: The answer, and its time.

    Raises:
        CrossCheckFailed: The feed counts in other digits, or gives another answer or time.
        BadPrice: The answer is at a bound of its aggregator.
        CallFailed: It does not say.
    """
    check_digits(feed, decimals, reader)
    for due, got in zip(read, _latest(feed, reader), strict=True):
        if due != got:
            raise CrossCheckFailed(reader.where.at(address=feed), due, got)
    low, high = (_says(aggregator, name, "(int256)", reader) for name in BOUNDS[layout])
    if not low < read[0] < high:
        where = reader.where.at(address=aggregator)
        raise BadPrice(where, f"the answer is at a bound of its aggregator ({low} to {high})", read[0])


def _latest(feed: Address, reader: Reader) -> tuple[int, int]:
    values = _values(feed, "latestRoundData()", "(uint80,int256,uint256,uint256,uint80)", reader)
    return values[1], values[3]


def _says(contract: Address, name: str, returns: str, reader: Reader) -> int:
    return _values(contract, name, returns, reader)[0]


def _values(contract: Address, name: str, returns: str, reader: Reader) -> list[int]:
    found = reader.call(Call(contract, selector(name)))
    if found.ended is not Ended.RETURNED:
        what = "reverted" if found.ended is Ended.REVERTED else f"halted ({found.halted})"
        raise CallFailed(reader.where.at(address=contract), f"{name} {what}", found.output)
    values = decode_values(returns, found.output, reader.where.at(address=contract))
    return [value for value in values if isinstance(value, int)]
