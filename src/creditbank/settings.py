"""The environment, read once. Passed down, never imported from below."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator
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


def _is_private(url: str) -> bool:
    """Whether nobody can listen in: over TLS, or without leaving the machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        is_loopback = ip_address(host).is_loopback
    except ValueError:
        is_loopback = host == "localhost"
    return parts.scheme == "https" or is_loopback


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
    origin: str | None = Field(
        None, description="Name of the public log, given once; by default its address without the scheme."
    )
    witness_policy: Path | None = Field(
        None, description="Policy file (c2sp.org/tlog-policy) of the witnesses that cosign the public log."
    )
    import_files: int = Field(
        500, ge=1, description="Files of one organisation that are kept at once, each of up to 200 MB."
    )
    import_days: int = Field(7, ge=1, description="Days for which files that were imported are kept.")
    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        "Asia/Shanghai", description="Where a civil day begins and ends."
    )
    consent_required: bool = Field(False, description="Decisions want the learner's consent, in every programme.")
    metrics_addresses: Listed = Field((), description="Addresses besides loopback that may read /metrics.")
    trusted_proxies: Listed = Field((), description="Proxies whose X-Forwarded-For names the client.")
    requests_at_once: int = Field(500, ge=1, description="Requests that a process works on; others are told to wait.")
    list_process: bool = Field(
        default_factory=lambda: (os.cpu_count() or 1) > 1,
        description="Long lists are made ready in a process beside the server; by default where there are processors.",
    )
    publish_process: bool = Field(
        True, description="On SQLite a process beside the server publishes the log; else `creditbank publish` does."
    )
    requests_per_minute: int = Field(60_000, ge=0, description="Requests a minute and key; 0: no limit.")
    lookups_per_minute: int = Field(300, ge=0, description="Persons looked up, a minute and organisation; 0: no limit.")
    refusals_per_minute: int = Field(30, ge=0, description="Refused credentials a minute and address; 0: no limit.")
    verify_per_minute: int = Field(60, ge=1, description="Public verifications a minute and address.")
    two_persons: Annotated[tuple[TwoPersons, ...], NoDecode, BeforeValidator(_listed)] = Field(
        (), description="Acts that need a second person, comma-separated."
    )
    oidc_issuer: str | None = Field(None, description="Identity provider of people; nobody can sign in without one.")
    oidc_client_id: str = Field("creditbank", description="The bank's own name at the identity provider.")
    oidc_client_secret: SecretStr | None = Field(None, description="Its secret there; none for a public client.")
    oidc_scopes: str = Field("openid", description="What the identity provider is asked for, separated by blanks.")
    oidc_document_type_claim: str = Field("document_type", description="Claim that holds the type of a document.")
    oidc_document_number_claim: str = Field("document_number", description="Claim that holds its number.")
    sign_ins_per_minute: int = Field(120, ge=0, description="Sign-ins begun a minute and address; 0: no limit.")
    access_log: bool = Field(False, description="One JSON line per request on standard output.")

    @field_validator("oidc_issuer")
    @classmethod
    def _believable(cls, issuer: str | None, info: ValidationInfo) -> str | None:
        """An issuer is compared letter by letter, its closing slash included."""
        if not issuer:
            return None
        _base_url(issuer)
        if not _is_private(issuer):
            raise ValueError("must be an https URL")
        if not _is_private(info.data.get("public_url", "")):
            raise ValueError("wants an https URL in CREDITBANK_PUBLIC_URL too: cookies must not be seen on their way")
        return issuer

    @field_validator("oidc_scopes")
    @classmethod
    def _with_identity(cls, scopes: str) -> str:
        if "openid" not in scopes.split():
            raise ValueError("must contain openid")
        return scopes
