"""Where, when and with what the results came about: their environments, folded into one list."""

import shlex
from collections.abc import Sequence

from adabench.events import Environment
from adabench.results.format import Result

VALUES_SHOWN = 8


def provenance(results: Sequence[Result]) -> list[tuple[str, str]]:
    """Facts as (what, value); several values of one fact are sorted and joined."""
    places = [result.environment for result in results if result.environment]
    if not places:
        return []
    words = {
        "device": "Device",
        "driver": "Driver",
        "threads": "CPU threads",
        "platform": "Platform",
        "python": "Python",
        "torch": "torch",
        "torchvision": "torchvision",
        "adabench": "adabench",
        "git_revision": "Revision",
        "dataset_fingerprint": "Data (sha256)",
    }
    facts = [(word, _joined({getattr(place, field) for place in places})) for field, word in words.items()]
    lines = [*facts, ("Ran", _period(places)), ("Command", _joined({shlex.join(p.command) for p in places}))]
    return [(word, value) for word, value in lines if value]


def machines(results: Sequence[Result]) -> str:
    """The devices that results came about on, with the CPU threads where the device is a CPU."""
    places = [result.environment for result in results if result.environment]
    return _joined({_machine(place) for place in places})


def _machine(place: Environment) -> str:
    threads = f", {place.threads} CPU thread{'s' * (place.threads != 1)}" * (place.device_type == "cpu")
    return f"{place.device}{threads}"


def _joined(values: set[str | int | None]) -> str:
    known = sorted(str(value) for value in values if value is not None)
    more = f"; and {len(known) - VALUES_SHOWN} more" if len(known) > VALUES_SHOWN else ""
    return "; ".join(known[:VALUES_SHOWN]) + more


def _period(places: Sequence[Environment]) -> str:
    first, last = min(place.started for place in places), max(place.ended for place in places)
    return f"{first} to {last}"
