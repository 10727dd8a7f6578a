"""A storage backend whose files are complete or absent."""

from __future__ import annotations

from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from mmvmr.utils.io import atomic_write


@register_backend('atomic', force=True)
class AtomicBackend(LocalBackend):
    """The local file system, writing to a temporary file that takes the final name when it is complete."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes.

        Args:
            obj: Content.
            filepath: The file.
        """
        with atomic_write(filepath) as tmp:
            tmp.write_bytes(obj)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write text.

        Args:
            obj: Content.
            filepath: The file.
            encoding: Text encoding.
        """
        self.put(obj.encode(encoding), filepath)
