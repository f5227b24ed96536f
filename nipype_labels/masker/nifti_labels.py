# SPDX-License-Identifier: BSD-3-Clause
"""The class ``NiftiLabelsMasker``: what users call."""

from collections.abc import Sequence
from typing import Any

from nibabel import Nifti1Image

from ..model.docstrings import fill_parameters
from .inverse import make_image
from .region_masker import RegionMasker


@fill_parameters
class NiftiLabelsMasker(RegionMasker):
    """Extract denoised region time series from fMRI series, and map region values back to images.

    The parameters up to ``reports`` are those of ``nilearn.maskers.NiftiLabelsMasker`` 0.10.0. What the masker knows is
    that of its last successful call: a call that fails changes nothing. Several threads may use one masker.

    Parameters
    ----------
    labels_img : path or nibabel image
        Region ids, 3D. Of an image in memory, the voxels that it holds when ``fit`` is called count.
    labels : list of str, optional
        Names of the regions in the order of their ids; there must be as many.
    mask_img : path or nibabel image, optional
        Mask on any grid; voxels outside it are excluded.
    smoothing_fwhm : float or sequence of 3 floats, optional
        Full width at half maximum in mm of a Gaussian, for all axes or one per axis.
    t_r : float, optional
        Repetition time in s; the header's by default.
    dtype : {None, 'auto'} or dtype
        Type that voxels are cast to as they are read: none, float32 unless they are integers, float32 or float64.
    memory : joblib.Memory or path, optional
        Cache of the raw time series, found again for the same voxels and parameters. Threads and processes may share
        it. Needs joblib: ``pip install ".[cache]"`` in a checkout.
    reports : bool
        Keep the data that :meth:`generate_report` draws.
    lut : path or DataFrame, optional
        Look-up table: one column per row, in its order, also for regions that the atlas does not have.

    Examples
    --------
    >>> import nibabel as nib
    >>> import numpy as np
    >>> labels = nib.Nifti1Image(np.array([[[1, 1, 2]]], dtype='int16'), np.eye(4))
    >>> series = nib.Nifti1Image(np.array([[[[1.0, 5], [3, 7], [9, 8]]]]), np.eye(4))
    >>> masker = NiftiLabelsMasker(labels)
    >>> masker.fit_transform(series).tolist()
    [[2.0, 9.0], [6.0, 8.0]]
    >>> masker.inverse_transform(np.array([10.0, 20.0])).get_fdata().tolist()
    [[[10.0, 10.0, 20.0]]]
    """

    _atlas = 'labels_img'

    def __init__(
        self,
        labels_img: Any,
        labels: Sequence[str] | None = None,
        background_label: int = 0,
        mask_img: Any = None,
        smoothing_fwhm: float | Sequence[float] | None = None,
        standardize: str | bool = False,
        standardize_confounds: bool = True,
        high_variance_confounds: bool = False,
        detrend: bool = False,
        low_pass: float | None = None,
        high_pass: float | None = None,
        t_r: float | None = None,
        dtype: Any = None,
        resampling_target: str = 'data',
        memory: Any = None,
        memory_level: int = 1,
        verbose: int = 0,
        strategy: str = 'mean',
        reports: bool = True,
        *,
        lut: Any = None,
        filter: str | bool = 'butterworth',
        interpolation: str = 'cubic',
        nan_policy: str = 'omit',
        missing_labels: str = 'nan',
        min_coverage: float = 0.0,
        confounds_columns: Sequence[str] = (),
        confounds_strategy: Sequence[str] = (),
        n_compcor: int | str = 5,
        acompcor: str = 'combined',
        fd_threshold: float = 0.5,
        dvars_threshold: float = 1.5,
        min_segment: int = 0,
        non_steady_state: str = 'censor',
        confounds_na: str = 'raise',
        num_threads: int = 1,
        unknown_orientation: str = 'raise',
        fill_censored: str = 'linear',
    ) -> None:
        given = dict(labels_img=labels_img, labels=labels, lut=lut, background_label=background_label)
        given |= dict(mask_img=mask_img, resampling_target=resampling_target)
        given |= dict(interpolation=interpolation, unknown_orientation=unknown_orientation)
        given |= dict(smoothing_fwhm=smoothing_fwhm, t_r=t_r, dtype=dtype, strategy=strategy)
        given |= dict(nan_policy=nan_policy, missing_labels=missing_labels, min_coverage=min_coverage)
        given |= dict(confounds_columns=confounds_columns, confounds_strategy=confounds_strategy)
        given |= dict(n_compcor=n_compcor, acompcor=acompcor, fd_threshold=fd_threshold)
        given |= dict(dvars_threshold=dvars_threshold, min_segment=min_segment)
        given |= dict(non_steady_state=non_steady_state, confounds_na=confounds_na)
        given |= dict(high_variance_confounds=high_variance_confounds, standardize_confounds=standardize_confounds)
        given |= dict(detrend=detrend, filter=filter, low_pass=low_pass, high_pass=high_pass)
        given |= dict(standardize=standardize, fill_censored=fill_censored, reports=reports)
        given |= dict(memory=memory, memory_level=memory_level, verbose=verbose, num_threads=num_threads)
        self._set(**given)

    @property
    def labels_img_(self) -> Nifti1Image:
        """Labels on the grid that the last series was read on, as a Nifti1Image."""
        placed = self._fitted_state().result.placed
        return make_image(placed.resampled.labels, placed.grid)

    @property
    def region_atlas_(self) -> Nifti1Image:
        """Labels within the mask, on the grid that the last series was read on, as a Nifti1Image."""
        placed = self._fitted_state().result.placed
        return make_image(placed.masked.labels, placed.grid)
