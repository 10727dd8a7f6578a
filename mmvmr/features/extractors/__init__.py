"""Extractors, registered in :data:`mmvmr.registry.EXTRACTORS` when this module is imported."""
