"""``report.html`` of a mapping run."""

from hrgldd_core.report.page import (
    ModelSummary,
    Report,
    SceneView,
    TruthComparison,
    render_report,
)

__all__ = ["ModelSummary", "Report", "SceneView", "TruthComparison", "render_report"]
