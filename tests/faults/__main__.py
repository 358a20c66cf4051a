"""The fault harness: whole sweeps killed, signalled and starved of disk, in real processes.

    python tests/faults [SCENARIO...] [--short] [--seconds N] [--json]

``--short`` takes a sample of each scenario; ``--seconds`` bounds the scenario that draws its faults by
chance. The exit code is 1 where something was violated.
"""

import argparse
import gc
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "2"
sys.path.insert(0, str(Path(__file__).parent))

import small_sweep  # noqa: F401  (imports the engine once, for all the processes forked from here)
import sweep_chance
import sweep_disk
import sweep_kill
import sweep_signals
import torch._dynamo
from tally import Tally, finish

from adabench.engine import environment, train  # noqa: F401
from adabench.launchers import local  # noqa: F401

Scenario = Callable[[Path, argparse.Namespace], list[Tally]]
SCENARIOS: dict[str, Scenario] = {
    "kill": lambda root, wanted: sweep_kill.cases(root, short=wanted.short),
    "signals": lambda root, wanted: sweep_signals.cases(root, short=wanted.short),
    "disk": lambda root, wanted: sweep_disk.cases(root, short=wanted.short),
    "chance": lambda root, wanted: sweep_chance.cases(
        root, kills=4 if wanted.short else 200, seconds=wanted.seconds
    ),
}


def main() -> int:
    """Run the scenarios named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenarios", nargs="*", choices=[[], *SCENARIOS], metavar="SCENARIO")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    torch.set_num_threads(1)  # no team of threads may exist before a fork
    environment._git_revision()
    gc.freeze()
    tallies: list[Tally] = []
    for name in wanted.scenarios or SCENARIOS:
        memory = Path("/dev/shm")  # where flushing costs nothing
        with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as root:
            tallies += SCENARIOS[name](Path(root), wanted)
    return finish(tallies)


if __name__ == "__main__":
    sys.exit(main())
