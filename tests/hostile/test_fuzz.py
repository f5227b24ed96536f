# SPDX-License-Identifier: BSD-3-Clause
"""Whatever bytes a file holds, a reader gives something or refuses it by an error of ours: soon, and in little memory.

FUZZ_EXAMPLES in the environment asks for that many examples of each reader, other ones each time.
"""

import gzip
import io
import os
import struct
import tracemalloc

import numpy as np
import pytest
from coverage_frames import read_regions
from hostile_cases import FIELDS, N_VOLUMES, build
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nipype_labels.core.clean import kept_volumes
from nipype_labels.files.confounds import fill_missing, read_confounds
from nipype_labels.files.grids import read_grid
from nipype_labels.files.lut import read_afni_table, read_lookup_table
from nipype_labels.files.sample_mask import read_runs, read_sample_mask
from nipype_labels.files.series import open_series
from nipype_labels.files.tables import read_signals
from nipype_labels.files.timing import read_timing
from nipype_labels.files.volumes import read_labels, read_mask
from nipype_labels.model.errors import LabelsError

EXAMPLES = int(os.environ.get('FUZZ_EXAMPLES', 60))

#: Bytes that an example may take at once; the files hold a few thousand.
MOST_BYTES = 2**25

fuzzed = settings(
    max_examples=EXAMPLES,
    derandomize='FUZZ_EXAMPLES' not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)

#: Values of numbers in headers that are hard to read.
NUMBERS = st.one_of(
    st.sampled_from([0, 1, -1, 2, 3, 7, 8, 64, 255, 256, 1023, 2**15 - 1, -(2**15)]),
    st.integers(-(2**15), 2**15 - 1),
)
REALS = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 352.0, 1e-30, 1e30, -1e30, np.nan, np.inf, -np.inf, 3.4e38, 1e-45]),
    st.floats(width=32),
)

#: Pieces of text that tables, sidecars and lists may hold in a wrong place.
PIECES = st.one_of(
    st.sampled_from(
        [
            *('\t', '\n', '\r', '\r\n', ',', ';', '"', '""', '\0', ' ', '#', '//', '<', '>', '&', '{', '}', '[', ']'),
            *('n/a', 'nan', 'inf', '-inf', '1e400', '-1', '0x10', '1_0', '9' * 400, '9' * 5000, '1e-400', '٣', '.'),
            *('index', 'name', 'retained', 'volume', 'run', 'true', 'null', 'csf', '\ufeff', '\u2028', '\x0b', '\x1b'),
            *('<!DOCTYPE', '<label index="1">A</label>', '<VALUE_LABEL_DTABLE>', '"1" "A"', '{"RepetitionTime":'),
        ]
    ).map(str.encode),
    st.binary(min_size=1, max_size=8),
)

#: Position of a change, number of removed bytes, and inserted bytes.
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from([0, 0, 1, 1, 2, 8, 64, 4096]), PIECES | st.just(b'')), max_size=6
)


def edit(content, edits):
    """Bytes with some of them removed and others inserted."""
    for part, length, piece in edits:
        place = int(part * len(content))
        content = content[:place] + piece + content[place + length :]
    return content


