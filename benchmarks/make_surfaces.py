# SPDX-License-Identifier: BSD-3-Clause
"""Series and parcellations of surfaces of true size, from noise."""

from dataclasses import dataclass

import nibabel as nib
import numpy as np
from nibabel.cifti2 import BrainModelAxis, Cifti2Image, LabelAxis, SeriesAxis
from scipy import spatial

#: Mean and standard deviation of the values.
LEVEL, NOISE = 1000, 10


@dataclass(frozen=True)
class SurfaceSize:
    """Regions, vertices of a mesh, of them those of both hemispheres, voxels, and volumes; of GIFTI the same."""

    n_regions: int
    n_mesh: int
    n_cortex: tuple
    n_voxels: int
    n_volumes: int
    n_gifti: int
    n_gifti_volumes: int


#: By name; the full size is that of fMRIPrep's 91k series and of fsaverage5.
SURFACE_SIZES = {
    'full': SurfaceSize(400, 32492, (29696, 29716), 31870, 1200, 10242, 652),
    'quick': SurfaceSize(40, 2562, (2340, 2350), 1200, 60, 2562, 60),
}


def write_cifti_series(path, size):
    """Write a dense series."""
    axis = _elements(size)
    values = _noise((size.n_volumes, len(axis)))
    Cifti2Image(values, (SeriesAxis(0, 0.72, size.n_volumes), axis)).to_filename(path)


def write_cifti_labels(path, size, which):
    """Write dense labels of vertices; voxels belong to no region."""
    axis, labels = _elements(size), np.zeros((1, 0), np.float32)
    for side, n in enumerate(size.n_cortex):
        labels = np.append(labels, _label_sphere(size.n_mesh, size.n_regions, side, which)[None, :n], axis=1)
    labels = np.append(labels, np.zeros((1, size.n_voxels)), axis=1).astype(np.float32)
    table = {key: (f'region {key}' if key else '???', (0, 0, 0, 1)) for key in range(size.n_regions + 1)}
    Cifti2Image(labels, (LabelAxis(['parcels'], [table]), axis)).to_filename(path)


def write_gifti_series(path, size, side):
    """Write the series of a hemisphere, an array for each volume."""
    values = _noise((size.n_gifti_volumes, size.n_gifti), side)
    meta = {'AnatomicalStructurePrimary': ('CortexLeft', 'CortexRight')[side], 'TimeStep': '2000'}
    arrays = [
        nib.gifti.GiftiDataArray(row, 'NIFTI_INTENT_TIME_SERIES', 'NIFTI_TYPE_FLOAT32', meta=meta) for row in values
    ]
    nib.gifti.GiftiImage(darrays=arrays).to_filename(path)


def write_gifti_labels(path, size, side):
    """Write the labels of a hemisphere."""
    labels, table = _label_sphere(size.n_gifti, size.n_regions, side, 0), nib.gifti.GiftiLabelTable()
    for key in range(size.n_regions + 1):
        label = nib.gifti.GiftiLabel(key)
        label.label = f'region {key}' if key else '???'
        table.labels.append(label)
    array = nib.gifti.GiftiDataArray(labels.astype(np.int32), 'NIFTI_INTENT_LABEL', 'NIFTI_TYPE_INT32')
    nib.gifti.GiftiImage(darrays=[array], labeltable=table).to_filename(path)


def _elements(size):
    """Axis of vertices and voxels."""
    axes = [
        BrainModelAxis.from_surface(np.arange(n), size.n_mesh, f'CORTEX_{side}')
        for n, side in zip(size.n_cortex, ('LEFT', 'RIGHT'), strict=True)
    ]
    mask = np.zeros((91, 109, 91), dtype=bool)
    mask.ravel()[250_000 : 250_000 + size.n_voxels] = True
    return axes[0] + axes[1] + BrainModelAxis.from_mask(mask, 'BRAIN_STEM', np.diag([2.0, 2, 2, 1]))


def _noise(shape, seed=0):
    values = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    values *= NOISE
    values += LEVEL
    return values


def _label_sphere(n, n_regions, side, which):
    """Labels of n vertices of a sphere in random order: the numbers of vertices of a mesh hardly follow places."""
    rng = np.random.default_rng([n, side, which])
    points, seeds = (rng.standard_normal((many, 3)) for many in (n, n_regions // 2))
    points, seeds = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (points, seeds))
    return spatial.KDTree(seeds).query(points)[1] + 1 + side * (n_regions // 2)
