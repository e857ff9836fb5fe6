"""The first steps that the documentation describes work as they are written."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_the_first_steps_work_as_written(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "first-steps.md").read_text("utf-8")
    script = "set -euo pipefail\n" + "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    script = script.replace("8000", str(free_port()))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CREDITBANK_")},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert '"CAP_PER_OUTCOME"' in done.stdout
    assert '"status":"under_review"' in done.stdout
    assert '"shortfall":"4"' in done.stdout
    assert '"status":"revoked","standard":"BIM"' in done.stdout
    assert "what the bank answers is what its history says" in done.stdout
