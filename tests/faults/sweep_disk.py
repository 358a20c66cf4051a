"""A disk that fills up, turns read-only or closes in the middle of a sweep.

Real file systems in memory with a size limit, in a mount namespace of their own, which vanish with it;
needs root and ``unshare``. A result that cannot be written ends the sweep with one line; a checkpoint
that cannot costs the checkpoint only. Once the disk is well, the same sweep ends as it would have.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from processes import PATIENCE_SECONDS

INSIDE = "--inside"
PLACES = {"results": "results", "checkpoints": "results/.runs"}
"""Where the small file system lies."""


def cases(root: Path, *, short: bool) -> list[Any]:
    """Run all in a namespace of its own; nothing where that is not permitted."""
    from tally import Tally

    command = ["unshare", "--mount", "--propagation", "private", sys.executable, __file__, INSIDE]
    probe = subprocess.run([*command[:4], "true"], check=False, capture_output=True)
    if probe.returncode != 0:
        return []
    arguments = [str(root), *(["--short"] if short else [])]
    done = subprocess.run(
        [*command, *arguments], check=True, stdout=subprocess.PIPE, timeout=10 * PATIENCE_SECONDS
    )
    return [Tally(**entry) for entry in json.loads(done.stdout)]


def _inside(root: Path, *, short: bool) -> list[Any]:
    from results_disk import FAULTS, _mount
    from small_sweep import outcomes, sweep
    from stored import in_a_process
    from tally import Tally

    root.chmod(0o755)
    assert in_a_process(lambda: sweep(root / "whole")) == 0
    wanted, tallies = outcomes(root / "whole"), []
    for place, path in PLACES.items():
        tally = Tally(f"no disk for {place}")
        for name, fault in list(FAULTS.items())[: 1 if short else None]:
            tally.cases += 1
            folder = Path(tempfile.mkdtemp(dir=root))
            folder.chmod(0o777)
            small = folder / path
            small.mkdir(parents=True)
            _mount("size=256k,nr_inodes=60,mode=755", small)
            texts = _violations(folder, place, fault, wanted)
            tally.violations += [f"{place}, {name}: {text}" for text in texts]
            subprocess.run(["umount", small], check=True)
        tallies.append(tally)
    return tallies


def _violations(folder: Path, place: str, fault: Any, wanted: dict[str, Any]) -> Iterator[str]:
    from small_sweep import finished, outcomes, sweep
    from stored import in_a_process, unreadable

    out, small = folder / "results", folder / PLACES[place]
    code = in_a_process(lambda: _struck(folder, small, fault))
    text = (folder / "stderr").read_text()
    if place == "results" and code == 0 and outcomes(out) == wanted:
        pass  # there was still room for a result, if not for a checkpoint
    elif place == "results":
        complaints = [line for line in text.splitlines() if "adabench: cannot write" in line]
        if code != 1 or len(complaints) != 1 or "Traceback" in text:
            yield f"ended with {code} and said {text!r}"
        elif f"{out.name}/" not in complaints[0] or "bytes)" not in complaints[0]:
            yield f"path and need are missing in {complaints[0]!r}"
        if len(finished(out)) != 1:
            yield "the earlier result is not there"
    elif code != 0 or "no checkpoints in" not in text or outcomes(out) != wanted:
        yield f"ended with {code} and said {text!r}"
    if unreadable(out):
        yield "a torn result is visible"
    kept = finished(out)
    _heal(small)
    if in_a_process(lambda: sweep(out)) != 0 or outcomes(out) != wanted:
        yield "the same sweep on a sound disk does not end as it would have"
    if not kept.items() <= finished(out).items():
        yield "a finished result was written again"


def _struck(folder: Path, small: Path, fault: Any) -> int:
    """The command in this process, whose disk fails when its first job has ended."""
    from small_sweep import command, to_file, words

    from adabench import progress
    from adabench.engine import device
    from adabench.engine import run as engine_run
    from adabench.events import JobEnded

    engine_run.SIGN_OF_LIFE_SECONDS = 0.0
    device._CLEAR_PEAK = folder / "nothing"  # a process that has changed its user may not write its own
    real, struck = progress.Lines.__call__, [False]

    def call(self: Any, event: Any) -> None:
        real(self, event)
        if isinstance(event, JobEnded) and not struck[0]:
            struck[0] = True
            for place in [folder / "results", *(folder / "results").glob("[!.]*/**/")]:
                place.chmod(0o777)  # so that only the small file system is closed
            fault(small)

    progress.Lines.__call__ = call  # type: ignore[method-assign]
    (folder / "stderr").touch(0o666)
    (folder / "stderr").chmod(0o666)
    os.chdir(folder)
    to_file(folder / "stderr")
    return command([*words(workers=1), "--checkpoint-every", "1e-9", "--out", "results"])


def _heal(small: Path) -> None:
    subprocess.run(["mount", "-o", "remount,rw", small], check=True)
    for place in (small, *small.rglob("*")):
        if place.name == "ballast" or place.name.startswith("file-"):
            place.unlink()
        else:
            place.chmod(0o755)


def _main() -> None:
    sys.path.insert(0, str(Path(__file__).parent))
    os.environ["OMP_NUM_THREADS"] = "2"
    import torch

    torch.set_num_threads(1)
    root = Path(sys.argv[2])
    sys.stdout.write(json.dumps([vars(tally) for tally in _inside(root, short="--short" in sys.argv)]))


if __name__ == "__main__" and INSIDE in sys.argv:
    _main()
