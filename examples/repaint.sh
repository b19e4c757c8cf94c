#!/bin/sh
# A house, then the same picture with another house in its middle; outside the mask no pixel changes.
set -e
sdcli txt2img "a red house in the snow" --seed 3 --out outputs/repaint/before.png --force
python3 - <<'PYTHON'
from PIL import Image

mask = Image.new("L", (192, 192), 0)
mask.paste(255, (36, 36, 156, 168))
mask.save("outputs/repaint/mask.png")
PYTHON
sdcli inpaint "a blue mushroom in the snow" --seed 3 --strength 1 \
    --image outputs/repaint/before.png --mask outputs/repaint/mask.png \
    --out outputs/repaint/after.png --force
