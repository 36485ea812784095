"""Who looks at a page, and whether they still may, each time that something is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nicegui import run, ui
from starlette.requests import Request

from passerby.errors import PasserbyError
from passerby.live import CameraStatus
from passerby.serve.accounts import Accounts
from passerby.serve.network import Network
from passerby.serve.permissions import Caller, Permission
from passerby.serve.town import CameraSettings
from passerby.web.pages.markup import told
from passerby.web.sessions import current_user

ALIVE_S = 30
"""How often an open page asks whether its session still is one."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One page, open in one browser.

    Attributes:
        caller: who opened it. What they may do is asked anew, with `may_now`, whenever they do something.
        network: the cameras.
        accounts: of people.
    """

    caller: Caller
    network: Network
    accounts: Accounts

    @staticmethod
    def of(request: Request, network: Network, accounts: Accounts) -> Visit | None:
        """None where nobody logged in; an API token opens no pages."""
        caller = current_user(request)
        return None if caller is None or caller.session is None else Visit(caller, network, accounts)

    def may(self, permission: Permission, site: str | None = None) -> bool:
        """Whether that was allowed when the page was opened: decides what is shown."""
        return self.caller.may(permission, site)

    def may_now(self, permission: Permission, site: str | None = None) -> bool:
        """Whether that is allowed now: decides what is done. Says why not, and leaves where the session is over."""
        caller = self.alive()
        if caller is None:
            return False
        if not caller.may(permission, site):
            told("Your account may not do this any more; nothing was changed", bad=True)
            return False
        return True

    def alive(self) -> Caller | None:
        """The caller as they are now; without a session the page goes to where one logs in."""
        caller = self.accounts.sessions.alive(self.caller.session) if self.caller.session is not None else None
        if caller is None:
            ui.navigate.to("/login")
        return caller

    def cameras(self) -> list[CameraSettings]:
        """The cameras that exist for the caller."""
        return [camera for camera in self.network.town.camera if self.caller.sees(camera.site)]

    def statuses(self) -> dict[str, CameraStatus]:
        """How these are, by name."""
        seen = {camera.name for camera in self.cameras()}
        return {status.name: status for status in self.network.statuses() if status.name in seen}

    async def do(self, action: str, subject: str, act: Callable[[], object], note: str = "") -> bool:
        """Write down who does what, do it outside of the loop of the pages, and say whether it was done."""

        def logged() -> None:
            self.accounts.log.add(self.caller.account, action, subject, note)
            act()

        try:
            await run.io_bound(logged)
        except KeyError:
            told(f"{subject}: there is no such camera any more", bad=True)
        except PasserbyError as error:
            told(f"{error.message}. {error.hint or ''}".strip(), bad=True)
        else:
            return True
        return False
