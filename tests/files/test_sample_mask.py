# SPDX-License-Identifier: BSD-3-Clause
"""Sample masks and runs in every form: flags are never read as indices."""

import numpy as np
import pytest

from nipype_labels.files.frames import read_table
from nipype_labels.files.sample_mask import read_runs, read_sample_mask, write_censoring
from nipype_labels.model.errors import LabelsError, SignalError

FLAGS = [True, False, True, True]
INDICES = [0, 2, 3]


def written(folder, text, name='volumes.tsv'):
    path = folder / name
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    ('name', 'text', 'expected'),
    [
        ('kept.tsv', 'retained\ntrue\nfalse\ntrue\ntrue\n', FLAGS),
        ('kept.tsv', 'volume\tretained\treason\n0\ttrue\tn/a\n1\tfalse\tx\n2\ttrue\tn/a\n3\ttrue\tn/a\n', FLAGS),
        ('kept.tsv', '\ufeffretained\r\nTrue\r\nFalse\r\nTRUE\r\nTrue\r\n', FLAGS),
        ('kept.tsv', 'retained\n1\n0\n1\n1\n', FLAGS),
        ('kept.tsv', 'volume\tretained\n0\t1\n1\t0\n2\t1\n3\t1\n', FLAGS),
        ('volumes.tsv', 'volume\n0\n2\n3\n', INDICES),
        ('volumes.tsv', 'volume\tonset\n0\t0.0\n2\t4.0\n3\t6.0\n', INDICES),
        ('volumes.txt', '0\n2\n3\n', INDICES),
        ('volumes.txt', '\ufeff0\r\n2\r\n3', INDICES),
        ('volumes.txt', '0 2 3\n', INDICES),
        ('volumes.txt', '0.0\n2.0\n3e0\n', INDICES),
        ('flags.txt', 'true\nfalse\ntrue\ntrue\n', FLAGS),
        ('flags.txt', 'True\nFalse\nTrue\nTrue', FLAGS),
        ('all.txt', 'true\n', [True]),
        ('none.txt', 'false\nfalse\n', [False, False]),
    ],
)
def test_text_is_read_as_flags_or_as_indices(tmp_path, name, text, expected):
    mask = read_sample_mask(written(tmp_path, text, name))
    assert mask.tolist() == expected
    assert mask.dtype.kind == ('b' if isinstance(expected[0], bool) else 'i')


@pytest.mark.parametrize(
    ('values', 'expected'),
    [
        (np.array(FLAGS), FLAGS),
        (np.array(FLAGS)[:, None], FLAGS),
        (np.array(INDICES), INDICES),
        (np.array(INDICES, np.int32), INDICES),
        (np.array(INDICES, np.uint8), INDICES),
        (np.array(INDICES, np.float64), INDICES),
        (np.array([INDICES]), INDICES),
        (np.array([5]), [5]),
    ],
)
def test_numpy_files_are_read_as_flags_or_as_indices(tmp_path, values, expected):
    np.save(tmp_path / 'mask.npy', values)
    mask = read_sample_mask(tmp_path / 'mask.npy')
    assert mask.tolist() == expected
    assert mask.dtype.kind == ('b' if isinstance(expected[0], bool) else 'i')


@pytest.mark.parametrize('kept', [FLAGS, [True] * 5, [False] * 3, [True], [False, True] * 200])
def test_retained_volumes_are_returned_as_a_sample_mask(tmp_path, kept):
    kept = np.array(kept)
    write_censoring(tmp_path / 'censoring.tsv', kept, {'sample_mask': ~kept})
    mask = read_sample_mask(tmp_path / 'censoring.tsv')
    assert mask.dtype == bool
    assert mask.tolist() == kept.tolist()


def test_the_censoring_table_gives_the_reason_of_each_censored_volume(tmp_path):
    kept = np.array([False, True, False, False])
    reasons = {
        'framewise_displacement': np.array([False, False, True, True]),
        'std_dvars': np.array([False, False, False, True]),
        'non_steady_state': np.array([True, False, False, False]),
    }
    write_censoring(tmp_path / 'censoring.tsv', kept, reasons)
    assert (tmp_path / 'censoring.tsv').read_text() == (
        'volume\tretained\treason\n'
        '0\tfalse\tnon_steady_state\n'
        '1\ttrue\tn/a\n'
        '2\tfalse\tframewise_displacement\n'
        '3\tfalse\tframewise_displacement,std_dvars\n'
    )
    table = read_table(tmp_path / 'censoring.tsv')
    assert table['reason'].isna().tolist() == kept.tolist()


