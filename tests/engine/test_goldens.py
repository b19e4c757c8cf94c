"""What is drawn today is what was drawn and looked at before."""

from PIL import Image, ImageChops, ImageStat

from tests.helpers import goldens

TOLERANCE = 2.0  # grey levels on average, in the worst channel: what rounding may do elsewhere


def test_the_golden_pictures_are_drawn_again() -> None:
    off = {}
    for name, image in goldens.drawn():
        golden = Image.open(goldens.FOLDER / f"{name}.png").convert("RGB")
        assert image.size == golden.size
        off[name] = max(ImageStat.Stat(ImageChops.difference(image, golden)).mean)
    assert all(distance < TOLERANCE for distance in off.values()), off
