#!/bin/sh
# A style from a dozen pictures: the model's own, turned blue. Some minutes on two cores.
set -e
sdcli txt2img "a red house by the sea" --count 12 --seed 0 --out "outputs/pictures/{seed}.png"
python3 - <<'PYTHON'
from pathlib import Path

from PIL import Image, ImageOps

for path in Path("outputs/pictures").glob("*.png"):
    grey = ImageOps.grayscale(Image.open(path))
    ImageOps.colorize(grey, "navy", "white").save(path)
    path.with_suffix(".txt").write_text("a house by the sea")
PYTHON
sdcli train lora outputs/pictures --out outputs/blue.safetensors --trigger "blue pencil sketch" --force \
    --steps 300 --batch 4 --lr 2e-3 --save-every 100 --sample "blue pencil sketch, a cat on a meadow"
sdcli lora show outputs/blue.safetensors
sdcli txt2img "blue pencil sketch, a boat at night" --lora outputs/blue.safetensors --seed 1 --out outputs/boat.png
