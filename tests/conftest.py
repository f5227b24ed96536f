# SPDX-License-Identifier: BSD-3-Clause
"""What every test shares: a quiet Nipype and real data from installed packages."""

import os

os.environ['NO_ET'] = '1'  # no look-up of newer Nipype releases
