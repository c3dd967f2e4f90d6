"""Light-client evidence in a bundle: one form, left out where there is none, bounded."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.verifier.test_wire import BUNDLE, body_of, resealed
from verifier.errors import LimitExceeded, MalformedBundle
from verifier.evidence import Bundle, LightEvidence
from verifier.policy import Limits
from verifier.view import encode_view, parse_view
from verifier.wire import encode_bundle, parse_bundle

FULL = LightEvidence(b"boot", (b"one", b"two"), b"final", b"attested")


def bundle(light: LightEvidence) -> Bundle:
    first, *others = BUNDLE.sections
    return replace(BUNDLE, sections=(replace(first, light=light), *others))


@pytest.mark.parametrize(
    "light",
    [
        FULL,
        LightEvidence(b"boot"),
        LightEvidence(None, (b"one",)),
        LightEvidence(None, (), b"final"),
        LightEvidence(None, (), None, b"attested"),
    ],
)
def test_evidence_comes_back_as_it_went_in(light: LightEvidence) -> None:
    """Each part alone and all together, in the binary form and in its view."""
    data = encode_bundle(bundle(light))
    assert parse_bundle(data).bundle == bundle(light)
    assert parse_view(encode_view(data)) == data


@pytest.mark.parametrize("empty", [{}, {"updates": []}, {"updates": [], "final": "0x01"}])
def test_a_view_has_no_second_form_either(empty: dict[str, object]) -> None:
    """What is empty is left out of the view too, or one bundle would have many."""
    view = json.loads(encode_view(encode_bundle(bundle(LightEvidence(final=b"\x01")))))
    assert parse_view(json.dumps(view)) == encode_bundle(bundle(LightEvidence(final=b"\x01")))
    if "final" not in empty:
        view = json.loads(encode_view(encode_bundle(BUNDLE)))
    view["sections"][0]["light"] = empty
    with pytest.raises(MalformedBundle, match="left out"):
        parse_view(json.dumps(view))


def test_a_section_without_it_has_the_bytes_it_always_had() -> None:
    """The key is left out where it is empty, so older bundles keep their ids."""
    assert encode_bundle(bundle(LightEvidence())) == encode_bundle(BUNDLE)
    assert "light" not in body_of(encode_bundle(BUNDLE))["sections"][0]


@pytest.mark.parametrize(
    "light",
    [
        {},
        {"updates": []},
        {"bootstrap": None},
        {"bootstrap": 1},
        {"updates": [1]},
        {"updates": b"x"},
        {"other": b"x"},
        [],
    ],
)
def test_another_form_is_refused(light: object) -> None:
    """Empty evidence that is present, foreign keys and foreign types are no bundle."""
    body = body_of(encode_bundle(BUNDLE))
    body["sections"][0]["light"] = light
    with pytest.raises(MalformedBundle):
        parse_bundle(resealed(body))


def test_it_is_bounded() -> None:
    """Updates by count, every object by size; one less of either is taken."""
    data = encode_bundle(bundle(FULL))
    with pytest.raises(LimitExceeded):
        parse_bundle(data, Limits(light_updates=1))
    with pytest.raises(MalformedBundle):
        parse_bundle(data, Limits(light_bytes=7))
    assert parse_bundle(data, Limits(light_updates=2, light_bytes=8)).bundle == bundle(FULL)
