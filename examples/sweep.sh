#!/bin/sh
# One word and one option varied, everything else kept: a sheet, and a page to look closer.
set -e
sdcli sweep "a red house by the sea at night" \
    --vary "house=house,tree,boat" --vary cfg=1,4,8 --seed 1 --out outputs/sweep
