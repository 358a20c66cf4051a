"""What is checked: an optimizer by name, with the settings that were given."""

from collections.abc import Mapping
from dataclasses import dataclass

from adabench.catalogue import Value
from adabench.optimizers import optimizer_spec
from adabench.spec import OptimizerSpec


@dataclass(frozen=True)
class Subject:
    """An optimizer to check.

    Args:
        name: a catalogue name or an import path.
        given: its settings, where they are not the default ones.
        spec: both, with every setting resolved.
    """

    name: str
    given: Mapping[str, Value]
    spec: OptimizerSpec

    @classmethod
    def of(cls, name: str, given: Mapping[str, Value]) -> "Subject":
        """The optimizer of that name with these settings.

        Raises:
            RequestError: an unknown name or setting, or a value outside its range.
        """
        return cls(name, given, optimizer_spec(name, given))

    def having(self, **settings: Value) -> OptimizerSpec:
        """The optimizer with some settings changed."""
        return optimizer_spec(self.name, {**self.given, **settings})

    @property
    def learning_rate(self) -> float | None:
        """Its ``lr`` setting; None when it has none or does not take a number there."""
        rate = self.spec.hyperparameters.get("lr")
        return float(rate) if isinstance(rate, (int, float)) and rate > 0 else None
