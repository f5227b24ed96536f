# SPDX-License-Identifier: BSD-3-Clause
"""Reading begins while atlases are prepared, and ends when the blocks are no longer used."""

import threading
import time

import numpy as np
import pytest
from spaces import make_grid, make_weighted

from nipype_labels.core.ahead import begin_reading
from nipype_labels.core.reduce import RegionReducer, reduce_series
from nipype_labels.model.errors import ImageError


def counted(events, n=3):
    """Return a function that yields n blocks, and records its steps."""

    def read():
        events.append('begins')
        try:
            yield from ((i, f'block {i}') for i in range(n))
        finally:
            events.append('ends')

    return read


def test_the_first_iterator_begins_at_once_and_later_ones_begin_anew():
    events = []
    with begin_reading(counted(events), 2) as read:
        while not events:
            pass
        assert events == ['begins']
        assert [first for first, _ in read()] == [0, 1, 2]
        assert events == ['begins', 'ends']
        assert [first for first, _ in read()] == [0, 1, 2]
    assert events == ['begins', 'ends'] * 2


def test_one_thread_reads_nothing_before_a_block_is_asked_for():
    events = []
    with begin_reading(counted(events), 1) as read:
        assert not events
        assert len(list(read())) == 3


def test_a_series_without_blocks_has_none():
    with begin_reading(counted([], 0), 2) as read:
        assert list(read()) == []


def test_reading_ends_if_preparations_fail():
    events, before = [], threading.active_count()
    with pytest.raises(ZeroDivisionError), begin_reading(counted(events), 2):
        raise ZeroDivisionError
    assert events == ['begins', 'ends']
    assert threading.active_count() == before


def test_reading_ends_if_its_user_stops_early():
    events = []
    with begin_reading(counted(events), 2) as read:
        assert next(iter(read()))[0] == 0
    assert events == ['begins', 'ends']


def test_an_error_of_the_first_block_is_raised_where_the_block_is_used():
    def read_damaged():
        raise OSError('damaged')
        yield

    with begin_reading(read_damaged, 2) as read, pytest.raises(OSError, match='damaged'):
        list(read())


def test_an_error_of_a_volume_is_not_lost_while_the_next_block_is_read():
    rng, shape = np.random.default_rng(5), (4, 4, 4)
    grid, n = make_grid(shape, np.eye(4)), 64
    atlas = make_weighted(rng.uniform(1, 2, (6, n)), grid)
    volumes = rng.normal(size=(80, n))
    volumes[0, 3] = np.nan

    def read_slowly():
        for i, volume in enumerate(volumes):
            time.sleep(0.002)
            yield i, volume[None]

    reducer = RegionReducer(atlas, grid, strategy='least_squares', nan_policy='raise', num_threads=2)
    message = 'volume 0: values that are not finite in 1 of 64 labelled voxels'
    with pytest.raises(ImageError, match=message), begin_reading(read_slowly, 2) as read:
        reduce_series(read, len(volumes), [reducer], num_threads=2)
