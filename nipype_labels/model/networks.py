# SPDX-License-Identifier: BSD-3-Clause
"""Hemisphere and network of regions, from the names that published atlases give them, and the order of matrices."""

import re
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

#: Networks in names that do not say how many networks there are: of Yeo 2011, Schaefer 2018 and Kong 2022, with or
#: without the letter of a part (``DefaultA``), then of Gordon 2016.
_NETWORKS = (
    *('Vis', 'VisCent', 'VisPeri', 'Visual', 'SomMot', 'DorsAttn', 'SalVentAttn', 'Limbic', 'Cont', 'Default'),
    *('TempPar', 'Aud', 'Language', 'Auditory', 'CinguloOperc', 'CinguloParietal', 'DorsalAttn', 'FrontoParietal'),
    *('MedialParietal', 'ParietoOccip', 'RetrosplenialTemporal', 'SMhand', 'SMmouth', 'Salience', 'VentralAttn'),
)

#: Names of Yeo 2011 and Schaefer 2018 with the number of networks: 7Networks_LH_Vis_1, 17Networks_5.
_NUMBERED = re.compile(r'\d+Networks_(?:(?P<side>[LR])H_)?(?P<network>[0-9A-Za-z]+)(?:_.*)?')

#: Other names with a network, after the hemisphere and before a number: LH_SomMotA_Cent_1, L_Default_12.
_NETWORK = re.compile(rf'(?P<side>[LR])H?_(?P<network>(?:{"|".join(_NETWORKS)})[A-C]?)_(?:[0-9A-Za-z]+_)?\d+')

#: Names with a hemisphere: L_V1_ROI, Left-Thalamus, ctx-lh-insula, Precentral_L, Area 44 - left hemisphere.
_SIDE = r'(?P<side>[LR]H?|[lr]h|[Ll]eft|[Rr]ight)'
_SIDE_FIRST = re.compile(rf'(?:ctx[-_])?{_SIDE}[-_. ].+')
_SIDE_LAST = re.compile(rf'.+[-_. (]{_SIDE}(?: hemisphere|\))?')


class Place(NamedTuple):
    """Network and hemisphere (``L`` or ``R``) of a region, each empty if its name does not say."""

    network: str
    hemisphere: str


def find_place(name: str) -> Place:
    """Return the network and hemisphere of a region of Schaefer, Yeo, Gordon, Glasser, AAL or FreeSurfer by its name.

    >>> find_place('7Networks_RH_Default_PFC_3'), find_place('L_V1_ROI'), find_place('Vermis_3')
    (Place(network='Default', hemisphere='R'), Place(network='', hemisphere='L'), Place(network='', hemisphere=''))
    """
    for pattern in (_NUMBERED, _NETWORK, _SIDE_FIRST, _SIDE_LAST):
        if found := pattern.fullmatch(name):
            groups = found.groupdict()
            return Place(groups.get('network') or '', (groups['side'] or '')[:1].upper())
    return Place('', '')


class Block(NamedTuple):
    """Neighbours in an order, from ``begin`` up to ``end``, that have a network (or hemisphere) in common."""

    name: str
    begin: int
    end: int


def order_by_network(places: Sequence[Place]) -> list[int]:
    """Return the positions of regions by network, then by hemisphere; else the order of the atlas is kept.

    Networks are in the order of their first region. Regions without a network, or a hemisphere, are the last.

    >>> order_by_network([Place('Vis', 'L'), Place('', ''), Place('Cont', 'L'), Place('Vis', 'R')])
    [0, 3, 2, 1]
    """
    networks = {
        network: i for i, network in enumerate(dict.fromkeys(place.network for place in places if place.network))
    }
    rank = {'L': 0, 'R': 1, '': 2}
    keys = [(networks.get(place.network, len(networks)), rank[place.hemisphere]) for place in places]
    return sorted(range(len(places)), key=keys.__getitem__)


def find_blocks(names: Sequence[str]) -> list[Block]:
    """Return the blocks of equal neighbours.

    >>> find_blocks(['Vis', 'Vis', ''])
    [Block(name='Vis', begin=0, end=2), Block(name='', begin=2, end=3)]
    """
    blocks, begin = [], 0
    for name, group in groupby(names):
        end = begin + len(list(group))
        blocks.append(Block(name, begin, end))
        begin = end
    return blocks
