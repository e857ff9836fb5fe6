"""The page about programs that call the bank works as it is written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.test_first_steps import free_port

PAGE = Path(__file__).parents[1] / "docs" / "operations" / "machines.md"


def test_each_way_to_the_first_call_works_as_written(tmp_path: Path) -> None:
    script = "set -euo pipefail\n" + "\n".join(re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CREDITBANK_")},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["bash", "-c", script.replace("8000", str(free_port()))],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    for number in range(1, 5):
        assert f'"number":"BIM202600000{number}"' in done.stdout, done.stdout
    assert done.stdout.count('"status":"active"') >= 5, "the organisation and four certificates"
    assert done.stdout.count('"kid":') == 2, "the JWKS names both keys after the rotation"
    assert done.stdout.endswith("the token of a revoked client: 401\n")
    assert (tmp_path / "private.jwk").stat().st_mode & 0o077 == 0
