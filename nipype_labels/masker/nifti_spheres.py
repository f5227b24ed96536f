# SPDX-License-Identifier: BSD-3-Clause
"""The class ``NiftiSpheresMasker``."""

from collections.abc import Sequence
from typing import Any

from ..model.docstrings import fill_parameters
from .region_masker import RegionMasker


@fill_parameters
class NiftiSpheresMasker(RegionMasker):
    """Extract denoised time series of spheres around seeds, and map values back to images.

    The parameters have the names of those of ``nilearn.maskers.NiftiSpheresMasker``; differences.md lists other
    results. A sphere contains the voxels whose centers are within the radius.

    Parameters
    ----------
    seeds : path, DataFrame or array, shape (L, 3)
        Table with the columns x, y, z in mm, and perhaps radius, name and index; or coordinates in mm.
    mask_img : path or nibabel image, optional
        Mask on any grid; voxels outside it are excluded.
    smoothing_fwhm : float or sequence of 3 floats, optional
        Full width at half maximum in mm of a Gaussian, for all axes or one per axis.
    t_r : float, optional
        Repetition time in s; the header's by default.
    dtype : {None, 'auto'} or dtype
        Type that voxels are cast to as they are read: none, float32 unless they are integers, float32 or float64.
    memory : joblib.Memory or path, optional
        Cache of the raw time series; see :class:`NiftiLabelsMasker`.
    reports : bool
        Keep the data that :meth:`.NiftiLabelsMasker.generate_report` draws.

    Examples
    --------
    >>> import nibabel as nib
    >>> import numpy as np
    >>> series = nib.Nifti1Image(np.array([[[[2.0], [5], [3]]]]), np.eye(4))
    >>> masker = NiftiSpheresMasker([(0, 0, 0.5), (0, 0, 2)], radius=0.5)
    >>> masker.fit_transform(series).tolist()
    [[3.5, 3.0]]
    """

    _atlas = 'seeds'

    def __init__(
        self,
        seeds: Any,
        radius: float | None = None,
        mask_img: Any = None,
        allow_overlap: bool = True,
        smoothing_fwhm: float | Sequence[float] | None = None,
        standardize: str | bool = False,
        standardize_confounds: bool = True,
        high_variance_confounds: bool = False,
        detrend: bool = False,
        low_pass: float | None = None,
        high_pass: float | None = None,
        t_r: float | None = None,
        dtype: Any = None,
        memory: Any = None,
        memory_level: int = 1,
        verbose: int = 0,
        strategy: str = 'mean',
        reports: bool = True,
        *,
        include_nearest: bool = False,
        filter: str | bool = 'butterworth',
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
        given = dict(seeds=seeds, radius=radius, allow_overlap=allow_overlap, include_nearest=include_nearest)
        given |= dict(mask_img=mask_img, unknown_orientation=unknown_orientation)
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
