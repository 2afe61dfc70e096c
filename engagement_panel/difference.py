"""How the rows of two versions of a relation differ."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

NAMES_OF_PEOPLE = {"full_name"}
EXAMPLES = 3

Row = tuple[str | None, ...]
T = TypeVar("T")


@dataclass(frozen=True)
class Version:
    """A version of a relation: all its columns, and its rows, as text, in the columns that both versions have."""

    columns: Sequence[str]
    rows: Sequence[Row]


@dataclass(frozen=True)
class Difference:
    """What the second version has otherwise than the first."""

    shared_columns: Sequence[str]
    added_columns: Sequence[str]
    lost_columns: Sequence[str]
    key: Collection[str]
    changed: Sequence[tuple[Row, Row]]
    appeared: Sequence[Row]
    vanished: Sequence[Row]
    is_reordered: bool

    def __bool__(self) -> bool:
        return bool(self.summary())

    def summary(self) -> str:
        """Say how many rows differ, and in which columns; nothing if the versions are the same."""
        by_column = Counter(column for rows in self.changed for column, _, _ in self._changes(*rows))
        parts = [
            f"{_rows(self.changed, 'changes', 'change')} ({_listed(by_column)})" if self.changed else "",
            _rows(self.appeared, "appears", "appear"),
            _rows(self.vanished, "vanishes", "vanish"),
            "the rows come in another order" if self.is_reordered else "",
            f"a new column: {', '.join(self.added_columns)}" if self.added_columns else "",
            f"a column less: {', '.join(self.lost_columns)}" if self.lost_columns else "",
        ]
        return "; ".join(part for part in parts if part)

    def examples(self, with_names: bool) -> list[str]:
        """Give a few rows of each kind, a line each, without names of people unless they are asked for."""

        def text(column: str, *values: str | None) -> str:
            if column in NAMES_OF_PEOPLE and not with_names:
                return f"{column} (see --names)"
            return f"{column} {' -> '.join('null' if value is None else value for value in values)}"

        def whole(row: Row, columns: Collection[str]) -> str:
            pairs = zip(self.shared_columns, row, strict=True)
            return ", ".join(
                text(column, value)
                for column, value in pairs
                if column in columns and (with_names or column not in NAMES_OF_PEOPLE)
            )

        def change(rows: tuple[Row, Row]) -> str:
            label = whole(rows[0], {*self.key, *NAMES_OF_PEOPLE})
            changes = ", ".join(text(*change) for change in self._changes(*rows))
            return f"{label}: {changes}" if label else changes

        return [
            *_few(self.changed, change),
            *_few(self.appeared, lambda row: f"appears: {whole(row, self.shared_columns)}"),
            *_few(self.vanished, lambda row: f"vanishes: {whole(row, self.shared_columns)}"),
        ]

    def _changes(self, old: Row, new: Row) -> Iterator[tuple[str, str | None, str | None]]:
        """Give the columns in which two rows differ, with their values."""
        for column, before, after in zip(self.shared_columns, old, new, strict=True):
            if before != after:
                yield column, before, after


def compare(old: Version, new: Version, key: Collection[str]) -> Difference:
    """Compare two versions: by the key, or as bags of rows if it does not tell their rows apart. One row is itself."""
    shared = [column for column in old.columns if column in new.columns]
    if len(old.rows) == len(new.rows) == 1:
        key = ()
    positions = [shared.index(column) for column in key if column in shared]

    def by_key(rows: Sequence[Row]) -> dict[Row, Row]:
        return {tuple(row[position] for position in positions): row for row in rows}

    old_rows, new_rows = by_key(old.rows), by_key(new.rows)
    if len(positions) == len(key) and len(old_rows) == len(old.rows) and len(new_rows) == len(new.rows):
        changed = [(old_rows[id], row) for id, row in new_rows.items() if id in old_rows and old_rows[id] != row]
        appeared = [row for id, row in new_rows.items() if id not in old_rows]
        vanished = [row for id, row in old_rows.items() if id not in new_rows]
    else:
        changed = []
        appeared = [*(Counter(new.rows) - Counter(old.rows)).elements()]
        vanished = [*(Counter(old.rows) - Counter(new.rows)).elements()]
    return Difference(
        shared,
        [column for column in new.columns if column not in shared],
        [column for column in old.columns if column not in shared],
        key,
        changed,
        appeared,
        vanished,
        is_reordered=not (changed or appeared or vanished) and old.rows != new.rows,
    )


def _rows(rows: Sequence[object], one: str, many: str) -> str:
    return f"{len(rows):,} row{' ' + one if len(rows) == 1 else 's ' + many}" if rows else ""


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{column} in {count:,}" for column, count in counts.most_common())


def _few(rows: Sequence[T], text: Callable[[T], str]) -> list[str]:
    lines = [text(row) for row in islice(rows, EXAMPLES)]
    return [*lines, f"and {len(rows) - EXAMPLES:,} more"] if len(rows) > EXAMPLES else lines
