"""The environment, read once. Passed down, never imported from below."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field
from pydantic.functional_validators import BeforeValidator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _zone(name: str) -> str:
    ZoneInfo(name)
    return name


def _listed(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _base_url(text: str) -> str:
    """Scheme, host and at most a port and a path, without the closing slash: it is compared letter by letter."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("must be an http or https URL of scheme, host and path")
    return text.rstrip("/")


PublicUrl = Annotated[str, AfterValidator(_base_url)]
TwoPersons = Literal["erasure", "merge", "accreditation-withdrawal", "revocation-in-use", "rulebook-publication"]
Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


class Settings(BaseSettings):
    """Every setting, with its default. Each is read from `CREDITBANK_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="CREDITBANK_", extra="ignore", frozen=True)

    database_url: str = Field("sqlite:///creditbank.db", description="SQLite file or PostgreSQL server.")
    data_dir: Path = Field(Path("data"), description="Keys of the bank; lies apart from the database.")
    public_url: PublicUrl = Field(
        "http://127.0.0.1:8000", description="Where clients reach the bank; `serve` derives it."
    )
    import_days: int = Field(7, ge=1, description="Days for which files that were imported are kept.")
    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        "Asia/Shanghai", description="Where a civil day begins and ends."
    )
    consent_required: bool = Field(False, description="Decisions want the learner's consent, in every programme.")
    metrics_addresses: Listed = Field((), description="Addresses besides loopback that may read /metrics.")
    trusted_proxies: Listed = Field((), description="Proxies whose X-Forwarded-For names the client.")
    requests_at_once: int = Field(500, ge=1, description="Requests that a process works on; others are told to wait.")
    requests_per_minute: int = Field(60_000, ge=0, description="Requests a minute and key; 0: no limit.")
    lookups_per_minute: int = Field(300, ge=0, description="Persons looked up, a minute and organisation; 0: no limit.")
    refusals_per_minute: int = Field(30, ge=0, description="Refused credentials a minute and address; 0: no limit.")
    verify_per_minute: int = Field(60, ge=1, description="Public verifications a minute and address.")
    two_persons: Annotated[tuple[TwoPersons, ...], NoDecode, BeforeValidator(_listed)] = Field(
        (), description="Acts that need a second person, comma-separated."
    )
    access_log: bool = Field(False, description="One JSON line per request on standard output.")
