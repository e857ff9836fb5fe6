"""The request and the answer of the bare award handlers: the same fields that creditbank takes and gives back."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import BaseModel


class Document(BaseModel):
    type: str
    number: str


class Holder(BaseModel):
    name: str
    document: Document
    birth_date: date | None = None


class Award(BaseModel):
    issuer: str
    number: str
    standard: str
    level: str
    issued_on: date
    expires_on: date | None = None
    holder: Holder


class Certificate(BaseModel):
    certificate_id: UUID
    issuer: str
    number: str
    standard: str
    level: str
    issued_on: date
    expires_on: date | None
