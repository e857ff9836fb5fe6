"""Whose signatures make a checkpoint one to rely on: the policy files of c2sp.org/tlog-policy."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from creditbank.audit.transparency.encoding import Malformed
from creditbank.audit.transparency.notes import COSIGNATURE, PLAIN, VerifierKey, verifier_key

NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A witness: its key, and where checkpoints are submitted to it."""

    key: VerifierKey
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """At least `least` of the members have to have cosigned."""

    least: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Known logs and witnesses, and the name of the witness or group whose cosignature is wanted."""

    logs: Mapping[VerifierKey, str | None]
    witnesses: Mapping[str, Witness]
    groups: Mapping[str, Group]
    quorum: str

    def is_met(self, cosigned: Collection[VerifierKey]) -> bool:
        """Whether these keys are a quorum."""
        return self.quorum == NONE or self._has(self.quorum, cosigned)

    def _has(self, name: str, cosigned: Collection[VerifierKey]) -> bool:
        if name in self.witnesses:
            return self.witnesses[name].key in cosigned
        group = self.groups[name]
        return sum(self._has(member, cosigned) for member in group.members) >= group.least


def parse(text: str) -> Policy:
    """Read a policy file. Raises Malformed, with the number of the line."""
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), start=1):
        words = [word for word in line.replace("\t", " ").split(" ") if word]
        if not words or words[0].startswith("#"):
            continue
        try:
            reader.take(words)
        except Malformed as fault:
            raise Malformed(f"line {number}: {fault}") from None
    if reader.quorum is None:
        raise Malformed("the policy names no quorum")
    return Policy(logs=reader.logs, witnesses=reader.witnesses, groups=reader.groups, quorum=reader.quorum)


class _Reader:
    def __init__(self) -> None:
        self.logs: dict[VerifierKey, str | None] = {}
        self.witnesses: dict[str, Witness] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None
        self._members: set[str] = set()

    def take(self, words: list[str]) -> None:
        match words:
            case ["log", key, *url] if len(url) <= 1:
                self.logs[self._new_key(key, PLAIN, list(self.logs))] = url[0] if url else None
            case ["witness", name, key, *url] if len(url) <= 1:
                known = [witness.key for witness in self.witnesses.values()]
                cosigner = self._new_key(key, COSIGNATURE, known)
                self.witnesses[self._new_name(name)] = Witness(key=cosigner, url=url[0] if url else None)
            case ["group", name, least, *members] if members:
                self._take_group(name, least, members)
            case ["quorum", name] if self.quorum is None:
                if name != NONE:
                    self._known(name)
                self.quorum = name
            case _:
                raise Malformed("not a line of a policy")

    def _take_group(self, name: str, least: str, members: list[str]) -> None:
        for member in members:
            self._known(member)
            if member in self._members:
                raise Malformed(f"{member} is a member already")
            self._members.add(member)
        count = {"any": 1, "all": len(members)}.get(least) or (int(least) if least.isdecimal() else 0)
        if not 1 <= count <= len(members):
            raise Malformed(f"{least} of {len(members)} members cannot be wanted")
        self.groups[self._new_name(name)] = Group(least=count, members=tuple(members))

    def _new_key(self, text: str, kind: int, known: list[VerifierKey]) -> VerifierKey:
        key = verifier_key(text)
        if key.kind != kind:
            raise Malformed("the key is not one for this use")
        if any(one.public == key.public for one in known):
            raise Malformed("the key is named already")
        return key

    def _new_name(self, name: str) -> str:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise Malformed(f"{name} is taken")
        return name

    def _known(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise Malformed(f"{name} is not known yet")
