# SPDX-License-Identifier: BSD-3-Clause
"""Series, atlases and tables of true size, made once and the same everywhere.

Run it as ``python -m benchmarks.make_data [--quick] [FOLDER]``.
"""

import argparse
import gzip
import itertools
from dataclasses import dataclass

import nibabel as nib
import numpy as np
from scipy import ndimage, spatial

from nipype_labels.files.atomic import write_atomically

from .inputs import CACHE, N_FINE, N_SHORT, Inputs
from .make_surfaces import (
    SURFACE_SIZES,
    write_cifti_labels,
    write_cifti_series,
    write_gifti_labels,
    write_gifti_series,
)

#: Low corner of the field of view, in mm, and the shape at 1 mm.
CORNER, SHAPE = (-99.0, -135.0, -73.0), (198, 234, 190)

#: Half axes of brain and head in mm, and their common centre; the brain has the volume of the MNI brain mask.
BRAIN, HEAD, CENTRE = (70, 88, 66), (77, 96, 74), (0.0, -18.0, 12.0)

#: nibabel's own, so that the files are as those that pipelines write.
COMPRESSION = 1

#: Of a brain voxel: its mean, and the standard deviations of its noise and of each network's fluctuations.
MEAN, NOISE, FLUCTUATION, N_NETWORKS = 1000, 10, 10, 12

#: How far a soft edge of brain and head blurs, in voxels.
BLUR = 2

#: Different volumes of a series at another voxel size.
N_DIFFERENT = 4

#: Of the table of signals.
N_VOLUMES, N_SIGNALS, N_CONFOUNDS = 1200, 1000, 36


