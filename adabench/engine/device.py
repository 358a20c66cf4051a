"""Where a job runs: choosing the device, setting it up as the job asks, and reading its memory."""

import functools
import platform
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import torch

from adabench.errors import RequestError
from adabench.spec import Precision

_STATUS = Path("/proc/self/status")
_CLEAR_PEAK = Path("/proc/self/clear_refs")


def select_device(name: str, precision: Precision) -> torch.device:
    """The device that ``auto``, ``cpu``, ``cuda`` or ``cuda:N`` means on this machine.

    Raises:
        RequestError: a device that is not here, or a precision that it does not have.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise RequestError(f"unknown device {name!r}; it is one of auto, cpu, cuda, cuda:N") from None
    if device.type not in ("cpu", "cuda"):
        raise RequestError(f"device {name!r} is not supported; it is one of auto, cpu, cuda, cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        seen = f"torch {torch.__version__} sees {torch.cuda.device_count()} CUDA devices"
        raise RequestError(f"device {name!r} is not here: {seen}; use --device cpu")
    check_precision(precision, device.type)
    if precision == "bf16" and not computes_bfloat16(device):
        warnings.warn(f"{name} emulates bf16 and is much slower in it than in fp32", stacklevel=2)
    return device


def check_precision(precision: Precision, kind: str) -> None:
    """Refuse a precision that no device of a kind, ``cpu`` or ``cuda``, has.

    Raises:
        RequestError: this is one.
    """
    if precision == "tf32" and kind == "cpu":
        raise RequestError("precision tf32 needs a CUDA device; on a CPU use --precision fp32 or bf16")


def select_devices(name: str, precision: Precision) -> tuple[torch.device, ...]:
    """The devices that ``auto``, ``cpu``, ``cuda`` or ``cuda:N`` means here: all GPUs unless one is named.

    Raises:
        RequestError: as `select_device` does.
    """
    device, seen = select_device(name, precision), torch.cuda.device_count()
    if device.type == "cpu" or ":" in name or seen == 1:
        return (device,)
    return tuple(torch.device("cuda", index) for index in range(seen))


def computes_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies in bfloat16 itself; what it emulates is far slower than fp32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def cpu_threads(device: torch.device) -> int | None:
    """The thread count that belongs to a job's identity on this device."""
    return torch.get_num_threads() if device.type == "cpu" else None


@functools.cache
def device_name(device: torch.device) -> str:
    """The device's own name, such as ``NVIDIA H100 80GB HBM3`` or the CPU's model."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    return model or platform.processor() or platform.machine()


@contextmanager
def configured(
    *, threads: int | None, precision: Precision, device: torch.device | None = None, autotuned: bool = False
) -> Iterator[None]:
    """Run the block as a job asks, then put back what was.

    Args:
        threads: of the CPU; None leaves them as they are.
        precision: of float32 products on a GPU.
        device: the current one within the block, where it is a CUDA device.
        autotuned: let cuDNN try its algorithms and keep the fastest, which need not be the same one in
            two runs.
    """
    before_threads, before_autotuned = torch.get_num_threads(), torch.backends.cudnn.benchmark
    before = [unit.fp32_precision for unit in _float32_units()]
    if threads is not None:
        torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = autotuned
    for unit in _float32_units():
        unit.fp32_precision = "tf32" if precision == "tf32" else "ieee"
    try:
        with torch.cuda.device(device) if device and device.type == "cuda" else nullcontext():
            yield
    finally:
        torch.backends.cudnn.benchmark = before_autotuned
        torch.set_num_threads(before_threads)
        for unit, kind in zip(_float32_units(), before, strict=True):
            unit.fp32_precision = kind


def _float32_units() -> tuple[Any, ...]:
    """The switches that let CUDA round the factors of float32 products to TF32."""
    return torch.backends.cuda.matmul, torch.backends.cudnn.conv  # type: ignore[attr-defined]


def reset_peak_memory(device: torch.device) -> None:
    """Begin a new measurement of the peak."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif _CLEAR_PEAK.exists():
        with suppress(OSError):  # then the peak is the process's, not the job's
            _CLEAR_PEAK.write_text("5")


def peak_memory_bytes(device: torch.device) -> int | None:
    """The most memory held since the reset: by tensors on a GPU, by the process on Linux, else None."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if not _STATUS.exists():
        return None
    line = next((line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:")), None)
    return int(line.split()[1]) * 1024 if line else None
