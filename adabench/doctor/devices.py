"""What torch finds here: devices that compute, number types, threads, a compiler."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import torch  # noqa: TID251  (the one file of this room that needs it)

from adabench.doctor.finding import Finding
from adabench.doctor.limits import cpus_allowed
from adabench.engine.device import computes_bfloat16, device_name
from adabench.errors import one_line
from adabench.optimizers.fused import compiler_available

GIB = 2**30


def examine_torch() -> Iterator[Finding]:
    """Versions, devices and what they can do."""
    import torchvision

    built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "the CPU only"
    versions = f"{torch.__version__} for {built}, torchvision {torchvision.__version__}"
    yield Finding(name="torch", state="ok", detail=versions)
    yield _cpu()
    yield _threads()
    yield _bfloat16(torch.device("cpu"), "cpu")
    yield from _gpus()
    yield _compiler("cpu", "g++ and Python's headers")
    if torch.cuda.is_available():
        yield _compiler("cuda", "triton")


def _cpu() -> Finding:
    widest = torch.backends.cpu.get_cpu_capability()
    return Finding(name="cpu", state="ok", detail=f"{device_name(torch.device('cpu'))}, {widest}")


def _threads() -> Finding:
    threads, allowed = torch.get_num_threads(), cpus_allowed()
    detail = f"torch uses {threads} of {allowed} CPUs"
    if threads <= allowed:
        return Finding(name="threads", state="ok", detail=detail)
    detail = f"torch uses {threads} threads, but only {allowed} CPUs are allowed here"
    return Finding(name="threads", state="note", detail=detail, cure=f"export OMP_NUM_THREADS={allowed}")


def _bfloat16(device: torch.device, name: str) -> Finding:
    if computes_bfloat16(device):
        return Finding(name=f"bf16 on {name}", state="ok", detail="computed by the device itself")
    cure = "use --precision fp32 here"
    return Finding(name=f"bf16 on {name}", state="note", detail="emulated, much slower than fp32", cure=cure)


def _gpus() -> Iterator[Finding]:
    if not torch.cuda.is_available():
        yield _no_gpu()
    for number in range(torch.cuda.device_count()):
        device = torch.device("cuda", number)
        yield _gpu(device)
        yield _bfloat16(device, str(device))


def _no_gpu() -> Finding:
    if not Path("/dev/nvidiactl").exists() and shutil.which("nvidia-smi") is None:
        return Finding(name="gpu", state="ok", detail="none; jobs run on the CPU")
    if torch.version.cuda is None:
        cure = "install torch with CUDA: see pytorch.org/get-started"
        return Finding(
            name="gpu", state="wrong", detail="there is one, but torch is built for the CPU", cure=cure
        )
    cure = f"install a driver for CUDA {torch.version.cuda}, or torch for the driver that nvidia-smi shows"
    return Finding(name="gpu", state="wrong", detail="there is one, but torch cannot use it", cure=cure)


def _gpu(device: torch.device) -> Finding:
    """A GPU that is there can still be one that this build of torch has no code for: try it."""
    try:
        ones = torch.ones(32, 32, device=device)
        right = bool((ones @ ones == 32).all())
        free, total = torch.cuda.mem_get_info(device)
    except RuntimeError as error:
        cure = "install torch for this GPU's generation: see pytorch.org/get-started"
        return Finding(name=str(device), state="wrong", detail=one_line(error), cure=cure)
    if not right:
        detail = f"{device_name(device)} multiplies wrongly"
        return Finding(name=str(device), state="wrong", detail=detail, cure="have it replaced")
    detail = f"{device_name(device)}, {free / GIB:.1f} of {total / GIB:.1f} GiB are free"
    return Finding(name=str(device), state="ok", detail=detail)


def _compiler(device: str, needed: str) -> Finding:
    name = f"compiler for {device}"
    if compiler_available(device):
        return Finding(name=name, state="ok", detail="optimizers can update in one pass over memory")
    detail = "none: optimizers update in several passes over memory, and --executor compiled is not there"
    return Finding(name=name, state="note", detail=detail, cure=f"install {needed}")
