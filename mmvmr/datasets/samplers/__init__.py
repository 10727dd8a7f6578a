"""Samplers: the samples of a batch, and the videos and queries that belong together."""
