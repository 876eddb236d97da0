"""Tables."""

import statistics
from dataclasses import dataclass


def number(value):
    return f"{value:.0f}" if value >= 1000 else f"{value:.1f}" if value >= 100 else f"{value:.2f}"


def spread(values):
    return [number(value) for value in (min(values), statistics.median(values), max(values))]


def print_rows(head, rows):
    """The first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, *rows):
        first, *others = (cell.ljust(width) if i == 0 else cell.rjust(width)
                          for i, (cell, width) in enumerate(zip(row, widths)))
        print("  ".join([first, *others]).rstrip())


def print_series(table, against):
    """us per URL; the ratios are those of the best rounds: `against` / the client."""
    own = table.get(against)
    head = ["us per URL", "CPU min", "median", "max", "ratio", "wall min", "median", "max", "ratio"]
    rows = []
    for name, series in table.items():
        cpu = f"{own.cpu / series.cpu:.3f}" if own else "-"
        wall = f"{min(own.wall_us) / min(series.wall_us):.3f}" if own else "-"
        rows.append([name, *spread(series.cpu_us), cpu, *spread(series.wall_us), wall])
    print_rows(head, rows)
    print(f"(ratio: {against} / this, of the best rounds)")


@dataclass
class Target:
    """What a figure is to be at most."""

    what: str
    limit: float
    value: float = None  # None: it could not be measured
    unit: str = "x"

    def row(self):
        verdict = "not measured" if self.value is None else "PASS" if self.value <= self.limit else "MISS"
        measured = "-" if self.value is None else f"{self.value:.3g} {self.unit}"
        return [self.what, f"<= {self.limit:.3g} {self.unit}", measured, verdict]


def print_targets(targets):
    print_rows(["target", "limit", "measured", "verdict"], [target.row() for target in targets])
