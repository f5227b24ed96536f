# SPDX-License-Identifier: BSD-3-Clause
"""Series of surfaces in a dataset: CIFTI series, and pairs of GIFTI series of the two hemispheres."""

from dataclasses import replace
from pathlib import Path

from ..files.hemispheres import list_pair
from ..model.errors import LabelsError
from .names import split_name

#: Extensions of series of surfaces.
CIFTI, GIFTI = '.dtseries.nii', '.func.gii'
SURFACES = (CIFTI, GIFTI)

#: Ends of the names of surfaces whose vertices have the areas of the cortex, and of masks of the cortex.
MIDTHICKNESS, CORTEX_MASK = '_midthickness.surf.gii', '_desc-cortex_mask.label.gii'

#: Value of ``--areas`` for the midthickness surface of each participant.
OF_PARTICIPANT = 'midthickness'

#: Ends of the names of surfaces on which reports show series, the first that exists.
_SHOWN = (MIDTHICKNESS, '_inflated.surf.gii')

#: Space and density of the surfaces of series in a space, where their names differ.
_MESHES = {
    ('fsLR', '91k'): ('fsLR', '32k'),
    ('fsLR', '170k'): ('fsLR', '59k'),
    ('fsaverage5', None): ('fsaverage', '10k'),
    ('fsaverage6', None): ('fsaverage', '41k'),
    ('fsaverage', None): ('fsaverage', '164k'),
}


def list_surface_series(files):
    """Return the series of surfaces among some Files, and a list of pairs (File, reason) of those that are incomplete.

    A pair of hemispheres is the file of the left one, without ``hemi``.
    """
    of_surfaces = [file for file in files if file.suffix == 'bold' and file.extension in SURFACES]
    paths, series, incomplete = {file.path for file in of_surfaces}, [], []
    for file in of_surfaces:
        side = file.entities.get('hemi')
        other = {'L': 'R', 'R': 'L'}.get(side)
        if side is None and file.extension == CIFTI:
            series.append(file)
        elif side is None:
            incomplete.append((file, 'its name has no hemisphere, as in hemi-L'))
        elif other is None or file.path.replace(f'_hemi-{side}_', f'_hemi-{other}_') not in paths:
            incomplete.append((file, 'the series of the other hemisphere is missing'))
        elif side == 'L':
            series.append(replace(file, entities={key: file.entities[key] for key in file.entities if key != 'hemi'}))
    return series, incomplete


def list_hemispheres(file):
    """Return the Files of a series of :func:`list_surface_series`, with the entities in their names."""
    if file.extension != GIFTI:
        return [file]
    return [
        replace(file, path=path, entities=file.entities | {'hemi': side})
        for path, side in zip(name_hemispheres(file.path), 'LR', strict=True)
    ]


def name_hemispheres(path):
    """Return the paths of the files of a series from that of its only file, or of that of the left hemisphere.

    >>> name_hemispheres('sub-1_hemi-L_bold.func.gii')
    ['sub-1_hemi-L_bold.func.gii', 'sub-1_hemi-R_bold.func.gii']
    """
    is_left = path.endswith(GIFTI) and '_hemi-L_' in path
    return [path.replace('_hemi-L_', f'_hemi-{side}_') for side in 'LR'] if is_left else [path]


def is_of_surfaces(spaces, surfaces, volumes):
    """Whether the spaces that are asked for are those of surfaces (Files), and none is that of volumes (Files).

    LabelsError if some are of surfaces and others of volumes.
    """
    asked = list_labels(spaces)
    of_surfaces, of_volumes = ({file.entities.get('space') for file in files} for files in (surfaces, volumes))
    if asked & (of_surfaces - of_volumes) and asked & (of_volumes - of_surfaces):
        of_surfaces, of_volumes = sorted(asked & of_surfaces), sorted(asked & of_volumes)
        raise LabelsError(
            f'--space {" ".join(of_surfaces)} is of surfaces, and {" ".join(of_volumes)} of volumes, which have other '
            'atlases. Process them by two commands'
        )
    return bool(asked) and asked <= of_surfaces and not asked & of_volumes


def list_labels(spaces):
    """Return the labels of spaces without their details, such as ``fsLR`` of ``fsLR:den-91k``."""
    return {name.removeprefix('space-').partition(':')[0] for name in spaces}


def find_surfaces(bold):
    """Return the surfaces of both hemispheres on which a series can be shown, a list of two paths or none.

    The midthickness is preferred to the inflated surface, and of several of one kind the first by name.
    """
    pairs = [pair for ending in _SHOWN for pair in find_pairs(bold, ending) if len(pair) == 2]
    return pairs[0] if pairs else []


def find_pairs(bold, ending, of_other_meshes=False):
    """Return the files of both hemispheres that have the participant and the mesh of a series, a list of pairs.

    A pair is a list of two paths, left before right, or of one if the other file is missing. Files whose names have
    this ending are searched for next to the series, and in the folders ``anat`` of its session, of the participant, and
    of other sessions; those of the first folder that has any are returned. Their names have the mesh of the series:
    ``space-fsLR_den-32k`` of ``space-fsLR_den-91k``, or no space of ``space-fsnative``; or that of another mesh.
    """
    bold = Path(bold).absolute()
    try:
        entities, _, extension = split_name(bold.name)
    except LabelsError:
        return []
    if extension not in SURFACES:
        return []
    own = entities.get('space'), entities.get('den')
    meshes = {own, _MESHES.get(own, own)} | ({(None, None)} if own[0] == 'fsnative' else set())
    places = [[bold.parent], *([parent / 'anat'] for parent in bold.parents[1:3])]
    places += [sorted(parent.glob('ses-*/anat')) for parent in bold.parents[2:3] if 'ses' in entities]
    for folders in places:
        found = [path for folder in folders for path in sorted(folder.glob(f'*_hemi-[LR]*{ending}'))]
        named = [(path, _read_mesh(path.name, entities.get('sub'))) for path in found]
        found = [path for path, mesh in named if mesh is not None and (mesh in meshes) != of_other_meshes]
        if found:
            return [list(pair) for pair in dict.fromkeys(tuple(list_pair(path)) for path in found)]
    return []


def _read_mesh(name, participant):
    """Return the space and the density in the name of a file; None if it is not one of the participant."""
    try:
        entities, *_ = split_name(name)
    except LabelsError:
        return None
    return (entities.get('space'), entities.get('den')) if entities.get('sub') == participant else None
