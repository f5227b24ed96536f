# SPDX-License-Identifier: BSD-3-Clause
"""Tables: numbers and names are unchanged by writing and reading, and only ``n/a`` is missing."""

import decimal
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_array_equal

from nipype_labels.files.frames import read_table, write_table
from nipype_labels.files.tables import (
    parse_columns,
    read_signals,
    round_table,
    to_numbers,
    write_columns,
    write_signals,
)
from nipype_labels.model.errors import LabelsError

HARD = [
    0.0,
    -0.0,
    5e-324,
    -5e-324,
    2.2250738585072011e-308,
    2.2250738585072014e-308,
    1e308,
    -1e308,
    1.7976931348623157e308,
    0.1,
    1 / 3,
    0.1 + 0.2,
    1e22,
    9007199254740993.0,
    1 + 2**-52,
    math.pi,
    -1e-17,
]
NAMES = ['NA', 'nan', 'NaN', '007', '1e5', 'None', 'True', '-', 'Left A', 'Côté', 'λ 前頭', 'a, b', "the 'core'", '#1']

doubles = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True, width=64)


def bits(array):
    """The bits of each number, with one NaN for all."""
    array = np.where(np.isnan(array), np.nan, array)
    return array.view(np.uint64)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('tables')


@pytest.mark.slow
@settings(max_examples=60)
@given(arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=doubles))
def test_signals_come_back_bit_for_bit(folder, signals):
    names = [f'region {i}' for i in range(signals.shape[1])]
    write_signals(folder / 'signals.tsv', names, signals)
    read, back = read_signals(folder / 'signals.tsv')
    assert read == names
    assert back.dtype == np.float64
    assert_array_equal(bits(back), bits(signals))


@pytest.mark.parametrize('columns', [1, 3])
def test_numbers_at_the_edge_come_back_bit_for_bit(tmp_path, columns):
    signals = np.array(HARD * columns).reshape(-1, columns)
    write_signals(tmp_path / 'signals.tsv', NAMES[:columns], signals)
    assert_array_equal(bits(read_signals(tmp_path / 'signals.tsv')[1]), bits(signals))


def test_numbers_are_written_as_python_writes_them(tmp_path):
    rng = np.random.default_rng(3)
    edges = [edge * (1 + n * 2.0**-52) for edge in (1e-4, 1e15, 1e16, 2.0**53) for n in (-2, -1, 0, 1, 2)]
    sizes = rng.standard_normal((30, 200)) * 10.0 ** rng.integers(-9, 20, (30, 200))
    rows = [HARD, edges, [np.inf, -np.inf, 1.0], *sizes.tolist(), *np.round(sizes, 3).tolist()]
    for row in rows:
        write_signals(tmp_path / 'signals.tsv', map(str, range(len(row))), [row])
        assert (tmp_path / 'signals.tsv').read_text().splitlines()[1] == '\t'.join(map(repr, row))


@pytest.mark.parametrize('digits', [4, 15])
def test_numbers_are_rounded_as_decimal_arithmetic_rounds_them(digits, tmp_path):
    values = np.random.default_rng(1).normal(size=1000) * 10.0 ** np.arange(-300, 300, 0.6)
    values = np.concatenate([values, HARD, [9.99996, -0.00099999999, 12345.5, math.nan, math.inf]])
    write_signals(tmp_path / 'exact.tsv', ['Left A', 'λ'], np.column_stack([values, -values]))
    (tmp_path / 'rounded.tsv').write_bytes(round_table(tmp_path / 'exact.tsv', digits))
    names, rounded = read_signals(tmp_path / 'rounded.tsv')
    context = decimal.Context(prec=digits, rounding=decimal.ROUND_HALF_EVEN, Emin=-999, Emax=999)
    expected = [float(context.create_decimal_from_float(value)) for value in values.tolist()]
    assert names == ['Left A', 'λ']
    assert_array_equal(rounded, np.column_stack([expected, np.negative(expected)]))
    assert len((tmp_path / 'rounded.tsv').read_bytes()) < len((tmp_path / 'exact.tsv').read_bytes())


@pytest.mark.parametrize('shape', [(5, 1), (1, 1), (4, 3)])
def test_columns_of_nothing_but_missing_values_keep_their_rows(tmp_path, shape):
    write_signals(tmp_path / 'signals.tsv', NAMES[: shape[1]], np.full(shape, np.nan))
    names, back = read_signals(tmp_path / 'signals.tsv')
    assert names == NAMES[: shape[1]]
    assert back.shape == shape
    assert np.isnan(back).all()


