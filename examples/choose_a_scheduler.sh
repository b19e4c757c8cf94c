#!/bin/sh
# Which scheduler, how many steps? Measured on your own prompt; open the report it names.
set -e
sdcli compare-schedulers "a red house by the sea at night" \
    --schedulers euler,ddim,dpm++2m-karras,unipc --steps 5,10,20 --seeds 2 --seed 1 \
    --out outputs/schedulers
