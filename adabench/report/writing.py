"""Documents and pictures appear whole: written beside their place, flushed, and moved into it."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from adabench.errors import RequestError


def write(path: Path, content: str | bytes) -> None:
    """Put a file in its place, whatever stood there; a reader never sees half of it.

    Raises:
        RequestError: the file system refuses; what stood there is still there.
    """
    data = content.encode("utf-8", errors="replace") if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)  # a device or a pipe has nothing to replace
            return
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise RequestError(f"cannot write {path}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
