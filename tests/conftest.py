"""What every test may ask for."""

import os
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)  # tiny tensors gain nothing from more, and threads that wait steal from other tests


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("no CUDA device")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Where the real data sets lie; the test is skipped where there are none."""
    folder = os.environ.get("ADABENCH_DATA_DIR")
    if not folder or not (Path(folder) / "MNIST" / "raw").is_dir():
        pytest.skip("no real data: ADABENCH_DATA_DIR names no folder with MNIST")
    return Path(folder)
