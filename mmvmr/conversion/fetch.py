"""Downloads that resume, are verified, and appear complete or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import pooch
import requests

from mmvmr.conversion.archives import unpack
from mmvmr.conversion.convert import convert_file, convert_slowfast
from mmvmr.conversion.downloads import Download
from mmvmr.utils.dependencies import require
from mmvmr.utils.errors import UserError, is_full_disk
from mmvmr.utils.progress import progress

_BLOCK = 1 << 20
#: Seconds to connect, and without a byte.
_TIMEOUT = (15, 60)


def fetch(entry: Download, out: Path, say: Callable[[str], None] = print) -> Path:
    """Download, verify, convert and place an entry.

    pooch downloads single files and compares their sums; repositories of Hugging Face, whose files have no names here,
    are left to huggingface_hub, which resumes and places each file by itself.

    Args:
        entry: What.
        out: Folder to place it in.
        say: Gets one line per event.

    Returns:
        The file or folder, complete.

    Raises:
        UserError: If it cannot be reached, is not what it should be, or there is no space.
    """
    target = out / entry.result
    if target.exists():
        say(f'{target}: is there already; remove it to download it again')
        return target
    try:
        out.mkdir(parents=True, exist_ok=True)
        _require_space(entry, out)
        if entry.hub:
            _fetch_hub(entry, target)
        else:
            source = _fetch_file(entry, out, say)
            _place(entry, source, target)
    except OSError as error:
        if not is_full_disk(error):
            raise
        raise UserError(f'{entry.name}: no space left in {out}: free some and run again; nothing is lost') from None
    return target


def _require_space(entry: Download, out: Path) -> None:
    free = shutil.disk_usage(out).free
    needed = (entry.size or 0) * (2 if entry.convert else 1)
    if needed > free:
        raise UserError(f'{entry.name}: needs {needed / 1e9:.1f} GB in {out}, which has {free / 1e9:.1f} GB free')


def _fetch_file(entry: Download, out: Path, say: Callable[[str], None]) -> Path:
    address, name = str(entry.address), entry.downloaded_file
    pooch.get_logger().setLevel('WARNING')
    try:
        path = Path(pooch.retrieve(address, entry.checksum, name, out, downloader=Resuming(entry)))
    except requests.HTTPError as error:
        raise UserError(f'{entry.name}: {_explain_status(error.response)}') from None
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
        raise UserError(
            f'{entry.name}: no connection to {urlsplit(address).hostname}, or it broke ({_reason(error)}); what has '
            'come is kept: run again to go on'
        ) from None
    except ValueError as error:
        if 'hash' not in str(error):
            raise
        raise UserError(
            f'{entry.name}: {address}: the file is damaged, or another one than listed: its sum is not '
            f'{entry.checksum}. It was removed; run again to download it anew'
        ) from None
    if entry.checksum is None:
        say(f'{entry.name}: no sum is known to compare with; sha256:{pooch.file_hash(str(path))}')
    return path


def _explain_status(response: Any) -> str:
    advice = {
        401: 'it asks for a login',
        403: 'it asks for a login',
        404: 'the file has moved or is gone; look for a new address and download it by hand',
        410: 'the file has moved or is gone; look for a new address and download it by hand',
        429: 'too many requests; wait and run again',
    }.get(response.status_code, 'run again later' if response.status_code >= 500 else 'the address may be wrong')
    return f'{response.url}: the server answered {response.status_code} {response.reason}: {advice}'


def _reason(error: BaseException) -> str:
    """The innermost cause in a few words: requests wraps urllib3 wraps the system."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return ' '.join(str(error).split())[:120] or type(error).__name__


