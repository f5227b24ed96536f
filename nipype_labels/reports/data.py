# SPDX-License-Identifier: BSD-3-Clause
"""Data of a report: arrays and metadata of one series and its atlases."""

import os
import time
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..model.columns import STATUSES, WITH_SIGNAL
from ..model.grayordinates import Grayordinates
from ..model.networks import Place, find_place
from ..model.software import read_versions

#: Regions with a time series and a lower coverage are reported.
LITTLE_COVERAGE = 0.5

#: Explanation of each problem of a region.
PROBLEMS = {reason: meaning for reason, meaning in STATUSES.items() if reason != 'ok'} | {
    'lost_in_denoising': 'Has a time series before denoising, and none after it',
    'little_coverage': f'Has a time series, but less than {100 * LITTLE_COVERAGE:.0f} % of the region is used',
}


@dataclass(frozen=True)
class SeriesData:
    """What a report shows of a series, the same for all atlases; the mask may be on any grid.

    Of surfaces there is no ``mean`` and no ``affine``; the mask has the vertices and voxels of ``mask_space``, shape
    (n,), and ``meshes`` the points (V, 3) and triangles (n, 3) of the hemispheres ``L`` and ``R``, if they are known.

    Shapes: ``mean`` (I, J, K); ``kept`` (T,), True for retained volumes. ``cleaning`` is the metadata that CleanSignal
    writes. ``traces`` are columns of confounds tables that show the quality of each volume, shape (T,), by name, NaN
    where a value is missing; ``confounds`` are those that were regressed out, None without a table.
    """

    mean: np.ndarray | None
    affine: np.ndarray | None
    kept: np.ndarray
    cleaning: dict
    mask: np.ndarray | None = None
    mask_affine: np.ndarray | None = None
    traces: dict = field(default_factory=dict)
    confounds: dict | None = None
    connectivity_kind: str = ''
    meshes: dict = field(default_factory=dict)
    mask_space: Grayordinates | None = None

    @property
    def parameters(self):
        """Parameters of denoising."""
        return self.cleaning.get('Parameters', {})

    @property
    def t_r(self):
        """Repetition time in s; None if denoising did not know it."""
        return self.parameters.get('t_r')

    @property
    def n_runs(self):
        """Number of runs, each denoised separately."""
        return self.parameters.get('n_runs') or 1

    @property
    def band(self):
        """Lowest and highest frequency in Hz that the filter passed; None where it did not act."""
        return self.parameters.get('high_pass'), self.parameters.get('low_pass')

    def threshold(self, name):
        """Return the value of a trace above which volumes were censored; None without scrubbing."""
        return self.cleaning.get('ScrubbingThresholds', {}).get(name)


@dataclass(frozen=True)
class Origin:
    """From what, when and how a report was made: ``files`` are lists of paths, and ``versions`` texts, by name."""

    files: dict = field(default_factory=dict)
    versions: dict = field(default_factory=dict)
    date: str = ''
    command: str = ''

    @classmethod
    def now(cls, files, command=''):
        """Return the origin of a report that is made now; SOURCE_DATE_EPOCH, if it is set, is its date, in UTC."""
        epoch = os.environ.get('SOURCE_DATE_EPOCH')
        moment = time.localtime() if epoch is None else time.gmtime(int(epoch))
        return cls(files, read_versions(), time.strftime('%Y-%m-%d %H:%M', moment), command)


@dataclass(frozen=True)
class AtlasData:
    """What a report shows of an atlas and its time series; ``regions`` are L rows of the coverage table.

    Shapes: ``raw`` and ``cleaned`` (T, L), NaN for regions without a time series and, after denoising, for censored
    volumes; ``connectivity`` (L, L), NaN where a value is missing. ``labels`` may be on any grid; of surfaces they are
    those of the elements of ``space``, shape (n,), without ``affine``. ``known_places`` are networks and hemispheres of
    the look-up table, by region id.
    """

    name: str
    labels: np.ndarray
    affine: np.ndarray | None
    regions: list
    raw: np.ndarray
    cleaned: np.ndarray
    connectivity: np.ndarray | None = None
    known_places: dict = field(default_factory=dict)
    space: Grayordinates | None = None

    @cached_property
    def ids(self):
        """Region ids, shape (L,)."""
        return np.array([region['index'] for region in self.regions], dtype=np.int64)

    @cached_property
    def names(self):
        """Region names."""
        return [region['name'] for region in self.regions]

    @cached_property
    def places(self):
        """Network and hemisphere of each region: those of the look-up table, else those that its name says."""
        places = []
        for i, name in zip(self.ids.tolist(), self.names, strict=True):
            named, listed = find_place(name), self.known_places.get(i, Place('', ''))
            places.append(Place(listed.network or named.network, listed.hemisphere or named.hemisphere))
        return places

    @cached_property
    def lost(self):
        """Whether each region has no usable time series."""
        usable = np.isfinite(self.cleaned).any(axis=0)
        return ~usable | ~np.isin([region['status'] for region in self.regions], WITH_SIGNAL)

    @property
    def summary(self):
        """Number of regions with and without a time series, in words."""
        n_lost = int(self.lost.sum())
        words = f'{len(self.regions) - n_lost} of {len(self.regions)} regions have a time series'
        return f'{words}, {n_lost} {"has" if n_lost == 1 else "have"} none' if n_lost else words


def find_problems(regions, lost):
    """Return the regions of each problem, rows of the coverage table; ``lost`` is True without a usable time series."""
    status = np.array([region['status'] for region in regions])
    covered = np.array([region['coverage'] for region in regions], dtype=np.float64)
    groups = {reason: status == reason for reason in PROBLEMS}
    groups |= {'lost_in_denoising': (status == 'ok') & lost, 'little_coverage': ~lost & (covered < LITTLE_COVERAGE)}
    return {reason: [regions[i] for i in np.flatnonzero(flags)] for reason, flags in groups.items() if flags.any()}


def describe_elements(space):
    """Return what the regions of an atlas consist of; ``space`` is that of surfaces, or None.

    >>> describe_elements(None)
    'Voxels'
    """
    if space is None:
        return 'Voxels'
    return 'Vertices' if space.grid is None else 'Vertices and voxels'
