# SPDX-License-Identifier: BSD-3-Clause
"""Workflow factory that writes the outputs of an extraction as a BIDS derivatives dataset."""

import inspect
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe

from ..bids.outputs import plan_files
from ..core.validation import normalize
from ..interfaces import SaveDerivatives
from ..model.docstrings import fill_outputs, fill_parameters
from ..model.outputs import NODE_OUTPUTS
from ..model.parameters import PARAMETERS
from .boilerplate import describe
from .labels import check_parameters, init_labels_wf
from .nodes import make_node

#: Fields of ``inputnode``: outputs of the extraction, and inputs that sidecars describe.
FIELDS = (*(output.key for output in NODE_OUTPUTS), 'atlas_files', 'areas_file', 'bold_sidecar', 'confounds_file')

#: Arguments of the extraction that change no number.
_RESOURCES = ('reports', 'atlas_names', 'num_threads')

#: Peak memory in GB: a process with its libraries, and tables of regions.
_MEM_GB = 0.25


def init_labels_derivatives_wf(
    *,
    out_dir: str | os.PathLike,
    source: str,
    atlas_labels: Sequence[str],
    parameters: dict[str, Any],
    desc: str | None = None,
    digits: int | None = None,
    atlas_scales: Sequence[str | None] | None = None,
    dataset_links: dict[str, str] | None = None,
    more_sources: Sequence[str] = (),
    name: str = 'labels_derivatives_wf',
) -> pe.Workflow:
    """Write the outputs of an extraction into a derivatives dataset, with sidecars, under BIDS names.

    .. code-block:: text

        outputs of init_labels_wf ───┬─▶ save ─▶ out_files
        atlas_files, bold_sidecar ───┤
        confounds_file ──────────────┤
        report, images ──────────────┘

    Only this workflow writes outside the folders of its nodes; :func:`init_labels_wf` never does.

    Parameters
    ----------
    out_dir : path
        Folder of the dataset; created if it does not exist. It must not hold another dataset.
    source : str
        Path of the series within its dataset, as in ``'sub-01/func/sub-01_task-rest_desc-preproc_bold.nii.gz'``.
    atlas_labels : list of str
        A label for each atlas, of letters and digits (:func:`nipype_labels.bids.names.make_labels`).
    parameters : dict
        Arguments of :func:`init_labels_wf` for the extraction.
    desc : str, optional
        Label of letters and digits that distinguishes these files from those of other parameters.
    atlas_scales : list of (str or None), optional
        Label of ``scale`` for each atlas.
    dataset_links : dict of str to str, optional
        Addresses of datasets, or their paths from ``out_dir``; ``'preprocessed'`` is the dataset of the series. BIDS
        requires it, because URIs in sidecars refer to it.
    more_sources : list of str
        Paths of further inputs (confounds, mask) within the dataset of the series.
    name : str
        Name of the workflow.

    Returns
    -------
    Workflow

    Raises
    ------
    LabelsError
        If a name cannot be built, two atlases have the same label, or parameters contradict each other.
    TypeError
        If :func:`init_labels_wf` has no such parameter.

    Inputs
    ------
    {outputs}
    atlas_files : list of str
        Atlases as they were given to the extraction.
    areas_file : str
        Surface or areas of vertices of either hemisphere, if they were given to the extraction.
    bold_sidecar : str
        JSON sidecar of the series.
    confounds_file : str
        Confounds table of fMRIPrep, whose mean framewise displacement sidecars contain. It need not have been used.

    Outputs
    -------
    out_files : list of str
        All files of the run, and those at the top of the dataset.
    """
    known = inspect.signature(init_labels_wf).bind(**parameters)
    known.apply_defaults()
    parameters = check_parameters({key: value for key, value in known.arguments.items() if key in PARAMETERS})
    recorded = {key: value for key, value in parameters.items() if key not in _RESOURCES}
    scales = None if atlas_scales is None else [scale or '' for scale in atlas_scales]
    plan_files(source, list(atlas_labels), recorded, desc, scales)
    choices = {
        'out_dir': str(Path(out_dir).expanduser().absolute()),
        'source': str(source),
        'atlas_labels': list(atlas_labels),
        'atlas_scales': scales,
        'desc': desc,
        'digits': normalize('digits', digits),
        'dataset_links': json.dumps({key: str(place) for key, place in sorted((dataset_links or {}).items())}),
        'more_sources': list(more_sources) or None,
        'parameters': json.dumps(recorded),
        'methods': describe(parameters),
    }
    given = {key: value for key, value in choices.items() if value is not None}
    wf = pe.Workflow(name=name)
    inputnode = pe.Node(niu.IdentityInterface(fields=list(FIELDS), mandatory_inputs=False), name='inputnode')
    outputnode = pe.Node(niu.IdentityInterface(fields=['out_files']), name='outputnode')
    save = make_node(SaveDerivatives(**given), 'save', _MEM_GB)
    wf.connect([(inputnode, save, [(field, field) for field in FIELDS])])
    wf.connect(save, 'out_files', outputnode, 'out_files')
    return wf


fill_parameters(init_labels_derivatives_wf)
fill_outputs(init_labels_derivatives_wf)
