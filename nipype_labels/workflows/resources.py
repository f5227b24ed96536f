# SPDX-License-Identifier: BSD-3-Clause
"""What each node needs, from the header of the series: the published formulas behind ``mem_gb`` and ``n_procs``."""

from dataclasses import dataclass

#: A Python process with everything imported, in bytes.
PROCESS = 190 * 2**20

#: Voxels of an atlas that are reckoned with where it is read on its own grid: a head at 1 mm.
ATLAS_VOXELS = 9_000_000

#: Regions per atlas that are reckoned with; more cost 8 bytes per volume each, three times over.
REGIONS = 1000


@dataclass(frozen=True)
class SeriesSize:
    """Size of a series.

    Attributes
    ----------
    shape : tuple of 4 ints
        I, J, K, T.
    itemsize : int
        Bytes of a stored voxel.
    block_bytes : int
        Size of the blocks that it is read in.
    """

    shape: tuple
    itemsize: int
    block_bytes: int

    @classmethod
    def of(cls, series):
        """Size of an opened :class:`~nipype_labels.files.series.Series`."""
        shape = (*series.grid.shape, series.n_volumes)
        return cls(shape, series.stored.itemsize, series.volumes_per_block * series.volume_bytes)

    @property
    def n_voxels(self):
        """Voxels of a volume."""
        return self.shape[0] * self.shape[1] * self.shape[2]


#: What is reckoned with if nothing is known of the series: an hour of whole-brain fMRI, 2 mm, 0.72 s.
LARGE = SeriesSize((99, 117, 95, 5000), 4, 8 * 2**20)


def estimate(size=LARGE, n_atlases=1, num_threads=1, sampled=False, smoothed=False):
    """Peak memory of each node in GB (2³⁰ bytes).

    Parameters
    ----------
    size : SeriesSize
    n_atlases : int
    num_threads : int
        Threads of a node that reads the series.
    sampled : bool
        The series is sampled on the labels' grid.
    smoothed : bool
        The series is smoothed.

    Returns
    -------
    dict of str to float
        By name of node.
    """
    voxels, n_volumes = size.n_voxels, size.shape[3]
    buffers = min(num_threads, 2) * size.block_bytes
    signals = 8 * n_volumes * REGIONS * n_atlases
    # A label image is read as float64, kept as int32, and its voxels are sorted as int64 with their columns.
    labels = (max(voxels, ATLAS_VOXELS) if sampled else voxels) * (8 + 4 + 8 + 8)
    # The values gathered from a block as float64 at worst, and a second array of them while they are reduced.
    gathered = 2 * size.block_bytes * 8 // size.itemsize
    reduce = buffers + gathered + n_atlases * labels + 24 * voxels + 3 * signals
    reduce += sampled * 100 * voxels + smoothed * 40 * voxels
    high_variance = buffers + gathered + 40 * voxels + voxels // 50 * n_volumes * size.itemsize + 32 * n_volumes**2
    bytes_of = {
        'resample': 20 * ATLAS_VOXELS + 40 * voxels,
        'mask': 24 * ATLAS_VOXELS + 16 * voxels,
        'high_variance': high_variance,
        'reduce': reduce,
        'clean': 12 * signals,
        'project': 4 * signals + 24 * voxels,
        'report': 100 * 2**20 + 8 * signals + 4 * labels,
    }
    return {name: round((PROCESS + n) / 2**30, 3) for name, n in bytes_of.items()}
