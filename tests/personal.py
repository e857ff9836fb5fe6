"""What the tests know of persons and secrets, and where it turned up although it never may.

Every request that a test sends is read for names, numbers of documents, and credentials. Then everything that is no
answer to a person is searched for them: log records, output of servers, metrics, problem documents, headers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from os import environ
from typing import Any
from urllib.parse import parse_qsl, unquote

LARGEST_READ = 1 << 20
"""Bytes of a body. Larger ones are sent to be refused, and hold nobody."""

LONGEST_NAME = 12
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff·]{2,}")
_NUMBER = re.compile(r"[0-9A-Za-z]+(?:-[0-9A-Za-z]+)*")
_SECRET = re.compile(r"[0-9A-Za-z_.~+/-]{20,}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_SECRET_FIELDS = {"client_secret", "client_assertion", "password", "secret"}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found, where, and during which test."""

    value: str
    source: str
    test: str

    def __str__(self) -> str:
        return f"{self.value!r} in {self.source}, while {self.test} ran"


@dataclass(slots=True)
class Watch:
    """What is looked for in one process of the tests, and what was found."""

    names: set[str] = field(default_factory=set)
    numbers: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)
    findings: dict[Finding, None] = field(default_factory=dict)

    def remember_request(self, headers: Mapping[str, str], content: bytes) -> None:
        """Read a request for persons and secrets, before what comes of it is searched."""
        credentials = headers.get("authorization", "").rpartition(" ")[2]
        cookies = re.findall(r"=([^;]+)", headers.get("cookie", ""))
        self.remember_secrets(credentials, headers.get("dpop", ""), *cookies)
        if len(content) > LARGEST_READ:
            return
        if "form" in headers.get("content-type", ""):
            sent = parse_qsl(content.decode("latin-1"))
            self.remember_secrets(*(value for name, value in sent if name in _SECRET_FIELDS))
        with suppress(ValueError, RecursionError):
            self.remember_persons(json.loads(content))

    def remember_persons(self, body: Any) -> None:
        """Take up the holders and documents in a body, however deep they lie."""
        match body:
            case dict():
                for name, value in body.items():
                    match name, value:
                        case "holder" | "guardian", {"name": str(text)}:
                            self.remember_name(text)
                        case "document", {"number": str(text)}:
                            self.remember_number(text)
                        case _, str(text) if name in _SECRET_FIELDS:
                            self.remember_secrets(text)
                    self.remember_persons(value)
            case list():
                for value in body:
                    self.remember_persons(value)

    def remember_name(self, name: str) -> None:
        """Names of a letter or two, and what is no name at all, would be found everywhere."""
        if _HAN.fullmatch(name) or sum(map(str.isalpha, name)) >= 5:
            self.names.add(name)

    def remember_number(self, number: str) -> None:
        """As it is sent and as it is stored; numbers of a few digits would be found everywhere."""
        for part in _NUMBER.findall(number) + _NUMBER.findall(number.upper()):
            if len(part) >= 8 and sum(map(str.isdigit, part)) >= 4 and not _DAY.fullmatch(part):
                self.numbers.add(part)

    def remember_secrets(self, *secrets: str) -> None:
        self.secrets.update(secret for secret in secrets if _SECRET.fullmatch(secret))

    def search(self, source: str, text: str) -> None:
        """Note all that is found in a text."""
        test = environ.get("PYTEST_CURRENT_TEST", "no test")
        self.findings.update((Finding(value, source, test), None) for value in self.found(text))

    def found(self, text: str) -> set[str]:
        """All names, numbers and secrets in a text, however they are escaped."""
        return {value for reading in _readings(text) for value in self._found(reading)}

    def _found(self, text: str) -> Iterator[str]:
        yield from self.numbers.intersection(_NUMBER.findall(text))
        yield from self.secrets.intersection(_SECRET.findall(text))
        for run in _HAN.findall(text):
            parts = {run[start:end] for start in range(len(run)) for end in range(start + 2, start + LONGEST_NAME)}
            yield from self.names.intersection(parts)
        yield from (name for name in self.names if name.isascii() and name in text)


def _readings(text: str) -> Iterator[str]:
    """A text as it stands, and as it reads without the escapes of URLs, JSON and bytes."""
    yield text
    if "%" in text:
        yield unquote(text)
    if "\\u" in text:
        yield re.sub(r"\\u([0-9a-f]{4})", lambda escape: chr(int(escape[1], 16)), text, flags=re.IGNORECASE)
    if "\\x" in text:
        yield re.sub(r"(?:\\x[0-9a-f]{2})+", _unescaped, text)


def _unescaped(escapes: re.Match[str]) -> str:
    return bytes.fromhex(escapes[0].replace("\\x", "")).decode("utf-8", "replace")


WATCH = Watch()
