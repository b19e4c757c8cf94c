"""How the pictures of a study are laid out."""

from __future__ import annotations

from dataclasses import replace

from sdcli.images.contact_sheet import Sheet, flow_cells


def wrap_single_column(sheet: Sheet, row_form: str = "{name}") -> Sheet:
    """A sheet of one column as lines that fill the width; each picture is named by its row, as
    `row_form` says: "{axis} = {name}"."""
    if len(sheet.columns) != 1 or len(sheet.rows) < 2:
        return sheet
    names = [row_form.format(axis=sheet.axes[0], name=name) for name in sheet.row_names]
    cells = [
        replace(row[0], caption=" · ".join(filter(None, (name, row[0].caption))))
        for name, row in zip(names, sheet.rows, strict=True)
    ]
    column = f"{sheet.axes[1]} = {sheet.columns[0]}" if sheet.axes[1] else sheet.columns[0]
    return flow_cells(sheet.title, cells, " · ".join(filter(None, (column, sheet.subtitle))))
