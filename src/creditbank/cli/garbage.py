"""How often Python looks for garbage: seldom, for most of what a process makes at its start stays until its end."""

from __future__ import annotations

import gc

_YOUNG = 20_000


def seldom() -> None:
    """For the start: with Python's own numbers looking takes a fifth of it."""
    gc.set_threshold(_YOUNG, 20, 20)


def settle() -> None:
    """What start-up has made stays for good: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    seldom()
