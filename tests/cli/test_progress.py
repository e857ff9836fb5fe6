"""How far a long command has come, where no terminal shows it."""

from __future__ import annotations

import pytest

from creditbank.cli.progress import Lines


def test_a_line_is_written_for_each_half_minute(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = [0.0]
    lines = Lines("verifying", lambda: seconds[0])

    for done in range(0, 1_300, 10):
        seconds[0] = done / 20
        lines.advanced(done, 2_000)

    assert capsys.readouterr().err == "verifying: 600 of 2,000\nverifying: 1,200 of 2,000\n"
