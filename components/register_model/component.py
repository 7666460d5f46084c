"""Register a model, or refuse it."""

from kfp import dsl

from components.image import IMAGE

__all__ = ["register_model"]


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def register_model(
    judged: dsl.Input[dsl.Artifact],
    candidate: dsl.Input[dsl.Model],
    out: str,
    registry: str,
    min_gain: float,
    metrics: dsl.Output[dsl.Metrics],
    decision: dsl.Output[dsl.Markdown],
) -> str:
    """Make a model the champion of the registry where it is better, or say why it is not.

    Args:
        judged: figures of the model, and the champion it was compared with.
        candidate: the model, for the lineage.
        out: URI prefix of the result; decision.json and decision.md come there.
        registry: URI prefix of the registry of models; empty: nothing is registered.
        min_gain: by how much F1 on test patches must be larger than the champion's.
        metrics: F1 of both, for the UI.
        decision: what was decided and why, for the UI.

    Returns:
        registered or refused.
    """
    from hrgldd_core.champion.job import register
    from hrgldd_core.storage import read_json, write_bytes

    decided, text = register(read_json(judged.path), registry=registry, out=out, min_gain=min_gain)
    for name, value in (("f1", decided.f1), ("champion_f1", decided.champion_f1)):
        metrics.log_metric(name, value or 0.0)
    write_bytes(decision.path, text.encode())
    decision.metadata = {**candidate.metadata, "registered": decided.registered}
    return "registered" if decided.registered else "refused"
