"""Downloads from a server of this machine: resumed, verified, converted, complete or absent."""

import argparse
import contextlib
import errno
import hashlib
import io
import json
import os
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from parity.recording import load_arrays

from mmvmr.apis import MomentFinder
from mmvmr.cli.main import main
from mmvmr.conversion.archives import unpack
from mmvmr.conversion.downloads import read_registry
from mmvmr.conversion.fetch import Resuming, fetch
from mmvmr.utils.errors import UserError

COMMIT = '0123456789abcdef' * 2 + '01234567'
CONTENT = bytes(range(256)) * 8192  # 2 MiB


class Server(ThreadingHTTPServer):
    """Serves ``files``; ``broken`` bytes of a response are sent before the connection is closed."""

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.files, self.requests = {'/file.bin': CONTENT}, []
        self.broken, self.ranges, self.etag = None, True, True

    def address(self, path='/file.bin'):
        return f'http://127.0.0.1:{self.server_port}{path}'


class Handler(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        server, path, wanted = self.server, self.path.partition('?')[0], self.headers.get('Range')
        server.requests.append((path, wanted))
        if path == '/moved.bin':
            self.send_response(302)
            self.send_header('Location', '/file.bin')
            self.send_header('Content-Length', '0')
            return self.end_headers()
        if path not in server.files:
            self.send_response(404)
            self.send_header('X-Error-Code', 'RepoNotFound' if path.startswith('/api/') else 'EntryNotFound')
            self.send_header('Content-Length', '0')
            return self.end_headers()
        body = server.files[path]
        first = int(wanted[6:-1]) if wanted and server.ranges else 0
        self.send_response(206 if first else 200)
        self.send_header('Content-Length', str(len(body) - first))
        self.send_header('X-Repo-Commit', COMMIT)
        if server.etag:
            self.send_header('ETag', f'"{hashlib.md5(body).hexdigest()}"')
        self.end_headers()
        if self.command == 'HEAD':
            return
        with contextlib.suppress(ConnectionError):  # a client that knows enough closes the connection
            self.wfile.write(body[first:] if server.broken is None else body[first : first + server.broken])
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _entry(tmp_path, address, content=CONTENT, **options):
    """An entry read from a registry file, as a user writes it."""
    options.setdefault('checksum', f'sha256:{hashlib.sha256(content).hexdigest()}')
    entry = {'kind': 'features', 'about': 'x', 'data': 'x', 'licence': 'x', 'seen': 'x', 'address': address, **options}
    path = tmp_path / 'list.yml'
    path.write_text(json.dumps({'thing': entry}))  # JSON is YAML
    return read_registry(path)['thing']


def _names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_file_is_fetched_once(server, tmp_path, capsys):
    entry = _entry(tmp_path, server.address('/moved.bin'), file='x.bin')
    assert fetch(entry, tmp_path / 'out').read_bytes() == CONTENT
    assert _names(tmp_path / 'out') == ['x.bin']
    assert [path for path, _ in server.requests] == ['/moved.bin', '/file.bin']
    fetch(entry, tmp_path / 'out')
    assert len(server.requests) == 2 and 'is there already' in capsys.readouterr().out


@pytest.mark.parametrize('ranges', [True, False])
def test_an_interrupted_download_goes_on(server, tmp_path, ranges):
    entry, out = _entry(tmp_path, server.address()), tmp_path / 'out'
    server.broken, server.ranges = 1 << 20, ranges
    with pytest.raises(UserError, match=r'thing: no connection to 127\.0\.0\.1, or it broke.*run again to go on'):
        fetch(entry, out)
    [part] = _names(out)
    assert part.endswith('.part') and 0 < (out / part).stat().st_size <= 1 << 20
    kept = (out / part).stat().st_size
    server.broken = None
    assert fetch(entry, out).read_bytes() == CONTENT
    assert server.requests[-1] == ('/file.bin', f'bytes={kept}-') and _names(out) == ['file.bin']


def test_parts_of_two_versions_are_never_joined(server, tmp_path):
    new = CONTENT[::-1]
    entry, out = _entry(tmp_path, server.address(), new), tmp_path / 'out'
    server.broken = 1 << 20
    with pytest.raises(UserError):
        fetch(entry, out)
    server.broken, server.files['/file.bin'] = None, new
    assert fetch(entry, out).read_bytes() == new


def test_without_an_etag_it_starts_anew(server, tmp_path):
    entry, out = _entry(tmp_path, server.address()), tmp_path / 'out'
    server.broken, server.etag = 1 << 20, False
    with pytest.raises(UserError):
        fetch(entry, out)
    server.broken = None
    assert fetch(entry, out).read_bytes() == CONTENT
    assert server.requests[-1] == ('/file.bin', None)


def test_damaged_and_wrong_files_are_removed(server, tmp_path):
    entry, out = _entry(tmp_path, server.address()), tmp_path / 'out'
    server.files['/file.bin'] = CONTENT[:-1] + b'!'
    with pytest.raises(UserError, match=r'the file is damaged, or another one than listed: its sum is not sha256:'):
        fetch(entry, out)
    assert _names(out) == []


def test_moved_or_no_network(server, tmp_path):
    out = tmp_path / 'out'
    with pytest.raises(UserError, match=r'/gone: the server answered 404 Not Found: the file has moved or is gone'):
        fetch(_entry(tmp_path, server.address('/gone')), out)
    with pytest.raises(UserError, match=r'no connection to 127\.0\.0\.1'):
        fetch(_entry(tmp_path, 'http://127.0.0.1:9/x.bin'), out)  # the port of `discard`, where nobody listens
    with pytest.raises(UserError, match=r'no connection to nowhere\.invalid'):
        fetch(_entry(tmp_path, 'https://nowhere.invalid/x.bin'), out)
    assert _names(out) == []


def test_full_disk(server, tmp_path, monkeypatch):
    out = tmp_path / 'out'
    with pytest.raises(UserError, match=r'needs 8000000\.0 GB in .*, which has'):
        fetch(_entry(tmp_path, server.address(), size=8 * 10**15), out)
    assert server.requests == []

    def fail(*_):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(Resuming, '_copy', fail)
    with pytest.raises(UserError, match=r'thing: no space left in .*: free some and run again'):
        fetch(_entry(tmp_path, server.address()), out)
    assert not (out / 'file.bin').exists()


def test_a_repository_of_hugging_face(server, tmp_path, monkeypatch):
    constants = pytest.importorskip('huggingface_hub.constants')
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, server.address(''))
    monkeypatch.setattr(constants, 'HUGGINGFACE_CO_URL_TEMPLATE', template)
    monkeypatch.setattr(constants, 'ENDPOINT', server.address(''))
    listing = {'id': 'some/set', 'sha': COMMIT, 'siblings': [{'rfilename': 'a.bin'}, {'rfilename': 'in/b.bin'}]}
    server.files['/api/datasets/some/set/revision/main'] = json.dumps(listing).encode()
    tree = [
        {'type': 'file', 'path': name, 'size': size, 'oid': COMMIT}
        for name, size in (('a.bin', len(CONTENT)), ('in/b.bin', 1))
    ]
    server.files[f'/api/datasets/some/set/tree/{COMMIT}'] = json.dumps(tree).encode()
    server.files[f'/datasets/some/set/resolve/{COMMIT}/a.bin'] = CONTENT
    entry = _entry(tmp_path, None, checksum=None, hub='some/set')
    with pytest.raises(UserError, match=r'thing: .*'):  # the second file is not there yet
        fetch(entry, tmp_path / 'out')
    assert not (tmp_path / 'out/thing').exists()
    server.files[f'/datasets/some/set/resolve/{COMMIT}/in/b.bin'] = b'b'
    folder = fetch(entry, tmp_path / 'out')
    assert (folder / 'a.bin').read_bytes() == CONTENT and (folder / 'in/b.bin').read_bytes() == b'b'
    assert sum(path.endswith('/a.bin') for path, _ in server.requests) <= 3  # a HEAD each time, one GET
    assert _names(tmp_path / 'out') == ['thing']
    with pytest.raises(UserError, match=r'no such repository'):
        fetch(_entry(tmp_path, None, checksum=None, hub='some/other'), tmp_path / 'other')