def draw_header(draw, raw):
    """An uncompressed image with fields of its header changed."""
    raw = bytearray(raw)
    for name in draw(st.lists(st.sampled_from(sorted(FIELDS)), min_size=1, max_size=4)):
        place, kind = FIELDS[name]
        n = int(kind[:-1] or 1)
        one = draw(st.integers(0, n - 1)) if kind[-1] != 's' else 0
        at = place + one * struct.calcsize(kind[-1])
        if kind[-1] == 's':
            raw[place : place + n] = draw(st.binary(min_size=n, max_size=n))
        elif kind[-1] == 'f':
            struct.pack_into('<f', raw, at, draw(REALS))
        else:
            bits = 8 * struct.calcsize(kind[-1])
            value = draw(NUMBERS) & (2**bits - 1)
            raw[at : at + bits // 8] = value.to_bytes(bits // 8, 'little')
    return bytes(raw)


@st.composite
def images(draw, content):
    """An image that was damaged before or after it was compressed."""
    raw = gzip.decompress(content)
    if draw(st.booleans()):
        raw = draw_header(draw, raw)
    if draw(st.booleans()):
        raw = edit(raw, draw(EDITS))
    suffix = draw(st.sampled_from(['.nii', '.nii.gz']))
    packed = gzip.compress(raw, mtime=0) if suffix == '.nii.gz' else raw
    return suffix, edit(packed, draw(EDITS) if draw(st.booleans()) else [])


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('fuzz')
    build(folder)
    return folder


def read_fuzzed(read, path, content):
    """Read a file; assert that it is read or refused with its name, in little memory."""
    path.write_bytes(content)
    tracemalloc.start()
    try:
        read(path)
    except LabelsError as e:
        assert path.name in str(e)  # noqa: PT017 (what can be read raises nothing)
        assert '\n' not in str(e)  # noqa: PT017
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert most < MOST_BYTES


def read_all(path):
    opened = open_series(path)
    decode = opened.decoder()
    for _, block in opened.blocks():
        decode(block)


def read_table_of_ids(path):
    """A look-up table, whose names can head columns and whose ids an image can hold."""
    table = read_lookup_table(path, np.array([1, 2, 7]))
    assert ((table['index'] >= -(2**31)) & (table['index'] < 2**31)).all()
    assert len({*table['index']}) == len({*table['name']}) == len(table['index'])
    assert all(name.isprintable() for name in table['name'])


def read_confounds_filled(path):
    table = fill_missing(read_confounds([path], N_VOLUMES), 'zero', str(path))
    assert table.shape[0] == N_VOLUMES
    assert np.isfinite(table.to_numpy()).all()


def read_kept(path):
    try:
        kept_volumes(read_sample_mask(path), N_VOLUMES)
    except LabelsError as e:
        raise LabelsError(f'{path}: {e}') from e


@pytest.mark.parametrize('read', [read_all, read_grid, read_afni_table], ids=lambda read: read.__name__)
def test_any_series_is_read_or_refused(folder, read):
    content = (folder / 'bold.nii.gz').read_bytes()

    @fuzzed
    @given(images(content))
    def check(made):
        read_fuzzed(read, folder / f'fuzzed{made[0]}', made[1])

    check()


@pytest.mark.parametrize(('name', 'read'), [('atlas.nii.gz', read_labels), ('mask.nii.gz', read_mask)])
def test_any_image_is_read_or_refused(folder, name, read):
    content = (folder / name).read_bytes()

    @fuzzed
    @given(images(content))
    def check(made):
        read_fuzzed(read, folder / f'fuzzed{made[0]}', made[1])

    check()


def array_file(array):
    """An array as a NumPy file."""
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


ROWS = range(N_VOLUMES)

#: Readers of text and arrays, the ends of their files' names, and files that they can read.
TEXTS = {
    'lut': (
        read_table_of_ids,
        '.tsv',
        [
            b'index\tname\n7\tA\n1\tB\n2\tC\n',
            b'\xef\xbb\xbfid,label,x\r\n7,"A, b",1\r\n1,B,\r\n2,C,3\r\n',
            b'# colours\n1 A 0 0 0 0\n2 B 1 1 1 0\n7 C 2 2 2 0\n',
            '1 Île\n2 Füße\n7 C\n'.encode('latin-1'),
            b'A\nB\nC\n',
            b'<atlas><type>Label</type><data><label index="1">A</label><label index="2">B</label></data></atlas>',
            b'<VALUE_LABEL_DTABLE\n ni_type="2*String">\n"1" "A"\n"2" "B"\n"7" "C"\n</VALUE_LABEL_DTABLE>',
        ],
    ),
    'confounds': (
        read_confounds_filled,
        '.tsv',
        [
            b'csf\trot_x\n' + b''.join(b'%d.5\t-0.25e-3\n' % i for i in ROWS),
            b'"csf", "rot_x"\r\nn/a,1\r\n' + b''.join(b'%d,2\r\n' % i for i in ROWS[1:]),
            b''.join(b' %d  1e-3\n' % i for i in ROWS),
        ],
    ),
    'volumes': (
        read_kept,
        '.tsv',
        [
            b'retained\n' + b'true\nfalse\n' * 20,
            b'volume\tretained\treason\n' + b''.join(b'%d\ttrue\tn/a\n' % i for i in ROWS),
            b'0\n2\n3\n17\n',
        ],
    ),
    'array': (
        read_kept,
        '.npy',
        [array_file(np.arange(N_VOLUMES)), array_file(np.ones(N_VOLUMES, bool)), array_file(np.arange(9.0)[:, None])],
    ),
    'runs': (read_runs, '.tsv', [b'run\n' + b'1\n2\n' * 20, b'1\n' * 20 + b'2\n' * 20]),
    'sidecar': (
        read_timing,
        '.json',
        [b'{"RepetitionTime": 2.0, "TaskName": "rest"}', b'{"a": [1, {"b": null}], "RepetitionTime": 8e-1}'],
    ),
    'signals': (read_signals, '.tsv', [b'A\tB b\n1.5\tn/a\n2.5\t-1e-3\n', b'A\n' + b'1.0\n' * 9]),
    'regions': (
        read_regions,
        '.tsv',
        [
            b'index\tname\tn_voxels_atlas\tn_voxels_grid\tn_voxels_mask\tn_voxels_used\tcoverage\tstatus\ttsnr\n'
            b'7\tA\t9\t8\t8\t8\t0.9\tok\t1.5\n1\tB\t9\t8\t8\t8\tn/a\toutside_mask\tn/a\n'
        ],
    ),
}


@pytest.mark.parametrize('kind', TEXTS)
def test_any_text_is_read_or_refused(folder, kind):
    read, suffix, files = TEXTS[kind]

    @fuzzed
    @given(st.sampled_from(files), EDITS)
    def check(content, edits):
        read_fuzzed(read, folder / f'fuzzed{suffix}', edit(content, edits))

    check()
