"""What a town may set: its cameras, places, accounts and web address. Unknown keys are refused, and nothing is code."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from passerby.serve.town_areas import Areas
from passerby.settings import Covered, Settings, by_label

DEMO_URL = "demo:"
"""The built-in camera: a drawn street, made here; see `serve.demo`."""

LONG_RETENTION_H = 720
"""Over so many hours of storage, somebody has to say why."""

PLAIN_SITE = "town"
"""The site of cameras that name none."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", description="a-z, 0-9 and -")]
Role = Literal["viewer", "operator", "auditor", "admin"]


_SECRET_KEY = re.compile(r"pass|pwd|psw|token|secret|auth|key", re.IGNORECASE)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True)


class SiteSettings(_Part):
    """A place with cameras: a school, a square, a car park. Accounts may be held to some of them."""

    name: Name = Field(description="By which cameras and accounts name it: a-z, 0-9 and -.")
    title: str = Field(default="", max_length=120, description="As people read it; unset, the name.")


class CameraSettings(_Part):
    """One camera. Its user and password never stand here."""

    name: Name = Field(description="By which everything names it, folders included: a-z, 0-9 and -.")
    title: str = Field(default="", max_length=120, description="As people read it; unset, the name.")
    site: Name = Field(default=PLAIN_SITE, description="The place that it belongs to.")
    url: str = Field(
        min_length=1,
        description="`rtsp://`, `rtsps://`, `http://` or `https://` without user and password, `/dev/video0`, a file "
        "that is played as a camera, or `demo:` for the built-in one.",
    )
    look_url: str = Field(
        default="",
        description="A second, smaller stream of the same camera to look at: the first one is decoded only where "
        "something is painted. Address, credentials and transport as for `url`; see "
        "[a smaller stream to look at](cameras.md#a-smaller-stream-to-look-at). Unset, `url` is looked at.",
    )
    transport: Literal["tcp", "udp"] = Field(default="tcp", description="How RTSP carries pictures.")
    enabled: bool = Field(default=True, description="Off, it is neither connected nor recorded.")
    cover: tuple[Covered, ...] = Field(
        default=("head", "plate"), min_length=1, description="What is looked for and covered."
    )
    style: Literal["fill", "black", "frost"] = Field(default="fill", description="How it is covered.")
    margin: Annotated[dict[Covered, Annotated[float, Field(ge=0, le=2)]], BeforeValidator(by_label)] = Field(
        default_factory=dict, description="How much a box grows on every side before it is painted, as a share of it."
    )
    keep: Areas = Field(
        default=(),
        description="Parts of the picture that stay as they are: what lies wholly inside is not covered, faces "
        "included. A text of points as shares of width and height each; two are corners of a rectangle.",
    )
    only: Areas = Field(
        default=(),
        description="The only parts of the picture where something is covered; what touches one of them counts.",
    )
    quality: Literal["small", "good", "high", "near-lossless"] = Field(
        default="good", description="Of what is encoded anew."
    )
    speed: Literal["fastest", "fast", "balanced", "thorough"] = Field(
        default="fastest", description="Of the encoder; slower ones make smaller files, and take more of the machine."
    )
    delay_s: float = Field(
        default=2.0, ge=0, le=30, description="Held in memory, so that a head found late is covered before that, too."
    )
    segment_s: float = Field(default=30.0, ge=10, le=60, description="Length of the stored files.")
    timeout_s: float = Field(default=10.0, ge=1, le=600, description="Silence after which the camera counts as lost.")
    watchdog_s: float = Field(
        default=45.0, ge=10, le=3600, description="Nothing playable stored for so long, and its process starts anew."
    )
    memory_mb: int = Field(
        default=1500,
        ge=200,
        description="Above it the process starts anew at a segment's end, above 1.5 times at once.",
    )
    retention_h: float = Field(
        default=72.0, gt=0, description=f"Older recordings are erased. More than {LONG_RETENTION_H} h need a reason."
    )
    retention_reason: str = Field(default="", max_length=2000, description="Why recordings are kept for so long.")
    quota_gb: float | None = Field(
        default=None, gt=0, description="Of recordings (10^9 bytes each); the oldest go first. Unset, no limit."
    )
    latitude: float | None = Field(default=None, ge=-90, le=90, description="Of its place, in degrees (WGS 84).")
    longitude: float | None = Field(default=None, ge=-180, le=180, description="Likewise.")
    heading_deg: float | None = Field(default=None, ge=0, lt=360, description="Where it looks; 0 is north, 90 east.")
    angle_deg: float | None = Field(default=None, gt=0, le=360, description="How wide it sees.")
    reach_m: float | None = Field(default=None, gt=0, le=5000, description="How far it sees, in metres.")
    operator: str = Field(default="", max_length=300, description="Who runs it; for its public page.")
    purpose: str = Field(default="", max_length=2000, description="What it is for; for its public page.")
    contact: str = Field(default="", max_length=300, description="Whom to ask; for its public page.")

    @field_validator("url", "look_url")
    @classmethod
    def _holds_no_password(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
        except ValueError:  # whose words may quote the address
            raise ValueError("is no address") from None
        if "@" in parts.netloc:
            raise ValueError("user and password belong into the file of credentials, not into the address")
        if any(_SECRET_KEY.search(key) for key, _ in parse_qsl(parts.query, keep_blank_values=True)):
            raise ValueError("what is secret in the address belongs into the file of credentials, as query")
        return url

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.retention_h > LONG_RETENTION_H and not self.retention_reason:
            raise ValueError(f"retention_h is over {LONG_RETENTION_H} (30 days): say why in retention_reason")
        if self.watchdog_s < self.delay_s + self.timeout_s:
            raise ValueError("watchdog_s must be at least delay_s and timeout_s together")
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude go together")
        if self.look_url and (self.look_url == DEMO_URL or self.look_url == self.url):
            raise ValueError("look_url is a second, smaller stream of the camera, not the one in url, and not demo:")
        return self

    @property
    def shown(self) -> str:
        """Its title, or its name where it has none."""
        return self.title or self.name

    @property
    def for_process(self) -> dict[str, Any]:
        """What its process has to know; it starts anew when this changes."""
        return self.model_dump(exclude=_FOR_PEOPLE)

    @property
    def redaction(self) -> Settings:
        """The part of the settings that stages of the engine need."""
        return Settings(
            cover=self.cover,
            style=self.style,
            margin=self.margin,
            keep=self.keep,
            only=self.only,
            quality=self.quality,
            speed=self.speed,
        )


_FOR_PEOPLE = {
    *("title", "site", "operator", "purpose", "contact", "latitude", "longitude", "heading_deg", "angle_deg"),
    *("reach_m", "retention_h", "retention_reason", "quota_gb"),
}
"""Settings that change what is shown and how long recordings stay, not what the process of a camera does."""


class AccountSettings(_Part):
    """An account that the file of the town makes. There is no default password: the hash is of Argon2."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,31}$", description="To log in with: a-z, 0-9 and . _ -")
    role: Role = Field(default="viewer", description="What it may do; see [Permissions](permissions.md).")
    sites: tuple[Name, ...] = Field(default=(), description="Which sites it may see; empty, all of them.")
    password_hash: str = Field(
        default="",
        pattern=r"^(\$argon2id\$.+)?$",
        description="Of Argon2id (`$argon2id$...`). Unset, an administrator sends a one-time link.",
    )


class Town(_Part):
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