def test_unknown_sums_are_shown(server, tmp_path, capsys):
    fetch(_entry(tmp_path, server.address(), checksum=None), tmp_path / 'out')
    assert f'no sum is known to compare with; sha256:{hashlib.sha256(CONTENT).hexdigest()}' in capsys.readouterr().out


def test_a_checkpoint_is_converted_and_can_answer(server, tmp_path, shared_dir):
    folder = shared_dir / 'parity' / 'qd_detr'
    args = json.loads((folder / 'config.json').read_text())['args']
    state = load_arrays(folder / 'state_dict.npz')
    width = 514
    state['input_vid_proj.0.LayerNorm.weight'] = state['input_vid_proj.0.LayerNorm.bias'] = torch.ones(width)
    state['input_vid_proj.0.net.1.weight'] = torch.zeros(args['hidden_dim'], width)
    state['input_txt_proj.0.LayerNorm.weight'] = state['input_txt_proj.0.LayerNorm.bias'] = torch.ones(512)
    state['input_txt_proj.0.net.1.weight'] = torch.zeros(args['hidden_dim'], 512)
    buffer = io.BytesIO()
    options = argparse.Namespace(**{**args, 'v_feat_dim': width, 't_feat_dim': 512})
    torch.save({'model': state, 'opt': options}, buffer)
    server.files['/qd.ckpt'] = buffer.getvalue()
    data = {'convert': 'qd_detr', 'dataset': '_base_/datasets/qvhl_clip.py', 'kind': 'checkpoint'}
    entry = _entry(tmp_path, server.address('/qd.ckpt'), buffer.getvalue(), **data)
    path = fetch(entry, tmp_path / 'out')
    assert _names(tmp_path / 'out') == ['thing.pth']
    finder = MomentFinder(path, device='cpu')
    assert finder.windows.trained(2.0) == 75 and list(finder.encoder.extraction('test').streams) == ['clip']
    answer = finder.encode_features({'clip': torch.randn(20, 512).numpy()}).find(
        'x', tokens=[torch.randn(3, 512).numpy()]
    )
    assert answer[0].moments and answer.duration == 40


