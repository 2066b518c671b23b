"""Errors of the interface, as services raise them: each carries its sentence as `message`."""

from bootd.errors import CallError
from bootd.protocol.messages import ErrorName


def about(name: str, option_id: str, message: str) -> CallError:
    """Return an error about one option."""
    return CallError(name, message, {"id": option_id, "message": message})


def plain(name: str, message: str) -> CallError:
    """Return an error that is about nothing in particular."""
    return CallError(name, message, {"message": message})


def invalid(parameter: str, message: str) -> CallError:
    """Return an error about one parameter of a call."""
    parameters: dict[str, object] = {"parameter": parameter, "message": message}
    return CallError(ErrorName.INVALID_PARAMETER, message, parameters)
