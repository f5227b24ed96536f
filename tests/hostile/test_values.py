# SPDX-License-Identifier: BSD-3-Clause
"""Series without a valid affine or valid values are refused; values that are not finite are excluded."""

import numpy as np
from coverage_frames import read_regions
from hostile_cases import Case, ask, both, cases, fields, image, put
from numpy.testing import assert_allclose

from nipype_labels.files.tables import read_signals

BOLD = 'bold.nii.gz'
AFFINE = f'the affine of {BOLD} is not valid'
NAN, INF = float('nan'), float('inf')
RGB = [('R', 'u1'), ('G', 'u1'), ('B', 'u1')]

#: A header whose affine is that of its quaternion, or of its voxel sizes only.
BY_QFORM, BY_ZOOMS = dict(sform_code=0, qform_code=1), dict(sform_code=0, qform_code=0)


def fill(value, kind='f8'):
    return image(BOLD, lambda data: np.full(data.shape, value, kind))


@cases(
    ('a NaN in the affine', fields(BOLD, srow={0: NAN}), f'{AFFINE} | nan'),
    ('an infinite origin', fields(BOLD, srow={3: INF}), f'{AFFINE} | inf'),
    ('an origin at the end of the world', fields(BOLD, srow={3: 1e30}), f'{AFFINE} | e+30'),
    ('an affine of zeros', fields(BOLD, srow=(0.0,) * 12), AFFINE),
    ('an affine with a row twice', fields(BOLD, srow={4: -3.0, 5: 0.0}), AFFINE),
    ('an axis of next to no length', fields(BOLD, srow={0: 1e-30}), f'{AFFINE} | e-30'),
    ('voxels of next to no size', fields(BOLD, srow={0: 1e-30, 5: 1e-30, 10: 1e-30}), AFFINE),
    ('voxels as large as worlds', fields(BOLD, srow={0: 1e30, 5: 1e30, 10: 1e30}), AFFINE),
    ('smoothed voxels of no size', fields(BOLD, srow={0: 1e-30, 5: 1e-30, 10: 1e-30}), AFFINE, '--smoothing-fwhm 5'),
    ('an affine code that does not exist', fields(BOLD, sform_code=77, qform_code=1), f'{BOLD} | sform_code 77'),
    ('a quaternion code that does not exist', fields(BOLD, sform_code=0, qform_code=-9), f'{BOLD} | qform_code -9'),
    ('zooms of 0 with a quaternion', fields(BOLD, pixdim={1: 0.0, 2: 0.0, 3: 0.0}, **BY_QFORM), f'{BOLD} | 0×0×0 mm'),
    ('a zoom of 0 alone', fields(BOLD, pixdim={2: 0.0}, **BY_ZOOMS), f'{BOLD} | 3×0×4 mm'),
    ('zooms of NaN with a quaternion', fields(BOLD, pixdim={1: NAN}, **BY_QFORM), AFFINE),
    ('zooms of NaN alone', fields(BOLD, pixdim={1: NAN}, **BY_ZOOMS), AFFINE),
    ('infinite zooms', fields(BOLD, pixdim={3: INF}, **BY_ZOOMS), AFFINE),
    ('zooms of next to nothing', fields(BOLD, pixdim={1: 1e-30, 2: 1e-30, 3: 1e-30}, **BY_QFORM), AFFINE),
    ('a quaternion of NaN', fields(BOLD, quatern=(NAN, 0.0, 0.0), **BY_QFORM), AFFINE),
    ('a quaternion beyond 1', fields(BOLD, quatern=(5.0, 0.0, 0.0), **BY_QFORM), f'{BOLD} is not an image'),
)
def test_a_series_without_a_valid_affine_is_refused(case, refuse):
    refuse(case)


