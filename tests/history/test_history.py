"""One stored sample of every event type ever written: all of them decode for ever.

A sample is the JSON body of an event in `<name>.v<version>.json`, or `<name>.v<version>.<what>.json` for a further
one. It is never edited and never deleted, because banks hold events like it. To add one, write the body that
`codec.encode` gives for an event with every field set to something else than its default; when an event gains a
field, add a further sample that has it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import fields
from pathlib import Path

import pytest

from creditbank.ledger import codec

SAMPLES = sorted(Path(__file__).parent.glob("*.json"))


def name_of(sample: Path) -> str:
    """`certificate-awarded.v1.json` holds a `certificate-awarded/1`."""
    stem, version = sample.name.split(".")[:2]
    return f"{stem}/{version.removeprefix('v')}"


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.stem for sample in SAMPLES])
def test_a_stored_event_decodes_for_ever_and_says_the_same(sample: Path) -> None:
    body = sample.read_bytes()
    event = codec.decode(name_of(sample), body)
    name, encoded = codec.encode(event)
    assert name == name_of(sample)
    assert json.loads(encoded) == json.loads(body)


def test_every_event_type_has_samples_that_together_set_every_field() -> None:
    sampled: dict[str, set[str]] = defaultdict(set)
    for sample in SAMPLES:
        sampled[name_of(sample)] |= json.loads(sample.read_bytes()).keys()
    assert sampled == {name: {field.name for field in fields(kind)} for name, kind in codec.NAMES.items()}


def test_a_name_that_is_not_known_is_refused_by_its_name() -> None:
    with pytest.raises(codec.UnknownEvent, match="certificate-lost/1"):
        codec.decode("certificate-lost/1", b"{}")
