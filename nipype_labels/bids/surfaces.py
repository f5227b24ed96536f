# SPDX-License-Identifier: BSD-3-Clause
"""Series of surfaces in a dataset: CIFTI series, and pairs of GIFTI series of the two hemispheres."""

from dataclasses import replace

from ..model.errors import LabelsError

#: Extensions of series of surfaces.
CIFTI, GIFTI = '.dtseries.nii', '.func.gii'
SURFACES = (CIFTI, GIFTI)


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
    paths = [file.path.replace('_hemi-L_', f'_hemi-{side}_') for side in 'LR']
    return [
        replace(file, path=path, entities=file.entities | {'hemi': side})
        for path, side in zip(paths, 'LR', strict=True)
    ]


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
