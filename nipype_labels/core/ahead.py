# SPDX-License-Identifier: BSD-3-Clause
"""Reading that goes on while its user is busy."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

from .scaling import ReadBlocks


@contextmanager
def begin_reading(read_blocks: ReadBlocks, num_threads: int) -> Iterator[ReadBlocks]:
    """Begin to read a series, and return ``read_blocks`` whose first iterator has the blocks read meanwhile.

    Atlases are prepared in that time. With one thread, reading begins when the first block is asked for.
    """
    if num_threads < 2:
        yield read_blocks
        return
    blocks: Any = iter(read_blocks())
    with ThreadPoolExecutor(1) as reader:
        first = reader.submit(next, blocks, None)
        begun = [_continue(first, blocks)]
        try:
            yield lambda: begun.pop() if begun else read_blocks()
        finally:
            wait([first])
            blocks.close()


def _continue(first: Future, blocks: Iterator[Any]) -> Iterator[Any]:
    """Yield a block that is being read, and those behind it."""
    block = first.result()
    if block is not None:
        yield block
        yield from blocks


def read_ahead(blocks: Iterator[Any], num_threads: int) -> Iterator[Any]:
    """Yield blocks; with two or more threads, the next one is made while one is in use."""
    if num_threads < 2:
        yield from blocks
        return
    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(next, blocks, None)
        while (block := ahead.result()) is not None:
            ahead = pool.submit(next, blocks, None)
            yield block
