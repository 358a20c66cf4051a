"""Results: one strict JSON file for each job, written the moment it ends and read without torch."""

from adabench.results.format import Result
from adabench.results.ledger import Ledger
from adabench.results.reading import Loaded, read, read_all
from adabench.results.record import Recorder
from adabench.results.store import ResultStore

__all__ = ["Ledger", "Loaded", "Recorder", "Result", "ResultStore", "read", "read_all"]
