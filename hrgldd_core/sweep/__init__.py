"""Many trainings: a grid of recipes, spread over machines, ranked on validation."""
