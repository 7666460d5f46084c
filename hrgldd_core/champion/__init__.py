"""The model in use: what a new one is compared with, and how it takes its place."""
