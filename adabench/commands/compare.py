"""``adabench compare``: which optimizer was better where, and how sure that is."""

from adabench.commands.shared import AsJson, Baseline, ResultPaths, read_results, say


def compare(
    results: ResultPaths = None,
    baseline: Baseline = None,
    as_json: AsJson = False,
) -> None:
    """Compare optimizers on each problem, paired by seed."""
    from adabench.compare import compare as compare_results
    from adabench.report import terminal

    comparison = compare_results(read_results(results), baseline=baseline)
    say(comparison.model_dump_json(indent=2) if as_json else terminal.render(comparison))
