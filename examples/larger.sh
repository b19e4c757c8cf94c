#!/bin/sh
# A picture, and the same four times larger by the upscaler in the box; it still carries how it was drawn.
set -e
sdcli txt2img "a red house by the sea at night" --seed 1 --out outputs/larger/small.png --force
sdcli upscale outputs/larger/small.png --out outputs/larger/large.png --force
