# SPDX-License-Identifier: BSD-3-Clause
"""GIFTI files read as a stream: the values of nibabel in every encoding, and for every size of a piece."""

import base64
import gzip
import re
import zlib
from contextlib import suppress
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from surface_cases import ENCODINGS, alter_xml, damage_bytes, noise, save_func_gii, save_label_gii

from nipype_labels.files import gifti
from nipype_labels.files.gifti import GiftiReader, open_gifti_series
from nipype_labels.model.errors import ImageError, LabelsError

T, V = 5, 30
NIBABEL = Path(nib.__file__).parent / 'gifti' / 'tests' / 'data'
NAME = 'x_hemi-L_bold.func.gii'


def read_values(path):
    """Values of a series, shape (T, V)."""
    return np.concatenate([values.copy() for values in open_gifti_series(path).blocks()]).T


@pytest.fixture
def series(tmp_path):
    return save_func_gii(tmp_path / NAME, noise(T, V))


def change(path, old, new, count=1):
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new, count))
    return path


def data_of(path):
    """The text of the first array."""
    return re.search(r'<Data>(.*?)</Data>', path.read_text(), re.DOTALL)[1]


@pytest.mark.parametrize('chunk', [1, 50, 300, 2**18])
@pytest.mark.parametrize('layout', ['volumes', 'rows', 'columns'])
@pytest.mark.parametrize('encoding', ENCODINGS)
def test_values_are_those_of_nibabel(tmp_path, monkeypatch, encoding, layout, chunk):
    path = save_func_gii(tmp_path / NAME, noise(T, V), encoding, layout)
    if (encoding, layout) == ('ASCII', 'columns'):
        # nibabel writes rows, whatever it says, and reads rows.
        with pytest.raises(ImageError, match='array 1 is text in ColumnMajorOrder, which programs read differently'):
            read_values(path)
        return
    monkeypatch.setattr(gifti, '_CHUNK', chunk)
    data = [array.data for array in nib.load(path).darrays]
    expected = np.stack(data) if layout == 'volumes' else data[0].T
    assert_array_equal(read_values(path), expected)


@pytest.mark.parametrize('name', ['ascii.gii', 'base64bin.gii', 'gzipbase64.gii', 'task.func.gii', 'label.gii'])
def test_arrays_of_real_files_are_those_of_nibabel(name):
    expected = nib.load(NIBABEL / name)
    reader = GiftiReader(NIBABEL / name)
    for values, array in zip(reader.read_arrays(), expected.darrays, strict=True):
        assert_array_equal(values, array.data)
    assert reader.labels == expected.labeltable.get_labels_as_dict()
    assert reader.metadata == dict(expected.meta)
    assert [array.metadata for array in reader.arrays] == [dict(array.meta) for array in expected.darrays]


@pytest.mark.parametrize('behind', ['', '<MetaData><MD><Name>Late</Name><Value>1</Value></MD></MetaData>'])
def test_arrays_with_the_same_description_as_the_one_before_are_read_like_others(tmp_path, behind):
    options = {'intent': 'NIFTI_INTENT_TIME_SERIES', 'datatype': 'NIFTI_TYPE_FLOAT32'}
    values = noise(9, V)
    arrays = [
        nib.gifti.GiftiDataArray(row, meta={'Name': name}, **options)
        for row, name in zip(values, 'aaabbcaaa', strict=True)
    ]
    nib.gifti.GiftiImage(darrays=arrays).to_filename(tmp_path / NAME)
    path = change(tmp_path / NAME, '</Data>', f'</Data>{behind}', 9)
    reader = GiftiReader(path)
    assert_array_equal(np.stack(reader.read_arrays()), values)
    late = {'Late': '1'} if behind else {}
    assert [array.metadata for array in reader.arrays] == [{'Name': name} | late for name in 'aaabbcaaa']
    with pytest.raises(ImageError, match='it has 9 arrays, and claims 8'):
        read_values(change(path, 'NumberOfDataArrays="9"', 'NumberOfDataArrays="8"'))


