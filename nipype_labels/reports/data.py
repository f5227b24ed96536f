# SPDX-License-Identifier: BSD-3-Clause
"""Data of a report: arrays and metadata of one series and its atlases."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class SeriesData:
    """What a report shows of a series, the same for all atlases.

    Attributes
    ----------
    mean : array, shape (I, J, K)
    affine : array, shape (4, 4)
    kept : array of bool, shape (T,)
        Retained volumes.
    cleaning : dict
        Metadata of denoising, as CleanSignal writes them.
    mask : array of bool, shape (I', J', K'), optional
        Of the brain, on any grid.
    mask_affine : array, shape (4, 4), optional
    displacement : array, shape (T,), optional
        Framewise displacement in mm; NaN where there is none.
    connectivity_kind : str
        What connectivity matrices hold, as in ``'partial correlation'``.
    """

    mean: np.ndarray
    affine: np.ndarray
    kept: np.ndarray
    cleaning: dict
    mask: np.ndarray | None = None
    mask_affine: np.ndarray | None = None
    displacement: np.ndarray | None = None
    connectivity_kind: str = ''

    @property
    def t_r(self):
        """Repetition time in s; None if denoising did not know it."""
        return self.cleaning.get('Parameters', {}).get('t_r')

    @property
    def n_runs(self):
        """Number of runs, each denoised separately."""
        return self.cleaning.get('Parameters', {}).get('n_runs') or 1

    @property
    def band(self):
        """Lowest and highest frequency in Hz that the filter passed; None where it did not act."""
        parameters = self.cleaning.get('Parameters', {})
        return parameters.get('high_pass'), parameters.get('low_pass')

    @property
    def fd_threshold(self):
        """Framewise displacement in mm above which volumes were censored; None without scrubbing."""
        return self.cleaning.get('ScrubbingThresholds', {}).get('framewise_displacement')


@dataclass(frozen=True)
class AtlasData:
    """What a report shows of an atlas and its time series.

    Attributes
    ----------
    name : str
    labels : array of int, shape (I', J', K')
        On any grid.
    affine : array, shape (4, 4)
        Of ``labels``.
    regions : list of L dicts
        Rows of the coverage table.
    raw, cleaned : array, shape (T, L)
        Time series; NaN for regions without a signal and, in ``cleaned``, for censored volumes.
    connectivity : array, shape (L, L), optional
        NaN where a value is missing.
    """

    name: str
    labels: np.ndarray
    affine: np.ndarray
    regions: list
    raw: np.ndarray
    cleaned: np.ndarray
    connectivity: np.ndarray | None = None

    @cached_property
    def ids(self):
        """Region ids, shape (L,)."""
        return np.array([region['index'] for region in self.regions], dtype=np.int64)

    @cached_property
    def names(self):
        """Region names."""
        return [region['name'] for region in self.regions]

    @cached_property
    def lost(self):
        """Whether each region has no usable signal."""
        usable = np.isfinite(self.cleaned).any(axis=0)
        return ~usable | [region['status'] != 'ok' for region in self.regions]

    @property
    def summary(self):
        """Number of regions with and without a signal, in words."""
        n_lost = int(self.lost.sum())
        words = f'{len(self.regions) - n_lost} of {len(self.regions)} regions have a signal'
        return f'{words}, {n_lost} {"has" if n_lost == 1 else "have"} none' if n_lost else words
