"""The formats pictures are written in: a file each, with how it carries texts, gives and loses them."""
