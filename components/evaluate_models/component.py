"""Score a model and the champion on the same patches."""

from kfp import dsl

from components.image import IMAGE

__all__ = ["evaluate_models"]


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def evaluate_models(
    model: str,
    data: str,
    out: str,
    registry: str,
    unseen: str,
    collections: str,
    pixel_size: float,
    min_object: int,
    judged: dsl.Output[dsl.Artifact],
    candidate: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
    classification: dsl.Output[dsl.ClassificationMetrics],
    report: dsl.Output[dsl.HTML],
) -> None:
    """Score a model, and the registry's champion beside it, on the paper's three collections.

    Args:
        model: URI of the new model's folder.
        data: URI of the patches.
        out: URI prefix of the result; figures come below evaluation/.
        registry: URI prefix of the registry of models; empty for none.
        unseen: patches of events not trained on, NAME=URI, separated by commas.
        collections: of the paper's Table 2, such as 1,2,3; empty for all there are.
        pixel_size: side of a pixel, metres.
        min_object: smallest landslide, pixels.
        judged: figures of the model, and the champion at the time (JSON).
        candidate: the new model, by URI.
        metrics: figures of the model, for the UI.
        classification: confusion matrix and ROC, for the UI.
        report: both models in figures and pictures, for the UI.
    """
    from hrgldd_core.champion.job import judge
    from hrgldd_core.evaluation.curves import roc_points
    from hrgldd_core.evaluation.scores import Settings
    from hrgldd_core.storage import join, read_bytes, write_bytes, write_json

    found = judge(
        model=model,
        data=data,
        out=join(out, "evaluation"),
        registry=registry,
        unseen=[word for word in unseen.split(",") if word],
        collections=collections or None,
        settings=Settings(pixel_m=pixel_size, min_size_px=min_object),
    )
    figures = found["shown"]
    for name in ("precision", "recall", "f1", "iou", "n_patches", "threshold"):
        metrics.log_metric(name, figures[name])
    pixels = figures["confusion"]
    classification.log_confusion_matrix(
        ["other", "landslide"], [[pixels["tn"], pixels["fp"]], [pixels["fn"], pixels["tp"]]]
    )
    classification.log_roc_curve(*roc_points(figures))
    write_json(judged.path, found)
    write_json(candidate.path, {"model": model})
    candidate.metadata = {"model": model, "data": data, "evaluation": found["evaluation"]}
    write_bytes(report.path, read_bytes(join(found["evaluation"], "report.html")))
