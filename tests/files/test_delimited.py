# SPDX-License-Identifier: BSD-3-Clause
"""Tables of numbers from fMRI packages, spreadsheets and statistics programs: read correctly, or refused."""

import bz2
import csv
import gzip
import io
import lzma
import zipfile

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from nipype_labels.files.confounds import fill_missing, read_confounds, read_tables
from nipype_labels.model.errors import ConfoundsError

VALUES = np.array([[1.5, -2.0, 0.25], [3.0, 4.0, -0.5], [-0.125, 6.0, 7.0], [8.0, -9.0, 1e-3]])


@pytest.fixture
def write(tmp_path):
    def write(content, name='c.tsv'):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / name

    return write


def lines(separator, start='', end='\n', rows=VALUES):
    return ''.join(start + separator.join(map(repr, row)) + end for row in rows.tolist())


def zipped(content):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w') as archive:
        archive.writestr('c.tsv', content)
    return stream.getvalue()


@pytest.mark.parametrize(
    'text',
    [
        lines('  ', '  '),
        lines('\t', end='  \r\n'),
        lines('\t', '\t'),
        lines('\t', end='\t\t\n'),
        lines(' \t', ' ', '\r\n'),
        lines(' ', end='\t\n'),
        lines('\t') + '\n\n',
        lines(' , '),
        lines(',', ','),
        lines(';', end=';\n'),
        '# C-PAC 1.8.4\n# CSF\tWM\tGS\n' + lines(' '),
        '#File,Sub-brick\n#Mean_1  ,Mean_2  \n' + lines(','),
        '# Created by Octave\n# name: R\n# type: matrix\n' + lines(' ', ' '),
        '0,1,2\n' + lines(','),
        '\ufeff' + lines('\t'),
    ],
)
def test_numbers_are_read_with_any_separator_and_spacing(write, text):
    table = read_confounds([write(text)], 4)
    assert_array_equal(table.to_numpy(), VALUES)


def test_a_cell_that_is_empty_in_all_rows_stays_a_column(write):
    text = ''.join(f'{a!r}\t\t{b!r}\n' for a, b, _ in VALUES.tolist())
    found = read_confounds([write(text)], 4).to_numpy()
    assert_array_equal(found, np.insert(VALUES[:, :2], 1, np.nan, axis=1))


@pytest.mark.parametrize('form', ['{!r},\n', ',{!r}\n', '{!r};\n'])
def test_a_separator_at_an_end_of_each_line_makes_no_second_column(write, form):
    text = ''.join(form.format(value) for value in VALUES[:, 0].tolist())
    assert_array_equal(read_confounds([write(text)], 4).to_numpy(), VALUES[:, :1])


def r_table(**options):
    """Tables of write.table and write.csv in R: quoted names, and row names without a heading."""
    separator, corner = options.get('sep', ' '), options.get('corner', ())
    head = separator.join(f'"{name}"' for name in (*corner, 'csf', 'wm', 'gs'))
    rows = [separator.join([f'"{i}"', *map(repr, row)]) for i, row in enumerate(VALUES.tolist(), start=1)]
    return '\n'.join([head, *rows]) + '\n'


NAMED = pd.DataFrame(VALUES, columns=['csf', 'wm', 'gs'])


@pytest.mark.parametrize(
    'text',
    [
        NAMED.to_csv(),
        NAMED.to_csv(sep='\t'),
        NAMED.to_csv(header=False),
        NAMED.set_axis([1, 2, 3, 4]).to_csv(),
        NAMED.rename_axis(index='Unnamed: 0').to_csv(),
        NAMED.set_axis([f'volume {i}' for i in range(4)]).to_csv(sep='\t'),
        NAMED.set_axis(range(3), axis=1).to_csv(),
        r_table(),
        r_table(sep='\t'),
        r_table(sep=',', corner=['']),
        r_table(sep=';', corner=['']),
    ],
)
def test_an_index_is_not_a_confound(write, text):
    """pandas and R write an index by default; a note says that it is not used."""
    (table,) = read_tables([write(text)], 4)
    assert_array_equal(table.frame.to_numpy(), VALUES)
    assert len(table.notes) == 1
    assert 'c.tsv: the first column is an index without a name' in table.notes[0]
    assert '' not in table.frame


@pytest.mark.parametrize(
    'text',
    [
        NAMED.rename_axis(index='volume').to_csv(),
        NAMED.to_csv(index=False),
        'x\ty\n' + ''.join(f'{i}\t{i * i}\n' for i in range(4)),
        'x\ty\t\n' + ''.join(f'{i}\t{i * i}\n' for i in range(4)),
        ''.join(f'{2 * i} {i * i}\n' for i in range(4)),
    ],
)
def test_a_column_with_a_name_and_one_that_counts_otherwise_are_confounds(write, text):
    (table,) = read_tables([write(text)], 4)
    assert table.notes == []
    assert table.frame.shape == (4, text.split('\n')[-2].replace(',', ' ').replace('\t', ' ').count(' ') + 1)


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('0\n' + lines(' ', rows=VALUES[:, :1]), 'has 5 rows, the signals have 4'),
        ('0 1\n' + lines(' ', rows=VALUES[:, :2]), 'has 5 rows, the signals have 4'),
        (NAMED.set_axis([0.0, 0.72, 1.44, 2.16]).to_csv(), 'first column has no name, and is not an index'),
        ('csf\t\twm\n' + lines('\t'), 'column 1 .* has no name'),
        ('0\n1\n2\n3\n', 'row numbers alone'),
        ('csf\n' + lines(','), 'row 0 .* has 3 cells, the heading has 1'),
        (lines(',') + '1,2\n', 'row 4 .* has 2 cells, not 3'),
        ('csf\tcsf\twm\n' + lines('\t'), "columns of the same name: 'csf'"),
        ('', 'is empty'),
        ('\t\n\t', 'is empty'),
        ('# only a comment\n', 'is empty'),
        (b'csf\xe9\n1\n2\n3\n4\n', r'is not UTF-8 text \(byte 3\). Save it as UTF-8'),
        (b'csf\n1\0\n2\n3\n4\n', 'NUL'),
    ],
)
def test_ambiguous_tables_are_refused(write, text, words):
    with pytest.raises(ConfoundsError, match=rf'c\.tsv.*{words}'):
        read_confounds([write(text)], 4)


