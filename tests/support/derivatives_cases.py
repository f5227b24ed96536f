# SPDX-License-Identifier: BSD-3-Clause
"""A small run, made by the nodes of an extraction, and the node that writes its derivatives."""

import json

import numpy as np
from images import save_image

from nipype_labels.files.tables import write_signals
from nipype_labels.interfaces import (
    ApplyMask,
    CleanSignal,
    Connectivity,
    HighVarianceConfounds,
    InverseProject,
    ReduceLabels,
    SaveDerivatives,
)

SOURCE = 'sub-01/func/sub-01_task-rest_space-MNI152NLin2009cAsym_res-2_desc-preproc_bold.nii.gz'
PARAMETERS = {
    'strategy': 'mean',
    'detrend': True,
    'standardize': 'zscore',
    'connectivity': 'correlation',
    'project': 'labels',
    'high_variance_confounds': True,
    'censored_output': 'drop',
}
AFFINE = np.diag([3.0, 3, 3, 1])


def make_run(folder):
    """Outputs of nodes for a series of 30 volumes and two atlases, by the names of the inputs of SaveDerivatives."""
    rng = np.random.default_rng(6)
    one = np.ones((6, 6, 6), dtype='int16')
    one[3:] = 2
    two = one + np.int16(10)
    atlases = [
        str(save_image(folder / f'{name}.nii.gz', labels, AFFINE)) for name, labels in (('one', one), ('two', two))
    ]
    values = rng.normal(500, 9, (6, 6, 6, 30)).astype('float32')
    bold = str(save_image(folder / 'bold.nii.gz', values, AFFINE, 2.0))
    luts = ['index\tname\n1\tLeft\n2\tRight\n', 'index\tname\n11\tSources\n12\tRepetitionTime\n13\tNowhere\n']
    for i, lut in enumerate(luts):
        (folder / f'{i}.tsv').write_text(lut)
    sidecar = {'RepetitionTime': 2.0, 'StartTime': 0.98, 'SkullStripped': False, 'TaskName': 'rest'}
    (folder / 'bold.json').write_text(json.dumps(sidecar))
    write_signals(folder / 'confounds.tsv', ['rot_x'], rng.normal(size=(30, 1)))

    def run(interface, **inputs):
        (folder / interface.__name__).mkdir(exist_ok=True)
        return interface(**inputs).run(cwd=str(folder / interface.__name__)).outputs

    placed = run(ApplyMask, labels_files=atlases, lut_files=[str(folder / f'{i}.tsv') for i in range(2)])
    reduced = run(ReduceLabels, in_file=bold, labels_files=placed.out_files, regions_files=placed.regions_files)
    varying = run(HighVarianceConfounds, in_file=bold, n_confounds=1).out_file
    cleaned = run(
        CleanSignal,
        signals_files=reduced.out_files,
        confounds_files=str(folder / 'confounds.tsv'),
        high_variance_file=varying,
        header_t_r=2.0,
        detrend=True,
        standardize='zscore',
        sample_mask=[i for i in range(30) if i not in (4, 5)],
    )
    projected = run(
        InverseProject,
        signals_files=cleaned.out_files,
        labels_files=placed.out_files,
        regions_files=reduced.regions_files,
    )
    drawn = {name: folder / name for name in ('report.html', 'contours-0.svg', 'contours-1.svg')}
    for name, path in drawn.items():
        path.write_text(f'<p>{name}</p>')
    return {
        'atlas_files': atlases,
        'bold_sidecar': str(folder / 'bold.json'),
        'raw_timeseries': reduced.out_files,
        'timeseries': cleaned.out_files,
        'regions': reduced.regions_files,
        'labels': placed.out_files,
        'mean_volume': reduced.mean_file,
        'censoring': cleaned.censoring_file,
        'cleaning': cleaned.cleaning_file,
        'high_variance_confounds': varying,
        'projected': projected.out_files,
        'connectivity': run(Connectivity, signals_files=cleaned.out_files).out_files,
        'report': str(drawn['report.html']),
        'contours': [str(drawn[f'contours-{i}.svg']) for i in range(2)],
    }


def saver(made, out, **changed):
    """The node with these inputs; None removes an input."""
    inputs = {
        'source': SOURCE,
        'atlas_labels': ['One', 'Two'],
        'parameters': json.dumps(PARAMETERS),
        'methods': 'Signals were cleaned.',
        'dataset_links': '{"preprocessed": "../fmriprep"}',
        'out_dir': str(out),
        **made,
        **changed,
    }
    return SaveDerivatives(**{key: value for key, value in inputs.items() if value is not None})