def test_a_signals_file_is_tab_separated_text_with_a_heading(tmp_path):
    write_signals(tmp_path / 'signals.tsv', ['nan', 'Côté'], np.array([[1.5, np.nan], [-2.0, 0.1]]))
    assert (tmp_path / 'signals.tsv').read_bytes() == 'nan\tCôté\n1.5\tn/a\n-2.0\t0.1\n'.encode()


def test_names_of_any_kind_head_columns(tmp_path):
    signals = np.arange(2.0 * len(NAMES)).reshape(2, -1)
    write_signals(tmp_path / 'signals.tsv', NAMES, signals)
    names, back = read_signals(tmp_path / 'signals.tsv')
    assert names == NAMES
    assert_array_equal(back, signals)


@pytest.mark.parametrize('text', ['A\tB\r\n1\t2\r\n3\tn/a\r\n', '\ufeffA\tB\n1\t2\n3\tn/a\n', 'A\tB\n1\t2\n3\tn/a'])
def test_signals_that_another_program_saved_are_read(tmp_path, text):
    (tmp_path / 'signals.tsv').write_bytes(text.encode())
    names, signals = read_signals(tmp_path / 'signals.tsv')
    assert names == ['A', 'B']
    assert_array_equal(signals, [[1, 2], [3, np.nan]])


def test_two_columns_of_one_name_are_refused_by_file(tmp_path):
    write_signals(tmp_path / 'signals.tsv', ['A', 'B', 'A'], np.ones((2, 3)))
    with pytest.raises(LabelsError, match=r"signals\.tsv: columns of the same name: 'A'$"):
        read_signals(tmp_path / 'signals.tsv')


@pytest.mark.parametrize(
    'text',
    [
        'A\tB\n1\tx\n',
        'A\tB\n1\t\n',
        'A\tB\n1\tNA\n',
        'A\tB\n1,2\n',
        'A\tB\n1\n',
        'A\tB\n1\t2\n3\n',
        'A\tB\n1\t2\t3\n',
        'A\tB\n1\t2\t3\t4\n',
        'A\tB\tC\tD\n1\t2\n3\t4\n',
        'A\tB\n1\t2\t3\n4\t5\t6\n',
        'A\tB\n1\t2\t\n4\t5\t\n',
        'A\tB\n1\t2\n4\t5\t6\n',
        'A\tB\n',
        '',
    ],
)
def test_an_invalid_table_of_time_series_is_refused_by_file_name(tmp_path, text):
    (tmp_path / 'signals.tsv').write_text(text)
    with pytest.raises(LabelsError, match=r'signals\.tsv') as caught:
        read_signals(tmp_path / 'signals.tsv')
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('read', [read_signals, read_table])
def test_missing_files_folders_and_images_are_refused_by_name(tmp_path, read):
    (tmp_path / 'image.tsv').write_bytes(bytes(range(256)) * 4)
    for name in ('nowhere.tsv', '.', 'image.tsv'):
        with pytest.raises(LabelsError) as caught:
            read(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)


def test_a_written_table_is_read_back_unchanged(tmp_path):
    table = pd.DataFrame(
        {
            'index': range(len(NAMES)),
            'name': NAMES,
            'value': [*HARD[: len(NAMES) - 1], np.nan],
            'count': [2**53 + i for i in range(len(NAMES))],
            'reason': [None, *'abc', *[None] * (len(NAMES) - 4)],
        }
    )
    write_table(tmp_path / 'table.tsv', table)
    back = read_table(tmp_path / 'table.tsv')
    assert list(back) == list(table)
    assert back['name'].tolist() == NAMES
    for column in ('index', 'count'):
        assert list(map(int, back[column])) == table[column].tolist()
    assert_array_equal(bits(to_numbers(back['value'])), bits(table['value'].to_numpy()))
    assert back['reason'].notna().tolist() == table['reason'].notna().tolist()
    lines = (tmp_path / 'table.tsv').read_text(encoding='utf-8').splitlines()
    assert lines[0] == 'index\tname\tvalue\tcount\treason'
    assert lines[1] == 'n/a'.join(['0\tNA\t0.0\t9007199254740992\t', ''])
    assert {len(line.split('\t')) for line in lines} == {5}


@pytest.mark.slow
@settings(max_examples=60)
@given(st.lists(doubles, min_size=1, max_size=12))
def test_numbers_of_a_table_come_back_bit_for_bit(folder, values):
    write_table(folder / 'table.tsv', pd.DataFrame({'value': values, 'index': range(len(values))}))
    assert_array_equal(bits(to_numbers(read_table(folder / 'table.tsv')['value'])), bits(np.array(values)))