@cases(
    ('complex numbers', image(BOLD, lambda data: data.astype('c8')), f'{BOLD} holds complex64'),
    ('colours', image(BOLD, lambda data: np.zeros(data.shape, RGB)), f"{BOLD} holds [('R', 'u1')"),
    (
        'five axes',
        image(BOLD, lambda data: np.stack([data, data], axis=4)),
        'not a 3D or 4D series | 40, 2)',
    ),
    (
        'a direction per voxel',
        image(BOLD, lambda data: data[..., None, :3]),
        'not a 3D or 4D series | 1, 3)',
    ),
    ('two axes', image(BOLD, lambda data: data[:, :, 0, 0]), f'{BOLD} is not a volume image: its shape is (4, 4)'),
    ('a type that does not exist', fields(BOLD, datatype=9999), f'{BOLD} | data code 9999'),
    ('a type of no name', fields(BOLD, datatype=0, bitpix=0), f'{BOLD} | data code 0'),
    ('bits', fields(BOLD, datatype=1, bitpix=1), f'{BOLD} | data code 1'),
    ('an infinite intercept', fields(BOLD, scl_slope=1.0, scl_inter=INF), f'{BOLD} | intercept inf'),
    ('nothing but NaN', fill(NAN, 'f4'), f'{BOLD} | no region has a signal: not_finite: Putamen, Amygdala, Insula'),
    ('nothing but infinities', fill(-INF, 'f4'), f'{BOLD} | not_finite: Putamen, Amygdala, Insula'),
    ('numbers too large to be added', fill(1e308), f'{BOLD} | not_finite: Putamen, Amygdala, Insula'),
    ('numbers too large to be squared', fill(1e200), f'{BOLD} | not_finite', '--strategy variance --project labels'),
    ('numbers too large to be cast', fill(1e200), f'{BOLD} | not_finite', '--dtype float32 --smoothing-fwhm 5'),
    ('a scale too large for any number', fields(BOLD, scl_slope=3e38, scl_inter=0.0), f'{BOLD} | not_finite'),
    ('numbers too large to vary', fill(1e200), f'{BOLD}: no voxel is finite', '--high-variance-confounds'),
    (
        'a NaN where none may be',
        image(BOLD, put((3, 3, 0, 5), NAN, 'f4')),
        f'{BOLD}: volume 5: values that are not finite in 1 of | labelled voxels (--nan-policy raise)',
        '--nan-policy raise',
    ),
    (
        'a huge number where none may be',
        image(BOLD, put((3, 3, 0, 5), 1e300, 'f8')),
        f'{BOLD}: volume 5: values that are not finite in 1 of | labelled voxels (--nan-policy raise)',
        '--nan-policy raise',
    ),
    ('a series of one voxel elsewhere', image(BOLD, lambda data: data[:1, :1, :1]), f'{BOLD} | 1×1×1 | mask.nii.gz'),
)
def test_a_series_of_invalid_values_is_refused(case, refuse):
    refuse(case)


@cases(
    ('zooms of 0 with an affine', fields(BOLD, pixdim={1: 0.0, 2: 0.0, 3: 0.0})),
    ('negative zooms with an affine', fields(BOLD, pixdim={1: -3.0, 2: -3.0, 3: -4.0})),
    ('negative zooms with a quaternion', fields(BOLD, pixdim={1: -3.0, 2: -3.0, 3: -4.0}, **BY_QFORM)),
    ('zooms of NaN with an affine', fields(BOLD, pixdim={1: NAN, 2: INF})),
)
def test_voxel_sizes_that_are_not_used_change_nothing(case, unchanged):
    unchanged(case)


def spoil(data):
    """Voxels of the region Amygdala that are infinite, too large, and NaN, one after the other."""
    data = data.astype(np.float64)
    data[1, 2, 1, ::2], data[1, 2, 1, 1::2] = INF, -INF
    data[1, 3, 2], data[1, 2, 2, 3] = 1e300, NAN
    return data


@cases(
    ('on the grid of the series', image(BOLD, spoil), ''),
    ('by weights', image(BOLD, spoil), '', '--strategy sum'),
    ('by order', image(BOLD, spoil), '', '--strategy median'),
    ('smoothed', image(BOLD, spoil), '', '--smoothing-fwhm 4'),
    ('squared', image(BOLD, spoil), '', '--strategy variance'),
    ('with confounds of the voxels', image(BOLD, spoil), '', '--high-variance-confounds'),
    ('shown in space', image(BOLD, spoil), '', '--project atlas --connectivity correlation'),
    ('counted as 0', image(BOLD, spoil), '', '--nan-policy zero'),
)
def test_values_that_are_not_finite_are_excluded(case, accept):
    given = accept(case)
    names, signals = read_signals(given / 'out' / 'atlas' / 'timeseries.tsv')
    assert np.isfinite(signals).all()
    assert names == ['Putamen', 'Amygdala', 'Insula']
    if 'strategy' not in case.options and 'smoothing' not in case.options:
        regions = read_regions(given / 'out' / 'atlas' / 'regions.tsv').set_index('name')
        spoilt = regions['n_voxels_mask'] - regions['n_voxels_used']
        assert spoilt.to_dict() == {'Putamen': 0, 'Amygdala': 2, 'Insula': 0}


def test_a_series_that_never_varies_has_no_z_scores(accept):
    given = accept(Case('constant', fill(7, 'i2'), options='--standardize zscore'))
    assert np.isnan(read_signals(given / 'out' / 'atlas' / 'timeseries.tsv')[1]).all()
    regions = read_regions(given / 'out' / 'atlas' / 'regions.tsv')
    assert regions['status'].tolist() == ['constant'] * 3


def test_a_series_of_one_voxel_gives_its_region(accept):
    nowhere = both(image(BOLD, lambda data: data[1:2, 1:2, 1:2], affine=np.diag([3.0, 3, 4, 1])), ask(mask=None))
    given = accept(Case('one voxel', both(nowhere, image('atlas.nii.gz', affine=np.diag([3.0, 3, 4, 1])))))
    regions = read_regions(given / 'out' / 'atlas' / 'regions.tsv').set_index('name')
    assert regions['n_voxels_used'].to_dict() == {'Putamen': 0, 'Amygdala': 1, 'Insula': 0}
    assert_allclose(regions['coverage'].to_list()[1], 1 / 24)
