"""A small sweep on Ray that tells when what happened: ``python ray_sweep.py OUT EPOCHS [local]``.

Lines on stdout: ``EVENT <unix time> <kind> <job key> <steps or status>``; warnings and errors as they are.
"""

import os
import sys
import time
from pathlib import Path

from adabench import pipeline
from adabench.config import Request, Settings, resolve_sweep
from adabench.errors import AdabenchError
from adabench.events import Event, JobEnded, JobStarted, StepsDone
from adabench.launchers.local import Local
from adabench.launchers.ray import Ray
from adabench.launchers.signals import Stop, stoppable

JOBS = 6
PROBLEM = "synthetic:size=8,channels=1,classes=4,train=4096,test=256"


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def listen(event: Event) -> None:
    if isinstance(event, JobStarted | JobEnded | StepsDone):
        value = {JobStarted: "total_steps", JobEnded: "status", StepsDone: "steps"}[type(event)]
        words = (f"{time.time():.3f}", type(event).__name__, event.job.key, getattr(event, value))
        say("EVENT", *words)


def main(out: str, epochs: str, *local: str) -> int:
    request = Request(
        optimizers=("adam",),
        models=("mlp:hidden=8",),
        datasets=(PROBLEM,),
        settings=Settings(seeds=JOBS, epochs=int(epochs)),
    )
    launcher = Local(workers=1, threads=1) if local else Ray(ray_address=os.environ.get("RAY_ADDRESS"))
    try:
        with stoppable():
            plan = pipeline.plan(
                resolve_sweep(request),
                out=Path(out),
                data_dir=Path(out),
                launcher=launcher,
                stack_seeds="off",
                checkpoint_every=1.0,
            )
            say("PLAN", f"{time.time():.3f}", plan.site, len(plan.pending))
            pipeline.prepare(plan)
            results = pipeline.execute(plan, listen)
    except Stop:
        return 130
    except AdabenchError as error:
        say("adabench:", error)
        return 1
    return int(any(result.status != "completed" for result in results))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
