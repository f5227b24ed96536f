# SPDX-License-Identifier: BSD-3-Clause
"""The notebook class: the same core as the nodes', with images and arrays in memory, as users of nilearn know it."""

import os
import warnings

import nibabel as nib
import numpy as np

from .core.clean import clean
from .core.errors import LabelsError, SignalError
from .core.filters import check_filter, settle_repetition_time
from .core.grid import voxel_volume
from .core.highvariance import high_variance_confounds
from .core.mask import region_ids
from .core.partition import STRATEGIES
from .core.project import Projector
from .core.reduce import NAN_POLICIES
from .core.regions import MISSING_LABELS, blank_missing, list_missing
from .core.resample import INTERPOLATIONS, RESAMPLING_TARGETS
from .core.smooth import check_fwhm
from .core.spelling import check_choice, spell
from .core.view import DTYPES
from .estimator import Estimator
from .files.confounds import take_confounds
from .files.held import expand_user, open_image
from .files.images import read_labels, read_mask
from .files.lookup import choose_lookup_table
from .files.memory import make_key, recall
from .files.placing import bring_mask, place_atlas
from .files.reducing import reduce_one
from .files.regions import complete_regions
from .files.volumes import read_sample_mask

#: Raised whenever signals can change, so that none of an earlier version is taken from a cache.
NUMERICS = 2

#: Choices of how a series is read, by parameter.
_READING = {
    'strategy': STRATEGIES,
    'resampling_target': RESAMPLING_TARGETS,
    'interpolation': INTERPOLATIONS,
    'dtype': DTYPES,
    'nan_policy': NAN_POLICIES,
}


