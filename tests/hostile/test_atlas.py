# SPDX-License-Identifier: BSD-3-Clause
"""Label images and masks: damaged and invalid ones are refused by name, unusual ones change nothing."""

import gzip

import nibabel as nib
import numpy as np
import pytest
from coverage_frames import read_regions
from hostile_cases import (
    Case,
    ask,
    both,
    cases,
    fields,
    flip,
    folder,
    image,
    nothing,
    packed,
    put,
    remove,
    rename,
    save,
    text,
)

from nipype_labels.interfaces import Resample

ATLAS, MASK, LUT = 'atlas.nii.gz', 'mask.nii.gz', 'lut.tsv'
NO_ATLAS, NO_MASK = (f'{name} is not an image that nibabel can open' for name in (ATLAS, MASK))
HUGE = {1: 10_000, 2: 10_000, 3: 20_000}
RGB = [('R', 'u1'), ('G', 'u1'), ('B', 'u1')]
NAN, INF = float('nan'), float('inf')
ELSEWHERE = np.array([[-3.0, 0, 0, 506], [0, 3, 0, -6], [0, 0, 4, -12], [0, 0, 0, 1]])


def as_mgz(given):
    save(given / 'atlas.mgz', np.asanyarray(nib.load(given / ATLAS).dataobj).astype(np.int32), kind=nib.MGHImage)
    ask(atlas='atlas.mgz')(given)


def one_voxel(data):
    """Return data with 0 in all voxels except one, which is in the region Amygdala."""
    kept = np.zeros_like(data)
    kept[1, 1, 1] = data[1, 1, 1]
    return kept


