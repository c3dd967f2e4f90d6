"""The judge of a Chainlink feed: its own functions, run as proven calls beside the words that were read.

What storage cannot say is in the code: the digits of an answer, and the bounds at which an aggregator stops following
the market. Who types them in may err, or wish to; the feed itself says them.

    proxy        decimals(), latestRoundData()
    aggregator   minAnswer(), maxAnswer() (off-chain reporting); minSubmissionValue(), maxSubmissionValue() (flux)
"""

from __future__ import annotations

from typing import Final

from verifier.assets.reader import Reader
from verifier.calls import Call
from verifier.codec.abi import decode_values, selector
from verifier.errors import BadPrice, CallFailed, CrossCheckFailed
from verifier.primitives import Address
from verifier.proven import Ended

BOUNDS: Final = {
    "flux": ("minSubmissionValue()", "maxSubmissionValue()"),
    "ocr1": ("minAnswer()", "maxAnswer()"),
    "ocr2": ("minAnswer()", "maxAnswer()"),
}


def check_by_calls(
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
    digits, said = _says(feed, "decimals()", "(uint8)", reader), _latest(feed, reader)
    for due, got in ((decimals, digits), *zip(read, said, strict=True)):
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