class _Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_code_in_a_checkpoint_is_refused(server, tmp_path):
    buffer = io.BytesIO()
    torch.save({'model': {'weight': torch.zeros(2)}, 'opt': _Payload(tmp_path / 'ran')}, buffer)
    server.files['/qd.ckpt'] = buffer.getvalue()
    entry = _entry(tmp_path, server.address('/qd.ckpt'), buffer.getvalue(), convert='qd_detr')
    with pytest.raises(UserError, match=r'downloaded, but cannot be converted: .*refused'):
        fetch(entry, tmp_path / 'out')
    assert not (tmp_path / 'ran').exists() and _names(tmp_path / 'out') == ['qd.ckpt']


def _tar(members, mode='w:gz'):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                content = b''
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _zip(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize('pack', [_tar, _zip])
def test_archives_are_unpacked(server, tmp_path, pack):
    server.files['/a'] = pack({'./top/a.npz': b'1', 'b.npz': b'2'})
    entry = _entry(tmp_path, server.address('/a'), server.files['/a'], convert='unpack')
    folder = fetch(entry, tmp_path / 'out')
    assert (folder / 'top/a.npz').read_bytes() == b'1' and (folder / 'b.npz').read_bytes() == b'2'
    assert _names(tmp_path / 'out') == ['thing']


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (_tar({'ok': b'1', '../out.txt': b'1'}), r"'\.\./out\.txt' is refused: it leads out of the folder"),
        (_tar({'/out.txt': b'1'}), 'absolute path'),
        (_tar({'link': '/etc', 'link/out.txt': b'1'}), "'link' is refused: it is a link"),
        (_zip({'a/../../out.txt': b'1'}), 'leads out of the folder'),
        (_zip({'bomb': bytes(100 << 20)}), 'claims 100 MiB'),
        (_tar({'a': b'1' * 9999})[:40], 'no complete archive'),
        (b'<html>login</html>', 'it is a web page'),
    ],
    # The bytes of an archive hold the time, and every process of a run has to name tests the same.
    ids=['outside', 'absolute', 'link', 'zip', 'bomb', 'cut', 'page'],
)
def test_bad_archives_leave_nothing(tmp_path, content, message):
    (tmp_path / 'a').write_bytes(content)
    with pytest.raises(ValueError, match=message):
        unpack(tmp_path / 'a', tmp_path / 'inner' / 'folder')
    assert not (tmp_path / 'out.txt').exists() and not (tmp_path / 'inner' / 'out.txt').exists()


def test_a_bad_archive_is_not_placed(server, tmp_path):
    server.files['/a'] = _tar({'ok': b'1', '../out.txt': b'1'})
    entry = _entry(tmp_path, server.address('/a'), server.files['/a'], convert='unpack')
    with pytest.raises(UserError, match='cannot be converted'):
        fetch(entry, tmp_path / 'out')
    assert _names(tmp_path / 'out') == ['a'] and not (tmp_path / 'out.txt').exists()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'checksum': 'sha256:12'}, r"thing\.checksum: 'sha256:12' is not a sum"),
        ({'address': 'ftp://x/y'}, 'expected https'),
        ({'file': '../y'}, 'cannot name a file'),
        ({'hub': 'a/b'}, 'either address or hub'),
        ({'sizes': 1}, r'thing\.sizes: Extra inputs'),
    ],
)
def test_mistakes_in_a_list(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        _entry(tmp_path, **{'address': 'https://x/y', **change})


def test_the_command_lists_and_fetches(server, tmp_path, capsys):
    assert main(['download']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + len(read_registry())
    [line] = [line for line in lines if line.startswith('panns_cnn14')]
    assert '327 MB' in line and 'md5' in line and 'unchecked' in line
    _entry(tmp_path, server.address())
    registry = ['--registry', str(tmp_path / 'list.yml'), '--out', str(tmp_path / 'out')]
    assert main(['download', 'thing', *registry]) == 0
    assert (tmp_path / 'out/file.bin').read_bytes() == CONTENT
    with pytest.raises(SystemExit) as status:
        main(['download', 'things', *registry])
    assert status.value.code == 2 and 'did you mean `thing`?' in capsys.readouterr().err
