"""Scene to landslide map, step by step."""
