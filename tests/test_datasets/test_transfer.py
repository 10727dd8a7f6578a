"""Windows to mapped files, and the way of tensors from one process to another."""

import io
import os
import pickle
import threading
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest
import torch

from mmvmr.datasets.stores import mapped_files, transfer
from mmvmr.datasets.stores.mapped_files import mapped_file, own_part, place_of
from mmvmr.datasets.stores.transfer import as_tensor, computed, light_transfer

SIZE = 50000


@pytest.fixture
def numbers(tmp_path):
    """A mapped file of the numbers 0, 1, 2, ..."""
    path = tmp_path / 'numbers.bin'
    np.arange(SIZE, dtype='<f4').tofile(path)
    return mapped_file(path).view('<f4')


def test_a_file_is_mapped_once_and_read_only(numbers, tmp_path):
    path = tmp_path / 'numbers.bin'
    assert mapped_file(path) is mapped_file(str(path))
    with pytest.raises(ValueError, match='read-only'):
        numbers[0] = 1
    np.arange(3, dtype='<f4').tofile(tmp_path / 'new')
    os.replace(tmp_path / 'new', path)
    assert len(mapped_file(path)) == 12 and len(numbers) == SIZE
    (tmp_path / 'empty').touch()
    assert len(mapped_file(tmp_path / 'empty')) == 0


def test_places(numbers, tmp_path):
    place = place_of(numbers[10:20])
    assert (place.path, place.offset) == (str(tmp_path / 'numbers.bin'), 40)
    table = numbers[:100].reshape(10, 10)
    assert place_of(table[3:5]).offset == 120
    for other in (table[:, 2:4], numbers[::2], numbers[:0], numbers[:5].copy(), np.zeros(3)):
        assert place_of(other) is None


def test_own_parts_share_nothing(numbers, tmp_path):
    """Whatever is asked for, in any order, and held or not: nobody sees what others write."""
    rng = np.random.default_rng(0)
    held = []
    for step in range(600):
        start, length = int(rng.integers(0, 900)), int(rng.integers(1, 100))
        part = own_part(place_of(numbers[start : start + length]), '<f4', (length,))
        assert np.array_equal(part, np.arange(start, start + length))
        part[:] = -step
        held.append((step, part))
        if step % 3 == 0:
            held.pop(int(rng.integers(0, len(held))))
    assert all((part == -step).all() for step, part in held)
    assert np.array_equal(np.fromfile(tmp_path / 'numbers.bin', '<f4'), np.arange(SIZE))
    assert np.array_equal(numbers, np.arange(SIZE))


def test_neighbours_share_a_mapping(numbers, monkeypatch):
    opened = []
    monkeypatch.setattr(
        mapped_files, '_map', lambda *args, _map=mapped_files._map, **kw: opened.append(1) or _map(*args, **kw)
    )
    for start in range(0, 1280, 10):
        own_part(place_of(numbers[start : start + 10]), '<f4', (10,))
    assert len(opened) == 1
    own_part(place_of(numbers[5:15]), '<f4', (10,))
    assert len(opened) == 2


def test_threads_have_mappings_of_their_own(numbers):
    """The thread that pins memory receives batches of one loader while the main one receives those of another."""
    place, parts = place_of(numbers[:10]), []
    for _ in range(2):
        thread = threading.Thread(target=lambda: parts.append(own_part(place, '<f4', (10,))))
        thread.start()
        thread.join()
    parts[0][:] = 7
    assert np.array_equal(parts[1], np.arange(10))


def test_files_larger_than_the_memory(tmp_path):
    """The kernel refuses an ordinary writable mapping of one."""
    total = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    swap = sum(int(line.split()[1]) for line in open('/proc/meminfo') if line.startswith('SwapTotal'))  # noqa: SIM115
    with open(tmp_path / 'huge.bin', 'wb') as file:
        file.truncate(2 * (total + 1024 * swap))  # sparse: takes no room
    part = mapped_file(tmp_path / 'huge.bin')[-4096:]
    own = own_part(place_of(part), 'u1', (4096,))
    own[:] = 1
    assert not part.any()


