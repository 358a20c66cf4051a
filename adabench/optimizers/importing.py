"""From ``package.module:attribute`` or ``path.py:attribute`` to the object and to where it came from.

What is named here is imported, so its code runs: only names that a user typed may come here.
"""

import functools
import hashlib
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import packages_distributions, version
from pathlib import Path
from types import ModuleType
from typing import Any

from adabench.errors import BadValueError, UnknownNameError, one_line


@dataclass(frozen=True)
class Imported:
    """A class or a function found by name.

    Args:
        target: what the name stands for.
        source: its distribution and version, or ``sha256:`` and 16 digits of its file.
    """

    target: Callable[..., Any]
    source: str | None


def import_object(name: str) -> Imported:
    """Import what ``name`` points at.

    Args:
        name: ``package.module:attribute`` or ``path.py:attribute``; modules are also looked for in the
            working folder.

    Raises:
        RequestError: no such file, module or attribute, or code that fails on import.
    """
    place, _, attribute = name.rpartition(":")
    source: str | None
    if place.endswith(".py"):
        module, source = _from_file(name, Path(place)), _fingerprint(Path(place))
    else:
        module = _from_path(name, place)
        source = _distribution(module)
    found = getattr(module, attribute, None)
    if not callable(found):
        raise UnknownNameError(f"class or function of {place}", attribute, _near(attribute, module))
    return Imported(found, source)


def _from_file(name: str, path: Path) -> ModuleType:
    if not path.is_file():
        raise BadValueError(f"{name}: there is no file {str(path)!r}")
    key = f"{path.stem}_{_fingerprint(path).partition(':')[2]}"
    if key in sys.modules:
        return sys.modules[key]
    spec = importlib.util.spec_from_file_location(key, path)
    if spec is None or spec.loader is None:
        raise BadValueError(f"{name}: {str(path)!r} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    _look_in(path.parent)
    sys.modules[key] = module  # before it runs, as a dataclass in it looks its own module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[key]
        raise BadValueError(f"{name}: {str(path)!r} does not run: {one_line(error)}") from error
    return module


def _from_path(name: str, path: str) -> ModuleType:
    _look_in(Path())
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        raise _missing(name, path, error.name or path) from error
    except (Exception, SystemExit) as error:
        raise BadValueError(f"{name}: importing {path} failed: {one_line(error)}") from error


def _missing(name: str, path: str, module: str) -> BadValueError | UnknownNameError:
    """The error for a module that is not here: the one named, one inside it, or one that it needs."""
    package, _, leaf = module.rpartition(".")
    if package and (path == module or path.startswith(f"{module}.")):
        parent = importlib.import_module(package)
        known = [info.name for info in pkgutil.iter_modules(getattr(parent, "__path__", []))]
        return UnknownNameError(f"module of {package}", leaf, known or ["none"])
    top = module.partition(".")[0]
    return BadValueError(f"{name}: there is no module {top!r} here; pip install {top.replace('_', '-')}")


def _look_in(folder: Path) -> None:
    """Let imports find what lies in a folder, after all that is installed."""
    if str(folder.resolve()) not in sys.path:
        sys.path.append(str(folder.resolve()))


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    """Which distributions each top-level package comes from; it takes a second to read."""
    return packages_distributions()


def _distribution(module: ModuleType) -> str | None:
    """Distribution and version of an installed module, else the fingerprint of its file."""
    names = _distributions().get(module.__name__.partition(".")[0])
    if names:
        return f"{names[0]} {version(names[0])}"
    return _fingerprint(Path(module.__file__)) if module.__file__ else None


def _fingerprint(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"


def _near(attribute: str, module: ModuleType) -> list[str]:
    """Names worth suggesting: those that share a part with the one asked for, else all public ones."""
    names = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
    asked = attribute.lower()
    akin = [key for key in names if len(key) > 2 and (key.lower() in asked or asked in key.lower())]
    return sorted(akin or names) or ["none"]