class NiftiLabelsMasker(Estimator):
    """Extract clean region signals from a series, and project such signals back.

    Parameters are those of ``nilearn.maskers.NiftiLabelsMasker`` 0.10.0; what stands behind ``reports`` is ours.

    Parameters
    ----------
    labels_img : path or nibabel image
        Region ids, 3D.
    labels : list of str, optional
        Names of the regions in the order of their ids; there must be as many.
    background_label : int
        Id of voxels that belong to no region.
    mask_img : path or nibabel image, optional
        Count only voxels in this mask, on any grid.
    smoothing_fwhm : float or sequence of 3 floats, optional
        Full width at half maximum in mm of a Gaussian, for all axes or one per axis.
    standardize : {False, True, 'zscore', 'zscore_sample', 'psc'}
        z-scores by the standard deviation of the population (True means this too) or of the sample, or percent signal
        change.
    standardize_confounds : bool
        Scale the confounds to z-scores.
    high_variance_confounds : bool
        Regress out five time courses of the 2 % of voxels that vary most, within the mask if there is one.
    detrend : bool
        Remove linear trends.
    low_pass, high_pass : float, optional
        Frequencies in Hz above and below which signals are cut.
    t_r : float, optional
        Repetition time in s; the header's by default.
    dtype : {None, 'auto'} or dtype
        What voxels are cast to as they are read: nothing, float32 unless they are integers, float32 or float64.
    resampling_target : {'data', 'labels', None}
        Bring the labels (and the mask) to the series' grid, sample the series on the labels' grid, or demand that all
        agree.
    memory : joblib.Memory or path, optional
        Where signals before cleaning are kept, to be found again for the same voxels and parameters.
    memory_level : int
        0 keeps nothing.
    verbose : int
        Above 0, print what is read.
    strategy : {'mean', 'sum', 'median', 'minimum', 'maximum', 'variance', 'standard_deviation'}
        How the voxels of a region become one value.
    reports : bool
        Keep what :meth:`generate_report` draws.
    lut : path or DataFrame, optional
        Look-up table, which gives the columns and their order: a region that isn't there is NaN.
    filter : {'butterworth', 'cosine', None}
        How to keep a frequency band, if a cut-off is given.
    interpolation : {'cubic', 'linear', 'nearest'}
        How the series is sampled on the labels' grid.
    nan_policy : {'omit', 'zero', 'raise'}
        Non-finite voxels are left out, count as 0 (nilearn's way), or are refused.
    missing_labels : {'nan', 'zero', 'drop', 'raise'}
        What becomes of the column of a region without a signal; nilearn's is ``'drop'``, and ``'zero'`` before 0.13.
    min_coverage : float
        Part of its volume that a region needs to have a signal.
    confounds_na : {'raise', 'zero', 'mean'}
        What becomes of missing values in the first rows of confounds.
    num_threads : int

    Attributes
    ----------
    labels_img_, region_atlas_ : Nifti1Image
        Labels on the grid that signals were read on, before and after the mask.
    mask_img_ : Nifti1Image or None
    n_elements_ : int
        Columns.
    lut_ : DataFrame
        ``index`` and ``name`` of all regions.
    region_ids_, region_names_ : dict of int to int, of int to str
        Of each column.
    regions_ : DataFrame
        How much of each region there is, and why one has no signal: the regions table of the documentation.

    Examples
    --------
    >>> labels = nib.Nifti1Image(np.array([[[1, 1, 2]]], dtype='int16'), np.eye(4))
    >>> series = nib.Nifti1Image(np.array([[[[1.0, 5], [3, 7], [9, 8]]]]), np.eye(4))
    >>> masker = NiftiLabelsMasker(labels)
    >>> masker.fit_transform(series).tolist()
    [[2.0, 9.0], [6.0, 8.0]]
    >>> masker.inverse_transform(np.array([10.0, 20.0])).get_fdata().tolist()
    [[[10.0, 10.0, 20.0]]]
    """

    _fitted = 'lut_'

    def __init__(
        self,
        labels_img,
        labels=None,
        background_label=0,
        mask_img=None,
        smoothing_fwhm=None,
        standardize=False,
        standardize_confounds=True,
        high_variance_confounds=False,
        detrend=False,
        low_pass=None,
        high_pass=None,
        t_r=None,
        dtype=None,
        resampling_target='data',
        memory=None,
        memory_level=1,
        verbose=0,
        strategy='mean',
        reports=True,
        *,
        lut=None,
        filter='butterworth',
        interpolation='cubic',
        nan_policy='omit',
        missing_labels='nan',
        min_coverage=0.0,
        confounds_na='raise',
        num_threads=1,
    ):
        self._keep(locals())

    def fit(self, imgs=None, y=None):
        """Read the labels and the mask, and bring them to the grid of ``imgs`` if that is given.

        Parameters
        ----------
        imgs : path, nibabel image or list of these, optional
        y : None
            For scikit-learn.

        Returns
        -------
        NiftiLabelsMasker
            Itself.

        Raises
        ------
        LabelsError
            If a parameter or an image makes no sense.
        """
        self._settled = settled = self._settle()
        self._atlas, self._atlas_grid = read_labels(expand_user(self.labels_img), settled['background_label'])
        self._mask = None if self.mask_img is None else read_mask(expand_user(self.mask_img))
        self._placed, self._shown = None, None
        ids = region_ids(self._atlas, settled['background_label'])
        lookup = choose_lookup_table(ids, expand_user(self.labels_img), self.labels, self.lut)
        self.lut_ = lookup[lookup['index'] != settled['background_label']].reset_index(drop=True)
        on_data = settled['resampling_target'] == 'data' and imgs is not None
        self._place(open_image(imgs).grid if on_data else self._atlas_grid)
        return self

    def fit_transform(self, imgs, confounds=None, sample_mask=None):
        """Fit, then transform; see :meth:`transform_single_imgs`."""
        return self.fit(imgs).transform(imgs, confounds, sample_mask)

    def transform(self, imgs, confounds=None, sample_mask=None):
        """Extract and clean the signals of a series; see :meth:`transform_single_imgs`."""
        return self.transform_single_imgs(imgs, confounds, sample_mask)

    def transform_single_imgs(self, imgs, confounds=None, sample_mask=None):
        """Extract and clean the signals of a series.

        Parameters
        ----------
        imgs : path, nibabel image or list of these
            4D; 3D images count as one volume each. Nothing of it is changed.
        confounds : array, shape (T, C), DataFrame, path, or list of these, optional
        sample_mask : sequence of bool or int, or path, optional
            Volumes to keep.

        Returns
        -------
        array, shape (volumes kept, L)
            A column per region of ``lut_``.

        Raises
        ------
        LabelsError
            If something makes no sense, or no region has a signal.
        """
        self._check_fitted()
        settled, series = self._settled, open_image(imgs)
        self._place(series.grid if settled['resampling_target'] == 'data' else self._atlas_grid)
        signals, mean, used, in_view = self._extract(series)
        regions = complete_regions(
            self._placed.regions, signals, used, in_view, voxel_volume(self._placed.grid.affine), self.min_coverage
        )
        missing = list_missing(regions['name'], regions['status'])
        if missing:
            warnings.warn(f'{series.grid.path}: regions without a signal: {missing}', stacklevel=2)
        columns, kept = blank_missing(signals, regions['status'].to_numpy(), regions['name'], self.missing_labels)
        self._tell_columns(regions, kept)
        values = take_confounds(confounds, len(signals), self.confounds_na)
        if self.high_variance_confounds:
            values = np.column_stack([values, self._high_variance(series)])
        filtered = self.low_pass is not None or self.high_pass is not None
        t_r, warning = settle_repetition_time(self.t_r, None, series.t_r, filtered)
        if warning:
            warnings.warn(f'{series.grid.path}: {warning}', stacklevel=2)
        cleaned = clean(
            columns,
            values,
            t_r=t_r,
            detrend=self.detrend,
            filter=settled['filter'],
            low_pass=self.low_pass,
            high_pass=self.high_pass,
            standardize=settled['standardize'],
            standardize_confounds=self.standardize_confounds,
            sample_mask=read_sample_mask(sample_mask) if isinstance(sample_mask, str | os.PathLike) else sample_mask,
        )
        if self.reports:
            self._shown = {'grid': series.grid, 'mean': mean, 'raw': columns, 'cleaned': cleaned, 't_r': t_r}
        return cleaned.signals

    def inverse_transform(self, signals):
        """Show signals in space: each voxel has that of its region, 0 outside all regions.

        Parameters
        ----------
        signals : array, shape (L,) or (T, L)

        Returns
        -------
        Nifti1Image
            3D for one row of signals without a second axis, else 4D; on the grid that signals were read on last.

        Raises
        ------
        LabelsError
            If it is not fitted, or there is not one column per region.
        """
        self._check_fitted()
        signals = np.asarray(signals, dtype=np.float64)
        if signals.ndim not in (1, 2) or signals.shape[-1] != self.n_elements_:
            raise SignalError(f'signals must have {self.n_elements_} columns, one per region, not {signals.shape}')
        projector = Projector(self._placed.masked, list(self.region_ids_.values()))
        rows = np.atleast_2d(signals)
        volumes = np.empty((*self._placed.grid.shape, len(rows)), order='F')
        for i, row in enumerate(rows):
            volumes[..., i] = projector(row)
        return nib.Nifti1Image(volumes if signals.ndim == 2 else volumes[..., 0], self._placed.grid.affine)

    def generate_report(self, title='Region signals'):
        """Draw what became of the series that was transformed last.

        Parameters
        ----------
        title : str
            Of the page.

        Returns
        -------
        Report
            It shows itself in notebooks; :meth:`~nipype_labels.reports.Report.save_as_html` writes it.

        Raises
        ------
        LabelsError
            If there is nothing to show, or what draws it isn't installed.
        """
        self._check_fitted()
        if self._shown is None:
            raise LabelsError('there is nothing to report yet: reports=True, then transform a series')
        try:
            from . import reports
        except ImportError as e:
            raise LabelsError(f'{e}: reports need more packages, pip install "nipype_labels[reports]"') from e
        return reports.Report(reports.render_report(title, *self._draw(reports), {}))

    def to_workflow(self, **more):
        """Nipype graph that does the same, to the last bit; see :func:`~nipype_labels.workflows.masker.as_workflow`."""
        from .workflows.masker import as_workflow

        return as_workflow(self, **more)

    def _settle(self):
        """Choices by their names, checked."""
        choices = _READING | {'missing_labels': MISSING_LABELS}
        settled = {name: spell(name, getattr(self, name)) for name in (*choices, 'standardize', 'filter')}
        for name, known in choices.items():
            check_choice(name, settled[name], known)
        check_fwhm(0.0 if self.smoothing_fwhm is None else self.smoothing_fwhm)
        check_filter(settled['filter'], self.low_pass, self.high_pass, self.t_r)
        if self.labels is not None and self.lut is not None:
            raise LabelsError('names are given twice: by labels and by lut')
        if self.background_label != int(self.background_label):
            raise LabelsError(f'background_label must be a whole number, not {self.background_label}')
        return settled | {'background_label': int(self.background_label)}

    def _place(self, grid):
        """Bring labels and mask to a grid, unless they are there."""
        if self._placed is not None and self._placed.grid.matches(grid):
            return
        strict = self._settled['resampling_target'] == 'none'
        self._placed = placed = place_atlas(
            self.lut_, self._atlas, self._atlas_grid, self._mask, grid, self._settled['background_label'], strict
        )
        self.labels_img_ = nib.Nifti1Image(placed.labels, grid.affine)
        self.region_atlas_ = nib.Nifti1Image(placed.masked, grid.affine)
        self.mask_img_ = None if placed.mask is None else nib.Nifti1Image(placed.mask.astype(np.uint8), grid.affine)
        self._tell_columns(placed.regions, np.ones(len(placed.regions), dtype=bool))

    def _tell_columns(self, regions, kept):
        """Set what tells which column is which."""
        self.regions_ = regions
        chosen = regions[kept]
        self.n_elements_ = len(chosen)
        self.region_ids_ = dict(enumerate(chosen['index'].tolist()))
        self.region_names_ = dict(enumerate(chosen['name'].tolist()))

    def _extract(self, series):
        """Signals before cleaning, the mean volume, and voxels used and in view of each region; kept if asked for."""
        if self.memory is None or self.memory_level == 0:
            return self._reduce(series)
        how = f'{NUMERICS} {[self._settled[name] for name in _READING]} {self.smoothing_fwhm!r}'
        arrays = (self._placed.masked, self._placed.grid.affine, self._placed.regions['index'].to_numpy())
        return recall(self.memory, make_key(how, arrays, series), lambda: self._reduce(series))

    def _reduce(self, series):
        """See :meth:`_extract`."""
        settled = self._settled
        if self.verbose:
            print(f'reading {series.n_volumes} volumes of {series.grid}')
        choices = {name: settled[name] for name in _READING if name != 'dtype'}
        fwhm = 0.0 if self.smoothing_fwhm is None else self.smoothing_fwhm
        return reduce_one(series, self._placed, settled['dtype'], self.num_threads, smoothing_fwhm=fwhm, **choices)

    def _draw(self, reports):
        """What reports show of a series, and its only atlas drawn."""
        shown, placed = self._shown, self._placed
        kept, raw = shown['cleaned'].kept, shown['raw']
        cleaned = np.full(raw.shape, np.nan)
        cleaned[kept] = shown['cleaned'].signals
        names = ('detrend', 'filter', 'low_pass', 'high_pass', 'standardize')
        parameters = {name: getattr(self, name) for name in names} | {'t_r': shown['t_r']}
        mean = shown['mean'].reshape(shown['grid'].shape, order='F').astype(np.float32)
        about = {'Parameters': parameters, 'DegreesOfFreedom': shown['cleaned'].degrees_of_freedom}
        series = reports.Series(
            mean, shown['grid'].affine, kept, about, mask=placed.mask, mask_affine=placed.grid.affine
        )
        regions = self.regions_[self.regions_['index'].isin(list(self.region_ids_.values()))].to_dict('records')
        atlas = reports.Atlas('Atlas', placed.masked, placed.grid.affine, regions, raw, cleaned)
        return series, [reports.draw_atlas(series, atlas)]

    def _high_variance(self, series):
        """High-variance confounds of a series, within the mask on its grid."""
        voxels = np.arange(series.n_voxels)
        if self._mask is not None:
            voxels = np.flatnonzero(bring_mask(*self._mask, series.grid).reshape(-1, order='F'))
        return high_variance_confounds(
            lambda: series.blocks(self.num_threads), series.n_volumes, voxels, decoder=series.decoder()
        )