class Resuming:
    """Downloader for pooch that goes on where an earlier one stopped.

    What has come is kept in ``.NAME.<digest of the ETag>.part`` next to the file, so that parts of two versions are
    never joined. Servers that send no ETag, or ignore ``Range``, are asked for the whole file.

    Args:
        entry: What is downloaded.
    """

    def __init__(self, entry: Download) -> None:
        self.entry = entry

    def __call__(self, url: str, output_file: str, _: Any = None) -> None:
        """Write the content of an address to a file; see :func:`pooch.retrieve`."""
        target = Path(output_file)
        with ExitStack() as stack:
            response = stack.enter_context(_get(url))
            tag = response.headers.get('ETag') or response.headers.get('Last-Modified')
            part = target.with_name(f'.{self.entry.name}.{hashlib.sha256(str(tag).encode()).hexdigest()[:12]}.part')
            file = stack.enter_context(open(part, 'ab'))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UserError(f'{self.entry.name}: is being downloaded by another process already') from None
            total = _length(response)
            if not tag or total is None or file.tell() > total:
                file.seek(file.truncate(0))
            if start := file.tell():
                response.close()
                if start == total:
                    response = None
                else:
                    response = stack.enter_context(_get(url, {'Range': f'bytes={start}-', 'If-Range': str(tag)}))
                    if response.status_code != 206:
                        file.seek(start := file.truncate(0))
            if response is not None:
                self._copy(response, file, start, total)
            file.flush()
            if total is not None and file.tell() != total:
                raise requests.ConnectionError(f'{file.tell()} of {total} bytes have come')
            part.replace(target)

    def _copy(self, response: Any, file: BinaryIO, start: int, total: int | None) -> None:
        with progress(total=total, initial=start, unit='B', unit_scale=True, desc=self.entry.name) as bar:
            for block in response.iter_content(_BLOCK):
                file.write(block)
                bar.update(len(block))


def _get(url: str, headers: dict[str, str] | None = None) -> Any:
    # Compressed transfers have another length than the file, and cannot be resumed.
    response = requests.get(
        url, stream=True, timeout=_TIMEOUT, headers={'Accept-Encoding': 'identity', **(headers or {})}
    )
    response.raise_for_status()
    if url.startswith('https://') and not response.url.startswith('https://'):
        raise UserError(f'{url}: leads to {response.url}, which is not encrypted; refused')
    return response


def _length(response: Any) -> int | None:
    text = response.headers.get('Content-Length', '')
    return int(text) if text.isdigit() else None


def _fetch_hub(entry: Download, target: Path) -> None:
    hub = require('huggingface_hub', 'mmvmr download', 'pip install huggingface_hub')
    errors = require('huggingface_hub.errors', 'mmvmr download', 'pip install huggingface_hub')
    waiting = target.with_name(f'.{entry.name}.part')
    try:
        hub.snapshot_download(entry.hub, repo_type='dataset', local_dir=waiting)
    except errors.RepositoryNotFoundError:
        raise UserError(f'{entry.name}: {entry.source}: no such repository, or it asks for a login') from None
    except errors.HfHubHTTPError as error:
        raise UserError(f'{entry.name}: {" ".join(str(error).split())[:200]}; run again to go on') from None
    except Exception as error:
        if is_full_disk(error):
            raise
        raise UserError(f'{entry.name}: {entry.source}: {_reason(error)}; run again to go on') from None
    shutil.rmtree(waiting / '.cache', ignore_errors=True)  # records of the transfer
    waiting.rename(target)


def _place(entry: Download, source: Path, target: Path) -> None:
    """Turn what was downloaded into what stays; the original is removed afterwards."""
    try:
        if entry.convert is None:
            source.replace(target)
            return
        if entry.convert == 'unpack':
            with tempfile.TemporaryDirectory(prefix=f'.{entry.name}.', dir=target.parent) as folder:
                unpack(source, Path(folder) / 'content')
                (Path(folder) / 'content').rename(target)
        elif entry.convert == 'slowfast':
            convert_slowfast(source, target)
        else:
            convert_file(entry.convert, source, target, data=entry.dataset, extra_options=entry.options)
    except ValueError as error:
        raise UserError(
            f'{entry.name}: downloaded, but cannot be converted: {error}. The original is {source}'
        ) from None
    source.unlink()
