"""Train the runs of one shard of a sweep."""
