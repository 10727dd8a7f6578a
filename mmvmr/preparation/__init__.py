"""Preparation of data before training: converters, checks, mining, surrogate features, statistics."""
