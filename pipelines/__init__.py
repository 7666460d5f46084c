"""KFP pipelines: wiring only."""

PIPELINES = {
    name: f"pipelines.{name}:{name}" for name in ("build_dataset", "map_event", "train_benchmark")
}