@pytest.mark.parametrize(
    'text',
    [
        '0 99\n120 199\n',
        'true\n2\n',
        'yes\nno\n',
        '0\n1.5\n',
        '0\nnan\n',
        '0\ninf\n',
        '0,2,3\n',
        'index\n0\n2\n',
        'retained\ntrue\nn/a\n',
        'retained\ntrue\nmaybe\n',
        'volume\n0\nn/a\n',
        '',
        '\n\n',
        'retained\n',
        'retained\ntrue\0\n',
        'keep\ntrue\n',
        'retained\tretained\ntrue\tfalse\n',
        'volume\tretained\n1\ttrue\n0\ttrue\n',
        'volume\tretained\n0\ttrue\n1\n',
        'volume\tretained\n0\ttrue\tx\n',
        '0\n1_0\n',
        f'0\n{2**63}\n',
        '0\n1e30\n',
        '9' * 5000,
    ],
    ids=lambda text: repr(text[:30]),
)
def test_an_invalid_list_of_volumes_is_refused_by_file_name(tmp_path, text):
    with pytest.raises(LabelsError, match=r'volumes\.tsv') as caught:
        read_sample_mask(written(tmp_path, text))
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    'values',
    [
        np.ones((3, 4), bool),
        np.ones((3, 4), int),
        np.array([0.5, 1.0]),
        np.array([np.nan, 1.0]),
        np.array([{}], dtype=object),
        np.array(['a', 'b']),
        np.zeros(0),
        np.array(3),
        np.array([1j]),
        np.array(['2020-01-01'], 'M8[D]'),
        np.zeros(3, [('a', 'i4')]),
        np.array([2**63], 'u8'),
    ],
    ids=lambda values: f'{values.dtype}{values.shape}',
)
def test_numpy_files_of_anything_else_are_refused_by_file(tmp_path, values):
    np.save(tmp_path / 'mask.npy', values)
    with pytest.raises(SignalError, match=r'mask\.npy'):
        read_sample_mask(tmp_path / 'mask.npy')


@pytest.mark.parametrize(
    ('old', 'new'),
    [
        (b'NUMPY', b'MATLB'),
        (b"{'descr'", b"('descr'"),
        (b'(40,), }  ', b'("""40,),}'),
        (b'(40,), }' + b' ' * 13, b'(400000000000000,), }'),
        (b'(40,), }' + b' ' * 8, b'(8000000000,), }'),
        (b'(40,)', b'(-4,)'),
        (np.int64(39).tobytes(), b''),
    ],
)
def test_damaged_numpy_files_are_refused_before_they_cost_memory(tmp_path, old, new):
    np.save(tmp_path / 'mask.npy', np.arange(40))
    content = (tmp_path / 'mask.npy').read_bytes()
    assert old in content
    (tmp_path / 'mask.npy').write_bytes(content.replace(old, new))
    with pytest.raises(SignalError, match=r'mask\.npy is not a list of volumes'):
        read_sample_mask(tmp_path / 'mask.npy')


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        ('runs.tsv', 'run\n1\n1\n2\n2\n2\n'),
        ('runs.tsv', 'volume\trun\n0\t1\n1\t1\n2\t2\n3\t2\n4\t2\n'),
        ('runs.txt', '1\n1\n2\n2\n2\n'),
        ('runs.txt', '1 1 2 2 2'),
    ],
)
def test_runs_are_read_from_text(tmp_path, name, text):
    runs = read_runs(written(tmp_path, text, name))
    assert runs.tolist() == [1, 1, 2, 2, 2]
    assert runs.dtype.kind == 'i'


def test_runs_are_read_from_numpy_files(tmp_path):
    np.save(tmp_path / 'runs.npy', np.array([3, 3, 1], np.uint8))
    assert read_runs(tmp_path / 'runs.npy').tolist() == [3, 3, 1]


@pytest.mark.parametrize('text', ['run\n1\nn/a\n', 'run\nfirst\n', '1\n1.5\n', 'true\nfalse\n', 'session\n1\n', ''])
def test_runs_that_are_no_whole_numbers_are_refused_by_file(tmp_path, text):
    with pytest.raises(SignalError, match=r'volumes\.tsv'):
        read_runs(written(tmp_path, text))
