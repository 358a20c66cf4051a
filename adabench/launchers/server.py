"""What the process that workers are forked from imports: all that a first job needs. Nothing runs here.

No OpenMP team and no CUDA context may exist before a fork, and importing makes none.
"""

import gc
import os

from adabench.launchers.parent import end_with_parent

end_with_parent()  # imports done or not

# Workers compile for themselves: each with a pool of compilers would be too many processes for one machine.
os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")

import torch._dynamo  # noqa: E402, F401, TID251  (imported by the first optimizer made, as long as all of torch)

import adabench.launchers.worker  # noqa: E402, F401

gc.freeze()  # keeps these objects in memory that all workers share
