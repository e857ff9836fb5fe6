"""Headers that say what a look is for, as bytes: what a client that checks nothing may send."""

from __future__ import annotations

import pytest

from creditbank.api import looks
from creditbank.api.access import MATRIX
from creditbank.api.looks import LONGEST, USUAL
from creditbank.domain.errors import Invalid


@pytest.mark.parametrize("value", [b"\xff\xfe", b"\xe6\xa0", b"\xed\xa0\x80", b"a\x80", b"\x7f", b"\r\n", b"a\nb"])
def test_bytes_that_are_no_text_are_refused(value: bytes) -> None:
    with pytest.raises(Invalid):
        looks.said({"headers": [(b"creditbank-purpose", value)]})


def test_other_headers_say_nothing() -> None:
    assert looks.said({"headers": [(b"purpose", b"\xff"), (b"x-creditbank-purpose", b"\xff")]}) == {}


def test_what_is_usual_fits_where_a_purpose_is_said() -> None:
    assert max(map(len, USUAL.values())) <= LONGEST[looks.PURPOSE]
    assert USUAL.keys() <= MATRIX.keys()
