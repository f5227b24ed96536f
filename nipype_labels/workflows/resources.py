# SPDX-License-Identifier: BSD-3-Clause
"""What each node needs, from the headers of its files: the published formulas behind ``mem_gb`` and ``n_procs``."""

import importlib.util
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..core.highvariance import CHUNK, PERCENTILE
from ..core.reduce import GATHERED_BYTES
from ..core.resample import MOST_WEIGHTS
from ..core.row_statistics import MEDIAN_BYTES
from ..files.series import BLOCK_BYTES
from ..model.affines import parallel_axes, voxel_map
from ..model.grayordinates import Grayordinates
from ..model.weighted import VOXELS_PER_STEP

MIB = 2**20

#: Bytes of a process that ran a node on tiny files: mostly imported libraries, and for reports the list of fonts that
#: matplotlib makes when it is used first.
PROCESS = {
    'resample': 125 * MIB,
    'mask': 115 * MIB,
    'high_variance': 130 * MIB,
    'reduce': 110 * MIB,
    'clean': 140 * MIB,
    'project': 120 * MIB,
    'parcels': 120 * MIB,
    'connectivity': 120 * MIB,
    'report': 165 * MIB,
}

#: Bytes of the XML of CIFTI files while it is read, for each vertex and voxel.
XML = 450

#: Bytes of the XML of a file of parcels for each vertex and voxel, and of what it is made from.
PARCEL_TEXT, PARCEL = 7, 60

#: What pyarrow adds to that, which pandas loads wherever it is installed; it depends on how the system maps libraries.
ARROW = 80 * MIB if importlib.util.find_spec('pyarrow') else 0

#: Bytes of a number in a table; of a region in tables and sidecars that have a row or a key for each, and in a report;
#: of the other sidecars and the report of an atlas without regions; and of what Nipype notes of the nodes of a run.
DIGITS, REGION, DRAWN, SIDECARS, PAGE, WORK = 18, 400, 500, 30_000, 80_000, 200_000


