# SPDX-License-Identifier: BSD-3-Clause
"""Series as streams: the numbers that nibabel gives, in bounded memory, and damage found before it counts."""

import gzip
import re
import shutil
import struct
import subprocess
import sys
import time
import zlib

import nibabel as nib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nipype_labels.core.errors import ImageError, LabelsError
from nipype_labels.files import series
from nipype_labels.files.series import SeriesWriter, open_series

SHAPE = (5, 6, 7, 11)
AFFINE = np.array([[-3.0, 0, 0, 90], [0, 3, 0, -126], [0, 0, 4, -72], [0, 0, 0, 1]])
TURN = np.array([[0.8, -0.6, 0, 5], [0.6, 0.8, 0, -7], [0, 0, 1, 9], [0, 0, 0, 1]])


def noise(dtype, shape=SHAPE, seed=0):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == 'f':
        return rng.normal(1000, 50, shape).astype(dtype)
    bounds = np.iinfo(dtype)
    return rng.integers(max(bounds.min, -30000), min(bounds.max, 30000), shape).astype(dtype)


def save(path, data, slope=None, inter=0, kind=nib.Nifti1Image, t_r=None, unit='sec', order='<'):
    """Save in the type of the data, with a scale that is not applied to them."""
    data = np.asarray(data)
    image = kind(data, AFFINE, header=None if order == '<' else kind.header_class(endianness=order))
    image.set_data_dtype(data.dtype.newbyteorder('='))
    if slope:
        image.header.set_slope_inter(slope, inter)
    if t_r is not None:
        image.header.set_zooms((*image.header.get_zooms()[:3], t_r))
        image.header.set_xyzt_units('mm', unit)
    image.to_filename(path)
    return path


def read_all(path, num_threads=1, dtype='none'):
    """All volumes of a file, decoded, and how many each block held."""
    opened = open_series(path)
    decode = opened.decoder(dtype)
    volumes, lengths, expected = [], [], 0
    for first, block in opened.blocks(num_threads):
        assert first == expected
        assert block.dtype == opened.stored
        volumes += [decode(volume).reshape(opened.grid.shape, order='F') for volume in block.copy()]
        lengths.append(len(block))
        expected += len(block)
    return np.stack(volumes, axis=-1), lengths


def use_blocks_of(monkeypatch, volumes, path):
    """Let a block hold so many volumes of a file."""
    monkeypatch.setattr(series, 'BLOCK_BYTES', volumes * open_series(path).volume_bytes)


@pytest.fixture
def flat_gzip():
    """A gzipped series of noise, as nibabel reads it."""

    def make(path, shape=SHAPE, seed=0):
        return save(path, noise('int16', shape, seed)).read_bytes()

    return make


KINDS = {
    'int16': ('bold.nii', dict(data=noise('int16'))),
    'int16-scaled': ('bold.nii', dict(data=noise('int16'), slope=0.0371, inter=812.3)),
    'int16-scaled-no-intercept': ('bold.nii', dict(data=noise('int16'), slope=7.25)),
    'int16-gzipped-scaled': ('bold.nii.gz', dict(data=noise('int16'), slope=0.0371, inter=-4.5)),
    'int16-big-endian': ('bold.nii.gz', dict(data=noise('int16'), order='>')),
    'int16-big-endian-scaled': ('bold.nii', dict(data=noise('int16'), slope=0.5, inter=3, order='>')),
    'float32-big-endian': ('bold.nii', dict(data=noise('float32'), order='>')),
    'int8': ('bold.nii.gz', dict(data=noise('int8'))),
    'uint8': ('bold.nii.gz', dict(data=noise('uint8'))),
    'uint16': ('bold.nii', dict(data=noise('uint16'))),
    'int32': ('bold.nii.gz', dict(data=noise('int32'))),
    'float32': ('bold.nii.gz', dict(data=noise('float32'))),
    'float32-scaled': ('bold.nii', dict(data=noise('float32'), slope=0.1, inter=2)),
    'float64': ('bold.nii.gz', dict(data=noise('float64'))),
    'nifti2': ('bold.nii', dict(data=noise('int16'), kind=nib.Nifti2Image)),
    'nifti2-gzipped-scaled': ('bold.nii.gz', dict(data=noise('int16'), kind=nib.Nifti2Image, slope=0.3, inter=1)),
    'pair': ('bold.img', dict(data=noise('int16'), kind=nib.Nifti1Pair, slope=0.3, inter=1)),
    'pair-by-header': ('bold.hdr', dict(data=noise('float32'), kind=nib.Nifti1Pair)),
    'pair-gzipped': ('bold.img.gz', dict(data=noise('int16'), kind=nib.Nifti1Pair)),
    'analyze': ('bold.img', dict(data=noise('int16'), kind=nib.Spm99AnalyzeImage)),
    'mgh': ('bold.mgh', dict(data=noise('int16'), kind=nib.MGHImage)),
    'mgz': ('bold.mgz', dict(data=noise('float32'), kind=nib.MGHImage)),
}


