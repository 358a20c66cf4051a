"""``python -m adabench`` is ``adabench``."""

from adabench.cli import main

main()
