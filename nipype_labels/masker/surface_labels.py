# SPDX-License-Identifier: BSD-3-Clause
"""The class ``SurfaceLabelsMasker``."""

from collections.abc import Sequence
from typing import Any

from nibabel import Cifti2Image

from ..files.surface_images import write_dense_labels, write_dense_scalars
from ..model.docstrings import fill_parameters
from .inverse import make_cifti
from .region_masker import RegionMasker


@fill_parameters
class SurfaceLabelsMasker(RegionMasker):
    """Extract denoised region time series from series of surfaces and CIFTI, and map region values back to images.

    The methods are those of :class:`NiftiLabelsMasker`. Series are files: ``.dtseries.nii``, or ``.func.gii`` or
    ``.mgz`` files of the two hemispheres, of which one may be given, or a list of both. CIFTI images of nibabel are
    read from their files. A region is the vertices of one id in one hemisphere.

    Parameters
    ----------
    labels_img : path, CIFTI image, or list of the paths of two hemispheres
        ``.dlabel.nii`` (of several maps ``FILE:MAPNAME``), or ``.label.gii`` or ``.annot`` files.
    labels : list of str, optional
        Names of the regions in the order of their ids; there must be as many.
    mask_img : path, CIFTI image, or list of the paths of two hemispheres, optional
        Elements that are 0 in it are excluded.
    smoothing_fwhm, high_variance_confounds : object
        Refused, with what to do instead: they act on volumes alone.
    t_r : float, optional
        Repetition time in s; the header's by default.
    dtype : {None, 'auto'} or dtype
        Type that values are cast to as they are read.
    areas_file : path, optional
        With ``weight='area'``: a surface (``.surf.gii``), or areas of vertices (``.shape.gii``), of either hemisphere.
    memory : joblib.Memory or path, optional
        Cache of the raw time series; see :class:`NiftiLabelsMasker`.
    lut : path or DataFrame, optional
        Look-up table: one column per row, in its order; by default the label tables of the files.
    """

    _atlas = 'labels_img'
    _on_surfaces = True

    def __init__(
        self,
        labels_img: Any,
        labels: Sequence[str] | None = None,
        mask_img: Any = None,
        smoothing_fwhm: float | None = None,
        standardize: str | bool = False,
        standardize_confounds: bool = True,
        high_variance_confounds: bool = False,
        detrend: bool = False,
        low_pass: float | None = None,
        high_pass: float | None = None,
        t_r: float | None = None,
        memory: Any = None,
        memory_level: int = 1,
        verbose: int = 0,
        reports: bool = False,
        strategy: str = 'mean',
        *,
        lut: Any = None,
        dtype: Any = None,
        zeros: str | None = None,
        weight: str = 'count',
        areas_file: Any = None,
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
        fill_censored: str = 'linear',
    ) -> None:
        given = dict(labels_img=labels_img, labels=labels, lut=lut, mask_img=mask_img, smoothing_fwhm=smoothing_fwhm)
        given |= dict(t_r=t_r, dtype=dtype, strategy=strategy, zeros=zeros, weight=weight, areas_file=areas_file)
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
    def labels_img_(self) -> Cifti2Image:
        """Labels at the vertices and voxels of the last series, within the mask."""
        return make_cifti(write_dense_labels, self._fitted_state().result.placed.masked)

    @property
    def mask_img_(self) -> Cifti2Image | None:
        """Mask at these vertices and voxels, 1 within; None without a mask."""
        placed = self._fitted_state().result.placed
        return None if placed.mask is None else make_cifti(write_dense_scalars, placed.grid, placed.mask, 'mask')
