#!/bin/sh
# Four pictures of one prompt; their paths are all that goes to stdout.
set -e
sdcli txt2img "a red house by the sea at night" --seed 1 --count 4 --out outputs/first/