@pytest.mark.parametrize(
    'text',
    [
        lines(';').replace('.', ','),
        'csf;wm;gs\n' + lines(';').replace('.', ','),
        lines('\t').replace('.', ','),
        'csf\twm\tgs\n' + lines('\t').replace('.', ','),
        'csf\n' + lines('', rows=VALUES[:, :1]).replace('.', ','),
        '0,1234\n-0,0021\n1,5012\n-2,2500\n',
        '72,51\n70,13\n68,98\n71,22\n',
        '1,05\n2,5\n3,17\n1,9\n',
        '-0,3\n1,25\n2,71\n1,9\n',
    ],
)
def test_decimal_commas_are_refused_by_name(write, text):
    path = write(text, 'c.csv')
    with pytest.raises(ConfoundsError, match=r'c\.csv.*[Ww]rite decimal points in place of decimal commas'):
        fill_missing(read_confounds([path], 4), source=str(path))


@pytest.mark.parametrize('text', ['0,1\n1,0\n0,0\n1,1\n', '1, 10\n2, 20\n5, 9\n4, 0\n', '10,1\n20,2\n30,10\n40,7\n'])
def test_columns_of_whole_numbers_between_commas_are_read(write, text):
    expected = [[float(cell) for cell in line.split(',')] for line in text.splitlines()]
    assert_array_equal(read_confounds([write(text, 'c.csv')], 4), expected)


@pytest.mark.parametrize('missing', ['n/a', 'NA', '', 'NaN', '.', '#NULL!', 'null'])
@pytest.mark.parametrize('separator', ['\t', ',', ';'])
@pytest.mark.parametrize('heading', ['a b c\n', ''])
def test_a_missing_cell_stays_in_its_column(write, missing, separator, heading):
    rows = [['1', missing, '3'], [missing, '5', '6'], ['7', '8', missing], ['2', '3', '5']]
    text = heading.replace(' ', separator) + ''.join(separator.join(row) + '\n' for row in rows)
    expected = [[1, np.nan, 3], [np.nan, 5, 6], [7, 8, np.nan], [2, 3, 5]]
    assert_array_equal(read_confounds([write(text)], 4).to_numpy(), expected)


def test_names_may_hold_separators_between_quotation_marks(write):
    stream = io.StringIO()
    csv.writer(stream).writerows([['heart, rate', 'a "b"'], *VALUES[:, :2].tolist()])
    assert list(read_confounds([write(stream.getvalue(), 'c.csv')], 4)) == ['heart, rate', 'a "b"']


@pytest.mark.slow
@pytest.mark.parametrize('pack', [gzip.compress, bz2.compress, lzma.compress, zipped])
@pytest.mark.parametrize('name', ['c.tsv.gz', 'c.tsv'])
@pytest.mark.parametrize('heading', [True, False])
def test_compressed_tables_are_read_by_their_content(write, pack, name, heading):
    rng = np.random.default_rng(0)
    for _ in range(40 if pack is gzip.compress else 2):
        values = rng.normal(size=(4, 3))
        path = write(pack(('a\tb\tc\n' * heading + lines('\t', rows=values)).encode()), name)
        assert_array_equal(read_confounds([path], 4).to_numpy(), values)


@pytest.mark.parametrize('pack', [gzip.compress, bz2.compress, lzma.compress, zipped])
def test_a_damaged_compressed_table_is_refused_in_one_sentence(write, pack):
    content = pack(lines('\t').encode() * 50)
    for damaged in (content[: len(content) // 2], content[:30] + b'????' + content[34:]):
        with pytest.raises(ConfoundsError, match=r'c\.tsv\.gz') as caught:
            read_confounds([write(damaged, 'c.tsv.gz')], 4)
        assert '\n' not in str(caught.value)


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16', 'utf-16-le', 'utf-16-be'])
def test_tables_in_utf_16_are_read(write, encoding):
    mark = '\ufeff' if encoding in ('utf-16-le', 'utf-16-be') else ''
    path = write((mark + 'größe\tµV\tc\n' + lines('\t')).encode(encoding))
    table = read_confounds([path], 4)
    assert list(table) == ['größe', 'µV', 'c']
    assert_array_equal(table.to_numpy(), VALUES)


def test_an_empty_cell_after_each_row_is_not_a_column(write):
    table = read_confounds([write('a\tb\n1\t2\t\n3\t4\t\n5\t6\t\n7\t8\t\n')], 4)
    assert list(table) == ['a', 'b']
    assert_array_equal(table.to_numpy(), [[1, 2], [3, 4], [5, 6], [7, 8]])
