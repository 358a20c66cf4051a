"""Documents and pictures appear whole: written beside their place, flushed, and moved into it."""

from pathlib import Path

from adabench import durable
from adabench.errors import RequestError


def write(path: Path, content: str | bytes) -> None:
    """Put a file in its place, in a new folder where need be; a reader never sees half of it.

    Raises:
        RequestError: the file system refuses; what stood there is still there.
    """
    data = content.encode("utf-8", errors="replace") if isinstance(content, str) else content
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)  # a device or a pipe has nothing to replace
        else:
            durable.make_folder(path.parent)
            durable.replace(path, data)
    except OSError as error:
        raise RequestError(f"cannot write {path}: {error.strerror}") from error
