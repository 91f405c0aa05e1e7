# SPDX-License-Identifier: MIT
# A namespace for which no stub is installed is untyped, as it is where there are no stubs at all.

from typing import Any

def __getattr__(name: str) -> Any: ...