@pytest.mark.filterwarnings('ignore:unclosed file:ResourceWarning')  # nibabel leaves .mgh open
@pytest.mark.parametrize('per_block', [1, 3, 4, 11, 500])
@pytest.mark.parametrize('kind', KINDS)
def test_blocks_hold_what_nibabel_reads(tmp_path, monkeypatch, kind, per_block):
    name, options = KINDS[kind]
    path = save(tmp_path / name, **options)
    use_blocks_of(monkeypatch, per_block, path)
    image = nib.load(path)
    for num_threads in (1, 2):
        got, lengths = read_all(path, num_threads)
        assert_array_equal(got, image.get_fdata())
        assert sum(lengths) == SHAPE[3]
        assert max(lengths) == min(per_block, SHAPE[3])
        assert len(lengths) == -(-SHAPE[3] // per_block)
    opened = open_series(path)
    assert opened.n_volumes == SHAPE[3]
    assert opened.grid.shape == SHAPE[:3]
    assert opened.grid.path == str(path)
    assert_array_equal(opened.grid.affine, image.affine)


@pytest.mark.parametrize('extension', ['.nii', '.nii.gz'])
@pytest.mark.parametrize('kind', [nib.Nifti1Image, nib.Nifti2Image])
def test_voxels_behind_header_extensions_are_found(tmp_path, extension, kind):
    data = noise('int16')
    image = kind(data, AFFINE)
    image.header.extensions.append(nib.nifti1.Nifti1Extension(6, b'a comment ' * 50))
    image.to_filename(tmp_path / f'bold{extension}')
    opened = open_series(tmp_path / f'bold{extension}')
    assert opened.offset > (544 if kind is nib.Nifti2Image else 352)
    assert_array_equal(read_all(tmp_path / f'bold{extension}')[0], data)


@pytest.mark.parametrize('slope', [0.0, np.nan])
def test_a_slope_of_nothing_is_no_slope(tmp_path, slope):
    path = save(tmp_path / 'bold.nii', noise('int16'))
    raw = bytearray(path.read_bytes())
    raw[112:120] = np.array([slope, 5], np.float32).tobytes()
    path.write_bytes(raw)
    assert_array_equal(read_all(path)[0], noise('int16'))


def test_non_finite_floats_come_through(tmp_path):
    data = noise('float32')
    data[0, 0, 0], data[1, 2, 3, 4], data[2, 2, 2] = np.nan, np.inf, -np.inf
    assert_array_equal(read_all(save(tmp_path / 'bold.nii.gz', data))[0], data)


@pytest.mark.parametrize('name', ['one.nii', 'one.nii.gz'])
@pytest.mark.parametrize('shape', [(5, 6, 7), (5, 6, 7, 1), (1, 1, 1, 3)])
def test_a_single_volume_or_voxel_is_a_series(tmp_path, name, shape):
    data = noise('int16', shape)
    assert_array_equal(read_all(save(tmp_path / name, data), 2)[0], data.reshape(*shape[:3], -1))


def test_gzip_of_several_members_is_one_series(tmp_path):
    """As parallel compressors write it."""
    raw = save(tmp_path / 'bold.nii', noise('int16')).read_bytes()
    parts = [gzip.compress(raw[start : start + 3000]) for start in range(0, len(raw), 3000)]
    (tmp_path / 'bold.nii.gz').write_bytes(b''.join(parts))
    assert_array_equal(read_all(tmp_path / 'bold.nii.gz')[0], noise('int16'))


def test_a_suffix_in_capitals_reads_as_in_small_letters(tmp_path):
    save(tmp_path / 'bold.nii.gz', noise('int16')).rename(tmp_path / 'BOLD.NII.GZ')
    assert_array_equal(nib.load(tmp_path / 'BOLD.NII.GZ').get_fdata(), noise('int16'))
    assert_array_equal(read_all(tmp_path / 'BOLD.NII.GZ')[0], noise('int16'))


@pytest.mark.parametrize('num_threads', [1, 2])
@pytest.mark.parametrize('name', ['bold.nii', 'bold.nii.gz'])
def test_reading_may_stop_early_and_start_again(tmp_path, monkeypatch, name, num_threads):
    path = save(tmp_path / name, noise('int16'))
    use_blocks_of(monkeypatch, 2, path)
    opened = open_series(path)
    for _ in range(3):
        blocks = opened.blocks(num_threads)
        assert_array_equal(next(blocks)[1][0].reshape(SHAPE[:3], order='F'), noise('int16')[..., 0])
        blocks.close()
    assert_array_equal(read_all(path, num_threads)[0], noise('int16'))


def volumes_named(error):
    """Volumes in which an error says that a file ends."""
    first, last = re.search(r'it ends in volumes? (\d+)(?: to (\d+))? of 11', str(error)).groups()
    return range(int(first), int(last or first) + 1)


@pytest.mark.parametrize('volumes', [0, 1, 4, 10.5])
@pytest.mark.parametrize('per_block', [1, 4, 500])
def test_a_plain_file_cut_short_says_where_it_ends(tmp_path, monkeypatch, volumes, per_block):
    path = save(tmp_path / 'cut.nii', noise('int16'))
    use_blocks_of(monkeypatch, per_block, path)
    path.write_bytes(path.read_bytes()[: 352 + int(volumes * open_series(path).volume_bytes)])
    for num_threads in (1, 2):
        with pytest.raises(ImageError, match=r'cut\.nii') as caught:
            read_all(path, num_threads)
        if 'truncated' in str(caught.value):
            assert int(volumes) in volumes_named(caught.value)
        else:
            assert f'{SHAPE[3] * 420} bytes of voxels' in str(caught.value)


@pytest.mark.parametrize('per_block', [1, 3, 500])
@pytest.mark.parametrize('missing', [60_000, 300, 9])
def test_a_gzipped_file_cut_short_says_in_which_block_it_ends(tmp_path, monkeypatch, flat_gzip, per_block, missing):
    good = flat_gzip(tmp_path / 'cut.nii.gz', (20, 20, 20, 11))
    use_blocks_of(monkeypatch, per_block, tmp_path / 'cut.nii.gz')
    (tmp_path / 'cut.nii.gz').write_bytes(good[:-missing])
    whole = (len(zlib.decompressobj(31).decompress(good[:-missing])) - 352) // 16000
    for num_threads in (1, 2):
        with pytest.raises(ImageError, match=r'cut\.nii\.gz is truncated') as caught:
            read_all(tmp_path / 'cut.nii.gz', num_threads)
        assert whole in volumes_named(caught.value)
        assert len(volumes_named(caught.value)) <= per_block


@pytest.mark.parametrize('per_block', [1, 3, 500])
@pytest.mark.parametrize('missing', range(1, 9))
def test_a_gzipped_file_without_its_whole_checksum_is_refused(tmp_path, monkeypatch, flat_gzip, per_block, missing):
    good = flat_gzip(tmp_path / 'cut.nii.gz')
    use_blocks_of(monkeypatch, per_block, tmp_path / 'cut.nii.gz')
    (tmp_path / 'cut.nii.gz').write_bytes(good[:-missing])
    with pytest.raises(ImageError, match=r'cut\.nii\.gz'):
        read_all(tmp_path / 'cut.nii.gz')


@pytest.mark.parametrize('per_block', [1, 4, 500])
@pytest.mark.parametrize('name', ['bold.nii.gz', 'bold.mgz'])
def test_damaged_gzip_never_gives_a_series(tmp_path, monkeypatch, name, per_block):
    """A bit that flipped on the way may decompress to other numbers: the checksum behind them tells."""
    data = noise('int16')
    save(tmp_path / name, data, kind=nib.MGHImage if name.endswith('mgz') else nib.Nifti1Image)
    use_blocks_of(monkeypatch, per_block, tmp_path / name)
    good, wrong = (tmp_path / name).read_bytes(), []
    for place in [*range(10, 120, 3), *range(120, len(good) - 8, 101), *range(len(good) - 8, len(good))]:
        bad = bytearray(good)
        bad[place] ^= 1
        (tmp_path / f'bad_{name}').write_bytes(bad)
        try:
            got, _ = read_all(tmp_path / f'bad_{name}')
        except LabelsError as error:
            assert f'bad_{name}' in str(error)  # noqa: PT017 (a harmless bit raises nothing)
        except Exception as error:
            wrong.append(f'byte {place} raised {type(error).__name__}')
        else:
            wrong += [f'byte {place} changed the series'] * (not np.array_equal(got, data))
    assert wrong == []


@pytest.mark.parametrize('behind', [0, 1, 400, 100_000])
def test_the_checksum_counts_whatever_lies_behind_the_voxels(tmp_path, behind):
    raw = save(tmp_path / 'bold.nii', noise('int16')).read_bytes()
    packed = bytearray(gzip.compress(raw + bytes(behind)))
    (tmp_path / 'good.nii.gz').write_bytes(packed)
    assert_array_equal(read_all(tmp_path / 'good.nii.gz')[0], noise('int16'))
    packed[-8] ^= 1
    (tmp_path / 'bad.nii.gz').write_bytes(packed)
    with pytest.raises(ImageError, match=r'bad\.nii\.gz is damaged'):
        read_all(tmp_path / 'bad.nii.gz')


@pytest.mark.parametrize('flipped', [False, True])
def test_the_checksum_counts_where_a_reader_need_not_fetch_it(tmp_path, flipped):
    """Voxels and checksum begin and end at round numbers of bytes, as the buffers of a reader do."""
    data = noise('int16', (16, 61, 179, 3)) // 4
    raw = save(tmp_path / 'bold.nii', data).read_bytes()
    deflate = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(raw) + deflate.flush()
    name = b'x' * (2**20 - len(body) - 11)
    trailer = struct.pack('<II', zlib.crc32(raw) ^ flipped, len(raw))
    packed = b'\x1f\x8b\x08\x08' + bytes(5) + b'\xff' + name + b'\0' + body + trailer
    assert (len(raw), len(packed)) == (2**20, 2**20 + 8)
    (tmp_path / 'bold.nii.gz').write_bytes(packed)
    if flipped:
        with pytest.raises(ImageError, match=r'bold\.nii\.gz is damaged'):
            read_all(tmp_path / 'bold.nii.gz')
    else:
        assert_array_equal(read_all(tmp_path / 'bold.nii.gz')[0], data)


@pytest.mark.parametrize('name', ['huge.nii', 'huge.nii.gz'])
def test_a_header_that_promises_terabytes_is_refused_at_once(tmp_path, name):
    path = save(tmp_path / name, noise('int16'))
    raw = bytearray(gzip.decompress(path.read_bytes()) if name.endswith('gz') else path.read_bytes())
    raw[42:50] = np.array([1000, 1000, 1000, 1000], np.int16).tobytes()
    path.write_bytes(gzip.compress(raw) if name.endswith('gz') else raw)
    start = time.perf_counter()
    with pytest.raises(ImageError, match=rf'{name}.*too few for the 2000000000000 bytes'):
        open_series(path)
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    ('data', 'words'),
    [
        (np.zeros((2, 3, 4, 5), np.complex64), 'complex64'),
        (np.zeros((2, 3, 4, 5), [('R', 'u1'), ('G', 'u1'), ('B', 'u1')]), 'integers or floats'),
        (np.zeros((2, 3, 4, 5, 2), np.int16), r'\(2, 3, 4, 5, 2\)'),
        (np.zeros((2, 3, 4, 1, 2), np.int16), r'\(2, 3, 4, 1, 2\)'),
        (np.zeros((2, 3), np.int16), r'\(2, 3\)'),
    ],
    ids=['complex', 'rgb', '5d', '5d-of-one-volume', '2d'],
)
def test_what_is_no_series_of_numbers_is_refused(tmp_path, data, words):
    path = save(tmp_path / 'odd.nii', data)
    with pytest.raises(ImageError, match=rf'odd\.nii.*{words}'):
        open_series(path)