@dataclass(frozen=True)
class Size:
    """How large everything is.

    Attributes
    ----------
    coarser : int
        What voxel sizes are multiplied by.
    n_volumes, n_long : int
        Volumes of the series, and of the long one.
    table : tuple of 3 ints
        Volumes, signals and confounds.
    """

    coarser: int
    n_volumes: int
    n_long: int
    table: tuple

    def grid(self, voxel):
        """Shape and affine of the field of view at a voxel size in mm."""
        voxel *= self.coarser
        affine = np.diag([voxel, voxel, voxel, 1.0])
        affine[:3, 3] = np.array(CORNER) + voxel / 2
        return tuple(int(-(-n // voxel)) for n in SHAPE), affine


#: By name.
SIZES = {'full': Size(1, 240, 1200, (1200, 1000, 36)), 'quick': Size(3, 24, 120, (120, 100, 12))}


class Maker(Inputs):
    """Paths of the data; asking for one makes the file if it isn't there."""

    def __init__(self, size, cache=CACHE):
        super().__init__(size, cache)
        self.sizes = SIZES[size]
        self.folder.mkdir(parents=True, exist_ok=True)

    def series(self, dtype='int16', length=None, voxel=2, edge='hard'):
        """See :class:`Inputs`; the volumes have smooth structure, and compress like a preprocessed series."""
        final = super().series(dtype, length, voxel, edge)

        def write(path):
            n_volumes = {None: self.sizes.n_volumes, 'long': self.sizes.n_long}.get(length, length)
            if length is not None and voxel == 2:
                volumes = _repeated(self.series(dtype), n_volumes)
            else:
                n_different = n_volumes if length is None else N_DIFFERENT
                made = _volumes(self.sizes.grid(voxel), n_different, BLUR * (edge == 'soft'))
                different = (volume.astype(dtype).tobytes(order='F') for volume in made)
                volumes = different if length is None else itertools.islice(itertools.cycle(different), n_volumes)
            _write_series(path, self.sizes.grid(voxel), n_volumes, dtype, volumes)

        return self._make(final, write)

    def atlas(self, n_labels, voxel=2, which=0, oblique=False):
        """See :class:`Inputs`; a region is made of the brain voxels nearest to one of ``n_labels`` random points."""

        def write(path):
            labels, affine = _voronoi(self.sizes, n_labels, voxel, which, oblique)
            nib.save(nib.Nifti1Image(labels.astype('int16' if n_labels < 2**15 else 'int32'), affine), path)

        return self._make(super().atlas(n_labels, voxel, which, oblique), write)

    def maps(self, n_maps, dense=False):
        """See :class:`Inputs`; Gaussians around random points, or smooth random fields within the brain."""

        def write(path):
            grid = self.sizes.grid(2)
            volumes = (_fields if dense else _gaussians)(grid, n_maps)
            _write_series(path, grid, n_maps, 'float32', (each.astype('float32').tobytes('F') for each in volumes))

        return self._make(super().maps(n_maps, dense), write)

    def seeds(self, n_seeds):
        """See :class:`Inputs`."""

        def write(path):
            points = _random_points(self.sizes.grid(2), n_seeds)
            np.savetxt(path, points, fmt='%.1f', delimiter='\t', header='x\ty\tz', comments='')

        return self._make(super().seeds(n_seeds), write)

    def surface_series(self, kind):
        """See :class:`Inputs`."""
        size, final = SURFACE_SIZES[self.size], super().surface_series(kind)
        if kind == 'cifti':
            return self._make(final, lambda path: write_cifti_series(path, size))
        return self._make_pair(final, write_gifti_series)

    def parcellation(self, kind, which=0):
        """See :class:`Inputs`."""
        size, final = SURFACE_SIZES[self.size], super().parcellation(kind, which)
        if kind == 'cifti':
            return self._make(final, lambda path: write_cifti_labels(path, size, which))
        return self._make_pair(final, write_gifti_labels)

    def mask(self):
        """See :class:`Inputs`."""

        def write(path):
            shape, affine = self.sizes.grid(2)
            nib.save(nib.Nifti1Image(_within(BRAIN, _places(shape, affine)).astype('uint8'), affine), path)

        return self._make(super().mask(), write)

    def table(self, name):
        """See :class:`Inputs`; random walks in noise."""

        def write(path):
            n_volumes, *widths = self.sizes.table
            width = widths[('signals', 'confounds').index(name)]
            rng = np.random.default_rng(width)
            walks = rng.standard_normal((n_volumes, width)).cumsum(axis=0)
            values = MEAN + walks + NOISE * rng.standard_normal((n_volumes, width))
            heading = '\t'.join(f'{name}_{i}' for i in range(width))
            np.savetxt(path, values, fmt='%.17g', delimiter='\t', header=heading, comments='')

        return self._make(super().table(name), write)

    def region_signals(self, n_labels):
        """See :class:`Inputs`."""

        def write(path):
            values = np.random.default_rng(n_labels).standard_normal((self.sizes.n_volumes, n_labels), np.float32)
            np.save(path, values)

        return self._make(super().region_signals(n_labels), write)

    def all(self):
        """Make all that the table of measurements needs."""
        for dtype in ('int16', 'float32'):
            self.series(dtype)
        self.series(length='long')
        self.series(edge='soft')
        for voxel, length in ((4, N_SHORT), (0.8, N_FINE)):
            self.series(length=length, voxel=voxel)
            self.atlas(400, voxel)
        for n_labels in (400, 1000, 35_000):
            self.atlas(n_labels)
        for which in range(1, 10):
            self.atlas(400, which=which)
        for voxel, oblique in ((3, False), (1, False), (3, True)):
            self.atlas(400, voxel, oblique=oblique)
        for n_maps, dense in ((64, False), (64, True), (1024, False)):
            self.maps(n_maps, dense)
        self.seeds(264)
        for kind, n in (('cifti', 10), ('gifti', 1)):
            self.surface_series(kind)
            for which in range(n):
                self.parcellation(kind, which)
        self.mask()
        self.region_signals(400)
        for name in ('signals', 'confounds'):
            self.table(name)

    def _make_pair(self, left, write):
        """Let ``write`` make the files of both hemispheres; return that of the left one."""
        right = left.with_name(left.name.replace('hemi-L', 'hemi-R'))
        for side, final in enumerate((left, right)):
            self._make(final, lambda path, side=side: write(path, SURFACE_SIZES[self.size], side))
        return left

    def _make(self, final, write):
        """Let ``write`` make a file, atomically."""
        if not final.exists():
            print(f'making {final}', flush=True)
            with write_atomically(final) as partial:
                write(partial)
        return final


def _places(shape, affine):
    """Coordinates in mm of all voxels, shape (3, I, J, K)."""
    indices = np.indices(shape, dtype=np.float32)
    return np.tensordot(affine[:3, :3].astype(np.float32), indices, 1) + affine[:3, 3].reshape(3, 1, 1, 1)


def _within(half_axes, places):
    """Which places lie within an ellipsoid."""
    offsets = (places - np.reshape(CENTRE, (3, 1, 1, 1))) / np.reshape(half_axes, (3, 1, 1, 1))
    return np.square(offsets).sum(axis=0) < 1


def _field(rng, shape, sigma):
    """A smooth random volume of unit variance."""
    field = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigma)
    return field / field.std()


def _volumes(grid, n_volumes, blur):
    """Volumes of float32 that look like a preprocessed series, and compress like one.

    Brain with tissue contrast, a dimmer scalp and nothing around, whose edges may be blurred; networks that fluctuate
    slowly, and noise that is a little smooth, as interpolation leaves it.
    """
    rng = np.random.default_rng(0)
    shape, affine = grid
    places = _places(shape, affine)
    brain, head = (ndimage.gaussian_filter(_within(axes, places).astype(float), blur) for axes in (BRAIN, HEAD))
    tissue, scalp = 1 + 0.15 * np.tanh(_field(rng, shape, 1.5)), 0.3 + 0.05 * _field(rng, shape, 1.5)
    level = (MEAN * head * (brain * tissue + (1 - brain) * scalp)).astype(np.float32)
    networks = [FLUCTUATION * brain * _field(rng, shape, 5) for _ in range(N_NETWORKS)]
    scale = (NOISE * (0.3 * head + 0.7 * brain)).astype(np.float32)
    courses = np.zeros(N_NETWORKS)
    for _ in range(n_volumes):
        courses = 0.9 * courses + 0.3 * rng.standard_normal(N_NETWORKS)
        volume = level + scale * _field(rng, shape, 0.6)
        for course, network in zip(courses, networks, strict=True):
            volume += np.float32(course) * network
        yield volume


def _random_points(grid, n):
    """Random voxel centres of the brain, shape (n, 3)."""
    places = _places(*grid)
    return np.random.default_rng(n).choice(places[:, _within(BRAIN, places)].T, n, replace=False)


def _gaussians(grid, n_maps):
    """Volumes of Gaussians around random points of the brain, of which about ten overlap at each voxel."""
    places = _places(*grid)
    brain = _within(BRAIN, places)
    distance = (brain.sum() * abs(np.linalg.det(grid[1][:3, :3])) / n_maps) ** (1 / 3)
    for point in _random_points(grid, n_maps):
        squares = np.square((places - point.reshape(3, 1, 1, 1)) / distance).sum(axis=0)
        yield np.where(brain & (squares < 1.5**2), np.exp(-2 * squares), 0)


def _fields(grid, n_maps):
    """Volumes of smooth random values in the brain, like maps of independent components."""
    rng, brain = np.random.default_rng(n_maps), _within(BRAIN, _places(*grid))
    for _ in range(n_maps):
        yield np.where(brain, _field(rng, grid[0], 5), 0)


def _write_series(path, grid, n_volumes, dtype, volumes):
    """Write the bytes of volumes as NIfTI, without time or name in the gzip header."""
    shape, affine = grid
    header = nib.Nifti1Header()
    header.set_data_shape((*shape, n_volumes))
    header.set_data_dtype(dtype)
    header.set_qform(affine, 4)
    header.set_sform(affine, 4)
    header.set_xyzt_units('mm', 'sec')
    header.set_zooms((*header.get_zooms()[:3], 2.0))
    header.set_slope_inter(1, 0)
    header['vox_offset'] = header.single_vox_offset
    with path.open('wb') as file, gzip.GzipFile('', 'wb', COMPRESSION, file, mtime=0) as stream:
        stream.write(header.binaryblock + bytes(4))
        for volume in volumes:
            stream.write(volume)


def _repeated(path, n_volumes):
    """Bytes of ``n_volumes`` volumes of a series, which is read again from its start as often as needed."""
    image = nib.load(path)
    n_bytes = int(np.prod(image.shape[:3])) * image.get_data_dtype().itemsize
    for first in range(0, n_volumes, image.shape[3]):
        with gzip.open(path) as stream:
            stream.read(image.dataobj.offset)
            for _ in range(min(n_volumes - first, image.shape[3])):
                yield stream.read(n_bytes)


def _voronoi(size, n_labels, voxel, which, oblique):
    """Labels and affine of an atlas. Atlases of one number and ``which`` have the same points on all grids."""
    reference = _places(*size.grid(2))
    candidates = reference[:, _within(BRAIN, reference)].T
    rng = np.random.default_rng([n_labels, which])
    points = rng.choice(candidates, min(n_labels, len(candidates) // 6), replace=False)
    shape, affine = size.grid(voxel)
    if oblique:
        turn = spatial.transform.Rotation.from_euler('xyz', [12, 7, -9], degrees=True).as_matrix()
        affine[:3] = np.column_stack([turn @ affine[:3, :3], turn @ (affine[:3, 3] - CENTRE) + CENTRE])
    places = _places(shape, affine)
    brain = _within(BRAIN, places)
    labels = np.zeros(shape, dtype=np.int32)
    labels[brain] = spatial.KDTree(points).query(places[:, brain].T, workers=-1)[1] + 1
    return labels, affine


if __name__ == '__main__':
    parser = argparse.ArgumentParser('benchmarks.make_data', description='Make the data of the benchmarks.')
    parser.add_argument('folder', nargs='?', default=CACHE, help='where to keep them; benchmarks/data by default')
    parser.add_argument('--quick', action='store_true', help='tiny ones')
    arguments = parser.parse_args()
    Maker('quick' if arguments.quick else 'full', arguments.folder).all()