@cases(
    ('missing', remove(ATLAS), f'no such image file: {ATLAS}'),
    ('a folder', folder(ATLAS), f'no such image file: {ATLAS}'),
    ('empty', text(ATLAS, b''), NO_ATLAS),
    ('a text', text(ATLAS, 'index\tname\n'), NO_ATLAS),
    ('the look-up table', ask(atlas=LUT), f'{LUT} is not a table of seeds | x, y, z'),
    (
        'the series',
        ask(atlas='bold.nii.gz'),
        'bold.nii.gz is an atlas of probabilistic maps | --strategy mean is for labels | swapped',
    ),
    ('cut in the middle', packed(ATLAS, lambda content: content[: len(content) // 2]), NO_ATLAS),
    ('a bit in the middle', packed(ATLAS, flip(0.8)), NO_ATLAS),
    ('packed under the name of plain', rename(ATLAS, 'atlas.nii', 'atlas'), 'atlas.nii is not an image'),
    ('plain under the name of packed', packed(ATLAS, gzip.decompress), NO_ATLAS),
    (
        'two volumes',
        image(ATLAS, lambda data: np.stack([data, data], -1)),
        f'{ATLAS} is an atlas of probabilistic maps (a 4D image): --strategy mean is for labels',
    ),
    ('two axes', image(ATLAS, lambda data: data[..., 0]), f'{ATLAS} is not a volume image: its shape is (4, 4)'),
    ('complex numbers', image(ATLAS, lambda data: data.astype('c8')), f'{ATLAS} holds complex64'),
    ('colours', image(ATLAS, lambda data: np.zeros(data.shape, RGB)), f"{ATLAS} holds [('R'"),
    ('an affine of NaN', fields(ATLAS, srow={0: NAN}), f'the affine of {ATLAS} | nan'),
    ('an affine of zeros', fields(ATLAS, srow=(0.0,) * 12), f'the affine of {ATLAS} is not valid'),
    (
        'voxels of no size on whose grid to work',
        fields(ATLAS, srow={0: 1e-30, 5: 1e-30, 10: 1e-30}),
        f'the affine of {ATLAS} is not valid',
        '--resampling-target labels --smoothing-fwhm 6',
    ),
    ('zooms of 0 alone', fields(ATLAS, sform_code=0, pixdim={1: 0.0, 2: 0.0, 3: 0.0}), f'{ATLAS} | 0×0×0 mm'),
)
def test_an_invalid_label_image_is_refused(case, refuse):
    refuse(case)


@pytest.mark.parametrize('target', ['data', 'labels', 'none'])
@pytest.mark.parametrize('name', [ATLAS, MASK])
def test_terabytes_announced_by_a_header_are_not_allocated(name, target, refuse_cheaply):
    options = f'--resampling-target {target}'
    refuse_cheaply(Case('huge', fields(name, dim=HUGE), f'{name} has | 000000 bytes of voxels', options))


def test_a_reference_whose_header_contradicts_its_size_is_refused(given):
    fields(ATLAS, dim=HUGE)(given)
    with pytest.raises(Exception, match=rf'{ATLAS} has \d+ bytes, too few for the 4000000000000 bytes'):
        Resample(in_files=str(given / MASK), reference_files=str(given / ATLAS)).run(cwd=str(given.folder))


@cases(
    ('a fraction', image(ATLAS, put((0, 0, 0), 1.5, 'f4')), f'{ATLAS} holds values that are not region ids: 1.5'),
    ('a scale', fields(ATLAS, scl_slope=0.5, scl_inter=0.0), f'{ATLAS} holds values that are not region ids: 0.5, 3.5'),
    ('beyond 31 bits', image(ATLAS, put((0, 0, 0), 2**31, 'i8')), f'{ATLAS} holds ids beyond 32 bits | 2147483648'),
    ('below -31 bits', image(ATLAS, put((0, 0, 0), -(2**31) - 1, 'i8')), f'{ATLAS} holds ids beyond | -2147483649'),
    (
        'beyond 63 bits',
        image(ATLAS, put((0, 0, 0), 2**63, 'u8')),
        f'{ATLAS} holds ids beyond 32 bits | 9.223372037e+18',
    ),
    ('beyond counting', image(ATLAS, put((0, 0, 0), 1e300, 'f8')), f'{ATLAS} holds ids beyond 32 bits: 0 to 1e+300'),
    ('a scale beyond counting', fields(ATLAS, scl_slope=3e38), f'{ATLAS} holds ids beyond 32 bits: 0 to 2.1'),
    ('nothing but background', image(ATLAS, lambda data: data * 0), f'{ATLAS} | only its background, 0'),
    ('nothing but NaN', image(ATLAS, lambda data: data * np.float32(NAN)), f'{ATLAS} | only its background, 0'),
    (
        'nothing but another background',
        image(ATLAS, lambda data: data * 0 + 1),
        f'{ATLAS} | only its background, 1',
        '--background-label 1',
    ),
    (
        'no id of the table',
        text(LUT, 'index\tname\n70\tA\n80\tB\n'),
        f'{LUT} has names for the ids 70, 80 | {ATLAS} | 1, 2, 7',
    ),
    (
        'no id of the table but 0',
        text(LUT, 'index\tname\n0\tOutside\n'),
        f'{LUT} has names for the ids 0 | {ATLAS} | 1, 2, 7',
    ),
    ('regions where nothing was measured', image(ATLAS, affine=ELSEWHERE), f'{ATLAS} | 3 outside_field_of_view'),
    (
        'regions where nothing was measured, on their own grid',
        both(image(ATLAS, affine=ELSEWHERE), ask(mask=None)),
        'bold.nii.gz | no region has a signal: outside_field_of_view: Putamen, Amygdala, Insula',
        '--resampling-target labels',
    ),
    (
        'another grid where one is demanded',
        image(ATLAS, affine=np.diag([2.0, 2, 2, 1])),
        f'grids differ: {ATLAS} (4×4×6 voxels of 2×2×2 mm | bold.nii.gz (4×4×6 voxels of 3×3×4 mm',
        '--resampling-target none',
    ),
    (
        'another shape where one is demanded',
        image(ATLAS, lambda data: data[:3]),
        f'grids differ: {ATLAS} (3×4×6 voxels | bold.nii.gz (4×4×6 voxels',
        '--resampling-target none',
    ),
    ('a background beyond 31 bits', nothing, '--background-label | 1099511627776', '--background-label 1099511627776'),
    ('a background beyond counting', nothing, '--background-label', f'--background-label {10**30}'),
)
def test_labels_that_name_no_regions_are_refused(case, refuse):
    refuse(case)


@cases(
    ('missing', remove(MASK), f'no such image file: {MASK}'),
    ('empty', text(MASK, b''), NO_MASK),
    ('a text', text(MASK, gzip.compress(b'brain')), NO_MASK),
    ('cut in the middle', packed(MASK, lambda content: content[: len(content) // 2]), NO_MASK),
    ('four axes', image(MASK, lambda data: np.stack([data, data], -1)), f'{MASK} must hold one volume | 2)'),
    ('nothing inside', image(MASK, lambda data: data * 0), f'{MASK} is an empty mask'),
    ('nothing but NaN', image(MASK, lambda data: data * np.float32(NAN)), f'{MASK} is an empty mask'),
    ('nothing but infinity', image(MASK, lambda data: np.where(data, INF, 0)), f'{MASK} is an empty mask'),
    ('three values', image(MASK, put((2, 2, 2), 2)), f'{MASK} is not a mask: it holds 2 values other than 0 (1, 2'),
    ('a value beyond counting', image(MASK, put((2, 2, 2), 1e300, 'f8')), f'{MASK} is not a mask | (1, 1e+300'),
    (
        'probabilities',
        image(MASK, lambda data: np.linspace(0, 1, data.size).reshape(data.shape)),
        f'{MASK} is not a mask: it holds 95 values other than 0 (0.0105263',
    ),
    ('an affine of NaN', fields(MASK, srow={5: NAN}), f'the affine of {MASK} | nan'),
    (
        'no voxel in the series',
        image(MASK, affine=ELSEWHERE),
        f'no voxel of bold.nii.gz | is in the mask {MASK} (4×4×6',
    ),
    (
        'no voxel in the atlas',
        image(MASK, affine=ELSEWHERE),
        f'no voxel of {ATLAS} (4×4×6 | is in the mask {MASK} (4×4×6',
        '--resampling-target labels',
    ),
    ('no voxel in a region', image(MASK, lambda data: put((0, 0, 5), 1)(data * 0)), f'{ATLAS} | 3 outside_mask'),
    (
        'another grid where one is demanded',
        image(MASK, affine=np.diag([2.0, 2, 2, 1])),
        f'grids differ: {MASK} (4×4×6 voxels of 2×2×2 mm | bold.nii.gz (4×4×6 voxels of 3×3×4 mm',
        '--resampling-target none',
    ),
    (
        'another shape where one is demanded',
        image(MASK, lambda data: data[:3]),
        f'grids differ: {MASK} (3×4×6 | bold.nii.gz (4×4×6',
        '--resampling-target none',
    ),
)
def test_an_invalid_mask_is_refused(case, refuse):
    refuse(case)


@cases(
    ('labels of a volume of a series', image(ATLAS, lambda data: data[..., None])),
    ('labels nearly whole', image(ATLAS, lambda data: data + np.float32(4e-4))),
    ('labels of MGH', as_mgz),
    ('labels big-endian', image(ATLAS, order='>')),
    ('labels scaled by NaN, which is no scale', fields(ATLAS, scl_slope=NAN)),
    ('a mask of 255', image(MASK, lambda data: data * 255)),
    ('a mask of -1', image(MASK, lambda data: -data.astype(np.int16))),
    ('a mask scaled out of reach', fields(MASK, scl_slope=3e38, scl_inter=0.0)),
    ('a mask with NaN outside', image(MASK, lambda data: np.where(data, 1.0, NAN))),
)
def test_unusual_but_valid_labels_and_masks_change_no_byte(case, accept, earlier):
    given = accept(case)
    (folder,) = (path.parent for path in (given / 'out').glob('*/timeseries.tsv') if path.parent.name != 'work')
    for name in ('timeseries.tsv', 'regions.tsv'):
        assert (folder / name).read_bytes() == (earlier / 'out' / 'atlas' / name).read_bytes()


@cases(
    ('labels', image(ATLAS, one_voxel), ['absent_from_atlas', 'ok', 'absent_from_atlas']),
    ('a mask', image(MASK, one_voxel), ['outside_mask', 'ok', 'outside_mask']),
)
def test_one_voxel_is_enough(case, accept):
    statuses, case = case.words, Case(case.name, case.damage)
    regions = read_regions(accept(case) / 'out' / 'atlas' / 'regions.tsv')
    assert regions['status'].tolist() == statuses
    assert regions['n_voxels_used'].tolist() == [0, 1, 0]


@pytest.mark.parametrize('value', [-3, 2**31 - 1, -(2**31)])
def test_ids_without_a_name_are_reported_and_change_no_column(value, given, call, earlier):
    image(ATLAS, put((0, 0, 0), value, 'i8'))(given)
    status, said = call(*given.arguments())
    assert status == 0
    assert f'WARNING: {given / LUT}: no name for the region ids {value} of the image: they get no column' in said
    written = (given / 'out' / 'atlas' / 'timeseries.tsv').read_bytes()
    assert written == (earlier / 'out' / 'atlas' / 'timeseries.tsv').read_bytes()


@cases(
    ('no width', nothing, '--smoothing-fwhm | nan', '--smoothing-fwhm nan'),
    ('an endless width', nothing, '--smoothing-fwhm | inf', '--smoothing-fwhm inf'),
    ('a width beyond all images', nothing, '--smoothing-fwhm | 1e+30 | 3×3×4 mm', '--smoothing-fwhm 1e30'),
    ('a width of gigabytes', nothing, '--smoothing-fwhm | too wide for voxels of 3×3×4 mm', '--smoothing-fwhm 1e9'),
    ('four widths', nothing, '--smoothing-fwhm | [1.0, 2.0, 3.0, 4.0]', '--smoothing-fwhm 1 2 3 4'),
    ('a coverage of NaN', nothing, '--min-coverage | nan', '--min-coverage nan'),
    ('a coverage beyond 1', nothing, '--min-coverage | 1.1', '--min-coverage 1.1'),
    (
        'a fill beyond single precision',
        image(MASK, one_voxel),
        'float32 | 1e+300',
        '--project atlas --fill-value 1e300',
    ),
)
def test_parameters_that_are_invalid_or_would_fill_memory_are_refused(case, refuse_cheaply):
    refuse_cheaply(case)