def test_other_compressions_are_refused_by_name(tmp_path):
    path = save(tmp_path / 'bold.nii.bz2', np.ones((2, 3, 4, 1), np.int16))
    with pytest.raises(ImageError, match=r'bold\.nii\.bz2.*gzip'):
        read_all(path)


def test_a_pair_without_its_voxels_is_refused_by_name(tmp_path):
    save(tmp_path / 'bold.img', noise('int16'), kind=nib.Nifti1Pair)
    (tmp_path / 'bold.img').unlink()
    with pytest.raises(ImageError, match=r'bold\.'):
        read_all(tmp_path / 'bold.hdr')


@pytest.mark.parametrize(
    ('stored', 'unit', 'seconds'),
    [
        (0.72, 'sec', 0.72),
        (2.0, 'sec', 2.0),
        (0.8, 'sec', 0.8),
        (720, 'msec', 0.72),
        (2500, 'msec', 2.5),
        (800_000, 'usec', 0.8),
        (720_000, 'usec', 0.72),
        (1.35, 'unknown', 1.35),
        (0.0, 'sec', None),
        (2.0, 'hz', None),
    ],
)
@pytest.mark.parametrize('kind', [nib.Nifti1Image, nib.Nifti2Image])
def test_the_repetition_time_of_a_header_is_in_seconds(tmp_path, kind, stored, unit, seconds):
    path = save(tmp_path / 'bold.nii', noise('int16'), kind=kind, t_r=stored, unit=unit)
    assert open_series(path).t_r == seconds


