# SPDX-License-Identifier: BSD-3-Clause
"""Series of surfaces in a dataset: CIFTI series, and pairs of GIFTI series of the two hemispheres."""

from dataclasses import replace

#: Extensions of series of surfaces.
CIFTI, GIFTI = '.dtseries.nii', '.func.gii'
SURFACES = (CIFTI, GIFTI)


def list_surface_series(files, bad_series, spaces=()):
    """Return the series of surfaces among some Files; a pair is the file of the left hemisphere, without ``hemi``.

    Hemispheres without the other one are added to ``bad_series``, if they are in the ``spaces`` that are asked for.
    """
    asked = _list_labels(spaces)
    of_surfaces = [file for file in files if file.suffix == 'bold' and file.extension in SURFACES]
    paths, series = {file.path for file in of_surfaces}, []
    for file in of_surfaces:
        side = file.entities.get('hemi')
        if side is None:
            if file.extension == CIFTI:
                series.append(file)
            elif file.entities.get('space') in asked:
                bad_series[file.path] = 'its name has no hemisphere, as in hemi-L'
            continue
        other = {'L': 'R', 'R': 'L'}.get(side)
        if other is None or file.path.replace(f'_hemi-{side}_', f'_hemi-{other}_') not in paths:
            if file.entities.get('space') in asked:
                bad_series[file.path] = 'the series of the other hemisphere is missing'
        elif side == 'L':
            series.append(replace(file, entities={key: file.entities[key] for key in file.entities if key != 'hemi'}))
    return series


def restore_hemisphere(file):
    """Return a File of :func:`list_surface_series` with the entities in the name of the file."""
    return replace(file, entities=file.entities | {'hemi': 'L'}) if file.extension == GIFTI else file


def is_of_surfaces(spaces, surfaces, volumes):
    """Whether the spaces that are asked for are those of surfaces (Files), and none is that of volumes (Files)."""
    labels = _list_labels(spaces)
    of_surfaces, of_volumes = ({file.entities.get('space') for file in files} for files in (surfaces, volumes))
    return bool(labels) and labels <= of_surfaces and not labels & of_volumes


def _list_labels(spaces):
    """Return the labels of spaces without their details, such as ``fsLR`` of ``fsLR:den-91k``."""
    return {name.removeprefix('space-').partition(':')[0] for name in spaces}
