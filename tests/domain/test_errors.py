"""Refusals: a reason that is told elsewhere is the same reason."""

from __future__ import annotations

import pickle
from datetime import date
from uuid import UUID

import pytest

from creditbank.domain import errors
from creditbank.domain.errors import BankError, Fault


@pytest.mark.parametrize(
    "refusal",
    [
        errors.Forbidden(),
        errors.LevelUnknown(facts={"level": "?", "standard": "BIM"}),
        errors.Invalid(faults=[Fault(code="too_long", detail="Too long.", pointer="/number")]),
        errors.CertificateDuplicate(UUID(int=7)),
        errors.RetentionApplies(date(2030, 1, 1), "law"),
        errors.RateLimited(3),
    ],
)
def test_a_refusal_survives_its_way_to_another_process(refusal: BankError) -> None:
    told = pickle.loads(pickle.dumps(refusal))

    assert type(told) is type(refusal)
    assert (told.code, told.__dict__) == (refusal.code, refusal.__dict__)
