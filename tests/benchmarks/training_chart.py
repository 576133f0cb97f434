from pathlib import Path


def draw_chart(figures: dict, path: Path) -> None:
    pass
