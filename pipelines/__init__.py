"""KFP pipelines: wiring only."""

PIPELINES = {"map_event": "pipelines.map_event:map_event", "sweep": "pipelines.sweep:sweep"}
