"""The doctor's look at the bank's secrets: key files, rings and the list of erased accounts. It changes nothing."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine

from creditbank.cli.finding import Finding
from creditbank.commands import restored
from creditbank.vault import generations, keyfiles
from creditbank.vault.erased import ErasedList, ListDamaged
from creditbank.vault.generations import Generation
from creditbank.vault.keyfiles import ForeignKeys, KeyFiles, Ring


def key_files(data_dir: Path) -> Iterator[Finding]:
    """Whether the files are there, and who may read them."""
    folder = keyfiles.folder_of(data_dir)
    if missing := missing_keys(data_dir):
        fix = "the first start makes them; for a bank that exists, restore its own"
        yield Finding("key files", f"missing in {folder}: {', '.join(missing)}", fix)
        return
    if any(stat.S_IMODE(path.stat().st_mode) & 0o077 for path in folder.rglob("*.key")):
        yield Finding("key files", "others can read them", f"chmod 600 {folder}/*.key {folder}/*/*.key")
        return
    yield Finding("key files", "are there, for the bank alone")


def missing_keys(data_dir: Path) -> list[str]:
    folder = keyfiles.folder_of(data_dir)
    return [name for name in keyfiles.NAMES if not any(folder.glob(f"{name}*.key"))]


def rings(engine: Engine, data_dir: Path) -> Iterator[Finding]:
    """Whether the key files are the database's own, and whether a rotation or a retirement was left half done."""
    try:
        keys = keyfiles.load(data_dir)
        # What `bind` would write for a new bank is taken back.
        with engine.connect() as connection, connection.begin() as transaction:
            generations.bind(connection, keys)
            known = {ring.name: generations.known(connection, ring.name) for ring in keys.rings}
            transaction.rollback()
    except (ForeignKeys, OSError) as error:
        yield Finding("keys", str(error), "set CREDITBANK_DATA_DIR to the directory of this bank")
        return
    yield Finding("keys", "belong to this database")
    yield _standing(keys, known)


def _standing(keys: KeyFiles, known: dict[str, list[Generation]]) -> Finding:
    begun = [ring.name for ring in keys.rings if any(one.state in ("made", "joining") for one in known[ring.name])]
    if begun:
        fix = " ".join(f"`creditbank keys rotate {name}`" for name in begun) + " goes on with it"
        return Finding("rotation", f"was begun and not finished: {', '.join(begun)}", fix)
    back = [f"{ring.name}.{number}.key" for ring in keys.rings for number in _came_back(ring, known[ring.name])]
    if back:
        return Finding("rotation", f"retired keys lie there again: {', '.join(back)}", "delete these files")
    said = ", ".join(f"{ring.name} {ring.current}{_before(ring)}" for ring in keys.rings)
    return Finding("rotation", f"in use: {said}")


def _came_back(ring: Ring, known: list[Generation]) -> list[int]:
    destroyed = {one.number for one in known if one.state == "destroyed"}
    return [number for number in ring.on_disk if number in destroyed]


def _before(ring: Ring) -> str:
    former = [str(number) for number in ring.read if number < ring.current]
    return f" (before it {', '.join(former)})" if former else ""


def erased_list(engine: Engine, data_dir: Path) -> Finding:
    """Whether list and database say the same, and whether the list can be written."""
    listed = ErasedList(data_dir)
    try:
        found = restored.discord(engine, listed)
    except ListDamaged as error:
        return Finding("erased list", str(error), "put back the line from another host's copy, or from a backup of it")
    except OSError as error:
        return Finding("erased list", str(error), "give the bank's account permission to read it")
    if found.alive:
        seen = f"{len(found.alive)} accounts that were erased are back, from a backup"
        return Finding("erased list", seen, "`creditbank serve` erases them again before it answers anybody")
    if found.unlisted:
        seen = f"{len(found.unlisted)} erased accounts are not on it"
        return Finding("erased list", seen, "the next start of `creditbank serve` writes them down")
    if listed.folder.exists() and not os.access(listed.folder, os.W_OK | os.X_OK):
        return Finding("erased list", f"{listed.folder} cannot be written", "give the bank's account write permission")
    return Finding("erased list", "agrees with the database")