@pytest.mark.parametrize('stored', [np.nan, np.inf, -2.0])
def test_a_repetition_time_that_is_none_counts_as_missing(tmp_path, stored):
    path = save(tmp_path / 'bold.nii', noise('int16'), t_r=1.0)
    raw = bytearray(path.read_bytes())
    raw[92:96] = np.float32(stored).tobytes()
    path.write_bytes(raw)
    assert open_series(path).t_r in (None, abs(stored))


def test_a_volume_has_no_repetition_time(tmp_path):
    assert open_series(save(tmp_path / 'one.nii', noise('int16', SHAPE[:3]))).t_r is None


def test_mgh_counts_repetition_time_in_milliseconds(tmp_path):
    image = nib.MGHImage(noise('int16'), AFFINE)
    image.header.set_zooms((3, 3, 4, 720))
    image.to_filename(tmp_path / 'bold.mgz')
    assert open_series(tmp_path / 'bold.mgz').t_r == 0.72


@pytest.mark.parametrize(
    ('stored', 'slope', 'dtype', 'decoded'),
    [
        ('int16', None, 'none', 'int16'),
        ('int16', None, 'auto', 'int16'),
        ('int16', None, 'float32', 'float32'),
        ('int16', None, 'float64', 'float64'),
        ('int16', 0.5, 'none', 'float64'),
        ('int16', 0.5, 'auto', 'float32'),
        ('int16', 0.5, 'float32', 'float32'),
        ('uint8', None, 'auto', 'uint8'),
        ('float32', None, 'none', 'float32'),
        ('float32', None, 'auto', 'float32'),
        ('float64', None, 'none', 'float64'),
        ('float64', None, 'auto', 'float32'),
        ('float64', None, 'float64', 'float64'),
    ],
)
@pytest.mark.parametrize('order', ['<', '>'])
def test_values_are_cast_as_asked_after_scaling(tmp_path, stored, slope, dtype, decoded, order):
    """``auto`` is float32 for all but plain integers; scaled ones fail in the reference."""
    path = save(tmp_path / 'bold.nii', noise(stored), slope, order=order)
    got = open_series(path).decoder(dtype)(next(open_series(path).blocks())[1])
    assert got.dtype == np.dtype(decoded)
    assert got.dtype.isnative
    exact = nib.load(path).get_fdata().reshape(-1, SHAPE[3], order='F').T
    assert_array_equal(got, exact.astype(decoded))