def test_tensors_may_be_written_into(numbers):
    window = as_tensor(numbers[10:20])
    window += 1
    assert numbers[10] == 10 and as_tensor(numbers[10:20])[0] == 10
    cached = np.arange(5.0)
    assert np.shares_memory(as_tensor(cached).numpy(), cached)
    cached.setflags(write=False)
    as_tensor(cached)[0] = 7
    assert cached[0] == 0
    # Nothing of the place goes along where tensors are saved.
    torch.save(as_tensor(numbers[:3]), file := io.BytesIO())
    file.seek(0)
    assert torch.load(file, weights_only=True).tolist() == [0, 1, 2]


@pytest.fixture
def worker(monkeypatch):
    """This process as a data-loading one: what it sends, and what arrives."""
    monkeypatch.setattr(transfer, 'in_worker', lambda: True)
    reducers = ForkingPickler._extra_reducers
    monkeypatch.setitem(reducers, torch.Tensor, reducers[torch.Tensor])
    light_transfer()

    def send(value):
        sent = bytes(ForkingPickler.dumps(value))
        return len(sent), pickle.loads(sent)

    return send


def test_windows_are_sent_as_places(numbers, worker):
    window = as_tensor(numbers[: SIZE // 2].reshape(-1, 100))
    size, received = worker(window)
    assert size < 500 and torch.equal(received, window) and received.shape == (SIZE // 200, 100)
    received.zero_()
    assert torch.equal(worker(window)[1], window) and window[0, 1] == 1 and numbers[1] == 1
    assert not hasattr(received, 'origin')


@pytest.mark.parametrize(
    'change',
    [
        lambda t: t.mul_(2),
        lambda t: (t[3:4].zero_(), t)[1],
        lambda t: t.t_(),
        lambda t: t.resize_(5, 10),
        lambda t: t.unsqueeze_(0),
        lambda t: t.set_(torch.ones(2, 2)),
        lambda t: t * 2,
        lambda t: t[1:3],
    ],
)
def test_what_became_of_a_window_is_sent_as_it_is(numbers, worker, change):
    window = as_tensor(numbers[:100].reshape(10, 10))
    changed = change(window)
    expected = changed.clone()
    assert torch.equal(worker(changed)[1], expected)
    assert torch.equal(as_tensor(numbers[:100]), torch.arange(100.0))


def doubled(array):
    return np.concatenate((array, 2 * array), axis=1)


def test_what_was_computed_of_a_window_is_computed_again(numbers, worker):
    twice = computed(doubled, numbers[:40000].reshape(-1, 100))
    assert not twice.flags.writeable and np.array_equal(twice[:, 100:], 2 * twice[:, :100])
    tensor = as_tensor(twice)
    size, received = worker(tensor)
    assert size < 500 and torch.equal(received, tensor) and received.shape == (400, 200)
    received.zero_()
    assert torch.equal(worker(tensor)[1], tensor) and twice[0, 1] == 1
    tensor[0, 1] = 9
    assert worker(tensor)[1][0, 1] == 9
    for other in (twice[1:], twice + 1, twice.copy()):
        assert torch.equal(worker(as_tensor(other))[1], torch.from_numpy(np.array(other)))


def test_what_was_computed_of_other_arrays_is_an_ordinary_array():
    array = np.ones((2, 2))
    assert type(computed(doubled, array)) is np.ndarray and computed(doubled, array).flags.writeable


@pytest.mark.parametrize(
    'tensor',
    [
        torch.arange(6).reshape(2, 3).t(),
        torch.tensor(True),
        torch.zeros(0, 2),
        torch.ones(3, dtype=torch.bfloat16),
        torch.ones(2, dtype=torch.complex64).conj(),
        torch.ones(100000),
        torch.ones(5).requires_grad_(),
    ],
)
def test_other_tensors_arrive_as_they_were(worker, tensor):
    size, received = worker(tensor)
    assert torch.equal(received, tensor) and received.dtype == tensor.dtype
    assert received.requires_grad == tensor.requires_grad
    assert size < 2000


def test_shared_tensors_stay_shared(worker):
    """The epoch of a data set lies in one."""
    shared = torch.zeros(2).share_memory_()
    received = worker(shared)[1]
    shared[0] = 5
    assert received[0] == 5
