"""YAML that means what it says: 1.2 scalars, no duplicate keys, no tags, no bombs, and a line for each key.

Plain ``yaml.safe_load`` reads ``1e-3`` as text and ``no`` as false, lets the last of two equal keys
win, and expands nested aliases without end.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from adabench.errors import ConfigError

LARGEST_FILE_BYTES = 1_000_000
MOST_NODES = 20_000
DEEPEST = 20

Place = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """SafeLoader with the scalars of YAML 1.2's core schema."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own protocol)


for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))

_SCALARS: dict[str, Any] = {
    "tag:yaml.org,2002:str": str,
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": float,
    "tag:yaml.org,2002:bool": lambda text: text.lower() == "true",
    "tag:yaml.org,2002:null": lambda text: None,
}


@dataclass
class Document:
    """Plain data read from a file, and the line on which each of its parts stands."""

    path: Path
    data: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    _nodes: int = 0

    def error(self, place: Place, message: str) -> ConfigError:
        """A one-line error that names the file, the line and the key."""
        while place and place not in self.lines:
            place = place[:-1]
        key = ".".join(map(str, place))
        where = f"{self.path}, line {self.lines.get(place, 1)}"
        return ConfigError(f"{where}: {key}: {message}" if key else f"{where}: {message}")

    def build(self, node: yaml.Node, place: Place) -> Any:
        """Turn a node into plain data, noting where it stands."""
        self._nodes += 1
        self.lines.setdefault(place, node.start_mark.line + 1)
        if self._nodes > MOST_NODES or len(place) > DEEPEST:
            raise self.error(place, f"too large or too deep; at most {MOST_NODES} values, {DEEPEST} levels")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode) and node.tag.endswith(":seq"):
            return [self.build(item, (*place, i)) for i, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.tag in _SCALARS:
            return self._scalar(node, place)
        raise self.error(place, f"the tag {node.tag!r} is not allowed; write plain values")

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> Any:
        try:
            return _SCALARS[node.tag](node.value)
        except ValueError:  # Python reads no integer of thousands of digits
            raise self.error(place, f"a number of {len(node.value)} digits is not allowed") from None

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        if not node.tag.endswith(":map"):
            raise self.error(place, f"the tag {node.tag!r} is not allowed; write plain values")
        for key_node, value_node in node.value:
            key = str(key_node.value)
            inner = (*place, key)
            first = self.lines.get(inner)
            if key in mapping:
                self.lines[inner] = key_node.start_mark.line + 1
                raise self.error(inner, f"given twice; the first is on line {first}")
            self.lines[inner] = key_node.start_mark.line + 1
            mapping[key] = self.build(value_node, inner)
        return mapping


def read_yaml(path: Path) -> Document:
    """Read a YAML file.

    Raises:
        ConfigError: it cannot be read, is not YAML, or is not plain data.
    """
    document = Document(path)
    try:
        with path.open("rb") as file:  # a device has no size, but no end either
            content = file.read(LARGEST_FILE_BYTES + 1)
        if len(content) > LARGEST_FILE_BYTES:
            raise ConfigError(f"{path} is larger than {LARGEST_FILE_BYTES} bytes; a suite file is not")
        node = yaml.compose(content.decode("utf-8-sig"), Loader=_Loader)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text: byte {error.start} does not fit") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}, line {line}: not YAML: {error.problem}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    document.data = None if node is None else document.build(node, ())
    return document
