# SPDX-License-Identifier: BSD-3-Clause
"""The workflow factory: denoised region time series of one series for N atlases."""

import importlib.util
import inspect
from collections.abc import Sequence
from typing import Any

from nipype.pipeline import engine as pe

from ..core.validation import validate
from ..model.docstrings import fill_outputs, fill_parameters
from ..model.errors import INSTALL, LabelsError
from ..model.parameters import PARAMETERS
from .nodes import build_graph
from .resources import Sizes

#: Modules of the extra that reports need.
REPORTS_NEED = ('jinja2', 'matplotlib', 'PIL')


def init_labels_wf(
    *,
    use_mask: bool = False,
    use_luts: bool = False,
    use_confounds: bool = False,
    use_sample_mask: bool = False,
    labels: Sequence[str] | None = None,
    background_label: int = 0,
    resampling_target: str = 'data',
    interpolation: str = 'cubic',
    unknown_orientation: str = 'raise',
    smoothing_fwhm: float | Sequence[float] | None = None,
    strategy: str = 'mean',
    radius: float | None = None,
    allow_overlap: bool = True,
    include_nearest: bool = False,
    dtype: Any = None,
    nan_policy: str = 'omit',
    zeros: str | None = None,
    weight: str = 'count',
    missing_labels: str = 'nan',
    min_coverage: float = 0.0,
    high_variance_confounds: bool = False,
    confounds_columns: Sequence[str] = (),
    confounds_strategy: Sequence[str] = (),
    n_compcor: int | str = 5,
    acompcor: str = 'combined',
    fd_threshold: float = 0.5,
    dvars_threshold: float = 1.5,
    min_segment: int = 0,
    non_steady_state: str = 'censor',
    confounds_na: str = 'raise',
    standardize_confounds: bool = True,
    detrend: bool = False,
    filter: str | bool = 'butterworth',
    low_pass: float | None = None,
    high_pass: float | None = None,
    standardize: str | bool = False,
    fill_censored: str = 'linear',
    censored_output: str = 'drop',
    project: str = 'none',
    fill_value: float | None = None,
    cifti_outputs: bool = False,
    connectivity: str = 'none',
    covariance_estimator: str = 'auto',
    fisher_z: bool = False,
    reports: bool = False,
    atlas_names: Sequence[str] | None = None,
    sizes: Sizes = Sizes(),
    num_threads: int = 1,
    name: str = 'labels_wf',
) -> pe.Workflow:
    """Extract denoised region time series of one fMRI series for any number of atlases.

    ``project``, ``cifti_outputs`` and ``connectivity`` add images, CIFTI parcels and functional connectivity.

    .. code-block:: text

        atlas_files ─▶ resample_labels ─▶ apply_mask ─▶ reduce ─▶ clean ─▶ project, parcels, connectivity
        bold_mask ───▶ resample_mask ─────────┘           ▲         ▲
        bold_file ──────────────────┬─────────────────────┘         │
                                    └─▶ high_variance ──────────────┤
        confounds_file, sample_mask ────────────────────────────────┘

    Neither the number of atlases nor that of regions changes the number of nodes, which write to their folders only.

    Parameters
    ----------
    sizes : Sizes
        Sizes from which the memory of each node is estimated. Default: an hour of whole-brain fMRI and two atlases of
        1 mm.
    name : str
        Name of the workflow.

    Returns
    -------
    Workflow

    Raises
    ------
    LabelsError
        If a parameter has a wrong type or value, or parameters contradict each other.

    Inputs
    ------
    bold_file : str
        fMRI series, 4D; a 3D image is one volume.
    bold_mask : str
        Brain mask, on any voxel grid. With ``use_mask``.
    bold_sidecar : str
        JSON sidecar of the series, for its repetition time.
    atlas_files : list of str
        Label images, probabilistic maps (4D images) and tables of seeds.
    atlas_luts : list of str or None
        Look-up table of each atlas; None for an atlas without one. With ``use_luts``.
    areas_file : str
        With ``weight='area'``: a surface (``.surf.gii``), or areas of vertices (``.shape.gii``), of either hemisphere.
    surface_files : str or list of str
        With ``reports``: surfaces (``.surf.gii``) of one hemisphere or both, on which series of surfaces are shown.
    confounds_file : str or list of str
        Confounds tables, a row per volume. With ``use_confounds``.
    sample_mask : str, list of bool or list of int
        Volumes to retain: a file, a flag per volume, or indices. With ``use_sample_mask``.
    runs : str or list of int
        Run of each volume; runs are denoised separately.
    t_r : float
        Repetition time in s. Default: that of the sidecar, or of the header of the series.

    Outputs
    -------
    {outputs}
    """
    return build_graph(check_parameters(_name(use_mask, use_luts, use_confounds, use_sample_mask, labels,
        background_label, resampling_target, interpolation, unknown_orientation, smoothing_fwhm, strategy, radius,
        allow_overlap, include_nearest, dtype, nan_policy, zeros, weight, missing_labels, min_coverage,
        high_variance_confounds, confounds_columns, confounds_strategy, n_compcor, acompcor, fd_threshold,
        dvars_threshold, min_segment, non_steady_state, confounds_na, standardize_confounds, detrend, filter, low_pass,
        high_pass, standardize, fill_censored, censored_output, project, fill_value, cifti_outputs, connectivity,
        covariance_estimator, fisher_z, reports, atlas_names, num_threads)), sizes, name)  # fmt: skip


#: Parameters of an extraction in the order of the signature.
_ARGUMENTS = tuple(name for name in inspect.signature(init_labels_wf).parameters if name in PARAMETERS)


def _name(*values):
    """Return parameters by name from their values in the order of the signature."""
    return dict(zip(_ARGUMENTS, values, strict=True))


def check_parameters(given):
    """Return parameters in canonical form, without those that are None; LabelsError if they contradict each other."""
    given = {name: value for name, value in validate(given).items() if value is not None}
    if given['use_luts'] and 'labels' in given:
        raise LabelsError('names are given twice: by labels and by use_luts')
    missing = [name for name in REPORTS_NEED if given['reports'] and importlib.util.find_spec(name) is None]
    if missing:
        raise LabelsError(f'reports need {" and ".join(missing)}: {INSTALL % "reports"}')
    return given


fill_parameters(init_labels_wf)
fill_outputs(init_labels_wf)
