"""Answers hold the fields that a role is to see, and no others."""

from __future__ import annotations

import json

import pytest

from tests.api.bank import ReadyBank
from tests.api.routes.access.shapes import PUBLISHED, Shapes, shapes
from tests.api.routes.access.test_matrix import ASKED
from tests.api.routes.access.world import World

on_one_database = pytest.mark.parametrize("new_bank", ["sqlite"], indirect=True)
"""What an answer is made of has been read by then, wherever it came from."""


@pytest.fixture(scope="module")
def found(new_bank: ReadyBank) -> Shapes:
    return shapes(World(bank=new_bank, prefix="SHAPE"))


@on_one_database
@pytest.mark.parametrize("route", [route for route in ASKED if route.startswith("GET ")])
def test_a_read_answers_each_role_with_the_fields_that_were_agreed(found: Shapes, route: str) -> None:
    assert found[route] == json.loads(PUBLISHED.read_text())[route]


@on_one_database
def test_no_shape_is_kept_of_a_read_that_is_gone(found: Shapes) -> None:
    assert found.keys() == json.loads(PUBLISHED.read_text()).keys()
