# SPDX-License-Identifier: BSD-3-Clause
"""What every test shares: a quiet Nipype and real data from installed packages."""

import os

import pytest

os.environ['NO_ET'] = '1'  # no look-up of newer Nipype releases

pytest.register_assert_rewrite('series_cases')  # asserts outside test files, told as those within them are
