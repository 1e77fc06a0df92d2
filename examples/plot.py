"""Draw numbers as a line, and return the picture: a PNG in base64, since results are JSON.

capsule run examples/plot.py 3 1 4 1 5 --result | base64 -d > plot.png
"""

import base64
import io

import matplotlib.pyplot as plt

from capsule import task


@task(name="main", compute="HIGH", ram="512MB", timeout="30s")
def main(*numbers: float) -> str:
    """Return the picture of `numbers`."""
    figure, axes = plt.subplots(figsize=(4, 3))
    axes.plot(numbers, marker="o")
    axes.set_title(f"{len(numbers)} numbers")
    dump_memory = io.BytesIO()
    figure.savefig(dump_memory, format="png")
    return base64.b64encode(dump_memory.getvalue()).decode()
