"""What a town may set: its cameras, places, accounts and web address. Unknown keys are refused, and nothing is code."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import parse_qsl

from pydantic import Field, field_validator, model_validator

from passerby.serve.town_camera import DEMO_URL, LONG_RETENTION_H, PLAIN_SITE, CameraSettings, Name, Part

__all__ = [
    "DEMO_URL",
    "LONG_RETENTION_H",
    "PLAIN_SITE",
    "AccountSettings",
    "CameraSettings",
    "Name",
    "SiteSettings",
    "Town",
]

Role = Literal["viewer", "operator", "auditor", "admin"]


class SiteSettings(Part):
    """A place with cameras: a school, a square, a car park. Accounts may be held to some of them."""

    name: Name = Field(description="By which cameras and accounts name it: a-z, 0-9 and -.")
    title: str = Field(default="", max_length=120, description="As people read it; unset, the name.")


class AccountSettings(Part):
    """An account that the file of the town makes. There is no default password: the hash is of Argon2."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,31}$", description="To log in with: a-z, 0-9 and . _ -")
    role: Role = Field(default="viewer", description="What it may do; see [Permissions](permissions.md).")
    sites: tuple[Name, ...] = Field(default=(), description="Which sites it may see; empty, all of them.")
    password_hash: str = Field(
        default="",
        pattern=r"^(\$argon2id\$.+)?$",
        description="Of Argon2id (`$argon2id$...`). Unset, an administrator sends a one-time link.",
    )


class Town(Part):
    """Everything that one `passerby serve` is told."""

    title: str = Field(default="passerby", max_length=120, description="At the top of every page.")
    host: str = Field(default="127.0.0.1", description="Address to listen on. `0.0.0.0` is every network: use TLS.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    tls_cert: Path | None = Field(default=None, description="Certificate with its chain, PEM.")
    tls_key: Path | None = Field(default=None, description="Its private key, PEM.")
    trusted_proxies: tuple[str, ...] = Field(
        default=(), description="Addresses of reverse proxies whose `X-Forwarded-*` headers are believed."
    )
    metrics_from_localhost: bool = Field(
        default=False, description="`/metrics` without a token for who asks from this machine itself."
    )
    floor_gb: float = Field(
        default=2.0, ge=0, description="Free disk space (10^9 bytes each) below which the oldest recordings go."
    )
    database: str | None = Field(
        default=None,
        description="SQLAlchemy URL of the catalogue without a password; unset, SQLite in the data folder.",
    )
    tiles_url: str = Field(
        default="", description="Map tiles (`https://.../{z}/{x}/{y}.png`); empty, none, and nobody outside is asked."
    )
    restart_h: float = Field(
        default=24.0, gt=0, description="How often the process of a camera starts anew, at a segment's end."
    )
    threads: int = Field(default=1, ge=1, le=64, description="Threads of the encoder, per camera.")
    site: tuple[SiteSettings, ...] = Field(default=(), description="Places, one `[[site]]` each.")
    camera: tuple[CameraSettings, ...] = Field(default=(), description="Cameras, one `[[camera]]` each.")
    account: tuple[AccountSettings, ...] = Field(default=(), description="Accounts, one `[[account]]` each.")
    defaults: dict[str, Any] = Field(
        default_factory=dict, description="Settings of every camera that does not set them itself, in `[defaults]`."
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_some(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                network = ip_network(proxy)
            except ValueError:
                raise ValueError(f"{proxy!r} is no address and no network; write 192.0.2.7 or 192.0.2.0/28") from None
            if network.prefixlen == 0:
                raise ValueError(f"{proxy!r} is everybody, who could then say to come from anywhere")
        return proxies

    @field_validator("database")
    @classmethod
    def _database_holds_no_password(cls, database: str | None) -> str | None:
        address, _, query = (database or "").partition("?")
        told = {key.lower() for key, _ in parse_qsl(query)}
        if re.match(r"[^/]*//[^:/@]*:[^@]*@", address) or told & {"password", "sslpassword"}:
            raise ValueError("a password belongs into the environment (PGPASSWORD) or ~/.pgpass, not into the address")
        return database

    @model_validator(mode="after")
    def _names_are_clear(self) -> Self:
        for kind, names in (
            ("camera", [camera.name for camera in self.camera]),
            ("account", [account.name for account in self.account]),
            ("site", [site.name for site in self.site]),
        ):
            twice = {name for name in names if names.count(name) > 1}
            if twice:
                raise ValueError(f"there are two of {kind} {min(twice)}: names must differ")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together")
        if self.site:
            self._sites_are_known()
        return self

    def _sites_are_known(self) -> None:
        known = {PLAIN_SITE, *(site.name for site in self.site)}
        for camera in self.camera:
            if camera.site not in known:
                raise ValueError(f"camera {camera.name} is at {camera.site}, and no [[site]] has that name")
        for account in self.account:
            for site in account.sites:
                if site not in known:
                    raise ValueError(f"account {account.name} may see {site}, and no [[site]] has that name")

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of all places: those that are told of, and those that only a camera names."""
        return tuple(dict.fromkeys([*(site.name for site in self.site), *(camera.site for camera in self.camera)]))

    def site_title(self, name: str) -> str:
        """How people read the name of a place."""
        return next((site.title for site in self.site if site.name == name and site.title), name)

    def camera_named(self, name: str) -> CameraSettings:
        """The camera of that name.

        Raises:
            KeyError: there is none.
        """
        for camera in self.camera:
            if camera.name == name:
                return camera
        raise KeyError(name)