@pytest.mark.parametrize('cell', ['x', '', '1,5', 'n/a'])
def test_cells_of_text_are_no_numbers(cell):
    with pytest.raises(ValueError, match='could not convert'):
        to_numbers(['1.5', np.nan, cell])
    assert_array_equal(to_numbers(['1.5', np.nan, ' -2e3 ']), [1.5, np.nan, -2000])


@pytest.mark.slow
@settings(max_examples=60)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=('Cc', 'Cs', 'Zl', 'Zp')), min_size=1, max_size=8).filter(
            lambda name: name != 'n/a' and name.strip() == name and name.isprintable()
        ),
        min_size=1,
        max_size=6,
        unique=True,
    )
)
def test_printable_names_come_back_from_headings_and_cells(folder, names):
    write_signals(folder / 'signals.tsv', names, np.ones((1, len(names))))
    assert read_signals(folder / 'signals.tsv')[0] == names
    write_table(folder / 'table.tsv', pd.DataFrame({'name': names, 'index': range(len(names))}))
    assert read_table(folder / 'table.tsv')['name'].tolist() == names


@pytest.mark.parametrize('ending', ['', '.gz', '.bz2', '.xz'])
def test_packed_tables_are_read_and_nul_bytes_in_plain_ones_are_refused(ending, tmp_path):
    """Compressed tables may hold NUL bytes; in plain text, pandas before 3 would end a cell at them."""
    path = tmp_path / f'table.tsv{ending}'
    values = np.random.default_rng(8).normal(size=(90, 2))
    pd.DataFrame(values, columns=['a', 'b']).to_csv(path, sep='\t', index=False)
    assert (b'\0' in path.read_bytes()) == bool(ending)
    np.testing.assert_array_equal(read_table(path).astype(float), values)
    if not ending:
        path.write_bytes(path.read_bytes() + b'1\t2\0\n')
        with pytest.raises(LabelsError, match=r'table\.tsv cannot be read as a table: it holds NUL bytes'):
            read_table(path)


@settings(max_examples=50, deadline=None)
@given(numbers=st.lists(doubles, min_size=1, max_size=9))
def test_columns_are_written_as_pandas_writes_them_and_read_as_pandas_reads_them(folder, numbers):
    n = len(numbers)
    columns = {
        'index': np.arange(n) - 1,
        'name': np.array((NAMES * n)[:n], dtype=object),
        'side': np.array([None, 'L', ''][:n] * n, dtype=object)[:n],
        'value': np.array(numbers),
        'flag': np.where(np.arange(n) % 2, 'true', 'false'),
    }
    write_columns(folder / 'columns.tsv', columns)
    write_table(folder / 'frame.tsv', pd.DataFrame({name: list(values) for name, values in columns.items()}))
    content = (folder / 'columns.tsv').read_bytes()
    assert content == (folder / 'frame.tsv').read_bytes()
    found = parse_columns(content, 'columns.tsv')
    expected = read_table(folder / 'columns.tsv')
    assert list(found) == list(expected.columns)
    for name, cells in found.items():
        assert list(map(repr, cells)) == list(map(repr, expected[name]))  # NaN too
    assert_array_equal(bits(to_numbers(found['value'])), bits(columns['value']))


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'is empty'),
        (b'a\tb\n1\t2\t3\n', 'row 0 .* has 3 cells, the heading has 2'),
        (b'a\ta\n1\t2\n', "columns of the same name: 'a'"),
        (b'a\tb\n1\t\0\n', 'NUL'),
        (b'a\tb\n1\t\xff\n', r'UTF-8 text \(byte 6\)'),
    ],
)
def test_columns_that_cannot_be_read_are_named(content, message):
    with pytest.raises(LabelsError, match=f'^x.tsv.*{message}'):
        parse_columns(content, 'x.tsv')


def test_short_rows_blank_lines_and_any_line_ends_are_read_as_pandas_reads_them(folder):
    path = folder / 'lines.tsv'
    path.write_bytes(b'\xef\xbb\xbfa\tb\r\n\r\n1\t"x\r\n  \nn/a\r\t\r\n3\t\n')
    found, expected = parse_columns(path.read_bytes(), path), read_table(path)
    assert [list(map(repr, cells)) for cells in found.values()] == [list(map(repr, expected[name])) for name in found]
    assert list(found) == list(expected)
