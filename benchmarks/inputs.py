# SPDX-License-Identifier: BSD-3-Clause
"""Where the data of the benchmarks are; :mod:`benchmarks.make_data` puts them there."""

from pathlib import Path

#: Raised whenever the data change; it is part of the folder's name.
RECIPE = 1

#: Volumes of the short series, at 4 mm, and of the fine one, at 0.8 mm.
N_SHORT, N_FINE = 168, 100

#: Where data are kept by default.
CACHE = Path(__file__).parent / 'data'


class Inputs:
    """Paths of the data.

    Parameters
    ----------
    size : {'full', 'quick'}
        True size, or one that shows in seconds that everything runs.
    cache : path
    """

    def __init__(self, size, cache=CACHE):
        self.size, self.cache = size, Path(cache).absolute()
        self.folder = self.cache / f'{size}-{RECIPE}'

    def series(self, dtype='int16', length=None, voxel=2, edge='hard'):
        """Series at a voxel size in mm; ``'long'`` or of some number of volumes, it has the same ones over and over.

        At a ``'soft'`` edge of the brain, splines do not exceed the range of the series.
        """
        which = ('' if voxel == 2 else f'-{voxel}mm') + ('' if length is None else f'-{length}')
        which += '' if edge == 'hard' else f'-{edge}'
        return self.folder / f'bold-{dtype}{which}.nii.gz'

    def atlas(self, n_labels, voxel=2, which=0, oblique=False):
        """Atlas of ``n_labels`` regions at a voxel size in mm; ``which`` numbers atlases of one kind."""
        return self.folder / f'atlas-{n_labels}-{voxel}mm-{which}{"-oblique" * oblique}.nii.gz'

    def maps(self, n_maps, dense=False):
        """Probabilistic maps at 2 mm, 4D: each with few voxels, or ``dense``, all with every voxel of the brain."""
        return self.folder / f'maps-{n_maps}{"-dense" * dense}.nii.gz'

    def seeds(self, n_seeds):
        """TSV of seeds in the brain."""
        return self.folder / f'seeds-{n_seeds}.tsv'

    def regions(self, **kind):
        """Maps, seeds or an atlas: arguments of one of these methods."""
        find = self.maps if 'n_maps' in kind else self.seeds if 'n_seeds' in kind else self.atlas
        return find(**kind)

    def surface_series(self, kind):
        """Series of surfaces: ``'cifti'``, or ``'gifti'``, of which this is the left hemisphere."""
        return self.folder / {'cifti': 'bold.dtseries.nii', 'gifti': 'bold_hemi-L.func.gii'}[kind]

    def parcellation(self, kind, which=0):
        """Parcellation of these series; ``which`` is the number among those of one kind."""
        return self.folder / {'cifti': f'parcels-{which}.dlabel.nii', 'gifti': 'parcels_hemi-L.label.gii'}[kind]

    def mask(self):
        """Mask of the brain at 2 mm."""
        return self.folder / 'mask.nii.gz'

    def table(self, name):
        """TSV of ``'signals'`` or ``'confounds'``."""
        return self.folder / f'{name}.tsv'

    def region_signals(self, n_labels):
        """NumPy file of signals for the regions of an atlas, float32."""
        return self.folder / f'signals-{n_labels}.npy'