@pytest.mark.parametrize(
    ('stored', 'slope', 'expected'),
    [('int16', None, 'float32'), ('int32', None, 'float64'), ('int16', 0.1, 'float64'), ('float32', None, 'float32')],
)
def test_the_float_type_holds_the_decoded_values(tmp_path, stored, slope, expected):
    assert open_series(save(tmp_path / 'bold.nii', noise(stored), slope)).float_type == np.dtype(expected)


@pytest.mark.parametrize(
    'affine',
    [AFFINE, np.diag([2.0, 2, 2, 1]), TURN @ AFFINE, TURN @ np.diag([2.0, 3, 4, 1])],
    ids=['las', 'ras', 'oblique-las', 'oblique'],
)
@pytest.mark.parametrize('dtype', ['float32', 'float64'])
def test_a_written_series_is_what_nibabel_reads(tmp_path, affine, dtype):
    data = noise(dtype)
    with SeriesWriter(tmp_path / 'out.nii.gz', SHAPE, affine, 0.72, np.dtype(dtype)) as writer:
        for volume in np.moveaxis(data, 3, 0):
            writer.write(volume)
    image = nib.load(tmp_path / 'out.nii.gz')
    assert image.shape == SHAPE
    assert image.get_data_dtype() == np.dtype(dtype)
    assert_array_equal(image.get_fdata(), data)
    assert_allclose(image.affine, affine, rtol=1e-6, atol=1e-5)
    for given, code in (image.get_sform(coded=True), image.get_qform(coded=True)):
        assert code == 1
        assert_allclose(given, affine, rtol=1e-5, atol=1e-4)
    assert image.header.get_xyzt_units() == ('mm', 'sec')
    assert image.header.get_zooms()[3] == np.float32(0.72)
    opened = open_series(tmp_path / 'out.nii.gz')
    assert opened.t_r == 0.72
    assert (opened.slope, opened.intercept) == (1, 0)
    assert_array_equal(read_all(tmp_path / 'out.nii.gz')[0], data)


