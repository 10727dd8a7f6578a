"""The list of official features and checkpoints that `mmvmr download` fetches."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from mmvmr.utils.io import read_text
from mmvmr.utils.paths import name_issue

REGISTRY = Path(__file__).with_name('downloads.yml')


class Download(BaseModel):
    """An entry of the registry; see the head of ``downloads.yml`` for its keys."""

    model_config = ConfigDict(extra='forbid', frozen=True)

    name: str
    kind: Literal['checkpoint', 'features', 'extractor']
    about: str
    data: str
    licence: str
    seen: str
    address: str | None = None
    hub: str | None = None
    file: str | None = None
    size: int | None = None
    checksum: str | None = None
    checked: bool = False
    convert: str | None = None
    dataset: str | None = None
    options: dict[str, Any] = {}

    @field_validator('name', 'file')
    @classmethod
    def _stays_inside(cls, value: str | None) -> str | None:
        if value is not None and (issue := 'it has a folder' if '/' in value else name_issue(value)):
            raise ValueError(f'{value!r} cannot name a file: {issue}')
        return value

    @field_validator('checksum')
    @classmethod
    def _known_algorithm(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch('sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}', value):
            raise ValueError(f'{value!r} is not a sum, expected sha256: and 64 hexadecimal digits, or md5: and 32')
        return value

    @model_validator(mode='after')
    def _one_source(self) -> Download:
        if (self.address is None) == (self.hub is None):
            raise ValueError('expected either address or hub')
        if self.address is not None and urlsplit(self.address).scheme not in ('http', 'https'):
            raise ValueError(f'address {self.address}: expected https://...')
        return self

    @property
    def source(self) -> str:
        """Address for people."""
        return self.address or f'https://huggingface.co/datasets/{self.hub}'

    @property
    def downloaded_file(self) -> str:
        """Name of the file as it is downloaded."""
        name = PurePosixPath(unquote(urlsplit(self.address or '').path)).name
        return self.file if self.file and self.convert is None else name or self.name

    @property
    def result(self) -> str:
        """Name of the file or folder that stays."""
        if self.hub or self.convert == 'unpack':
            return self.name
        return self.file or (self.downloaded_file if self.convert is None else f'{self.name}.pth')


def read_registry(path: Path = REGISTRY) -> dict[str, Download]:
    """Read a list of downloads.

    Args:
        path: A YAML (or JSON) file; keys that begin with ``_`` are skipped, they hold what entries share.

    Returns:
        Name to entry, in the order of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not YAML, or an entry is wrong.
    """
    try:
        content = yaml.safe_load(read_text(path))
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f'{path}: not valid YAML: {" ".join(str(error).split())}') from None
    if not isinstance(content, dict):
        raise ValueError(f'{path}: expected names and entries, found {type(content).__name__}')
    entries = {}
    for name, entry in content.items():
        if str(name).startswith('_'):
            continue
        try:
            entries[name] = Download(name=name, **(entry if isinstance(entry, dict) else {'entry': entry}))
        except (ValidationError, TypeError) as error:
            first = error.errors()[0] if isinstance(error, ValidationError) else {'loc': (), 'msg': str(error)}
            where = '.'.join(map(str, (name, *first['loc'])))
            raise ValueError(f'{path}: {where}: {str(first["msg"]).removeprefix("Value error, ")}') from None
    return entries
