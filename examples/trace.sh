#!/bin/sh
# How a picture comes out of noise, what each word looked at, and what the words changed.
set -e
sdcli trace "a red boat on the sea at sunset" --attention --cfg-split --seed 1 --out outputs/trace
