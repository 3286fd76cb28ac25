"""A table of three observations as CSV text, and a function that writes it in a file."""

from __future__ import annotations

from pathlib import Path

HEADER = "indicator,mission,dimensions,period_start,period_end,value,status,source,page,note"
PLAIN = f"""{HEADER}
sofa_incidents_new,UNMISS,,2023-11-01,2024-04-30,40,A,"A4P+ report, cycle 5",15,
tpp_trainees,ALL,training=Medical,2023-11-01,2024-04-30,,V,"A4P+ report, cycle 5",5,"given ""wait"", and
so on; | see page 6"
women_heads_and_deputies_ratio,ALL,,2023-11-01,2024-04-30,0.37,P,Département des opérations de paix,6,
"""
LAST_LINE = "sofa_incidents_new,MONUSCO,,2023-11-01,2024-04-30,{value},A,report,15,\n"


def write(file: Path, content: str | bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file
