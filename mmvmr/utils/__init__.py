"""Helpers that everything else may import: files, set-up, checkpoints."""

from .io import atomic_write, nan_to_none, read_json, read_jsonl, write_json, write_jsonl

__all__ = ['atomic_write', 'nan_to_none', 'read_json', 'read_jsonl', 'write_json', 'write_jsonl']
