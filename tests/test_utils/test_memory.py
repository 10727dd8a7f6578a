"""Amounts of memory."""

import pytest

from mmvmr.utils.memory import memory_size, memory_text


@pytest.mark.parametrize(
    ('text', 'size'),
    [('2GB', 2 << 30), ('512 MB', 512 << 20), ('1.5GiB', 3 << 29), ('1000', 1000), ('64k', 64 << 10), ('8B', 8)],
)
def test_memory_size(text, size):
    assert memory_size(text) == size


@pytest.mark.parametrize('text', ['', 'GB', 'two', '-1GB', '0', 'inf', 'nan'])
def test_memory_size_refuses(text):
    with pytest.raises(ValueError, match='is not an amount of memory'):
        memory_size(text)


def test_memory_text():
    assert [memory_text(size) for size in (1, 2 << 20, 3 << 29)] == ['1 KB', '2 MB', '1.5 GB']
    assert memory_size(memory_text(123_456_789)) >= 123_456_789  # what is asked for is enough
