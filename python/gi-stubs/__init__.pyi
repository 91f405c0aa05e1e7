# SPDX-License-Identifier: MIT
# Untyped, as gi is without stubs. PyGObject-stubs has a file of this name that says more; where
# both are installed into one folder, either may take the place of the other.

from typing import Any

def __getattr__(name: str) -> Any: ...