def test_a_series_without_a_repetition_time_is_written_without_one(tmp_path):
    with SeriesWriter(tmp_path / 'out.nii.gz', (2, 3, 4, 1), AFFINE) as writer:
        writer.write(np.ones((2, 3, 4)))
    assert open_series(tmp_path / 'out.nii.gz').t_r is None
    assert nib.load(tmp_path / 'out.nii.gz').header.get_zooms()[3] == 0


def test_a_three_dimensional_shape_gives_a_volume(tmp_path):
    with SeriesWriter(tmp_path / 'out.nii.gz', (5, 6, 7), AFFINE) as writer:
        writer.write(noise('float32')[..., 0])
    image = nib.load(tmp_path / 'out.nii.gz')
    assert image.shape == (5, 6, 7)
    assert_array_equal(image.get_fdata(), noise('float32')[..., 0])


@pytest.mark.parametrize(('length', 'header'), [(32767, nib.Nifti1Header), (32768, nib.Nifti2Header)])
def test_an_axis_beyond_32767_makes_it_nifti_2(tmp_path, length, header):
    values = np.arange(length, dtype=np.float32)
    with SeriesWriter(tmp_path / 'out.nii.gz', (1, 1, 1, length), AFFINE, 0.5) as writer:
        for value in values:
            writer.write(value.reshape(1, 1, 1))
    image = nib.load(tmp_path / 'out.nii.gz')
    assert type(image.header) is header
    assert_array_equal(image.get_fdata().ravel(), values)
    assert open_series(tmp_path / 'out.nii.gz').t_r == 0.5


def test_the_same_volumes_give_the_same_bytes(tmp_path, monkeypatch):
    """Neither the file's name nor the time nor the memory layout is in them."""
    contents = []
    for name, order in (('one.nii.gz', 'C'), ('another.nii.gz', 'F')):
        with SeriesWriter(tmp_path / name, SHAPE, AFFINE, 2.0) as writer:
            for volume in np.moveaxis(noise('float32'), 3, 0):
                writer.write(np.array(volume, order=order))
        contents.append((tmp_path / name).read_bytes())
        now = time.time()
        monkeypatch.setattr(time, 'time', lambda now=now: now + 98765)
    assert contents[0] == contents[1]


PEAK = """
import resource, sys
from nipype_labels.files.series import open_series
opened = open_series(sys.argv[1])
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
n = sum(len(block) for _, block in opened.blocks(int(sys.argv[2])))
print(n, (peak() - before) / 1024)
"""


@pytest.mark.parametrize('name', ['big.nii', 'big.nii.gz'])
@pytest.mark.parametrize('num_threads', [1, 2])
def test_reading_holds_blocks_and_no_more(tmp_path, name, num_threads):
    """A series of 200 MB takes the memory of one or two blocks of 16 MB."""
    path = save(tmp_path / 'big.nii', np.zeros((64, 64, 40, 1), np.int16))
    volume, n_volumes = 64 * 64 * 40 * 2, 640
    with path.open('r+b') as stream:
        stream.seek(48)
        stream.write(np.int16(n_volumes).tobytes())
        stream.truncate(352 + volume * n_volumes)
    if name.endswith('gz'):
        with path.open('rb') as plain, gzip.open(tmp_path / name, 'wb', 1) as packed:
            shutil.copyfileobj(plain, packed, 2**20)
    run = subprocess.run(
        [sys.executable, '-c', PEAK, str(tmp_path / name), str(num_threads)], capture_output=True, text=True, check=True
    )
    n, megabytes = run.stdout.split()
    assert int(n) == n_volumes
    assert float(megabytes) < 16 * num_threads + 8
