"""What is said about an import: how it is to be taken, and what the headers of a file mean."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, field_validator

from creditbank.api.body import Body
from creditbank.api.fields import Text, Uuid

Header = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Column = Annotated[str, StringConstraints(min_length=1, max_length=80)]


class MappingContent(Body):
    """Headers and the columns that they name (null: not to be read), and values for rows that have none."""

    columns: Annotated[dict[Header, Column | None], Field(max_length=200)] = {}
    constants: Annotated[dict[Column, Text], Field(max_length=50)] = {}


class MappingBody(MappingContent):
    name: Text


class StartBody(Body):
    """What is to be otherwise than it was when the file was sent."""

    sheet: Text | None = None
    mode: Literal["partial", "atomic"] | None = None
    dry_run: bool | None = None
    mapping_id: Uuid | None = None
    mapping: MappingContent | None = None


class ImportOptions(Body):
    """How a file is to be taken: in the query, or as fields of the form."""

    dry_run: bool = False
    wait: bool = False
    force: bool = False
    mode: Literal["partial", "atomic"] = "partial"
    sheet: Text | None = None
    mapping_id: UUID | None = None
    mapping: MappingContent | None = None

    model_config = Body.model_config | {"strict": False}

    @field_validator("mapping", mode="before")
    @classmethod
    def _of_text(cls, value: Any) -> Any:
        return MappingContent.model_validate_json(value) if isinstance(value, str) else value