@pytest.mark.parametrize('dtype', ['f4', 'i4', 'u1'])
def test_types_and_big_endian_values_are_read(tmp_path, dtype):
    values = np.random.default_rng(2).integers(0, 200, (T, V)).astype(dtype)
    path = save_func_gii(tmp_path / NAME, values.byteswap(), 'Base64Binary')
    change(path, 'LittleEndian', 'BigEndian', -1)
    assert_array_equal(read_values(path), values)


def test_comments_in_values_are_ignored(tmp_path):
    """Also if the text behind the comment is the same in each array."""
    path = save_func_gii(tmp_path / NAME, np.ones((T, V), np.float32), 'Base64Binary')
    path.write_text(re.sub('(.{16}</Data>)', r'<!-- x -->\1', path.read_text()))
    assert_array_equal(read_values(path), np.ones((T, V)))


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_text_may_be_broken_into_lines(tmp_path, encoding):
    path = save_func_gii(tmp_path / NAME, noise(T, V), encoding)
    expected, text = read_values(path), data_of(path)
    lines = text if encoding == 'ASCII' else '\n'.join(text[i : i + 76] for i in range(0, len(text), 76))
    change(path, text, f'\n  {lines}\n')
    assert_array_equal(read_values(path), expected)


@pytest.mark.slow
@pytest.mark.parametrize('encoding', ['ASCII', 'BASE64_BINARY', 'GZIP_BASE64_BINARY'])
def test_files_of_wb_command_are_read(series, wb_command, encoding):
    converted = series.with_name('converted_hemi-L.func.gii')
    wb_command('-gifti-convert', encoding, series, converted)
    assert_allclose(read_values(converted), read_values(series), rtol=1e-5 if encoding == 'ASCII' else 0)


def test_a_gzipped_file_is_read(series):
    packed = series.with_name(f'{series.name}.gz')
    packed.write_bytes(gzip.compress(series.read_bytes()))
    assert_array_equal(read_values(packed), read_values(series))
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(ImageError, match=rf'{packed}: it is damaged'):
        read_values(packed)


@pytest.mark.parametrize(
    ('text', 't_r'),
    [
        ('1400.0', 1.4),
        ('720', 0.72),
        ('10', 0.01),
        ('9.99', None),
        ('0.000000', None),
        ('2.0', None),
        ('', None),
        ('soon', None),
    ],
)
def test_the_time_step_is_in_ms(tmp_path, text, t_r):
    assert open_gifti_series(save_func_gii(tmp_path / NAME, noise(T, V), time_step=text)).t_r == t_r


def test_a_document_type_of_gifti_is_ignored_and_entities_are_refused(series):
    assert 'DOCTYPE' in series.read_text()
    change(series, '.dtd">', '.dtd" [<!ENTITY lol "lol">]>')
    with pytest.raises(ImageError, match=r'func\.gii: its XML defines entities'):
        open_gifti_series(series)


@pytest.mark.parametrize('encoding', ['Base64Binary', 'GZipBase64Binary'])
@pytest.mark.parametrize(
    ('alter', 'message'),
    [
        (lambda text: text[:40] + '*' + text[41:], 'its Base64 is not valid'),
        (lambda text: text[:40] + '=' + text[41:], 'its Base64 is not valid'),
        (lambda text: text + 'AAAA', r'(its Base64 is not valid|more than 120 bytes|go on behind their end)'),
        (lambda text: text[:-5], r'(its Base64 ends early|has \d+ of 120 bytes)'),
        (lambda text: text[:20], r'has \d+ of 120 bytes of values'),
        (lambda text: '', 'has 0 of 120 bytes of values'),
        (lambda text: text[:40] + '<b/>' + text[40:], 'its values contain the XML element b'),
    ],
)
def test_damaged_text_is_refused(tmp_path, encoding, alter, message):
    path = save_func_gii(tmp_path / NAME, noise(T, V), encoding)
    change(path, data_of(path), alter(data_of(path)))
    with pytest.raises(ImageError, match=rf'func\.gii: array 1 .*{message}'):
        read_values(path)


