"""Conversations written down, and played back: the same flow runs on a recording, with the same judges.

A recording is JSON lines, one question with its answer each, sorted, with no URL and no endpoint's name in it. The same
conversation gives the same bytes, however the networks' answers were interleaved.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from chains.driver import Answers
from chains.errors import BadAnswer, clean
from chains.replies import parse_json
from verifier.claims import AccountRead
from verifier.errors import BadInput, VerifierError
from verifier.flow import Answer, Ask, AskCode, AskHeader, AskHeight, AskProof, AskTouched, Unanswered
from verifier.primitives import address, parse_hex, slot_key, to_hex

FORMAT: Final = "xmargin-conversation/1"
RECORDING: Final = "recording"


class RecordingDesk:
    """Passes questions on to another desk, and keeps what came back."""

    def __init__(self, desk: Answers) -> None:
        self._desk, self._kept = desk, dict[str, str]()

    async def answer(self, questions: Sequence[Ask[object]]) -> Sequence[Answer]:
        """What the other desk answers."""
        answers = await self._desk.answer(questions)
        for question, answer in zip(questions, answers, strict=True):
            self._kept[key_of(question)] = _line(question, answer)
        return answers

    def lines(self) -> str:
        """The recording so far, one question a line, in an order that depends on the questions alone."""
        head = json.dumps({"format": FORMAT}, separators=(",", ":"))
        return "\n".join([head, *(self._kept[key] for key in sorted(self._kept))]) + "\n"


class PlayingDesk:
    """Answers from a recording, and judges each answer as a live desk does."""

    def __init__(self, text: str) -> None:
        lines = [line for line in text.splitlines() if line.strip()]
        if not lines or _object(lines[0]).get("format") != FORMAT:
            raise BadInput("recording", FORMAT, lines[0][:40] if lines else "nothing")
        self._answers = dict(_parsed(line) for line in lines[1:])
        self.asked = 0

    async def answer(self, questions: Sequence[Ask[object]]) -> Sequence[Answer]:
        """The recorded answers; what was not recorded is unanswered."""
        self.asked += len(questions)
        return [self._one(question) for question in questions]

    def _one(self, question: Ask[object]) -> Answer:
        key = key_of(question)
        if key not in self._answers:
            return Unanswered(question, (), ((RECORDING, "this question is not in the recording"),))
        found = self._answers[key]
        if isinstance(found, _Silence):
            return Unanswered(question, (), tuple((RECORDING, reason) for reason in found.reasons))
        try:
            question.judge(found)
        except VerifierError as error:
            return Unanswered(question, ((RECORDING, error),), ())
        return found


class _Silence:
    """A question that nobody answered when the recording was made."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)


def key_of(question: Ask[object]) -> str:
    """What identifies a question in a recording."""
    return json.dumps(_question(question), separators=(",", ":"), sort_keys=True)


def _question(question: Ask[object]) -> dict[str, object]:
    base: dict[str, object] = {"chain": int(question.chain_id)}
    if isinstance(question, AskHeight):
        return {**base, "ask": "height"}
    if isinstance(question, AskHeader):
        block = question.block
        return {**base, "ask": "header", "block": to_hex(block) if isinstance(block, bytes) else int(block)}
    if isinstance(question, AskProof):
        slots = sorted(to_hex(slot) for slot in set(question.slots))
        block_hash = to_hex(question.block_hash)
        return {**base, "ask": "proof", "address": to_hex(question.address), "block": block_hash, "slots": slots}
    if isinstance(question, AskCode):
        return {**base, "ask": "code", "address": to_hex(question.address), "block": to_hex(question.block_hash)}
    if isinstance(question, AskTouched):
        call = question.call
        asked = {"to": to_hex(call.to), "data": to_hex(call.data), "from": to_hex(call.sender), "gas": call.gas}
        return {**base, "ask": "touched", "by": question.method, "call": asked, "block": to_hex(question.block_hash)}
    raise TypeError(f"no way to record a {type(question).__name__}")


def _line(question: Ask[object], answer: Answer) -> str:
    said: dict[str, object]
    if isinstance(answer, Unanswered):
        # Names of endpoints stay out; what they said stands, since their errors hold no URL.
        reasons = [str(error) for _, error in answer.refusals] + [reason for _, reason in answer.failures]
        said = {"silence": [clean(reason) for reason in reasons]}
    elif isinstance(answer, bytes):
        said = {"code" if isinstance(question, AskCode) else "header": to_hex(answer)}
    elif isinstance(answer, int):
        said = {"height": int(answer)}
    elif isinstance(question, AskTouched) and isinstance(answer, tuple):
        said = {"touched": [[to_hex(read.address), [to_hex(slot) for slot in read.slots]] for read in answer]}
    elif isinstance(answer, tuple):
        said = {"nodes": sorted(to_hex(node) for node in answer)}
    else:
        raise TypeError(f"no way to record a {type(answer).__name__}")
    return json.dumps({"question": _question(question), **said}, separators=(",", ":"), sort_keys=True)


def _object(line: str) -> Mapping[str, object]:
    try:
        parsed = parse_json(line.encode(), RECORDING)
    except BadAnswer:
        raise BadInput("recording", "JSON lines", line[:40]) from None
    if not isinstance(parsed, dict):
        raise BadInput("recording", "an object in each line", line[:40])
    return parsed


def _parsed(line: str) -> tuple[str, object]:
    entry = dict(_object(line))
    question = entry.pop("question", None)
    if not isinstance(question, dict) or len(entry) != 1:
        raise BadInput("recording", "a question and one answer in each line", line[:40])
    ((kind, value),) = entry.items()
    key = json.dumps(question, separators=(",", ":"), sort_keys=True)
    if kind in ("header", "code"):
        return key, parse_hex(value, f"recorded {kind}")
    if kind == "touched" and isinstance(value, list):
        return key, tuple(_touched(entry) for entry in value)
    if kind == "height" and isinstance(value, int) and not isinstance(value, bool):
        return key, value
    if kind == "nodes" and isinstance(value, list):
        return key, tuple(parse_hex(node, "recorded node") for node in value)
    if kind == "silence" and isinstance(value, list):
        return key, _Silence(clean(reason) for reason in value)
    raise BadInput("recording", "a header, height, nodes, code, hint or silence", kind)


def _touched(entry: object) -> AccountRead:
    if not isinstance(entry, list) or len(entry) != 2 or not isinstance(entry[1], list):
        raise BadInput("recorded hint", "an address and its slots", str(entry)[:40])
    slots = tuple(slot_key(parse_hex(slot, "recorded slot")) for slot in entry[1])
    return AccountRead(address(parse_hex(entry[0], "recorded address")), slots)
