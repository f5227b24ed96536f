# SPDX-License-Identifier: BSD-3-Clause
"""Methods of all maskers: fit, extract and denoise, map back, report, and build the equivalent workflow."""

import os
import threading
from typing import Any, Self

import numpy as np
from nibabel import Cifti2Image, GiftiImage, Nifti1Image

from ..files.niimg import open_runs
from ..files.surface_series import open_surface_runs
from ..model.errors import LabelsError
from .estimator import FittedRegions
from .export import find_files
from .inputs import prepare_runs, refuse_confounds
from .inverse import ReturnedArrays, fill_regions, match_columns
from .settings import changed_since_fit, check_settings
from .state import State, read_atlas, warn_user
from .transform import denoise_runs, make_report

#: Warning about a series without confounds, for %-formatting with its file.
UNLIKE_FIT = (
    '%s: fit_transform was given confounds, and transform is given none: this series is denoised differently. Pass '
    "confounds to transform of the masker, since a pipeline's takes none"
)

#: Held while the state of a masker is replaced.
_LOCK = threading.Lock()


class RegionMasker(FittedRegions):
    """Base of maskers, which differ in the parameters of their atlas.

    What a masker knows is that of its last successful call: a call that fails changes nothing. Several threads may use
    one masker.
    """

    #: Name of the parameter that has the atlas.
    _atlas = ''

    #: Whether series are of surfaces.
    _on_surfaces = False

    def _set(self, **given):
        """Set the parameters as they are given."""
        vars(self).update(given)
        self._returned = ReturnedArrays()

    def _check_settings(self):
        """Return all parameters, checked and under the names of the core."""
        return check_settings(self.get_params(), self._atlas, self._on_surfaces)

    def fit(self, imgs: Any = None, y: Any = None) -> Self:
        """Read the atlas and the mask, and resample them to the grid of ``imgs`` if it is given.

        Parameters
        ----------
        imgs : path, nibabel image or list of these, optional
            Only the headers are read.
        y : object, optional
            For scikit-learn; has no effect.

        Returns
        -------
        RegionMasker
            Itself.

        Raises
        ------
        LabelsError
            If a parameter is invalid, an image or a table can't be read, or no region is left.
        """
        fitted = read_atlas(self._check_settings())
        open_series = open_surface_runs if self._on_surfaces else open_runs
        grid = None if imgs is None else open_series(imgs)[0].grid
        # Without a series, the grid that may lose regions is not known yet.
        known = grid is not None or fitted.settings['resampling_target'] != 'data'
        self._state = State.after_fit(fitted, fitted.place(grid, needs_regions=known))
        return self

    def fit_transform(self, imgs: Any, y: Any = None, *, confounds: Any = None, sample_mask: Any = None) -> Any:
        """Fit, then extract and denoise; see :meth:`fit` and :meth:`transform_single_imgs`.

        If this fails, the masker stays as it was.

        Parameters
        ----------
        imgs : path, nibabel image or list of these
        y : array, shape (T,), optional
            What a pipeline of scikit-learn predicts; never used. Pass confounds by name.
        confounds, sample_mask : object, optional
            See :meth:`transform_single_imgs`.

        Returns
        -------
        array, shape (number of retained volumes, L), or DataFrame
            DataFrame if :meth:`set_output` says so.

        Raises
        ------
        LabelsError
            If :meth:`fit` or :meth:`transform_single_imgs` raises it, or ``y`` looks like confounds.
        """
        refuse_confounds(y)
        settings = self._check_settings()
        runs = prepare_runs(imgs, confounds, sample_mask, settings)
        fitted = read_atlas(settings)
        state = State.after_fit(fitted, fitted.place(runs[0].series.grid), any(run.tables for run in runs))
        signals, result = denoise_runs(runs, fitted, settings, state.result.placed)
        self._state = state.with_result(result)
        self._returned.add(signals, result)
        return self._contain(signals, result.names)

    def transform(self, imgs: Any, confounds: Any = None, sample_mask: Any = None) -> Any:
        """Return what :meth:`transform_single_imgs` returns, in the container of :meth:`set_output`.

        The parameters are those of :meth:`transform_single_imgs`.
        """
        signals, result = self._transform(imgs, confounds, sample_mask)
        return self._contain(signals, result.names)

    def transform_single_imgs(self, imgs: Any, confounds: Any = None, sample_mask: Any = None) -> np.ndarray:
        """Extract and denoise the region time series of a series, or of each run of a list.

        Parameters
        ----------
        imgs : path, nibabel image or list of these
            4D; a 3D image is one volume. A list of 3D images is one series. In a list of 4D images each is a run: it
            is denoised separately, and the results follow one another. No image is changed.
        confounds : array, shape (T, C), DataFrame, path, or list of these, optional
            Of one run; a list holds tables side by side. Of several runs: a list with an entry per run, or one table
            with a row per volume of all runs. Without them, there is a warning if :meth:`fit_transform` had some.
        sample_mask : sequence of bool or int, path, or list of these, optional
            Volumes to retain. For a list of runs, a list with an entry per run, or one mask for all volumes.

        Returns
        -------
        array, shape (number of retained volumes, L)
            A column per region of ``lut_``.

        Raises
        ------
        LabelsError
            If the masker is not fitted, a parameter is invalid or was changed after ``fit`` used it, an input can't be
            read or does not fit the series, or no region has a signal.
        """
        return self._transform(imgs, confounds, sample_mask)[0]

    def inverse_transform(self, signals: Any) -> Nifti1Image | Cifti2Image | tuple[GiftiImage, GiftiImage]:
        """Map region values back to an image: each voxel has the value of its region, 0 outside all regions.

        With probabilistic maps, a voxel has the sum of the values times the maps; where spheres overlap, their mean.

        Parameters
        ----------
        signals : array, shape (L,) or (T, L), or DataFrame
            What ``transform`` returned, or an array of other values with the same columns. The columns of a DataFrame
            and the index of a Series are names of regions, in any order.

        Returns
        -------
        Nifti1Image, Cifti2Image, or tuple of two GiftiImage
            3D for one row of signals without a second axis, else 4D with the repetition time of the series. On the
            grid of the series that ``signals`` are of, if ``transform`` returned them, else of the last one. Of a pair
            of hemispheres, the left and the right one, in float32.

        Raises
        ------
        LabelsError
            If the masker is not fitted, or the regions of the columns are ambiguous.
        """
        return fill_regions(*match_columns(signals, self._checked_state()[0], self._returned))

    def generate_report(self, title: str = 'Region time series') -> Any:
        """Draw the series that was transformed last, or the runs of the list that was.

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
            If no series was transformed with ``reports=True``, or the packages that draw are not installed.
        """
        result, reports = self._checked_state()[0].result, self.get_params()['reports']
        if result.report_data is None or not reports:
            remedy = 'transform a series first' if reports else 'set reports=True, then transform a series'
            raise LabelsError(f'there is nothing to report yet: {remedy}')
        return make_report(title, result)

    def to_workflow(self, folder: str | os.PathLike | None = None, **more: Any) -> Any:
        """Build the Nipype graph that returns the same time series, to the last bit.

        Parameters
        ----------
        folder : path, optional
            Where to write images and tables that are in memory alone, since a graph works on files. NIfTI files hold
            affines in single precision.
        **more
            Further arguments of :func:`~nipype_labels.workflows.init_labels_wf`, as ``use_confounds`` for confounds
            that come to ``inputnode.confounds_file``.

        Returns
        -------
        Workflow
            It waits for ``inputnode.bold_file``.

        Raises
        ------
        LabelsError
            If a parameter is invalid, an image or a table is in memory and there is no folder, or a file was changed
            since ``fit`` read it.
        """
        from ..workflows.masker import as_workflow

        settings = self._check_settings()
        fitted = None if self._state is None else self._state.fitted
        if fitted is not None and changed_since_fit(fitted.parameters, settings):
            fitted = None
        return as_workflow(settings, **find_files(settings, fitted, folder), **more)

    def __getstate__(self):
        """Return what is pickled: a copy has returned no arrays."""
        return {**vars(self), '_returned': ReturnedArrays()}

    def _checked_state(self):
        """Return state and settings; refuse parameters that were changed after ``fit`` used them."""
        state, settings = self._fitted_state(), self._check_settings()
        changed = changed_since_fit(state.fitted.parameters, settings)
        if changed:
            raise LabelsError(f'{", ".join(changed)} changed after fit: call fit again')
        return state, settings

    def _transform(self, imgs, confounds, sample_mask):
        """Return denoised time series and their result; replace the state at the end."""
        state, settings = self._checked_state()
        runs = prepare_runs(imgs, confounds, sample_mask, settings)
        if state.has_confounds and not any(run.tables for run in runs):
            warn_user(UNLIKE_FIT, runs[0].series.grid.path)
        signals, result = denoise_runs(runs, state.fitted, settings, state.result.placed)
        with _LOCK:
            # Another thread may have fitted the masker anew.
            if self._state.fitted is state.fitted:
                self._state = self._state.with_result(result)
        self._returned.add(signals, result)
        return signals, result
