# SPDX-License-Identifier: BSD-3-Clause
"""Probabilistic maps and tables of seeds: what is damaged or invalid is refused by name, the rest has a status."""

import nibabel
import numpy as np
from coverage_frames import read_regions
from hostile_cases import AFFINE, SHAPE, ask, both, cases, save, text
from numpy.testing import assert_allclose

from nipype_labels.files.tables import read_signals

NAN = float('nan')


def seeds(content):
    """Ask for the spheres of a table."""
    return both(text('seeds.tsv', content), ask(atlas='seeds.tsv', lut=None))


def make_maps():
    """Return three maps that overlap, shape (I, J, K, 3)."""
    return np.random.default_rng(8).uniform(0, 1, (*SHAPE, 3))


def maps(change=lambda data: data, affine=AFFINE):
    """Ask for the time series of maps, after a change of their values."""

    def damage(given):
        save(given / 'maps.nii.gz', change(make_maps()), affine)
        ask(atlas='maps.nii.gz', lut=None)(given)

    return damage


@cases(
    ('no axis', seeds('x\ty\n0\t0\n'), 'seeds.tsv is not a table of seeds: no column z'),
    ('no seeds', seeds('x\ty\tz\n'), 'seeds.tsv has headings but no seeds'),
    ('nothing', seeds(''), 'seeds.tsv is empty'),
    ('a word', seeds('x\ty\tz\n0\t0\tzero\n'), "seeds.tsv: z of seed 1 is not a number: 'zero'", '--radius 4'),
    ('n/a', seeds('x\ty\tz\n0\tn/a\t0\n'), "seeds.tsv: y of seed 1 is not a number: 'n/a'", '--radius 4'),
    ('infinity', seeds('x\ty\tz\n0\t0\t0\ninf\t0\t0\n'), 'seeds.tsv: x of seed 2 is not a number', '--radius 4'),
    ('kilometers', seeds('x\ty\tz\n1e300\t0\t0\n'), 'seeds.tsv: seed 1 is more than 10000 mm from', '--radius 4'),
    ('two of one name', seeds('x,y,z,name\n0,0,0,A\n1,2,3,A\n'), 'seeds.tsv has duplicate | name A', '--radius 4'),
    ('two of one id', seeds('x,y,z,index\n0,0,0,7\n1,2,3,7\n'), 'seeds.tsv has duplicate | index 7', '--radius 4'),
    ('half an id', seeds('x,y,z,index\n0,0,0,7.5\n'), 'seeds.tsv: index must be whole numbers', '--radius 4'),
    ('a negative radius', seeds('x,y,z,radius\n0,0,0,-1\n'), 'seeds.tsv: radii must be from 0 to 100 mm'),
    ('a radius in micrometers', seeds('x,y,z\n0,0,0\n'), 'radii must be from 0 to 100 mm', '--radius 5000'),
    ('an infinite radius', seeds('x,y,z,radius\n0,0,0,inf\n'), "seeds.tsv: radius of seed 1 is not a number: 'inf'"),
    ('a radius in words', seeds('x,y,z,radius\n0,0,0,big\n'), "seeds.tsv: radius of seed 1 is not a number: 'big'"),
    ('on their grid', seeds('x,y,z,radius\n0,0,0,4\n'), 'seeds.tsv | no voxel grid', '--resampling-target labels'),
)
def test_an_invalid_table_of_seeds_is_refused(case, refuse):
    refuse(case)


NO_MAPS = 'no region of | maps.nii.gz | 3 absent_from_atlas'


@cases(
    ('maps of 0', maps(np.zeros_like), NO_MAPS, '--strategy least_squares'),
    ('maps of NaN', maps(lambda data: data * NAN), NO_MAPS, '--strategy least_squares'),
    (
        'means with negative weights',
        maps(lambda data: data - 0.5),
        'maps.nii.gz: --strategy weighted_mean needs maps without negative values',
        '--strategy weighted_mean',
    ),
    (
        'seeds outside every field of view',
        seeds('x\ty\tz\n500\t0\t0\n-400\t4\t4\n'),
        'no region of | seeds.tsv | is left on | seeds.tsv (4×4×6 voxels | 2 outside_field_of_view',
        '--radius 5',
    ),
)
def test_atlases_without_a_usable_region_are_refused(case, refuse):
    refuse(case)


def extract(given, call, *options):
    """Run the command; return the time series and coverage table of its only atlas, and the values of its series."""
    status, said = call(*given.arguments(), *options, '--nan-policy', 'omit')
    assert status == 0, said
    folder = given / 'out' / given.asked['--atlas'].split('.')[0]
    _, signals = read_signals(folder / 'timeseries_raw.tsv')
    return signals, read_regions(folder / 'regions.tsv'), nibabel.load(given / 'bold.nii.gz').get_fdata()


def test_values_of_maps_that_are_not_finite_are_0(given, call):
    def damage(data):
        data[1, 1, 1, 0], data[2, 2, 2, 1], data[3, 3, 3, 2] = NAN, np.inf, -np.inf
        return data

    maps(damage)(given)
    signals, regions, values = extract(given, call, '--strategy', 'weighted_mean')
    inside = nibabel.load(given / 'mask.nii.gz').get_fdata() > 0
    weights = np.nan_to_num(damage(make_maps()), posinf=0, neginf=0)[inside]
    assert_allclose(signals, (values[inside].T @ weights) / weights.sum(axis=0), rtol=1e-12)
    assert regions['n_voxels_atlas'].tolist() == [np.prod(SHAPE) - 1] * 3


def test_maps_partly_outside_the_view_are_fitted_by_the_rest(given, call):
    moved = AFFINE @ np.array([[1, 0, 0, 2], [0, 1, 0, 0], [0, 0, 1, -1], [0, 0, 0, 1]])
    maps(affine=moved)(given)
    signals, regions, values = extract(given, call, '--strategy', 'least_squares')
    inside = nibabel.load(given / 'mask.nii.gz').get_fdata() > 0
    on_grid = np.zeros((*SHAPE, 3))
    on_grid[2:, :, :-1] = make_maps()[:2, :, 1:]
    weights = on_grid[inside]
    expected, *_ = np.linalg.lstsq(weights, values[inside], rcond=None)
    assert_allclose(signals, expected.T, rtol=1e-9)
    used = weights[weights.any(axis=1)].sum(axis=0)
    assert_allclose(regions['coverage'], used / make_maps().sum(axis=(0, 1, 2)), rtol=1e-8)
    assert regions['status'].tolist() == ['ok'] * 3
