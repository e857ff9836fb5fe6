"""The page about keys names every key that there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from creditbank.vault import keyfiles, logkeys
from creditbank.vault.tables import person
from tests.api.bank import ready_bank

PAGE = Path(__file__).parents[1] / "docs/operations/keys.md"
ROW = re.compile(r"^\| `(?P<name>[a-z-]+)` \|(?P<rest>.*)\|$", re.MULTILINE)


def inventory() -> dict[str, list[str]]:
    """What the page says of each key: place, owner, period, rotation, loss, and the days after."""
    return {row["name"]: [cell.strip() for cell in row["rest"].split("|")] for row in ROW.finditer(PAGE.read_text())}


def test_the_inventory_is_that_of_the_code() -> None:
    assert person.c.wrapped_key is not None
    assert set(inventory()) == {*keyfiles.NAMES, "salting", "signing", "tokens", "person"}


def test_of_every_key_everything_is_said() -> None:
    assert all(len(cells) == 6 and all(cells) for cells in inventory().values())


def test_every_file_of_a_running_bank_is_in_the_inventory_and_in_its_place(sqlite_url: str, tmp_path: Path) -> None:
    with ready_bank(sqlite_url, tmp_path):
        logkeys.signing(tmp_path)
        files = [path.relative_to(tmp_path) for path in (tmp_path / "keys").rglob("*") if path.is_file()]
    named = {name: cells[0] for name, cells in inventory().items()}
    found = set()
    for file in files:
        name = file.name.split("-")[0] if file.parts[1] == "log" else file.parts[1].split(".")[0]
        place = (
            re.escape(named[name].split("`")[1])
            .replace("<generation>", "[0-9]+")
            .replace("<kid>", "[A-Za-z0-9_-]+")
            .replace("<number>", "[0-9]+")
        )
        assert re.fullmatch(place, str(file)), file
        found.add(name)
    assert found == set(inventory()) - {"person"}


def test_what_can_be_rotated_is_rotated_by_the_command_that_the_page_names() -> None:
    commands = {name: cells[3] for name, cells in inventory().items()}
    for name in (*keyfiles.RINGS, "tokens"):
        assert commands[name] == f"`creditbank keys rotate {name}`"
