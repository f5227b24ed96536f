# SPDX-License-Identifier: BSD-3-Clause
"""Coverage and status of each region after each processing step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..model.columns import STATUSES, WITH_SIGNAL
from ..model.errors import LabelsError, MissingRegionsError, list_names
from ..model.space import VolumeGrid
from ..model.weighted import AnyAtlas, WeightedAtlas
from .quality import is_constant, temporal_snr

if TYPE_CHECKING:
    from .reduce import Reduction


#: Message about regions without a signal, for %-formatting with the file and CoverageTable.list_missing.
MISSING_REGIONS = '%s: regions without a signal: %s'

#: Warning about maps of which many combinations fit equally well, for %-formatting with the file and the maps.
COLLINEAR_MAPS = (
    '%s: maps that are linear combinations of others: %s. Of all best fits, that with the smallest amplitudes'
)

#: Decimals of a coverage; more would be rounding errors of the affines.
COVERAGE_DECIMALS = 9

#: A voxel of an atlas is in a field of view if it is this close to it, in voxels: half a voxel, so that it touches it.
VIEW_MARGIN = 0.5


@dataclass(frozen=True, eq=False)
class CoverageTable:
    """Coverage and status of the L regions of an atlas; each step returns a table.

    Attributes
    ----------
    index : array of int, shape (L,)
    name : array of str, shape (L,)
    n_voxels_atlas, n_voxels_grid, n_voxels_mask, n_voxels_used : array of int, shape (L,)
        Voxels in the atlas, on the grid of the time series, within the mask, and with values.
    coverage : array, shape (L,)
        Fraction of the volume of the region that is used, 0 to 1; NaN for a region that the atlas does not have.
    status : array of str, shape (L,)
    quality : dict of str to array, shape (L,)
        Further columns: ``volume_atlas`` in mm³ or ``area_atlas`` in mm², ``n_shared`` (of maps and spheres),
        ``hemisphere``, ``index_file`` and ``n_zero`` (of surfaces), ``n_volumes``, ``tsnr``.
    """

    index: np.ndarray
    name: np.ndarray
    n_voxels_atlas: np.ndarray
    n_voxels_grid: np.ndarray
    n_voxels_mask: np.ndarray
    n_voxels_used: np.ndarray
    coverage: np.ndarray
    status: np.ndarray
    quality: dict = field(default_factory=dict)

    @classmethod
    def of(cls, atlas: AnyAtlas) -> Self:
        """Return the table of an atlas on its own grid."""
        n = atlas.count_voxels()
        whole = np.where(n > 0, 1.0, np.nan)
        status = np.where(n > 0, 'ok', 'absent_from_atlas').astype(object)
        names = np.array([*atlas.names], dtype=object)
        # Vertices have no volume: they are counted, unless their areas are known.
        quality = {'volume_atlas': atlas.volumes()} if isinstance(atlas.space, VolumeGrid) else {}
        if getattr(atlas.space, 'areas', None) is not None:
            quality = {'area_atlas': atlas.volumes()}
        return cls(np.asarray(atlas.ids), names, n, n, n, n, whole, status, quality)

    @classmethod
    def of_placed(cls, atlas: AnyAtlas, resampled: AnyAtlas, masked: AnyAtlas) -> Self:
        """Return the table of an atlas that was resampled to another grid and masked there."""
        return cls.of(atlas).after_resampling(atlas, resampled).after_masking(masked)

    def after_resampling(self, atlas: AnyAtlas, resampled: AnyAtlas) -> Self:
        """Return the table of the atlas on the grid of the time series."""
        n = resampled.count_voxels()
        lost = (self.status == 'ok') & (n == 0)
        n_in_view = atlas.count_near(resampled.space, lost, VIEW_MARGIN)
        reason = np.where(n_in_view > 0, 'lost_in_resampling', 'outside_field_of_view')
        status = np.where(lost, reason, self.status)
        return replace(self, n_voxels_grid=n, status=status)._covered(n, resampled.volumes())

    def after_masking(self, masked: AnyAtlas) -> Self:
        """Return the table of the atlas within the mask."""
        n = masked.count_voxels()
        status = np.where((self.status == 'ok') & (n == 0), 'outside_mask', self.status)
        shared = {'n_shared': masked.count_shared()} if isinstance(masked, WeightedAtlas) else {}
        table = replace(self, n_voxels_mask=n, status=status, quality=self.quality | shared)
        return table._covered(n, masked.volumes())

    def with_signals(self, reduction: Reduction, voxel_volume: float, min_coverage: float = 0.0) -> Self:
        """Return the table with the time series of the regions before denoising, a Reduction.

        ``voxel_volume`` is that of the grid of the time series, in mm³. Regions with a lower coverage than
        ``min_coverage`` have the status ``'low_coverage'``.
        """
        if not 0 <= min_coverage <= 1:
            raise LabelsError(f'min_coverage must be from 0 to 1, not {min_coverage}')
        finite = np.isfinite(reduction.signals)
        table = self._covered(reduction.n_used, reduction.weight_used * voxel_volume)
        status = np.select(
            [
                self.status != 'ok',
                reduction.n_in_view == 0,
                (reduction.n_used == 0) | ~finite.any(axis=0),
                table.coverage < np.round(min_coverage, COVERAGE_DECIMALS),
                is_constant(reduction.signals),
                reduction.is_collinear,
            ],
            [self.status, 'outside_field_of_view', 'not_finite', 'low_coverage', 'constant', 'collinear'],
            'ok',
        )
        zeros = {} if reduction.n_zero is None else {'n_zero': reduction.n_zero}
        quality = {**self.quality, **zeros, 'n_volumes': finite.sum(axis=0)}
        table = replace(table, status=status, quality=quality)
        return table.with_tsnr(self.name, reduction.signals, np.ones(len(reduction.signals), dtype=bool))

    def with_columns(self, columns: dict[str, np.ndarray]) -> Self:
        """Return the table with further columns."""
        return replace(self, quality=self.quality | columns)

    def with_tsnr(self, names: Sequence[str] | np.ndarray, signals: np.ndarray, retained: np.ndarray) -> Self:
        """Return the table with the temporal signal-to-noise ratio of time series before denoising.

        ``names`` are the regions of the columns of ``signals``, shape (T, C); other regions have no ratio.
        """
        ratios = dict(zip(names, temporal_snr(signals, retained), strict=True))
        values = np.array([ratios.get(name, np.nan) for name in self.name], dtype=np.float64)
        return replace(self, quality={**self.quality, 'tsnr': np.where(self.status == 'ok', values, np.nan)})

    def merge(self, *others: Self) -> Self:
        """Merge the tables of runs: fewest voxels, most zeros, lowest coverage and tSNR, first status not ``'ok'``."""
        merged = self
        for other in others:
            least = ('n_voxels_grid', 'n_voxels_mask', 'n_voxels_used', 'coverage')
            lowest = {name: np.fmin(getattr(merged, name), getattr(other, name)) for name in least}
            # A constant region still has a signal: a run in which it has none matters more.
            worse = (merged.status == 'ok') | (merged.has_signal & ~other.has_signal)
            quality = {
                **merged.quality,
                'n_volumes': merged.quality['n_volumes'] + other.quality['n_volumes'],
                'tsnr': np.fmin(merged.quality['tsnr'], other.quality['tsnr']),
            }
            if 'n_zero' in merged.quality:
                quality['n_zero'] = np.maximum(merged.quality['n_zero'], other.quality['n_zero'])
            status = np.where(worse, other.status, merged.status)
            merged = replace(merged, **lowest, status=status, quality=quality)
        return merged

    @property
    def has_signal(self) -> np.ndarray:
        """Which regions have a column of their own values, shape (L,)."""
        return np.isin(self.status.astype(str), WITH_SIGNAL)

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """All columns by name, in order."""
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name != 'quality'}
        return own | self.quality

    def rows(self) -> list[dict[str, Any]]:
        """Return the table as a list of L dicts."""
        columns = self.columns
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def require_regions(self, atlas: AnyAtlas, space: VolumeGrid) -> None:
        """Raise MissingRegionsError unless a region of the atlas is left on the grid of the time series."""
        if not self.has_signal.any():
            found, counts = np.unique(self.status.astype(str), return_counts=True)
            reasons = ', '.join(f'{counts[i]} {found[i]}' for i in np.argsort(-counts, kind='stable'))
            raise MissingRegionsError(f'no region of {atlas.space} is left on {space}: {reasons}')

    def list_missing(self) -> str:
        """Name the regions without a signal, the first ones for each reason; empty if every region has a signal."""
        groups = []
        for reason in STATUSES:
            members = self.name[(self.status == reason) & ~self.has_signal]
            if len(members):
                groups.append(f'{reason}: {list_names(members)}')
        return '; '.join(groups)

    def list_collinear(self) -> str:
        """Name the first maps that are linear combinations of others; empty if no map is."""
        return list_names(self.name[self.status == 'collinear'])

    def apply_missing_policy(self, signals: np.ndarray, missing_labels: str = 'nan') -> tuple[np.ndarray, np.ndarray]:
        """Apply the policy for regions without a signal to time series, shape (T, L).

        Returns the time series and which regions have a column, shape (L,): NaN (``'nan'``) or 0 (``'zero'``) for
        missing regions, or no column (``'drop'``). MissingRegionsError if no region has a signal, or if one has none
        and the policy is ``'raise'``.
        """
        present = self.has_signal
        if not present.any():
            raise MissingRegionsError(f'no region has a signal: {self.list_missing()}')
        if missing_labels == 'raise' and not present.all():
            raise MissingRegionsError(f"regions without a signal (missing_labels='raise'): {self.list_missing()}")
        if missing_labels == 'drop':
            return signals[:, present], present
        return np.where(present, signals, 0.0 if missing_labels == 'zero' else np.nan), np.ones_like(present)

    def _covered(self, n_used: np.ndarray, used: np.ndarray) -> Self:
        """Return the table with voxels used and coverage, from the volume ``used`` in mm³, shape (L,).

        On surfaces, ``used`` is the area in mm², or the number of vertices and voxels.
        A region that is larger on a coarser grid is covered once.
        """
        whole = self.quality.get('area_atlas', self.quality.get('volume_atlas', self.n_voxels_atlas))
        covered = np.minimum(np.round(used / np.where(whole > 0, whole, 1), COVERAGE_DECIMALS), 1)
        return replace(self, n_voxels_used=n_used, coverage=np.where(whole > 0, covered, np.nan))