@dataclass(frozen=True)
class Sizes:
    """Sizes of the inputs of a workflow; by default an hour of whole-brain fMRI and two atlases of 1 mm."""

    shape: tuple = (99, 117, 95, 5000)  # I, J, K, T of the series
    itemsize: int = 4  # bytes of a voxel of the series as stored
    atlas_voxels: int = 193 * 229 * 193  # of the largest atlas, on its own grid
    oblique: bool = True  # whether the voxel axes of an atlas are not parallel to those of the series
    n_regions: int = 1000  # of the atlas with most regions
    n_atlases: int = 2
    on_surfaces: bool = False
    n_weights: int = 0  # of the voxels of all maps, on the grid of the atlases

    @classmethod
    def of(cls, series, atlases, n_atlases=None, n_weights=0):
        """Return the sizes of a series and of atlases, given by their spaces; of ``n_atlases``, if some have no grid.

        ``n_weights`` is the number of weights of probabilistic maps, as ``files.weights.count_weights`` estimates it.
        """
        if isinstance(series.grid, Grayordinates):
            largest = max((atlas.size for atlas in atlases), default=series.grid.size)
            shape = (series.grid.size, 1, 1, series.n_volumes)
            kind = dict(oblique=False, n_atlases=n_atlases or len(atlases), on_surfaces=True)
            return cls(shape, series.float_type.itemsize, largest, **kind)
        return cls(
            shape=(*series.grid.shape, series.n_volumes),
            itemsize=series.stored.itemsize,
            atlas_voxels=max((math.prod(atlas.shape) for atlas in atlases), default=series.n_voxels),
            # The map between two grids takes scipy.linalg, which takes longer to import than a short run needs.
            oblique=any(
                not atlas.matches(series.grid)
                and parallel_axes(voxel_map(atlas.affine, series.grid.affine), atlas.shape) is None
                for atlas in atlases
            ),
            n_atlases=len(atlases) if n_atlases is None else n_atlases,
            n_weights=n_weights,
        )

    @property
    def n_voxels(self):
        """Voxels of a volume of the series."""
        return math.prod(self.shape[:3])

    @property
    def block_bytes(self):
        """Size of the blocks that the series is read in."""
        volume = self.n_voxels * self.itemsize
        return volume * max(1, min(self.shape[3], BLOCK_BYTES // volume))


def estimate(
    sizes: Sizes = Sizes(),
    num_threads: int = 1,
    sampled: bool = False,
    smoothed: bool = False,
    projected: str = 'labels',
) -> dict[str, float]:
    """Return the peak memory of each node in GB (2³⁰ bytes) in a process of its own, by name of node.

    ``sampled``: the series is sampled on the grid of the labels. ``projected``: 'labels' or 'atlas', the grid of the
    projection.
    """
    voxels, n_volumes = sizes.n_voxels, sizes.shape[3]
    on_grid = sizes.atlas_voxels if sampled else voxels
    signals = 8 * n_volumes * sizes.n_regions * sizes.n_atlases
    buffers = min(num_threads, 2) * sizes.block_bytes
    # A block's voxels as stored and as float64, of a part of its volumes if they are too many.
    per_voxel = sizes.itemsize + 8
    gathered = min(sizes.block_bytes // sizes.itemsize, max(voxels, GATHERED_BYTES // 8)) * per_voxel
    # Sums, weights and places of each atlas, and the mean volume; without weights of neighbors, less memory.
    per_element = 24 if sampled else 17 if smoothed else 10
    grids = sizes.n_atlases + (smoothed or not sampled)
    reduce = buffers + gathered + per_element * (on_grid * grids + voxels) + 3 * signals
    if sampled:
        # Volumes that are smoothed are sampled everywhere, others where labels are.
        reduce += (40 if smoothed else 14) * on_grid + num_threads * 48 * voxels
        reduce += sizes.oblique * sizes.n_atlases * 12 * min(64 * on_grid, MOST_WEIGHTS)
    if smoothed:
        reduce += 20 * on_grid + num_threads * 40 * on_grid
    # Voxels of maps as 4 bytes, their weights as 4 or 8; both again for products, and where those in a mask are chosen.
    weights = 24 * sizes.n_weights * on_grid / sizes.atlas_voxels
    resampled = 46 * sizes.n_weights + 700 * VOXELS_PER_STEP * (sizes.n_weights > 0)
    # High-variance voxels, twice while their blocks are joined; their products and the decomposition of these.
    strongest = math.ceil(voxels * PERCENTILE / 100)
    courses = 2 * strongest * n_volumes * sizes.itemsize + 24 * min(strongest, CHUNK) * n_volumes
    if sizes.on_surfaces:
        reduce += MEDIAN_BYTES // 2
    shown = sizes.atlas_voxels if sampled or projected == 'atlas' else voxels
    bytes_of = {
        'resample': 20 * max(voxels, sizes.atlas_voxels) + resampled,
        'mask': (24 + 4 * sizes.n_atlases) * on_grid + weights,
        'high_variance': buffers + 58 * voxels + courses + 40 * n_volumes**2,
        'reduce': reduce + weights,
        # Unit vectors that count the degrees of freedom under a filter go through the same steps.
        'clean': 5 * signals + 56 * n_volumes**2,
        'project': (28 + 4 * sizes.n_atlases) * shown + weights * 2 / 3 + 4 * signals,
        'parcels': sizes.on_surfaces * PARCEL * voxels + 4 * signals,
        'connectivity': 48 * sizes.n_regions**2 + 3 * signals / sizes.n_atlases,
        'report': (26 + 4 * sizes.n_atlases) * on_grid + 5 * signals,
    }
    xml = sizes.on_surfaces * XML * max(voxels, sizes.atlas_voxels)
    return {name: round((PROCESS[name] + ARROW + xml + n) / 2**30, 3) for name, n in bytes_of.items()}


def estimate_disk(
    sizes: Sizes,
    n_regions: Sequence[int],
    parameters: dict[str, Any],
    reports: bool = True,
    digits: int | None = None,
) -> tuple[int, int]:
    """Return the bytes of the derivatives of a run, and of the files of its nodes, which can be deleted afterwards.

    ``n_regions`` is a list with an entry for each atlas; ``parameters`` are those of the extraction. Derivatives have
    ``digits`` significant digits, files of nodes have all.
    """
    n_volumes = sizes.shape[3]
    on_grid = sizes.atlas_voxels if parameters.get('resampling_target') == 'labels' else sizes.n_voxels
    shown = sizes.atlas_voxels if parameters.get('project') == 'atlas' else on_grid
    # Labels compress well; half of a mean volume or of a projection is outside the brain.
    total, numbers = 2 * sizes.n_voxels + SIDECARS, 0
    for n in n_regions:
        numbers += 2 * n * n_volumes + n**2 * (parameters.get('connectivity', 'none') != 'none')
        total += REGION * n + on_grid // 20
        total += 2 * shown * n_volumes * (parameters.get('project', 'none') != 'none')
        total += (3 * PARCEL_TEXT * on_grid + 8 * n * n_volumes) * parameters.get('cifti_outputs', False)
        # A page and images of the same: outlines of regions on slices, which are of a size that does not grow for ever.
        total += reports * (PAGE + DRAWN * n + min(on_grid, 2 * 10**6) // 5)
    # Besides its digits, a number has a separator, a point, and often a zero before it or a sign.
    rounded = DIGITS if digits is None else min(digits + 3, DIGITS)
    return total + rounded * numbers, total + DIGITS * numbers + WORK
