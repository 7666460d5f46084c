"""Recipes, augmentation, losses, fitting."""
