"""Grids of experiments: rows of configs, trained with several seeds and compared in one table."""
