"""Records: the standard library's dataclasses, without their cost at start.

`dataclasses` writes the source of six methods for each class and compiles it at import: 0.4 ms a
class, more than everything else that bootd imports of its own. It also imports `inspect`, 5 ms.
Here all methods but `__init__` are shared, and that one is made when the first value is.

For type checkers these *are* the standard ones, and `fields`, `replace` and `is_dataclass` of
`dataclasses` take these records as well. Not supported: inheritance of fields, `InitVar`,
`ClassVar`, and fields that take no part in comparison or in `repr`. `slots` is always on.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import MISSING as MISSING
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
    from dataclasses import fields as fields
    from dataclasses import is_dataclass as is_dataclass
    from dataclasses import replace as replace
else:
    from bootd.record.shape import MISSING as MISSING
    from bootd.record.shape import dataclass as dataclass
    from bootd.record.shape import field as field
    from bootd.record.shape import fields as fields
    from bootd.record.shape import is_dataclass as is_dataclass
    from bootd.record.shape import replace as replace
