"""Every error a user can meet, drawn as a tree.

AdabenchError
├── RequestError            the request was wrong: one line, exit code 2, nothing written
│   ├── UnknownNameError    a name no catalogue holds; offers the nearest one
│   ├── BadValueError       a known name with a value it does not take
│   ├── ConfigError         a suite file that cannot be used; says file, line and key
│   └── DataError           a data set that is missing, unreadable or malformed
├── ResultError             a result file that is damaged or from a newer version
├── ClusterLostError        a cluster that does not answer any more: what was kept stays, exit code 1
└── CheckpointError         a checkpoint that is damaged or of another run; never ends one
"""

from collections.abc import Iterable
from difflib import get_close_matches


class AdabenchError(Exception):
    """Base of all errors raised on purpose; its message is one line fit for a user."""


class RequestError(AdabenchError):
    """The request cannot be carried out as given (exit code 2)."""


class UnknownNameError(RequestError):
    """A name that no catalogue holds."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f"unknown {kind} {name!r}; {suggestion(name, known)}")


class BadValueError(RequestError):
    """A known name with a value outside what it takes."""


class ConfigError(RequestError):
    """A suite file that cannot be used."""


class DataError(RequestError):
    """A data set that is missing, unreadable or malformed."""


class ResultError(AdabenchError):
    """A result file that is damaged, or written by a newer version."""


class ClusterLostError(AdabenchError):
    """A cluster that is gone while jobs were to run on it; what was finished is kept (exit code 1)."""


class CheckpointError(AdabenchError):
    """A checkpoint that cannot be gone on from."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """The nearest known name when there is one, else all of them."""
    known = list(known)
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"


def one_line(error: BaseException) -> str:
    """The error's message on one line, prefixed by its type unless it is one of ours."""
    text = " ".join(str(error).split())
    return text if isinstance(error, AdabenchError) else f"{type(error).__name__}: {text}".rstrip(": ")