def test_damaged_compression_is_refused(series):
    packed = bytearray(base64.b64decode(data_of(series)))
    packed[len(packed) // 2] = 255
    change(series, data_of(series), base64.b64encode(packed).decode())
    with pytest.raises(ImageError, match=r'array 1 is damaged: (its values cannot be decompressed|it has)'):
        read_values(series)


def test_a_stream_that_unpacks_to_more_than_the_array_is_stopped(series):
    bomb = base64.b64encode(zlib.compress(bytes(2**24))).decode()
    change(series, data_of(series), bomb)
    with pytest.raises(ImageError, match='array 1 is damaged: it has more than 120 bytes'):
        read_values(series)


@pytest.mark.parametrize('text', ['x', '1e', '1,5'])
def test_text_that_is_not_a_number_is_refused(tmp_path, text):
    path = save_func_gii(tmp_path / NAME, noise(T, V), 'ASCII')
    change(path, data_of(path).split()[3], text)
    with pytest.raises(ImageError, match=r'array 1 (has text that is not a number|is damaged)'):
        read_values(path)


#: Changes of the XML, and words of the error.
CONTRADICTIONS = {
    'fewer arrays': ('NumberOfDataArrays="5"', 'NumberOfDataArrays="6"', 'it has 5 arrays, and claims 6'),
    'more arrays': ('NumberOfDataArrays="5"', 'NumberOfDataArrays="4"', 'it has 5 arrays, and claims 4'),
    'no number': ('NumberOfDataArrays="5"', 'NumberOfDataArrays="x"', 'NumberOfDataArrays must be whole numbers'),
    'size': ('Dim0="30"', 'Dim0="29"', 'array 1 is damaged: it has more than 116 bytes'),
    'huge': ('Dim0="30"', 'Dim0="3000000000"', 'array 1 claims 12000000000 bytes of values, too many'),
    'negative': ('Dim0="30"', 'Dim0="-30"', 'Dim0 of array 1 must be a whole number from 1'),
    'dimensions': ('Dimensionality="1"', 'Dimensionality="7"', 'array 1 has 7 dimensions'),
    'axes': ('Dimensionality="1"', 'Dimensionality="2" Dim1="2"', 'array 1 is damaged: it has 120 of 240 bytes'),
    'type': ('NIFTI_TYPE_FLOAT32', 'NIFTI_TYPE_RGB24', "unknown encoding or type: .*'NIFTI_TYPE_RGB24'"),
    'encoding': ('GZipBase64Binary', 'Base85', "unknown encoding or type: 'Base85'"),
    'order': ('RowMajorOrder', 'Z', 'unknown ArrayIndexingOrder or Endian'),
    'endian': ('LittleEndian', 'Middle', 'unknown ArrayIndexingOrder or Endian'),
    'points': ('INTENT_TIME_SERIES', 'INTENT_POINTSET', 'it is not a series: its first array has the intent POINTSET'),
    'external': ('ExternalFileName=""', 'ExternalFileName="x.dat"', "array 1 is in another file, 'x.dat'"),
    'root': ('<GIFTI', '<SVG', 'it is not a GIFTI file: its XML begins with SVG'),
    'no data': ('<Data>', '<Date>', 'XML is not valid'),
    'broken': ('</GIFTI>', '', 'XML is not valid'),
    'encoding of text': ('encoding="UTF-8"', 'encoding="Klingon"', 'XML is not valid'),
}


@pytest.mark.parametrize('case', CONTRADICTIONS)
def test_contradictions_are_refused_with_the_name_of_the_file(series, case):
    old, new, message = CONTRADICTIONS[case]
    change(series, old, new)
    with pytest.raises(ImageError, match=message) as caught:
        read_values(series)
    assert str(series) in str(caught.value)


@pytest.mark.parametrize(('old', 'new'), [('Dim0="30"', 'Dim0="29"'), ('TIME_SERIES', 'SHAPE'), ('FLOAT32', 'INT32')])
def test_arrays_of_one_series_must_have_one_type_and_length(tmp_path, old, new):
    path = save_func_gii(tmp_path / NAME, noise(T, V), 'Base64Binary')
    first, last = path.read_text().split('</DataArray>', 1)
    path.write_text(first + '</DataArray>' + last.replace(old, new, 1))
    with pytest.raises(ImageError, match=r'array 2 (differs from the first in shape, type or intent|is damaged)'):
        read_values(path)


@pytest.mark.parametrize('n_arrays', [1, 2])
def test_arrays_of_other_shapes_are_refused(tmp_path, n_arrays):
    shape = (V, 2, 3) if n_arrays == 1 else (V, 2)
    arrays = [nib.gifti.GiftiDataArray(np.zeros(shape, np.float32)) for _ in range(n_arrays)]
    nib.gifti.GiftiImage(darrays=arrays).to_filename(tmp_path / NAME)
    with pytest.raises(ImageError, match=r'must be one array of vertices × volumes, or an array for each volume, not'):
        open_gifti_series(tmp_path / NAME)


def test_limits_to_arrays_are_included(tmp_path, monkeypatch):
    path = save_func_gii(tmp_path / NAME, np.zeros((1, 1000), np.float32))
    axes = ''.join(f' Dim{i}="1"' for i in range(1, 6))
    change(path, 'Dimensionality="1"', f'Dimensionality="6"{axes}')
    monkeypatch.setattr(gifti, 'DEFLATE_RATIO', 2)
    path.write_bytes(path.read_bytes().ljust(2000))
    assert GiftiReader(path).read_arrays()[0].shape == (1000, 1, 1, 1, 1, 1)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ImageError, match='array 1 claims 4000 bytes of values, too many for the size of the file'):
        GiftiReader(path).read_arrays()


