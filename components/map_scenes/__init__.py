"""Map the scenes of one shard."""
