"""How each request of the reducer is asked, and what its answer is for the reducer. Pure.

To add a request for the daemon: its class in `bootmenu.state.messages`, and a case here.
"""

from collections.abc import Callable
from typing import assert_never

from bootd.protocol import methods
from bootd.protocol.codec import Json, from_json, to_json
from bootd.protocol.varlink import Call
from bootd.reach import BOOT_TIMEOUT_S, EXPLAIN_TIMEOUT_S, QUICK_TIMEOUT_S
from bootd.record import dataclass
from bootmenu.state import (
    Boot,
    Browse,
    Browsed,
    Cancel,
    Configure,
    Describe,
    Described,
    Explain,
    Explained,
    Failed,
    Forget,
    Happening,
    Inspect,
    Inspected,
    Kept,
    LeaveMachine,
    Loaded,
    NotBrowsed,
    NotInspected,
    OpenShell,
    Question,
    Rescan,
    Save,
    SetDefault,
    SetOneShot,
    SetTimeout,
    Unexplained,
    Unlock,
    Wish,
)

Members = dict[str, Json]


def _nothing(_members: Members) -> None:
    """Tell nothing: what was done is seen by the events of the daemon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it is sent.

    Attributes:
        told: Makes a happening of the reply's members; raises ProtocolError.
        timeout_s: How long the answer may take.
    """

    method: methods.Method
    parameters: object
    told: Callable[[Members], Happening | None] = _nothing
    timeout_s: float = QUICK_TIMEOUT_S

    def call(self) -> Call:
        """Return what goes on the wire."""
        members = to_json(self.parameters)
        assert isinstance(members, dict)  # noqa: S101 - every parameters record becomes an object
        return Call(method=self.method.full_name, parameters=members)


def asked(request: Question, by: str) -> Asked:
    """Return how to ask; `by` says who does."""
    match request:
        case Boot(id=option_id, overrides=overrides):
            return Asked(
                method=methods.BOOT,
                parameters=methods.Booting(id=option_id, overrides=overrides, by=by),
                told=lambda reply: Loaded(reply=from_json(methods.Booted, reply).reply),
                timeout_s=BOOT_TIMEOUT_S,
            )
        case Explain(id=option_id, overrides=overrides, about=about):
            return Asked(
                method=methods.EXPLAIN,
                parameters=methods.Explaining(id=option_id, overrides=overrides),
                told=lambda reply: Explained(
                    explanation=from_json(methods.Explained, reply).explanation, about=about
                ),
                timeout_s=EXPLAIN_TIMEOUT_S,
            )
        case Browse(asked=browsing):
            return Asked(
                method=methods.BROWSE_TREE,
                parameters=browsing,
                told=lambda reply: Browsed(
                    asked=browsing, page=from_json(methods.Browsed, reply).page
                ),
                timeout_s=EXPLAIN_TIMEOUT_S,
            )
        case Inspect() | Describe() | Save():
            return _about_the_rest(request, by)
        case Cancel() | Rescan() | Unlock() | SetTimeout() | OpenShell() | LeaveMachine():
            return _command(request, by)
        case _:
            return _wish(request, by)


def _about_the_rest(request: Inspect | Describe | Save, by: str) -> Asked:
    """Return how to ask what is not about the boot of an option."""
    match request:
        case Inspect(device=device):
            return Asked(
                method=methods.INSPECT_DEVICE,
                parameters=methods.Inspecting(device=device),
                told=lambda reply: Inspected(
                    device=device, looks=from_json(methods.Inspected, reply).looks
                ),
                timeout_s=EXPLAIN_TIMEOUT_S,
            )
        case Describe():
            return Asked(
                method=methods.DESCRIBE_MACHINE,
                parameters=methods.NoParameters(),
                told=lambda reply: Described(
                    machine=from_json(methods.DescribingMachine, reply).machine
                ),
            )
        case Save(id=option_id, name=name, overrides=overrides, about=about):
            return Asked(
                method=methods.SAVE_OVERRIDES,
                parameters=methods.SavingOverrides(
                    id=option_id, name=name, overrides=overrides, by=by
                ),
                told=lambda reply: Kept(id=from_json(methods.Saved, reply).id, about=about),
            )
        case _:
            assert_never(request)


def _wish(request: Wish, by: str) -> Asked:
    """Return how to have something remembered."""
    match request:
        case SetDefault(id=option_id, until=until):
            parameters = methods.SettingDefault(id=option_id, until=until, by=by)
            return Asked(method=methods.SET_DEFAULT, parameters=parameters)
        case SetOneShot(id=option_id):
            return Asked(
                method=methods.SET_ONE_SHOT, parameters=methods.Selecting(id=option_id, by=by)
            )
        case Configure(timeout_seconds=seconds, autoboot=autoboot, order=order, reset=reset):
            return Asked(
                method=methods.CONFIGURE,
                parameters=methods.Configuring(
                    timeout_seconds=seconds, autoboot=autoboot, order=order, reset=reset, by=by
                ),
            )
        case Forget(id=option_id):
            return Asked(
                method=methods.FORGET_OVERRIDES,
                parameters=methods.Selecting(id=option_id, by=by),
            )
        case _:
            assert_never(request)


def _command(
    request: Cancel | Rescan | Unlock | SetTimeout | OpenShell | LeaveMachine, by: str
) -> Asked:
    """Return how to have something done that is answered by an event, if at all."""
    match request:
        case Cancel():
            return Asked(method=methods.CANCEL, parameters=methods.Cancelling(by=by))
        case Rescan():
            return Asked(method=methods.RESCAN, parameters=methods.NoParameters())
        case Unlock(device=device, passphrase=passphrase):
            unlocking = methods.Unlocking(device=device, passphrase=passphrase, by=by)
            return Asked(method=methods.UNLOCK, parameters=unlocking, timeout_s=BOOT_TIMEOUT_S)
        case SetTimeout(seconds=seconds):
            parameters = methods.SettingTimeout(seconds=seconds, by=by)
            return Asked(method=methods.SET_TIMEOUT, parameters=parameters)
        case OpenShell():
            console = by.removeprefix("console ")
            opening = methods.OpeningShell(console=console, by=by)
            return Asked(method=methods.OPEN_SHELL, parameters=opening, timeout_s=EXPLAIN_TIMEOUT_S)
        case LeaveMachine(action=action):
            return Asked(method=methods.LEAVE, parameters=methods.Leaving(action=action, by=by))
        case _:
            assert_never(request)


def failure(request: Question, reason: str) -> Failed | Unexplained | NotBrowsed | NotInspected:
    """Return what a request that failed means to the reducer."""
    if isinstance(request, Browse):
        return NotBrowsed(asked=request.asked, reason=reason)
    if isinstance(request, Inspect):
        return NotInspected(device=request.device, reason=reason)
    if isinstance(request, Explain):
        return Unexplained(id=request.about or request.id, reason=reason)
    return Failed(reason=reason)
