"""Pages that one walk along an index finds, whatever the values that are asked for.

For these one plan is right for all, so the database may keep it: planning takes as long as reading
a page. It does so if the plan seems to cost no more than those for the values that came so far.
So the text must tell how many documents are wanted, and hide how many a role may read.
"""

from collections.abc import Hashable
from functools import lru_cache

from documents.filters import Shape
from documents.indexes import Walk
from kernel.query import Order

CACHED_ANSWERS = 4096
#: The orders that the keys of every partition keep.
_BY_KEYS: tuple[Walk, ...] = ((("$sequence", False),), (("$id", False),))


@lru_cache(maxsize=CACHED_ANSWERS)
def is_one_walk(
    walks: tuple[Walk, ...], shape: tuple[Shape, ...], orders: tuple[Order, ...]
) -> bool:
    """Tell whether the best plan for a page is the same, whatever the values.

    `walks` are the orders that indexes keep, `shape` is that of the conditions (`filters.shape`).
    """
    if any(method != "equal" or rest[1] is not True for method, *rest in shape):
        return False
    fixed = frozenset(attribute for _method, attribute, *_ in shape)
    steps = tuple((each.attribute, each.is_descending) for each in orders)
    return any(_leads(walk, fixed, steps or _BY_KEYS[0]) for walk in (*_BY_KEYS, *walks))


def _leads(walk: Walk, fixed: frozenset[Hashable], steps: Walk) -> bool:
    """Tell whether an index has first what is fixed, then what the page is ordered by."""
    first, rest = walk[: len(fixed)], walk[len(fixed) :][: len(steps)]
    if {key for key, _ in first} != fixed:
        return False
    return rest in (steps, tuple((key, not is_descending) for key, is_descending in steps))
