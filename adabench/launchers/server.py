"""What the process that workers are forked from imports: all that a first job needs. Nothing runs here.

No OpenMP team and no CUDA context may exist before a fork, and importing makes none.
"""

import ctypes
import gc
import os
import signal
import sys

if sys.platform == "linux":
    _PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(
        _PR_SET_PDEATHSIG, signal.SIGKILL
    )  # end with the coordinator, imports done or not

# Workers compile for themselves: each with a pool of compilers would be too many processes for one machine.
os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")

import torch._dynamo  # noqa: F401, TID251  (imported by the first optimizer made, as long as all of torch)

import adabench.launchers.worker  # noqa: F401

gc.freeze()  # keeps these objects in memory that all workers share
