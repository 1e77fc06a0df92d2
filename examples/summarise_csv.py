"""Summarise a CSV text: rows, and least, most and mean of every numeric column.

printf 'city,people\nBern,135000\nBasel,178000\n' | jq -Rs '[.]' |
    capsule run examples/summarise_csv.py --args-file - --result
"""

import csv
import io
import statistics

from capsule import task


@task(name="main", compute="HIGH", ram="512MB", timeout="30s")
def main(text: str) -> dict[str, object]:
    """Return the summary of `text`."""
    rows = list(csv.DictReader(io.StringIO(text)))
    columns: dict[str, object] = {}
    for name in rows[0] if rows else ():
        numbers = [number for row in rows if (number := _number(row[name])) is not None]
        if numbers:
            columns[name] = {
                "least": min(numbers),
                "most": max(numbers),
                "mean": statistics.fmean(numbers),
                "missing": len(rows) - len(numbers),
            }
        else:
            columns[name] = {"different": len({row[name] for row in rows})}
    return {"rows": len(rows), "columns": columns}


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
