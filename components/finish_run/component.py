"""The last step of every run, whatever happened."""

from kfp import dsl

from components.image import IMAGE

__all__ = ["finish_run"]


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def finish_run(
    pipeline: str,
    out: str,
    run: str,
    status: dsl.PipelineTaskFinalStatus,
    summary: dsl.Output[dsl.Markdown],
    outcome: dsl.Output[dsl.Artifact],
) -> None:
    """Remove the run's Dask clusters, and sum the run up: done, incomplete or failed.

    Args:
        pipeline: its name.
        out: URI prefix of the result.
        run: KFP's name of the run.
        status: how its steps ended.
        summary: of the run, with links to the bucket, for the UI.
        outcome: the same for machines (JSON).
    """
    from components.finish_run.cluster import remove_clusters
    from hrgldd_core.outcome import outcome_markdown, read_outcome
    from hrgldd_core.storage import write_bytes, write_json

    notes = remove_clusters(run)
    failed = status.state in ("FAILED", "ERROR", "CANCELED", "CANCELLED")
    found = read_outcome(pipeline, out, failed=failed, error=status.error_message or "")
    write_bytes(summary.path, outcome_markdown(found, notes=notes).encode())
    write_json(outcome.path, {**found.model_dump(), "run": run})
    outcome.metadata = {"status": found.status, "out": out}
