# SPDX-License-Identifier: BSD-3-Clause
"""Sizes of runs from the headers of their files, and the memory and time that processing them takes."""

from dataclasses import replace

from ..files.atlases import is_maps
from ..files.elements import read_own_grids, read_space
from ..files.gzip_streams import is_gzipped
from ..files.headers import read_plain_header
from ..files.spaces import open_any_series
from ..files.weights import count_weights
from ..model.space import require_same_kind
from ..workflows.resources import Sizes, estimate
from .checks import check_orientations
from .progress import estimate_seconds

#: Number of headers whose sizes are remembered. Those of images in native space are of one participant each.
_REMEMBERED = 1000


class RunSizes:
    """Sizes of the runs of a Job, from the headers of their files.

    Runs of one protocol mostly have the same headers, whose sizes are computed once: opening an image takes longer than
    comparing its header with known ones.
    """

    def __init__(self, job):
        paths = [atlas.path for atlas in job.atlases]
        self._grids, self._n_weights = read_own_grids(paths), count_weights(filter(is_maps, paths))
        self._n_regions, self._parameters = job.n_regions, job.parameters
        self._known = {}

    def measure(self, run):
        """Return the Sizes of a run, whose headers must say left from right where images are resampled."""
        files = [run.bold, *([run.mask] if self._parameters['use_mask'] else [])]
        headers = () if run.is_of_surfaces else tuple(read_plain_header(file) for file in files)
        if not headers or None in headers:
            return self._measure(run)
        kind = (*headers, *map(is_gzipped, files))
        n_bytes = [file.stat().st_size for file in files]
        sizes, least = self._known.get(kind, (None, n_bytes))
        # A file with fewer bytes may have too few for the voxels that its header claims.
        if sizes is None or any(n < known for n, known in zip(n_bytes, least, strict=True)):
            sizes = self._measure(run)
            if len(self._known) == _REMEMBERED:
                self._known.clear()
            self._known[kind] = sizes, n_bytes
        return sizes

    def _measure(self, run):
        """Open the files of a run, and return its Sizes."""
        grids, series = self._grids, open_any_series(run.bold)
        mask = read_space(run.mask) if self._parameters['use_mask'] else None
        for grid in grids:
            require_same_kind(grid, series.grid)
        for grid in [*grids, *([] if mask is None else [mask])] if run.is_of_surfaces else ():
            grid.locate(series.grid)  # refuses another mesh
        check_orientations(series.grid, grids, mask, self._parameters)
        sizes = Sizes.of(series, grids, len(self._n_regions), self._n_weights)
        return replace(sizes, n_regions=max(self._n_regions))


def estimate_memory(sizes, parameters):
    """Return the memory in GB that the nodes of a run need one after the other."""
    target, fwhm = parameters.get('resampling_target', 'data'), parameters.get('smoothing_fwhm')
    nodes = estimate(sizes, 1, target == 'labels', bool(fwhm), parameters.get('project', 'none'))
    return max(nodes.values())


def estimate_time(run, job):
    """Return the duration of a run in s, estimated before any has ended; an unreadable series counts as empty."""
    try:
        n_bytes = run.bold.stat().st_size
    except OSError:
        n_bytes = 0
    return estimate_seconds(n_bytes, len(job.atlases), job.parameters)