def test_arrays_without_or_with_two_values_are_refused(series):
    text = f'<Data>{data_of(series)}</Data>'
    for wrong in ('', text * 2):
        series.write_text(series.read_text().replace(text, wrong, 1))
        with pytest.raises(ImageError, match='array 1 must have one Data element'):
            read_values(series)
        series.write_text(save_func_gii(series, noise(T, V)).read_text())


def test_a_real_file_whose_values_are_elsewhere_is_refused():
    with pytest.raises(ImageError, match=r"external\.gii: array 1 is in another file, 'external\.dat'.*-gifti-convert"):
        GiftiReader(NIBABEL / 'external.gii').read_arrays()


def test_keys_of_labels_are_unique(tmp_path):
    path = save_label_gii(tmp_path / 'lh.x.label.gii', [0, 1], {0: '???', 1: 'V1', 2: 'V2'})
    change(path, 'Key="2"', 'Key="1"')
    tables = '</DataArray><LabelTable><Label Key="1">V1</Label></LabelTable>'
    for each in (path, change(save_func_gii(tmp_path / NAME, noise(T, V)), '</DataArray>', tables, T)):
        with pytest.raises(ImageError, match='the label table has key 1 twice'):
            GiftiReader(each).read_arrays()


@pytest.mark.endurance
@pytest.mark.parametrize('encoding', ENCODINGS)
def test_damaged_files_raise_our_errors_alone(tmp_path, encoding):
    path = save_func_gii(tmp_path / NAME, noise(T, V), encoding)
    good, rng = path.read_bytes(), np.random.default_rng(11)
    for _ in range(1000):
        path.write_bytes(damage_bytes(good, rng))
        with suppress(LabelsError):
            read_values(path)
        with suppress(LabelsError):
            GiftiReader(path).read_arrays()


@pytest.mark.endurance
def test_hostile_values_in_the_xml_raise_our_errors_alone(tmp_path):
    path = save_func_gii(tmp_path / NAME, noise(T, V), time_step='720')
    labels = save_label_gii(tmp_path / 'lh.x.label.gii', [0, 1, 2], {0: '???', 1: 'V1', 2: 'V2'}, 'CortexLeft')
    rng, good = np.random.default_rng(12), (path.read_text(), labels.read_text())
    for number in range(3000):
        path.write_text(alter_xml(good[number % 2], rng))
        with suppress(LabelsError):
            read_values(path)
        with suppress(LabelsError):
            GiftiReader(path).read_arrays()
