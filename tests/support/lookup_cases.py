# SPDX-License-Identifier: BSD-3-Clause
"""Look-up tables that tests write, and the rows that are read from them."""

#: Rows of a small table.
TWO = [(3, 'Left A'), (1, 'Right B')]


def written(folder, text, name='regions.tsv', encoding='utf-8'):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def pairs(table):
    assert list(table) == ['index', 'name']
    assert table['index'].dtype.kind == 'i'
    return list(zip(table['index'].tolist(), table['name'], strict=True))
