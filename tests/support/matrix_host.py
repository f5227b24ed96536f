# SPDX-License-Identifier: BSD-3-Clause
"""A host's script: the factory's graph run once, in a process of its own, as its JSON argument says.

- ``folder``: where the files are, and the work folder unless ``work`` names another;
- ``plugin``, ``plugin_args``: Nipype's, or ``'Watched'`` for ours;
- ``parameters``: of the factory;
- ``upstream``: what a node of the host's gives, by field of the inputnode;
- ``n_runs``: how many series, ``bold-0.nii.gz`` and so on, instead of one;
- ``vanishes``: a file that is removed between construction and run;
- ``numerics``: an interface whose numbers are said to have changed.

It writes ``started`` when the graph is about to run, and what the run gave to ``outcome.json`` or as ``outcome`` says.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

from nipype import config
from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe

from nipype_labels import interfaces
from nipype_labels.workflows import init_labels_wf
from nipype_labels.workflows.plugin import WatchedMultiProcPlugin

# Workers that import this file again change the same.
if os.environ.get('NUMERICS'):
    getattr(interfaces, os.environ['NUMERICS']).input_spec.numerics += 1

PARAMETERS = {
    'use_mask': True,
    'use_luts': True,
    'use_confounds': True,
    'high_variance_confounds': True,
    'detrend': True,
    'project': 'labels',
}

#: Nodes whose outputs are compared.
GIVING = ('apply_mask', 'reduce', 'clean', 'project')

#: Values that JSON cannot hold, or that are invalid.
UPSTREAM = {'number': 3, 'text': 'fast', 'nowhere': '/nowhere/at/all', 'nested': [['a', 1]], 'empty': []}


def give(value):
    """Return the value of a node of the host."""
    return (lambda: value) if value == 'lambda' else value


def init_host_wf(case, folder):
    """The graph of the factory on the files of a folder, with nodes of the host for upstream values."""
    wf = pe.Workflow('host', base_dir=case.get('work', str(folder / 'work')))
    labels = init_labels_wf(**PARAMETERS | case.get('parameters', {}))
    files = {
        'bold_file': 'bold.nii.gz',
        'atlas_files': ['one.nii.gz', 'two.nii.gz'],
        'atlas_luts': ['one.tsv', None],
        'bold_mask': 'mask.nii.gz',
        'confounds_file': 'confounds.tsv',
    }
    for field, value in files.items():
        if field in case.get('upstream', {}):
            continue
        paths = [name and str(folder / name) for name in value] if isinstance(value, list) else str(folder / value)
        setattr(labels.get_node('inputnode').inputs, field, paths)
    wf.add_nodes([labels])
    if 'n_runs' in case:
        series = [str(folder / f'bold-{i}.nii.gz') for i in range(case['n_runs'])]
        labels.get_node('inputnode').iterables = ('bold_file', series)
    for field, value in case.get('upstream', {}).items():
        node = pe.Node(niu.Function(input_names=['value'], output_names=['value'], function=give), name=f'give_{field}')
        node.inputs.value = UPSTREAM.get(value, value)
        wf.connect(node, 'value', labels, f'inputnode.{field}')
    return wf


def main(case, build=init_host_wf):
    """Run the case on the graph that ``build`` makes for it; the exit status."""
    folder = Path(case['folder'])
    config.update_config(
        {
            'execution': {
                'check_version': 'false',
                'crashdump_dir': str(folder / 'crash'),
                'crashfile_format': 'txt',
                'poll_sleep_duration': '0.01',
                'stop_on_first_crash': 'true',
                'job_finished_timeout': '5',
            }
        }
    )
    wf = build(case, folder)
    if 'vanishes' in case:
        (folder / case['vanishes']).unlink()
    plugin, arguments = case.get('plugin', 'Linear'), case.get('plugin_args', {})
    outcome = folder / case.get('outcome', 'outcome.json')
    outcome.unlink(missing_ok=True)
    (folder / 'started').write_text(str(os.getpid()))
    try:
        if plugin == 'Watched':
            graph = wf.run(plugin=WatchedMultiProcPlugin(plugin_args=arguments))
        else:
            graph = wf.run(plugin=plugin, plugin_args=arguments)
        given = {node.itername: node.result.outputs.get() for node in graph.nodes() if node.name in GIVING}
    except Exception as e:
        outcome.write_text(json.dumps({'error': str(e) or repr(e)}))
        return 1
    outcome.write_text(json.dumps({'digests': digests(given)}))
    return 0


def digests(outputs):
    """Digests of the files that outputs name; other values as they are."""
    found = {}
    for node, fields in outputs.items():
        for field, value in fields.items():
            for i, entry in enumerate(value if isinstance(value, list) else [value]):
                isfile = isinstance(entry, str) and Path(entry).is_file()
                found[f'{node}.{field}.{i}'] = (
                    hashlib.md5(Path(entry).read_bytes()).hexdigest() if isfile else str(entry)
                )
    return found


if __name__ == '__main__':
    sys.exit(main(json.loads(sys.argv[1])))
