"""The list of erased accounts: appended and never changed, whole after any crash, and never misread."""

from __future__ import annotations

import stat
from pathlib import Path
from uuid import UUID

import pytest

from creditbank.vault.erased import Erased, ErasedList, ListDamaged

RECEIPT = UUID(int=7)
NOON = 1_795_000_000_000_001
LI = Erased(account_id=UUID(int=0xAB), receipt=RECEIPT, erased_at=NOON)
WANG = Erased(account_id=UUID(int=2), receipt=RECEIPT, erased_at=NOON + 5)


def file(tmp_path: Path) -> Path:
    [path] = (tmp_path / "erased").glob("*.list")
    return path


def test_what_is_appended_is_read_by_everybody_from_then_on(tmp_path: Path) -> None:
    assert ErasedList(tmp_path).read() == {}
    ErasedList(tmp_path).append([LI])
    ErasedList(tmp_path).append([WANG])
    assert ErasedList(tmp_path).read() == {LI.account_id: LI, WANG.account_id: WANG}


def test_a_line_holds_nothing_but_ids_and_a_moment(tmp_path: Path) -> None:
    ErasedList(tmp_path).append([LI])
    assert file(tmp_path).read_text() == f"{LI.account_id} {RECEIPT} 2026-11-18T11:06:40.000001Z\n"


def test_nothing_to_say_leaves_no_file(tmp_path: Path) -> None:
    ErasedList(tmp_path).append([])
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    ErasedList(tmp_path).append([LI])
    for path in (tmp_path / "erased", file(tmp_path)):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_a_line_twice_is_as_good_as_once_and_the_first_word_counts(tmp_path: Path) -> None:
    later = Erased(account_id=LI.account_id, receipt=UUID(int=9), erased_at=NOON + 1)
    ErasedList(tmp_path).append([later, LI, LI])
    assert ErasedList(tmp_path).read() == {LI.account_id: LI}


def test_the_files_of_several_hosts_are_one_list(tmp_path: Path) -> None:
    ErasedList(tmp_path).append([LI])
    file(tmp_path).rename(tmp_path / "erased" / "another-host.list")
    ErasedList(tmp_path).append([WANG])
    assert set(ErasedList(tmp_path).read()) == {LI.account_id, WANG.account_id}


@pytest.mark.parametrize("torn", [1, 40, 100])
def test_a_line_that_a_crash_tore_off_is_none_and_hurts_no_other(tmp_path: Path, torn: int) -> None:
    ErasedList(tmp_path).append([LI])
    with file(tmp_path).open("a") as opened:
        opened.write(str(WANG)[:torn])
    assert set(ErasedList(tmp_path).read()) == {LI.account_id}
    ErasedList(tmp_path).append([WANG])
    assert set(ErasedList(tmp_path).read()) == {LI.account_id, WANG.account_id}


@pytest.mark.parametrize(
    "line",
    [
        str(LI).replace("-", "_", 1),
        str(LI).upper(),
        f"{LI} and more",
        f"{LI}{WANG}",
        str(LI).replace("Z", "z"),
        f"{str(LI)[:74]}2026-13-40T00:00:00.000000Z",
        str(LI).replace("0", "é", 1),
    ],
)
def test_a_line_that_cannot_be_read_is_not_passed_over(tmp_path: Path, line: str) -> None:
    ErasedList(tmp_path).append([WANG])
    with file(tmp_path).open("a", encoding="utf-8") as opened:
        opened.write(f"{line}\n")
    with pytest.raises(ListDamaged, match=r"line 2 of .*\.list cannot be read"):
        ErasedList(tmp_path).read()


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "erased").touch()
    with pytest.raises(OSError, match="erased"):
        ErasedList(tmp_path).append([LI])
