# SPDX-License-Identifier: BSD-3-Clause
"""Damaged series are refused, wherever the damage is."""

import gzip
import re
import struct
import time
import zlib

import nibabel as nib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from series_cases import SHAPE, noise, read_all, save, use_blocks_of

from nipype_labels.files.series import open_series
from nipype_labels.model.errors import ImageError, LabelsError


@pytest.fixture
def flat_gzip():
    """A gzipped series of noise, as nibabel reads it."""

    def make(path, shape=SHAPE, seed=0):
        return save(path, noise('int16', shape, seed)).read_bytes()

    return make


def volumes_named(error):
    """Volumes that an error names as the end of a file."""
    first, last = re.search(
        r'it ends in (?:one of )?volumes? (\d+)(?: to (\d+))? and should have 11', str(error)
    ).groups()
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


@pytest.mark.parametrize('change', ['rewritten', 'grown', 'replaced'])
@pytest.mark.parametrize('name', ['bold.nii', 'bold.nii.gz'])
@pytest.mark.parametrize('num_threads', [1, 2])
def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch, change, name, num_threads):
    path = save(tmp_path / name, noise('int16'))
    use_blocks_of(monkeypatch, 2, path)
    content = path.read_bytes()

    def read_and_change():
        for first, _ in open_series(path).blocks(num_threads):
            if first != 2:
                continue
            # Within the resolution of time stamps, a file of the same size looks unchanged.
            time.sleep(0.02)
            if change == 'replaced':
                (tmp_path / 'new').write_bytes(content)
                (tmp_path / 'new').replace(path)
            else:
                with path.open('ab' if change == 'grown' else 'r+b') as stream:
                    stream.write(b'\0' if change == 'grown' else content)

    with pytest.raises(ImageError, match=rf'{name} changed while it was read'):
        read_and_change()
