"""The query language as SQL: the one package that composes it from what clients send.

Every value is bound, every name comes from the schema. An attribute without a value fits no test
but `isNull`, the negative ones included, and sorts below every value. Text is compared by code
points, so upper and lower case differ.
"""

from documents.filters.columns import SELECTABLE, Column, check_select, column, refusal
from documents.filters.conditions import (
    Shape,
    are_of_own_row,
    footing,
    shape,
    values,
    where,
)
from documents.filters.groups import Grouping, grouping
from documents.filters.orders import (
    Sorting,
    beyond,
    edge_has_null,
    edge_values,
    sortings,
)
from documents.filters.related import Related

__all__ = [
    "SELECTABLE",
    "Column",
    "Grouping",
    "Related",
    "Shape",
    "Sorting",
    "are_of_own_row",
    "beyond",
    "check_select",
    "column",
    "edge_has_null",
    "edge_values",
    "footing",
    "grouping",
    "refusal",
    "shape",
    "sortings",
    "values",
    "where",
]
