"""What an optimizer can say of itself, read once an epoch."""

from torch.optim import Optimizer


class Probes:
    """Turns an optimizer's running diagnostics into one value for each epoch."""

    def __init__(self, optimizer: Optimizer) -> None:
        self._diagnostics = getattr(optimizer, "diagnostics", dict)
        self._updates_before = 0.0

    def read(self, steps: int) -> dict[str, float]:
        """What the optimizer knows after an epoch of ``steps`` steps: ``lipschitz``, ``frozen_fraction``."""
        values = {name: float(value) for name, value in self._diagnostics().items()}
        updates = values.pop("second_moment_updates", None)
        if updates is not None:
            values["frozen_fraction"] = 1 - (updates - self._updates_before) / steps
            self._updates_before = updates
        return values
