# SPDX-License-Identifier: BSD-3-Clause
"""Oracles for the core: nilearn without warnings, and plain loops."""

import itertools

import numpy as np
import pytest
from nibabel import Nifti1Image
from nilearn.maskers import NiftiLabelsMasker
from strategy_cases import STATISTICS

from nipype_labels.core.reduce import reduce_series
from nipype_labels.core.scaling import Decoder


@pytest.fixture(scope='session')
def nilearn_signals(quietly):
    """Time series of nilearn by region id."""

    def extract(data, affine, labels, labels_affine, mask=None, mask_affine=None, **settings):
        mask_img = None if mask is None else Nifti1Image(mask.astype(np.uint8), mask_affine)
        labels_img = Nifti1Image(labels, labels_affine)
        masker = NiftiLabelsMasker(labels_img, mask_img=mask_img, standardize=None, reports=False, **settings)
        # A copy, for nilearn writes into what it is given (X5).
        signals = quietly(masker.fit_transform, Nifti1Image(data.copy(), affine))
        columns = {i: region for i, region in masker.region_ids_.items() if i != 'background'}
        assert np.shape(signals)[-1] == len(columns)
        return {region: np.atleast_2d(signals)[:, i] for i, region in columns.items()}

    return extract


@pytest.fixture(scope='session')
def blocks_of():
    """A reader of blocks over an array of shape (I, J, K, T) that counts its passes in ``passes``."""

    def reader(data, per_block=None):
        flat = data.reshape(-1, data.shape[3], order='F').T
        step = per_block or len(flat)

        def read_blocks():
            read_blocks.passes += 1
            for first in range(0, len(flat), step):
                yield first, flat[first : first + step]

        read_blocks.passes = 0
        return read_blocks

    return reader


@pytest.fixture(scope='session')
def signals_of(blocks_of):
    """Signals of one reducer over an array of shape (I, J, K, T)."""

    def reduce(data, reducer, decoder=Decoder(), per_block=None):
        return reduce_series(blocks_of(data, per_block), data.shape[3], [reducer], decoder)[0][0].signals

    return reduce


@pytest.fixture(scope='session')
def reduce_by_loop():
    """Time series by a loop over volumes and regions, from finite voxels only."""

    def reduce(data, labels, ids, strategy='mean'):
        signals = np.full((data.shape[3], len(ids)), np.nan)
        for (volume, row), (column, region) in itertools.product(
            enumerate(np.moveaxis(data, 3, 0)), list(enumerate(ids))
        ):
            values = row[labels == region].astype(np.float64)
            values = values[np.isfinite(values)]
            if len(values):
                signals[volume, column] = STATISTICS[strategy](values)
        return signals

    return reduce


@pytest.fixture(scope='session')
def smooth_by_loop():
    """Smooth a volume by a weighted mean for each voxel, from finite voxels only, with mirrored borders."""

    def line(n, sigma):
        if not sigma:
            return np.eye(n)
        reach = int(4 * sigma + 0.5)
        weights = np.zeros((n, n))
        for i, step in itertools.product(range(n), range(-reach, reach + 1)):
            j = (i + step) % (2 * n)
            weights[i, j if j < n else 2 * n - 1 - j] += np.exp(-0.5 * (step / sigma) ** 2)
        return weights / weights.sum(axis=1, keepdims=True)

    def smooth(volume, sigmas):
        lines = [line(n, sigma) for n, sigma in zip(volume.shape, sigmas, strict=True)]
        finite = np.isfinite(volume)
        out = np.full(volume.shape, np.nan)
        for i, j, k in zip(*np.nonzero(finite), strict=True):
            weights = np.einsum('i,j,k->ijk', lines[0][i], lines[1][j], lines[2][k])[finite]
            out[i, j, k] = (weights * volume[finite]).sum() / weights.sum()
        return out

    return smooth
