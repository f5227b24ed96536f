# SPDX-License-Identifier: BSD-3-Clause
"""Ways in which files are damaged."""

import os


def empty(path):
    path.write_bytes(b'')


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def change(path):
    """Change one byte; size and time of modification stay."""
    times, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def delete(path):
    path.unlink()


DAMAGES = (empty, cut, change, delete)
