"""The seal of a result file: a sha256 in its last entry, over every byte before that entry.

It is taken over bytes and not over values, so that it holds whatever fields a later version adds, and
costs little to check. Files from before there were seals have none, and stay readable.
"""

import hashlib
import re

_SEAL = re.compile(rb',\n  "sha256": "([^"\n]*)"\n}\n?\Z')
_LONGEST_SEAL = 100


def seal(document: str) -> bytes:
    """The file's bytes.

    Args:
        document: a JSON object, laid out with its last brace on a line of its own.
    """
    body = document.removesuffix("\n}").encode("utf-8", errors="replace")
    return b'%b,\n  "sha256": "%b"\n}\n' % (body, _digest(body))


def unseal(content: bytes) -> tuple[bytes, bool | None]:
    """The document without its seal, and whether the seal fits; None where there is none."""
    found = _SEAL.search(content, max(0, len(content) - _LONGEST_SEAL))
    if found is None:
        return content, None
    body = content[: found.start()]
    return body + b"\n}", found[1] == _digest(body)


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()
