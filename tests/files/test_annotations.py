# SPDX-License-Identifier: BSD-3-Clause
"""FreeSurfer annotations: regions by the colours and numbers of rows, where nibabel returns another region."""

import struct

import pytest

from nipype_labels.files.parcellations import read_parcellation
from nipype_labels.model.errors import ImageError


def code(red, green, blue):
    """The value of vertices of a colour."""
    return red + 256 * green + 65536 * blue


def write_rows(path, colours, rows, is_old=False):
    """Write an annotation: the colour of each vertex; and number, name and colour of each row."""
    content = struct.pack('>i', len(colours))
    content += b''.join(struct.pack('>2i', i, code(*colour)) for i, colour in enumerate(colours))
    n_rows = max(number for number, *_ in rows) + 1
    begin = struct.pack('>3i', 1, n_rows, 4) if is_old else struct.pack('>4i', 1, -2, n_rows, 4)
    content += begin + b'lut\0' + (b'' if is_old else struct.pack('>i', len(rows)))
    for number, name, colour in rows:
        content += b'' if is_old else struct.pack('>i', number)
        content += struct.pack('>i', len(name) + 1) + name.encode() + b'\0' + struct.pack('>4i', *colour, 0)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ('rows', 'is_old', 'expected'),
    [
        ([(0, 'Unknown', (0, 0, 0)), (10, 'A', (0, 118, 14)), (17, 'B', (220, 216, 20))], False, {10: 'A', 17: 'B'}),
        ([(2, 'B', (220, 216, 20)), (0, '???', (1, 1, 1)), (1, 'A', (0, 118, 14))], False, {2: 'B', 1: 'A'}),
        ([(0, '???', (1, 1, 1)), (1, 'A', (0, 118, 14)), (2, 'B', (220, 216, 20))], True, {1: 'A', 2: 'B'}),
        # No vertex has the colour of the last two rows.
        ([(0, 'B', (220, 216, 20)), (1, 'A', (0, 118, 14)), (2, 'C', (9, 9, 9)), (3, 'D', (9, 9, 9))], False, None),
    ],
)
def test_rows_of_annotations_have_their_own_numbers(tmp_path, rows, is_old, expected):
    """As in annotations with the table of FreeSurferColorLUT.txt, which has gaps."""
    colours = [(0, 118, 14), (0, 0, 0), (220, 216, 20), (220, 216, 20)]
    for side in ('lh', 'rh'):
        write_rows(tmp_path / f'{side}.x.annot', colours, rows, is_old)
    atlas, lookup = read_parcellation(tmp_path / 'lh.x.annot')
    names = expected or {number: name for number, name, _ in rows}
    assert lookup['name'].tolist() == [f'{side}_{name}' for side in 'LR' for name in names.values()]
    assert lookup['index_file'].tolist() == list(names) * 2
    counts = {'A': 1, 'B': 2}
    assert atlas.count_voxels().tolist() == [counts.get(name, 0) for name in names.values()] * 2


@pytest.mark.parametrize(('rows', 'n'), [([(0, 'A', (5, 6, 7))], 0), ([(0, 'A', (1, 2, 3)), (1, 'B', (1, 2, 3))], 2)])
def test_vertices_of_no_row_or_of_two_are_refused(tmp_path, rows, n):
    """nibabel assigns them to another region."""
    for side in ('lh', 'rh'):
        write_rows(tmp_path / f'{side}.x.annot', [(1, 2, 3), (0, 0, 0)], rows)
    message = rf'lh\.x\.annot has vertices of the colour \[1, 2, 3\], which {n} rows of its table have'
    with pytest.raises(ImageError, match=message):
        read_parcellation(tmp_path / 'rh.x.annot')


def test_an_annotation_whose_vertices_are_not_in_order_is_refused(tmp_path):
    left = tmp_path / 'lh.x.annot'
    for side in ('lh', 'rh'):
        write_rows(tmp_path / f'{side}.x.annot', [(1, 2, 3), (0, 0, 0)], [(0, 'A', (1, 2, 3))])
    left.write_bytes(left.read_bytes()[:4] + struct.pack('>2i', 1, 1) + left.read_bytes()[12:])
    with pytest.raises(ImageError, match=r'lh.x.annot .*its vertices are not in their order'):
        read_parcellation(left)
