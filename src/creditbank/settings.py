"""The environment, read once. Passed down, never imported from below."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field
from pydantic.functional_validators import BeforeValidator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _zone(name: str) -> str:
    ZoneInfo(name)
    return name


def _listed(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


class Settings(BaseSettings):
    """Every setting, with its default. Each is read from `CREDITBANK_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="CREDITBANK_", extra="ignore", frozen=True)

    database_url: str = Field("sqlite:///creditbank.db", description="SQLite file or PostgreSQL server.")
    data_dir: Path = Field(Path("data"), description="Keys of the bank; lies apart from the database.")
    import_days: int = Field(30, ge=1, description="Days for which files that were imported are kept.")
    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        "Asia/Shanghai", description="Where a civil day begins and ends."
    )
    metrics_addresses: Listed = Field((), description="Addresses besides loopback that may read /metrics.")
    trusted_proxies: Listed = Field((), description="Proxies whose X-Forwarded-For names the client.")
    verify_per_minute: int = Field(60, ge=1, description="Public verifications a minute and address.")
    access_log: bool = Field(False, description="One JSON line per request on standard output.")
