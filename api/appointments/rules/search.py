"""What appointments a list is to show. Pure."""

from typing import Literal, TypeAlias

from msgspec import Struct

SortField: TypeAlias = Literal["start", "end", "title", "duration", "id", "createdAt"]
PAGE_SIZE = 25
LARGEST_PAGE = 100


class Search(Struct, frozen=True, kw_only=True):
    """Filters, order and page. None or empty: not filtered by that. `durations` are seconds; what shares an instant
    with [`since`, `until`) is found. Pages count from 1.
    """

    organization: str
    application: str | None = None
    organizers: frozenset[str] = frozenset()
    durations: frozenset[float] = frozenset()
    since: float | None = None
    until: float | None = None
    page_size: int = PAGE_SIZE
    page_number: int = 1
    sort_field: SortField = "start"
    is_descending: bool = False

    @property
    def offset(self) -> int:
        """How many come before the page."""
        return (self.page_number - 1) * self.page_size

    def pages(self, total: int) -> int:
        """How many pages so many make."""
        return -(-total // self.page_size)
