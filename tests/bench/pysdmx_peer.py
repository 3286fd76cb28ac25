"""pysdmx reads an SDMX-CSV file and writes it again, in a process of its own: service modules block pandas."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
from pysdmx.io import read_sdmx, write_sdmx
from pysdmx.io.format import Format
from pysdmx.io.pd import PandasDataset
from pysdmx.model.dataset import ActionType

from tests.bench.measure import answer


def read_and_write(file: Path, structure: Path) -> None:
    """Write the seconds of both."""
    started = time.perf_counter()
    (found,) = read_sdmx(file, validate=False).data or []
    read = time.perf_counter() - started
    frame: pd.DataFrame = getattr(found, "data")  # noqa: B009
    artefacts: Any = read_sdmx(structure, validate=False).structures
    (definition,) = (part for part in artefacts if type(part).__name__ == "DataStructureDefinition")
    dataset = PandasDataset(structure=definition.to_schema(), data=frame, action=ActionType.Append)
    started = time.perf_counter()
    write_sdmx([dataset], Format.DATA_SDMX_CSV_2_1_0, output_path=str(file.with_name("pysdmx.csv")))
    answer(read=read, write=time.perf_counter() - started)


if __name__ == "__main__":
    read_and_write(*map(Path, sys.argv[1:]))
