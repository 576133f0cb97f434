"""What the small exam of the tests is made of."""

from tests.data_scripts.samples import record

OPTIONS = {"num_rows": 4, "num_gallery": 16, "image_size": 96, "retriever": "letter counts"}


def records() -> dict[int, dict]:
    """Geometry3K records of the test and the validation split: one figure with other letters and another length."""
    made = {}
    for step, number in enumerate([*range(2401, 2406), *range(2101, 2113), 5]):
        names = str.maketrans("ABCM", "".join("ABCDEFGHKLMNPQRSTUVWXYZ"[(step + i) % 23] for i in range(4)))
        plain = record()
        made[number] = {
            "point_positions": {name.translate(names): place for name, place in plain["point_positions"].items()},
            "line_instances": [line.translate(names) for line in plain["line_instances"]],
            "circle_instances": [name.translate(names) for name in plain["circle_instances"]],
            "diagram_logic_forms": [
                relabelled(form, names).replace(" 8)", f" {8 + step})") for form in plain["diagram_logic_forms"]
            ],
        }
    return made


def relabelled(form: str, names: dict) -> str:
    """A logic form with other letters; the names of its predicates stay."""
    return "".join(
        letter.translate(names) if form[i - 1 : i] in "( " and form[i + 1 : i + 2] in ",)" else letter
        for i, letter in enumerate(form)
    )
