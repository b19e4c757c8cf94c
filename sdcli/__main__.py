"""`python -m sdcli` is `sdcli`."""

from sdcli.cli.app import run

run()
